"""Only what a change adds or worsens fails, and no change brings its own waiver along."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import main
from scanner.environments import Config
from scanner.errors import InputError
from scanner.gate import GateOutcome, gate
from scanner.outputs import render
from scanner.results import baseline
from scanner.safe.secrets import Redactor
from scanner.waivers import INLINE, Waiver
from tests.gate.test_gate import ENCRYPTED, FAILS, HIDDEN, OPEN, group, volume
from tests.support.gate import AS_OF, policy, written
from tests.support.terraform import ACCOUNT, KEY, change, made

PLAIN = volume(encrypted=False)
BOTH = made(*FAILS["resource_changes"], *PLAIN["resource_changes"])
WAIVER = Waiver(
    "W-1", OPEN, "aws_security_group.*", "*", "The bastion is replaced in March.", "team", "ciso", "SEC-1",
    date(2027, 1, 1), date(2027, 3, 1),
)  # fmt: skip


def base(*plans: Any, folder: Path, waivers: tuple[Waiver, ...] = ()) -> baseline.Baseline:
    """What those plans fail, through the file that a pipeline would keep."""
    outcome = run(*plans, folder=folder, waivers=waivers)
    path = folder / "base.json"
    path.write_text(render("json", outcome.result))
    return baseline.read(path)


def run(
    *plans: Any, folder: Path, waivers: tuple[Waiver, ...] = (), always: bool = False, **options: Any
) -> GateOutcome:
    paths = [written(one, folder, f"{number}.json") for number, one in enumerate(plans)]
    chosen = policy(OPEN, ENCRYPTED)
    governance = {"waivers_in_gate": "always" if always else "base"}
    config = Config.model_validate({**chosen.config.content(), "governance": governance})
    given = {"environment": "production", "account": ACCOUNT, "as_of": AS_OF} | options
    return gate(paths, type(chosen)(config, chosen.rules, (), waivers), Redactor(KEY), **given)


def test_only_what_was_not_there_before_fails(tmp_path: Path) -> None:
    before = base(FAILS, folder=tmp_path)

    same, more = run(FAILS, folder=tmp_path, base=before), run(BOTH, folder=tmp_path, base=before)

    assert (same.exit_code, same.why) == (0, ("1 failure at or above high there before",))
    assert more.exit_code == 1
    assert [f.rule for f in more.blocking] == [ENCRYPTED]
    assert {f.rule: f.baseline for f in more.result.findings} == {OPEN: "unchanged", ENCRYPTED: "new"}


def test_what_was_unknown_is_never_grown_used_to(tmp_path: Path) -> None:
    before = base(HIDDEN, folder=tmp_path)

    assert run(HIDDEN, folder=tmp_path, base=before).exit_code == 3
    assert run(PLAIN, folder=tmp_path, base=before).exit_code == 1


def test_a_rule_that_may_fail_is_shown_and_stops_nothing(tmp_path: Path) -> None:
    outcome = run(FAILS, PLAIN, folder=tmp_path, soft_fail={OPEN, ENCRYPTED})

    assert (outcome.exit_code, outcome.why) == (0, ("2 failures of rules that may fail",))
    assert {f.soft for f in outcome.result.findings} == {True}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", "is no findings file"),
        ("[]", "is no findings file"),
        ('{"schema": "tierwall/findings/2"}', "is no findings file"),
        ('{"schema": "tierwall/findings/1"}', "is damaged"),
        ('{"schema": "tierwall/findings/1", "findings": [{"id": 1, "status": "fail"}]}', "is damaged"),
        ('{"schema": "tierwall/findings/1", "findings": [', "ends in the middle"),
    ],
)
def test_a_base_that_is_no_findings_file_is_one_clear_line(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "base.json").write_text(text)

    with pytest.raises(InputError, match=problem):
        baseline.read(tmp_path / "base.json")


def test_a_waiver_is_honoured_only_if_the_base_has_it(tmp_path: Path) -> None:
    """A change that could bring its own waiver along would need nobody's approval."""
    had = base(WAITING_FOR_NOTHING, folder=tmp_path, waivers=(WAIVER,))
    had_not = base(WAITING_FOR_NOTHING, folder=tmp_path)

    for outcome, code, state in (
        (run(FAILS, folder=tmp_path, waivers=(WAIVER,)), 1, "not_honoured"),
        (run(FAILS, folder=tmp_path, waivers=(WAIVER,), base=had_not), 1, "not_honoured"),
        (run(FAILS, folder=tmp_path, waivers=(WAIVER,), base=had), 0, "active"),
        (run(FAILS, folder=tmp_path, waivers=(WAIVER,), always=True), 0, "active"),
    ):
        (finding,) = [f for f in outcome.result.findings if f.status == "fail"]
        assert finding.waiver
        assert (outcome.exit_code, finding.waiver.state) == (code, state)
        assert bool([note for note in outcome.result.notices if "not honoured" in note]) == (code == 1)


