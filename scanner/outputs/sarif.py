"""SARIF 2.1.0: for code scanning; failures and unknowns, worst first, each with a stable fingerprint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from scanner.outputs.json import utc
from scanner.results.model import Finding, Result, RuleLine, Subject, WaiverRef
from scanner.results.texts import path_of

# What code scanning accepts: 20 runs a file, 25,000 results a run of which 5,000 are shown, 20 tags a rule.
RUNS = 20
SHOWN = 5_000
ACCEPTED = 25_000
TAGS = 20
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}  # `security-severity`, bands of CVSS


def render(result: Result, **_: object) -> str:
    return json.dumps(document(result), ensure_ascii=True, indent=2) + "\n"


def document(result: Result) -> dict[str, Any]:
    """One run where that is enough; more where results are many, each of a category of its own."""
    shown = result.shown
    kept = shown[: RUNS * ACCEPTED]
    size = SHOWN if len(kept) <= RUNS * SHOWN else ACCEPTED
    runs = [kept[start : start + size] for start in range(0, len(kept), size)] or [()]
    left_out = len(shown) - len(kept)
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [_run(result, number, findings, left_out) for number, findings in enumerate(runs, 1)],
    }


def _run(result: Result, number: int, findings: Sequence[Finding], left_out: int) -> dict[str, Any]:
    used = {finding.rule for finding in findings}
    rules = [rule for rule in result.rules if rule.id in used]
    index = {rule.id: position for position, rule in enumerate(rules)}
    return {
        "tool": {
            "driver": {
                "name": "Tierwall",
                "semanticVersion": result.tool.version,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "automationDetails": {"id": f"tierwall/{number}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(result, left_out)],
        "results": [_result(finding, index[finding.rule]) for finding in findings],
        "properties": {
            "snapshot": result.snapshot.digest,
            "asOf": utc(result.as_of),
            "digests": dict(sorted(result.tool.digests.items())),
        },
    }


def _invocation(result: Result, left_out: int) -> dict[str, Any]:
    """What could not be read, and what this file had no room for."""
    said = [
        f"{refusal.call or refusal.reason} {refusal.code}".rstrip() + f": {refusal.reason}, {refusal.findings} unknown"
        for refusal in result.refusals
    ]
    if left_out:
        said.append(f"{left_out} results are left out, which are in the JSON output")
    return {
        "executionSuccessful": True,
        "startTimeUtc": utc(result.snapshot.started),
        "endTimeUtc": utc(result.snapshot.finished),
        "toolExecutionNotifications": [{"level": "warning", "message": _message(line)} for line in said],
    }


def _rule(rule: RuleLine) -> dict[str, Any]:
    tags = [rule.area, *(f"{ref.framework} {ref.control}" for ref in rule.controls)]
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": tags[:TAGS], "precision": "very-high", "security-severity": _SCORES[rule.severity]},
    }


def _result(finding: Finding, rule_index: int) -> dict[str, Any]:
    """Unknown is `open`, for which the standard fixes the level to none."""
    unknown = finding.status == "unknown"
    said = finding.message or finding.title
    if unknown:
        causes = "; ".join(f"{c.reason} {c.call.name if c.call else c.detail}".rstrip() for c in finding.because)
        said = f"Could not be told: {causes or said}"
    body: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "kind": "open" if unknown else "fail",
        "level": "none" if unknown else _LEVELS[finding.severity],
        "message": _message(f"{said} ({finding.resource.shown})"),
        "locations": [_location(finding.resource)],
        "partialFingerprints": {"tierwallFinding/v1": finding.id, "primaryLocationLineHash": f"{finding.id[:16]}:1"},
        "properties": {
            "environment": finding.resource.environment,
            "severity": finding.severity,
            "resource": finding.resource.uid,
            "discriminator": finding.discriminator,
        },
    }
    if finding.baseline:
        body["baselineState"] = finding.baseline
    if finding.waiver and finding.waived:
        body["suppressions"] = [_suppression(finding.waiver)]
    return body


def _suppression(waiver: WaiverRef) -> dict[str, str]:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": f"{waiver.id}, until {waiver.expires}, approved by {waiver.approver}: {waiver.reason}",
    }


def _location(subject: Subject) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(path_of(subject), errors="replace")}}
    if subject.file and subject.line > 0:
        physical["region"] = {"startLine": subject.line}
    return {
        "physicalLocation": physical,
        "logicalLocations": [
            {
                "name": subject.name or subject.uid,
                "fullyQualifiedName": subject.shown,
                "kind": subject.table or "resource",
            }
        ],
    }


def _message(said: str) -> dict[str, str]:
    """Plain text: braces and brackets would be placeholders and links (SARIF 2.1.0, 3.11.5 and 3.11.6)."""
    for character in "\\[]":
        said = said.replace(character, "\\" + character)
    return {"text": said.replace("{", "{{").replace("}", "}}")}
