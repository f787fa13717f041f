"""A scan that is killed leaves nothing half-done; a demo that is interrupted leaves no process."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from scanner.store import Store, verify
from tests.support import acme

pytestmark = pytest.mark.soak
KILLS = 8
FAST = ("--source", "kubernetes", "--source", "config")  # the same stage and publication, sooner


def snapshots(database: Path) -> int:
    """How many snapshots the database holds, all of which verify."""
    with Store.open(database, create=False) as store:
        assert verify(store) == []
        return len(store.snapshots())


def test_a_scan_killed_at_any_moment_leaves_what_was_there(organisation: acme.Acme, tmp_path: Path) -> None:
    here = organisation.copy(tmp_path / "acme")
    database = here.folder / "tierwall.db"
    command = [*acme.SCAN, *FAST, "-o", "json:findings.json"]
    started = time.monotonic()
    assert here.run(*command).returncode == 0
    duration = time.monotonic() - started
    held = snapshots(database)
    chance = random.Random(2026)

    for number in range(KILLS):
        scan = subprocess.Popen(
            here.command(*command), cwd=here.folder, env=dict(here.environment),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        # the second half of the run is when it writes
        moment = duration * (chance.uniform(0.1, 0.5) if number % 4 == 0 else chance.uniform(0.5, 1.0))
        try:
            scan.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            scan.send_signal(signal.SIGKILL)
            scan.wait()
        now = snapshots(database)
        assert now - held in (0, 1)
        held = now

    assert here.run(*command).returncode == 0
    assert snapshots(database) == held + 1
    verified = here.run("drift", "--db", "tierwall.db")
    assert verified.stdout.splitlines()[1:] == ["no drift"]


def members(session: int) -> dict[int, str]:
    """The living processes of a session: number and command."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:  # it ended meanwhile
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found[int(folder.name)] = command
    return found


@pytest.mark.parametrize("by_terminal", [False, True], ids=["signal to it alone", "ctrl-C in a terminal"])
@pytest.mark.parametrize("moment", ["starting", "scanning"])
def test_an_interrupted_demo_leaves_no_process(tmp_path: Path, moment: str, by_terminal: bool) -> None:
    demo = subprocess.Popen(
        acme.Acme(tmp_path, {}).command("demo", "--out", str(tmp_path / "out")), start_new_session=True,
        env=acme.environment("http://127.0.0.1:9"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert demo.stderr
    seen = [demo.stderr.readline()]
    assert seen[0].startswith("starting"), seen
    if moment == "scanning":
        seen.append(demo.stderr.readline())  # the scan's first word
    (os.killpg if by_terminal else os.kill)(demo.pid, signal.SIGINT)
    rest = demo.stderr.read()
    code = demo.wait(timeout=60)

    assert (code, members(demo.pid)) == (130, {})
    assert "Traceback" not in rest, rest
