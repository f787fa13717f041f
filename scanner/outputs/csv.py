"""CSV: a line a finding, for spreadsheets; no cell can be a formula."""

from __future__ import annotations

import csv
import io

from scanner.outputs.json import utc
from scanner.results.model import Finding, Result

COLUMNS = (
    "id", "rule", "severity", "status", "title", "message", "environment", "tier", "resource", "name", "table", "kind",
    "account", "region", "cluster", "namespace", "source", "file", "line", "discriminator", "unknown_because",
    "first_seen", "waiver", "waiver_state", "waiver_expires", "controls", "fix", "document",
)  # fmt: skip


def render(result: Result, *, include_passed: bool = False, **_: object) -> str:
    """RFC 4180. An environment that could not be told is `?`, no environment is empty."""
    from scanner.safe.csv import cell

    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for finding in (*result.shown, *result.passed) if include_passed else result.shown:
        writer.writerow([cell(value) for value in _row(finding)])
    return stream.getvalue()


def _row(finding: Finding) -> tuple[str, ...]:
    subject, waiver = finding.resource, finding.waiver
    causes = (
        " ".join(
            part for part in (c.reason, c.call.name if c.call else "", c.call.code if c.call else c.detail) if part
        )
        for c in finding.because
    )
    return (
        finding.id, finding.rule, finding.severity, finding.status, finding.title, finding.message,
        "?" if subject.environment is None else subject.environment, subject.tier, subject.uid, subject.name,
        subject.table, subject.kind, subject.account, subject.region, subject.cluster, subject.namespace,
        subject.source, subject.file, str(subject.line or ""), finding.discriminator, "; ".join(causes),
        utc(finding.first_seen) or "", waiver.id if waiver else "", waiver.state if waiver else "",
        waiver.expires if waiver else "", "; ".join(f"{ref.framework} {ref.control}" for ref in finding.controls),
        finding.fix, finding.evidence.document,
    )  # fmt: skip
