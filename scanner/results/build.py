"""From verdicts to the view. Reads the estate, calls nothing, judges nothing."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import scanner
from scanner.attestations import Attestation
from scanner.frameworks import Framework
from scanner.results.controls import framework_line
from scanner.results.evidence import DocumentRef, Ledger
from scanner.results.model import (
    SEVERITIES,
    TIERS,
    ApiCall,
    CallLine,
    Cause,
    ControlRef,
    Counts,
    EnvironmentLine,
    Evidence,
    Exclusion,
    Finding,
    FrameworkLine,
    GapLine,
    Refusal,
    Result,
    RuleLine,
    ScopeLine,
    Snapshot,
    Subject,
    Summary,
    Threshold,
    Tool,
    WaiverLine,
    WaiverRef,
)
from scanner.results.places import declared
from scanner.results.values import Values
from scanner.rules.verdict import SCOPE, Because, Verdict
from scanner.tables import Derived, Environment, Resource, tables
from scanner.waivers import STATES, Waiver

if TYPE_CHECKING:
    from scanner.rules.rule import Rule
    from scanner.store.estate import Estate

_ASSIGNMENT = "tierwall_assignment"
_PLACE = ("scope", "name", "account", "region", "cluster", "namespace", "source", "file", "line")
_NO_THRESHOLD = frozenset(
    {"id", "tier", "is_production", "owner", "mirrors", "branch", "holds_personal_data", "holds_health_data",
     "holds_financial_records"}
)  # fmt: skip


class SnapshotLike(Protocol):
    """What is asked of a snapshot, whoever stores it."""

    @property
    def id(self) -> object: ...
    @property
    def started(self) -> float: ...
    @property
    def finished(self) -> float: ...
    @property
    def digest(self) -> str: ...
    @property
    def parent(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What the caller knows and neither the estate nor the verdicts say. All of it may be left out."""

    first_seen: Mapping[str, float] = field(default_factory=dict)  # finding id → when it was seen first
    documents: Mapping[str, DocumentRef] = field(default_factory=dict)  # by uid
    applies: Mapping[str, Collection[str]] | None = None  # environment → its frameworks; None: all to all
    may_hold: Mapping[str, Collection[str]] = field(default_factory=dict)  # scope → environments; left out: any
    threshold_sources: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (environment, column) → source
    addresses: Mapping[str, str] = field(default_factory=dict)  # uid → what code calls it
    excluded: Sequence[Exclusion] = ()
    environments: Collection[str] | None = None  # only these are looked at; None: all
    values: bool = True  # keep with each finding what its rule read
    is_part: bool = False  # of what there is: what covers nothing here may cover something elsewhere


def finding_id(rule: str, uid: str, discriminator: str = "") -> str:
    """SHA-256 over the JSON array [rule, uid, discriminator] in ASCII without spaces; over nothing that may change."""
    return hashlib.sha256(
        json.dumps([rule, uid, discriminator], ensure_ascii=True, separators=(",", ":")).encode("ascii")
    ).hexdigest()


def build(
    estate: Estate,
    verdicts: Iterable[Verdict],
    rules: Sequence[Rule],
    frameworks: Sequence[Framework],
    snapshot: SnapshotLike,
    as_of: float,
    *,
    waivers: Sequence[Waiver] = (),
    attestations: Sequence[Attestation] = (),
    tool: Tool | None = None,
    include_passed: bool = False,
    context: Context | None = None,
) -> Result:
    """The view of one evaluation. `include_passed` keeps every verdict, which reports need and a terminal does not."""
    with closing(estate.reader()) as connection:
        return _Builder(connection, rules, frameworks, as_of, waivers, context or Context(), include_passed).result(
            verdicts,
            attestations,
            Snapshot(
                str(snapshot.id), snapshot.started, snapshot.finished, snapshot.digest, str(snapshot.parent or "")
            ),
            tool or Tool("tierwall", scanner.__version__),
        )


