"""The gate: judge code before it is deployed, by the rules that judge what runs, and answer yes or no.

What is judged never touches the user's database: it is filled into an estate in a private folder that is removed
afterwards. The exit code: 1 for failures at or above the threshold, else 3 for what could not be told, else 0.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import scanner
from scanner.errors import InputError
from scanner.results.model import SEVERITIES, Exclusion, Finding, Result, Tool
from scanner.safe import files
from scanner.tables import Derived, Environment, Kinds, Requested, tables

if TYPE_CHECKING:
    from scanner.collectors.checkov import Check
    from scanner.collectors.terraform import Outcome
    from scanner.results.baseline import Baseline
    from scanner.results.evaluate import Policy
    from scanner.results.foreign import ForeignCheck
    from scanner.rules import Rules
    from scanner.safe.secrets import Redactor
    from scanner.store import Estate, Stage

Unknown = Literal["refused", "all", "none"]
CLEAN, VIOLATIONS, CANNOT_TELL = 0, 1, 3
_MANIFESTS = (".yaml", ".yml", ".json")
_HCL = (".tf", ".tofu")
_OF_A_PLAN = (b'"format_version"', b'"terraform_version"')
_LIMIT = 512_000_000  # bytes of what comes on standard input
_MARK = re.compile(rb"#.*?tierwall:waive[ \t]+([A-Za-z0-9][\w.-]*)")
_NEEDS_PLAN = "make a plan of it: `terraform plan -out=p.tfplan && terraform show -json p.tfplan > plan.json`"


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """What the gate found."""

    result: Result
    exit_code: int
    why: tuple[str, ...]  # the exit code in words
    blocking: tuple[Finding, ...] = ()  # the failures and unknowns that the exit code comes of
    after_apply: int = 0  # unknowns that only the apply can answer
    plans: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files to be judged, by what they are."""

    plans: tuple[Path, ...] = ()
    manifests: tuple[Path, ...] = ()  # files and folders
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Live:
    """What runs, as a snapshot has it, in an estate that is ours to change."""

    estate: Estate
    digests: Mapping[str, str]  # uid → SHA-256 of its document

    def after(self, planned: Estate, plans: Sequence[Outcome]) -> Estate:
        """The estate as it will be after the plans are applied."""
        from scanner.collectors.kinds import all_kinds
        from scanner.collectors.terraform.over import lay

        lay(planned, self.estate, plans, all_kinds())
        return self.estate


def gate(
    paths: Sequence[Path],
    policy: Policy,
    redactor: Redactor,
    *,
    plans: Sequence[Path] = (),
    environment: str | None = None,
    fail_on: str = "high",
    unknown: Unknown = "refused",
    as_of: int | None = None,
    account: str = "",
    source: Path | None = None,
    include_passed: bool = False,
    base: Baseline | None = None,
    soft_fail: Collection[str] = (),
    with_checkov: bool = False,
    over: Live | None = None,
    brief: bool = False,
) -> GateOutcome:
    """Judge plans, states and manifests. `plans` are files that must be one; `paths` may be files or folders.

    `environment` takes everything into one environment; `account` is the AWS account of what a plan does not place;
    `source` is the folder of the plans' code, by default the one given or the one a plan lies in, if code is there.
    With `base`, failures that are in it have no consequences, nor do those of the rules in `soft_fail`. With
    `with_checkov`, Checkov judges what is not ours to judge, if it is there. `over` is what runs: the plans are laid
    over it, and the whole is judged. `brief` is for whoever shows no values that rules read.
    Raises InputError for a named file that is nothing the gate knows, or that does not parse.
    """
    from scanner.store import Stage

    found = recognised(paths, plans, others=with_checkov)
    started = time.time()
    with tempfile.TemporaryDirectory(prefix="tierwall-gate-") as folder:  # 0700
        stage = Stage.create(Path(folder) / "gate.db", redactor, _kinds(found), sparse=True)
        with closing(stage.estate):
            several = len(found.plans) > 1
            outcomes = tuple(
                _plan(path, stage, account, files.shown(path) if several else "", source or _beside(path, paths))
                for path in found.plans
            )
            others = tuple(_collect_manifests(found.manifests, stage))
            estate = stage.flush()
            digests = _documents(estate)
            if over is not None:
                estate = over.after(estate, outcomes)
                digests = {**over.digests, **digests}
            policy, how = _placed(policy, estate, environment)
            every = policy.rules
            policy = replace(policy, rules=_in_scope(every, estate))
            addresses = {uid: address for one in outcomes for uid, address in one.addresses.items()}
            policy, said = _with_waivers(policy, estate, outcomes, addresses, base)
            excluded = (*_excluded(outcomes), *others)
            result = _judge(estate, policy, digests, started, as_of, include_passed, addresses, excluded, brief=brief)
    ran = ""
    if with_checkov:
        result, ran, more = _with_checkov(result, policy, every, paths, environment, include_passed)
        said += more
    notices = (*how, *said, *found.notices, *(notice for outcome in outcomes for notice in outcome.notices))
    result = replace(result, notices=(*result.notices, *notices))
    return _outcome(_compared(result, base, soft_fail), fail_on, unknown, outcomes, ran)


