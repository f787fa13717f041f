"""Messages: a text with `{column}` and `{column:format}` in it, filled by look-up.

Values are outside text. They are put in as they are, once, and never read again: no `str.format`, no second pass.
Whoever writes the message into a format escapes it there.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from scanner.tables import Value

UNKNOWN = "unknown"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_REFERENCE = re.compile(r"(?:(?P<qualifier>[a-z_]+)\.)?(?P<column>[a-z_][a-z0-9_]*)(?::(?P<format>[a-z]+))?")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Reference(NamedTuple):
    """One `{qualifier.column:format}`."""

    qualifier: str  # '' for the subject, else environment or parameter
    column: str
    format: str  # '' or one of FORMATS


class Template(NamedTuple):
    """The pieces of text around the references: one more than there are references."""

    pieces: tuple[str, ...]
    references: tuple[Reference, ...]

    def fill(self, values: Sequence[Value]) -> str:
        """The message, given a value for each reference in order. None is `unknown`."""
        shown = [_show(value, reference.format) for value, reference in zip(values, self.references, strict=True)]
        return "".join(part for pair in zip(self.pieces, [*shown, ""], strict=True) for part in pair)


def parse(text: str) -> Template:
    """A template. ValueError says which part is wrong."""
    pieces, references = [], []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        reference = _REFERENCE.fullmatch(match[1])
        if reference is None:
            raise ValueError(f"{{{match[1]}}} is not a column, nor a column with a format, such as {{size:bytes}}")
        if reference["format"] and reference["format"] not in FORMATS:
            raise ValueError(f"{{{match[1]}}}: the formats are {', '.join(FORMATS)}")
        pieces.append(text[end : match.start()])
        references.append(Reference(reference["qualifier"] or "", reference["column"], reference["format"] or ""))
        end = match.end()
    pieces.append(text[end:])
    if any("{" in piece or "}" in piece for piece in pieces):
        raise ValueError("a brace stands alone")
    return Template(tuple(pieces), tuple(references))


def _show(value: Value, form: str) -> str:
    if value is None:
        return UNKNOWN
    if form:
        return FORMATS[form].show(value)
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _count(number: float, unit: str) -> str:
    shown = _decimal(number)
    return f"{shown} {unit if shown == '1' else f'{unit}s'}"


def _decimal(number: float) -> str:
    """At most one decimal, none where it is 0."""
    return f"{number:.1f}".removesuffix(".0")


def _days(value: Value) -> str:
    return _count(_number(value) / 86400, "day")


def _hours(value: Value) -> str:
    return _count(_number(value) / 3600, "hour")


def _duration(value: Value) -> str:
    """Seconds in the largest unit that divides them: 35 days, 90 minutes."""
    seconds = _number(value)
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            return _count(seconds / size, unit)
    return _count(seconds, "second")


def _bytes(value: Value) -> str:
    size, units = _number(value), ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while abs(size) >= 1024 and len(units) > 1:
        size /= 1024
        del units[0]
    return f"{_decimal(size)} {units[0]}"


def _percent(value: Value) -> str:
    return f"{_decimal(_number(value))} %"


def _list(value: Value) -> str:
    """Words that a column keeps separated by spaces or commas."""
    return ", ".join(str(value).replace(",", " ").split()) or "none"


def _time(value: Value) -> str:
    """UTC seconds; 0 stands for «never» in every column that has times."""
    seconds = _number(value)
    if seconds == 0:
        return "never"
    try:
        return f"{_EPOCH + dt.timedelta(seconds=int(seconds)):%Y-%m-%d %H:%M} UTC"
    except OverflowError:
        return f"{_decimal(seconds)} s"


def _yes_no(value: Value) -> str:
    return "yes" if value else "no"


def _number(value: Value) -> float:
    """Columns are STRICT and formats are checked against their types when a rule is loaded."""
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value


class Format(NamedTuple):
    """How a value is shown, and the types of columns it is for."""

    show: Callable[[Value], str]
    types: tuple[type, ...]


FORMATS = {
    "days": Format(_days, (int, float)),
    "hours": Format(_hours, (int, float)),
    "duration": Format(_duration, (int, float)),
    "bytes": Format(_bytes, (int, float)),
    "percent": Format(_percent, (int, float)),
    "list": Format(_list, (str,)),
    "time": Format(_time, (int, float)),
    "yesno": Format(_yes_no, (bool, int)),
}
