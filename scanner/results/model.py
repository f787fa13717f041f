"""The one view of a result that every output and report draws. Nothing here is computed by a drawer.

Times are UTC seconds. Text that came from outside is plain data: each drawer escapes for its own format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.tables import Call, Value

SEVERITIES = ("critical", "high", "medium", "low")
TIERS = ("production", "staging", "shared", "integration", "development", "feature", "local")

# A control is as bad as its worst part. What nobody looked at is worse than what somebody accepted.
CONTROL_STATUSES = ("fail", "not_assessed", "needs_attestation", "waived", "attested", "pass", "not_applicable")


@dataclass(frozen=True, slots=True)
class Tool:
    """What judged: its version and the SHA-256 of each input that can change a verdict."""

    name: str
    version: str
    digests: Mapping[str, str] = field(default_factory=dict)  # rules, policy, frameworks, waivers, attestations


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was judged."""

    id: str
    started: float
    finished: float
    digest: str
    parent: str = ""  # id of the snapshot before, '' for the first


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One logical API call of the collection. Reading a file is a call of the service `file`."""

    id: int
    scope: str
    service: str
    operation: str
    status: str
    code: str = ""
    permission: str = ""
    request_id: str = ""
    started: float = 0.0
    finished: float = 0.0
    uid: str = ""  # the resource that was asked about; '' for a listing

    @classmethod
    def of(cls, call: Call) -> ApiCall:
        """A row of the table `call`."""
        return cls(**{field: getattr(call, field) for field in cls.__slots__})

    @property
    def name(self) -> str:
        """As an administrator would grant it: `s3:GetBucketPolicy`, `pods/list`; else service and operation."""
        return self.permission or f"{self.service}:{self.operation}"


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for a verdict of unknown."""

    reason: str
    table: str = ""
    column: str = ""
    uid: str = ""
    scope: str = ""
    call: ApiCall | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The resource a finding is about, or the scope when nothing of its kind could be listed."""

    uid: str
    table: str
    name: str = ""
    environment: str | None = ""  # None: two environments match, or the tag was not readable
    tier: str = ""
    account: str = ""
    region: str = ""
    cluster: str = ""
    namespace: str = ""
    kind: str = ""
    source: str = ""
    file: str = ""
    line: int = 0
    scope: str = ""
    assigned_because: str = ""
    address: str = ""  # what code calls it: a Terraform address, a logical id

    @property
    def shown(self) -> str:
        """What its people call it: the address in code, else the uid."""
        return self.address or self.uid

    @property
    def is_scope(self) -> bool:
        return self.uid.startswith("scope:")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on: the values that the rule read, the document they came from, the calls that filled it.

    Values are by column: of the resource itself `encrypted`, of its environment `environment.backup_keep_seconds`, and
    how many rows of a list were judged as `count(aws_policy_statement)`. None is a value that is not known.
    """

    document: str = ""  # SHA-256 of the stored document, '' where none is known
    calls: tuple[ApiCall, ...] = ()
    scope: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ControlRef:
    """One control of one framework."""

    framework: str
    control: str


@dataclass(frozen=True, slots=True)
class WaiverRef:
    """The waiver that accepts a finding, or the one that no longer does."""

    id: str
    state: str  # active, expired, not_honoured
    reason: str
    owner: str
    approver: str
    ticket: str
    expires: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with all that a reader needs: what, where, why, how to fix, since when, and on what evidence."""

    id: str
    rule: str
    title: str
    severity: str
    status: str  # fail, unknown; with passes asked for also pass, not_applicable
    message: str
    why: str
    fix: str
    resource: Subject
    discriminator: str = ""
    because: tuple[Cause, ...] = ()
    evidence: Evidence = Evidence()
    see_also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    controls: tuple[ControlRef, ...] = ()
    first_seen: float | None = None
    waiver: WaiverRef | None = None
    baseline: str = ""  # new, unchanged; '' where it is compared with nothing
    soft: bool = False  # its rule may fail without consequences
    stands_for: int = 0  # unknown verdicts of other rules that come of this finding alone
    behind: str = ""  # id of the finding that stands for this one where it is shown, '' where it stands for itself

    @property
    def waived(self) -> bool:
        return self.waiver is not None and self.waiver.state == "active"

    @property
    def waits_for_apply(self) -> bool:
        """Nothing but the apply of a plan is in the way of knowing."""
        return bool(self.because) and all(cause.reason == "after_apply" for cause in self.because)


@dataclass(frozen=True, slots=True)
class Counts:
    """Verdicts by status. A waived failure is still a failure: `waived` says how many of `failed` are."""

    passed: int = 0
    failed: int = 0
    unknown: int = 0
    not_applicable: int = 0
    waived: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed, self.failed + other.failed, self.unknown + other.unknown,
            self.not_applicable + other.not_applicable, self.waived + other.waived,
        )  # fmt: skip

    @property
    def open(self) -> int:
        """Failures that nobody has accepted."""
        return self.failed - self.waived


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule of the evaluation with its verdicts by environment; None is «could not be told»."""

    id: str
    title: str
    severity: str
    why: str
    fix: str
    resource: str
    area: str  # isolation, access, backup, …
    see_also: Mapping[str, tuple[str, ...]]
    counts: Counts
    by_environment: Mapping[str | None, Counts]
    controls: tuple[ControlRef, ...] = ()
    asked: bool = True  # False: no scope was asked for the rule's table
    unsure: frozenset[str] = frozenset()  # environments that may hold what could not be listed or placed
    digest: str = ""  # SHA-256 of the rule's file: its version