class _Builder:
    def __init__(
        self,
        connection: sqlite3.Connection,
        rules: Sequence[Rule],
        frameworks: Sequence[Framework],
        as_of: float,
        waivers: Sequence[Waiver],
        context: Context,
        include_passed: bool,
    ) -> None:
        self.db = connection
        self.rules = {rule.id: rule for rule in sorted(rules, key=lambda r: r.id)}
        self.frameworks = frameworks
        self.as_of = as_of
        self.context = context
        self.include_passed = include_passed
        self.tables = tables()
        self.ledger = Ledger(self._calls())
        self.calls = self.ledger.by_id
        self.environments = self._environments()
        self.assignment: dict[str, tuple[str | None, str, str]] = {
            uid: (environment, because, candidates)
            for uid, environment, because, candidates in self.db.execute(
                "SELECT uid, environment, because, candidates FROM assignment"
            )
        }
        self.requested = defaultdict(set)
        for scope, table in self.db.execute("SELECT scope, table_name FROM requested"):
            self.requested[scope].add(table)
        self.asked = {table for names in self.requested.values() for table in names}
        self.controls = self._controls_of_rules()
        self.waivers = sorted(waivers, key=lambda w: w.id)
        self.waivers_of = defaultdict(list)
        for waiver in self.waivers:
            self.waivers_of[waiver.rule].append(waiver)
        self.covered: defaultdict[str, list[str]] = defaultdict(list)  # waiver → findings
        self.subjects: dict[tuple[str, str], Subject] = {}
        self.evidence: dict[str, Evidence] = {}  # by uid, without values
        self.values = Values(connection, self.environments, whole=include_passed or self.context.is_part)

    def result(
        self, verdicts: Iterable[Verdict], attestations: Sequence[Attestation], snapshot: Snapshot, tool: Tool
    ) -> Result:
        counts: defaultdict[str, Counter[tuple[str | None, str]]] = defaultdict(Counter)
        unsure: defaultdict[str, set[str]] = defaultdict(set)
        findings: list[Finding] = []
        passed: list[Finding] = []
        wanting: set[str] = set()  # ids of the unknowns that only want an environment
        for verdict in verdicts:
            environment = self._environment(verdict.uid)
            if not self._is_looked_at(verdict.uid, environment):
                continue
            counts[verdict.rule][environment, verdict.status] += 1
            if verdict.status in ("fail", "unknown"):
                if environment is None:
                    unsure[verdict.rule].update(self._candidates(verdict.uid))
                finding = self._finding(verdict)
                if finding.waived:
                    counts[verdict.rule][environment, "waived"] += 1
                findings.append(finding)
                if verdict.only_unassigned:
                    wanting.add(finding.id)
            elif self.include_passed:
                passed.append(self._finding(verdict))
        findings = _folded(findings, wanting)
        rule_lines = {rule.id: self._rule_line(rule, counts[rule.id], unsure[rule.id]) for rule in self.rules.values()}
        gaps = self._gaps()
        return Result(
            tool=tool,
            snapshot=snapshot,
            as_of=self.as_of,
            summary=Summary(
                rules=len(self.rules),
                resources=sum(self._is_looked_at(uid, known) for uid, (known, _, _) in self.assignment.items()),
                counts=sum((line.counts for line in rule_lines.values()), Counts()),
                folded=sum(1 for f in findings if f.behind),
                open_by_severity=_by_severity(f for f in findings if f.status == "fail" and not f.waived),
            ),
            findings=tuple(sorted(findings, key=_worst_first)),
            passed=tuple(sorted(passed, key=_worst_first)),
            rules=tuple(rule_lines.values()),
            environments=self._environment_lines(rule_lines, findings),
            frameworks=self._framework_lines(rule_lines, attestations),
            gaps=gaps,
            refusals=_refusals(gaps, [f for f in findings if not f.behind]),
            scopes=self._scopes(gaps),
            excluded=(*self.context.excluded, *self._not_asked()),
            calls=self._footprint(),
            waivers=self._waiver_lines(),
            notices=(*self._waiver_notices(), *self._attestation_notices(attestations)),
        )

    # Places

    def _environments(self) -> dict[str, Environment]:
        names = list(Environment.columns())
        cursor = self.db.execute(f"SELECT {', '.join(names)} FROM environment ORDER BY id")  # noqa: S608  # own names
        rows = [Environment(**dict(zip(names, values, strict=True))) for values in cursor]
        rows.sort(key=lambda row: (_tier_rank(row.tier), row.id))
        return {row.id: row for row in rows if row.id}

    def _environment(self, uid: str) -> str | None:
        """'' for a resource that no environment claims; None where it could not be told, as for a whole scope."""
        if uid.startswith(SCOPE):
            return None
        return self.assignment.get(uid, ("", "", ""))[0]

    def _candidates(self, uid: str) -> Collection[str]:
        """The environments a verdict that could not be placed may belong to."""
        if uid.startswith(SCOPE):
            return self.context.may_hold.get(uid.removeprefix(SCOPE), self.environments)
        return self.assignment[uid][2].split() or self.environments

    def _is_looked_at(self, uid: str, environment: str | None) -> bool:
        """Whether it is in one of the environments asked for, or may be."""
        wanted = self.context.environments
        if wanted is None or environment in wanted:
            return True
        return environment is None and any(name in wanted for name in self._candidates(uid))

    def _subject(self, table: str, uid: str) -> Subject:
        if (table, uid) not in self.subjects:
            self.subjects[table, uid] = self._scope(table, uid) if uid.startswith(SCOPE) else self._row(table, uid)
        return self.subjects[table, uid]

    def _scope(self, table: str, uid: str) -> Subject:
        scope = uid.removeprefix(SCOPE)
        row = self.db.execute("SELECT source, account, region, cluster FROM scope WHERE id = ?", (scope,)).fetchone()
        source, account, region, cluster = row or ("", "", "", "")
        return Subject(
            uid=uid, table=table, name=scope, environment=None, account=account, region=region, cluster=cluster,
            source=source, scope=scope,
        )  # fmt: skip

    def _row(self, table: str, uid: str) -> Subject:
        environment, because, _ = self.assignment.get(uid, ("", "", ""))
        tier = self.environments[environment].tier if environment in self.environments else ""
        subject = Subject(
            uid=uid, table=table, environment=environment, tier=tier or "", assigned_because=because,
            address=self.context.addresses.get(uid, ""),
        )  # fmt: skip
        columns = self.tables[table].columns()
        wanted = [name for name in (*_PLACE, "kind") if name in columns]
        row = self.db.execute(
            f"SELECT {', '.join(wanted)} FROM {table} WHERE uid = ? LIMIT 1",  # noqa: S608  # declared names
            (uid,),
        ).fetchone()
        if row is None:
            return subject
        return replace(subject, **{name: value for name, value in zip(wanted, row, strict=True) if value is not None})

    # Findings

    def _finding(self, verdict: Verdict) -> Finding:
        rule = self.rules[verdict.rule]
        identity = finding_id(verdict.rule, verdict.uid, verdict.discriminator)
        subject = self._subject(rule.resource, verdict.uid)
        causes = tuple(self._cause(because) for because in verdict.because)
        return Finding(
            id=identity,
            rule=rule.id,
            title=rule.title,
            severity=rule.severity,
            status=verdict.status,
            message=verdict.message,
            why=rule.why,
            fix=rule.fix,
            resource=subject,
            discriminator=verdict.discriminator,
            because=causes,
            evidence=self._evidence(rule, subject, causes, verdict.status),
            see_also=_see_also(rule),
            controls=self.controls.get(rule.id, ()),
            first_seen=self.context.first_seen.get(identity),
            waiver=self._waive(identity, rule.id, subject) if verdict.status == "fail" else None,
        )

    def _cause(self, because: Because) -> Cause:
        return Cause(
            reason=because.reason, table=because.table, column=because.column, uid=because.uid, scope=because.scope,
            call=self.calls.get(because.call), detail=because.detail,
        )  # fmt: skip

    def _evidence(self, rule: Rule, subject: Subject, causes: Sequence[Cause], status: str) -> Evidence:
        """The document with the calls that filled it, the calls that were refused, and the values that were read."""
        if subject.uid not in self.evidence:
            document = self.context.documents.get(subject.uid, DocumentRef(""))
            namespace = f"k8s:{subject.cluster}//Namespace/{subject.namespace}" if subject.namespace else ""
            calls = self.ledger.of(
                subject.uid, subject.scope, document.operations, namespace=namespace, file=subject.file
            )
            self.evidence[subject.uid] = Evidence(document.digest, calls, subject.scope)
        known = self.evidence[subject.uid]
        values = self.values.of(rule, subject, status) if self.context.values else {}
        refused = {cause.call.id: cause.call for cause in causes if cause.call}
        if refused.keys() - {call.id for call in known.calls}:
            both = {call.id: call for call in known.calls} | refused
            return replace(known, calls=tuple(both[number] for number in sorted(both)), values=values)
        return replace(known, values=values) if values else known

    def _waive(self, finding: str, rule: str, subject: Subject) -> WaiverRef | None:
        """The waiver that covers a failure: an active one if there is, else one not honoured, else one run out."""
        matching = [w for w in self.waivers_of[rule] if w.matches(subject.uid, subject.environment)]
        by_state = {state: [w for w in matching if w.state(self.as_of) == state] for state in STATES}
        for state, found in by_state.items():
            for waiver in found:
                self.covered[waiver.id].append(finding)
            if found:
                last = max(found, key=lambda w: (w.expires, w.id))
                return WaiverRef(
                    last.id, state, last.reason, last.owner, last.approver, last.ticket, last.expires.isoformat()
                )
        return None

    # Rules, environments, frameworks

    def _controls_of_rules(self) -> dict[str, tuple[ControlRef, ...]]:
        found: defaultdict[str, list[ControlRef]] = defaultdict(list)
        for framework in self.frameworks:
            for control in framework.controls:
                for rule in dict.fromkeys(rule for clause in control.checks for rule in clause.rules):
                    found[rule].append(ControlRef(framework.id, control.id))
        return {rule: tuple(refs) for rule, refs in found.items()}

    def _rule_line(self, rule: Rule, counted: Counter[tuple[str | None, str]], unsure: set[str]) -> RuleLine:
        places = dict.fromkeys(environment for environment, _ in counted)
        by_environment = {
            place: Counts(
                passed=counted[place, "pass"],
                failed=counted[place, "fail"],
                unknown=counted[place, "unknown"],
                not_applicable=counted[place, "not_applicable"],
                waived=counted[place, "waived"],
            )
            for place in sorted(places, key=lambda place: (place is None, place or ""))
        }
        return RuleLine(
            id=rule.id,
            title=rule.title,
            severity=rule.severity,
            why=rule.why,
            fix=rule.fix,
            resource=rule.resource,
            area=rule.area,
            see_also=_see_also(rule),
            counts=sum(by_environment.values(), Counts()),
            by_environment=by_environment,
            controls=self.controls.get(rule.id, ()),
            asked=bool(counted) or self._was_asked(rule.resource),
            unsure=frozenset(unsure),
            digest=rule.digest,
        )

    def _was_asked(self, table: str) -> bool:
        """Whether any scope was asked for the table; what is Tierwall's own is always there."""
        kind = self.tables[table]
        if issubclass(kind, Derived):
            return all(self._was_asked(name) for name in kind.inputs)
        return table in self.asked or table == "environment" or table.startswith("tierwall_")

    def _not_asked(self) -> list[Exclusion]:
        silent: defaultdict[str, list[str]] = defaultdict(list)
        for rule in self.rules.values():
            if not self._was_asked(rule.resource):
                silent[rule.resource].append(rule.id)
        return [
            Exclusion(f"table {table}", f"no source was asked for it, so not judged: {', '.join(rules)}")
            for table, rules in sorted(silent.items())
        ]

    def _environment_lines(
        self, rules: Mapping[str, RuleLine], findings: Sequence[Finding]
    ) -> tuple[EnvironmentLine, ...]:
        resources = Counter(environment for environment, _, _ in self.assignment.values())
        mine: defaultdict[str | None, list[Finding]] = defaultdict(list)
        for finding in findings:
            mine[finding.resource.environment].append(finding)
        seen = {place for line in rules.values() for place in line.by_environment}
        wanted = self.context.environments
        rest: Iterable[str | None] = [None] if wanted is not None and None in seen else []
        if wanted is None:
            rest = [place for place in ("", None) if resources[place] or place in seen]
        places: list[str | None] = [*(e for e in self.environments if wanted is None or e in wanted), *rest]
        return tuple(
            EnvironmentLine(
                id=place,
                tier=self.environments[place].tier or "" if place else "",
                owner=self.environments[place].owner or "" if place else "",
                resources=resources[place],
                counts=sum((line.by_environment.get(place, Counts()) for line in rules.values()), Counts()),
                open_by_severity=_by_severity(f for f in mine[place] if f.status == "fail" and not f.waived),
                unknown_by_severity=_by_severity(f for f in mine[place] if f.status == "unknown"),
                thresholds=self._thresholds(place) if place else (),
            )
            for place in places
        )

    def _thresholds(self, environment: str) -> tuple[Threshold, ...]:
        row = self.environments[environment]
        lines = []
        for name, column in Environment.columns().items():
            value = getattr(row, name)
            if name in _NO_THRESHOLD or value is None:
                continue
            source = self.context.threshold_sources.get((environment, name), "")
            unit = "boolean" if column.type is bool else column.unit
            lines.append(Threshold(name, value, unit, column.description, source))
        return tuple(lines)

    def _framework_lines(
        self, rules: Mapping[str, RuleLine], attestations: Sequence[Attestation]
    ) -> tuple[FrameworkLine, ...]:
        applies = self.context.applies

        def applicable(framework: str, environment: str) -> bool:
            """An expanded environment, `feature/login`, has the frameworks of the one it was declared by."""
            if self.context.environments is not None and environment not in self.context.environments:
                return False
            if applies is None:
                return True
            return framework in applies.get(environment, applies.get(declared(environment), ()))

        return tuple(
            framework_line(
                framework,
                rules,
                [env for env in self.environments if applicable(framework.id, env)],
                attestations,
                self.as_of,
                {name: environment.tier or "" for name, environment in self.environments.items()},
            )
            for framework in self.frameworks
        )

    # Scope, gaps, footprint

    def _calls(self) -> Iterable[ApiCall]:
        cursor = self.db.execute(
            "SELECT id, scope, service, operation, status, code, permission, request_id, started, finished, uid"
            " FROM call ORDER BY id"
        )
        return (ApiCall(*row) for row in cursor)

    def _gaps(self) -> tuple[GapLine, ...]:
        cursor = self.db.execute(
            "SELECT scope, uid, table_name, column_name, reason, call, detail FROM gap "
            "ORDER BY scope, table_name, column_name, uid, reason, call"
        )
        return tuple(
            GapLine(scope, uid, table, column, reason, self.calls.get(call), detail)
            for scope, uid, table, column, reason, call, detail in cursor
        )

    def _scopes(self, gaps: Sequence[GapLine]) -> tuple[ScopeLine, ...]:
        resources: Counter[str] = Counter()
        for name, table in self.tables.items():
            if name in self.asked and issubclass(table, Resource):
                resources.update(dict(self.db.execute(f"SELECT scope, count(*) FROM {name} GROUP BY scope")))  # noqa: S608
        calls = Counter(call.scope for call in self.calls.values())
        missing = Counter(gap.scope for gap in gaps)
        return tuple(
            ScopeLine(
                id=scope,
                source=source,
                account=account,
                region=region,
                cluster=cluster,
                tables=tuple(sorted(self.requested[scope])),
                resources=resources[scope],
                calls=calls[scope],
                gaps=missing[scope],
                identity=identity,
            )
            for scope, source, account, region, cluster, identity in self.db.execute(
                "SELECT id, source, account, region, cluster, identity FROM scope ORDER BY id"
            )
        )

    def _footprint(self) -> tuple[CallLine, ...]:
        cursor = self.db.execute(
            "SELECT service, operation, count(*), sum(attempts), sum(status = 'ok'), sum(status = 'absent'),"
            " sum(status NOT IN ('ok', 'absent')) FROM call GROUP BY service, operation ORDER BY service, operation"
        )
        return tuple(CallLine(*row) for row in cursor)

    # Waivers and attestations

    def _waiver_lines(self) -> tuple[WaiverLine, ...]:
        return tuple(
            WaiverLine(
                id=w.id,
                rule=w.rule,
                uid=w.uid,
                environment=w.environment,
                reason=w.reason,
                owner=w.owner,
                approver=w.approver,
                ticket=w.ticket,
                created=w.created.isoformat(),
                expires=w.expires.isoformat(),
                state=w.state(self.as_of),
                digest=w.digest,
                findings=tuple(sorted(self.covered[w.id])),
            )
            for w in self.waivers
        )

    def _waiver_notices(self) -> Iterable[str]:
        for waiver in self.waivers:
            state, covered = waiver.state(self.as_of), len(self.covered[waiver.id])
            if state == "expired" and covered:
                yield f"waiver {waiver.id} expired on {waiver.expires}: {_many(covered, 'finding')} it covered returned"
            elif self.context.is_part:
                continue
            elif state == "expired":
                yield f"waiver {waiver.id} expired on {waiver.expires} and covers nothing: remove it"
            elif state == "active" and not covered and waiver.rule in self.rules:
                yield f"waiver {waiver.id} is not used: nothing fails {waiver.rule} in its scope"

    def _attestation_notices(self, attestations: Sequence[Attestation]) -> Iterable[str]:
        asked = {
            (framework.id, control.id, request.id): request.every_days
            for framework in self.frameworks
            for control in framework.controls
            for request in control.attestations
        }
        for record in sorted(attestations, key=lambda a: a.where):
            every = asked.get((record.framework, record.control, record.request))
            if every is not None and not record.valid(self.as_of, every):
                yield f"attestation {record.request} for {record.framework} {record.control} is out of date"


