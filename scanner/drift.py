"""What differs between two snapshots: resources and their fields, findings and their state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scanner.rules import SCOPE
from scanner.store import Member, Snapshot, Store
from scanner.tables import Document, Gap, Requested

Judged = Mapping[tuple[str, str, str], tuple[str, str]]  # rule, uid, discriminator → status, message: every verdict
_BAD = ("fail", "unknown")


@dataclass(frozen=True, slots=True)
class Field:
    """One changed value: a dotted path from the part's name on, and the value before and after (None: absent)."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource that was added, changed or removed."""

    uid: str
    change: str  # added, changed, removed
    kind: str
    name: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingChange:
    """One verdict that became, or ceased to be, a failure or an unknown."""

    rule: str
    uid: str
    discriminator: str
    change: str  # new, resolved, changed
    before: str  # status before, '' if there was none
    after: str
    message: str


@dataclass(frozen=True, slots=True)
class Drift:
    """All that differs. `not_comparable` lists what one of the two snapshots did not read, or was not asked to.

    Findings are compared only where both snapshots were judged; `not_judged` has the numbers of those that were not.
    """

    before: Snapshot
    after: Snapshot
    resources: tuple[ResourceChange, ...]
    findings: tuple[FindingChange, ...]
    not_comparable: tuple[str, ...]
    not_judged: tuple[int, ...] = ()
    judged_by_other: tuple[str, ...] = ()  # what the two were judged by and is not the same: rules, policy

    @property
    def empty(self) -> bool:
        """Nothing changed among what both snapshots read."""
        return not self.resources and not self.findings


def compare(
    store: Store, before: Snapshot, after: Snapshot, judged: tuple[Judged | None, Judged | None] | None = None
) -> Drift:
    """What changed from one snapshot to the other. Volatile values, and what either did not read, are no change.

    The findings are those of the snapshots' last evaluations, or those of the verdicts that are given as `judged`.
    """
    old, new = store.members(before.id), store.members(after.id)
    read = _Read.of(store, before, after)
    changes = []
    for uid in sorted(old.keys() | new.keys()):
        a, b = old.get(uid), new.get(uid)
        if a is None or b is None:
            one, number = (old[uid], before.id) if b is None else (new[uid], after.id)
            if read.by_both(one):
                document = store.document(number, uid, one)
                changes.append(ResourceChange(uid, "removed" if b is None else "added", one.kind, document.name))
        elif a.sha != b.sha:
            was, is_ = store.document(before.id, uid, a), store.document(after.id, uid, b)
            if fields := tuple(_fields(was, is_)):
                changes.append(ResourceChange(uid, "changed", b.kind, is_.name, fields))
    verdicts = judged or (_verdicts(store, before), _verdicts(store, after))
    findings: tuple[FindingChange, ...] = ()
    if verdicts[0] is not None and verdicts[1] is not None:
        resources = {uid: read.by_both(old.get(uid) or new[uid]) for uid in old.keys() ^ new.keys()}
        resources |= dict.fromkeys(old.keys() & new.keys(), True) | dict.fromkeys(read.scopes_of_one, False)
        findings = tuple(_findings(verdicts[0], verdicts[1], resources))
    not_judged = tuple(s.id for s, known in zip((before, after), verdicts, strict=True) if known is None)
    others = () if judged else _judged_by_other(store, before, after)
    return Drift(before, after, tuple(changes), findings, read.not_comparable, not_judged, others)


@dataclass(frozen=True, slots=True)
class _Read:
    """What two snapshots read, each as scope and table."""

    comparable: frozenset[tuple[str, str]]
    scopes_of_one: frozenset[str]  # uids of the scopes that only one of them asked
    not_comparable: tuple[str, ...]

    @classmethod
    def of(cls, store: Store, before: Snapshot, after: Snapshot) -> _Read:
        ledgers = [store.ledger(snapshot.id) for snapshot in (before, after)]
        asked = [{(r.scope, r.table_name) for r in ledger if isinstance(r, Requested)} for ledger in ledgers]
        gaps = [row for ledger in ledgers for row in ledger if isinstance(row, Gap)]
        blind = {(g.scope, g.table_name) for g in gaps if not g.uid and not g.column_name}
        scopes = [{scope for scope, _ in pairs} for pairs in asked]
        of_one = {f"{SCOPE}{scope}" for scope in scopes[0] ^ scopes[1]}
        tables = {f"{SCOPE}{scope} {name}" for scope, name in asked[0] ^ asked[1] if f"{SCOPE}{scope}" not in of_one}
        unread = {g.uid or f"{SCOPE}{g.scope}" for g in gaps}
        return cls(frozenset((asked[0] & asked[1]) - blind), frozenset(of_one), tuple(sorted(unread | of_one | tables)))

    def by_both(self, one: Member) -> bool:
        """Whether either would have seen the resource, had it been there."""
        return (one.scope, one.table_name) in self.comparable


def _fields(a: Document, b: Document) -> Iterator[Field]:
    """Changed values of the parts that both were read with."""
    for place in ("name", "account", "region", "cluster", "namespace"):
        if getattr(a, place) != getattr(b, place):
            yield Field(place, getattr(a, place), getattr(b, place))
    for part in sorted(a.parts.keys() & b.parts.keys()):
        yield from _values(part, a.parts[part], b.parts[part])


def _values(path: str, a: Any, b: Any) -> Iterator[Field]:
    if a == b:
        return
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in sorted(a.keys() | b.keys()):
            yield from _values(f"{path}.{key}", a.get(key), b.get(key))
    else:
        yield Field(path, a, b)


def _findings(old: Judged, new: Judged, resources: Mapping[str, bool]) -> Iterator[FindingChange]:
    """Changes between good and bad. `resources` says of which resources and scopes both snapshots could tell.

    What is no longer judged because it was not read is no change. Of what is no resource, such as a pair of
    environments, a finding is not resolved where its rule was not asked at all.
    """
    asked = {rule for rule, _, _ in new}
    for key in sorted(old.keys() | new.keys()):
        rule, uid, _ = key
        if (key not in old or key not in new) and not resources.get(uid, rule in asked):
            continue
        (was, told), (is_, says) = (_bad(judged.get(key)) for judged in (old, new))
        if was != is_:
            change = "new" if not was else "resolved" if not is_ else "changed"
            yield FindingChange(*key, change, was, is_, says or told)


def _bad(verdict: tuple[str, str] | None) -> tuple[str, str]:
    """Status and message of a verdict that is a finding; nothing where it is none."""
    return verdict if verdict and verdict[0] in _BAD else ("", "")


def _judged_by_other(store: Store, before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """What differs in that by which the two were judged last; a finding may come of that alone."""
    last = {e.snapshot: e for e in store.evaluations() if e.snapshot in (before.id, after.id)}
    if len(last) < 2:
        return ()
    one, other = last[before.id], last[after.id]
    pairs = {
        "rules": (one.rules_digest, other.rules_digest),
        "policy": (one.policy_digest, other.policy_digest),
    }
    return tuple(name for name, (a, b) in pairs.items() if a != b)


def _verdicts(store: Store, snapshot: Snapshot) -> Judged | None:
    """Every verdict of the snapshot's last evaluation; None where there was none."""
    numbers = [e.id for e in store.evaluations() if e.snapshot == snapshot.id]
    if not numbers:
        return None
    return {
        (rule, uid, discriminator): (status, message)
        for rule, uid, discriminator, status, message, _ in store.verdicts(numbers[-1])
    }
