"""Label selectors in the form that the typed tables have them, matched against labels that may not all be known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

NAMESPACE_NAME = "kubernetes.io/metadata.name"  # the API server puts it on every namespace

_KEY = r"[^\s,=!()]+"
_TERM = re.compile(rf"(!)?({_KEY})(?:=([^\s,=!()]*)| (in|notin) \(([^\s=!()]*)\))?(?:,(?=.)|$)")


class Term(NamedTuple):
    """One requirement on one label."""

    key: str
    operator: str  # in, notin, exists, absent
    values: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of a pod or namespace. Where not all are known, one that is not here may be there."""

    known: tuple[tuple[str, str], ...] = ()
    complete: bool = True

    @classmethod
    def of(cls, known: dict[str, str], *, complete: bool = True) -> Labels:
        return cls(tuple(sorted(known.items())), complete)

    def only(self, keys: frozenset[str]) -> Labels:
        """The labels that somebody asks for."""
        return Labels(tuple(item for item in self.known if item[0] in keys), self.complete)


@lru_cache(65536)
def parse(selector: str) -> tuple[Term, ...] | None:
    """The terms of a selector, all of which must hold; None for one with an operator that is new to us."""
    terms = []
    at = 0
    while at < len(selector):
        match = _TERM.match(selector, at)
        if match is None:
            return None
        absent, key, equal, operator, values = match.groups()
        if absent and (equal is not None or operator):
            return None
        if equal is not None:
            terms.append(Term(key, "in", frozenset({equal})))
        elif operator:
            terms.append(Term(key, operator, frozenset(values.split(","))))
        else:
            terms.append(Term(key, "absent" if absent else "exists"))
        at = match.end()
    return tuple(terms)


@lru_cache(262144)
def matches(selector: str, labels: Labels) -> bool | None:
    """Whether the selector matches the labels; None where that is not known."""
    terms = parse(selector)
    if terms is None:
        return None
    known = dict(labels.known)
    answers = {_holds(term, known, labels.complete) for term in terms}
    return False if False in answers else None if None in answers else True


def _holds(term: Term, known: dict[str, str], complete: bool) -> bool | None:
    if term.key not in known:
        return term.operator in ("notin", "absent") if complete else None
    match term.operator:
        case "exists":
            return True
        case "absent":
            return False
        case "in":
            return known[term.key] in term.values
    return known[term.key] not in term.values


def keys(selector: str) -> frozenset[str]:
    """The labels that the selector asks for."""
    return frozenset(term.key for term in parse(selector) or ())