def decide(result: Result, fail_on: str, unknown: str) -> int:
    """The exit code for findings at or above a severity: 1, else 3, else 0."""
    if any(failing(result, fail_on)):
        return VIOLATIONS
    return CANNOT_TELL if any(undecided(result, fail_on, unknown)) else CLEAN


def failing(result: Result, fail_on: str) -> Iterator[Finding]:
    """Failures at or above the severity that nobody has accepted, and that were not there before."""
    return (
        f
        for f in result.findings
        if f.status == "fail" and not (f.waived or f.soft or f.baseline == "unchanged") and _counts(f, fail_on)
    )


def undecided(result: Result, fail_on: str, unknown: str) -> Iterator[Finding]:
    """Unknowns that count: all of them, those that more than the apply is in the way of, or none."""
    if unknown == "none":
        return iter(())
    return (
        f
        for f in result.findings
        if f.status == "unknown" and _counts(f, fail_on) and (unknown == "all" or not f.waits_for_apply)
    )


def _compared(result: Result, base: Baseline | None, soft_fail: Collection[str]) -> Result:
    """The findings with what is known of them beside their status."""
    if base is None and not soft_fail:
        return result
    found = []
    for finding in result.findings:
        state = ""
        if base is not None and finding.status == "fail":
            state = "new" if base.is_new(finding) else "unchanged"
        found.append(replace(finding, baseline=state, soft=finding.rule in soft_fail))
    return replace(result, findings=tuple(found))


def _counts(finding: Finding, fail_on: str) -> bool:
    return SEVERITIES.index(finding.severity) <= SEVERITIES.index(fail_on)


def _outcome(result: Result, fail_on: str, unknown: Unknown, plans: tuple[Outcome, ...], ran: str = "") -> GateOutcome:
    failures, unknowns = tuple(failing(result, fail_on)), tuple(undecided(result, fail_on, unknown))
    waiting = sum(1 for f in result.findings if f.status == "unknown" and f.waits_for_apply)
    code = decide(result, fail_on, unknown)
    why = []
    if failures:
        why.append(f"{_many(len(failures), 'failure')} at or above {fail_on}")
    if unknowns:
        why.append(f"{_many(len(unknowns), 'check')} at or above {fail_on} could not be told")
    known = sum(1 for f in result.findings if f.baseline == "unchanged" and not f.waived and _counts(f, fail_on))
    if known:
        why.append(f"{_many(known, 'failure')} at or above {fail_on} there before")
    soft = sum(1 for f in result.findings if f.status == "fail" and f.soft and _counts(f, fail_on))
    if soft:
        why.append(f"{_many(soft, 'failure')} of rules that may fail")
    if not result.summary.resources and not ran:
        code = code or CANNOT_TELL
        why.append("nothing to judge: no resource that a rule knows is in what was given")
    return GateOutcome(result, code, tuple(why), (*failures, *unknowns), waiting, plans)


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# --- What was given ---------------------------------------------------------------------------------------------------


