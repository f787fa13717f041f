"""The seam between collectors and the store: what one resource's sources answered, and how it becomes rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner.tables.base import Placed

Json = Any  # None, bool, int, float, str, list and dict of the same


@dataclass(frozen=True, slots=True)
class Document:
    """What the sources said of one resource.

    `parts` maps an operation (`GetBucketPolicy`), a Terraform type (`aws_s3_bucket_versioning`) or `object`
    (a Kubernetes object) to its answer. A part that is missing was not read. A part that is `None` was read
    and is known to be absent. Values are secret until the store has put them through the redactor.
    """

    kind: str
    uid: str
    scope: str
    name: str
    parts: Mapping[str, Json]
    account: str = ""
    region: str = ""
    cluster: str = ""
    namespace: str = ""
    source: str = ""
    file: str = ""
    line: int = 0

    @property
    def place(self) -> dict[str, Any]:
        """The columns that every row of this document shares: `AwsS3Bucket(**document.place, versioning=…)`."""
        return {
            "scope": self.scope, "uid": self.uid, "name": self.name, "account": self.account, "region": self.region,
            "cluster": self.cluster, "namespace": self.namespace, "source": self.source, "file": self.file,
            "line": self.line,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """How documents of one kind are redacted, split and shaped.

    Paths are dotted, from the part's name on; `*` stands for any key or any element of a list.
    """

    name: str  # aws_s3_bucket, kubernetes_workload, terraform_aws_s3_bucket
    tables: tuple[type[Placed], ...]  # the first is the resource's own table, the others its children's
    shape: Callable[[Document], Iterable[Placed]]  # pure, and total: any subset of the parts gives rows
    volatile: tuple[str, ...] = ()  # kept per snapshot and shown, but no change: last used, status
    secret: tuple[str, ...] = ()  # strings that are always replaced by keyed hashes
    base64: tuple[str, ...] = ()  # of those, the ones that are Base64: hashed decoded, equal to the same in clear
    settings: tuple[str, ...] = ()  # maps of names to values: each value is judged by its name and form
    sources: Mapping[str, str] = field(
        default_factory=dict
    )  # part → `service:operation`, where the part's name is less
    listed_by: Callable[[str], Collection[str]] | None = None  # uid → operations whose listing finds it, where the
    # parts are not named after operations


@dataclass(slots=True)
class Kinds:
    """All kinds by name; collectors register theirs, the store shapes with them."""

    by_name: dict[str, Kind] = field(default_factory=dict)

    def add(self, *kinds: Kind) -> None:
        """Register; a name that is taken by another kind is a programming error."""
        for kind in kinds:
            if self.by_name.setdefault(kind.name, kind) is not kind:
                raise ValueError(f"kind {kind.name} is declared twice")

    def __getitem__(self, name: str) -> Kind:
        return self.by_name[name]
