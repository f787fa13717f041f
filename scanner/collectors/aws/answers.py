"""Answers whose missing keys are noticed, whoever reads them.

Collectors write `raw["VolumeId"]` for what the API always gives, and `raw.get("Tags")` for what it may leave out. A key
of the first sort that is not there is an odd answer: it costs the one resource that it was to become.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from scanner.collectors.aws.shaping import plain
from scanner.errors import ScannerError
from scanner.tables import Call, Document, Json, Kind, Placed


class OddAnswer(ScannerError):
    """An answer without something that its API always gives. It becomes a gap; nobody but collectors sees it."""

    def __init__(self, call: Call, problem: str) -> None:
        super().__init__(f"{call.service} {call.operation}".strip() + f": {problem}")
        self.call = call  # its number is known once the call has ended


class Answer(dict[str, Json]):
    """An object of an answer."""

    __slots__ = ("call",)

    def __init__(self, items: Iterable[tuple[str, Json]], call: Call) -> None:
        super().__init__(items)
        self.call = call

    def __missing__(self, key: str) -> Json:
        raise OddAnswer(self.call, f"the answer has no {key}")


def answer_to(call: Call, raw: Any) -> Json:
    """What the SDK answered, as JSON."""
    return _noticed(plain(raw), call)


def _noticed(value: Json, call: Call) -> Json:
    if isinstance(value, dict):
        return Answer(((k, _noticed(v, call)) for k, v in value.items()), call)
    return [_noticed(v, call) for v in value] if isinstance(value, list) else value


def noticing(kind: Kind) -> Kind:
    """The kind, whose shaper raises OddAnswer where a key is missing: what is shaped has been through the redactor."""
    shape: Callable[[Document], Iterable[Placed]] = kind.shape

    def shaped(document: Document) -> list[Placed]:
        parts = {
            name: _noticed(part, Call(scope=document.scope, service="", operation=name))
            for name, part in document.parts.items()
        }
        return list(shape(replace(document, parts=parts)))

    return replace(kind, shape=shaped)
