"""How often a schedule of AWS fires: `cron(minutes hours days months weekdays years)` and `rate(n unit)`.

The grammar: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html.
"""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
import re

_MONTHS = {
    name: n
    for n, name in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1)
}
_WEEKDAYS = {name: n for n, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}
_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_FIRST, _LAST = dt.date(2024, 1, 1), dt.date(2032, 1, 1)  # eight years hold every calendar there is: two leap days


def interval_seconds(expression: str) -> int | None:
    """The longest time between two firings; 0 if it fires once at most, None for what is not understood."""
    rate = re.fullmatch(r"\s*rate\(\s*([0-9]{1,9})\s+(minute|hour|day)s?\s*\)\s*", expression)
    if rate:
        return int(rate[1]) * _UNITS[rate[2]]
    cron = re.fullmatch(r"\s*cron\((.*)\)\s*", expression)
    if not cron:
        return None
    try:
        return _longest_gap(cron[1].upper().split())
    except ValueError:
        return None


def _longest_gap(fields: list[str]) -> int:
    """Raises ValueError for fields that are not of the grammar."""
    if len(fields) != 6:
        raise ValueError("a cron expression has six fields")
    times = sorted(60 * h + m for h in _values(fields[1], 0, 23) for m in _values(fields[0], 0, 59))
    days = _days(fields[2], _values(fields[3], 1, 12, _MONTHS), fields[4], fields[5])
    if len(days) * len(times) < 2:
        return 0
    within = max((b - a for a, b in itertools.pairwise(times)), default=0)
    overnight = times[0] - times[-1]
    gaps = ((b - a).days * 24 * 60 + overnight for a, b in itertools.pairwise(days))
    return 60 * max(within, max(gaps, default=0))


def _days(month_days: str, months: set[int], weekdays: str, years: str) -> list[dt.date]:
    """Every day in eight years on which it fires."""
    wanted_years = None if years == "*" else _values(years, 1970, 2199)
    found = []
    day = _FIRST
    while day < _LAST:
        if day.month in months and (wanted_years is None or day.year in wanted_years):
            of_month = month_days == "?" or _is_month_day(day, month_days)
            if of_month and (weekdays == "?" or _is_weekday(day, weekdays)):
                found.append(day)
        day += dt.timedelta(days=1)
    return found


def _is_month_day(day: dt.date, text: str) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if text == "L":
        return day.day == last
    nearest = re.fullmatch("([0-9]+)W", text)
    if nearest:
        return day == _nearest_workday(day.replace(day=min(int(nearest[1]), last)), last)
    return day.day in _values(text, 1, 31)


def _nearest_workday(day: dt.date, last: int) -> dt.date:
    """The workday nearest to the day within its month."""
    if day.weekday() == 5:
        return day - dt.timedelta(days=1) if day.day > 1 else day + dt.timedelta(days=2)
    if day.weekday() == 6:
        return day + dt.timedelta(days=1) if day.day < last else day - dt.timedelta(days=2)
    return day


def _is_weekday(day: dt.date, text: str) -> bool:
    number = day.isoweekday() % 7 + 1  # Sunday is 1
    nth = re.fullmatch("([0-9A-Z]+)#([1-5])", text)
    if nth:
        return number in _values(nth[1], 1, 7, _WEEKDAYS) and (day.day - 1) // 7 + 1 == int(nth[2])
    of_last = re.fullmatch("([0-9A-Z]+)L", text)
    if of_last:
        last = calendar.monthrange(day.year, day.month)[1]
        return number in _values(of_last[1], 1, 7, _WEEKDAYS) and day.day > last - 7
    return number in _values(text, 1, 7, _WEEKDAYS)


def _values(text: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    """The numbers a field stands for: `*`, lists, ranges, steps."""
    found: set[int] = set()
    for item in text.split(","):
        span, _, step = item.partition("/")
        first, dash, last = span.partition("-")
        start = low if first == "*" else _number(first, names)
        end = _number(last, names) if dash else high if first == "*" or step else start
        if not low <= start <= high or not low <= end <= high or (step and int(step) < 1):
            raise ValueError(f"{item} is not between {low} and {high}")
        if start > end:  # FRI-MON
            found |= set(range(start, high + 1)) | set(range(low, end + 1))
        else:
            found |= set(range(start, end + 1, int(step or 1)))
    return found


def _number(text: str, names: dict[str, int] | None) -> int:
    return names[text] if names and text in names else int(text)
