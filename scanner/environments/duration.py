"""Lengths of time as people write them, `35d` or `1h30m`, and as they are stored: whole seconds."""

import re

_UNITS = {"y": 365 * 86400, "w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
_TERM = re.compile(r"([0-9]{1,9})([ywdhms])")
_WHOLE = re.compile(rf"(?:{_TERM.pattern})+")


def parse_duration(text: str) -> int:
    """Seconds of `24h`, `35d`, `1h30m` or `0`; a year is 365 days. ValueError for all else, a bare number included."""
    if text == "0":
        return 0
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a length of time")
    return sum(int(number) * _UNITS[unit] for number, unit in _TERM.findall(text))


def format_duration(seconds: int) -> str:
    """The shortest way to write so many seconds that `parse_duration` reads back: 86400 is `1d`, 5400 is `90m`."""
    if seconds == 0:
        return "0"
    # Not years or weeks: people say 35d and 365d of backups and logs.
    unit = next(unit for unit in "dhms" if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"
