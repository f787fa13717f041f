"""A scan that is killed leaves nothing half-done; a demo that is interrupted leaves no process."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scanner.store import Store, verify
from tests.support import acme

if TYPE_CHECKING:
    from fixtures.servers.kubernetes_api import KubernetesApi

pytestmark = pytest.mark.slow
KILLS = 8  # of each sort
# The real command, which gets a signal at the n-th statement that it gives to SQLite, and says how many there were.
PROGRAM = """
import atexit, os, signal, sqlite3, sys, threading
number, left = int(sys.argv.pop(1)), int(sys.argv.pop(1))
count, lock, now, real = 0, threading.Lock(), threading.Event(), sqlite3.connect
def tick(_):
    global count
    with lock:
        count += 1
        if count == left:
            now.set()
            if number == signal.SIGKILL:
                os.kill(os.getpid(), number)
def send():  # from here: what a handler raises within `tick` is lost
    now.wait()
    os.kill(os.getpid(), number)
threading.Thread(target=send, daemon=True).start()
def connect(*args, **options):
    connection = real(*args, **options)
    if ":memory:" not in str(args[0]):  # where rules are compiled, which is nobody's data
        connection.set_trace_callback(tick)
    return connection
sqlite3.connect = connect
atexit.register(lambda: print("statements", count, file=sys.stderr))
from scanner.__main__ import run
run()
"""
# Judging comes after publishing and is long: moments are chosen from the whole of it.
SCAN = ("scan", *acme.SHARED, "-q", "--source", "kubernetes", "--source", "config", "-o", "json:findings.json")


@pytest.fixture(scope="module")
def here(servers: tuple[Path, list[KubernetesApi]], tmp_path_factory: pytest.TempPathFactory) -> acme.Acme:
    """Two clusters and the configuration, to be scanned from a folder of their own."""
    organisation = acme.Acme(servers[0], acme.environment("http://127.0.0.1:9"))
    return organisation.copy(tmp_path_factory.mktemp("killed") / "acme")


def scan(here: acme.Acme, number: int = 0, left: int = 0) -> tuple[int, str]:
    """Scan, with a signal at that statement; answers with the exit code and what was said. Nothing of it still runs."""
    done = subprocess.Popen(
        [here.command()[0], "-c", PROGRAM, str(number), str(left), *SCAN], cwd=here.folder, text=True,
        env=dict(here.environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    _, said = done.communicate(timeout=300)
    assert members(done.pid) == {}
    return done.returncode, said


def snapshots(database: Path) -> int:
    """How many snapshots the database holds, all of which verify."""
    with Store.open(database) as store:
        assert verify(store) == []
        return len(store.snapshots())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_scan_ended_at_any_moment_leaves_what_was_there(here: acme.Acme, number: signal.Signals) -> None:
    database, chance = here.folder / "tierwall.db", random.Random(2026)
    code, said = scan(here)
    assert code == 0, said
    count = re.fullmatch(r"statements (\d+)\n", said)
    assert count
    held = snapshots(database)

    for left in sorted(chance.sample(range(1, int(count[1])), KILLS)):
        code, said = scan(here, number, left)
        now = snapshots(database)

        assert now - held in (0, 1)
        held = now
        if found := re.fullmatch(r"statements (\d+)\n", said):  # it ended before that statement
            assert (code, int(found[1]) < left) == (0, True), said
        elif number == signal.SIGKILL:
            assert code == -signal.SIGKILL
        else:
            assert (code, "Traceback" in said) == (130, False), (left, said)
            assert "tierwall: interrupted; what was stored before is unchanged\n" in said

    code, said = scan(here)
    assert (code, snapshots(database)) == (0, held + 1), said
    assert here.run("drift", "--db", "tierwall.db").stdout.splitlines()[1:] == ["no drift"]
    left_over = {path.name for path in here.folder.glob("tierwall.db*")}
    assert left_over <= {"tierwall.db", "tierwall.db-wal", "tierwall.db-shm"}


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


@pytest.mark.parametrize(
    ("moment", "signals"),
    [("starting", os.kill), ("scanning", os.killpg)],
    ids=["while it starts, it alone", "while it scans, as a terminal does"],
)
def test_an_interrupted_demo_leaves_no_process(tmp_path: Path, moment: str, signals: object) -> None:
    demo = subprocess.Popen(
        acme.Acme(tmp_path, {}).command("demo", "--out", str(tmp_path / "out")), start_new_session=True,
        env=acme.environment("http://127.0.0.1:9"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert demo.stderr
    seen = [demo.stderr.readline()]
    assert seen[0].startswith("starting"), seen
    if moment == "scanning":
        seen.append(demo.stderr.readline())  # the scan's first word
    signals(demo.pid, signal.SIGINT)  # type: ignore[operator]  # either of two functions of the same form
    rest = demo.stderr.read()
    code = demo.wait(timeout=60)

    assert (code, members(demo.pid)) == (130, {})
    assert "Traceback" not in rest, rest
