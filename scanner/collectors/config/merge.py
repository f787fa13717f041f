"""Layers of configuration laid one over the other: which value holds for each key, and which layer gives it.

The rule is the one most applications have: mappings are merged key by key; all else, lists included, is replaced by
the later layer, and so is a mapping by what is none. `null` is a value like any other; it does not take a key away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Json = Any  # None, bool, int, float, str, list and dict of the same
Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """A value that a layer gives, and where it stands there. A mapping only if it is empty."""

    layer: int  # position, the base is 0
    value: Json
    at: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Effective:
    """The value that holds for a key, and the other value that it replaces, if an earlier layer gave one."""

    path: Path
    given: Given
    replaced: Given | None = None


Tree: TypeAlias = "dict[str, Tree] | Given"


def overlaid(layers: Sequence[Json]) -> list[Effective]:
    """What holds where each layer is laid over those before it, in the order of the keys' first mention.

    An element of a list has a path of its own, with its number.
    """
    tree: Tree = {}
    before: list[dict[Path, Given]] = []  # what held below each layer
    for number, layer in enumerate(layers):
        before.append(dict(_leaves(tree)))
        tree = _laid(tree, layer, number, ())
    found = []
    for path, given in _leaves(tree):
        lower = before[given.layer].get(path)
        is_other = lower is not None and not _same(lower.value, given.value)
        found.append(Effective(path, given, lower if is_other else None))
    return found


def merged(layers: Sequence[Json]) -> Json:
    """The configuration as the application sees it."""
    tree: Tree = {}
    for number, layer in enumerate(layers):
        tree = _laid(tree, layer, number, ())
    return _plain(tree)


def _laid(lower: Tree | None, value: Json, layer: int, at: tuple[str | int, ...]) -> Tree:
    if not isinstance(value, dict):
        return Given(layer, value, at)
    if not isinstance(lower, dict):
        if not value:
            return Given(layer, value, at)
        lower = {}
    return lower | {name: _laid(lower.get(name), item, layer, (*at, name)) for name, item in value.items()}


def _leaves(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Given]]:
    if isinstance(tree, dict):
        for name, below in tree.items():
            yield from _leaves(below, (*path, name))
    else:
        yield from _elements(tree, path)


def _elements(given: Given, path: Path) -> Iterator[tuple[Path, Given]]:
    """A list's elements, and what is in them, one by one; anything else is itself."""
    items: list[tuple[str | int, Json]] = []
    if isinstance(given.value, list):
        items = list(enumerate(given.value))
    elif isinstance(given.value, dict):
        items = list(given.value.items())
    if not items:
        yield path, given
    for name, item in items:
        yield from _elements(Given(given.layer, item, (*given.at, name)), (*path, str(name)))


def _plain(tree: Tree) -> Json:
    return {name: _plain(below) for name, below in tree.items()} if isinstance(tree, dict) else tree.value


def _same(one: Json, other: Json) -> bool:
    """Equal, and of one type: 1 is not true, and not 1.0 either."""
    return type(one) is type(other) and bool(one == other)
