"""tierwall rules and tierwall frameworks: what judges, and what it is judged for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scanner.bundled import bundled
from scanner.cli import main
from scanner.frameworks import load_frameworks
from scanner.rules import Rules, load_rules


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules([bundled("rules")])


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    return [line.split()[1] for line in output(capsys, "rules", "list", *arguments).splitlines()]


def test_the_list_has_every_rule_in_force(rules: Rules, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys) == list(rules)


def test_a_rule_is_found_by_what_any_other_tool_calls_it(rules: Rules) -> None:
    for rule in rules.values():
        for tool, ids in rule.see_also.items():
            for other in ids:
                assert rule.id in rules.only([f"{tool}:{other}"])


def test_names_of_other_tools_and_patterns_narrow_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys, "checkov:CKV_AWS_133") == ["aws-rds-backup-retention"]
    assert listed(capsys, "prowler:ec2_ebs_public_snapshot") == ["aws-ebs-snapshot-not-public"]
    found = listed(capsys, "aws-rds-*")
    assert found
    assert all(name.startswith("aws-rds-") for name in found)
    assert "there is no such rule" in refusal(capsys, "rules", "list", "prowler:no_such_check")


def test_show_gives_the_rule_the_controls_it_decides_and_its_sql(capsys: pytest.CaptureFixture[str]) -> None:
    told = output(capsys, "rules", "show", "prowler:ec2_ebs_public_snapshot")
    assert told.startswith("id: aws-ebs-snapshot-not-public\n")
    assert "# decides gdpr Art. 5(1)(f): Integrity and confidentiality" in told
    assert "FROM aws_ebs_snapshot AS r" in told
    assert "rules show: name a rule" in refusal(capsys, "rules", "show")


def test_test_says_which_rules_hold_and_which_do_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert output(capsys, "rules", "test", "aws-ebs-snapshot-not-public").splitlines() == [
        "ok   aws-ebs-snapshot-not-public: 3 examples, sound", "1 passed, 0 failed",
    ]  # fmt: skip
    text = (bundled("rules") / "isolation" / "aws-ebs-snapshot-not-public.yaml").read_text(encoding="utf-8")
    wrong = tmp_path / "aws-ebs-snapshot-not-public.yaml"
    wrong.write_text(text.replace("require: not is_public", "require: is_public"), encoding="utf-8")
    assert main(["rules", "test", str(wrong)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 passed, 1 failed"


def test_frameworks_are_listed_with_their_controls(capsys: pytest.CaptureFixture[str]) -> None:
    lines = output(capsys, "frameworks").splitlines()
    assert [(line.split()[0], int(line.split()[1])) for line in lines] == [
        (f.id, len(f.controls)) for f in load_frameworks()
    ]


def test_coverage_counts_every_clause_once(capsys: pytest.CaptureFixture[str]) -> None:
    for line, framework in zip(
        output(capsys, "frameworks", "coverage").splitlines()[1:], load_frameworks(), strict=True
    ):
        name, clauses, *parts, rules = line.split()
        assert (name, int(clauses)) == (framework.id, sum(len(c.checks) for c in framework.controls))
        assert sum(map(int, parts)) == int(clauses)
        assert int(rules) == len({r for c in framework.controls for clause in c.checks for r in clause.rules})


def test_coverage_of_one_names_what_no_rule_decides_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    (framework,) = load_frameworks(names=["gdpr"])
    wanted = [
        (control.id, clause.text)
        for control in framework.controls
        for clause in control.checks
        if not clause.rules or clause.strength == "partial"
    ]
    lines = output(capsys, "frameworks", "coverage", "gdpr").splitlines()[2:]
    found = [re.fullmatch(r"(.+?) +(?:people|nobody|rules in part) +(.+)", line) for line in lines]
    assert [match and match.groups() for match in found] == wanted


def test_a_control_is_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    told = output(capsys, "frameworks", "show", "gdpr", "Art. 5(1)(b)")
    assert told.startswith("Art. 5(1)(b)  Purpose limitation\nRegulation (EU) 2016/679, Art. 5(1)(b)\n")
    assert "    aws-rds-snapshot-not-public (in part)\n" in told
    assert "    no rule decides it\n" in told
    assert "to attest, every 365 days: " in told


def test_what_there_is_not_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "framework pci: unknown; known are " in refusal(capsys, "frameworks", "show", "pci")
    assert "frameworks show: name one of " in refusal(capsys, "frameworks", "show")
    assert "control Art. 999: gdpr has none of that name" in refusal(capsys, "frameworks", "show", "gdpr", "Art. 999")
