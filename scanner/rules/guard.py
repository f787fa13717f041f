"""The guard: where a gap touches what a rule reads, the rule must not be certain.

Computed once for a rule, in Python, and given to its SQL as conditions on the subject: scopes as literals, uids as a
bound list. A rule whose tables have no gap is run without any.
"""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from scanner.rules.compile import Compiled, Other
from scanner.rules.state import Place, State, inherited
from scanner.rules.verdict import Because
from scanner.tables import Derived, tables


class Subject(NamedTuple):
    """A subject whose verdict is unknown, and where it is. None is a place that is not known."""

    uid: str
    scope: str
    account: str | None
    region: str | None
    cluster: str | None


@dataclass
class _Blocked:
    """What one part of a rule reads and a gap touches: conditions on `r`, and why, by what they are about."""

    terms: list[str] = field(default_factory=list)
    by_uid: dict[str, list[Because]] = field(default_factory=lambda: defaultdict(list))
    by_scope: dict[str, list[Because]] = field(default_factory=lambda: defaultdict(list))
    places: list[_Places] = field(default_factory=list)
    all: list[Because] = field(default_factory=list)  # of every subject

    def reasons(self, subject: Subject) -> Iterator[Because]:
        yield from self.by_uid.get(subject.uid, ())
        yield from self.by_scope.get(subject.scope, ())
        for places in self.places:
            yield from places.reasons(subject)
        yield from self.all


@dataclass
class Guard:
    """The gaps that touch a rule. Empty for most rules of a run that nobody refused anything."""

    when_terms: Sequence[str] = ()
    ok_terms: Sequence[str] = ()
    values: Mapping[str, str] = field(default_factory=dict)  # bound by the terms
    listings: Mapping[str, Sequence[Because]] = field(default_factory=dict)  # scope → why it was not listed
    missing: Mapping[str, Sequence[Because]] = field(default_factory=dict)  # uid without a row → why
    _blocked: Sequence[_Blocked] = ()

    def reasons(self, subject: Subject) -> tuple[Because, ...]:
        """What the gaps say of an unknown verdict, each once."""
        return tuple(dict.fromkeys(reason for blocked in self._blocked for reason in blocked.reasons(subject)))


def guard(compiled: Compiled, state: State) -> Guard:
    """The guard of a rule over an estate."""
    return _Builder(compiled, state).guard()


class _Builder:
    def __init__(self, compiled: Compiled, state: State) -> None:
        self.compiled = compiled
        self.state = state
        self.when, self.ok = _Blocked(), _Blocked()
        self.listings: dict[str, list[Because]] = defaultdict(list)
        self.missing: dict[str, list[Because]] = {}

    def guard(self) -> Guard:
        self._own()
        for other in self.compiled.others:
            self._other(other)
        values = {}
        for name, blocked in (("when_uids", self.when), ("ok_uids", self.ok)):
            if blocked.by_uid:
                values[name] = json.dumps(sorted(blocked.by_uid))
                blocked.terms.append(f"r.uid IN (SELECT value FROM json_each(:{name}))")
            if blocked.by_scope:
                blocked.terms.append(f"r.scope IN ({_quoted(blocked.by_scope)})")
            if blocked.all:
                blocked.terms.append("1")
            blocked.terms += [term for places in blocked.places for term in places.terms()]
        return Guard(self.when.terms, self.ok.terms, values, dict(self.listings), self.missing, (self.when, self.ok))

    # The subject's own row

    def _own(self) -> None:
        compiled, state = self.compiled, self.state
        touching: list[Because] = []
        for gap in _gaps(compiled.resource, state):
            if not gap.column or gap.column in compiled.reads:
                if gap.uid or gap.column:
                    touching.append(gap)
                else:
                    self.listings[gap.scope].append(gap)
        absent = state.absent(compiled.resource) if touching else frozenset()
        for gap in touching:
            part = self.when if _touches(gap, compiled.when_reads) else self.ok
            if not gap.uid:
                part.by_scope[gap.scope].append(gap)
            elif gap.uid in absent:
                self.missing.setdefault(gap.uid, []).append(gap)
            else:
                part.by_uid[gap.uid].append(gap)
        for table in inherited(compiled.resource):
            self._derived_from(table, self.when if compiled.when_reads else self.ok)

    def _derived_from(self, table: str, part: _Blocked) -> None:
        """A derived row is as good as what it was computed from."""
        gaps = _gaps(table, self.state)
        elsewhere = self.state.without_row(self.compiled.resource, {gap.uid for gap in gaps})
        for gap in gaps:
            if gap.uid not in elsewhere:
                part.by_uid[gap.uid].append(gap)
            elif not gap.column or gap.reason == "stale":
                part.all.append(gap)
        for name in inherited(table):
            self._derived_from(name, part)

    # Other tables

    def _other(self, other: Other) -> None:
        asked = self.state.asked(other.table)
        blocking = self._blocking(other)
        if other.within == "resource":
            for gap in blocking:
                if self._is_listing(gap):  # a subject that is there came another way, and its list with it
                    continue
                part = self.ok.by_uid[gap.uid] if gap.uid else self.ok.by_scope[gap.scope]
                part.append(gap)
            for scope in sorted(self.state.scopes_of(self.compiled.resource) - asked):
                self.ok.by_scope[scope].append(Because("not_requested", other.table, scope=scope))
            self.ok.all += self._blocking_inputs(other)
        elif other.within:
            blocking += self._blocking_inputs(other)
            astray = [gap for gap in blocking if gap.column in ("account", "region", "cluster")]  # it may be anywhere
            self.ok.all += astray
            here = [gap for gap in blocking if gap not in astray]
            self.ok.places.append(_Places(other, asked, self.state.scopes, here))
        else:
            blocking += self._blocking_inputs(other)
            self.ok.all += blocking
            if not asked:
                self.ok.all.append(Because("not_requested", other.table))

    def _is_listing(self, gap: Because) -> bool:
        """The gap is of a listing that was to give the subjects, and what they list, in one answer."""
        if gap.uid or gap.column or issubclass(tables()[gap.table], Derived):
            return False
        return gap._replace(table=self.compiled.resource) in self._listed

    @functools.cached_property
    def _listed(self) -> frozenset[Because]:
        return frozenset(gap for gap in _gaps(self.compiled.resource, self.state) if not gap.uid and not gap.column)

    def _blocking(self, other: Other) -> list[Because]:
        """Gaps that NULL in the table does not already show: missing rows and listings, and stale cells."""
        found, cells = [], []
        for gap in _gaps(other.table, self.state):
            if not gap.column or (gap.column in other.columns and gap.reason == "stale"):
                found.append(gap)
            elif gap.column in other.columns:
                cells.append(gap)
        explained = self.state.explained(cells) if cells else frozenset()
        return found + [gap for gap in cells if gap not in explained]

    def _blocking_inputs(self, other: Other) -> list[Because]:
        return [gap for table in _all_inputs(other.table) for gap in _missing_or_stale(table, self.state)]


