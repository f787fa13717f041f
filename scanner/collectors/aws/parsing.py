"""What the SDK makes of a response, held against the service's model: the SDK itself looks at no type.

A value of another type, or text that is no answer at all, fails its call as a refusal does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from botocore.parsers import ResponseParserError, ResponseParserFactory

# What taking apart a malformed answer may raise; NameError where a map has an entry without a name.
_MALFORMED = (ArithmeticError, AttributeError, LookupError, NameError, RecursionError, TypeError, ValueError)
_LONG = 2**63
_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,), "map": (dict,), "list": (list,), "string": (str,), "character": (str,), "integer": (int,),
    "long": (int,), "float": (int, float), "double": (int, float), "boolean": (bool,), "timestamp": (dt.datetime,),
}  # fmt: skip


class MalformedAnswer(ResponseParserError):
    """An answer that its API cannot have given."""


class CheckedParsers(ResponseParserFactory):
    """Makes the SDK's parsers; what they parse is checked. A component of a session."""

    def create_parser(self, protocol_name: str) -> Any:
        return _Checked(super().create_parser(protocol_name))


class _Checked:
    def __init__(self, parser: Any) -> None:
        self._parser = parser

    def parse(self, response: Any, shape: Any) -> Any:
        """The parsed response. Raises ResponseParserError."""
        try:
            answer = self._parser.parse(response, shape)
        except _MALFORMED as e:
            raise MalformedAnswer(f"the answer cannot be read: {type(e).__name__}") from e
        if shape is not None and response["status_code"] < 300:
            for path, wanted in misfits(answer, shape):
                raise MalformedAnswer(f"{path or 'the answer'} is no {wanted}")
        return answer


def misfits(value: Any, shape: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Where a value is not of the type that the service's model has: path and type."""
    kind = shape.type_name
    if kind not in _TYPES or shape.serialization.get("jsonvalue") or getattr(shape, "is_document_type", False):
        return
    if not _is(value, kind):
        yield path, kind
    elif kind == "structure":
        for name, member in shape.members.items():
            if name in value:
                yield from misfits(value[name], member, f"{path}.{name}".lstrip("."))
    elif kind == "list":
        for number, item in enumerate(value):
            yield from misfits(item, shape.member, f"{path}[{number}]")
    elif kind == "map":
        for item in value.values():
            yield from misfits(item, shape.value, f"{path}.*")


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):  # which Python takes for a number
        return kind == "boolean"
    return isinstance(value, _TYPES[kind]) and not (isinstance(value, int) and not -_LONG <= value < _LONG)
