"""A scan that is killed midway is gone on with: what it had read is not asked for again, and the result is the same."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fixtures.servers.kubernetes_api import KubernetesApi
from scanner.cli import main
from scanner.store import Store, verify
from scanner.tables import Call, Gap, TierwallRun, tables
from tests.support import aws, kubernetes

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
sources:
  kubernetes: {clusters: {one: {kubeconfig: one.kubeconfig}, two: {kubeconfig: two.kubeconfig}}}
  config: {paths: [config/]}
environments:
  production: {tier: production, match: [{kubernetes: {cluster: one}}, {config: {layers: [config/base.yml]}}]}
"""


class Slow(KubernetesApi):
    """An API server that answers one path only when it is let go."""

    held = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.asked: list[str] = []  # paths, as they come in
        self.reached, self.go = threading.Event(), threading.Event()

    def answer(self, path: str, authorization: str) -> Any:
        self.asked.append(path)
        if self.held and self.held in path:
            self.reached.set()
            self.go.wait()
        return super().answer(path, authorization)


class Estate:
    """Two clusters and a configuration layer in a folder."""

    def __init__(self, folder: Path, one: Slow, two: Slow) -> None:
        self.folder, self.one, self.two = folder, one, two

    def command(self, name: str, *rest: str, db: str = "tierwall.db") -> list[str]:
        return [name, "--db", str(self.folder / db), "-c", str(self.folder / "tierwall.yaml"),
                "--hash-key", str(self.folder / "hash.key"), *rest]  # fmt: skip

    def killed(self, number: int = signal.SIGKILL) -> str:
        """Kill a scan when the first cluster is read and the second is not; answers with what it had said."""
        self.two.held = "/deployments"
        with process(self.command("scan")) as scan:
            assert scan.stderr
            said = [scan.stderr.readline()]
            reached(self.two.reached, scan)
            until(lambda: units(self.folder / "tierwall.db-stage") == {"kubernetes/one"})
            scan.send_signal(number)
            said += scan.stderr.readlines()
        self.two.go.set()
        self.two.held = ""
        self.one.asked, self.two.asked = [], []
        return "".join(said)


