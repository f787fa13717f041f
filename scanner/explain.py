"""The way back from a finding: rule, SQL, the values read, the stored document, the calls and their times."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scanner.environments import assign
from scanner.errors import UsageError
from scanner.isolation import derive
from scanner.results import ApiCall, finding_id
from scanner.results.evaluate import Policy, judge
from scanner.results.evidence import Ledger, operations
from scanner.rules import Verdict
from scanner.store import Estate, Snapshot, Store
from scanner.tables import Assignment, Call, Child, Environment, Kinds, Row, Scope, table, tables


def explain(store: Store, snapshot: Snapshot, policy: Policy, kinds: Kinds, finding: str) -> dict[str, Any]:
    """Everything the finding rests on, as plain JSON. Raises UsageError when no finding has that id."""
    with tempfile.TemporaryDirectory(prefix="tierwall-") as folder:
        estate = store.project(snapshot, kinds, Path(folder) / "estate.db")
        with estate:
            assign(estate, policy.config)
            derive(estate)
            found = [
                v
                for v in judge(estate, policy, int(snapshot.finished))
                if finding_id(v.rule, v.uid, v.discriminator).startswith(finding)
            ]
            if not found:
                raise UsageError(f"explain {finding}: {_absent(store, snapshot, policy, finding)}")
            if len(found) > 1:
                raise UsageError(f"explain {finding}: {len(found)} findings begin so; give more characters")
            return _told(store, snapshot, estate, policy, kinds, found[0])


def _absent(store: Store, snapshot: Snapshot, policy: Policy, finding: str) -> str:
    """Why there is no such finding, as far as the history knows it."""
    for rule, uid, discriminator in store.verdict_keys():
        if finding_id(rule, uid, discriminator).startswith(finding):
            if rule not in policy.rules:
                return f"is of the rule {rule}, which is not loaded; name its pack with --rules or in tierwall.yaml"
            return f"snapshot {snapshot.id} does not have it; `tierwall history {finding}` says which had"
    return f"snapshot {snapshot.id} has no such finding"


def _told(
    store: Store, snapshot: Snapshot, estate: Estate, policy: Policy, kinds: Kinds, verdict: Verdict
) -> dict[str, Any]:
    rule = policy.rules[verdict.rule]
    (assignment,) = estate.rows(Assignment, "uid = ?", verdict.uid) or [Assignment(uid=verdict.uid, environment=None)]
    environment = estate.rows(Environment, "id = ?", assignment.environment)
    member = store.members(snapshot.id).get(verdict.uid)
    rows = [
        dict(zip(r.columns(), r.values(), strict=True))
        for r in estate.rows(table(rule.resource), "uid = ?", verdict.uid)
    ]
    told: dict[str, Any] = {
        "finding": finding_id(verdict.rule, verdict.uid, verdict.discriminator),
        "status": verdict.status,
        "message": verdict.message or _unknown(estate, verdict),
        "rule": f"{rule.id}: {rule.title}",
        "why": rule.why,
        "fix": rule.fix,
        "resource": verdict.uid,
        "environment": _environment(assignment),
        "read": {name: row[name] for row in rows for name in row if name in rule.compiled.reads},
        "thresholds": {name: getattr(environment[0], name) for name in sorted(rule.compiled.environment)}
        if environment
        else {},
        "unknown because": [b._asdict() for b in verdict.because],
        "values": [_values(r) for r in estate.rows(table(rule.resource), "uid = ?", verdict.uid)],
        "children": {
            name: rows
            for name, kind in tables().items()
            if issubclass(kind, Child) and (rows := [_values(r) for r in estate.rows(kind, "uid = ?", verdict.uid)])
        },
        "snapshot": {"id": snapshot.id, "digest": snapshot.digest, "finished": _time(snapshot.finished)},
    }
    calls = {call.id: call for call in estate.rows(Call)}
    scopes = {scope.id: scope for scope in estate.rows(Scope)}
    refused = {b.call for b in verdict.because}
    if member:
        document = store.document(snapshot.id, verdict.uid, member)
        told["document"] = {"sha256": member.sha, "file": document.file, "line": document.line, "parts": document.parts}
        kind = kinds[member.kind]
        answered = Ledger(map(ApiCall.of, calls.values())).of(
            verdict.uid, member.scope, operations(kind, verdict.uid, document.parts),
            namespace=f"k8s:{document.cluster}//Namespace/{document.namespace}" if document.namespace else "",
            file=document.file,
        )  # fmt: skip
        refused |= {call.id for call in answered}
    told["calls"] = [_call(calls[number], scopes) for number in sorted(refused) if number in calls]
    told["sql"] = rule.compiled.verdicts()
    return told


def _unknown(estate: Estate, verdict: Verdict) -> str:
    """What was not known, in words; '' where the verdict is certain."""
    calls = {call.id: call for call in estate.rows(Call)} if verdict.because else {}
    said = []
    for because in verdict.because:
        call = calls.get(because.call)
        if call is None or (call.service == "file" and because.detail):  # of a file it is the detail that says where
            what = because.detail or f"{because.table}.{because.column}".rstrip(".")
        else:
            what = f"{_name(call)} {call.code}".rstrip()
        said.append(f"{because.reason}: {what}")
    return "; ".join(dict.fromkeys(said))


def _environment(assignment: Assignment) -> str:
    if assignment.environment is None:
        return f"not known, one of: {assignment.candidates}" if assignment.candidates else "not known"
    return f"{assignment.environment or 'none'}" + (f" ({assignment.because})" if assignment.because else "")


def _values(row: Row) -> dict[str, Any]:
    place = {"scope", "uid", "source", "cluster", "namespace", "file", "line"}
    return {c: v for c, v in zip(row.columns(), row.values(), strict=True) if c not in place}


def _call(call: Call, scopes: dict[str, Scope]) -> dict[str, Any]:
    """What was asked of whom, when, and what the source calls the request."""
    scope = scopes[call.scope]
    return {
        "call": _name(call), "operation": f"{call.service} {call.operation}", "about": call.uid, "scope": call.scope,
        "account": scope.account, "region": scope.region, "cluster": scope.cluster, "identity": scope.identity,
        "status": call.status, "code": call.code, "request": call.request_id,
        "started": _time(call.started), "finished": _time(call.finished),
    }  # fmt: skip


def _name(call: Call) -> str:
    return call.permission or f"{call.service}:{call.operation}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
