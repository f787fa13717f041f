"""What somebody meets who uses the commands for the first time and gets something wrong."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.bundled import bundled
from scanner.cli import demo, main
from tests.support.terraform import change as change_of
from tests.support.terraform import made

CONFIG = """\
sources:
  config: {paths: [config/]}
environments:
  production:
    tier: production
    match: [{config: {layers: [config/base.yml, config/production.yml]}}]
"""
WAIVER = """\
waivers:
  - id: W-1
    rule: config-debug-off
    scope: {uid: "cfg:*"}
    reason: Debugging is on until the incident is closed.
    owner: dev@acme.example
    approver: ciso@acme.example
    ticket: OPS-1
    created: 2026-11-01
    expires: 2026-12-31
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with an environment that is configuration alone."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "base.yml").write_text("debug: true\npool: 5\nname: shop\n")
    (tmp_path / "config" / "production.yml").write_text("session: {timeout: 3600}\n")
    (tmp_path / "tierwall.yaml").write_text(CONFIG)
    (tmp_path / "hash.key").write_text("00" * 32)
    (tmp_path / "hash.key").chmod(0o600)
    return tmp_path


def tierwall(here: Path, name: str, *rest: str) -> int:
    shared = ["--db", str(here / "tierwall.db"), "-c", str(here / "tierwall.yaml")]
    key = ["--hash-key", str(here / "hash.key")] if name in ("scan", "collect", "watch") else []
    return main([name, *shared, *key, *rest])


def change(here: Path, old: str, new: str) -> None:
    text = (here / "tierwall.yaml").read_text()
    assert old in text
    (here / "tierwall.yaml").write_text(text.replace(old, new))


def found(here: Path, *rest: str) -> dict[str, object]:
    assert tierwall(here, "scan", "-q", "-o", f"json:{here / 'f.json'}", *rest) == 0
    told: dict[str, object] = json.loads((here / "f.json").read_text())
    return told


def said(capsys: pytest.CaptureFixture[str], here: Path) -> list[str]:
    return capsys.readouterr().err.replace(f"{here}/", "").splitlines()


@pytest.mark.parametrize("chosen", [("--rule", "config-secret-not-shared"), ("--framework", "sox")])
def test_a_waiver_of_a_rule_that_was_not_chosen_is_no_mistake(chosen: tuple[str, str], here: Path) -> None:
    (here / "waivers.yaml").write_text(WAIVER)
    (here / "tierwall.yaml").write_text(CONFIG + "governance: {waivers: waivers.yaml}\n")
    assert tierwall(here, "scan", "-q", *chosen) == 0


def test_every_mistake_in_the_file_is_a_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(here, "tier: production", "tier: produktion\n    owner: {}")
    assert tierwall(here, "scan", "-q") == 2
    assert said(capsys, here) == [
        'tierwall: tierwall.yaml:5: environments.production.tier: "produktion" is not known; did you mean production?',
        "tierwall: tierwall.yaml:6: environments.production.owner: a mapping is not accepted; "
        "write text, in quotes if it looks like a number",
    ]


