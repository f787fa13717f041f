"""GitLab: a code quality report, with the file and line of each failure and unknown."""

from __future__ import annotations

import json
from typing import Any

from scanner.results.model import Finding, Result
from scanner.results.texts import path_of, said

# https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
_SEVERITIES = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor"}


def render(result: Result, **_: object) -> str:
    """A list of issues; what a waiver accepts is none, nor what waits for the apply.

    The fingerprint does not change when lines shift.
    """
    issues = [_issue(finding) for finding in result.findings if not (finding.waived or finding.waits_for_apply)]
    return json.dumps(issues, ensure_ascii=True, indent=2) + "\n"


def _issue(finding: Finding) -> dict[str, Any]:
    subject = finding.resource
    return {
        "description": f"{subject.shown}: {said(finding)}",
        "check_name": finding.rule,
        "fingerprint": finding.id,
        "severity": "info" if finding.status == "unknown" else _SEVERITIES[finding.severity],
        "location": {"path": path_of(subject), "lines": {"begin": max(1, subject.line)}},
    }
