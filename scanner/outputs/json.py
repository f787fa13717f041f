"""JSON: the stable contract, described by findings.schema.json beside this module."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import resources
from typing import Any

from scanner.results.model import (
    ApiCall,
    AttestationLine,
    Cause,
    ClauseLine,
    ControlLine,
    ControlRef,
    Counts,
    Evidence,
    Finding,
    FrameworkLine,
    GapLine,
    Refusal,
    Result,
    RuleLine,
    Subject,
    WaiverRef,
)

SCHEMA = "tierwall/findings/1"


def render(result: Result, *, include_passed: bool = False, **_: object) -> str:
    """ASCII, so that no name can do anything to whatever shows it."""
    return json.dumps(document(result, include_passed=include_passed), ensure_ascii=True, indent=2) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema of the contract."""
    text = resources.files("scanner.outputs").joinpath("findings.schema.json").read_text("utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def document(result: Result, *, include_passed: bool = False) -> dict[str, Any]:
    """The contract as plain data. Keys are only ever added."""
    counts = result.summary.counts
    shown = (*result.shown, *result.passed) if include_passed else result.shown
    return {
        "schema": SCHEMA,
        "tool": {
            "name": result.tool.name,
            "version": result.tool.version,
            "digests": dict(sorted(result.tool.digests.items())),
        },
        "snapshot": {
            "id": result.snapshot.id,
            "started": utc(result.snapshot.started),
            "finished": utc(result.snapshot.finished),
            "digest": result.snapshot.digest,
            "parent": result.snapshot.parent,
        },
        "as_of": utc(result.as_of),
        "summary": {
            "rules": result.summary.rules,
            "resources": result.summary.resources,
            "pass": counts.passed,
            "fail": counts.failed,
            "unknown": counts.unknown,
            "not_applicable": counts.not_applicable,
            "waived": counts.waived,
            "folded": result.summary.folded,
            "open_by_severity": dict(result.summary.open_by_severity),
            "calls": result.calls_made,
        },
        "findings": [_finding(finding) for finding in shown],
        "gaps": [_gap(gap) for gap in result.gaps],
        "controls": [_control(control) for control in result.controls],
        "environments": [
            {
                "id": line.id,
                "tier": line.tier,
                "owner": line.owner,
                "resources": line.resources,
                "pass": line.counts.passed,
                "fail": line.counts.failed,
                "unknown": line.counts.unknown,
                "not_applicable": line.counts.not_applicable,
                "waived": line.counts.waived,
                "open_by_severity": dict(line.open_by_severity),
                "unknown_by_severity": dict(line.unknown_by_severity),
            }
            for line in result.environments
        ],
        "scopes": [
            {
                "id": line.id,
                "source": line.source,
                "account": line.account,
                "region": line.region,
                "cluster": line.cluster,
                "tables": list(line.tables),
                "resources": line.resources,
                "calls": line.calls,
                "gaps": line.gaps,
                "identity": line.identity,
            }
            for line in result.scopes
        ],
        "notices": list(result.notices),
        "waivers": [{"id": line.id, "state": line.state, "digest": line.digest} for line in result.waivers],
        "excluded": [{"what": line.what, "why": line.why} for line in result.excluded],
        "refusals": [_refusal(line) for line in result.refusals],
        "rules": [_rule(line) for line in result.rules],
        "frameworks": [_framework(line) for line in result.frameworks],
    }


def utc(seconds: float | None) -> str | None:
    """RFC 3339, to the second."""
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "rule": finding.rule,
        "title": finding.title,
        "severity": finding.severity,
        "status": finding.status,
        "message": finding.message,
        "why": finding.why,
        "fix": finding.fix,
        "unknown_because": [_cause(cause) for cause in finding.because],
        "resource": _resource(finding.resource),
        "discriminator": finding.discriminator,
        "evidence": _evidence(finding.evidence),
        "see_also": {source: list(ids) for source, ids in finding.see_also.items()},
        "controls": _controls(finding.controls),
        "first_seen": utc(finding.first_seen),
        "waiver": _waiver(finding.waiver),
        "baseline": finding.baseline,
        "soft": finding.soft,
        "stands_for": finding.stands_for,
    }


