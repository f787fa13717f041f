"""Whether labels meet a selector, as `values.selector` writes it and kubectl does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_TERM = re.compile(r"(?P<key>[^=!,() ]+) (?P<set>in|notin) \((?P<values>[^)]*)\)|(?P<rest>[^,]+)")
_Term = tuple[str, str, frozenset[str]]  # key, in, notin, exists or absent, values


@lru_cache(maxsize=4096)
def _terms(selector: str) -> tuple[_Term, ...]:
    return tuple(_term(match) for match in _TERM.finditer(selector))


def _term(match: re.Match[str]) -> _Term:
    if match["set"]:
        return match["key"], match["set"], frozenset(match["values"].split(","))
    key, equals, value = match["rest"].partition("=")
    if equals:
        return key, "in", frozenset({value})
    return (key[1:], "absent", frozenset()) if key.startswith("!") else (key, "exists", frozenset())


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether all terms hold; '' selects everything. `notin` also holds where the label is not set."""
    return all(_holds(term, labels) for term in _terms(selector))


def _holds(term: _Term, labels: Mapping[str, str]) -> bool:
    key, operator, values = term
    match operator:
        case "in":
            return labels.get(key) in values
        case "notin":
            return labels.get(key) not in values
        case "exists":
            return key in labels
    return key not in labels
