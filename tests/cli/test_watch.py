"""tierwall watch: what is new or worse is told once, over the notifier's own protocol."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scanner.bundled import bundled
from scanner.cli import main
from scanner.store import Store
from scanner.store.lock import CollectionLock


class Inbox(ThreadingHTTPServer):
    """Takes messages on loopback; answers with `status`."""

    def __init__(self) -> None:
        self.messages: list[dict[str, str]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), Post)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server_address[1]}"


class Post(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            self.server.messages.append({"title": body["title"], "text": body["message"]})
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    shutil.copytree(bundled("fixtures", "acme", "config"), tmp_path / "config")
    shutil.copyfile(bundled("fixtures", "acme", "tierwall.yaml"), tmp_path / "tierwall.yaml")
    (tmp_path / "hash.key").write_text("00" * 32, encoding="utf-8")
    (tmp_path / "hash.key").chmod(0o600)
    return tmp_path


def watch(folder: Path, inbox: Inbox) -> int:
    return main([
        "watch", "-q", "--source", "config", "--db", str(folder / "tierwall.db"), "-c", str(folder / "tierwall.yaml"),
        "--hash-key", str(folder / "hash.key"), "--every", "1s", "--count", "1", "--notify", inbox.url,
    ])  # fmt: skip


def test_each_finding_is_told_once(acme: Path, inbox: Inbox) -> None:
    assert watch(acme, inbox) == 0
    assert watch(acme, inbox) == 0
    (message,) = inbox.messages
    assert message["title"] == "Tierwall: 5 new or worse findings in Acme"
    assert "PLANTED" not in message["text"]


def test_what_gets_worse_is_told_and_nothing_else(acme: Path, inbox: Inbox) -> None:
    watch(acme, inbox)
    layer = acme / "config" / "integration.yml"
    layer.write_text(
        layer.read_text(encoding="utf-8").replace("${DATABASE_PASSWORD}", "in-clear-now"), encoding="utf-8"
    )
    watch(acme, inbox)
    assert inbox.messages[1]["title"] == "Tierwall: 1 new or worse finding in Acme"
    assert "Configuration files refer to secrets and hold none" in inbox.messages[1]["text"]


def test_what_comes_back_is_told_again(acme: Path, inbox: Inbox) -> None:
    layer = acme / "config" / "production.yml"
    planted = layer.read_text(encoding="utf-8")
    for text in (planted, planted.replace("PLANTED-shared-database-password", "${SECRET}"), planted):
        layer.write_text(text, encoding="utf-8")
        watch(acme, inbox)
    assert [m["title"].split()[1] for m in inbox.messages] == ["5", "3"]


def test_a_message_that_was_not_taken_goes_out_with_the_next_scan(
    acme: Path, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox.status = 500
    assert watch(acme, inbox) == 3
    assert "the message was not taken; it goes out with the next scan" in capsys.readouterr().err
    inbox.status = 200
    assert watch(acme, inbox) == 0
    assert [m["title"] for m in inbox.messages] == ["Tierwall: 5 new or worse findings in Acme"]


def test_a_scan_that_runs_already_is_waited_for(acme: Path, inbox: Inbox, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(acme / "tierwall.db"):
        lock = CollectionLock.take(acme / "tierwall.db")
    assert watch(acme, inbox) == 4
    assert "another scan is writing to it" in capsys.readouterr().err
    lock.release()
    assert watch(acme, inbox) == 0
