"""Where a snapshot's values came from: the stored documents, and the calls that answered for each resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.results.model import ApiCall

if TYPE_CHECKING:
    from scanner.store import Snapshot, Store
    from scanner.tables import Kind, Kinds

_FILE = "file"  # the service of calls that read files


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """The stored document of a resource: its SHA-256, and the operations that found it or filled it."""

    digest: str
    operations: tuple[str, ...] = ()


def operations(kind: Kind, uid: str, parts: Iterable[str]) -> tuple[str, ...]:
    """The operations that a document of the kind is made of, as a ledger knows them."""
    if kind.listed_by:
        return tuple(kind.listed_by(uid))
    return tuple(kind.sources.get(part, part) for part in parts)


class Documents(Mapping[str, DocumentRef]):
    """The documents of a stored snapshot by uid; one is read when it is asked for."""

    def __init__(self, store: Store, snapshot: Snapshot, kinds: Kinds) -> None:
        self._store = store
        self._kinds = kinds
        self._members = store.members(snapshot.id)

    def __getitem__(self, uid: str) -> DocumentRef:
        member = self._members[uid]
        kind = self._kinds[member.kind]
        return DocumentRef(member.sha, operations(kind, uid, self._store.parts(member.sha)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


class Ledger:
    """Calls by number and by what they were asked about."""

    def __init__(self, calls: Iterable[ApiCall]) -> None:
        self.by_id = {call.id: call for call in calls}
        self._about: defaultdict[str, list[ApiCall]] = defaultdict(list)  # uid → calls about it
        self._listings: defaultdict[tuple[str, str, str], list[ApiCall]] = defaultdict(list)
        self._files: defaultdict[str, list[ApiCall]] = defaultdict(list)  # scope → files read
        for call in self.by_id.values():
            if call.service == _FILE:
                self._files[call.scope].append(call)
            else:
                self._about[call.uid].append(call)
                self._listings[call.scope, call.operation, call.uid].append(call)
                # services have operations of the same name
                self._listings[call.scope, f"{call.service}:{call.operation}", call.uid].append(call)

    def of(
        self, uid: str, scope: str, operations: Collection[str] = (), *, namespace: str = "", file: str = ""
    ) -> tuple[ApiCall, ...]:
        """The calls that answered for a resource, in the order they were made: the listing that found it, those about
        it alone, the files it was read from.

        `operations` are those that its document is made of. A listing is of the whole scope, or of the namespace with
        that uid.
        """
        found: list[ApiCall] = []
        for operation in operations:
            own = self._listings.get((scope, operation, uid))
            wide = self._listings.get((scope, operation, ""), ())
            found += own or (*wide, *(self._listings.get((scope, operation, namespace), ()) if namespace else ()))
        # a namespace is also what lists of other kinds are asked about
        found += [c for c in self._about.get(uid, ()) if not c.operation.startswith("list ")] if uid else []
        found += [c for c in self._files.get(scope, ()) if c.uid in ("", uid, file) or uid.startswith(f"{c.uid}/")]
        return tuple({call.id: call for call in sorted(found, key=lambda c: c.id)}.values())
