"""What differs between two snapshots: resources and their fields, findings and their state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scanner.store import Snapshot, Store
from scanner.tables import Document, Gap

Open = dict[tuple[str, str, str], tuple[str, str]]  # rule, uid, discriminator → status, message


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
    """All that differs. `not_comparable` lists what one of the two snapshots did not read.

    Findings are compared only where both snapshots were judged; `not_judged` has the numbers of those that were not.
    """

    before: Snapshot
    after: Snapshot
    resources: tuple[ResourceChange, ...]
    findings: tuple[FindingChange, ...]
    not_comparable: tuple[str, ...]
    not_judged: tuple[int, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing changed among what both snapshots read."""
        return not self.resources and not self.findings


def compare(
    store: Store, before: Snapshot, after: Snapshot, judged: tuple[Open | None, Open | None] | None = None
) -> Drift:
    """What changed from one snapshot to the other. Volatile values, and what either did not read, are no change.

    The findings are those of the snapshots' last evaluations, or those that are given as `judged`.
    """
    old, new = store.members(before.id), store.members(after.id)
    gaps = [g for s in (before, after) for g in store.ledger(s.id) if isinstance(g, Gap)]
    blind = {(g.scope, g.table_name) for g in gaps if not g.uid and not g.column_name}
    changes = []
    for uid in sorted(old.keys() | new.keys()):
        a, b = old.get(uid), new.get(uid)
        if a is None or b is None:
            one, number = (old[uid], before.id) if b is None else (new[uid], after.id)
            if (one.scope, one.table_name) not in blind:
                document = store.document(number, uid, one)
                changes.append(ResourceChange(uid, "removed" if b is None else "added", one.kind, document.name))
        elif a.sha != b.sha:
            was, is_ = store.document(before.id, uid, a), store.document(after.id, uid, b)
            if fields := tuple(_fields(was, is_)):
                changes.append(ResourceChange(uid, "changed", b.kind, is_.name, fields))
    unread = sorted({g.uid or f"scope:{g.scope}" for g in gaps})
    old_findings, new_findings = judged or (_open(store, before), _open(store, after))
    findings: tuple[FindingChange, ...] = ()
    if old_findings is not None and new_findings is not None:
        findings = tuple(_findings(old_findings, new_findings))
    not_judged = [s.id for s, f in ((before, old_findings), (after, new_findings)) if f is None]
    return Drift(before, after, tuple(changes), findings, tuple(unread), tuple(not_judged))


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


def _findings(old: Open, new: Open) -> Iterator[FindingChange]:
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key, ("", "")), new.get(key, ("", ""))
        if a[0] != b[0]:
            change = "new" if not a[0] else "resolved" if not b[0] else "changed"
            yield FindingChange(*key, change, a[0], b[0], b[1] or a[1])


def _open(store: Store, snapshot: Snapshot) -> Open | None:
    """The failing and unknown verdicts of the snapshot's last evaluation; None where there was none."""
    numbers = [e.id for e in store.evaluations() if e.snapshot == snapshot.id]
    if not numbers:
        return None
    return {
        (rule, uid, discriminator): (status, message)
        for rule, uid, discriminator, status, message, _ in store.verdicts(numbers[-1])
        if status in ("fail", "unknown")
    }
