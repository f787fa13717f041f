"""Table: for the terminal; plain lines where there is none."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from scanner.results.model import SEVERITIES, Cause, Finding, Result
from scanner.safe.text import many

ROWS = 200  # on a terminal; more scroll away before anyone has read them
FILE = "file"  # the service of calls that read files
_Cells = tuple[str, str, str, str, str, str]
INDENT = "    "
NARROWEST = 40  # columns
_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue"}


def render(result: Result, *, colour: bool = False, width: int = 0, **_: object) -> str:
    """`width` 0 is no terminal: a line a finding, separated by two spaces, which grep and cut can read."""
    return _table(result, colour, width) if width else _lines(result)


def _lines(result: Result) -> str:
    from scanner.safe.terminal import clean

    rows = ["  ".join(clean(cell) for cell in cells) for cells in _rows(result.shown)]
    return "\n".join([*rows, *map(clean, _closing(result))]) + "\n"


def _table(result: Result, colour: bool, width: int) -> str:
    """Two or three lines a finding, so that an ARN and a sentence fit 80 columns as well as 160."""
    from rich.console import Console
    from rich.text import Text

    from scanner.safe.terminal import clean

    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=colour, color_system="standard" if colour else None,
        no_color=not colour, highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    shown = list(_rows(result.shown))
    for cells in shown[:ROWS]:
        severity, status, where, rule, resource, found = map(clean, cells)
        head = Text(f"{severity:8}  {status:7}  {where}  {rule}")
        head.stylize(_STYLES[cells[0]], 0, len(severity))
        console.print(head, overflow="fold")
        console.print(Text("\n".join(_wrapped(f"{resource}: {found}", width))))
    if len(shown) > ROWS:
        console.print(f"and {len(shown) - ROWS:,} more; `-o json:FILE` has all of them")
    if shown:
        console.print()
    for line in _closing(result):
        console.print(Text(clean(line)))
    return stream.getvalue()


def _wrapped(text: str, width: int) -> list[str]:
    """Indented below its head; broken between words, and within one only where it is longer than a line."""
    import textwrap

    return textwrap.wrap(
        text, max(width, NARROWEST), initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False
    )


def _rows(findings: Iterable[Finding]) -> Iterator[_Cells]:
    """A row a finding; those that are unknown since one file or listing was not read share a row."""
    groups: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        groups.setdefault(_listing(finding) or number, []).append(finding)
    for members in groups.values():
        severity, status, where, rule, resource, found = _cells(members[0])
        if len(members) > 1:
            rules = len({f.rule for f in members})
            resources = len({f.resource.uid for f in members if not f.resource.is_scope})
            rule = many(rules, "rule") + (f" on {many(resources, 'resource')}" if resources else "")
            resource = members[0].resource.scope
        yield severity, status, where, rule, resource, found


def _listing(finding: Finding) -> tuple[str, ...] | None:
    """The scope and the cause, where nothing but what was not listed there is in the way of knowing."""
    causes = finding.because if finding.resource.is_scope else _stale(finding)
    if finding.status != "unknown" or not causes:
        return None
    return finding.resource.scope, *sorted({str(c.call.id) if c.call else c.reason + c.detail for c in causes})


def _stale(finding: Finding) -> tuple[Cause, ...]:
    """Where what is known is of an earlier scan, that alone is why."""
    return tuple(cause for cause in finding.because if cause.reason == "stale")


def _cells(finding: Finding) -> _Cells:
    subject = finding.resource
    status = "waived" if finding.waived else finding.status
    where = "?" if subject.environment is None else subject.environment or "(none)"
    resource = f"{subject.shown} {finding.discriminator}".rstrip()
    if finding.status == "unknown":
        found = "; ".join(dict.fromkeys(map(_said, _stale(finding) or finding.because))) or finding.message
    else:
        found = finding.message or finding.title
    return finding.severity, status, where, finding.rule, resource, found


def _said(cause: Cause) -> str:
    if cause.call and not (cause.call.service == FILE and cause.detail):  # of a file it is the detail that says where
        return f"{cause.reason}: {cause.call.name} {cause.call.code}".rstrip()
    return ": ".join(part for part in (cause.reason, cause.detail or cause.table) if part)


def _closing(result: Result) -> Iterator[str]:
    """The numbers, what could not be read, and what needs attention."""
    summary, counts = result.summary, result.summary.counts
    found = ", ".join(f"{summary.open_by_severity[name]:,} {name}" for name in SEVERITIES)
    yield (
        f"{many(summary.rules, 'rule')} over {many(summary.resources, 'resource')}: {counts.passed:,} pass, "
        f"{counts.failed:,} fail ({counts.waived:,} waived), {counts.unknown:,} unknown, "
        f"{counts.not_applicable:,} not applicable"
    )
    yield f"open: {found}"
    if summary.folded:
        yield f"{summary.folded:,} of the unknown: a resource is in no environment, and its finding stands for them"
    for refusal in result.refusals:
        what = f"{refusal.call} {refusal.code}".strip()
        if refusal.call.startswith(f"{FILE}:") or not what:
            what = refusal.detail or what or ", ".join(refusal.tables)
        harm = f"{refusal.findings:,} unknown" if refusal.findings else "no verdict needs it"
        yield f"not read: {what} ({refusal.reason.replace('_', ' ')}), {harm}"
    for notice in result.notices:
        yield f"notice: {notice}"