@dataclass(frozen=True, slots=True)
class EnvironmentLine:
    """One environment at a glance."""

    id: str | None  # '': in no environment; None: could not be told
    tier: str
    owner: str
    resources: int
    counts: Counts
    open_by_severity: Mapping[str, int]  # failures that nobody accepted
    unknown_by_severity: Mapping[str, int]
    thresholds: tuple[Threshold, ...] = ()


@dataclass(frozen=True, slots=True)
class Threshold:
    """One number of an environment's policy."""

    column: str
    value: int | str
    unit: str
    description: str
    source: str = ""  # the line of the policy that states it, or `tierwall default`


@dataclass(frozen=True, slots=True)
class ClauseLine:
    """One clause of a control and how far rules decide it."""

    text: str
    rules: tuple[str, ...]
    strength: str
    status: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class AttestationLine:
    """What a control asks a person to attest, and what was attested."""

    id: str
    asks: str
    every_days: int
    state: str  # attested, expired, missing, elsewhere (attested for other environments only)
    statement: str = ""
    by: str = ""
    role: str = ""
    date: str = ""
    expires: str = ""
    evidence_file: str = ""
    evidence_sha256: str = ""
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ControlLine:
    """One control of a framework with its status, overall and by environment."""

    framework: str
    id: str
    citation: str
    title: str
    text: str
    owner: str
    automation: str
    method: str
    status: str
    by_environment: Mapping[str, str]
    counts: Counts
    clauses: tuple[ClauseLine, ...]
    attestations: tuple[AttestationLine, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules of all clauses, each once, in the order the clauses name them."""
        return tuple(dict.fromkeys(rule for clause in self.clauses for rule in clause.rules))

    @property
    def decided(self) -> int:
        """Clauses that rules decide."""
        return sum(1 for clause in self.clauses if clause.rules)


@dataclass(frozen=True, slots=True)
class FrameworkLine:
    """One framework: its controls, and how many have which status in each environment."""

    id: str
    title: str
    version: str
    source: str
    controls: tuple[ControlLine, ...]
    environments: tuple[str, ...]
    statuses: Mapping[str, int]
    by_environment: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class GapLine:
    """One thing that was to be read and was not."""

    scope: str
    uid: str
    table: str
    column: str
    reason: str
    call: ApiCall | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Gaps with one cause, merged: what was refused, how often, and what could not be told for it."""

    reason: str
    call: str  # the permission or call, '' where none was made
    code: str
    detail: str
    tables: tuple[str, ...]
    scopes: tuple[str, ...]
    resources: int
    gaps: int
    findings: int  # verdicts that are unknown for this


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """One place that was read, with what it was asked for."""

    id: str
    source: str
    account: str
    region: str
    cluster: str
    tables: tuple[str, ...]
    resources: int
    calls: int
    gaps: int
    identity: str = ""  # who read: the caller's ARN or the cluster's user, where the source says


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Something that was left out of this run on purpose, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class CallLine:
    """The scanner's own footprint: one operation of one service."""

    service: str
    operation: str
    calls: int
    requests: int
    ok: int
    absent: int
    refused: int


@dataclass(frozen=True, slots=True)
class WaiverLine:
    """One waiver and what became of it."""

    id: str
    rule: str
    uid: str
    environment: str
    reason: str
    owner: str
    approver: str
    ticket: str
    created: str
    expires: str
    state: str  # active, expired, pending, not_honoured
    findings: tuple[str, ...]  # ids of what it covers, or covered until it expired
    digest: str = ""  # SHA-256 of what it accepts


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of the first page."""

    rules: int
    resources: int
    counts: Counts
    folded: int  # unknown verdicts that stand behind findings on resources in no environment
    open_by_severity: Mapping[str, int]

    @property
    def untold(self) -> int:
        """Unknown verdicts that are findings of their own."""
        return self.counts.unknown - self.folded


@dataclass(frozen=True, slots=True)
class Result:
    """One evaluation of one snapshot. Same snapshot, digests and time: the same result, byte for byte."""

    tool: Tool
    snapshot: Snapshot
    as_of: float
    summary: Summary
    findings: tuple[Finding, ...]  # every failing and unknown verdict, worst first: who decides looks at all of them
    passed: tuple[Finding, ...]  # only when asked for: pass and not_applicable
    rules: tuple[RuleLine, ...]
    environments: tuple[EnvironmentLine, ...]
    frameworks: tuple[FrameworkLine, ...]
    gaps: tuple[GapLine, ...]
    refusals: tuple[Refusal, ...]
    scopes: tuple[ScopeLine, ...]
    excluded: tuple[Exclusion, ...]
    calls: tuple[CallLine, ...]
    waivers: tuple[WaiverLine, ...]
    notices: tuple[str, ...]  # expired and unused waivers and attestations, in words

    @property
    def shown(self) -> tuple[Finding, ...]:
        """The findings as they are listed: without those that another one stands for."""
        return tuple(f for f in self.findings if not f.behind)

    @property
    def controls(self) -> tuple[ControlLine, ...]:
        return tuple(control for framework in self.frameworks for control in framework.controls)

    @property
    def calls_made(self) -> int:
        return sum(line.calls for line in self.calls)
