"""The documents of configuration, and how they become rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scanner.safe import detectors, settings
from scanner.tables import Document, Kind, numbered
from scanner.tables.base import Placed
from scanner.tables.config_value import ConfigEnvironment, ConfigLayer, ConfigSecret, ConfigValue, ConfigVariable

Json = Any
# `${NAME}`, `${NAME:-default}` and the like inside a text; `$NAME`, `$(NAME)`, `%NAME%`, `{{ name }}` as a whole text.
_VARIABLE = re.compile(r"\$\{([A-Za-z_][\w.]{0,200})(?::?([-=])([^{}]*))?\}")
_WHOLE = re.compile(r"\$([A-Z_][A-Z0-9_]{0,200})|\$\(([A-Za-z_][\w.-]{0,200})\)|%([A-Z_][A-Z0-9_]{0,200})%")
_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_TEMPLATE = re.compile(r"\{\{\s{0,8}([^\"'{}]{0,200}?)\s{0,8}\}\}")


def key_path(path: Iterable[str]) -> str:
    """The parts of a key joined by dots; dots and backslashes within a part are escaped."""
    return ".".join(part.replace("\\", "\\\\").replace(".", "\\.") for part in path)


def is_secret(name: str, value: Json) -> bool:
    """Whether the key's name says secret, or the value has the form of one or holds one."""
    if settings.is_secret_name(name):
        return True
    return isinstance(value, str) and detectors.redact(value, lambda _: "") != value


def secrets_in(name: str, value: Json) -> list[str]:
    """The secrets that are written in a value, in clear and each once: all of it, a default in it, a part of it."""
    found: dict[str, None] = {}

    def keep(secret: str) -> str:
        found[secret] = None
        return ""

    if settings.is_secret_name(name) and value is not None and not isinstance(value, bool | list | dict):
        if variables(value):
            found |= {variable[3]: None for variable in _VARIABLE.finditer(str(value))}
        elif kind_of(value) != "reference":
            found[str(value)] = None
    if isinstance(value, str):
        detectors.redact(_VARIABLE.sub("", value), keep)
    return [secret for secret in found if secret]


def variables(value: Json) -> dict[str, bool]:
    """The variables that decide the value when it is deployed, and whether each has a default."""
    if not isinstance(value, str):
        return {}
    if whole := _WHOLE.fullmatch(value.strip()) or _TEMPLATE.fullmatch(value.strip()):
        return {next(name for name in whole.groups() if name is not None): False}
    found: dict[str, bool] = {}
    for variable in _VARIABLE.finditer(value):
        found[variable[1]] = bool(variable[2]) and found.get(variable[1], True)
    return found


def kind_of(value: Json) -> str:
    """literal, reference, empty or placeholder."""
    if isinstance(value, list | dict):
        return "empty"
    if variables(value):
        return "reference"
    found = settings.kind(value)
    return "literal" if found == "token" else found


def type_of(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "mapping"


def uid_of(environment: str, path: Iterable[str] | None = None) -> str:
    """The uid of an environment's configuration, or of one of its keys."""
    return f"cfg:{environment}" if path is None else f"cfg:{environment}/{key_path(path)}"


def part_of(path: tuple[str, ...], value: Json, layer: str, replaced: Mapping[str, Json] | None) -> dict[str, Json]:
    """What is kept of one effective value; `replaced` is None where that is not known, {} where there is nothing."""
    name = ".".join(path)
    found = variables(value)
    return {
        "key": key_path(path),
        "setting": {name: value},
        "type": type_of(value),
        "kind": kind_of(value),
        "is_secret": is_secret(name, value),
        "secrets": secrets_in(name, value),
        "layer": layer,
        "variables": [{"variable": variable, "has_default": has} for variable, has in sorted(found.items())],
        "replaced": None if replaced is None else {name: replaced["value"]} if replaced else {},
        "replaced_layer": replaced["layer"] if replaced else "",
    }


def _values(document: Document) -> Iterator[Placed]:
    part: Mapping[str, Json] | None = document.parts.get("effective")
    if part is None:
        return
    [value] = part["setting"].values()
    is_variable = bool(part["variables"])
    secrets: list[str] | None = part.get("secrets")  # not known of what was kept before it was looked for
    row: dict[str, Any] = {
        **document.place,
        "key_path": part["key"],
        "key_name": document.name,
        "value_type": part["type"],
        "kind": part["kind"],
        **({"value_hash": ""} if is_variable else _columns(value)),
        "expression": str(value) if part["kind"] == "reference" else "",
        "default_value": _default(value) if is_variable else "",
        "is_secret": part["is_secret"],
        "secrets": None if secrets is None else len(secrets),
        "layer": part["layer"],
    }
    if part["replaced"] is not None:
        row |= {"is_overridden": bool(part["replaced"]), "overridden_layer": part["replaced_layer"]}
        row |= {"overridden_value": ""}
        for lower in part["replaced"].values():
            known = {} if variables(lower) else _columns(lower)
            row["overridden_value"] = known.get("value", known.get("value_hash"))
            row["overridden_number"] = known.get("value_number")
    yield ConfigValue(**row)
    yield from numbered(ConfigSecret(**document.place, token=token) for token in secrets or ())
    yield from numbered(ConfigVariable(**document.place, **found) for found in part["variables"])


def _columns(value: Json) -> dict[str, Any]:
    """A known value as text, number and boolean, as far as it is one; or its keyed hash."""
    match value:
        case None | list() | dict():
            return {"value": "", "value_hash": ""}
        case bool():
            return {"value": str(value).lower(), "value_boolean": value, "value_hash": ""}
        case int() | float():
            return {"value": json.dumps(value), "value_number": float(value), "value_hash": ""}
        case _ if detectors.is_token(value):
            return {"value_hash": value}
        case _:
            found: dict[str, Any] = {"value": value, "value_hash": ""}
            if _NUMBER.fullmatch(value.strip()):  # quoted, but the application will read a number
                found["value_number"] = float(value)
            if value.strip().lower() in ("true", "false"):
                found["value_boolean"] = value.strip().lower() == "true"
            return found


def _default(value: str) -> str:
    """The default of a value that is one variable and nothing else."""
    variable = _VARIABLE.fullmatch(value.strip())
    return (variable[3] or "") if variable else ""


def _environment(document: Document) -> Iterator[Placed]:
    part: Mapping[str, Json] | None = document.parts.get("layers")
    if part is None:
        return
    row: dict[str, Any] = {**document.place, "layers": len(part["files"]), **part["summary"]}
    yield ConfigEnvironment(**row)
    for number, layer in enumerate(part["files"]):
        yield ConfigLayer(**document.place, ordinal=number, **layer)


KINDS = (
    Kind(
        name="config_value", tables=(ConfigValue, ConfigSecret, ConfigVariable), shape=_values,
        settings=("effective.setting", "effective.replaced"), secret=("effective.secrets.*",),
    ),
    Kind(name="config_environment", tables=(ConfigEnvironment, ConfigLayer), shape=_environment),
)  # fmt: skip
