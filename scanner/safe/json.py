"""JSON from outside, bounded and unambiguous; and canonical JSON, which is what digests are made of."""

import json
import re
from collections.abc import Callable
from itertools import accumulate
from typing import Any, Literal, NoReturn

from scanner.errors import InputError
from scanner.safe import numbers
from scanner.safe.text import decode, storable

DEFAULT_LIMIT = 64_000_000  # bytes: the plan of a large estate
DEFAULT_DEPTH = 200

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{},:]', re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_UNSTORABLE_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Refused(ValueError):
    """A number that JSON does not have."""


class _DuplicateKey(ValueError):
    """An object gives one key twice."""


def load(
    data: bytes | str,
    where: str,
    *,
    limit: int = DEFAULT_LIMIT,
    depth: int = DEFAULT_DEPTH,
    duplicates: Literal["error", "last"] = "error",
) -> Any:
    """The value of one JSON text. Numbers that a column cannot hold exactly stay text; NUL and half surrogate
    pairs become U+FFFD. Raises InputError as `where:line:column`."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > limit:
        raise InputError(where, f"is larger than {limit:,} bytes (limit {limit:,})")
    if _deeper(raw, depth):
        raise InputError(where, f"is nested too deeply (limit {depth})")
    text = decode(data, where)
    hook: Callable[[list[tuple[str, Any]]], Any] | None = _unique if duplicates == "error" else None
    try:
        value = json.loads(
            text,
            parse_int=numbers.integer,
            parse_float=numbers.real,
            parse_constant=_no_constant,
            object_pairs_hook=hook,
        )
    except _Refused as error:
        raise InputError(where, str(error)) from error
    except _DuplicateKey as error:
        raise _duplicate(text, where) from error
    except json.JSONDecodeError as error:
        raise _malformed(error, where) from error
    return _storable(value) if _UNSTORABLE_ESCAPE.search(text) or _SURROGATE.search(text) else value


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value: sorted keys, no spaces, UTF-8, shortest floats. Two values that are equal,
    types included, have equal bytes. Raises ValueError for NaN and infinities, TypeError for what is not JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return _SURROGATE.sub("\ufffd", text).encode()


def _deeper(raw: bytes, depth: int) -> bool:
    """Whether brackets outside strings nest more than `depth` levels; linear, and without recursion."""
    if raw.count(b"[") + raw.count(b"{") <= depth:
        return False
    brackets = _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > depth


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _DuplicateKey
    return result


def _no_constant(name: str) -> NoReturn:
    raise _Refused(f"holds {name}, which is not JSON")


def _storable(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case list():
            return [_storable(item) for item in value]
        case dict():
            return {storable(name): _storable(item) for name, item in value.items()}
        case _:
            return value


def _malformed(error: json.JSONDecodeError, where: str) -> InputError:
    place = f"{where}:{error.lineno}:{error.colno}"
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string"):
        what = "is empty" if not error.doc.strip() else "ends in the middle of a value"
        return InputError(place, f"{what}: not JSON", "the file looks cut off; write it again")
    return InputError(place, f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]}")


def _duplicate(text: str, where: str) -> InputError:
    """Name both places of a key given twice, by walking the tokens of text that is known to parse."""
    seen: list[dict[str, int] | None] = []  # one an open bracket: keys and their offsets, None for a list
    last: tuple[str, int] = ("", 0)
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "{":
                seen.append({})
            case "[":
                seen.append(None)
            case "}" | "]":
                seen.pop()
            case ":":
                keys = seen[-1]
                if keys is not None:
                    name, offset = json.loads(last[0]), last[1]
                    if name in keys:
                        return InputError(
                            f"{where}:{_line(text, offset)}",
                            f"the key {name[:80]!r} was already given on line {_line(text, keys[name])}",
                            "keep one of them",
                        )
                    keys[name] = offset
            case _:
                last = (token[0], token.start())
    return InputError(where, "gives one key twice")


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