def recognised(paths: Iterable[Path], plans: Iterable[Path] = (), *, others: bool = False) -> Inputs:
    """The files to be judged. In a folder, what is nothing of ours is passed over; a file that is named must be, but
    where `others` says that another tool judges what is not ours."""
    found: dict[Path, None] = dict.fromkeys(plans)
    manifests: list[Path] = []
    notices: list[str] = []
    for path in paths:
        if path.is_dir():
            inner = files.walk(path, (*_MANIFESTS, *_HCL))
            here = [file for file in inner if file.suffix == ".json" and _says_it_is_a_plan(file, path)]
            found.update(dict.fromkeys(here))
            if any(file.suffix in _MANIFESTS and file not in here for file in inner):
                manifests.append(path)
            if not here and not others and any(file.suffix in _HCL for file in inner):
                notices.append(f"{files.shown(path)}: Terraform code is not judged without a plan; {_NEEDS_PLAN}")
        elif others and path.suffix not in _MANIFESTS and not files.is_stream(path) and not _has(path, *_OF_A_PLAN):
            continue
        elif path.suffix in _HCL:
            raise InputError(files.shown(path), "is Terraform code, which is judged by its plan", _NEEDS_PLAN)
        elif files.is_stream(path):
            if _has(path, *_OF_A_PLAN):
                found[path] = None
            else:
                manifests.append(path)
        elif path.suffix in (".yaml", ".yml") or _has(path, b'"apiVersion"', b'"kind"'):
            manifests.append(path)
        else:
            found[path] = None  # the reader of plans says what is wrong with anything else
    return Inputs(tuple(found), tuple(manifests), tuple(notices))


def _says_it_is_a_plan(path: Path, root: Path) -> bool:
    """Whether a file found in a folder has the keys of a plan or state of Terraform's; then it must be one."""
    return path.resolve().is_relative_to(root.resolve()) and _has(path, *_OF_A_PLAN)


def _has(path: Path, *texts: bytes) -> bool:
    """Whether all of the texts are in the file, wherever: other programs sort keys."""
    if files.is_stream(path):
        data = files.read_bytes(path, limit=_LIMIT)
        return all(text in data for text in texts)
    try:
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                return False
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                return all(mapped.find(text) >= 0 for text in texts)
    except OSError as error:
        raise files.refusal(path, error) from error


def _kinds(found: Inputs) -> Kinds:
    """The kinds of documents that the files hold: importing all of them takes longer than to judge a small plan."""
    kinds = Kinds()
    if found.plans:
        from scanner.collectors import terraform

        kinds.add(*terraform.KINDS)
    if found.manifests:
        from scanner.collectors import kubernetes

        kinds.add(*kubernetes.KINDS)
    return kinds


def _plan(path: Path, stage: Stage, account: str, label: str, source: Path | None) -> Outcome:
    from scanner.collectors.terraform import collect_plan

    return collect_plan(path, stage, account=account, label=label, source=source)


def _beside(plan: Path, paths: Sequence[Path]) -> Path | None:
    """The folder with the plan's code: the only one that was given, else the plan's own."""
    from scanner.collectors.terraform.hcl import has_code

    given = [path for path in paths if path.is_dir() and has_code(path)]
    if len(given) == 1:
        return given[0]
    return plan.parent if has_code(plan.parent) else None


def _collect_manifests(paths: Sequence[Path], stage: Stage) -> Iterator[Exclusion]:
    """Read manifests; answers with what is in them that is not judged."""
    if paths:
        from scanner.collectors.manifests import collect_manifests

        found = collect_manifests(paths, stage)
        for kind, number in sorted(found.other_kinds.items()):
            yield Exclusion(f"manifests: {kind}", f"{_many(number, 'object')} of a kind that no table takes")


