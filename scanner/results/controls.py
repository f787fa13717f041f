"""From verdict counts to the status of a control: of each clause, in each environment, and overall."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from scanner.attestations import Attestation
from scanner.frameworks import Clause, Control, Framework
from scanner.frameworks import Request as AttestationRequest
from scanner.results.model import (
    CONTROL_STATUSES,
    AttestationLine,
    ClauseLine,
    ControlLine,
    Counts,
    FrameworkLine,
    RuleLine,
)

NO_COUNTS = Counts()


def worst(statuses: Iterable[str]) -> str:
    """The worst of several statuses; not_applicable when there is none."""
    return min(statuses, key=CONTROL_STATUSES.index, default="not_applicable")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a control is judged: an environment, or, with None, all that is in no environment."""

    environment: str | None
    counts: Mapping[str, Counts]  # by rule


def framework_line(
    framework: Framework,
    rules: Mapping[str, RuleLine],
    environments: Sequence[str],
    attestations: Sequence[Attestation],
    as_of: float,
    tiers: Mapping[str, str] | None = None,
) -> FrameworkLine:
    """The framework's controls judged in these environments, which are those it applies to.

    `tiers` are those of the environments: a control that is about some tiers is not applicable to the others.
    """
    places = [_Place(env, {r.id: r.by_environment.get(env, NO_COUNTS) for r in rules.values()}) for env in environments]
    # Resources in no environment count for the control as a whole: a failure does not vanish for want of a tag.
    loose = {r.id: _sum(counts for env, counts in r.by_environment.items() if not env) for r in rules.values()}
    places.append(_Place(None, loose))
    records = [a for a in attestations if a.framework == framework.id]
    controls = tuple(
        _control_line(framework.id, c, rules, _about(c, places, tiers or {}), environments, records, as_of)
        for c in framework.controls
    )
    return FrameworkLine(
        id=framework.id,
        title=framework.title,
        version=framework.version,
        source=framework.source,
        controls=controls,
        environments=tuple(environments),
        statuses=_tally(control.status for control in controls),
        by_environment={env: _tally(control.by_environment[env] for control in controls) for env in environments},
    )


def _about(control: Control, places: Sequence[_Place], tiers: Mapping[str, str]) -> list[_Place]:
    """The places that the control is about; what is in no environment may be of any tier, where there is one."""
    if not control.tiers:
        return list(places)
    found = [place for place in places if place.environment and tiers.get(place.environment) in control.tiers]
    return [*found, *(place for place in places if place.environment is None)] if found else []


def _tally(statuses: Iterable[str]) -> dict[str, int]:
    tally = dict.fromkeys(CONTROL_STATUSES, 0)
    for status in statuses:
        tally[status] += 1
    return tally


def _control_line(
    framework: str,
    control: Control,
    rules: Mapping[str, RuleLine],
    places: Sequence[_Place],
    environments: Sequence[str],
    attestations: Sequence[Attestation],
    as_of: float,
) -> ControlLine:
    records = [a for a in attestations if a.control == control.id]
    attested = {
        place.environment: worst(_attested(r, records, place.environment, as_of) for r in control.attestations)
        for place in places
    }
    if len(places) > 1:  # what is attested for every environment is attested as a whole
        attested[None] = worst(word for environment, word in attested.items() if environment is not None)
    undecided = attested if control.attestations else dict.fromkeys(attested, "not_assessed")
    clauses = {
        place.environment: [_clause_status(c, rules, place, undecided[place.environment]) for c in control.checks]
        for place in places
    }
    statuses = {env: worst([attested[env], *clauses[env]]) for env in attested}
    named = dict.fromkeys(rule for clause in control.checks for rule in clause.rules)
    return ControlLine(
        framework=framework,
        id=control.id,
        citation=control.citation,
        title=control.title,
        text=control.text,
        owner=control.owner,
        automation=control.automation,
        method=control.method,
        status=worst(statuses.values()),
        by_environment={env: statuses.get(env, "not_applicable") for env in environments},
        counts=_sum(place.counts[rule] for place in places for rule in named if rule in rules),
        clauses=tuple(
            ClauseLine(
                text=clause.text,
                rules=clause.rules,
                strength=clause.strength,
                status=worst(clauses[place.environment][number] for place in places),
                counts=_sum(place.counts[rule] for place in places for rule in clause.rules if rule in rules),
            )
            for number, clause in enumerate(control.checks)
        ),
        attestations=tuple(_attestation_line(request, records, as_of) for request in control.attestations),
    )


def _sum(counts: Iterable[Counts]) -> Counts:
    return sum(counts, NO_COUNTS)


def _clause_status(clause: Clause, rules: Mapping[str, RuleLine], place: _Place, undecided: str) -> str:
    """One clause in one place. `undecided` is what no rule decides: it waits for a person, or is not assessed."""
    if not clause.rules:
        return undecided
    decided = worst(_rule_status(rule, rules, place) for rule in clause.rules)
    return worst([decided, undecided]) if clause.strength == "partial" else decided


def _rule_status(rule: str, rules: Mapping[str, RuleLine], place: _Place) -> str:
    if rule not in rules or not rules[rule].asked:
        return "not_assessed"
    verdicts = place.counts[rule]
    if verdicts.open:
        return "fail"
    if verdicts.unknown or place.environment in rules[rule].unsure:
        return "not_assessed"
    if verdicts.waived:
        return "waived"
    return "pass" if verdicts.passed else "not_applicable"


def _attested(
    request: AttestationRequest, records: Collection[Attestation], environment: str | None, as_of: float
) -> str:
    valid = any(
        record.request == request.id and record.valid(as_of, request.every_days) and record.covers(environment)
        for record in records
    )
    return "attested" if valid else "needs_attestation"


def _attestation_line(request: AttestationRequest, records: Sequence[Attestation], as_of: float) -> AttestationLine:
    """What was attested last on this request; a valid one is preferred to an expired one."""
    answers = sorted(
        (r for r in records if r.request == request.id),
        key=lambda r: (r.valid(as_of, request.every_days), r.made, r.where),
    )
    if not answers:
        return AttestationLine(request.id, request.asks, request.every_days, "missing")
    last = answers[-1]
    return AttestationLine(
        id=request.id,
        asks=request.asks,
        every_days=request.every_days,
        state="attested" if last.valid(as_of, request.every_days) else "expired",
        statement=last.statement,
        by=last.by,
        role=last.role,
        date=last.made.isoformat(),
        expires=last.expires.isoformat(),
        evidence_file=last.evidence_file,
        evidence_sha256=last.evidence_sha256,
        environments=last.environments,
    )
