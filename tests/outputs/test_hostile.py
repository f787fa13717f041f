"""Text from outside is data in every output, whatever it looks like."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import hypothesis.strategies as st
import pytest
from hypothesis import given

from scanner import outputs
from scanner.results import Finding, Result
from tests.support.results import HOSTILE, result

VIEW = result(1)
ANY = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=[]), max_size=40))


def hostile(name: str, view: Result = VIEW) -> Result:
    """The result with one failing and one unknown finding that carry the text wherever outside text may stand."""
    poisoned = []
    for status in ("fail", "unknown"):
        finding = next(f for f in view.findings if f.status == status)
        subject = replace(
            finding.resource, uid=f"arn:{name}", name=name, environment=name, account=name, region=name, cluster=name,
            namespace=name, kind=name, file=name, line=1, scope=name,
        )  # fmt: skip
        causes = tuple(replace(cause, detail=name, uid=name) for cause in finding.because)
        poisoned.append(
            replace(finding, message=name, resource=subject, because=causes, discriminator=name, waiver=None)
        )
    return replace(view, findings=tuple(poisoned), notices=(name,))


def texts(finding: Finding) -> set[str]:
    return {finding.message, finding.resource.name, finding.discriminator}


@given(ANY)
def test_json_carries_every_text_unchanged_and_in_ascii(name: str) -> None:
    text = outputs.render("json", hostile(name))

    assert text.isascii()
    assert all(character >= " " or character == "\n" for character in text)
    assert json.loads(text)["findings"][0]["resource"]["name"] == name


@given(ANY)
def test_sarif_stays_json_with_relative_addresses(name: str) -> None:
    document = json.loads(outputs.render("sarif", hostile(name)))

    for entry in document["runs"][0]["results"]:
        uri = entry["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.isascii()
        assert not any(part in ("", ".", "..") for part in uri.split("/"))
        assert ":" not in uri


@given(ANY)
def test_junit_stays_xml_of_the_same_shape(name: str) -> None:
    root = ElementTree.fromstring(outputs.render("junit", hostile(name)).encode("utf-8"))  # noqa: S314  # our own output

    assert {element.tag for element in root.iter()} == {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error",
    }  # fmt: skip
    assert len(root.findall(".//testcase")) == 2


@given(ANY)
def test_csv_has_no_formula_no_control_and_no_line_of_its_own(name: str) -> None:
    text = outputs.render("csv", hostile(name))
    lines = list(csv.reader(io.StringIO(text, newline="")))

    assert len(lines) == 3
    for cell in (cell for line in lines for cell in line):
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in cell)
    text.encode("utf-8")


@pytest.mark.parametrize("width", [0, 120])
@given(name=ANY)
def test_the_terminal_is_not_moved_coloured_or_named_by_a_resource(width: int, name: str) -> None:
    text = outputs.render("table", hostile(name), width=width)

    assert not any(ord(character) < 32 and character != "\n" for character in text)
    assert not any(127 <= ord(character) < 160 or "\u202a" <= character <= "\u202e" for character in text)
    text.encode("utf-8")
    assert len(text.splitlines()) == len(text.split("\n")) - 1


def test_a_workflow_command_cannot_start_a_line_of_the_plain_table() -> None:
    """`::error::` at the start of a line would be a command to GitHub's runner."""
    text = outputs.render("table", hostile("::error file=a.py::stop"))

    assert [line for line in text.splitlines() if line.startswith("::")] == []
