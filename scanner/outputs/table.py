"""Table: for the terminal; plain lines where there is none."""

from __future__ import annotations

import io
from collections.abc import Iterator

from scanner.results.model import SEVERITIES, Cause, Finding, Result

ROWS = 200  # on a terminal; more scroll away before anyone has read them
_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue"}


def render(result: Result, *, colour: bool = False, width: int = 0, **_: object) -> str:
    """`width` 0 is no terminal: a line a finding, separated by two spaces, which grep and cut can read."""
    return _table(result, colour, width) if width else _lines(result)


def _lines(result: Result) -> str:
    from scanner.safe.terminal import clean

    rows = ["  ".join(clean(cell) for cell in _cells(finding)) for finding in result.shown]
    return "\n".join([*rows, *map(clean, _closing(result))]) + "\n"


def _table(result: Result, colour: bool, width: int) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from scanner.safe.terminal import clean

    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
    for heading, ratio in (
        ("Severity", 0),
        ("Status", 0),
        ("Environment", 0),
        ("Rule", 3),
        ("Resource", 4),
        ("Found", 4),
    ):
        table.add_column(heading, ratio=ratio or None, overflow="fold", no_wrap=not ratio)
    shown = result.shown
    for finding in shown[:ROWS]:
        cells = [Text(clean(cell)) for cell in _cells(finding)]
        cells[0].stylize(_STYLES[finding.severity])
        table.add_row(*cells)
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=colour, color_system="standard" if colour else None,
        no_color=not colour, highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    if shown:
        console.print(table)
    if len(shown) > ROWS:
        console.print(f"and {len(shown) - ROWS:,} more; `-o json:FILE` has all of them")
    for line in _closing(result):
        console.print(Text(clean(line)))
    return stream.getvalue()


def _cells(finding: Finding) -> tuple[str, str, str, str, str, str]:
    subject = finding.resource
    status = "waived" if finding.waived else finding.status
    where = "?" if subject.environment is None else subject.environment or "(none)"
    resource = f"{subject.shown} {finding.discriminator}".rstrip()
    if finding.status == "unknown":
        found = "; ".join(dict.fromkeys(map(_said, finding.because))) or finding.message
    else:
        found = finding.message or finding.title
    return finding.severity, status, where, finding.rule, resource, found


def _said(cause: Cause) -> str:
    if cause.call:
        return f"{cause.reason}: {cause.call.name} {cause.call.code}".rstrip()
    return ": ".join(part for part in (cause.reason, cause.detail or cause.table) if part)


def _closing(result: Result) -> Iterator[str]:
    """The numbers, what could not be read, and what needs attention."""
    summary, counts = result.summary, result.summary.counts
    found = ", ".join(f"{summary.open_by_severity[name]:,} {name}" for name in SEVERITIES)
    yield (
        f"{summary.rules:,} rules over {summary.resources:,} resources: {counts.passed:,} pass, {counts.failed:,} fail"
        f" ({counts.waived:,} waived), {counts.unknown:,} unknown, {counts.not_applicable:,} not applicable"
    )
    yield f"open: {found}"
    if summary.folded:
        yield f"{summary.folded:,} unknown verdicts come of resources in no environment and are not listed apart"
    for refusal in result.refusals:
        what = f"{refusal.call} {refusal.code}".strip() or refusal.detail or ", ".join(refusal.tables)
        yield f"not read: {what} ({refusal.reason}), {refusal.findings:,} unknown"
    for notice in result.notices:
        yield f"notice: {notice}"
