"""The HTML of a report, from the templates, the style sheet and the texts in `reports/<report>/`."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scanner.bundled import bundled
from scanner.report import shape, words
from scanner.results import CONTROL_STATUSES, SEVERITIES, Result, Threshold
from scanner.tables import Environment

if TYPE_CHECKING:
    from jinja2 import Environment as Templates

SECTIONS = (
    ("summary", "Summary", "summary.html.j2"),
    ("scope", "Scope", "scope.html.j2"),
    ("method", "Method", "method.html.j2"),
    ("findings", "Findings", "findings.html.j2"),
    ("controls", "Controls", "controls.html.j2"),
    ("not-assessed", "Not assessed", "not-assessed.html.j2"),
    ("acceptances", "Waivers and attestations", "acceptances.html.j2"),
    ("passes", "What passed", "passes.html.j2"),
    ("evidence", "Evidence", "evidence.html.j2"),
    ("footprint", "What the scan itself did", "footprint.html.j2"),
    ("limits", "Limits, verification and sign-off", "limits.html.j2"),
    ("glossary", "Words", "glossary.html.j2"),
)


def render_html(result: Result, organisation: str, report: str = "audit") -> str:
    """One self-contained file: no script, no request, every outside string escaped.

    Build the result with `include_passed`: an officer has to defend what passed as well.
    """
    folder = bundled("reports", report)
    environment = _environment(report)
    judged = shape.judged(result)
    return environment.get_template("report.html.j2").render(
        result=result,
        organisation=organisation,
        sections=SECTIONS,
        styles=_style(folder.joinpath("style.css").read_text("utf-8")),
        texts=_texts(report),
        severities=SEVERITIES,
        statuses=CONTROL_STATUSES,
        areas=shape.areas(result),
        asked=shape.asked(result),
        judged=judged,
        numbers={rule.line.id: rule for rule in judged},
        register=shape.register(result),
        unplaced=[finding for finding in result.shown if finding.stands_for],
        thresholds=_thresholds(result),
        attested=[(control, line) for control in result.controls for line in control.attestations if line.by],
        anchor=anchor,
    )


@functools.cache
def _environment(report: str) -> Templates:
    from jinja2 import FileSystemLoader

    from scanner.safe.html import environment as escaping

    environment = escaping(FileSystemLoader(bundled("reports", report)))
    environment.filters.update(
        alike=shape.alike,
        by_environment=shape.by_environment,
        by_status=_by_status,
        cause=words.cause,
        counts=words.counts,
        day=words.day,
        iso=lambda seconds: f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}",
        kind=lambda table: table.replace("_", " "),
        location=words.location,
        many=words.many,
        moment=words.moment,
        place=words.place,
        read=words.read,
        sentence=words.sentence,
        sentence_case=lambda text: text[:1].upper() + text[1:],
        short=words.short,
        target=_target,
        thousands=lambda number: f"{number:,}",
        threshold=_threshold,
        total=lambda counts: counts.passed + counts.failed + counts.unknown + counts.not_applicable,
    )
    return environment


def _style(css: str) -> Any:
    """Our own style sheet, which is no outside text."""
    from markupsafe import Markup

    return Markup(css)  # noqa: S704  # bundled, never outside text


@functools.cache
def _texts(report: str) -> Mapping[str, Any]:
    from scanner.safe.files import read_bytes
    from scanner.safe.yaml import Dialect, load

    path = bundled("reports", report, "texts.yaml")
    texts: Mapping[str, Any] = load(read_bytes(path), path.name, Dialect.CORE)[0].value
    return texts


def anchor(*parts: str) -> str:
    """A fragment that no outside text can bend: the kind of thing, and a digest of its id."""
    return f"{parts[0]}-{hashlib.sha256(repr(parts).encode('utf-8', 'replace')).hexdigest()[:16]}"


def _target(rule: shape.Judged) -> str:
    """Where a rule's evidence stands: its findings, else its passes, else the list of findings."""
    if rule.has_findings:
        return rule.number
    return f"{rule.number}-passes" if rule.has_passes else "passes"


def _by_status(statuses: Mapping[str, str]) -> list[tuple[str, str]]:
    """Environments of one status together, worst first."""
    if len(set(statuses.values())) == 1 and len(statuses) > 1:
        return [("all environments", next(iter(statuses.values())))]
    groups = {status: [env for env, own in statuses.items() if own == status] for status in CONTROL_STATUSES}
    return [(", ".join(environments), status) for status, environments in groups.items() if environments]


def _threshold(threshold: Threshold) -> str:
    if threshold.unit == "boolean":
        return "yes" if threshold.value else "no"
    return words.shown(Environment.columns()[threshold.column], threshold.value)


@dataclass(frozen=True, slots=True)
class _ThresholdLine:
    description: str
    cells: tuple[Threshold | None, ...]


@dataclass(frozen=True, slots=True)
class _ThresholdTable:
    environments: tuple[str, ...]
    lines: tuple[_ThresholdLine, ...]


def _thresholds(result: Result) -> _ThresholdTable | None:
    """Thresholds as rows, environments as columns."""
    places = [environment for environment in result.environments if environment.id]
    by_place: Sequence[Mapping[str, Threshold]] = [{t.column: t for t in place.thresholds} for place in places]
    columns = {t.column: t.description for place in places for t in place.thresholds}
    if not columns:
        return None
    lines = tuple(
        _ThresholdLine(description, tuple(own.get(column) for own in by_place))
        for column, description in columns.items()
    )
    return _ThresholdTable(tuple(place.id or "" for place in places), lines)