@contextlib.contextmanager
def process(command: list[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "scanner", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip
    with child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.wait(timeout=60)


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("it did not happen in a minute")


def reached(event: threading.Event, child: subprocess.Popen[str]) -> None:
    """Wait until a server is asked what it holds back, or the process that should ask has ended."""
    until(lambda: event.wait(0.1) or child.poll() is not None)
    assert event.is_set(), child.stderr and child.stderr.read()


def units(stage: Path) -> set[str]:
    """The ended units of a stage that another process writes."""
    with contextlib.closing(sqlite3.connect(f"file:{stage}?mode=ro", uri=True)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM stage_unit WHERE done")}


def contents(database: Path) -> dict[str, Any]:
    """What the newest snapshot holds, without what no two scans share: numbers and times of calls, volatile values."""
    with Store.open(database, create=False) as store:
        assert verify(store) == []
        held: dict[str, Any] = {}
        for name, kind in tables().items():
            if kind not in (Call, Gap, TierwallRun):
                steady = ", ".join(
                    c.name for c in kind.columns().values() if not c.volatile or c.name in ("file", "line")
                )
                held[name] = sorted(store.connection.execute(f"SELECT {steady} FROM {name}").fetchall(), key=repr)
        ledger = store.ledger(store.snapshot().id)
        held["calls"] = Counter((r.scope, r.operation, r.uid, r.status) for r in ledger if isinstance(r, Call))
        held["gaps"] = sorted(
            (r.scope, r.uid, r.table_name, r.column_name, r.reason) for r in ledger if isinstance(r, Gap)
        )
        held["documents"] = store.connection.execute("SELECT uid, sha FROM resource ORDER BY uid").fetchall()
    return held


def started(database: Path, sql: str) -> dict[tuple[str, str], float]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {(operation, uid): at for operation, uid, at in connection.execute(sql)}


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Estate]:
    (folder / "tierwall.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "config").mkdir()
    (folder / "config" / "base.yml").write_text("debug: true\npool: 5\n", encoding="utf-8")
    (folder / "hash.key").write_text("00" * 32, encoding="utf-8")
    (folder / "hash.key").chmod(0o600)
    one, two = (Slow(kubernetes.shop(), rbac=False, certificate=kubernetes.certificate()) for _ in range(2))
    with one, two:
        for name, api in (("one", one), ("two", two)):
            api.write_kubeconfig(folder / f"{name}.kubeconfig")
        yield Estate(folder, one, two)


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    with serving(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a scan that was killed."""
    with serving(tmp_path_factory.mktemp("left")) as running:
        running.killed()
        return running.folder


def test_a_killed_scan_is_gone_on_with_and_gives_what_an_undisturbed_one_gives(estate: Estate) -> None:
    database = estate.folder / "tierwall.db"
    estate.killed()
    read = started(
        database.with_name("tierwall.db-stage"), "SELECT operation, uid, started FROM call WHERE scope LIKE '%one'"
    )

    assert main(estate.command("resume", "-q")) == 0
    assert estate.one.asked == []
    assert sum("/deployments" in path for path in estate.two.asked) == 1

    assert main(estate.command("scan", "-q", db="undisturbed.db")) == 0
    assert contents(database) == contents(estate.folder / "undisturbed.db")
    assert started(database, "SELECT operation, uid, started FROM call WHERE scope LIKE '%one'") == read
    names = {path.name.removesuffix("-wal").removesuffix("-shm") for path in estate.folder.glob("tierwall.db*")}
    assert names == {"tierwall.db"}


def test_ctrl_c_leaves_what_was_read_and_says_how_to_go_on(estate: Estate) -> None:
    said = estate.killed(signal.SIGINT)

    assert said.splitlines()[-2:] == [
        "`tierwall resume` goes on from here within the hour",
        "tierwall: interrupted; what was stored before is unchanged",
    ]
    assert main(estate.command("resume", "-q")) == 0
    assert estate.one.asked == []


@pytest.mark.slow
def test_a_resumed_scan_that_is_killed_is_resumed_again(estate: Estate) -> None:
    estate.killed()
    estate.two.held, estate.two.go, estate.two.reached = "/services", threading.Event(), threading.Event()
    with process(estate.command("resume")) as resume:
        reached(estate.two.reached, resume)
        resume.kill()
    estate.two.go.set()
    estate.two.held = ""

    assert main(estate.command("resume", "-q")) == 0
    assert estate.one.asked == []
    assert main(estate.command("scan", "-q", db="undisturbed.db")) == 0
    assert contents(estate.folder / "tierwall.db") == contents(estate.folder / "undisturbed.db")


@pytest.mark.slow
def test_a_plain_scan_says_that_it_starts_anew(estate: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    estate.killed()
    assert main(estate.command("scan", "-q")) == 0

    (line,) = capsys.readouterr().err.splitlines()
    assert "was interrupted; this one starts anew, `tierwall resume` would have gone on with it" in line
    assert any("/deployments" in path for path in estate.one.asked)
    assert main(estate.command("resume", "-q")) == 2
    assert "no scan of it was interrupted; run `tierwall scan`" in capsys.readouterr().err
    assert main(estate.command("resume", "-q", db="none.db")) == 2
    assert "there is none; run `tierwall scan` first" in capsys.readouterr().err


def about(folder: Path, change: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "tierwall.db-stage")) as stage, stage:
        stage.execute(f"UPDATE stage_about SET {change}")


def damage(folder: Path) -> None:
    for path in folder.glob("tierwall.db-stage*"):
        path.write_bytes(b"SQLite format 3\0 and no more" * 1000)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: about(f, "started = started - 3601"), "began more than 60 minutes ago"),
        (lambda f: about(f, "tables = 'others'"), "is of another version of Tierwall, or is damaged"),
        (lambda f: about(f, "tool = '0.0.1'"), "is of Tierwall 0.0.1"),
        (
            lambda f: (f / "tierwall.yaml").write_text(CONFIG + "organization: Other\n", encoding="utf-8"),
            "had another tierwall.yaml",
        ),
        (lambda f: (f / "hash.key").write_text("11" * 32, encoding="utf-8"), "had another key for hashes"),
        (damage, "is of another version of Tierwall, or is damaged"),
    ],
    ids=["old", "other schema", "other release", "other configuration", "other key", "damaged"],
)
def test_a_foreign_stage_is_refused_in_one_line(
    left: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Path], object], told: str
) -> None:
    here = Estate(shutil.copytree(left, tmp_path / "here"), Slow(), Slow())
    change(here.folder)

    assert main(here.command("resume", "-q")) == 2
    assert capsys.readouterr().err == (
        f"tierwall: database {here.folder / 'tierwall.db'}: the interrupted scan {told}; run `tierwall scan`\n"
    )


def test_a_second_scan_is_told_that_one_is_running_and_changes_nothing(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    estate.two.held = "/deployments"
    with process(estate.command("scan", "-q")) as first:
        reached(estate.two.reached, first)
        for name in ("scan", "resume", "collect"):
            assert main(estate.command(name, "-q")) == 4
            assert f"another scan is writing to it (process {first.pid})" in capsys.readouterr().err
        estate.two.go.set()
        assert first.wait(60) == 0
    with Store.open(estate.folder / "tierwall.db", create=False) as store:
        assert (len(store.snapshots()), verify(store)) == (1, [])


@pytest.mark.slow
def test_of_scans_that_start_together_one_runs_and_the_others_say_so(left: Path, tmp_path: Path) -> None:
    here = Estate(shutil.copytree(left, tmp_path / "here"), Slow(), Slow())
    with contextlib.ExitStack() as running:
        scans = [running.enter_context(process(here.command("scan", "-q", "--source", "config"))) for _ in range(4)]
        said = [(scan.wait(120), scan.stderr.read() if scan.stderr else "") for scan in scans]
    done = [code for code, _ in said].count(0)
    assert done >= 1
    assert all(code == 0 or (code == 4 and "another scan is writing to it" in text) for code, text in said), said
    with Store.open(here.folder / "tierwall.db", create=False) as store:
        assert (len(store.snapshots()), verify(store)) == (done, [])


@pytest.mark.soak
def test_a_scan_killed_at_any_moment_can_be_finished(estate: Estate) -> None:
    """Whatever was read by then: the result is that of a scan that nobody disturbed."""
    began = time.monotonic()
    with process(estate.command("scan", "-q", db="undisturbed.db")) as scan:
        assert scan.wait() == 0
    duration = time.monotonic() - began
    wanted = contents(estate.folder / "undisturbed.db")
    chance, resumed = random.Random(2026), 0
    for number in range(20):
        database = f"killed-{number}.db"
        with process(estate.command("scan", "-q", db=database)) as scan:
            with contextlib.suppress(subprocess.TimeoutExpired):
                scan.wait(duration * chance.uniform(0.2, 0.9))
            scan.kill()
        code = main(estate.command("resume", "-q", db=database))
        resumed += code == 0
        if code:  # killed before there was anything to go on with, or after it was published
            assert main(estate.command("scan", "-q", db=database)) == 0
        assert contents(estate.folder / database) == wanted
    assert resumed > 0


# --- AWS --------------------------------------------------------------------------------------------------------------


class Proxy(ThreadingHTTPServer):
    """Hands requests on to the API and counts them; those of one service wait until they are let go."""

    def __init__(self, url: str) -> None:
        self.url, self.held = url, ""
        self.seen: Counter[tuple[str, str, str]] = Counter()  # service and region, method and path, what was asked
        self.reached, self.go = threading.Event(), threading.Event()
        super().__init__(("127.0.0.1", 0), _Forward)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error."""


class _Forward(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        credential = self.headers["Authorization"].split("Credential=")[1].split(",")[0].split("/")
        service = f"{credential[3]} {credential[2]}"
        action = self.headers.get("X-Amz-Target") or body.split(b"&")[0].decode()
        self.server.seen[service, f"{self.command} {self.path}", action] += 1
        if self.server.held == service:
            self.server.reached.set()
            self.server.go.wait()
        request = urllib.request.Request(
            self.server.url + self.path, data=body or None, method=self.command,
            headers={k: v for k, v in self.headers.items() if k != "Host"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self._answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as refused:
            self._answer(refused.code, dict(refused.headers), refused.read())

    do_POST = do_PUT = do_HEAD = do_GET

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    url = aws.reset()
    aws.environment(monkeypatch, url)
    aws.fill()
    with Proxy(url) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
        yield server
        server.shutdown()


@pytest.mark.slow
def test_services_that_a_killed_scan_had_read_are_not_asked_again(proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / "tierwall.yaml").write_text(
        f"sources: {{aws: {{accounts: {{main: {{id: '{aws.MAIN}'}}}}, regions: [{aws.REGION}]}}}}\n"
        f"environments: {{production: {{tier: production, match: [{{aws: {{accounts: [main]}}}}]}}}}\n",
        encoding="utf-8",
    )
    (tmp_path / "hash.key").write_text("00" * 32, encoding="utf-8")
    (tmp_path / "hash.key").chmod(0o600)
    estate = Estate(tmp_path, Slow(), Slow())
    stage = tmp_path / "tierwall.db-stage"
    held = f"rds {aws.REGION}"
    proxy.held = held
    with process(estate.command("scan", "-q")) as scan:
        reached(proxy.reached, scan)
        until(lambda: f"aws/{aws.MAIN}/global/s3" in units(stage))
        scan.kill()
    ended = units(stage)
    proxy.held = ""
    proxy.go.set()
    asked = Counter(proxy.seen)
    assert f"aws/{aws.MAIN}/{aws.REGION}/rds" not in ended

    assert main(estate.command("resume", "-q")) == 0
    again = proxy.seen - asked
    services = {name.rpartition("/")[2] for name in ended}
    # who we are and which regions there are is asked anew; so is what an unfinished service had been asked
    assert {service.split()[0] for service, _, _ in again} & (services - {"ec2", "network", "account"}) == set()
    assert any(service == held for service, _, _ in again)

    assert main(estate.command("scan", "-q", db="undisturbed.db")) == 0
    resumed, undisturbed = contents(tmp_path / "tierwall.db"), contents(tmp_path / "undisturbed.db")
    for found in (resumed, undisturbed):
        found["calls"] = set(found["calls"])  # the credential report is asked for until it is ready, which it is by now
    assert resumed == undisturbed
