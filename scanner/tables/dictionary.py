"""The data dictionary: every typed table and column, as docs/tables.md shows them and as JSON Schema."""

from __future__ import annotations

from typing import Any

from scanner.tables.base import Child, Column, Derived, Placed, Row, tables

_JSON = {str: "string", int: "integer", bool: "boolean", float: "number"}
_SHARED = frozenset(Placed.columns()) - {"uid"}


def markdown() -> str:
    """The dictionary as a page."""
    lines = [
        "# Tables", "",
        "Made from the classes in `scanner/tables/`; `make tables` writes it anew. NULL means «we do not know»,",
        "never «not set»: absence is a value (0, false, ''). Times are UTC seconds.", "",
        "Every table of a source also has: " + ", ".join(f"`{name}`" for name in Placed.columns()) + ".", "",
        "| column | type | meaning |", "|---|---|---|",
        *(_line(c) for c in Placed.columns().values()),
    ]  # fmt: skip
    for name, kind in tables().items():
        lines += [
            "",
            f"## {name}",
            "",
            f"{kind.title}." + _nature(kind),
            "",
            "| column | type | meaning |",
            "|---|---|---|",
        ]
        hidden = _SHARED if issubclass(kind, Placed) else frozenset()
        lines += [_line(c) for c in kind.columns().values() if c.name not in hidden]
    return "\n".join(lines) + "\n"


def json_schema(kind: type[Row]) -> dict[str, Any]:
    """JSON Schema of one row."""
    properties = {
        c.name: {"type": [_JSON[c.type], "null"] if c.nullable else _JSON[c.type], "description": c.description}
        for c in kind.columns().values()
    }
    return {"title": kind.table, "type": "object", "additionalProperties": False, "properties": properties}


def _nature(kind: type[Row]) -> str:
    if issubclass(kind, Child):
        return " A row an element of its resource's list; `uid` is the resource's."
    if issubclass(kind, Derived):
        return f" Computed from {', '.join(kind.inputs)}."
    return ""


def _line(column: Column) -> str:
    kind = {str: "text", int: "integer", bool: "boolean", float: "number"}[column.type]
    notes = [column.unit, "" if column.nullable else "never NULL", "volatile" if column.volatile else ""]
    noted = ", ".join(filter(None, [kind, *notes]))
    return f"| `{column.name}` | {noted} | {column.description.replace('|', chr(92) + '|')} |"
