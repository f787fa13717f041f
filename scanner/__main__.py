"""``python -m scanner`` and ``tierwall``: the one place that ends the process, whatever happened before.

An exception that nobody expected ends the command with one line on stderr and exit code 4. Its text may hold a value
that was read, so it is told only where it cannot; the whole traceback is for who sets TIERWALL_TRACEBACK=1.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from scanner.cli import interrupted, main, swallowed

INTERNAL = 4
TRACEBACK = "TIERWALL_TRACEBACK"
_HERE = Path(__file__).parent


def run() -> NoReturn:
    """The command."""
    _open_standard_files()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # those of libraries, for their developers
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing is left half done
    sys.excepthook = _unexpected
    threading.excepthook = _unexpected_in_thread
    sys.unraisablehook = _unraisable
    sqlite3.enable_callback_tracebacks(True)  # else SQLite forgets what was raised in a function that it called
    _end(main())


def _open_standard_files() -> None:
    """Those that the caller closed, lest a database gets their number and somebody's message is written into it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # for the whole process
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # for the whole process


def _unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> NoReturn:
    """Python calls this instead of printing a traceback, and honours the SystemExit that it raises."""
    if issubclass(kind, KeyboardInterrupt) or swallowed.is_set():  # before or after the command proper
        _end(interrupted())
    _tell(kind, error, trace)
    _end(INTERNAL)


def _unexpected_in_thread(args: threading.ExceptHookArgs) -> NoReturn:
    """A thread that nobody waits for: the command cannot know what is missing, so it ends."""
    if args.exc_value is not None:
        _tell(args.exc_type, args.exc_value, args.exc_traceback)
    os._exit(INTERNAL)


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    """What was raised where nobody can catch it. An interrupt is sent again, for it must not be lost."""
    if isinstance(args.exc_value, KeyboardInterrupt):
        swallowed.set()
        threading.Thread(target=_interrupt_again, daemon=True).start()
    elif os.environ.get(TRACEBACK):
        sys.__unraisablehook__(args)


def _interrupt_again() -> None:
    time.sleep(0.02)  # seconds; by then the function that swallowed it has returned
    os.kill(os.getpid(), signal.SIGINT)


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    lines = [f"tierwall: {_what(error, trace)}; {TRACEBACK}=1 shows the traceback\n"]
    if os.environ.get(TRACEBACK):
        lines = traceback.format_exception(kind, error, trace)
    with contextlib.suppress(OSError):  # nobody hears
        sys.stderr.write("".join(lines))
        sys.stderr.flush()


def _what(error: BaseException, trace: TracebackType | None) -> str:
    """The error's name and place, and its text where that cannot be a value that was read."""
    from scanner.safe.terminal import clean

    name = type(error).__name__
    if isinstance(error, OSError) and error.strerror:  # a full disk is no fault of ours
        return clean(": ".join(filter(None, [str(error.filename or ""), error.strerror])))
    if isinstance(error, (sqlite3.Error, MemoryError, RecursionError, ImportError)) and str(error):
        name += f": {clean(str(error))}"
    return f"internal error: {name}{_where(trace)}"


def _where(trace: TracebackType | None) -> str:
    """The innermost line of ours."""
    ours = [f for f in traceback.extract_tb(trace) if _HERE in Path(f.filename).parents]
    return f" ({Path(ours[-1].filename).relative_to(_HERE.parent)}, line {ours[-1].lineno})" if ours else ""


def _end(code: int) -> NoReturn:
    """End with the code, at once: what still runs in threads belongs to a collection that was given up."""
    for stream in (sys.stdout, sys.stderr):
        code = _flushed(stream.flush, stream.fileno(), code)
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        os._exit(code)
    sys.exit(code)


def _flushed(flush: Callable[[], None], number: int, code: int) -> int:
    """The code after flushing a stream; where that fails, Python must not try again when it ends."""
    try:
        flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        return code or INTERNAL
    return code


if __name__ == "__main__":
    run()
