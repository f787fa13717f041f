"""What Checkov finds is shown as Checkov's, and a run that does not account for its input is not believed."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from scanner.collectors import checkov
from scanner.errors import UsageError
from scanner.gate import GateOutcome
from scanner.waivers import Waiver
from tests.support.gate import judged, policy

OPEN = "CKV_AWS_24"
CODE = """
resource "aws_security_group" "web" {
  ingress {
    from_port = 22
  }
}
"""


def check(**values: Any) -> dict[str, Any]:
    """A failed check as Checkov writes it, with all that it should not."""
    return {
        "check_id": OPEN, "check_name": "No SSH from everywhere", "resource": "aws_security_group.web",
        "file_path": "/0/main.tf", "file_line_range": [2, 6], "code_block": [[2, "password = hunter2-is-secret"]],
        "check_result": {"result": "FAILED", "entity": {"password": "hunter2-is-secret"}},
        "evaluations": {"var": "hunter2-is-secret"},
    } | values  # fmt: skip


def report(*failed: Any, passed: Any = (), skipped: Any = (), framework: str = "terraform", **summary: Any) -> Any:
    """A report of one framework."""
    return {
        "check_type": framework,
        "results": {
            "failed_checks": list(failed), "passed_checks": list(passed), "skipped_checks": list(skipped),
            "parsing_errors": summary.pop("broken", []),
        },
        "summary": {"checkov_version": checkov.VERSION, "resource_count": 1, "parsing_errors": 0} | summary,
    }  # fmt: skip


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder with one block."""
    folder = tmp_path / "infra"
    folder.mkdir()
    (folder / "main.tf").write_text(CODE)
    return folder


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stands in for Checkov: answers with the given text and exit code, and keeps how it was called."""

    def set_up(answer: Any, code: int = 1) -> Path:
        program, called = tmp_path / "checkov", tmp_path / "called.json"
        (tmp_path / "answer").write_text(answer if isinstance(answer, str) else json.dumps(answer))
        program.write_text(
            f"#!{sys.executable}\nimport json, os, sys\n"
            "here = [os.path.join(f, n) for f, _, ns in os.walk(sys.argv[2]) for n in ns]\n"
            f"open({str(called)!r}, 'w').write(json.dumps([sys.argv, dict(os.environ), os.listdir('.'), here]))\n"
            f"sys.stdout.write(open({str(tmp_path / 'answer')!r}).read())\nsys.exit({code})\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv(checkov.COMMAND, str(program))
        return called

    return set_up


def gate_with(folder: Path, **options: Any) -> GateOutcome:
    return judged([folder], with_checkov=True, **options)


def test_a_finding_is_marked_as_checkovs_and_has_our_severity_and_fix(code: Path, answers: Any) -> None:
    answers(report(check()))
    like = next(rule for rule in policy().rules.values() if OPEN in rule.see_also.get("checkov", ()))

    outcome = gate_with(code)

    (finding,) = [f for f in outcome.result.findings if f.rule == f"checkov:{OPEN}"]
    assert (finding.status, finding.severity, finding.fix) == ("fail", like.severity, like.fix)
    assert (finding.resource.source, finding.resource.address) == ("checkov", "aws_security_group.web")
    assert (finding.resource.file, finding.resource.line) == (str(code / "main.tf"), 2)
    assert (finding.resource.environment, finding.resource.tier) == ("production", "production")
    assert outcome.exit_code == 1


def test_nothing_of_its_output_is_kept_but_names_lines_and_results(code: Path, answers: Any) -> None:
    answers(report(check(), skipped=[check(check_id="CKV_AWS_23")]))

    assert "hunter2" not in repr(gate_with(code))


@pytest.mark.parametrize(
    ("answer", "exit_code", "reason"),
    [
        ("", 0, "no JSON"),
        ('{"check_type": "terra', 0, "no JSON"),
        (report(), 2, "exit code 2"),
        ({"passed": 0, "failed": 0, "resource_count": 0, "checkov_version": checkov.VERSION}, 0, "says nothing of"),
        ([report(framework="secrets")], 0, "says nothing of"),
        (report(resource_count=0), 0, "does not say that it has seen"),
        (report(checkov_version="2.0.0"), 0, "is version 2.0.0"),
        (report(broken=["/0/main.tf"], parsing_errors=1), 1, "cannot read the file"),
        (report(parsing_errors=3), 1, "3 files cannot be read"),
    ],
)
def test_a_run_that_does_not_account_for_its_input_is_unknown(
    answer: Any, exit_code: int, reason: str, code: Path, answers: Any
) -> None:
    """All of these end with exit code 0 or look like success to whoever does not look closely."""
    answers(answer, exit_code)

    outcome = gate_with(code)

    (finding,) = [f for f in outcome.result.findings if f.rule == "checkov:report"]
    assert reason in finding.because[0].detail
    assert outcome.exit_code == 3


def test_what_code_skips_by_itself_is_still_a_failure(code: Path, answers: Any) -> None:
    skipped = check(check_result={"result": "SKIPPED", "suppress_comment": "we know"})
    answers(report(skipped=[skipped]), 0)

    (finding,) = gate_with(code).result.findings

    assert (finding.status, finding.waived) == ("fail", False)
    assert finding.message.endswith("skipped in the code, which accepts nothing: we know")


def test_a_waiver_names_a_check_by_checkovs_name(code: Path, answers: Any) -> None:
    import dataclasses

    answers(report(check()))
    waiver = Waiver(
        "W-7", f"checkov:{OPEN}", "checkov:*:aws_security_group.web", "*", "The bastion is replaced in March.", "team",
        "ciso", "SEC-7", date(2027, 1, 1), date(2027, 3, 1),
    )  # fmt: skip
    from scanner.gate import gate
    from scanner.results.baseline import Baseline
    from scanner.safe.secrets import Redactor
    from tests.support.gate import AS_OF
    from tests.support.terraform import KEY

    chosen = dataclasses.replace(policy(), waivers=(waiver,))
    base = Baseline("base", frozenset(), frozenset({waiver.digest}))
    given = {"environment": "production", "as_of": AS_OF, "with_checkov": True}

    assert gate([code], chosen, Redactor(KEY), base=base, **given).exit_code == 0
    assert gate([code], chosen, Redactor(KEY), **given).exit_code == 1


def test_it_runs_offline_without_our_environment_and_beside_no_configuration(
    code: Path, answers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository's own configuration could turn checks off, or load its code into Checkov."""
    monkeypatch.setenv("BC_API_KEY", "secret")
    (code / ".checkov.yaml").write_text("skip-check: [CKV_AWS_24]\nexternal-checks-dir: [x]\n")
    (code / "link.tf").symlink_to("/etc/passwd")
    called = answers(report(check()))

    gate_with(code)

    arguments, environment, beside, given = json.loads(called.read_text())
    assert set(environment) - {"LC_CTYPE"} == {
        "PATH", "HOME", "LOG_LEVEL", "CKV_PARSE_ERROR_FAIL", "CHECKOV_PARALLELIZATION_TYPE", "PYTHONNOUSERSITE",
    }  # fmt: skip
    assert {"--skip-download", "--compact"} <= set(arguments)
    assert beside == []
    assert [Path(path).name for path in given] == ["main.tf"]


