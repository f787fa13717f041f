"""The PDF report: readable by people and by programs, complete, deterministic, and closed to the world."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from pypdf import PdfReader

from scanner.report import render_pdf
from scanner.report.pdf import ForbiddenFetch
from scanner.results import Result
from tests.report.conftest import ORGANISATION

SMALL = "<html lang=en><head><title>t</title>{head}</head><body><p>Hello, {body}.</p></body></html>"


def outline(entries: list[object], depth: int = 0) -> list[tuple[int, str]]:
    found = []
    for entry in entries:
        if isinstance(entry, list):
            found += outline(entry, depth + 1)
        else:
            found.append((depth, str(entry["/Title"])))  # type: ignore[index]
    return found


@pytest.fixture(scope="module")
def pages(pdf: Path) -> list[str]:
    """The text of each page, taken once: it is slow."""
    return [page.extract_text() for page in PdfReader(pdf).pages]


def test_the_text_can_be_selected_and_nothing_is_left_out(pages: list[str], small: Result) -> None:
    """Without white space, for long identities are broken anywhere."""
    text = re.sub(r"\s+", "", "".join(pages))

    for finding in (*small.shown, *small.passed):
        assert finding.evidence.document in text
    for finding in small.shown:
        assert finding.id[:16] in text
    for control in small.controls:
        assert control.id.replace(" ", "") in text


def test_bookmarks_lead_to_sections_rules_and_controls(pdf: Path, small: Result) -> None:
    marks = outline(PdfReader(pdf).outline)

    assert [title.split("\u2002")[-1] for depth, title in marks if depth == 0] == [
        "Summary", "Scope", "Method", "Findings", "Controls", "Not assessed", "Waivers and attestations",
        "What passed", "Evidence", "What the scan itself did", "Limits, verification and sign-off", "Words",
    ]  # fmt: skip
    titles = [title for _, title in marks]
    assert all(any(control.id in title for title in titles) for control in small.controls)


def test_every_page_has_its_number_and_the_digest(pages: list[str], small: Result) -> None:
    for number, text in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in text
    assert all(f"Snapshot {small.snapshot.digest[:16]}" in text for text in pages)


def test_dates_come_from_the_snapshot_and_the_file_is_tagged(pdf: Path) -> None:
    reader = PdfReader(pdf)
    assert reader.metadata is not None

    assert str(reader.metadata["/CreationDate"]).startswith("D:20261124020652")
    assert reader.metadata.title == f"Environment compliance report: {ORGANISATION}, 2026-11-24"
    assert reader.root_object["/MarkInfo"]["/Marked"]
    assert reader.root_object["/Lang"] == "en"
    assert "/StructTreeRoot" in reader.root_object
    assert reader.attachments == {}


def test_the_same_page_gives_the_same_file_byte_for_byte() -> None:
    html = SMALL.format(head="", body="world")

    assert render_pdf(html) == render_pdf(html)


@pytest.mark.parametrize(
    "head",
    [
        "<link rel=stylesheet href=http://127.0.0.1:9/style.css>",
        "<link rel=attachment href=file:///etc/hostname>",
        "<style>@import 'file:///etc/hostname';</style>",
        "<style>body { background: url(http://127.0.0.1:9/x.png) }</style>",
        "<style>@font-face { font-family: x; src: url(http://127.0.0.1:9/x.woff) } p { font-family: x }</style>",
    ],
)
def test_whatever_lies_outside_is_refused(head: str) -> None:
    with pytest.raises(ForbiddenFetch, match="a report holds all it needs"):
        render_pdf(SMALL.format(head=head, body="world"))


def test_data_addresses_are_no_request() -> None:
    style = "<link rel=stylesheet href='data:text/css,p%7Bcolor:red%7D'>"

    assert render_pdf(SMALL.format(head=style, body="world")) != render_pdf(SMALL.format(head="", body="world"))


@pytest.mark.needs_poppler
def test_no_word_stands_outside_its_page(pdf: Path, tmp_path: Path) -> None:
    """Long ARNs wrap; nothing is cut off at an edge."""
    out = tmp_path / "boxes.html"
    subprocess.run(["pdftotext", "-bbox", str(pdf), str(out)], check=True)
    pages = re.findall(r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', out.read_text(), re.S)

    assert len(pages) > 10
    for width, height, body in pages:
        boxes = [
            tuple(map(float, box))
            for box in re.findall(r'xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)"', body)
        ]
        left, top, right, bottom = zip(*boxes, strict=True)
        assert min(left) >= 40
        assert max(right) <= float(width) - 40
        assert min(top) >= 15
        assert max(bottom) <= float(height) - 15


@pytest.mark.needs_poppler
def test_poppler_finds_nothing_wrong_with_the_file(pdf: Path) -> None:
    run = subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, text=True, check=True)

    assert run.stderr == ""
    assert "Environment compliance report" in run.stdout
