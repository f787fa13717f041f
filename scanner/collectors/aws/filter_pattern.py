"""Does a filter pattern of CloudWatch Logs match an event? Patterns for JSON, the form that CloudTrail's events have.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html (read 2026-11).
Three values: None where the pattern is of another form, or where the pages do not say what it means.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

Event = Mapping[str, Any]
Test = Callable[[Event], bool | None]

_MISSING = object()
_TOKEN = re.compile(
    r"""\s*(?: (?P<and>&&) | (?P<or>\|\|) | (?P<open>\() | (?P<close>\))
      | (?P<selector>\$(?:\.[A-Za-z0-9_-]+|\[\s*(?:"[^"]*"|'[^']*'|[0-9]+)\s*\])+)
      | (?P<operator>!=|<=|>=|=|<|>)
      | (?P<regex>%[^%]*%)
      | (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<word>[A-Za-z0-9_.:/*@+-]+) )""",
    re.VERBOSE,
)
_STEP = re.compile(r"""\.([A-Za-z0-9_-]+)|\[\s*(?:"([^"]*)"|'([^']*)'|([0-9]+))\s*\]""")


def matches(pattern: str, event: Event) -> bool | None:
    """Whether the pattern selects the event. The empty pattern selects every one."""
    text = pattern.strip()
    if not text:
        return True
    test = _parsed(text)
    return None if test is None else test(event)


class _NotUnderstood(ValueError):
    """A pattern of another form than those for JSON, or with a mistake in it."""


@functools.cache
def _parsed(text: str) -> Test | None:
    if not (text.startswith("{") and text.endswith("}")):
        return None
    try:
        return _Parser(text[1:-1]).whole()
    except _NotUnderstood:
        return None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


class _Parser:
    """`or` binds less than `and`; parentheses as usual."""

    def __init__(self, text: str) -> None:
        self.tokens: list[_Token] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if not found or not found.lastgroup:
                raise _NotUnderstood
            self.tokens.append(_Token(found.lastgroup, found[found.lastgroup]))
            at = found.end()

    def whole(self) -> Test:
        test = self.either()
        if self.tokens:
            raise _NotUnderstood
        return test

    def either(self) -> Test:
        tests = [self.both()]
        while self.next_is("or"):
            tests.append(self.both())
        return lambda event: _any([test(event) for test in tests])

    def both(self) -> Test:
        tests = [self.one()]
        while self.next_is("and"):
            tests.append(self.one())
        return lambda event: _all([test(event) for test in tests])

    def one(self) -> Test:
        if self.next_is("open"):
            test = self.either()
            self.take("close")
            return test
        selector = self.take("selector")
        token = self.tokens.pop(0) if self.tokens else _Token("", "")
        if token.kind == "operator":
            return self.comparison(selector, token.text)
        if token.kind == "word":
            return self.state(selector, token.text.upper())
        raise _NotUnderstood

    def comparison(self, selector: str, operator: str) -> Test:
        value = self.tokens.pop(0) if self.tokens else _Token("", "")
        if value.kind not in ("word", "quoted"):  # regular expressions among them
            raise _NotUnderstood
        wanted = value.text[1:-1] if value.kind == "quoted" else value.text
        return lambda event: _compare(_select(event, selector), operator, wanted)

    def state(self, selector: str, word: str) -> Test:
        second = self.take("word").upper()
        if (word, second) == ("NOT", "EXISTS"):
            return lambda event: _select(event, selector) is _MISSING
        if word != "IS" or second not in ("TRUE", "FALSE", "NULL"):
            raise _NotUnderstood
        wanted = {"TRUE": True, "FALSE": False, "NULL": None}[second]
        return lambda event: _select(event, selector) is wanted

    def next_is(self, kind: str) -> bool:
        if self.tokens and self.tokens[0].kind == kind:
            self.tokens.pop(0)
            return True
        return False

    def take(self, kind: str) -> str:
        if not self.tokens or self.tokens[0].kind != kind:
            raise _NotUnderstood
        return self.tokens.pop(0).text


def _select(event: Any, selector: str) -> Any:
    found = event
    for name, double, single, index in _STEP.findall(selector):
        if index:
            found = found[int(index)] if isinstance(found, list) and int(index) < len(found) else _MISSING
        else:
            found = found.get(name or double or single, _MISSING) if isinstance(found, Mapping) else _MISSING
    return found


def _compare(found: Any, operator: str, wanted: str) -> bool | None:
    if found is _MISSING:
        return None if operator == "!=" else False  # the pages do not say what != means of what is not there
    if isinstance(found, (Mapping, list)) or found is None:
        return False
    if operator in ("=", "!="):
        text = str(found).lower() if isinstance(found, bool) else str(found)
        return fnmatchcase(text, re.sub(r"[\[?]", r"[\g<0>]", wanted)) == (operator == "=")
    try:
        left, right = float(found), float(wanted)
    except ValueError:
        return False
    return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[operator]


def _any(truths: list[bool | None]) -> bool | None:
    return True if True in truths else None if None in truths else False


def _all(truths: list[bool | None]) -> bool | None:
    return False if False in truths else None if None in truths else True
