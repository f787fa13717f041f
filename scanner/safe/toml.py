"""TOML from outside. Values have the JSON types: dates stay text, and so do numbers that a column cannot hold."""

import datetime as dt
import math
import re
import tomllib
from typing import Any

from scanner.errors import InputError
from scanner.safe.numbers import fitted
from scanner.safe.text import decode, storable

DEFAULT_LIMIT = 1_000_000  # bytes
DEFAULT_DEPTH = 100

_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")

# tomllib keeps every prefix of a dotted key: one of 100,000 parts takes gigabytes.
_KEY = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DOTTED = rf"(?<![A-Za-z0-9_.-]){_KEY}(?:[ \t]*+\.[ \t]*+{_KEY}){{%d}}"


def load(data: bytes | str, where: str, *, limit: int = DEFAULT_LIMIT, depth: int = DEFAULT_DEPTH) -> dict[str, Any]:
    """The document's table. A key given twice is an error in TOML itself. Raises InputError as `where:line:column`."""
    size = len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass"))
    if size > limit:
        raise InputError(where, f"is larger than {limit:,} bytes (limit {limit:,})")
    text = decode(data, where)
    if long_key := re.search(_DOTTED % depth, text):
        line = text.count("\n", 0, long_key.start()) + 1
        raise InputError(f"{where}:{line}", f"is nested too deeply (limit {depth})")
    try:
        document = tomllib.loads(text)
    except RecursionError as error:
        raise InputError(where, f"is nested too deeply (limit {depth})") from error
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        problem = _PLACE.sub("", message)
        problem = f"is not TOML: {problem[:1].lower()}{problem[1:200]}"
        if place and place[1]:
            raise InputError(f"{where}:{place[1]}:{place[2]}", problem) from error
        last = text.count("\n") + 1
        raise InputError(f"{where}:{last}", problem, "the file looks cut off") from error
    except ValueError as error:  # int() refuses more than 4,300 digits
        raise InputError(where, "holds a number of too many digits") from error
    return {storable(name): _plain(value, where, depth - 1) for name, value in document.items()}


def _plain(value: Any, where: str, depth: int) -> Any:
    if depth <= 0 and isinstance(value, dict | list):
        raise InputError(where, "is nested too deeply")
    match value:
        case bool():
            return value
        case str():
            return storable(value)
        case int():
            return fitted(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case dt.date() | dt.time():  # a datetime is a date
            return value.isoformat()
        case list():
            return [_plain(item, where, depth - 1) for item in value]
        case _:
            return {storable(name): _plain(item, where, depth - 1) for name, item in value.items()}
