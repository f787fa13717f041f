"""GitHub: annotations of a workflow's log, which appear at the lines of a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.results.model import Finding, Result
from scanner.results.texts import said

# GitHub shows no more of each kind for one step:
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
MOST = 10
_ERRORS = ("critical", "high")


def render(result: Result, **_: object) -> str:
    """Errors, then warnings, of which failures come first, and one notice of all that there was."""
    shown = [f for f in result.findings if not (f.waived or f.waits_for_apply or f.baseline == "unchanged")]
    errors = [f for f in shown if f.status == "fail" and f.severity in _ERRORS and not f.soft]
    warnings = sorted((f for f in shown if f not in errors), key=lambda f: f.status != "fail")
    lines = [*_commands("error", errors), *_commands("warning", warnings)]
    left_out = len(shown) - len(lines)
    failed = sum(1 for f in shown if f.status == "fail")
    said_of_all = f"{failed} failures, {len(shown) - failed} could not be told"
    if left_out:
        said_of_all += f"; {left_out} of these are in the job's other outputs alone"
    return "".join(f"{line}\n" for line in (*lines, f"::notice title=Tierwall::{said_of_all}"))


def _commands(command: str, findings: Sequence[Finding]) -> list[str]:
    from scanner.safe import github

    lines = []
    for finding in findings[:MOST]:
        subject = finding.resource
        place = {"file": subject.file, "line": str(subject.line) if subject.file and subject.line else ""}
        properties = place | {"title": f"{finding.rule} ({finding.severity})"}
        shown = ",".join(f"{name}={github.prop(value)}" for name, value in properties.items() if value)
        text = f"{subject.shown}: {said(finding)}" + (f"\n{finding.fix}" if finding.status == "fail" else "")
        lines.append(f"::{command} {shown}::{github.data(text)}")
    return lines