def _folded(findings: Sequence[Finding], wanting: Collection[str]) -> list[Finding]:
    """All of them; an unknown for want of an environment says behind which finding on its resource it is to stand.

    Where that finding is not part of the evaluation, or somebody has accepted it, the unknown stands for itself.
    """
    heads = {
        f.resource.uid: f.id
        for f in findings
        if f.resource.table == _ASSIGNMENT and f.status == "fail" and not f.waived
    }
    behind = {f.id: heads[f.resource.uid] for f in findings if f.id in wanting and f.resource.uid in heads}
    stands_for = Counter(behind.values())
    return [replace(f, behind=behind.get(f.id, ""), stands_for=stands_for[f.id]) for f in findings]


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _tier_rank(tier: str | None) -> int:
    return TIERS.index(tier) if tier in TIERS else len(TIERS)


def _worst_first(finding: Finding) -> tuple[int, int, str, str, str]:
    subject = finding.resource
    return (
        SEVERITIES.index(finding.severity),
        _tier_rank(subject.tier),
        finding.rule,
        subject.uid,
        finding.discriminator,
    )


def _by_severity(findings: Iterable[Finding]) -> dict[str, int]:
    tally = dict.fromkeys(SEVERITIES, 0)
    for finding in findings:
        tally[finding.severity] += 1
    return tally