# --- Judging ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What is judged, as a result names it."""

    started: float
    finished: float
    digest: str
    id: str = "gate"
    parent: str = ""


def _placed(policy: Policy, estate: Estate, environment: str | None) -> tuple[Policy, tuple[str, ...]]:
    """Put everything into its environment; answers with the policy that holds then, and how it was found.

    Where nothing declares environments, they are inferred from the words in tags and names.
    """
    from scanner.environments import assign, infer

    how: tuple[str, ...] = ()
    if environment is None and not policy.config.environments:
        config = infer(estate, policy.config)
        policy, how = replace(policy, config=config), config.how
    assign(estate, policy.config, environment, folder=Path())
    asked = {row.table_name for row in estate.rows(Requested)}
    if any(issubclass(kind, Derived) and asked & set(kind.inputs) for kind in tables().values()):
        from scanner.isolation import derive

        derive(estate)
    return policy, how


def _with_checkov(
    result: Result,
    policy: Policy,
    every: Rules,
    paths: Sequence[Path],
    environment: str | None,
    include_passed: bool,
) -> tuple[Result, str, tuple[str, ...]]:
    """The result with what Checkov found; what it ran on, '' if nothing; and what is to be said of it."""
    from scanner.collectors import checkov
    from scanner.environments.assign import environment_of
    from scanner.results.foreign import ForeignCheck, Like, Tool, merged
    from scanner.results.model import ControlRef

    program = checkov.find()
    if program is None:
        return result, "", ("Checkov is not installed, so only what is ours to judge was judged; see docs/gate.md",)
    ran = checkov.run(program, paths)
    refs: defaultdict[str, dict[ControlRef, None]] = defaultdict(dict)
    for framework in policy.frameworks:
        for control in framework.controls:
            for rule in {name for clause in control.checks for name in clause.rules}:
                refs[rule][ControlRef(framework.id, control.id)] = None
    like: dict[str, Like] = {}
    for one in every.values():
        for check in one.see_also.get("checkov", ()):
            like.setdefault(check, Like(one.severity, one.why, one.fix, tuple(refs[one.id])))
    tiers = {name: declared.tier for name, declared in policy.config.environments.items()}

    def placed(file: str) -> tuple[str | None, str]:
        found = environment if environment is not None else environment_of(policy.config, "terraform", file)
        return found, tiers.get((found or "").split("/")[0], "")

    checks = [_foreign(check) for check in ran.checks]
    checks += [
        ForeignCheck("report", "Checkov accounts for its input", "unknown", "", "", lost.what, reason=lost.reason)
        for lost in ran.lost
    ]
    failed = sum(1 for check in ran.checks if check.state != "pass")
    what = f"Checkov: {len(ran.checks)} checks in {len(ran.frameworks)} kinds of code, {failed} failed"
    said = (*ran.notices, *([what] if ran.frameworks else []))
    return (
        merged(result, Tool("checkov", placed, like, policy.waivers), checks, include_passed=include_passed),
        " ".join(ran.frameworks),
        said,
    )


def _foreign(check: Check) -> ForeignCheck:
    """A check of Checkov's. What code skips by itself is a failure: only a waiver accepts one."""
    from scanner.results.foreign import ForeignCheck

    message = check.title
    if check.state == "skipped":
        message = f"{check.title}: skipped in the code, which accepts nothing: {check.reason or 'no reason is given'}"
    state = "pass" if check.state == "pass" else "fail"
    return ForeignCheck(check.id, check.title, state, message, check.resource, check.file, check.line)


def _with_waivers(
    policy: Policy, estate: Estate, plans: Sequence[Outcome], addresses: Mapping[str, str], base: Baseline | None
) -> tuple[Policy, tuple[str, ...]]:
    """The policy with its waivers as they hold for this code, and what is to be said of them."""
    from scanner.results.baseline import for_code, marks_without_effect

    marked = [(uid, names) for plan in plans for uid, names in plan.waivers.items()]
    marked += _marked_manifests(estate)
    always = policy.config.governance.waivers_in_gate == "always"
    waivers = for_code(policy.waivers, base, addresses.items(), marked, always=always)
    said = [*marks_without_effect(marked, waivers)]
    if not all(waiver.is_honoured for waiver in waivers):
        said.append(
            "waivers that the base of this change does not have are not honoured"
            if base
            else "waivers are not honoured: without --new-since nobody can tell that they were there before"
        )
    return replace(policy, waivers=waivers), tuple(said)


