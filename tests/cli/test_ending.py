"""However a command ends, it says so in one line and with the right number."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.bundled import bundled

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("TIERWALL_")} | {"PYTHONPATH": str(ROOT)}
# Runs the real command, in which one function was replaced beforehand.
BROKEN = """
import sys, threading
from scanner.cli import rules
from scanner import __main__
def run(args):
    {body}
rules.run = run
sys.argv[1:] = ["rules", "list"]
__main__.run()
"""


def execute(*command: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, **options.pop("environment", {})}  # type: ignore[dict-item]  # a dict, or nothing
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment, timeout=120, check=False,
        **options,  # type: ignore[call-overload]  # as given
    )  # fmt: skip


def broken(body: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return execute("-c", BROKEN.format(body=body), environment=environment)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return {}['hunter2-Tr0ub4dor']", "KeyError"),
        ("return int('hunter2-Tr0ub4dor')", "ValueError"),
        ("raise MemoryError", "MemoryError"),
        ("return run(args)", "RecursionError: maximum recursion depth exceeded"),
        ("import sqlite3; raise sqlite3.DatabaseError('malformed')", "DatabaseError: malformed"),
        ("threading.Thread(target=lambda: {}['hunter2-Tr0ub4dor']).start(); threading.Event().wait()", "KeyError"),
    ],
    ids=lambda v: v.split(":")[0][:20],
)
def test_what_nobody_expected_is_one_line_without_a_value_and_4(body: str, told: str) -> None:
    done = broken(body)

    assert (done.returncode, done.stdout) == (4, "")
    place = r"( \(scanner/[\w/]+\.py, line \d+\))?"
    assert re.fullmatch(
        rf"tierwall: internal error: {told}{place}; TIERWALL_TRACEBACK=1 shows the traceback\n", done.stderr
    )


def test_who_asks_for_the_traceback_gets_it() -> None:
    done = broken("return {}['planted']", TIERWALL_TRACEBACK="1")

    assert (done.returncode, done.stderr.splitlines()[0]) == (4, "Traceback (most recent call last):")
    assert done.stderr.splitlines()[-1] == "KeyError: 'planted'"


def test_what_a_file_refuses_is_told_with_its_name() -> None:
    done = broken("open('/proc/nothing/here', 'w')")

    assert (done.returncode, done.stderr.split("; ")[0]) == (
        4, "tierwall: /proc/nothing/here: No such file or directory",
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_one_line_and_130_and_waits_for_no_thread(number: int) -> None:
    endless = "threading.Thread(target=threading.Event().wait).start()"
    done = broken(f"{endless}; import os; os.kill(os.getpid(), {int(number)}); threading.Event().wait()")

    assert (done.returncode, done.stdout, done.stderr) == (
        130, "", "tierwall: interrupted; what was stored before is unchanged\n",
    )  # fmt: skip


def test_a_reader_that_went_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "scanner", "rules", "list"], stdout=writing, stderr=subprocess.PIPE, env=ENVIRONMENT,
            check=False,
        )  # fmt: skip
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (141, b"")


def test_standard_output_that_takes_no_more_is_one_line() -> None:
    command = f"{sys.executable} -m scanner rules list > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=ENVIRONMENT, check=False)

    assert (done.returncode, done.stderr.count("\n"), "No space left on device" in done.stderr) == (4, 1, True)


def test_closed_standard_files_are_no_error() -> None:
    command = f"exec {sys.executable} -m scanner --version <&- >&- 2>&-"
    done = subprocess.run(["bash", "-c", command], env=ENVIRONMENT, check=False)

    assert done.returncode == 0


# --- a damaged database -----------------------------------------------------------------------------------------------

READERS = {
    "verify": ["verify"],
    "evaluate": ["evaluate", "-c", "tierwall.yaml"],
    "query": ["query", "SELECT * FROM config_value"],
    "history": ["history", "cfg:staging/database.password"],
    "scan": ["scan", "-q", "-c", "tierwall.yaml", "--hash-key", "hash.key", "--source", "config"],
    "drift": ["drift", "1", "2"],
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database of two snapshots, all in one file."""
    folder = tmp_path_factory.mktemp("stored")
    shutil.copytree(bundled("fixtures", "acme", "config"), folder / "config")
    shutil.copyfile(bundled("fixtures", "acme", "tierwall.yaml"), folder / "tierwall.yaml")
    (folder / "hash.key").write_text("00" * 32, encoding="utf-8")
    (folder / "hash.key").chmod(0o600)
    for _ in range(2):
        done = execute("-m", "scanner", *READERS["scan"], "-o", "json:findings.json", cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize("part", [0.0, 0.02, 0.35, 0.6, 0.99])
def test_a_damaged_database_is_one_line_and_4(stored: Path, tmp_path: Path, part: float, command: str) -> None:
    """Where the damage is not seen, for it is elsewhere, the command ends as ever; `verify` always sees it."""
    folder = tmp_path / "acme"
    shutil.copytree(stored, folder)
    database = folder / "tierwall.db"
    content = bytearray(database.read_bytes())
    at = 100 + int((len(content) - 4196) * part)
    content[at : at + 4096] = b"\xa5" * 4096
    database.write_bytes(content)

    done = execute("-m", "scanner", *READERS[command], cwd=folder)

    assert "Traceback" not in done.stderr
    assert done.returncode in ((4,) if command == "verify" else (4, 0)), (done.stderr, done.stdout)
    assert done.stderr.count("\n") <= 1, done.stderr
    if done.returncode == 4 and command != "verify":
        assert done.stderr.startswith("tierwall: ")
