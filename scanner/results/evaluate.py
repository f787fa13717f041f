"""Judge a stored snapshot: assign environments, run the rules, keep the verdicts, build the view."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import scanner
from scanner.attestations import Attestation
from scanner.environments import Config, assign
from scanner.errors import UsageError
from scanner.frameworks import Framework
from scanner.isolation import derive
from scanner.results.apart import judged
from scanner.results.build import Context, build, finding_id
from scanner.results.evidence import Documents
from scanner.results.model import Exclusion, Result, Tool
from scanner.results.places import may_hold, not_read, passed_over, threshold_sources
from scanner.rules import Rules, Verdict
from scanner.store import Estate, Evaluation, Snapshot, Store
from scanner.store.codec import digest
from scanner.tables import Call, Environment, Kinds, Scope, TierwallRun
from scanner.waivers import Waiver

_LEFT_BEHIND = "an earlier snapshot read it and this one was not asked to: nothing is said of what it holds"


@dataclass(frozen=True)
class Policy:
    """All that judges, besides the snapshot: what a verdict rests on."""

    config: Config
    rules: Rules
    frameworks: Sequence[Framework]
    waivers: Sequence[Waiver] = ()
    attestations: Sequence[Attestation] = ()
    applies: dict[str, Collection[str]] = field(default_factory=dict)
    excluded: Sequence[Exclusion] = ()  # rules and frameworks that were left out on purpose

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each input."""
        return {
            "rules": self.rules.digest,
            "policy": self.config.digest,
            "frameworks": digest([f.digest for f in self.frameworks]),
            "waivers": digest([_plain(w) for w in self.waivers]),
            "attestations": digest([_plain(a) for a in self.attestations]),
        }


def evaluate(
    store: Store,
    snapshot: Snapshot,
    policy: Policy,
    kinds: Kinds,
    *,
    as_of: int | None = None,
    include_passed: bool = False,
    keep: bool = True,
    environments: Collection[str] = (),
) -> Result:
    """The result of judging the snapshot at `as_of` (UTC seconds; when the snapshot finished, if not given).

    The verdicts become the store's history when `keep`, which only the newest snapshot's should. With `environments`
    the result is of these alone, all its numbers included. Raises UsageError for one that there is not.
    """
    at = int(snapshot.finished) if as_of is None else as_of
    sums = policy.digests
    with (
        tempfile.TemporaryDirectory(prefix="tierwall-") as folder,
        store.estate(snapshot, kinds, Path(folder)) as estate,
    ):
        assign(estate, policy.config)
        derive(estate)
        store.show(snapshot, estate)
        names = [row.id for row in estate.rows(Environment) if row.id]
        for wanted in environments:
            if wanted not in names:
                raise UsageError(f"environment {wanted}: unknown; known are {', '.join(names)}")
        verdicts = list(judge(estate, policy, at))
        if keep:
            evaluation = Evaluation(
                snapshot=snapshot.id, as_of=at, tool=scanner.__version__,
                rules_digest=sums["rules"], policy_digest=sums["policy"], waivers_digest=sums["waivers"],
                attestations_digest=sums["attestations"],
            )  # fmt: skip
            store.keep_evaluation(
                evaluation,
                ((v.rule, v.uid, v.discriminator, v.status, v.message, _because(v)) for v in verdicts),
            )
        scopes = estate.rows(Scope)
        excluded = [
            *policy.excluded,
            *not_read(policy.config, scopes),
            *passed_over(estate.rows(Call, "service = 'file'")),
        ]
        excluded += [Exclusion(f"scope {scope}", _LEFT_BEHIND) for scope in store.left_behind(snapshot.id)]
        if environments:
            others = [name for name in names if name not in environments]
            excluded.append(Exclusion(f"environments {', '.join(others)}", "this run was asked for others alone"))
        context = Context(
            first_seen={finding_id(*key): since for key, since in store.first_failed().items()},
            documents=Documents(store, snapshot, kinds),
            applies=policy.applies or None,
            may_hold=may_hold(policy.config, scopes, names),
            threshold_sources=threshold_sources(policy.config, names),
            excluded=excluded,
            environments=environments or None,
        )
        return build(
            estate, verdicts, list(policy.rules.values()), policy.frameworks, snapshot, at,
            waivers=policy.waivers, attestations=policy.attestations,
            tool=Tool("tierwall", scanner.__version__, sums), include_passed=include_passed, context=context,
        )  # fmt: skip


def _because(verdict: Verdict) -> str:
    """What was not known, without the calls' numbers: those differ from snapshot to snapshot."""
    return json.dumps([[b.reason, b.table, b.column, b.uid, b.scope, b.detail] for b in verdict.because])


def _plain(value: object) -> object:
    """A governance record as plain JSON, for its digest."""
    return json.loads(json.dumps(asdict(value), default=str, sort_keys=True))  # type: ignore[call-overload]  # dataclasses


def judge(estate: Estate, policy: Policy, as_of: int) -> Iterator[Verdict]:
    """The verdicts on an estate that is assigned, with the parameters that the policy sets."""
    overrides = policy.config.overrides(row.id for row in estate.rows(Environment))
    return judged(estate, policy, as_of, overrides)


def record(store: Store, operation: str, started: float, result: Result, exit_code: int) -> None:
    """Keep a run of ours as evidence: what ran, when, with what, and how it ended."""
    sums = result.tool.digests
    failed = [f for f in result.findings if f.status == "fail"]
    unknown = [f for f in result.findings if f.status == "unknown"]
    store.keep_run(
        TierwallRun(
            scope="tierwall", uid="", source="tierwall", operation=operation, started=int(started),
            finished=int(time.time()), snapshot=result.snapshot.id, tool_version=scanner.__version__,
            rules_digest=sums.get("rules", ""), policy_digest=sums.get("policy", ""),
            result_digest=digest([[f.id, f.status] for f in result.findings]), exit_code=exit_code,
            failed=len(failed), unknown=len(unknown),
        )
    )  # fmt: skip