def _see_also(rule: Rule) -> dict[str, tuple[str, ...]]:
    return {source: tuple(ids) for source, ids in sorted(rule.see_also.items())}


def _cause_key(cause: Cause | GapLine) -> tuple[str, str, str, str]:
    if cause.call is None:
        return cause.reason, "", "", cause.detail
    is_file = cause.call.service == "file" and not cause.uid and not cause.column  # one that was not read as a whole
    return cause.reason, cause.call.name, cause.call.code, cause.detail if is_file else ""


def _refusals(gaps: Sequence[GapLine], findings: Sequence[Finding]) -> tuple[Refusal, ...]:
    """Gaps with one cause merged, most harmful first; causes of unknowns that are no gap are kept as well."""
    lines: defaultdict[tuple[str, str, str, str], list[Cause | GapLine]] = defaultdict(list)
    touched: Counter[tuple[str, str, str, str]] = Counter()
    rows: Counter[tuple[str, str, str, str]] = Counter()
    for gap in gaps:
        lines[_cause_key(gap)].append(gap)
        rows[_cause_key(gap)] += 1
    for finding in findings:
        for key in {_cause_key(cause) for cause in finding.because}:
            touched[key] += 1
        for cause in finding.because:
            lines[_cause_key(cause)].append(cause)
    merged = [
        Refusal(
            reason=reason,
            call=call,
            code=code,
            detail=detail,
            tables=tuple(sorted({line.table for line in members if line.table})),
            scopes=tuple(sorted({line.scope for line in members if line.scope})),
            resources=len({line.uid for line in members if line.uid and not line.uid.startswith(SCOPE)}),
            gaps=rows[reason, call, code, detail],
            findings=touched[reason, call, code, detail],
        )
        for (reason, call, code, detail), members in lines.items()
    ]
    return tuple(sorted(merged, key=lambda r: (-r.findings, -r.gaps, r.reason, r.call, r.code, r.detail)))
