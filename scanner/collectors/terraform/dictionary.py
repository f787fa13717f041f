"""The page that says which Terraform types are judged, and what a plan that creates one tells: written from the code.

Which columns a plan tells is found by shaping a resource that sets nothing, as the service would make it.
"""

from __future__ import annotations

from collections.abc import Iterator

from scanner.collectors.terraform.collect import FAMILIES
from scanner.collectors.terraform.defaults import DEFAULTS, NESTED, Default
from scanner.collectors.terraform.family import META, Family
from scanner.collectors.terraform.reading import RUNNING, Shape
from scanner.tables import Document

_INTRO = """\
# Terraform types

Made from the code; `make documents` writes it anew. [The gate](gate.md) says how a plan is read.

A type with a table of its own is a resource; the types below it say something of it and are joined to it by the
argument that names it. **Known after apply** are the columns that a plan does not tell of a new resource that sets no
more than it must: the running system alone has them. All others are known as far as the plan knows the arguments they
come of.
"""


def types() -> frozenset[str]:
    """Every type that is read."""
    return frozenset(name for family in FAMILIES for name in (*family.types, *family.satellites, *family.shared))


def markdown() -> str:
    """The page."""
    families = sorted(FAMILIES, key=lambda family: family.types[0])
    lines = [_INTRO, f"{len(types())} types of the AWS provider.\n"]
    for family in families:
        lines += _family(family)
    lines += ["## Defaults of the services\n"]
    lines += (
        "What holds where a new resource does not set an argument. Taken only where the configuration in the plan",
        "shows that it is not set.\n",
        "| type | argument | default | since | source |",
        "|---|---|---|---|---|",
        *sorted(_defaults()),
    )
    return "\n".join(lines) + "\n"


def _family(family: Family) -> Iterator[str]:
    yield f"## {', '.join(f'`{name}`' for name in family.types)}\n"
    own = family.tables[0]
    beside = ", ".join(f"`{table.table}`" for table in family.tables[1:])
    yield f"Table [`{own.table}`](tables.md#{own.table})" + (f", and {beside}" if beside else "") + ".\n"
    if family.satellites or family.shared:
        yield "| joined type | by | says |"
        yield "|---|---|---|"
        for name, satellite in sorted(family.satellites.items()):
            said = dict.fromkeys(f"`{t.table}.{c}`" if c else f"rows of `{t.table}`" for t, c in satellite.adds)
            yield f"| `{name}` | `{satellite.argument}` | {', '.join(said)} |"
        for name, arguments in sorted(family.shared.items()):
            yield f"| `{name}` | {', '.join(f'`{a}` of the resource' for a in arguments)} | parameters |"
        yield ""
    running = _running(family)
    yield f"Known after apply: {', '.join(f'`{name}`' for name in running) or 'nothing'}.\n"


def _running(family: Family) -> list[str]:
    """The columns of the resource's own table that no plan tells."""
    name = family.types[0]
    values = {argument: default.value for argument, default in DEFAULTS.get(name, {}).items()}
    document = Document(
        kind=family.kind_name, uid=f"plan:{name}.x", scope="s", name="x", account="111111111111", region="eu-west-1",
        parts={name: {f"{name}.x": _Anything(values)}, META: {"new": True}},
    )  # fmt: skip
    shape: Shape = family.shape(document)
    return sorted(
        column
        for (table, column, _), gap in shape.gaps.items()
        if table == family.tables[0].table and column and gap.detail == RUNNING.detail
    )


class _Anything(dict[str, object]):
    """The values of a resource that has every argument of its schema, none of them set."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> None:
        return None


def _defaults() -> Iterator[str]:
    for kind, arguments in DEFAULTS.items():
        for argument, default in arguments.items():
            yield _row(kind, argument, default)
    for kind, nested in NESTED.items():
        for (block, argument), default in nested.items():
            yield _row(kind, f"{block}.{argument}", default)


def _row(kind: str, argument: str, default: Default) -> str:
    value = "none" if default.value == [] else "not set" if default.value == "" else str(default.value).lower()
    value = default.value if isinstance(default.value, str) and default.value else value
    return f"| `{kind}` | `{argument}` | {value} | {default.since or 'the start'} | {default.source} |"
