"""The configuration of applications: layers of YAML, JSON and TOML, and the effective value of every key.

Values are handed on in clear in memory alone: the store's redactor judges each by its name and form before it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scanner.collectors.config.layers import Layer, Layers, layers_of, read_all
from scanner.collectors.config.merge import Effective, overlaid
from scanner.collectors.config.values import KINDS, part_of, uid_of, variables
from scanner.environments.matching import config_scope
from scanner.errors import InputError, UsageError
from scanner.safe.text import many
from scanner.tables import Call, Document, Gap, Scope
from scanner.tables.base import Placed
from scanner.tables.config_value import ConfigEnvironment, ConfigLayer, ConfigSecret, ConfigValue, ConfigVariable

if TYPE_CHECKING:
    from scanner.environments import Config
    from scanner.safe.secrets import Redactor
    from scanner.store import Stage

__all__ = ["KINDS", "collect", "effective"]

_TABLES = (ConfigEnvironment, ConfigLayer, ConfigValue, ConfigSecret, ConfigVariable)
_OVERRIDDEN = ("is_overridden", "overridden_layer", "overridden_value", "overridden_number")


def collect(config: Config, stage: Stage, progress: Callable[[str], None]) -> None:
    """Read the configuration of every environment into the stage.

    A layer that is missing or does not parse leaves open every key that it could give: that is a gap, with file and
    line. What a later layer gives holds all the same.
    """
    for name, files in _layers(config, stage).items():
        scope = Scope(id=config_scope(files.paths), source="config")
        stage.scope(scope, _TABLES)
        layers = read_all(config.root, files)
        calls = [_call(stage, scope.id, name, layer) for layer in layers]
        documents = list(_documents(name, scope.id, layers, stage.redactor.text))
        for document in documents:
            stage.document(document)
        for layer, call in zip(layers, calls, strict=True):
            if layer.problem:
                _gaps(stage, scope.id, name, documents, layer.problem, call)
        progress(f"config: {name}: {many(len(documents) - 1, 'key')}")
        for layer in layers:
            if layer.problem:
                progress(f"config: {name}: not read: {layer.problem}")


def effective(config: Config, environment: str, redactor: Redactor) -> list[ConfigValue]:
    """The effective values of an environment, in the order of the files; secrets are replaced.

    Raises UsageError for an environment without configuration, InputError for a layer that cannot be read.
    """
    known = layers_of(config)
    if environment not in known:
        raise UsageError(f"environment {environment}: has no configuration; known are {', '.join(known) or 'none'}")
    layers = read_all(config.root, known[environment])
    for layer in layers:
        if layer.problem:
            raise InputError(environment, f"its configuration is incomplete: {layer.problem}")
    kinds = {kind.name: kind for kind in KINDS}
    found = []
    for document in _documents(environment, config_scope(known[environment].paths), layers, redactor.text):
        kind = kinds[document.kind]
        redacted = replace(document, parts=redactor.parts(dict(document.parts), settings=kind.settings))
        found += [row for row in kind.shape(redacted) if isinstance(row, ConfigValue)]
    return found


def _layers(config: Config, stage: Stage) -> dict[str, Layers]:
    """The layers of every configuration. That there are none, or that the folders cannot be listed, is kept as well."""
    problem = ""
    try:
        if found := layers_of(config):
            return found
    except InputError as error:
        problem = str(error)
    scope = Scope(id=config_scope(config.sources.config.paths if config.sources.config else ()), source="config")
    stage.scope(scope, _TABLES)
    status = "error" if problem else "ok"
    call = stage.call(Call(scope=scope.id, service="file", operation="list", status=status))
    for table in _TABLES if problem else ():
        stage.gap(Gap(scope=scope.id, table_name=table.table, reason="error", call=call, detail=problem))
    return {}


def _call(stage: Stage, scope: str, name: str, layer: Layer) -> int:
    call = Call(scope=scope, service="file", operation=layer.reader, uid=uid_of(name), items=len(layer.value))
    call.status = "error" if layer.problem else "ok"
    call.started, call.finished = layer.started, layer.finished
    return stage.call(call)


def _gaps(stage: Stage, scope: str, name: str, documents: Sequence[Document], problem: str, call: int) -> None:
    """What an unread layer leaves open: rows of any key, the counts, and what later layers override."""
    open_: list[tuple[type[Placed], str, str]] = [
        (ConfigValue, "", ""), (ConfigSecret, "", ""), (ConfigVariable, "", ""),
    ]  # fmt: skip
    open_ += [
        (ConfigEnvironment, uid_of(name), column) for column in ("keys", "variables", "variables_without_default")
    ]
    open_ += [(ConfigLayer, uid_of(name), column) for column in ("keys", "overrides")]
    for document in documents:
        part = document.parts.get("effective")
        if part and part["replaced"] is None:
            open_ += [(ConfigValue, document.uid, column) for column in _OVERRIDDEN]
    for table, uid, column in open_:
        gap = Gap(scope=scope, uid=uid, table_name=table.table, column_name=column, reason="error", call=call)
        gap.detail = problem
        stage.gap(gap)


def _documents(name: str, scope: str, layers: Sequence[Layer], redact: Callable[[str], str]) -> Iterator[Document]:
    """One document for the whole, and one for every key whose effective value is certain."""
    last_unread = max((number for number, layer in enumerate(layers) if layer.problem), default=-1)
    values = overlaid([layer.value for layer in layers])
    yield _whole(name, scope, layers, values, is_complete=last_unread < 0)
    for value in values:
        if value.given.layer > last_unread:
            yield _one(name, scope, layers, value, redact, is_complete=last_unread < 0)


def _whole(
    name: str, scope: str, layers: Sequence[Layer], values: Sequence[Effective], *, is_complete: bool
) -> Document:
    found: dict[str, bool] = {}
    for value in values:
        for variable, has_default in variables(value.given.value).items():
            found[variable] = has_default and found.get(variable, True)
    counts = {
        "keys": len(values),
        "variables": len(found),
        "variables_without_default": list(found.values()).count(False),
    }
    summary: dict[str, Any] = {"is_complete": is_complete, **(counts if is_complete else dict.fromkeys(counts))}
    files = []
    for number, layer in enumerate(layers):
        here = overlaid([one.value for one in layers[: number + 1]])
        mine = [value for value in here if value.given.layer == number]
        is_known = not any(one.problem for one in layers[: number + 1])
        files.append(
            {
                "path": layer.path,
                "is_read": not layer.problem,
                "keys": None if layer.problem else len(mine),
                "overrides": sum(value.replaced is not None for value in mine) if is_known else None,
            }
        )
    return Document(
        kind="config_environment", uid=uid_of(name), scope=scope, name=name.partition("/")[0], source="config",
        file=layers[0].path, parts={"layers": {"files": files, "summary": summary}},
    )  # fmt: skip


def _one(
    name: str, scope: str, layers: Sequence[Layer], value: Effective, redact: Callable[[str], str], *, is_complete: bool
) -> Document:
    path = tuple(redact(part) for part in value.path)
    layer, lower = layers[value.given.layer], value.replaced
    replaced: dict[str, Any] | None = None
    if is_complete:
        replaced = {"value": lower.value, "layer": layers[lower.layer].path} if lower else {}
    return Document(
        kind="config_value", uid=uid_of(name, path), scope=scope, name=path[-1] if path else "", source="config",
        file=layer.path, line=layer.line(value.given.at),
        parts={"effective": part_of(path, value.given.value, layer.path, replaced)},
    )  # fmt: skip
