"""Each format as its readers expect it."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from scanner import outputs
from scanner.outputs import json as json_output
from scanner.outputs import sarif
from scanner.results import Result
from tests.support.results import WAIVERS, result


@pytest.fixture(scope="module")
def view() -> Result:
    return result()


def test_json_keeps_the_contract_it_ships(view: Result) -> None:
    schema = json_output.schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    for include_passed in (False, True):
        document = json.loads(outputs.render("json", view, include_passed=include_passed))
        jsonschema.validate(document, schema, format_checker=jsonschema.FormatChecker())


def test_json_writes_no_key_that_its_schema_does_not_explain(view: Result) -> None:
    """Additions go into the schema first; that is how the contract stays one."""
    schema = json_output.schema()

    assert sorted(set(unexplained(json_output.document(view, include_passed=True), schema, schema))) == []


def unexplained(value: Any, schema: Any, root: Any, path: str = "") -> Iterator[str]:
    schema = root["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    for choice in schema.get("oneOf", ()):
        if "$ref" in choice and value is not None:
            yield from unexplained(value, choice, root, path)
    if isinstance(value, dict):
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties")
        for key, below in value.items():
            if key in properties:
                yield from unexplained(below, properties[key], root, f"{path}.{key}")
            elif rest is None and "oneOf" not in schema:
                yield f"{path}.{key}"
    if isinstance(value, list) and "items" in schema:
        for below in value:
            yield from unexplained(below, schema["items"], root, path)


def test_json_counts_what_it_lists(view: Result) -> None:
    document = json_output.document(view, include_passed=True)
    listed = Counter(finding["status"] for finding in document["findings"])
    summary = document["summary"]

    assert listed["pass"] == summary["pass"]
    assert listed["fail"] == summary["fail"]
    assert listed["unknown"] + summary["folded"] == summary["unknown"]
    assert listed["not_applicable"] == summary["not_applicable"]


def test_json_names_the_refused_call_of_an_unknown(view: Result) -> None:
    document = json_output.document(view)
    calls = [c["call"] for f in document["findings"] for c in f["unknown_because"] if c["call"]]

    assert {(call["name"], call["code"]) for call in calls} == {
        ("s3:GetBucketPolicy", "AccessDenied"), ("rds:DescribeDBInstances", "ThrottlingException"),
    }  # fmt: skip


def test_sarif_has_what_the_standard_and_code_scanning_ask_for(view: Result) -> None:
    document = json.loads(outputs.render("sarif", view))

    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len(run["results"]) == len(view.shown)
    for entry in run["results"]:
        assert rules[entry["ruleIndex"]]["id"] == entry["ruleId"]
        assert entry["message"]["text"]
        assert (entry["kind"], entry["level"]) in {
            ("fail", "error"), ("fail", "warning"), ("fail", "note"), ("open", "none"),
        }  # fmt: skip
        (location,) = entry["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.isascii()
        assert not uri.startswith(("/", "."))
        assert " " not in uri
        assert location["logicalLocations"][0]["fullyQualifiedName"]
        assert location["physicalLocation"].get("region", {"startLine": 1})["startLine"] >= 1
    for rule in rules:
        assert len(rule["properties"]["tags"]) <= sarif.TAGS
        assert 0 <= float(rule["properties"]["security-severity"]) <= 10
    fingerprints = [entry["partialFingerprints"]["tierwallFinding/v1"] for entry in run["results"]]
    assert len(set(fingerprints)) == len(fingerprints)


def test_sarif_is_valid_by_the_schema_of_the_standard(view: Result) -> None:
    schema = json.loads((Path(__file__).parents[1] / "data" / "schemas" / "sarif-2.1.0-rtm.5.json").read_text())

    jsonschema.Draft4Validator(schema).validate(json.loads(outputs.render("sarif", view)))


def test_sarif_points_at_the_line_of_what_came_from_a_file(view: Result) -> None:
    finding = next(f for f in view.shown if f.resource.file)
    run = sarif.document(replace(view, findings=(finding,)))["runs"][0]

    assert run["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": finding.resource.file}, "region": {"startLine": finding.resource.line},
    }  # fmt: skip


def test_sarif_marks_a_waived_failure_as_suppressed(view: Result) -> None:
    waived = [f.id for f in view.shown if f.waived]
    entries = sarif.document(view)["runs"][0]["results"]
    suppressed = [e for e in entries if e.get("suppressions")]

    assert [e["partialFingerprints"]["tierwallFinding/v1"] for e in suppressed] == waived != []
    assert WAIVERS[0].reason in suppressed[0]["suppressions"][0]["justification"]


@pytest.mark.parametrize(
    ("findings", "runs", "left_out"), [(4_999, 1, 0), (12_000, 3, 0), (100_001, 5, 0), (500_007, 20, 7)]
)
def test_sarif_stays_within_what_code_scanning_accepts(
    view: Result, monkeypatch: pytest.MonkeyPatch, findings: int, runs: int, left_out: int
) -> None:
    """Split into runs of categories of their own; what is beyond the limit is said, never dropped in silence."""
    monkeypatch.setattr(sarif, "_result", lambda finding, index: {"ruleIndex": index})
    many = replace(view, findings=tuple(view.findings[:1]) * findings)

    document = sarif.document(many)

    assert len(document["runs"]) == runs <= sarif.RUNS
    assert max(len(run["results"]) for run in document["runs"]) <= sarif.ACCEPTED
    assert sum(len(run["results"]) for run in document["runs"]) == findings - left_out
    assert len({run["automationDetails"]["id"] for run in document["runs"]}) == runs
    said = [n["message"]["text"] for n in document["runs"][0]["invocations"][0]["toolExecutionNotifications"]]
    assert [line for line in said if "left out" in line] == [
        f"{left_out} results are left out, which are in the JSON output"
    ] * bool(left_out)


def test_sarif_text_has_no_links_and_no_placeholders(view: Result) -> None:
    finding = replace(view.findings[0], message="[click](http://evil.example) {0}")

    (entry,) = sarif.document(replace(view, findings=(finding,)))["runs"][0]["results"]

    assert entry["message"]["text"].startswith(r"\[click\](http://evil.example) {{0}} (")


def test_junit_has_a_suite_a_rule_and_a_case_a_resource(view: Result) -> None:
    root = ElementTree.fromstring(outputs.render("junit", view, include_passed=True))  # noqa: S314  # our own output

    assert root.tag == "testsuites"
    shown = (*view.shown, *view.passed)
    assert {suite.get("name") for suite in root} == {finding.rule for finding in shown}
    assert len(root.findall("./testsuite/testcase")) == len(shown)
    assert len(root.findall(".//failure")) == sum(1 for f in shown if f.status == "fail" and not f.waived)
    assert len(root.findall(".//error")) == sum(1 for f in shown if f.status == "unknown")
    assert len(root.findall(".//skipped")) == sum(1 for f in shown if f.waived or f.status == "not_applicable")


def test_junit_has_the_shape_that_its_xsd_gives(view: Result) -> None:
    """Attributes, the order of children and the counts of the schema that Jenkins, GitLab and others share."""
    root = ElementTree.fromstring(outputs.render("junit", view, include_passed=True))  # noqa: S314  # our own output

    for suite in root:
        assert set(suite.attrib) == {
            "name", "id", "package", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time",
        }  # fmt: skip
        assert next(child.tag for child in suite) == "properties"
        cases = suite.findall("testcase")
        assert len(suite) == 1 + len(cases) == 1 + int(suite.get("tests", ""))
        for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert len(suite.findall(f"testcase/{tag}")) == int(suite.get(attribute, ""))
        for case in cases:
            assert set(case.attrib) == {"name", "classname", "time"}
            assert [child.tag for child in case] in ([], ["failure"], ["error"], ["skipped"])
    for name in ("tests", "failures", "errors", "skipped"):
        assert root.get(name) == str(sum(int(suite.get(name, "")) for suite in root))


def test_csv_has_a_line_a_finding(view: Result) -> None:
    lines = list(csv.DictReader(io.StringIO(outputs.render("csv", view))))

    assert [(line["id"], line["status"]) for line in lines] == [(f.id, f.status) for f in view.shown]
    unknown = next(line for line in lines if "GetBucketPolicy" in line["unknown_because"])
    assert unknown["unknown_because"] == "denied s3:GetBucketPolicy AccessDenied"


def test_table_is_plain_lines_where_there_is_no_terminal(view: Result) -> None:
    text = outputs.render("table", view)
    first = view.findings[0]

    assert text.splitlines()[0].startswith(f"{first.severity}  {first.status}  production  {first.rule}  ")
    assert "\x1b" not in text
    assert "not read: s3:GetBucketPolicy AccessDenied (denied)" in text


def test_table_fits_the_terminal_and_says_what_it_leaves_out(view: Result) -> None:
    failures = tuple(f for f in view.shown if f.status == "fail") * 9
    text = outputs.render("table", replace(view, findings=failures), width=100, colour=False)

    assert max(map(len, text.splitlines())) <= 100
    assert f"and {len(failures) - 200} more" in text
    assert "\x1b" not in text
    assert "\x1b[" in outputs.render("table", view, width=100, colour=True)


@pytest.mark.parametrize("width", [40, 80, 160])
def test_table_breaks_sentences_between_words_at_any_width(view: Result, width: int) -> None:
    """Only what has no room on a line of its own, such as an ARN, is broken elsewhere."""
    finding = replace(view.findings[0], message="the public may read all objects of it and may write new ones")

    text = outputs.render("table", replace(view, findings=(finding,)), width=width)

    assert "the public may read all objects of it and may write new ones" in " ".join(text.split())
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width


@pytest.mark.parametrize("name", outputs.OUTPUTS)
def test_an_empty_result_is_written_too(view: Result, name: str) -> None:
    empty = replace(view, findings=(), passed=(), refusals=(), gaps=(), notices=())

    assert outputs.render(name, empty)
