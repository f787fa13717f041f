"""GitLab, GitHub and Markdown: what a pipeline's readers accept, and where they point."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import jsonschema
import pytest

from scanner import outputs
from scanner.outputs import github, markdown
from scanner.results import Result
from scanner.results.model import Cause, Finding
from tests.support.results import HOSTILE, result

# https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\.?/)(?!.*\.\./).+"},
                    "lines": {"required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}
COMMAND = re.compile(r"::(error|warning|notice) ([^:\n]*)::(.*)")


@pytest.fixture(scope="module")
def view() -> Result:
    return result()


def failing(view: Result, **values: object) -> Finding:
    """A failure of a bucket that Terraform's code declares."""
    found = next(f for f in view.findings if f.status == "fail" and not f.waived)
    subject = replace(found.resource, file="infra/main.tf", line=7, address='aws_s3_bucket.this["a,b"]')
    return replace(found, resource=subject, **values)  # type: ignore[arg-type]  # names of its fields


def waiting(view: Result) -> Finding:
    """A check that only the apply can answer."""
    return failing(view, status="unknown", because=(Cause("after_apply", detail="later"),))


def test_gitlab_gets_what_its_report_format_asks_for(view: Result) -> None:
    issues = json.loads(outputs.render("gitlab", view))

    jsonschema.validate(issues, GITLAB)
    assert [issue["fingerprint"] for issue in issues] == [f.id for f in view.findings if not f.waived]


def test_gitlab_points_at_the_block_by_its_address(view: Result) -> None:
    found = failing(view, message="is open", severity="critical")

    (issue,) = json.loads(outputs.render("gitlab", replace(view, findings=(found, waiting(view)))))

    assert issue == {
        "description": 'aws_s3_bucket.this["a,b"]: is open', "check_name": found.rule, "fingerprint": found.id,
        "severity": "blocker", "location": {"path": "infra/main.tf", "lines": {"begin": 7}},
    }  # fmt: skip


def test_github_annotates_the_line_and_escapes_what_would_be_a_command(view: Result) -> None:
    found = failing(view, message="100% open\n::stop-commands::x", severity="high", fix="Close it.", rule="r")

    first, notice = outputs.render("github", replace(view, findings=(found,))).splitlines()

    assert first == (
        "::error file=infra/main.tf,line=7,title=r (high)::"
        'aws_s3_bucket.this["a,b"]: 100%25 open%0A::stop-commands::x%0AClose it.'
    )
    assert notice == "::notice title=Tierwall::1 failures, 0 could not be told"


def test_github_shows_no_more_than_it_keeps_and_says_so(view: Result) -> None:
    many = [failing(view, severity="critical", id=f"{n:064x}") for n in range(25)]
    unknown = [failing(view, status="unknown", because=(Cause("denied"),), id=f"{n:064x}") for n in range(100, 112)]

    lines = outputs.render("github", replace(view, findings=(*many, *unknown, waiting(view)))).splitlines()

    commands = [match[1] for line in lines if (match := COMMAND.fullmatch(line))]
    assert commands == ["error"] * github.MOST + ["warning"] * github.MOST + ["notice"]
    assert lines[-1].endswith("25 failures, 12 could not be told; 17 of these are in the job's other outputs alone")


def test_markdown_fits_into_a_comment_and_says_what_it_left_out(view: Result) -> None:
    many = tuple(failing(view, message="m" * 290, id=f"{n:064x}") for n in range(1_000))

    text = outputs.render("markdown", replace(view, findings=(*many, waiting(view))))

    assert len(text) <= markdown.LONGEST
    shown = sum("mmmm" in line for line in text.splitlines())
    assert re.search(rf"^{1_000 - shown} more are in the other outputs\.$", text, re.MULTILINE)
    assert text.startswith(markdown.MARKER)


def test_markdown_keeps_apart_what_failed_what_is_accepted_and_what_waits(view: Result) -> None:
    text = outputs.render("markdown", replace(view, findings=(*view.findings, waiting(view))))

    titles = re.findall(r"^### (.*) \(\d", text, re.MULTILINE)
    assert titles == ["Failures", "Could not be told", "Accepted until a waiver runs out", "Known after the apply"]


@pytest.mark.parametrize("name", ["github", "gitlab", "markdown"])
def test_hostile_names_stay_text(view: Result, name: str) -> None:
    findings = [
        replace(f, message=text, resource=replace(f.resource, address=text, file=text, line=3))
        for f, text in ((failing(view), text) for text in HOSTILE)
    ]

    text = outputs.render(name, replace(view, findings=tuple(findings), notices=HOSTILE))

    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
    if name == "github":
        assert all(COMMAND.fullmatch(line) for line in text.splitlines())
    if name == "markdown":
        assert "<script" not in text
        assert all(line.count("|") - line.count("\\|") in (0, 6) for line in text.splitlines())
    if name == "gitlab":
        jsonschema.validate(json.loads(text), GITLAB)