def _marked_manifests(estate: Estate) -> list[tuple[str, tuple[str, ...]]]:
    """The waivers that comments in manifests name, by uid: a comment is of the object it stands in or just above."""
    from scanner.tables import Resource

    starts: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)  # file → line and uid of its objects
    for name in {row.table_name for row in estate.rows(Requested)}:
        if issubclass(tables()[name], Resource):
            sql = f"SELECT file, line, uid FROM {name} WHERE source = 'manifests' AND line > 0"  # noqa: S608  # declared
            for file, line, uid in estate.connection.execute(sql):
                starts[file].append((line, uid))
    found: list[tuple[str, tuple[str, ...]]] = []
    for file, objects in sorted(starts.items()):
        lines = files.read_bytes(file).splitlines() if Path(file).is_file() else []
        for number, text in enumerate(lines, 1):
            for name in _MARK.findall(text):
                above = [start for start, _ in objects if start <= number + 1]
                found += [(uid, (name.decode(),)) for start, uid in objects if above and start == max(above)]
    return found


def _in_scope(rules: Rules, estate: Estate) -> Rules:
    """The rules on what was asked for; the others are neither read nor compiled, and their tables not made."""
    from scanner.rules.state import inputs

    asked = {row.table_name for row in estate.rows(Requested)}
    estate.need(asked)

    def in_scope(table: str) -> bool:
        return table.startswith("tierwall_") or table in asked or any(in_scope(name) for name in inputs(table))

    chosen = rules.about({table for table in rules.resources if in_scope(table)})
    for rule in chosen.values():
        estate.need(rule.compiled.tables)
    return chosen


def _judge(
    estate: Estate,
    policy: Policy,
    digests: Mapping[str, str],
    started: float,
    as_of: int | None,
    include_passed: bool,
    addresses: Mapping[str, str],
    excluded: tuple[Exclusion, ...],
    *,
    brief: bool,
) -> Result:
    from scanner.results import Context, DocumentRef, build
    from scanner.rules import run

    finished = time.time()
    at = int(finished) if as_of is None else as_of
    names = [row.id for row in estate.rows(Environment) if row.id]
    verdicts = list(run(estate, policy.rules.values(), at, policy.config.overrides(names)))
    snapshot = _Snapshot(started, finished, hashlib.sha256(json.dumps(sorted(digests.items())).encode()).hexdigest())
    context = Context(
        is_part=True,
        documents={uid: DocumentRef(digest) for uid, digest in digests.items()},
        applies=policy.applies or None,
        addresses=addresses,
        values=not brief,
        excluded=(*policy.excluded, *excluded),
    )
    return build(
        estate, verdicts, list(policy.rules.values()), policy.frameworks, snapshot, at,
        waivers=policy.waivers, attestations=policy.attestations,
        tool=Tool("tierwall", scanner.__version__, policy.digests), include_passed=include_passed, context=context,
    )  # fmt: skip


def _documents(estate: Estate) -> dict[str, str]:
    """uid → SHA-256 of what the resource was judged by."""
    return dict(estate.connection.execute("SELECT uid, sha FROM staged"))


def _excluded(plans: Iterable[Outcome]) -> Iterator[Exclusion]:
    """What a plan has and the gate does not judge."""
    for plan in plans:
        for kind, number in plan.not_modelled.items():
            yield Exclusion(f"{plan.scope}: {kind}", f"{_many(number, 'resource')} of a type that no table takes")
        for address in plan.gone:
            yield Exclusion(f"{plan.scope}: {address}", "the plan deletes it, or leaves it to others")
