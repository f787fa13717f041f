"""Reading Kubernetes objects field by field, with the meanings that the API gives to fields and their absence.

A field that is missing or null is not set. A field of another type than the API's is no Kubernetes object: the API
server would refuse it, so nothing can be told from it, and `Misfit` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from scanner.tables import Json

_MISSING: Mapping[str, Json] = {}
_SUFFIXES = {
    "": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}  # fmt: skip
_QUANTITY = re.compile(
    r"([+-]?[0-9]{1,30}(?:\.[0-9]{0,30})?|[+-]?\.[0-9]{1,30})(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?"
)
_INT64_MAX = 2**63 - 1


class Misfit(ValueError):
    """A field has another type than the API's."""

    def __init__(self, path: Iterable[str], expected: str) -> None:
        super().__init__(f"{'.'.join(path) or 'the object'} is not {expected}")


def dig(value: Json, *path: str) -> Json:
    """What stands at the path; None where nothing does. Raises Misfit when the path leads through no mapping."""
    if len(path) == 1 and isinstance(value, dict):  # most are; objects are read field by field, thousands of times
        return value.get(path[0])
    for depth, key in enumerate(path):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise Misfit(path[:depth], "a mapping")
        value = value.get(key)
    return value


def mapping(value: Json, *path: str) -> Mapping[str, Json]:
    """The mapping at the path, empty where it is not set. Raises Misfit."""
    found = dig(value, *path)
    if found is None:
        return _MISSING
    if not isinstance(found, dict):
        raise Misfit(path, "a mapping")
    return found


def sequence(value: Json, *path: str) -> list[Json]:
    """The list at the path, empty where it is not set. Raises Misfit."""
    found = dig(value, *path)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Misfit(path, "a list")
    return found


def mappings(value: Json, *path: str) -> list[dict[str, Json]]:
    """The list of mappings at the path, empty where it is not set. Raises Misfit."""
    found = sequence(value, *path)
    if not all(isinstance(item, dict) for item in found):
        raise Misfit(path, "a list of mappings")
    return found


def texts(value: Json, *path: str) -> list[str]:
    """The list of strings at the path, empty where it is not set. Raises Misfit."""
    found = sequence(value, *path)
    if not all(isinstance(item, str) for item in found):
        raise Misfit(path, "a list of strings")
    return found


def text(value: Json, *path: str, default: str = "") -> str:
    """The string at the path. An empty string is not set, as in the API. Raises Misfit."""
    found = dig(value, *path)
    if found is None or found == "":
        return default
    if not isinstance(found, str):
        raise Misfit(path, "a string")
    return found


def flag(value: Json, *path: str, default: bool = False) -> bool:
    """The boolean at the path. Raises Misfit."""
    found = dig(value, *path)
    if found is None:
        return default
    if not isinstance(found, bool):
        raise Misfit(path, "true or false")
    return found


def whole(value: Json, *path: str, default: int = 0) -> int:
    """The whole number at the path. Raises Misfit."""
    found = dig(value, *path)
    if found is None:
        return default
    if isinstance(found, bool) or not isinstance(found, int):
        raise Misfit(path, "a whole number")
    return found


def number_or_text(value: Json, *path: str, default: str = "") -> str:
    """What the API calls IntOrString, and quantities, which YAML also reads as numbers; as text. Raises Misfit."""
    found = dig(value, *path)
    if found is None:
        return default
    if isinstance(found, bool) or not isinstance(found, (int, float, str)):
        raise Misfit(path, "a number or a string")
    return str(found)


def names(value: Json, *path: str) -> list[tuple[str, str]]:
    """The map of strings at the path (labels, annotations), sorted. Raises Misfit."""
    found = mapping(value, *path)
    if not all(isinstance(item, str) for item in found.values()):
        raise Misfit(path, "a map of strings")
    return sorted(found.items())


def quantity(spelt: str, *, scale: int = 1) -> int | None:
    """A quantity times `scale`, rounded up as the API does: "500m" with scale 1000 is 500. '' is 0.

    None where it is no quantity, or larger than a column can hold.
    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    if spelt == "":
        return 0
    match = _QUANTITY.fullmatch(spelt)
    if match is None:
        return None
    digits, suffix, exponent = match.groups()
    try:
        exact = Decimal(digits) * _SUFFIXES[suffix or ""] * (Decimal(10) ** int(exponent or 0)) * scale
        rounded = int(exact.to_integral_value(rounding="ROUND_CEILING"))
    except InvalidOperation:
        return None
    return rounded if abs(rounded) <= _INT64_MAX else None


def timestamp(spelt: str) -> int | None:
    """UTC seconds of an RFC 3339 time; None where it is none."""
    try:
        moment = datetime.fromisoformat(spelt)
    except ValueError:
        return None
    return int(moment.timestamp()) if moment.tzinfo else None


class Image(NamedTuple):
    """The parts of an image's name."""

    registry: str
    repository: str
    tag: str
    digest: str


def image(spelt: str) -> Image:
    """The parts of an image's name with the runtime's defaults: docker.io, library/, and latest.

    The first part is a registry if it has a dot or a colon or is localhost
    (https://pkg.go.dev/github.com/distribution/reference).
    """
    rest, _, digest = spelt.partition("@")
    head, slash, tail = rest.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        registry, path = head, tail
    else:
        registry, path = "docker.io", rest
    repository, colon, tag = path.rpartition(":")
    if not colon:
        repository, tag = path, ""
    if registry in ("docker.io", "index.docker.io"):
        registry = "docker.io"
        if repository and "/" not in repository:
            repository = f"library/{repository}"
    return Image(registry, repository, tag or ("" if digest or not spelt else "latest"), digest)


_DIGEST_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128, "blake3": 64}
_DIGEST = re.compile(r"([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)")


def is_digest(spelt: str) -> bool:
    """Whether a digest is one that a registry can answer: of a registered algorithm in full, of another in its form.

    https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
    """
    match = _DIGEST.fullmatch(spelt)
    if match is None:
        return False
    length = _DIGEST_LENGTHS.get(match[1])
    return length is None or re.fullmatch(f"[a-f0-9]{{{length}}}", match[2]) is not None


def selector(value: Json) -> str:
    """A label selector as kubectl writes it, its terms sorted: `app=web,tier in (api,db)`. '' selects everything.

    Raises Misfit.
    """
    terms = [f"{key}={wanted}" for key, wanted in names(value, "matchLabels")]
    for requirement in mappings(value, "matchExpressions"):
        key, operator = text(requirement, "key"), text(requirement, "operator")
        wanted = ",".join(sorted(texts(requirement, "values")))
        terms.append(
            {
                "In": f"{key} in ({wanted})",
                "NotIn": f"{key} notin ({wanted})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }.get(operator, f"{key} {operator} ({wanted})")
        )
    return ",".join(sorted(terms))


def first_set(*values: Any) -> Any:
    """The first that is set, else None: a container's setting, else its pod's."""
    return next((value for value in values if value is not None), None)
