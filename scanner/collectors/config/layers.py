"""Which files an environment's configuration is made of, and reading one of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from scanner.environments.aliases import tier_of
from scanner.errors import InputError
from scanner.safe import json, toml, yaml
from scanner.safe.files import read_bytes, walk

if TYPE_CHECKING:
    from scanner.environments import Config

Json = Any
MAX_KEYS = 20_000  # of one layer, what aliases repeat included
_READERS = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml"}
_BASES = ("base", "common", "default", "defaults", "application", "config", "settings")


def _nowhere(_: tuple[str | int, ...]) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Layer:
    """One file, read or not. `problem` says why not; it is '' where the file was read."""

    path: str  # relative to the root
    reader: str
    value: Mapping[str, Json] = field(default_factory=dict)
    line: Callable[[tuple[str | int, ...]], int] = _nowhere  # of a key; 0 where the format's reader does not tell
    problem: str = ""
    started: float = 0.0
    finished: float = 0.0


@dataclass(frozen=True, slots=True)
class Layers:
    """The files that one configuration of an environment is made of, the base first."""

    environment: str
    paths: tuple[str, ...]
    unordered: tuple[str, ...] = ()  # those of them of which nobody knows whether they come before or after the base


def layers_of(config: Config) -> dict[str, Layers]:
    """The configurations that tierwall.yaml declares, or, where it declares none, those found.

    By the environment's name; where it has several, as of several applications, by name and last file.
    Raises InputError for a folder of `sources.config.paths` that cannot be listed.
    """
    declared = [
        Layers(name, match.config.layers)
        for name, environment in config.environments.items()
        for match in environment.match
        if match.config
    ]
    found = list(dict.fromkeys(declared or found_in(config)))
    several = Counter(one.environment for one in found)
    return {one.environment if several[one.environment] == 1 else _long_name(one, found): one for one in found}


def _long_name(one: Layers, among: Iterable[Layers]) -> str:
    """With the last file, which is the application's own; with all of them where that does not tell them apart."""
    last = [other for other in among if (other.environment, other.paths[-1]) == (one.environment, one.paths[-1])]
    return f"{one.environment}/{one.paths[-1] if len(last) == 1 else ','.join(one.paths)}"


def found_in(config: Config) -> Iterator[Layers]:
    """In each folder, the files that are named after an environment, with the base beside them."""
    for root in config.sources.config.paths if config.sources.config else ():
        folders: dict[PurePosixPath, list[PurePosixPath]] = {}
        for path in walk(config.resolve(root), tuple(_READERS)):
            relative = PurePosixPath(path.relative_to(config.root).as_posix())
            folders.setdefault(relative.parent, []).append(relative)
        for files in folders.values():
            bases = tuple(str(file) for file in files if file.stem.lower() in _BASES)
            for file in files:
                if tier_of(file.stem) and str(file) not in bases:
                    yield Layers(file.stem, (*bases, str(file)), bases[1:])


def read_all(root: Path, layers: Layers) -> list[Layer]:
    """The files in their order. One that may as well stand elsewhere in it counts as not read."""
    found = []
    for path in layers.paths:
        layer = read(root, path)
        if path in layers.unordered and not layer.problem:
            order = f"{path}: may come before or after {layers.paths[0]}; declare the layers in tierwall.yaml"
            layer = Layer(path, layer.reader, problem=order, started=layer.started, finished=layer.finished)
        found.append(layer)
    return found


def read(root: Path, path: str) -> Layer:
    """The file as a mapping; one with nothing in it is an empty mapping.

    YAML is read as PyYAML and Ruby's Psych read it, since it is the applications' own libraries that decide whether
    `yes` is true. A key given twice is a problem, not a value.
    """
    started = time.time()
    reader = _READERS.get(PurePosixPath(path).suffix.lower(), "")
    try:
        value, line = _parsed(read_bytes(root / path, root), path, reader)
    except InputError as error:
        problem = str(error).replace(str(root / path), path)
        return Layer(path, reader or "file", problem=problem, started=started, finished=time.time())
    return Layer(path, reader, value, line, started=started, finished=time.time())


def _parsed(data: bytes, path: str, reader: str) -> tuple[dict[str, Json], Callable[[tuple[str | int, ...]], int]]:
    value: Json
    line: Callable[[tuple[str | int, ...]], int] = _nowhere
    if reader == "yaml":
        documents = yaml.load(data, path, yaml.Dialect.PYYAML)
        if len(documents) > 1:
            raise InputError(documents[1].at(), "begins a second document", "keep one document a file")
        value, line = (documents[0].value, documents[0].line) if documents else (None, _nowhere)
    elif reader == "json":
        value, line = json.load(data, path), _lines_of_json(data, path)
    elif reader == "toml":
        value = toml.load(data, path)
    else:
        raise InputError(path, "is neither YAML, JSON nor TOML by its name", "name it .yml, .json or .toml")
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise InputError(path, "is no mapping of keys to values")
    if _is_larger(value, MAX_KEYS):
        raise InputError(path, f"holds more than {MAX_KEYS:,} keys (limit {MAX_KEYS:,})")
    return value, line


def _lines_of_json(data: bytes, path: str) -> Callable[[tuple[str | int, ...]], int]:
    """JSON is YAML but for rarities, such as tabs; then there are no lines to tell."""
    try:
        [document] = yaml.load(data, path, yaml.Dialect.CORE)
    except InputError:
        return _nowhere
    return document.line


def _is_larger(value: Json, limit: int) -> bool:
    """Whether there are more values than so many; counts no further than needed."""
    seen, left = 0, [value]
    while left:
        node = left.pop()
        seen += 1
        if seen > limit:
            return True
        if isinstance(node, dict):
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)
    return False
