"""The HTML report: complete, self-contained, accessible, and closed to whatever resources are called."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from scanner.report import render_html
from scanner.results import CONTROL_STATUSES, Result
from tests.report.conftest import ORGANISATION
from tests.report.pages import Element, read
from tests.support.results import ATTESTATIONS, HOSTILE, WAIVERS, result


def words(element: Element) -> str:
    """The text as it is laid out: what stands apart is apart."""
    return " ".join(element.laid_out.split())


def section(page: Element, name: str) -> Element:
    return next(element for element in page.all("section") if element.attributes.get("id") == name)


def test_nothing_in_the_page_asks_for_anything(html: str, page: Element) -> None:
    assert {e.tag for e in page.all()} & {"script", "link", "img", "iframe", "object", "embed", "base", "form"} == set()
    for element in page.all():
        assert not [name for name in element.attributes if name.startswith("on") or name in ("src", "srcset", "data")]
        assert element.attributes.get("href", "#").startswith("#")
    assert "url(" not in html
    assert "@import" not in html
    (policy,) = [e for e in page.all("meta") if e.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy.attributes["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_the_first_page_says_whose_what_when_and_by_what(page: Element, view: Result) -> None:
    (cover,) = [e for e in page.all("header") if e.attributes.get("class") == "cover"]
    text = words(cover)

    assert ORGANISATION in text
    assert "24 November 2026, 02:06:52 UTC" in text
    assert view.snapshot.digest in text
    assert view.snapshot.parent in text
    assert f"{view.tool.name} {view.tool.version}" in text
    assert f"{view.summary.counts.open} open failures" in text


def test_the_first_page_sums_up_environments_and_frameworks(page: Element, view: Result) -> None:
    environments, frameworks = page.all("header")[0].all("table")[:2]
    rows = [words(row) for row in environments.all("tbody")[0].all("tr")]

    assert [row.split()[0] for row in rows] == [
        "production", "staging", "shared", "integration", "feature/login", "local", "no", "not",
    ]  # fmt: skip
    assert [words(row) for row in frameworks.all("tbody")[0].all("tr")] == [
        " ".join([f.title, f.version, str(len(f.controls)), *map(str, f.statuses.values())]) for f in view.frameworks
    ]


def test_whoever_signs_finds_every_digest_and_a_place_to_sign(page: Element, view: Result) -> None:
    text = words(section(page, "limits"))

    assert all(digest in text for digest in (view.snapshot.digest, view.snapshot.parent, *view.tool.digests.values()))
    assert all(role in text for role in ("Prepared by", "Reviewed by", "Approved by"))


def items(page: Element, name: str) -> list[str]:
    return [words(item) for item in section(page, name).all("li")]


def test_every_finding_is_there_with_place_evidence_and_rule(page: Element, view: Result) -> None:
    found = {item.all("strong")[0].attributes["id"]: words(item) for item in section(page, "findings").all("li")}
    entries = {words(row).split()[0]: words(row) for row in section(page, "evidence").all("tr")}

    assert set(found) == {f"f-{finding.id[:16]}" for finding in view.shown}
    for finding in view.shown:
        told = found[f"f-{finding.id[:16]}"]
        assert finding.id[:16] in told
        number = re.search(r"evidence (E\d+)", told)
        assert number
        assert finding.evidence.document in entries[number[1]]
    text = words(section(page, "findings"))
    for rule in view.rules:
        if rule.counts.failed or rule.counts.unknown:
            assert rule.title in text
            assert rule.why in text
            assert rule.fix in text


def test_the_register_names_call_place_time_and_request_of_each_document(page: Element) -> None:
    """The listing that found a bucket, then what was asked about it alone."""
    entry = next(words(row) for row in section(page, "evidence").all("tr") if "GetBucketPolicy" in words(row))

    assert re.search(
        r"read in aws/\d+/\S+ [0-9a-f]{64} s3 ListBuckets 02:\d\d:\d\d \[R\d{5}\] "
        r"s3 GetBucketPolicy 02:\d\d:\d\d( not set \(NoSuchBucketPolicy\)| denied AccessDenied)? \[R\d{5}\]$",
        entry,
    )


def test_an_unknown_names_the_call_that_was_refused(page: Element) -> None:
    assert "s3:GetBucketPolicy answered AccessDenied: denied" in words(section(page, "findings"))
    assert "s3:GetBucketPolicy" in words(section(page, "not-assessed"))
    assert "Everything in aws/222222222222/us-east-1" in words(section(page, "findings"))


def test_every_pass_is_listed_with_its_evidence(page: Element, view: Result) -> None:
    listed = Counter(
        label for item in items(page, "passes") for label in [item.split(",")[0]] * len(re.findall(r" E\d{3,}", item))
    )

    assert listed == Counter({"pass": "Pass", "not_applicable": "Not applicable"}[f.status] for f in view.passed)


def test_every_control_stands_with_its_status_and_counts(page: Element, view: Result) -> None:
    controls = {words(e.all("h4")[0]): e for e in section(page, "controls").all("article")}

    assert len(controls) == len(view.controls)
    for control in view.controls:
        name = control.status.replace("_", " ").capitalize()
        assert f"{control.id} {control.title} {name}" in controls
    backup = words(next(e for title, e in controls.items() if title.startswith("BKP-PRD-01")))
    assert ATTESTATIONS[1].statement in backup
    assert "these rules decide a part of it" in backup


def test_the_summary_has_a_table_for_each_framework_that_applies(page: Element, view: Result) -> None:
    tables = section(page, "summary").all("table")

    assert len([t for t in tables if t.attributes["class"].split() == ["matrix", "framework"]]) == len(view.frameworks)


def test_waivers_attestations_scope_and_footprint_are_told(page: Element, view: Result) -> None:
    accepted = words(section(page, "acceptances"))
    assert all(waiver.reason in accepted for waiver in WAIVERS)
    assert all(a.evidence_sha256 in accepted for a in ATTESTATIONS)
    assert "account 333333333333 (sandbox)" in words(section(page, "scope"))
    assert "arn:aws:sts::111111111111:assumed-role/TierwallRead/tierwall" in words(section(page, "scope"))
    assert "GetBucketPolicy" in words(section(page, "footprint"))
    assert all(notice[1:] in words(section(page, "summary")) for notice in view.notices)


def test_thresholds_are_told_with_their_source(page: Element) -> None:
    text = words(section(page, "method"))

    assert "1 day environment-management line 252" in text
    assert "35 days tierwall default" in text


def test_the_method_explains_every_status(page: Element) -> None:
    rows = [words(row) for row in section(page, "method").all("tr")]

    assert all(any(row.lower().startswith(s.replace("_", " ")) for row in rows) for s in CONTROL_STATUSES)


def test_every_link_leads_somewhere_and_every_id_is_there_once(page: Element) -> None:
    ids = [e.attributes["id"] for e in page.all() if "id" in e.attributes]
    targets = {e.attributes["href"][1:] for e in page.all("a")}

    assert len(ids) == len(set(ids))
    assert targets - set(ids) == set()


def test_the_page_can_be_read_with_a_screen_reader(page: Element) -> None:
    (root,) = page.all("html")
    assert root.attributes["lang"] == "en"
    assert [len(page.all(tag)) for tag in ("h1", "main", "nav", "title")] == [1, 1, 1, 1]
    levels = [int(e.tag[1]) for e in page.all() if e.tag in ("h1", "h2", "h3", "h4")]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for table in page.all("table"):
        assert table.all("caption")
        assert all(cell.attributes.get("scope") in ("col", "row", "rowgroup") for cell in table.all("th"))
    ids = {e.attributes["id"] for e in page.all() if "id" in e.attributes}
    assert {e.attributes["aria-labelledby"] for e in page.all() if "aria-labelledby" in e.attributes} <= ids


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_all_colours_of_text_can_be_read(html: str) -> None:
    """AA asks for 4.5 to 1; severity and status are words as well, never colour alone."""
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", html))

    on_white = [contrast(colours[name], "#ffffff") for name in ("ink", "soft", "navy")]
    on_pale = [contrast(colours[name], colours["pale"]) for name in ("ink", "soft", "navy")]
    tags = [contrast(colours[name.removesuffix("-bg")], value) for name, value in colours.items() if name[-3:] == "-bg"]
    assert len(tags) == 7
    assert min(on_white + on_pale + tags) >= 4.5


@settings(max_examples=25)
@given(st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=[]), max_size=60)))
def test_a_name_can_neither_open_nor_close_an_element(name: str) -> None:
    """The tree is the same whatever the resource is called."""
    assert shape(poisoned("harmless")) == shape(poisoned(name))


VIEW = result(1)


def poisoned(name: str) -> str:
    finding = VIEW.findings[0]
    subject = replace(finding.resource, uid=f"arn:{name}.", name=f"n{name}.", file=f"f{name}", line=1)
    bad = replace(finding, resource=subject, message=f"m{name}.", waiver=None)
    return render_html(replace(VIEW, findings=(bad,), passed=(), notices=(f"n{name}",)), f"Acme {name}")


def shape(html: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(e.tag, tuple(sorted(e.attributes))) for e in read(html).all()]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_as_text(name: str) -> None:
    html = poisoned(name)

    assert not any(ord(character) < 32 and character != "\n" for character in html)
    assert "\u202e" not in html
    assert "<script" not in html
    assert "<img" not in html
    assert "49" not in words(read(html).all("header")[0])  # {{ 7 * 7 }} is not calculated
    html.encode("utf-8")


SCRIPT = """
import hashlib
from scanner.report import render_html
from tests.support.results import result
print(hashlib.sha256(render_html(result(2), "Acme").encode()).hexdigest())
"""


def test_the_same_result_gives_the_same_page_byte_for_byte() -> None:
    runs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C.UTF-8"},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }  # fmt: skip

    assert len(runs) == 1


def test_an_empty_result_is_a_report_too() -> None:
    empty = replace(
        VIEW, findings=(), passed=(), rules=(), environments=(), frameworks=(), gaps=(), refusals=(), scopes=(),
        excluded=(), calls=(), waivers=(), notices=(),
    )  # fmt: skip

    text = words(read(render_html(empty, "Acme")))

    assert "No rule failed, and each could tell." in text
    assert "Everything that was asked for was read." in text