def _resource(subject: Subject) -> dict[str, Any]:
    return {
        "uid": subject.uid,
        "table": subject.table,
        "name": subject.name,
        "environment": subject.environment,
        "tier": subject.tier,
        "account": subject.account,
        "region": subject.region,
        "cluster": subject.cluster,
        "namespace": subject.namespace,
        "kind": subject.kind,
        "source": subject.source,
        "file": subject.file,
        "line": subject.line,
        "scope": subject.scope,
        "assigned_because": subject.assigned_because,
        "address": subject.address,
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "reason": cause.reason,
        "call": _call(cause.call),
        "table": cause.table,
        "column": cause.column,
        "uid": cause.uid,
        "scope": cause.scope,
        "detail": cause.detail,
    }


def _call(call: ApiCall | None) -> dict[str, Any] | None:
    if call is None:
        return None
    return {
        "id": call.id,
        "name": call.name,
        "service": call.service,
        "operation": call.operation,
        "status": call.status,
        "code": call.code,
        "permission": call.permission,
        "request_id": call.request_id,
        "started": utc(call.started),
        "finished": utc(call.finished),
        "uid": call.uid,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "document": evidence.document,
        "scope": evidence.scope,
        "calls": [_call(call) for call in evidence.calls],
        "values": dict(evidence.values),
    }


def _controls(refs: Iterable[ControlRef]) -> list[dict[str, str]]:
    return [{"framework": ref.framework, "control": ref.control} for ref in refs]


def _waiver(waiver: WaiverRef | None) -> dict[str, str] | None:
    if waiver is None:
        return None
    return {
        "id": waiver.id,
        "state": waiver.state,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "approver": waiver.approver,
        "ticket": waiver.ticket,
        "expires": waiver.expires,
    }


def _gap(gap: GapLine) -> dict[str, Any]:
    return {
        "scope": gap.scope,
        "table": gap.table,
        "column": gap.column,
        "uid": gap.uid,
        "reason": gap.reason,
        "call": _call(gap.call),
        "detail": gap.detail,
    }


def _control(control: ControlLine) -> dict[str, Any]:
    return {
        "framework": control.framework,
        "control": control.id,
        "title": control.title,
        "status": control.status,
        "automation": control.automation,
        **_counts(control.counts),
        "rules": list(control.rules),
        "clauses": len(control.clauses),
        "clauses_decided": control.decided,
        "environments": dict(control.by_environment),
        "citation": control.citation,
        "text": control.text,
        "owner": control.owner,
        "method": control.method,
        "checks": [_clause(clause) for clause in control.clauses],
        "attestations": [_attestation(line) for line in control.attestations],
    }


def _clause(clause: ClauseLine) -> dict[str, Any]:
    return {
        "clause": clause.text,
        "rules": list(clause.rules),
        "strength": clause.strength,
        "status": clause.status,
        **_counts(clause.counts),
    }


def _attestation(line: AttestationLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "asks": line.asks,
        "state": line.state,
        "statement": line.statement,
        "by": line.by,
        "role": line.role,
        "date": line.date,
        "expires": line.expires,
        "environments": list(line.environments),
        "evidence_file": line.evidence_file,
        "evidence_sha256": line.evidence_sha256,
    }


def _refusal(line: Refusal) -> dict[str, Any]:
    return {
        "reason": line.reason,
        "call": line.call,
        "code": line.code,
        "detail": line.detail,
        "tables": list(line.tables),
        "scopes": list(line.scopes),
        "resources": line.resources,
        "gaps": line.gaps,
        "findings": line.findings,
    }


def _rule(line: RuleLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "title": line.title,
        "severity": line.severity,
        "area": line.area,
        "resource": line.resource,
        "asked": line.asked,
        **_counts(line.counts),
    }


def _framework(line: FrameworkLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "title": line.title,
        "version": line.version,
        "source": line.source,
        "environments": list(line.environments),
        "statuses": dict(line.statuses),
    }


def _counts(counts: Counts) -> dict[str, int]:
    return {
        "pass": counts.passed,
        "fail": counts.failed,
        "unknown": counts.unknown,
        "not_applicable": counts.not_applicable,
        "waived": counts.waived,
    }
