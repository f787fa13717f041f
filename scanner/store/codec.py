"""How a document is laid down: split into what stays and what changes by itself, canonical, compressed, hashed."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from scanner.safe.json import canonical

Path = tuple[str, ...]
_MISSING = object()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def sealed(value: Any) -> tuple[str, bytes]:
    """`digest` of a value, and its canonical JSON for `compressed`."""
    raw = canonical(value)
    return hashlib.sha256(raw).hexdigest(), raw


def pack(value: Any) -> bytes:
    """Canonical JSON, compressed."""
    return compressed(canonical(value))


def compressed(raw: bytes) -> bytes:
    """What `unpack` takes."""
    return zlib.compress(raw, 6)


def unpack(data: bytes) -> Any:
    """The value behind `pack`; raises ValueError for bytes that are not one."""
    try:
        return json.loads(zlib.decompress(data))
    except zlib.error as e:
        raise ValueError(str(e)) from e


def split(parts: Mapping[str, Any], volatile: Iterable[str]) -> tuple[dict[str, Any], list[list[Any]]]:
    """The parts without their volatile values, and those as a list of [path, value]. `*` stands for any key."""
    taken: list[list[Any]] = []
    rest: Any = dict(parts)
    for path in volatile:
        rest = _take(rest, tuple(path.split(".")), (), taken)
    return rest, sorted(taken, key=lambda pair: [str(k) for k in pair[0]])


def _take(node: Any, path: Path, at: tuple[Any, ...], taken: list[list[Any]]) -> Any:
    """`node` without what the path names; only what is on the way is copied."""
    keys: Iterable[Any]
    if isinstance(node, dict):
        keys = list(node) if path[0] == "*" else [path[0]] if path[0] in node else []
    elif isinstance(node, list):
        keys = range(len(node)) if path[0] == "*" else []
    else:
        return node
    if not keys:
        return node
    new: Any = node.copy()
    for key in keys:
        if len(path) > 1:
            new[key] = _take(new[key], path[1:], (*at, key), taken)
        else:
            taken.append([[*at, key], new[key]])
            if isinstance(new, dict):
                del new[key]
            else:
                new[key] = None
    return new


def join(parts: dict[str, Any], observed: Iterable[Iterable[Any]]) -> dict[str, Any]:
    """The parts with the volatile values back in place. `parts` is changed; it is fresh from `unpack`."""
    for path, value in observed:
        node: Any = parts
        *way, last = path
        for key in way:
            node = node[key]
        node[last] = value
    return parts