def test_a_waiver_that_was_changed_is_another_one(tmp_path: Path) -> None:
    import dataclasses

    longer = dataclasses.replace(WAIVER, expires=date(2027, 6, 1))
    had = base(WAITING_FOR_NOTHING, folder=tmp_path, waivers=(WAIVER,))

    assert run(FAILS, folder=tmp_path, waivers=(longer,), base=had).exit_code == 1


WAITING_FOR_NOTHING = made(change("aws_kms_key.k", {"enable_key_rotation": True}))


def test_an_inline_waiver_covers_what_the_code_marks_and_nothing_else(tmp_path: Path) -> None:
    import dataclasses

    inline = dataclasses.replace(WAIVER, uid=INLINE)
    both = made(
        *group("0.0.0.0/0")["resource_changes"],
        {**group("0.0.0.0/0")["resource_changes"][0], "address": "aws_security_group.h", "name": "h"},
    )
    code = tmp_path / "infra"
    code.mkdir()
    (code / "main.tf").write_text(
        'resource "aws_security_group" "g" { # tierwall:waive W-1\n}\n'
        'resource "aws_security_group" "h" {\n  # tierwall:waive W-9\n}\n'
    )

    outcome = run(both, folder=tmp_path, waivers=(inline,), always=True, source=code)

    assert {f.resource.address: f.waived for f in outcome.result.findings if f.status == "fail"} == {
        "aws_security_group.g": True, "aws_security_group.h": False,
    }  # fmt: skip
    assert any("W-9, which no waivers file has" in note for note in outcome.result.notices)


# --- Through the command line, against git ---


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a plan that fails, a waivers file and a configuration."""
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    written(FAILS, tmp_path)
    (tmp_path / "tierwall.yaml").write_text(
        "environments: {production: {tier: production}}\ngovernance: {waivers: waivers.yaml}\n"
    )
    (tmp_path / "waivers.yaml").write_text("waivers: []\n")
    git("init", "-q", "-b", "main")
    commit()
    return tmp_path


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True, capture_output=True)


def commit() -> None:
    git("add", "-A")
    git("commit", "-q", "-m", "x")


def gate_cli(*options: str) -> int:
    return main(["gate", "plan.json", "--environment", "production", "--account", ACCOUNT, "--rule", OPEN, *options])


def test_a_git_ref_is_judged_by_todays_rules(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate_cli() == 1
    assert gate_cli("--new-since", "git:HEAD") == 0
    assert "1 failure at or above high there before" in capsys.readouterr().err

    other = group("0.0.0.0/0")
    other["resource_changes"][0] |= {"address": "aws_security_group.new", "name": "new"}
    written(other, repository)
    assert gate_cli("--new-since", "git:main", "-o", "json:new.json") == 1
    (finding,) = json.loads((repository / "new.json").read_text())["findings"]
    assert (finding["baseline"], finding["resource"]["address"]) == ("new", "aws_security_group.new")


def test_nothing_that_was_committed_is_run(repository: Path) -> None:
    """The base is judged in a folder that holds whatever somebody committed, modules with our names too."""
    for name in ("scanner.py", "yaml.py", "json.py"):
        (repository / name).write_text(f"open({str(repository / 'ran')!r}, 'w')\n")
    commit()

    assert gate_cli("--new-since", "git:HEAD") == 0
    assert not (repository / "ran").exists()


def test_a_waiver_in_the_working_tree_alone_is_not_honoured(repository: Path) -> None:
    waiver = (
        "waivers:\n  - id: W-1\n    rule: " + OPEN + "\n    scope: {uid: aws_security_group.new}\n"
        "    reason: The bastion is replaced in March.\n    owner: team\n    approver: ciso\n    ticket: SEC-1\n"
        "    created: 2026-11-01\n    expires: 2027-03-01\n"
    )
    other = group("0.0.0.0/0")
    other["resource_changes"][0] |= {"address": "aws_security_group.new", "name": "new"}
    (repository / "waivers.yaml").write_text(waiver)
    written(other, repository)
    options = ("--new-since", "git:HEAD", "--as-of", "2026-12-01")
    assert gate_cli(*options) == 1

    written(FAILS, repository)
    commit()  # the waiver is approved and merged
    written(other, repository)
    assert gate_cli(*options) == 0


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ("git:nowhere", "--new-since git: there is no such commit"),
        ("git:--output=x", "--new-since git: there is no such commit"),
        ("no-such-file", "there is no such file, and no database"),
    ],
)
def test_a_base_that_is_not_there_is_one_clear_line(
    repository: Path, wanted: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate_cli("--new-since", wanted) == 2
    assert problem in capsys.readouterr().err


def test_a_plan_that_git_does_not_have_asks_for_a_findings_file(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git("rm", "-q", "--cached", "plan.json")
    git("commit", "-q", "-m", "plans are not kept")

    assert gate_cli("--new-since", "git:HEAD") == 2
    assert "plans are rarely committed" in capsys.readouterr().err
