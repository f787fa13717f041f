"""One module a format, each with `render(result, **options) -> str`. A new format is a new module here, nothing else.

Options that a format has no use for are ignored: `include_passed`, `colour`, `width`.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.results.model import Result

STDOUT = "-"
OUTPUTS: tuple[str, ...] = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def describe(name: str) -> str:
    """The format in one line, for help texts."""
    return (importlib.import_module(f"{__name__}.{name}").__doc__ or "").splitlines()[0]


def render(name: str, result: Result, **options: object) -> str:
    """The result in that format. Equal results and options give equal text. Raises UsageError."""
    if name not in OUTPUTS:
        raise UsageError(f"there is no output {name!r}; choose one of {', '.join(OUTPUTS)}")
    text: str = importlib.import_module(f"{__name__}.{name}").render(result, **options)
    return text


def parse(spec: str) -> tuple[str, str]:
    """`FORMAT[:PATH]` → format and path; without a path, or with `-`, standard output. Raises UsageError."""
    name, _, path = spec.partition(":")
    if name not in OUTPUTS:
        raise UsageError(f"there is no output {name!r}; choose one of {', '.join(OUTPUTS)}")
    return name, path or STDOUT


def write(result: Result, spec: str, stdout: TextIO | None = None, **options: object) -> None:
    """Render to the file or to standard output. A file is replaced in one step. Raises UsageError, InputError."""
    from scanner.safe.files import write_atomic

    name, path = parse(spec)
    if path == STDOUT:
        stream = stdout or sys.stdout
        stream.write(render(name, result, **_terminal(stream), **options))
        stream.flush()
    else:
        write_atomic(Path(path), render(name, result, **options).encode("utf-8"))


def write_all(result: Result, specs: Sequence[str], stdout: TextIO | None = None, **options: object) -> None:
    """Every output that was asked for. Refuses before anything is written. Raises UsageError, InputError."""
    check(specs)
    for spec in specs:
        write(result, spec, stdout, **options)


def check(specs: Sequence[str]) -> None:
    """Refuse outputs that could not be written, before anything is done for them. Raises UsageError, InputError."""
    from scanner.safe.files import check_writable

    parsed = [parse(spec) for spec in specs]
    paths = [path for _, path in parsed]
    if paths.count(STDOUT) > 1:
        names = " and ".join(name for name, path in parsed if path == STDOUT)
        raise UsageError(
            f"{names} would both be written to standard output; give one of them a path, as in json:out.json"
        )
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise UsageError(f"two outputs would be written to {twice}")
    for path in paths:
        if path != STDOUT:
            check_writable(path)


def _terminal(stream: TextIO) -> dict[str, object]:
    """Colour and width of a terminal; neither where there is none. https://no-color.org"""
    import os
    import shutil

    if not stream.isatty():
        return {}
    return {"colour": not os.environ.get("NO_COLOR"), "width": shutil.get_terminal_size().columns}
