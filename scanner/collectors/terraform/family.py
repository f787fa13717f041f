"""A family: the Terraform resources that together describe one real resource, and how they become its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scanner.collectors.terraform.identity import known_id
from scanner.collectors.terraform.reading import Shape, View
from scanner.collectors.terraform.values import OUTSIDE, TWICE
from scanner.tables import Document, Kind
from scanner.tables.base import Placed

META = "terraform"  # the part of a document that says what the plan does with the resource


class Parts:
    """The views of one document: the resource's own block, and those of its satellites."""

    def __init__(self, family: Family, document: Document) -> None:
        self.family = family
        self.document = document
        meta = document.parts.get(META)
        self.meta = meta if isinstance(meta, Mapping) else {}

    @property
    def type(self) -> str:
        """Which of the family's main types it is; the first where it is declared outside the plan."""
        return next((name for name in self.family.types if self.document.parts.get(name)), self.family.types[0])

    @property
    def own(self) -> View:
        """The resource's own values; a view that knows nothing where it is declared outside the plan."""
        return next(iter(self.views(self.type)), View({OUTSIDE: self.document.uid}, self.type))

    @property
    def is_outside(self) -> bool:
        return not self.views(self.type)

    @property
    def is_new(self) -> bool:
        """Nothing of what exists is kept, so what the plan does not set is as the service makes it."""
        return self.meta.get("new") is True

    def views(self, *types: str) -> list[View]:
        """The blocks of these types, in the order of their addresses."""
        found = []
        for name in types:
            part = self.document.parts.get(name)
            if isinstance(part, Mapping):
                found += [View(values, address, name) for address, values in sorted(part.items())]
        return found

    def before(self, *types: str) -> list[View]:
        """Satellites as they were before the plan deletes or changes them; the resource's own block may still
        repeat what they said then."""
        changed = self.document.parts.get("before")
        parts = changed if isinstance(changed, Mapping) else {}
        return [View(values, address) for name in types for address, values in sorted(parts.get(name, {}).items())]

    def only(self, name: str) -> View | None:
        """The one satellite of a type of which there can be one; of several nobody knows which holds."""
        found = self.views(name)
        if len(found) > 1:
            return View({TWICE: " and ".join(view.path for view in found)}, found[0].path)
        return next(iter(found), None)

    def is_gone(self, name: str) -> bool:
        """The plan deletes a satellite of this type and leaves none."""
        gone = self.meta.get("gone")
        return isinstance(gone, list) and name in gone and not self.views(name)

    def named(self, name: str, kind: str) -> str:
        """The uid of another resource of the plan, by name; '' where the plan has none."""
        uids = self.meta.get("uids")
        return str(uids.get(f"{kind} {name}", "")) if isinstance(uids, Mapping) else ""

    def uid_of(self, satellite: View) -> str:
        """The uid of a satellite that is a resource of its own too."""
        return self.named(satellite.path, "@") or f"plan:{satellite.path}"

    def by_id(self, table: str) -> Callable[[str], str]:
        """Makes uids of ids such as `vpc-123`, with the pattern of the table."""
        return known_id(self.document, table)

    def by_name(self, table: str, kind: str) -> Callable[[str], str]:
        """Makes uids of names: the plan's own resource of that name, else the ARN that the name leads to."""
        outside = known_id(self.document, table)
        return lambda name: self.named(name, kind) or outside(name)


@dataclass(frozen=True, slots=True)
class Satellite:
    """A resource that only says something of another one, which its argument names.

    `adds` is what it says: a table with a column, or with '' for rows. That is not known of any resource of the
    family while it is not known which one the satellite belongs to.
    """

    argument: str
    adds: tuple[tuple[type[Placed], str], ...]


@dataclass(frozen=True, slots=True)
class Family:
    """`fill` makes the rows. A satellite is joined to its resource by the argument that names it."""

    types: tuple[str, ...]
    tables: tuple[type[Placed], ...]
    fill: Callable[[Shape, Parts], None]
    satellites: Mapping[str, Satellite] = field(default_factory=dict)
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # types that arguments name: their arguments
    looks_up: tuple[str, ...] = ()  # types whose names occur in its arguments
    secret: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    is_global: bool = False  # the resource belongs to no region

    @property
    def kind_name(self) -> str:
        return f"terraform_{self.types[0]}"

    def shape(self, document: Document) -> Shape:
        """Rows and gaps of a document. Pure, and total: any subset of the parts gives rows."""
        shape = Shape(document)
        self.fill(shape, Parts(self, document))
        return shape

    def kind(self) -> Kind:
        """How the store redacts and shapes the documents."""
        return Kind(
            name=self.kind_name,
            tables=self.tables,
            shape=lambda document: self.shape(document).rows(),
            secret=self.secret,
            settings=self.settings,
        )
