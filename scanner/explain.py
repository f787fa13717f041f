"""The way back from a finding: rule, SQL, the values read, the stored document, the calls and their times."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scanner.environments import assign
from scanner.errors import UsageError
from scanner.isolation import derive
from scanner.results import finding_id
from scanner.results.evaluate import Policy, judge
from scanner.store import Estate, Snapshot, Store
from scanner.tables import Assignment, Call, Child, Environment, Kinds, Row, table, tables


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
                raise UsageError(f"explain {finding}: snapshot {snapshot.id} has no such finding")
            if len(found) > 1:
                raise UsageError(f"explain {finding}: {len(found)} findings begin so; give more characters")
            return _told(store, snapshot, estate, policy, found[0])


def _told(store: Store, snapshot: Snapshot, estate: Estate, policy: Policy, verdict: Any) -> dict[str, Any]:
    rule = policy.rules[verdict.rule]
    (assignment,) = estate.rows(Assignment, "uid = ?", verdict.uid) or [Assignment(uid=verdict.uid, environment=None)]
    environment = estate.rows(Environment, "id = ?", assignment.environment)
    member = store.members(snapshot.id).get(verdict.uid)
    told: dict[str, Any] = {
        "finding": finding_id(verdict.rule, verdict.uid, verdict.discriminator),
        "status": verdict.status,
        "message": verdict.message,
        "rule": f"{rule.id}: {rule.title}",
        "why": rule.why,
        "fix": rule.fix,
        "sql": rule.compiled.verdicts(),
        "resource": verdict.uid,
        "environment": f"{assignment.environment if assignment.environment is not None else 'unknown'}"
        f" ({assignment.because})",
        "thresholds": _known(environment[0]) if environment else {},
        "values": [_values(r) for r in estate.rows(table(rule.resource), "uid = ?", verdict.uid)],
        "children": {
            name: rows
            for name, kind in tables().items()
            if issubclass(kind, Child) and (rows := [_values(r) for r in estate.rows(kind, "uid = ?", verdict.uid)])
        },
        "unknown because": [b._asdict() for b in verdict.because],
        "snapshot": {"id": snapshot.id, "digest": snapshot.digest, "finished": _time(snapshot.finished)},
    }
    if member:
        document = store.document(snapshot.id, verdict.uid, member)
        told["document"] = {"sha256": member.sha, "file": document.file, "line": document.line, "parts": document.parts}
        told["calls"] = [
            _call(c)
            for c in estate.rows(Call, "scope = ? AND uid IN ('', ?)", member.scope, verdict.uid)
            if c.uid or c.operation in document.parts
        ]
    else:
        told["calls"] = [_call(c) for c in estate.rows(Call, "status NOT IN ('ok', 'absent')")]
    return told


def _values(row: Row) -> dict[str, Any]:
    place = {"scope", "uid", "source", "cluster", "namespace", "file", "line"}
    return {c: v for c, v in zip(row.columns(), row.values(), strict=True) if c not in place}


def _known(environment: Environment) -> dict[str, Any]:
    values = {c: getattr(environment, c) for c in Environment.columns()}
    return {k: v for k, v in values.items() if v not in (None, "", 0, False)}


def _call(call: Call) -> dict[str, Any]:
    return {
        "call": call.permission or f"{call.service}:{call.operation}", "status": call.status, "code": call.code,
        "request": call.request_id, "started": _time(call.started), "finished": _time(call.finished),
    }  # fmt: skip


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