@dataclass
class _Places:
    """Another table that a subject needs of its own account, region or cluster, and where it is not complete.

    A scope without an account (a plan, a folder) may hold rows of any account, one without a region (an account's
    global part) rows of any region.
    """

    other: Other
    asked: frozenset[str]
    scopes: Mapping[str, Place]
    blocking: Sequence[Because]

    def terms(self) -> Iterator[str]:
        """Conditions on `r`: a gap in a place that is or may be the subject's; the table not asked for there."""
        bad = {self._key(self.scopes[gap.scope]) for gap in self.blocking if gap.scope in self.scopes}
        if any(gap.scope not in self.scopes for gap in self.blocking) or _ANY in bad:
            yield "1"
        elif bad:
            yield f"({self._within(bad)}) IS NOT 0"
        good = {self._key(self.scopes[scope]) for scope in self._asked()} - {_ANY}
        anywhere = [scope for scope in self._asked() if self._is_any(scope)]
        asked = [self._within(good)] if good else []
        asked += [f"r.scope IN ({_quoted(anywhere)})"] if anywhere else []
        if not asked:
            yield "1"
        else:  # a subject whose own place is NULL may be in a place that was asked
            yield f"({' OR '.join(asked)}) IS 0"

    def reasons(self, subject: Subject) -> Iterator[Because]:
        for gap in self.blocking:
            if gap.scope not in self.scopes or self._may_be(subject, gap.scope):
                yield gap
        if not any(
            scope == subject.scope if self._is_any(scope) else self._may_be(subject, scope) for scope in self._asked()
        ):
            yield Because("not_requested", self.other.table, scope=subject.scope)

    def _asked(self) -> list[str]:
        return sorted(scope for scope in self.asked if scope in self.scopes)

    def _is_any(self, scope: str) -> bool:
        return self._key(self.scopes[scope]) == _ANY

    def _key(self, place: Place) -> tuple[str, str]:
        """Account and region, or cluster; '' for any."""
        match self.other.within:
            case "account":
                return (place.account, "")
            case "region":
                return (place.account, place.region if place.account else "")
        return (place.cluster, "")

    def _within(self, keys: Iterable[tuple[str, str]]) -> str:
        first = "cluster" if self.other.within == "cluster" else "account"
        whole = sorted({key[0] for key in keys if not key[1]})
        parts = sorted({"/".join(key) for key in keys if key[1]})
        terms = [f"r.{first} IN ({_quoted(whole)})"] if whole else []
        terms += [f"r.{first} || '/' || r.region IN ({_quoted(parts)})"] if parts else []
        return " OR ".join(terms)

    def _may_be(self, subject: Subject, scope: str) -> bool:
        """The scope is, or may be, of the subject's place."""
        first, region = self._key(self.scopes[scope])
        mine = subject.cluster if self.other.within == "cluster" else subject.account
        return (not first or mine in (None, first)) and (not region or subject.region in (None, region))


_ANY = ("", "")


def _gaps(table: str, state: State) -> Sequence[Because]:
    return state.gaps.get(table, ())


def _missing_or_stale(table: str, state: State) -> Iterator[Because]:
    """What a computation over a table cannot see as NULL."""
    for gap in _gaps(table, state):
        if not gap.column or gap.reason == "stale":
            yield gap


def _all_inputs(table: str) -> Iterator[str]:
    for name in inherited(table):
        yield name
        yield from _all_inputs(name)


def _touches(gap: Because, columns: frozenset[str]) -> bool:
    return gap.column in columns if gap.column else bool(columns)


def _quoted(values: Iterable[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(values))