def test_without_checkov_the_gate_says_so_once_and_goes_on(
    code: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(checkov.COMMAND, raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", str(tmp_path))

    outcome = gate_with(code)

    assert [note for note in outcome.result.notices if "Checkov" in note] == [
        "Checkov is not installed, so only what is ours to judge was judged; see docs/gate.md"
    ]
    assert outcome.exit_code == 3  # there was nothing else to judge


def test_a_program_that_is_named_and_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(checkov.COMMAND, "/nowhere/checkov")

    with pytest.raises(UsageError, match="is no program"):
        checkov.find()


# --- The real one ---


@pytest.mark.needs_checkov
def test_real_checkov_accounts_for_what_it_is_given(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(checkov.COMMAND, raising=False)
    (code / "Dockerfile").write_text("FROM debian:latest\nRUN sudo true\n")
    (code / "bucket.yaml").write_text(
        "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  B:\n    Type: AWS::S3::Bucket\n"
    )
    (code / "broken.tf").write_text('resource "aws_s3_bucket" "b" {\n')
    program = checkov.find()
    assert program is not None

    found = checkov.run(program, [code])

    failed = {(one.framework, Path(one.file).name) for one in found.checks if one.state == "fail"}
    assert failed >= {("terraform", "main.tf"), ("dockerfile", "Dockerfile"), ("cloudformation", "bucket.yaml")}
    assert {Path(one.what).name for one in found.lost} == {"broken.tf"}
