"""The view, arranged for reading: rules numbered, findings under their rule, evidence in a register, passes together
that read the same values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from scanner.report import words
from scanner.results import SEVERITIES, Counts, Finding, Result, RuleLine, ScopeLine, Subject
from scanner.tables import Resource, tables


@dataclass(frozen=True, slots=True)
class Alike:
    """Resources of one environment on which a rule read the same values and gave the same verdict."""

    environment: str | None
    read: str  # the values in words
    findings: tuple[Finding, ...]


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

    @property
    def has_passes(self) -> bool:
        return bool(self.passed or self.not_applicable)


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


def alike(findings: Iterable[Finding]) -> list[Alike]:
    """Verdicts of one rule together that are of one environment and rest on equal values."""
    groups: dict[tuple[str | None, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.resource.environment, words.read(finding)), []).append(finding)
    return [Alike(environment, read, tuple(members)) for (environment, read), members in groups.items()]


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of the register of evidence: what its sources answered, and when."""

    number: str
    subject: Subject
    document: str
    calls: str  # a line a call


def register(result: Result) -> dict[str, Entry]:
    """By uid, and in that order: every resource of a verdict of which a document or a call is known."""
    found: dict[str, Finding] = {}
    whole = _resources()
    for finding in (*result.shown, *result.passed):
        is_known = finding.evidence.document or finding.evidence.calls
        # the row of the resource itself says where it is; one computed from it may not
        if is_known and (finding.resource.uid not in found or finding.resource.table in whole):
            found[finding.resource.uid] = finding
    width = max(3, len(str(len(found))))
    return {
        uid: Entry(
            f"E{number:0{width}d}",
            finding.resource,
            finding.evidence.document,
            words.calls(finding.evidence.calls, result.snapshot.finished),
        )
        for number, (uid, finding) in enumerate(sorted(found.items()), 1)
    }


def _resources() -> frozenset[str]:
    return frozenset(name for name, kind in tables().items() if issubclass(kind, Resource))


@dataclass(frozen=True, slots=True)
class Asked:
    """What each scope was asked for, each list of kinds told once."""

    scopes: tuple[tuple[ScopeLine, int], ...]  # with the number of its list, from 1
    lists: tuple[tuple[str, ...], ...]


def asked(result: Result) -> Asked:
    """Kinds of resources only: the tables of their parts go with them."""
    whole = _resources()
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
