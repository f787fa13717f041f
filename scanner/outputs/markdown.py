"""Markdown: a comment on a pull request, or the summary of a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scanner.results.model import SEVERITIES, Finding, Result
from scanner.results.texts import said
from scanner.safe.text import many

# The longest comment that GitHub takes. GitLab takes a million, a job's summary 1 MiB.
LONGEST = 65_536
MARKER = "<!-- tierwall -->"  # by which a pipeline finds the comment that it wrote before
_HEADS = 1_000  # characters that the headings of all parts take at most
_MOST_CELL = 300  # characters; one resource with a thousand ports does not take all the room


def render(result: Result, *, include_passed: bool = False, **_: object) -> str:
    """Failures, unknowns, what is accepted, what waits for an apply: as many rows as there is room for, worst first."""
    failing = [f for f in result.findings if f.status == "fail" and not f.waived]
    failed = [f for f in failing if f.baseline != "unchanged"]
    before = [f for f in failing if f.baseline == "unchanged"]
    unknown = [f for f in result.findings if f.status == "unknown" and not f.waits_for_apply]
    waiting = [f for f in result.findings if f.waits_for_apply]
    waived = [f for f in result.findings if f.waived]
    lines = [MARKER, f"## Tierwall: {_headline(result, failed, unknown)}", ""]
    lines += [f"> {note}" for note in _notes(result)]
    end = ["", f"{many(result.summary.rules, 'rule')} over {many(result.summary.resources, 'resource')}."]
    parts = [
        ("Failures", failed), ("Could not be told", unknown), ("There before this change", before),
        ("Accepted until a waiver runs out", waived), ("Known after the apply", waiting),
    ]  # fmt: skip
    if include_passed:
        parts.append(("Passed", [f for f in result.passed if f.status == "pass"]))
    for title, findings in parts:
        room = LONGEST - sum(len(line) + 1 for line in (*lines, *end)) - _HEADS
        lines += _part(title, findings, room)
    return "\n".join([*lines, *end]) + "\n"


def _headline(result: Result, failed: Sequence[Finding], unknown: Sequence[Finding]) -> str:
    if not failed and not unknown:
        return "nothing found" if result.summary.resources else "nothing to judge"
    counts = [f"{n:,} {name}" for name in SEVERITIES if (n := sum(1 for f in failed if f.severity == name))]
    return ", ".join([*(counts or ["no failure"]), *([f"{len(unknown):,} could not be told"] if unknown else [])])


def _notes(result: Result) -> Iterator[str]:
    from scanner.safe.markdown import inline

    for note in result.notices[:10]:
        yield inline(note)[:_MOST_CELL]


def _part(title: str, findings: Sequence[Finding], room: int) -> Iterator[str]:
    if not findings:
        return
    head = [
        "",
        f"### {title} ({len(findings):,})",
        "",
        "| Severity | Where | Resource | Found | Rule |",
        "|---|---|---|---|---|",
    ]
    yield from head
    room -= sum(len(line) + 1 for line in head)
    for number, finding in enumerate(findings):
        row = _row(finding)
        room -= len(row) + 1
        if room < 0:
            yield ""
            yield f"{len(findings) - number:,} more are in the other outputs."
            return
        yield row


def _row(finding: Finding) -> str:
    from scanner.safe.markdown import cell

    subject = finding.resource
    where = subject.file + (f":{subject.line}" if subject.line else "")
    found = said(finding)
    if finding.status == "fail":
        found += f". {finding.fix}"
    if finding.waived and finding.waiver:
        found += f" (waiver {finding.waiver.id}, until {finding.waiver.expires})"
    cells = (finding.severity, where or subject.environment or "", subject.shown, found, finding.rule)
    return "| " + " | ".join(cell(text[:_MOST_CELL]) for text in cells) + " |"
