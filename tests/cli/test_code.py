"""`tierwall scan` reads the code that tierwall.yaml declares: Terraform's plans and states, and manifests."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import main
from scanner.collectors import code
from scanner.collectors.kinds import all_kinds
from scanner.environments import load_config
from scanner.safe.secrets import Redactor
from scanner.store import Stage, Store, verify
from scanner.store.stage import About
from scanner.tables import Call, Document, Gap
from tests.support.terraform import KEY, PLANS

CONFIG = """
sources:
  terraform: {paths: [infra/]}
  manifests: {paths: [deploy/]}
  config: {paths: [config/]}
environments:
  production:
    tier: production
    match:
      - terraform: {workspaces: [prod]}
      - manifests: {paths: [deploy/]}
      - config: {layers: [config/base.yml]}
"""
PRIVILEGED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx, securityContext: {privileged: true}}]}
---
{apiVersion: example.org/v1, kind: Widget, metadata: {name: w}}
"""
OPEN_PORTS = "aws-security-group-no-public-admin-ports"
GROUP = "plan:infra/prod/plan.json#aws_security_group.web"
WORKLOAD = "k8s:manifests/deploy/shop/Deployment/web"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with code of every kind, and no plan of one part of it."""
    here = tmp_path / "repository"
    for name in ("config", "deploy", "infra/prod", "infra/modules/vpc"):
        (here / name).mkdir(parents=True)
    (here / "tierwall.yaml").write_text(CONFIG)
    (here / "config" / "base.yml").write_text("debug: false\n")
    (here / "deploy" / "web.yaml").write_text(PRIVILEGED)
    shutil.copy(PLANS / "everything" / "plan.json", here / "infra" / "prod" / "plan.json")
    (here / "infra" / "prod" / "package.json").write_text('{"name": "no plan"}')
    (here / "infra" / "modules" / "vpc" / "main.tf").write_text("# a part of the plan's code\n")
    (here / "hash.key").write_text("00" * 32)
    (here / "hash.key").chmod(0o600)
    return here


def scan(folder: Path, *rest: str, name: str = "scan") -> int:
    return main(
        [name, "--db", str(folder / "tierwall.db"), "-c", str(folder / "tierwall.yaml"),
         "--hash-key", str(folder / "hash.key"), "-o", f"json:{folder / 'findings.json'}", *rest]
    )  # fmt: skip


def findings(folder: Path) -> dict[tuple[str, str], tuple[str, str, str]]:
    told = json.loads((folder / "findings.json").read_text())
    return {
        (f["rule"], f["resource"]["uid"]): (f["status"], f["resource"]["environment"], f["resource"]["file"])
        for f in told["findings"]
    }


def test_code_is_judged_in_its_environment_by_the_rules_that_judge_what_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan(folder) == 0

    found = findings(folder)
    assert found[OPEN_PORTS, GROUP] == ("fail", "production", "infra/prod/plan.json")
    assert found["kubernetes-workload-no-privileged-container", WORKLOAD] == (
        "fail", "production", "deploy/web.yaml",
    )  # fmt: skip
    said = capsys.readouterr().err.splitlines()
    assert "manifests: 1 object in 1 file, 1 of a kind that no table takes" in said
    told = r"terraform: infra/prod/plan.json: \d+ resources, \d+ of types? that no table takes"
    assert sum(re.fullmatch(told, line) is not None for line in said) == 1
    assert not any("modules" in line for line in said)


def test_what_code_holds_and_no_table_takes_is_listed(folder: Path) -> None:
    assert scan(folder, "-q") == 0
    told = json.loads((folder / "findings.json").read_text())
    listed = {one["what"]: one["why"] for one in told["excluded"]}
    assert listed["terraform/infra/prod/plan.json: aws_db_subnet_group"] == "1 of a type that no table takes"
    assert listed["manifests/deploy: Widget"] == "1 of a type that no table takes"


def test_identity_does_not_depend_on_where_the_command_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "infra")
    assert main(["scan", "-q", "-c", "../tierwall.yaml", "--db", "../a.db", "--hash-key", "../hash.key",
                 "-o", "json:../findings.json"]) == 0  # fmt: skip
    below = findings(folder)
    monkeypatch.chdir(folder.parent)
    assert scan(folder, "-q") == 0
    assert findings(folder) == below
    assert below[OPEN_PORTS, GROUP][1] == "production"


def test_terraform_code_without_a_plan_is_said_and_unknown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "infra" / "staging").mkdir()
    (folder / "infra" / "staging" / "main.tf").write_text('resource "aws_s3_bucket" "b" {}\n')

    assert scan(folder) == 0
    why = "infra/staging: Terraform code is read by its plan or state, and there is none"
    assert any(line.startswith(f"terraform: {why}") for line in capsys.readouterr().err.splitlines())
    assert findings(folder)[OPEN_PORTS, "scope:terraform/infra/staging"] == ("unknown", None, "")
    assert scan(folder, "-q", "--fail-on", "high", "--rule", "aws-s3-bucket-not-public") == 3


@pytest.mark.parametrize(
    ("path", "text", "scope", "problem"),
    [
        ("infra/prod/plan.json", "No changes.\n", "terraform/infra/prod/plan.json", None),
        ("infra/prod/plan.json", '{"format_version": "9.0", "terraform_version": "9", "values": {}}',
         "terraform/infra/prod/plan.json", "has plan format '9.0'"),
        ("deploy/web.yaml", "apiVersion: v1\nkind: [\n", "manifests/deploy", "deploy/web.yaml:3: "),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_a_gap_beside_the_rest(
    path: str, text: str, scope: str, problem: str | None, folder: Path
) -> None:
    (folder / path).write_text(text)
    assert scan(folder, "-q") == 3  # nothing else is of that source

    told = json.loads((folder / "findings.json").read_text())
    gaps = {(gap["scope"], gap["reason"]) for gap in told["gaps"]}
    assert ((scope, "error") in gaps) == (problem is not None)
    others = {WORKLOAD, GROUP} - {WORKLOAD if "deploy" in path else GROUP}
    assert others <= {f["resource"]["uid"] for f in told["findings"]}
    with Store.open(folder / "tierwall.db", create=False) as store:
        details = {row.detail for row in store.ledger(1) if isinstance(row, Gap)}
        assert verify(store) == []
    assert problem is None or any(problem in detail and str(folder) not in detail for detail in details)


def test_a_declared_path_that_is_not_there_is_a_gap(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folder / "infra")
    (folder / "deploy" / "web.yaml").unlink()
    (folder / "deploy").rmdir()
    assert scan(folder) == 3

    assert "terraform: infra: does not exist" in capsys.readouterr().err.splitlines()
    gaps = {(gap["scope"], gap["reason"]) for gap in json.loads((folder / "findings.json").read_text())["gaps"]}
    assert {("terraform/infra", "error"), ("manifests/deploy", "error")} <= gaps


def test_one_source_of_code_can_be_asked_for_alone(folder: Path) -> None:
    assert scan(folder, "-q", "--source", "manifests") == 0
    assert {uid.partition(":")[0] for _, uid in findings(folder)} == {"k8s"}
    told = json.loads((folder / "findings.json").read_text())
    assert "source terraform" in {one["what"] for one in told["excluded"]}


def test_an_unchanged_repository_is_no_drift(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (scan(folder, "-q"), scan(folder, "-q")) == (0, 0)
    capsys.readouterr()
    assert main(["drift", "--db", str(folder / "tierwall.db"), "--exit-code"]) == 0


# --- beside what runs -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def stage(folder: Path) -> Any:
    about = About(1.0, "test", "config", "key", ())
    with Stage.create(folder / "stage.db", Redactor(KEY), all_kinds(), about) as made:
        yield made


def bucket(name: str) -> Document:
    return Document(
        kind="aws_s3_bucket", uid=f"arn:aws:s3:::{name}", scope="aws/111111111111/global", name=name, parts={},
        account="111111111111", source="aws",
    )  # fmt: skip


def test_what_runs_is_judged_as_it_runs_and_not_by_its_plan_too(folder: Path) -> None:
    said: list[str] = []
    with stage(folder) as made:
        made.document(bucket("acme-logs"))
        code.terraform(load_config(folder / "tierwall.yaml"), made, said.append)
        connection = made.flush().connection
        held = dict(connection.execute("SELECT uid, scope FROM staged WHERE uid LIKE 'arn:aws:s3:::%'"))
        gaps = connection.execute("SELECT * FROM gap WHERE uid = 'arn:aws:s3:::acme-logs'").fetchall()
        rows = connection.execute("SELECT source FROM aws_s3_bucket WHERE uid LIKE '%acme-logs'").fetchall()

    assert held["arn:aws:s3:::acme-logs"] == "aws/111111111111/global"
    assert held["arn:aws:s3:::acme-data"] == "terraform/infra/prod/plan.json"
    assert (gaps, rows) == ([], [("aws",)])
    assert any("1 more is running and read there" in line for line in said)


def test_a_plan_that_an_interrupted_scan_had_read_is_not_read_again(folder: Path) -> None:
    config = load_config(folder / "tierwall.yaml")
    with stage(folder) as made:
        code.terraform(config, made, lambda _: None)
        before = _resources(made)
    (folder / "infra" / "prod" / "plan.json").write_text('{"format_version": "1.2", "terraform_version": "1", "broken')
    again = Stage.take_up(folder / "stage.db", Redactor(KEY), all_kinds())
    with again:
        code.terraform(config, again, lambda _: None)
        assert _resources(again) == before
        assert again.flush().rows(Call, "status = 'error'") == []
    assert len(before) > 30


def _resources(made: Stage) -> list[sqlite3.Row]:
    return made.flush().connection.execute("SELECT uid, scope, sha FROM staged ORDER BY uid").fetchall()
