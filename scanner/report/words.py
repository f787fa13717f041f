"""Numbers, times, values and calls as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from scanner.results import ApiCall, Cause, Counts, Finding, Subject
from scanner.tables import Column, Environment, Value, tables

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
NO_ENVIRONMENT = "no environment"
NOT_TOLD = "not determined"
_STATUSES = (("fail", "failed"), ("unknown", "unknown"), ("pass", "passed"), ("not applicable", "not_applicable"))
_IRREGULAR = {"policy": "policies", "category": "categories"}


def moment(seconds: float | None) -> str:
    """24 November 2026, 02:06:52 UTC."""
    if not seconds:
        return "unknown"
    when = datetime.fromtimestamp(seconds, UTC)
    return f"{when.day} {MONTHS[when.month - 1]} {when:%Y, %H:%M:%S} UTC"


def day(seconds: float | None) -> str:
    """2026-11-24."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}" if seconds else ""


def length(seconds: float) -> str:
    """A length of time in the largest unit that divides it: 35 days, 90 minutes."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            return many(int(seconds // size), unit)
    return many(int(seconds), "second")


def many(number: int, noun: str) -> str:
    """1 check, 1,000 checks, 2 policies."""
    if number == 1:
        return f"1 {noun}"
    first, _, last = noun.rpartition(" ")
    return f"{number:,} {f'{first} ' if first else ''}{_IRREGULAR.get(last, f'{last}s')}"


def counts(tally: Counts) -> str:
    """3 fail (1 waived), 12 pass; what is 0 is left out."""
    told = []
    for word, field in _STATUSES:
        if number := getattr(tally, field):
            waived = f" ({tally.waived:,} waived)" if word == "fail" and tally.waived else ""
            told.append(f"{number:,} {word}{waived}")
    return ", ".join(told) or "nothing concerned"


def place(environment: str | None) -> str:
    return NOT_TOLD if environment is None else environment or NO_ENVIRONMENT


def short(subject: Subject) -> str:
    """A name that is told apart from its neighbours: with its namespace, or with the whole path of its key."""
    if subject.is_scope:
        return f"everything in {subject.name}"
    if subject.uid.startswith("cfg:"):
        return subject.uid.removeprefix(f"cfg:{subject.environment}/").removeprefix("cfg:")
    name = subject.name or subject.uid
    return f"{subject.namespace}/{name}" if subject.namespace and subject.namespace != name else name


def location(subject: Subject) -> str:
    """The file with its line; '' for what was read from no file."""
    if not subject.file:
        return ""
    return f"{subject.file}:{subject.line}" if subject.line else subject.file


def read(finding: Finding) -> str:
    """The values that the rule read, without its name: `encrypted: no; environment, backup keep: 35 days`."""
    told = []
    names = {finding.resource.name, short(finding.resource), finding.resource.uid}
    own = tables()[finding.resource.table].columns() if finding.evidence.values else {}
    for name, value in finding.evidence.values.items():
        if isinstance(value, str) and value in names and value:
            continue
        if name.startswith("count("):
            told.append(many(int(value or 0), _kind(name.removeprefix("count(").removesuffix(")"))))
            continue
        owner, _, bare = name.rpartition(".")
        column = Environment.columns()[bare] if owner else own[bare]
        told.append(f"{'environment, ' if owner else ''}{label(column)}: {shown(column, value)}")
    return "; ".join(told)


def label(column: Column) -> str:
    """The column's name in words, without the unit that its value is shown with."""
    name = column.name.removesuffix("_seconds") if column.unit in ("seconds", "UTC seconds") else column.name
    return name.replace("_", " ")


def shown(column: Column, value: Value) -> str:
    """A value as its unit asks for."""
    if value is None:
        return "not known"
    if column.type is bool:
        return "yes" if value else "no"
    if column.hashed and value:
        return "a keyed hash"
    if column.unit == "seconds" and isinstance(value, int | float):
        return length(value) if value else "none"
    if column.unit == "UTC seconds" and isinstance(value, int | float):
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M} UTC" if value > 0 else "never"
    if isinstance(value, int | float):
        number = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")
        return f"{number} {column.unit}".rstrip()
    return value or "none"


def _kind(table: str) -> str:
    """A table's name in words: aws_policy_statement is a policy statement."""
    return table.partition("_")[2].replace("_", " ")


def calls(made: Iterable[ApiCall], about: float) -> str:
    """A line a call: what was called, when, with which answer, and the source's id of the request.

    The date is left out where it is that of `about`.
    """
    return "\n".join(_call(call, day(about)) for call in made)


def _call(call: ApiCall, today: str) -> str:
    at = call.finished or call.started
    when = f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}" if at else "time unknown"
    if at and day(at) != today:
        when = f"{day(at)} {when}"
    answer = {"ok": "", "absent": f" not set ({call.code})" if call.code else " not set"}.get(call.status)
    if answer is None:
        answer = f" {call.status.replace('_', ' ')} {call.code}".rstrip()
    request = f" [{call.request_id}]" if call.request_id else ""
    return f"{call.service} {call.operation} {when}{answer}{request}"


def cause(what: Cause) -> str:
    """What was missing, in words: the call that was refused first, since that is what can be mended."""
    cell = f"{what.table}.{what.column}" if what.column else what.table
    if what.call:
        code = f" answered {what.call.code}" if what.call.code else ""
        request = f" (request {what.call.request_id})" if what.call.request_id else ""
        told = f"{what.call.name}{code}: {what.reason.replace('_', ' ')}{request}"
        return f"{told}, so no {cell}" if cell else told
    reason = what.reason.replace("_", " ")
    return ": ".join(part for part in (reason, cell, what.detail) if part)


def sentence(told: Iterable[str]) -> str:
    """a, b and c."""
    *first, last = list(told) or ["none"]
    return f"{', '.join(first)} and {last}" if first else last