def test_frameworks_rules_and_parameters_that_are_not_there_are_refused(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(here, "tier: production", "tier: production\n    frameworks: [gdpr, pci]")
    with (here / "tierwall.yaml").open("a") as file:
        file.write(
            "policy:\n  production:\n    parameters:\n      nope-rule: {x: 1}\n"
            "      aws-iam-user-access-key-age: {longest: 5}\n"
        )
    assert tierwall(here, "scan", "-q") == 2
    lines = said(capsys, here)
    assert lines[0].startswith(
        "tierwall: tierwall.yaml:6: environments.production.frameworks: there is no framework pci; "
    )
    assert lines[1:] == [
        "tierwall: tierwall.yaml:11: policy.production.parameters: there is no rule nope-rule; `tierwall rules list` "
        "names them",
        "tierwall: tierwall.yaml:12: policy.production.parameters: aws-iam-user-access-key-age has no parameter "
        "longest; it has longest_seconds",
    ]


def test_the_result_has_the_frameworks_that_the_file_names(here: Path) -> None:
    change(here, "tier: production", "tier: production\n    frameworks: [sox, gdpr]")
    told = found(here)
    assert {control["framework"] for control in told["controls"]} == {"sox", "gdpr"}  # type: ignore[attr-defined, index]  # plain JSON
    (left_out,) = [e for e in told["excluded"] if "hipaa" in e["what"]]  # type: ignore[attr-defined, index]  # plain JSON
    assert left_out["why"] == "no environment in tierwall.yaml is assessed by it"


@pytest.mark.parametrize("where", ["hash.key/out", "/proc/tierwall"])
def test_a_folder_that_cannot_be_written_is_told_before_anything_else(
    where: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(here / where)
    assert tierwall(here, "scan", "-q", "--rule", "config-debug-off") == 0
    capsys.readouterr()
    assert tierwall(here, "report", "--out", out) == 2
    assert main(["demo", "--out", out]) == 2
    assert main(["scan", "-q", "-c", str(here / "tierwall.yaml"), "--db", f"{out}/t.db"]) == 4
    first, second, third = capsys.readouterr().err.splitlines()
    assert first == second
    assert first.startswith(f"tierwall: {out}: cannot be written: ")
    assert third.endswith("; name one in a folder that you may write to with --db")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("--environment", "prodction"), "environment prodction: unknown; known are production"),
        (("-o", "json:nowhere/f.json"), "nowhere/f.json: cannot be written: its folder does not exist"),
        (("-o", "json:config"), "config: cannot be written: is a directory"),
        (("-o", "xml"), "there is no output 'xml'; choose one of csv, "),
        (("--source", "gcp"), "source gcp: there is no such source; there are aws, kubernetes, "),
    ],
)  # fmt: skip
def test_what_could_not_be_told_is_refused_before_anything_is_read(
    wrong: tuple[str, str], told: str, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    assert tierwall(here, "scan", *wrong) == 2
    (line,) = said(capsys, here)
    assert line.startswith(f"tierwall: {told}")
    assert not (here / "tierwall.db").exists()


def test_a_notifier_that_does_not_exist_is_told_at_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tierwall(here, "watch", "--notify", "json://127.0.0.1:9/", "--notify", "foo") == 2
    assert said(capsys, here)[-1].startswith(
        "tierwall: notification URL 2: no notifier understands it; write one such as"
    )
    assert not (here / "tierwall.db").exists()


def test_a_source_that_answered_nothing_leaves_the_answer_open(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With and without an earlier snapshot."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    account = "aws: {accounts: {main: {id: '111111111111', regions: [eu-west-1]}}}"
    change(here, "sources:\n", f"sources:\n  {account}\n")
    for _ in range(2):
        assert tierwall(here, "scan", "-q", "-o", f"json:{here / 'f.json'}") == 3
        assert said(capsys, here)[-1] == "nothing could be read of aws: what it would have shown is unknown"
    gaps = json.loads((here / "f.json").read_text())["gaps"]
    assert {gap["reason"] for gap in gaps} == {"error"}
    assert tierwall(here, "scan", "-q", "--source", "aws") == 3
    (line,) = said(capsys, here)
    assert line.startswith("tierwall: aws accounts main: Unable to locate credentials; ")


@pytest.mark.parametrize(
    ("options", "code"),
    [((), 0), (("--unknown", "all"), 3), (("--unknown", "refused"), 3), (("--unknown", "none"), 0),
     (("--fail-on", "critical"), 0), (("--fail-on", "high"), 3)],
)  # fmt: skip
def test_unknowns_count_where_somebody_asks_for_it(options: tuple[str, ...], code: int, here: Path) -> None:
    (here / "config" / "production.yml").write_text("debug: [\n")
    assert tierwall(here, "scan", "-q", "--rule", "config-secret-not-shared", *options) == code


def test_a_broken_layer_is_one_line_that_says_where(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where an earlier scan had read it: what it gave is stale then, and listed no more than the file."""
    assert tierwall(here, "scan", "-q") == 0
    (here / "config" / "base.yml").write_text("debug: true\npool: [5\n")
    capsys.readouterr()
    assert tierwall(here, "scan") == 0

    told = capsys.readouterr()
    where = "config/base.yml:3: is not YAML"
    assert f"config: production: not read: {where}" in told.err
    listed = [line for line in told.out.splitlines() if "  unknown  " in line]
    assert all(where in line for line in listed)
    assert len(listed) <= 2
    assert [where in line for line in told.out.splitlines() if line.startswith("not read: ")].count(True) == 1


def test_drift_tells_a_file_that_broke_and_rules_that_changed_in_a_line_each(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tierwall(here, "scan", "-q") == 0
    (here / "config" / "base.yml").write_text("debug: true\npool: [5\n")
    (here / "pack").mkdir()
    (here / "pack" / "acme-pool-size.yaml").write_text(RULE)
    assert tierwall(here, "scan", "-q", "--rules", str(here / "pack")) == 0
    capsys.readouterr()

    assert tierwall(here, "drift") == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("unknown now since something was not read; -o json lists all" in line for line in lines) == 1
    assert sum(line.startswith("? the rules changed between the two") for line in lines) == 1
    assert len(lines) < 20


# --- the gate ---------------------------------------------------------------------------------------------------------

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostNetwork: true, containers: [{name: c, image: i}]}\n"
GATE = (sys.executable, "-m", "scanner", "gate", "--environment", "production", "--rule")


@pytest.mark.parametrize("path", ["-", "/dev/stdin", "<(cat)"])
def test_the_gate_reads_what_the_shell_hands_over(path: str, tmp_path: Path) -> None:
    command = f"{shlex.join([*GATE, 'kubernetes-workload-no-host-network'])} {path}"
    done = subprocess.run(
        ["bash", "-c", f"{command} < pod.yaml" if path != "<(cat)" else command.replace("cat", "cat pod.yaml")],
        cwd=_with(tmp_path, "pod.yaml", POD), capture_output=True, text=True, check=False, env=_environment(),
    )  # fmt: skip
    assert (done.returncode, "kubernetes-workload-no-host-network" in done.stdout) == (1, True), done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Terraform will perform the following actions:\n", "is the text that `terraform plan` or `terraform show`"),
        ("\x7fELF\0\0", "is a binary file, no plan in JSON; make it with `terraform show -json"),
        ("\xff\xfe{\0}\0", "is UTF-16 text, as PowerShell's `>` writes it; save it as UTF-8"),
        ("some words\n", "is not JSON; make it with `terraform show -json"),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_told_with_what_it_is(
    content: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _with(tmp_path, "plan.txt", content)
    assert main(["gate", str(tmp_path / "plan.txt"), "--environment", "production"]) == 2
    assert capsys.readouterr().err.startswith(f"tierwall: {tmp_path}/plan.txt: {told}")


def test_tags_of_a_plan_say_the_environment_also_where_the_account_is_not_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tags = {"Environment": "production"}
    change_ = change_of(
        "aws_db_instance.main", {"identifier": "main", "multi_az": False, "tags": tags, "tags_all": tags}
    )
    _with(tmp_path, "plan.json", json.dumps(made(change_)))
    assert main(["gate", "plan.json", "--rule", "aws-rds-multi-az", "--fail-on", "medium"]) == 1
    assert "note: tag environment=production of 1 resource whose account is not known says production" in (
        capsys.readouterr().err.splitlines()
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["gate", "--account", "123", "x.json"], "gate: --account 123: is no account id; write its 12 digits"),
        (["permissions"], "the following arguments are required: aws|kubernetes; see tierwall permissions --help"),
        (["rules", "lock", "--rules", "pack"], "rules lock: it records all rules that are shipped; a pack has no lock"),
    ],
)  # fmt: skip
def test_what_is_missing_or_wrong_is_named(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):
        assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"tierwall: {told}")


def _with(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="latin-1")
    return folder


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


# --- rules of one's own -----------------------------------------------------------------------------------------------

RULE = """\
id: acme-pool-size
title: The pool has ten connections
severity: low
why: A small pool makes requests wait.
fix: Enlarge it.
resource: config_value
when: name = 'pool'
require: value_number >= 10
message: "the pool has {value_number} connections"
examples:
  - {name: enough, row: {name: pool, value_number: 10}, expect: pass}
  - {name: few, row: {name: pool, value_number: 9}, expect: fail}
  - {name: unread, row: {name: pool, value_number: null}, expect: unknown}
  - {name: other, row: {name: other, value_number: 1}, expect: not_applicable}
"""


def test_a_pack_in_the_file_is_judged_by_every_command(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "pack").mkdir()
    (here / "pack" / "acme-pool-size.yaml").write_text(RULE)
    (here / "tierwall.yaml").write_text(CONFIG + "rules: {packs: [pack/]}\n")
    (finding,) = [f for f in found(here)["findings"] if f["rule"] == "acme-pool-size"]  # type: ignore[attr-defined]  # plain JSON
    assert tierwall(here, "explain", finding["id"][:12]) == 0
    told = capsys.readouterr().out
    assert told.index("message: the pool has 5 connections") < told.index("why: A small pool") < told.index("\nsql:")

    (here / "tierwall.yaml").write_text(CONFIG)
    assert tierwall(here, "explain", finding["id"][:12]) == 2
    assert "is of the rule acme-pool-size, which is not loaded; name its pack with --rules" in capsys.readouterr().err
    assert tierwall(here, "report", "--format", "html", "--out", str(here / "report")) == 0
    assert "rules acme-pool-size: judged this snapshot before and are not loaded now" in capsys.readouterr().err


def test_a_pack_may_not_take_the_id_of_a_shipped_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "config-debug-off.yaml"
    text = next(bundled("rules").rglob(name)).read_text()
    assert main(["rules", "test", str(_with(tmp_path, name, text))]) == 1
    assert "config-debug-off.yaml: a rule of that id is shipped; give this one another" in capsys.readouterr().out


@pytest.mark.parametrize("on_path", [True, False])
def test_the_demo_names_a_command_that_is_there(on_path: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = _with(tmp_path, "tierwall", "#!/bin/sh\n") / "tierwall"
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path if on_path else tmp_path / "elsewhere"))
    monkeypatch.setattr(sys, "argv", [str(script), "demo"])
    assert demo._command() == ("tierwall" if on_path else str(script))
