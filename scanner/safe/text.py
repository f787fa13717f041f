"""Characters that no output and no database column should carry, and where each of them may be removed."""

import re
from collections.abc import Iterable

from scanner.errors import InputError

REPLACEMENT = "\ufffd"

# ECMA-48: CSI, then the string-carrying introducers (OSC, DCS, SOS, PM, APC), then any other two-character escape.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x00-\x06\x08-\x1f\x7f-\x9f]{0,4096}?(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
_NEWLINES = re.compile(r"\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all of C0 and C1 but tab and newline
# What turns the reading order around (Trojan Source, CVE-2021-42574) or carries hidden text.
_INVISIBLE = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with NUL and lone surrogates as U+FFFD: SQLite ends a text at NUL, UTF-8 has no surrogates."""
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub(REPLACEMENT, text)


def plain(text: str, *, multiline: bool = False) -> str:
    """Printable text: no escape sequences, controls, bidirectional overrides or hidden characters.

    Newlines (in any of Unicode's forms) and tabs become spaces, unless `multiline` keeps them as `\\n` and `\\t`.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPES.sub("", text)
    text = _NEWLINES.sub("\n", text)
    text = _INVISIBLE.sub("", _CONTROLS.sub("", text))
    text = _UNSTORABLE.sub(REPLACEMENT, text)
    return text if multiline else text.replace("\n", " ").replace("\t", " ")


def many(number: int, noun: str, plural: str = "") -> str:
    """A count in words: `1 object`, `2,000 objects`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def decode(data: bytes | str, where: str) -> str:
    """UTF-8 text, with or without a byte order mark. Raises InputError with the line of the first bad byte."""
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{where}:{line}", f"is not UTF-8 text (byte {error.start})", "save it as UTF-8") from error


def joined(path: Iterable[str | int]) -> str:
    """A key path for a message: `spec.containers[0].name`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
