"""The view, arranged for reading: findings under their rule, rules numbered, times and lengths of time in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from scanner.results import SEVERITIES, ApiCall, Counts, Evidence, Finding, Result, RuleLine, ScopeLine
from scanner.tables import Resource, tables

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
NO_ENVIRONMENT = "no environment"
NOT_TOLD = "not determined"


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule with its verdicts, under the number the report refers to it by."""

    number: str
    line: RuleLine
    open: tuple[Finding, ...]  # failures that nobody accepted
    waived: tuple[Finding, ...]
    unknown: tuple[Finding, ...]
    passed: tuple[Finding, ...]
    not_applicable: tuple[Finding, ...]

    @property
    def has_findings(self) -> bool:
        return bool(self.open or self.waived or self.unknown)


def judged(result: Result) -> tuple[Judged, ...]:
    """Every rule, worst severity first and then by id; the number follows that order."""
    verdicts: defaultdict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in (*result.shown, *result.passed):
        verdicts[finding.rule, "waived" if finding.waived else finding.status].append(finding)
    lines = sorted(result.rules, key=lambda line: (SEVERITIES.index(line.severity), line.id))
    width = max(2, len(str(len(lines))))
    return tuple(
        Judged(
            f"R{number:0{width}d}",
            line,
            *(tuple(verdicts[line.id, status]) for status in ("fail", "waived", "unknown", "pass", "not_applicable")),
        )
        for number, line in enumerate(lines, 1)
    )


def by_environment(findings: Iterable[Finding]) -> list[tuple[str | None, list[Finding]]]:
    """Findings of one environment together, in the order in which their environments come first."""
    groups: dict[str | None, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.resource.environment, []).append(finding)
    return list(groups.items())


@dataclass(frozen=True, slots=True)
class Asked:
    """What each scope was asked for, each list of kinds told once."""

    scopes: tuple[tuple[ScopeLine, int], ...]  # with the number of its list, from 1
    lists: tuple[tuple[str, ...], ...]


def asked(result: Result) -> Asked:
    """Kinds of resources only: the tables of their parts go with them."""
    whole = {name for name, kind in tables().items() if issubclass(kind, Resource)}
    numbers: dict[tuple[str, ...], int] = {}
    scopes = []
    for scope in result.scopes:
        kinds = tuple(name for name in scope.tables if name in whole)
        scopes.append((scope, numbers.setdefault(kinds, len(numbers) + 1)))
    return Asked(tuple(scopes), tuple(numbers))


@dataclass(frozen=True, slots=True)
class AreaLine:
    """One area of rules, with its verdicts in each environment."""

    name: str
    cells: tuple[Counts, ...]  # in the order of the result's environments


def areas(result: Result) -> tuple[AreaLine, ...]:
    """Isolation, access, backup and so on, by environment."""
    places = [environment.id for environment in result.environments]
    by_area: defaultdict[str, list[RuleLine]] = defaultdict(list)
    for line in result.rules:
        by_area[line.area].append(line)
    return tuple(
        AreaLine(name, tuple(sum((c.by_environment.get(place, Counts()) for c in lines), Counts()) for place in places))
        for name, lines in sorted(by_area.items())
    )


def moment(seconds: float | None) -> str:
    """24 November 2026, 02:06:52 UTC."""
    if not seconds:
        return "unknown"
    when = datetime.fromtimestamp(seconds, UTC)
    return f"{when.day} {MONTHS[when.month - 1]} {when:%Y, %H:%M:%S} UTC"


def day(seconds: float | None) -> str:
    """2026-11-24."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}" if seconds else ""


def clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"


def length(seconds: float) -> str:
    """A length of time in the largest unit that divides it: 35 days, 90 minutes."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            return many(int(seconds // size), unit)
    return many(int(seconds), "second")


def many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def place(environment: str | None) -> str:
    return NOT_TOLD if environment is None else environment or NO_ENVIRONMENT


def calls(evidence: Evidence) -> str:
    """The calls in one line, by service, with the time they took: `s3 ListBuckets, GetBucketPolicy, 02:00:05 UTC`."""
    if not evidence.calls:
        return ""
    services: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for call in evidence.calls:
        services[call.service][call.operation] = None
    named = "; ".join(f"{service} {', '.join(operations)}" for service, operations in services.items())
    return f"{named} ({span(evidence.calls)})"


def span(made: Iterable[ApiCall]) -> str:
    """From the first to the last of the calls."""
    times = sorted(call.finished or call.started for call in made)
    first, last = clock(times[0]), clock(times[-1])
    return f"{first} UTC" if first == last else f"{first} to {last} UTC"
