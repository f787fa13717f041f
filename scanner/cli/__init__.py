"""The command line: parse, call one function, print, answer with a number.

Exit codes: 0 nothing at or above the threshold; 1 violations; 2 usage, configuration or a named input that does not
parse; 3 could not tell; 4 internal error or damaged store; 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import threading
from typing import NoReturn

import scanner
from scanner.errors import InputError, ScannerError

# The texts stand here so that `--help` imports no command.
COMMANDS = {
    "demo": "scan the sample organisation: no account, no network",
    "init": "write a commented tierwall.yaml from what is found",
    "doctor": "say what is missing, denied or skewed, and what to do",
    "scan": "collect, then evaluate",
    "collect": "read the sources into a new snapshot",
    "resume": "go on with a scan that was interrupted",
    "evaluate": "judge the newest snapshot, or another",
    "gate": "judge code before it is deployed",
    "report": "write the audit report",
    "drift": "what changed between two snapshots",
    "watch": "scan on an interval and tell once of what is new and worse",
    "history": "what a resource or a finding was, snapshot by snapshot",
    "explain": "from a finding to the rule, the values, the document, the call and the time",
    "rules": "list, show, test and lock rules",
    "frameworks": "what frameworks ask for, and how far rules decide it",
    "query": "run read-only SQL over the typed tables",
    "prune": "give up the contents of old snapshots",
    "verify": "check that the database still holds what was stored",
    "permissions": "the least privilege to grant",
}
USAGE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
swallowed = threading.Event()  # an interrupt came where none can be raised; what failed since then failed for it


class _Parser(argparse.ArgumentParser):
    """argparse's own errors, in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"tierwall: {message}; see {self.prog} --help\n")


def main(argv: list[str] | None = None) -> int:
    """Run one command; answers with the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    parser = _Parser(prog="tierwall", description="Policy and compliance scanner for environments.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"tierwall {scanner.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((a for a in arguments if not a.startswith("-")), "")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        if name == chosen:
            importlib.import_module(f"scanner.cli.{name}").arguments(command)
    parsed = parser.parse_args(arguments)
    try:
        code: int = importlib.import_module(f"scanner.cli.{parsed.command}").run(parsed)
        _flush()
        return code
    except ScannerError as e:
        return interrupted() if swallowed.is_set() else _say(e)
    except KeyboardInterrupt:
        return interrupted()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader went away: nothing left to say
        return BROKEN_PIPE


def interrupted() -> int:
    """Say that it was, and answer with the exit code."""
    print("tierwall: interrupted; what was stored before is unchanged", file=sys.stderr)
    return INTERRUPTED


def _flush() -> None:
    """Write what is still held back. Raises InputError where standard output takes no more."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as e:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would try again when it ends
        raise InputError("standard output", e.strerror or "cannot be written") from e


def _say(error: ScannerError) -> int:
    from scanner.safe.terminal import clean

    for line in error.lines:
        print(f"tierwall: {clean(line)}", file=sys.stderr)
    return error.exit_code
