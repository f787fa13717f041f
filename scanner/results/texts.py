"""What several outputs say of a finding in the same words. Each of them still escapes for its own format."""

from __future__ import annotations

from scanner.results.model import Cause, Finding, Subject


def said(finding: Finding) -> str:
    """What was found, or why it could not be told."""
    if finding.status == "unknown":
        causes = "; ".join(dict.fromkeys(cause_said(cause) for cause in finding.because))
        return f"could not be told: {causes or finding.message or 'no cause is known'}"
    return finding.message or finding.title


def cause_said(cause: Cause) -> str:
    """One reason, with the call that was refused where there is one."""
    if cause.call:
        return f"{cause.reason}: {cause.call.name} {cause.call.code}".rstrip()
    return f"{cause.reason}: {cause.detail or f'{cause.table}.{cause.column}'.strip('.')}".rstrip(": ")


def path_of(subject: Subject) -> str:
    """The file, relative and never leading out of its folder; for what is live a path that says where it runs, since
    pipelines want one."""
    if subject.file:
        parts = subject.file.split("/")
    elif subject.cluster:
        parts = ["cluster", subject.cluster, subject.namespace or "cluster-wide", f"{subject.table}.json"]
    else:
        parts = ["cloud", subject.account or "no-account", subject.region or "global", f"{subject.table}.json"]
    return "/".join(part for part in parts if part not in ("", ".", ".."))
