"""What a plain YAML scalar means to whoever reads the file: one resolver a dialect.

A resolver returns None, bool, int, float or str; it never returns a date (dates stay text), a number that does not
fit a database column (it stays text), or NaN.
"""

import math
import re
from collections.abc import Callable
from enum import Enum
from typing import cast

import yaml

from scanner.safe.numbers import fitted, integer, real

Scalar = None | bool | int | float | str

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST = 100  # characters; anything longer is text to every dialect, and is not put to a regular expression


class Dialect(Enum):
    """Who reads the file."""

    CORE = "core"
    """YAML 1.2 core schema: our own files. `yes` is text; so are digits with a leading zero, such as an account id."""
    KUBECTL = "kubectl"
    """What kubectl reads (sigs.k8s.io/yaml over goyaml.v2; each case run through kubectl 1.32.4): `yes`, `on` and
    `y` are true, 012 is octal, 22:30 is text, a whole float is an integer."""
    PYYAML = "pyyaml"
    """YAML 1.1 as PyYAML's SafeLoader and Ruby's Psych read it: `yes` and `on` are true, 22:30 is 1350."""


def resolve(text: str, dialect: Dialect) -> Scalar:
    """The value of a plain (unquoted, untagged) scalar. Raises ValueError for NaN and infinities where refused."""
    if len(text) > _LONGEST:
        return text
    return _RESOLVERS[dialect](text)


def key(value: Scalar, dialect: Dialect) -> str:
    """A mapping's key as text, as JSON would have it. Raises ValueError for a key that the dialect refuses."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case None:
            if dialect is Dialect.PYYAML:
                return "null"
            raise ValueError("a key must not be empty or null")
        case _:
            return str(value)


# --- CORE: YAML 1.2.2, section 10.3.2, but for leading zeros

_CORE_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_CORE_OCTAL_OR_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_CORE_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def _core(text: str) -> Scalar:
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _CORE_INT.fullmatch(text):
        return integer(text)
    if _CORE_OCTAL_OR_HEX.fullmatch(text):
        return integer(text, 0)
    if _CORE_FLOAT.fullmatch(text):
        return real(text)
    _refuse_not_finite(text)
    return text


# --- KUBECTL: goyaml.v2's resolve.go, then encoding/json

_GO_TRUE = _TRUE | {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}
_GO_FALSE = _FALSE | {"n", "N", "no", "No", "NO", "off", "Off", "OFF"}
_GO_INT = re.compile(r"([-+]?)(?:(0[xX][0-9a-fA-F]+)|(0[bB][01]+)|(0[oO]?[0-7]+)|(0|[1-9][0-9]*))")
_GO_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_GO_DOT_FLOAT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_GO_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?")


def _kubectl(text: str) -> Scalar:
    if text in _NULLS:
        return None
    if text in _GO_TRUE or text in _GO_FALSE:
        return text in _GO_TRUE
    _refuse_not_finite(text)
    if text[0] == ".":
        return _as_json(real(text.replace("_", ""))) if _GO_DOT_FLOAT.fullmatch(text) else text
    if text[0] not in "+-0123456789" or _GO_DATE.fullmatch(text):
        return text
    digits = text.replace("_", "")
    if match := _GO_INT.fullmatch(digits):
        sign, hexadecimal, binary, octal, decimal = match.groups()
        if decimal or octal or hexadecimal or binary:
            base = 16 if hexadecimal else 2 if binary else 8 if octal else 10
            prefixed = hexadecimal or binary or octal or decimal
            return _sized(sign, prefixed, base, text)
    if _GO_FLOAT.fullmatch(digits):
        number = real(digits)
        return text if isinstance(number, str) else _as_json(number)
    return text


def _sized(sign: str, digits: str, base: int, text: str) -> int | str:
    """64 bits signed or unsigned are an integer; beyond, only decimals are numbers (floats: not exact, so text)."""
    value = int(sign + (digits.lstrip("0oO") or "0" if base == 8 else digits), base)
    if -(2**63) <= value < 2**64 or base == 10:
        return fitted(value)
    return text


def _as_json(number: float | str) -> int | float | str:
    """encoding/json writes a whole float without a point, and it is read back as an integer."""
    if isinstance(number, float) and number.is_integer() and -(2.0**63) <= number < 2.0**63:
        return int(number)
    return number


# --- PYYAML: the tables and constructors of PyYAML's own SafeLoader

_TAG = "tag:yaml.org,2002:"
_RESOLVER_TABLE = cast(
    "dict[str | None, list[tuple[str, re.Pattern[str]]]]",
    yaml.SafeLoader.yaml_implicit_resolvers,
)
_CONSTRUCTOR = yaml.constructor.SafeConstructor()


def _pyyaml(text: str) -> Scalar:
    for tag, pattern in _RESOLVER_TABLE.get(text[:1], []) + _RESOLVER_TABLE.get(None, []):
        if pattern.match(text):
            return _pyyaml_value(tag.removeprefix(_TAG), text)
    return text


def _pyyaml_value(tag: str, text: str) -> Scalar:
    node = yaml.ScalarNode(_TAG + tag, text)
    match tag:
        case "null":
            return None
        case "bool":
            return _CONSTRUCTOR.construct_yaml_bool(node)
        case "int":
            try:
                return fitted(_CONSTRUCTOR.construct_yaml_int(node))
            except ValueError:  # its pattern allows `0b_` and `0x_`, on which the application itself would fail
                return text
        case "float":
            number = _CONSTRUCTOR.construct_yaml_float(node)
            return number if math.isfinite(number) else text
        case _:  # timestamp, value and merge have no JSON form
            return text


def _refuse_not_finite(text: str) -> None:
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")


_RESOLVERS: dict[Dialect, Callable[[str], Scalar]] = {
    Dialect.CORE: _core,
    Dialect.KUBECTL: _kubectl,
    Dialect.PYYAML: _pyyaml,
}
