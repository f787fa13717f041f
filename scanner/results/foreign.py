"""Another tool's findings in our view: marked as that tool's, in our environments, with our severities and controls."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from scanner.results.build import finding_id
from scanner.results.model import SEVERITIES, Cause, ControlRef, Counts, Finding, Result, RuleLine, Subject, WaiverRef
from scanner.waivers import STATES, Waiver

DEFAULT_SEVERITY = "medium"  # of a check that no rule of ours is like; the tool gives none offline


class Like(NamedTuple):
    """What a rule of ours that looks for the same says."""

    severity: str
    why: str
    fix: str
    controls: tuple[ControlRef, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignCheck:
    """One check of another tool. `state` is fail, pass or unknown."""

    check: str
    title: str
    state: str
    message: str
    resource: str
    file: str
    line: int = 0
    reason: str = ""  # of an unknown


@dataclass(frozen=True, slots=True)
class Tool:
    """Whose findings they are, and what of ours they are like."""

    name: str  # checkov
    environment: Callable[[str], tuple[str | None, str]]  # file → environment and tier
    like: Mapping[str, Like] = field(default_factory=dict)  # by check
    waivers: Sequence[Waiver] = ()


def merged(result: Result, tool: Tool, checks: Iterable[ForeignCheck], *, include_passed: bool = False) -> Result:
    """The result with the other tool's findings among ours, worst first."""
    findings: list[Finding] = []
    passed: list[Finding] = []
    counts: defaultdict[str, Counter[tuple[str | None, str]]] = defaultdict(Counter)
    for check in checks:
        finding = _finding(check, tool, result.as_of)
        counts[finding.rule][finding.resource.environment, "waived" if finding.waived else finding.status] += 1
        if finding.status != "pass":
            findings.append(finding)
        elif include_passed:
            passed.append(finding)
    lines = {f.rule: f for f in (*passed, *findings)}
    rules = tuple(_line(finding, counts[name]) for name, finding in sorted(lines.items()))
    return replace(
        result,
        findings=tuple(sorted((*result.findings, *findings), key=_order)),
        passed=tuple(sorted((*result.passed, *passed), key=_order)),
        rules=(*result.rules, *rules),
    )


def _finding(check: ForeignCheck, tool: Tool, as_of: float) -> Finding:
    rule = f"{tool.name}:{check.check}"
    like = tool.like.get(check.check, Like(DEFAULT_SEVERITY, f"{tool.name} checks it: {check.title}.", ""))
    environment, tier = tool.environment(check.file)
    uid = f"{tool.name}:{check.file}:{check.resource}"
    return Finding(
        id=finding_id(rule, uid),
        rule=rule,
        title=check.title,
        severity="high" if check.state == "unknown" else like.severity,
        status=check.state,
        message=check.message,
        why=like.why,
        fix=like.fix or f"See {tool.name}'s documentation of {check.check}.",
        resource=Subject(
            uid=uid, table=tool.name, name=check.resource, environment=environment, tier=tier, source=tool.name,
            file=check.file, line=check.line, address=check.resource or check.file,
        ),
        because=(Cause("unsupported", detail=check.reason),) if check.state == "unknown" else (),
        see_also={tool.name: (check.check,)},
        controls=like.controls,
        waiver=_waiver(rule, uid, environment, tool.waivers, as_of) if check.state == "fail" else None,
    )  # fmt: skip


def _waiver(rule: str, uid: str, environment: str | None, waivers: Sequence[Waiver], as_of: float) -> WaiverRef | None:
    """The waiver for the check by the tool's own name."""
    matching = [w for w in waivers if w.rule == rule and w.matches(uid, environment) and w.state(as_of) in STATES]
    if not matching:
        return None
    last = min(matching, key=lambda w: (STATES.index(w.state(as_of)), -w.expires.toordinal(), w.id))
    return WaiverRef(
        last.id, last.state(as_of), last.reason, last.owner, last.approver, last.ticket, last.expires.isoformat()
    )


def _line(finding: Finding, counted: Counter[tuple[str | None, str]]) -> RuleLine:
    places = dict.fromkeys(environment for environment, _ in counted)
    by_environment = {
        place: Counts(
            passed=counted[place, "pass"],
            failed=counted[place, "fail"] + counted[place, "waived"],
            unknown=counted[place, "unknown"],
            waived=counted[place, "waived"],
        )
        for place in places
    }
    return RuleLine(
        id=finding.rule, title=finding.title, severity=finding.severity, why=finding.why, fix=finding.fix,
        resource=finding.resource.table, area=finding.resource.table, see_also=finding.see_also,
        counts=sum(by_environment.values(), Counts()), by_environment=by_environment, controls=finding.controls,
    )  # fmt: skip


def _order(finding: Finding) -> tuple[int, str, str, str]:
    return SEVERITIES.index(finding.severity), finding.rule, finding.resource.uid, finding.discriminator
