"""The HTML report in a real browser: it asks for nothing and complains of nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
pytestmark = [pytest.mark.needs_chromium, pytest.mark.slow]


def chromium(page: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = next(path for name in PROGRAMS if (path := shutil.which(name)))
    return subprocess.run(
        [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-component-update",
            "--disable-background-networking", "--disable-sync", "--no-default-browser-check",
            "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={folder / 'profile'}", *arguments, page.as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=180,
    )  # fmt: skip


@pytest.fixture
def page_file(html: str, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


def requests(log: Path) -> list[str]:
    """Addresses that the page asked for. What the browser wants for itself has «not an origin» as initiator."""
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    asked = [event["params"] for event in events if "initiator" in event.get("params", {})]
    return sorted(params["url"] for params in asked if params["initiator"] != "not an origin")


def test_the_page_makes_no_request_and_writes_nothing_to_the_console(page_file: Path, tmp_path: Path) -> None:
    log = tmp_path / "net.json"

    run = chromium(
        page_file, tmp_path, "--enable-logging=stderr", "--v=0", f"--log-net-log={log}",
        "--net-log-capture-mode=Everything", f"--screenshot={tmp_path / 'page.png'}",
    )  # fmt: skip

    assert [line for line in run.stderr.splitlines() if "CONSOLE" in line] == []
    assert requests(log) == []
    assert (tmp_path / "page.png").stat().st_size > 10_000


def test_a_page_that_asks_for_something_would_be_noticed(tmp_path: Path) -> None:
    """The test above can fail: a request and a complaint do show."""
    page = tmp_path / "bad.html"
    page.write_text("<img src=http://127.0.0.1:9/x.png><script>console.error('loud')</script>")
    log = tmp_path / "net.json"

    run = chromium(page, tmp_path, "--enable-logging=stderr", "--v=0", f"--log-net-log={log}", "--dump-dom")

    assert any("CONSOLE" in line and "loud" in line for line in run.stderr.splitlines())
    assert requests(log) == ["http://127.0.0.1:9/x.png"]


def test_the_browser_reads_the_same_tree_as_was_written(page_file: Path, tmp_path: Path, html: str) -> None:
    dom = chromium(page_file, tmp_path, "--dump-dom").stdout

    assert "<script" not in dom
    assert dom.count("<tr") == html.count("<tr")
    assert dom.count("<details") == html.count("<details")
