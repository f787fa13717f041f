"""The gate's answers: the exit code, why, and where."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import main
from scanner.errors import InputError, UsageError
from scanner.gate import GateOutcome, recognised
from scanner.outputs import sarif
from tests.support.gate import judged, statuses, written
from tests.support.terraform import PLANS, change, made, plan

OPEN = "aws-security-group-no-public-admin-ports"
ENCRYPTED = "aws-ebs-volume-encrypted"
BUCKET = "aws-s3-bucket-versioning"  # medium


def group(*cidrs: str, unknown: bool = False) -> dict[str, Any]:
    """A plan of one security group that admits SSH."""
    rule = {"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": list(cidrs), "ipv6_cidr_blocks": [],
            "security_groups": [], "prefix_list_ids": [], "self": False, "description": ""}  # fmt: skip
    after = {"name": "g", "vpc_id": "vpc-1", "description": "", "egress": [], "tags_all": {}}
    if unknown:
        mask = {"ingress": True}
        reference = {"ingress": {"references": ["local.admitted"]}}
        return made(change("aws_security_group.g", after, unknown=mask), configured={"aws_security_group.g": reference})
    return made(change("aws_security_group.g", after | {"ingress": [rule]}))


def volume(**values: Any) -> dict[str, Any]:
    """A plan of one volume."""
    after = {"availability_zone": "eu-west-1a", "size": 1, "type": "gp3", "tags_all": {}} | values
    return made(change("aws_ebs_volume.v", after))


CLEAN = group("10.0.0.0/8")
FAILS = group("0.0.0.0/0")
WAITS = group(unknown=True)
HIDDEN = volume(encrypted=True)
HIDDEN["resource_changes"][0]["change"]["after_sensitive"] = {"encrypted": True}  # known, but nobody may look


@pytest.mark.parametrize(
    ("data", "options", "code"),
    [
        (CLEAN, {}, 0),
        (FAILS, {}, 1),
        (FAILS, {"unknown": "none"}, 1),
        (WAITS, {}, 0),
        (WAITS, {"unknown": "none"}, 0),
        (WAITS, {"unknown": "all"}, 3),
        (HIDDEN, {}, 3),
        (HIDDEN, {"unknown": "all"}, 3),
        (HIDDEN, {"unknown": "none"}, 0),
        (HIDDEN, {"fail_on": "critical"}, 0),
        (FAILS, {"fail_on": "critical"}, 1),
        (volume(encrypted=False), {"fail_on": "critical"}, 0),
        (volume(encrypted=False), {"fail_on": "low"}, 1),
    ],
)
def test_exit_codes(data: Any, options: dict[str, Any], code: int, tmp_path: Path) -> None:
    outcome = judged([written(data, tmp_path)], OPEN, ENCRYPTED, **options)

    assert outcome.exit_code == code
    assert bool(outcome.why) == (code != 0)


def test_a_failure_comes_before_what_could_not_be_told(tmp_path: Path) -> None:
    outcome = judged([written(FAILS, tmp_path, "a.json"), written(HIDDEN, tmp_path, "b.json")], OPEN, ENCRYPTED)

    assert outcome.exit_code == 1
    assert outcome.why == ("1 failure at or above high", "1 check at or above high could not be told")


def test_what_only_the_apply_can_answer_is_counted(tmp_path: Path) -> None:
    outcome = judged([written(WAITS, tmp_path)], OPEN)

    assert (outcome.exit_code, outcome.after_apply) == (0, 1)
    assert [f.status for f in outcome.result.findings] == ["unknown"]


@pytest.mark.parametrize(
    "data",
    [made(), made(change("null_resource.x", {})), made(change("aws_cognito_user_pool.q", {"name": "q"}))],
    ids=["no resource", "nothing real", "no table takes it"],
)
def test_a_gate_with_nothing_to_judge_could_not_tell(data: Any, tmp_path: Path) -> None:
    outcome = judged([written(data, tmp_path)])

    assert outcome.exit_code == 3
    assert outcome.why == ("nothing to judge: no resource that a rule knows is in what was given",)


def test_types_that_are_not_modelled_and_deletions_are_listed(tmp_path: Path) -> None:
    outcome = judged([written(plan("changes"), tmp_path), PLANS / "everything" / "plan.json"], OPEN)

    listed = {e.what.partition(": ")[2]: e.why for e in outcome.result.excluded}
    assert listed["aws_iam_user.gone"] == "the plan deletes it, or leaves it to others"
    assert listed["aws_db_subnet_group"] == "1 resource of a type that no table takes"


def test_a_finding_says_file_address_and_what_to_do(tmp_path: Path) -> None:
    path = written(FAILS, tmp_path)

    (finding,) = judged([path], OPEN).blocking

    assert finding.resource.file == str(path)
    assert finding.resource.uid == "plan:aws_security_group.g"
    assert (finding.rule, finding.severity, finding.resource.environment) == (OPEN, "critical", "production")
    assert finding.message
    assert finding.fix
    assert len(finding.evidence.document) == 64


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = written(FAILS, tmp_path)
    seen = []

    def look(*names: Any, **options: Any) -> Path:
        made = real(*names, **options)
        seen.append(os.stat(made).st_mode & 0o777)
        return made

    real = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", look)

    judged([path], OPEN)

    assert seen == [0o700]
    assert list(tmp_path.iterdir()) == [path]


def test_equal_plans_have_equal_findings(tmp_path: Path) -> None:
    first, second = (judged([PLANS / "everything" / "plan.json"]) for _ in range(2))

    def told(outcome: GateOutcome) -> list[tuple[str, ...]]:
        return [(f.id, f.status, f.message, f.evidence.document) for f in outcome.result.findings]

    assert told(first) == told(second)
    assert first.result.snapshot.digest == second.result.snapshot.digest


# --- What is given ---


def test_a_folder_is_searched_for_plans_and_manifests(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    one = written(FAILS, tmp_path / "deep")
    (tmp_path / "package.json").write_text('{"name": "web"}')
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "main.py").write_text("")

    found = recognised([tmp_path])

    assert found.plans == (one,)
    assert found.notices == ()


def test_a_plan_in_a_folder_that_does_not_parse_is_refused(tmp_path: Path) -> None:
    text = json.dumps(FAILS)
    (tmp_path / "plan.json").write_text(text[:-10])

    with pytest.raises(InputError, match="ends in the middle of a value"):
        judged([tmp_path], OPEN)


def test_a_folder_of_terraform_code_says_that_a_plan_is_needed(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_vpc" "a" {}')

    outcome = judged([tmp_path], OPEN)

    assert outcome.exit_code == 3
    assert (
        "Terraform code is not judged without a plan; make a plan of it: `terraform plan" in outcome.result.notices[0]
    )


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("main.tf", 'resource "aws_vpc" "a" {}', "is Terraform code, which is judged by its plan"),
        ("x.json", '{"name": "web"}', "is neither a Terraform plan nor a state in JSON"),
        ("x.txt", "hello", "is not JSON"),
        ("empty.json", "", "is empty: not JSON"),
        ("x.json", json.dumps(FAILS)[:200], "ends in the middle of a value"),
    ],
)
def test_a_named_file_that_is_nothing_of_ours_is_refused(name: str, text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(InputError) as caught:
        judged([tmp_path / name], OPEN)

    assert says in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        judged([tmp_path / "no.json"], OPEN)


def test_manifests_and_plans_are_judged_together(tmp_path: Path) -> None:
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "web"},
        "spec": {"containers": [{"name": "c", "image": "nginx", "securityContext": {"privileged": True}}]},
    }  # fmt: skip
    (tmp_path / "pod.yaml").write_text(json.dumps(pod))
    (tmp_path / "pod.json").write_text(json.dumps(pod | {"metadata": {"name": "q", "namespace": "web"}}))

    paths = [written(FAILS, tmp_path), tmp_path / "pod.yaml", tmp_path / "pod.json"]
    outcome = judged(paths, OPEN, "kubernetes-workload-no-privileged-container")

    assert sorted((f.rule, f.resource.name, f.resource.environment) for f in outcome.blocking) == [
        (OPEN, "g", "production"),
        ("kubernetes-workload-no-privileged-container", "p", "production"),
        ("kubernetes-workload-no-privileged-container", "q", "production"),
    ]  # fmt: skip


def test_an_environment_that_is_not_declared_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="environment nowhere"):
        judged([written(FAILS, tmp_path)], OPEN, environment="nowhere")


# --- The command ---


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIERWALL_HASH_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_command_says_for_each_finding_where_it_is_and_what_to_do(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(FAILS, here)

    code = main(["gate", "--environment", "production", "--rule", OPEN, "plan.json"])

    out, err = capsys.readouterr()
    assert code == 1
    assert out.startswith(f"plan.json: aws_security_group.g: critical: {OPEN}: ")
    assert "; Remove the rule" in out
    assert err.splitlines()[-1] == "gate: 1 failure at or above high (resources: 1, rules: 1)"
    assert not (here / "home").exists(), "no key of its own is kept for what is not kept"


def test_the_command_leaves_standard_output_to_the_output_that_was_asked_for(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(FAILS, here)

    code = main(["gate", "--environment", "production", "--plan", "plan.json", "-o", "json", "-o", "sarif:out.sarif"])

    out, err = capsys.readouterr()
    assert code == 1
    assert json.loads(out)["schema"] == "tierwall/findings/1"
    assert json.loads((here / "out.sarif").read_text())["version"] == "2.1.0"
    assert f"plan.json: aws_security_group.g: critical: {OPEN}: " in err


def test_the_command_takes_environments_from_tierwall_yaml(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "tierwall.yaml").write_text(
        "environments:\n  live: {tier: production, match: [{terraform: {paths: [infra]}}]}\n"
    )
    (here / "infra").mkdir()
    written(FAILS, here / "infra")

    code = main(["gate", "infra", "--rule", OPEN, "-o", "json"])

    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert code == 1
    assert finding["resource"]["environment"] == "live"


def test_what_no_environment_claims_could_not_be_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether the volume must be encrypted depends on an environment that tierwall.yaml does not give it."""
    (here / "tierwall.yaml").write_text(
        "environments:\n  live: {tier: production, match: [{terraform: {paths: [infra/prod]}}]}\n"
    )
    written(volume(encrypted=False), here)

    code = main(["gate", "plan.json"])

    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    assert code == 3
    assert line.startswith("plan.json: aws_ebs_volume.v: medium: tierwall-resource-has-environment: ")
    assert line.endswith(" at or above high wait for it")
    assert " at or above high could not be told " in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gate"], "name a plan, a manifest or a folder"),
        (["gate", "nothing.json"], "nothing.json: does not exist"),
        (["gate", "--environment", "blue", "plan.json"], "no tierwall.yaml here says what blue is"),
        (["gate", "--environment", "production", "--environment", "staging", "plan.json"], "can be given once"),
        (["gate", "--rule", "no-such-rule", "plan.json"], "no-such-rule"),
    ],
)
def test_what_is_used_wrongly_is_told_in_one_line(
    arguments: list[str], says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(CLEAN, here)

    code = main(arguments)

    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_hostile_names_cannot_move_the_terminals_cursor(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = group("0.0.0.0/0")
    data["resource_changes"][0]["change"]["after"]["tags_all"] = {"Name": "a\x1b[2Jb\n::error::c"}
    written(data, here)

    main(["gate", "--environment", "production", "--rule", OPEN, "plan.json"])

    out, _ = capsys.readouterr()
    assert "\x1b" not in out
    assert out.count("\n") == 1


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (
            made(
                change("aws_s3_bucket.b", {"bucket": "b", "tags_all": {}}),
                change("aws_s3_bucket_policy.b", {"bucket": "b", "policy": "[" * 100_000}),
                change("aws_s3_bucket_public_access_block.b", {"bucket": "b", "restrict_public_buckets": False}),
            ),
            "aws-s3-bucket-not-public",
        ),
        (made(change("aws_db_instance.d", {"engine": "postgres", "backup_retention_period": 10**17, "tags_all": {}})),
         "aws-rds-backup-retention"),
        (made(change("aws_db_instance.d", {"engine": "postgres", "backup_retention_period": 10**30, "tags_all": {}})),
         "aws-rds-backup-retention"),
    ],
    ids=["nested", "out of range", "out of any range"],
)  # fmt: skip
def test_a_hostile_value_could_not_be_told(data: Any, rule: str, tmp_path: Path) -> None:
    outcome = judged([written(data, tmp_path)], rule)

    assert (outcome.exit_code, {f.status for f in outcome.result.findings}) == (3, {"unknown"})
    assert {cause.reason for f in outcome.result.findings for cause in f.because} == {"unsupported"}


# --- The whole ---


def test_planted_faults_of_a_real_plan_are_found_by_address() -> None:
    found = statuses(plan("everything"))

    expected = {
        (OPEN, "aws_security_group.web"): "fail",
        (OPEN, "aws_security_group.db"): "pass",
        ("aws-security-group-no-public-database-ports", "aws_security_group.db"): "fail",
        ("aws-s3-bucket-public-access-blocked", 'aws_s3_bucket.this["logs"]'): "fail",
        ("aws-s3-bucket-public-access-blocked", 'aws_s3_bucket.this["data"]'): "pass",
        ("aws-s3-bucket-tls-only", 'aws_s3_bucket.this["data"]'): "unknown",
        ("aws-s3-bucket-versioning", 'aws_s3_bucket.this["data"]'): "pass",
        ("aws-rds-storage-encrypted", "aws_db_instance.main"): "pass",
        ("aws-rds-backup-retention", "aws_db_instance.main"): "fail",
        ("aws-ebs-volume-encrypted", "aws_ebs_volume.data"): "fail",
        ("aws-kms-key-rotated", "aws_kms_key.data"): "pass",
        ("aws-kms-key-rotated", "aws_kms_key.old"): "fail",
        ("aws-vpc-peering-same-environment", "aws_vpc_peering_connection.blue_green"): "pass",
        ("aws-instance-metadata-v2", "aws_instance.app[0]"): "pass",
    }
    assert {key: found.get(key) for key in expected} == expected


def test_a_deletion_that_breaks_a_rule_is_seen() -> None:
    found = statuses(plan("changes"))

    assert found["aws-s3-bucket-versioning", "aws_s3_bucket.data"] == "fail"
    assert found["aws-s3-bucket-public-access-blocked", "aws_s3_bucket.data"] == "fail"
    assert found[OPEN, "aws_security_group.web"] == "pass", "the rule that admitted SSH goes"


def test_an_environment_variable_gives_the_key(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(PLANS / "everything" / "plan.json", here / "plan.json")
    monkeypatch.setenv("TIERWALL_HASH_KEY", "too short")

    assert main(["gate", "--environment", "production", "plan.json"]) == 2


def test_a_finding_names_its_block_by_address_file_and_line(tmp_path: Path) -> None:
    shutil.copytree(PLANS / "everything", tmp_path / "infra")
    found = {f.resource.address: f.resource for f in judged([tmp_path / "infra"], OPEN).result.findings}

    web = found["aws_security_group.web"]
    lines = Path(web.file).read_text().splitlines()
    assert web.file == str(tmp_path / "infra" / "main.tf")
    assert lines[web.line - 1] == 'resource "aws_security_group" "web" {'


def test_a_line_that_shifts_changes_no_fingerprint(tmp_path: Path) -> None:
    """A finding is the same one wherever its block stands: else each edit above it would look like a new one."""
    shutil.copytree(PLANS / "everything", tmp_path / "infra")
    code = tmp_path / "infra" / "main.tf"
    before = judged([tmp_path / "infra"])
    code.write_text("# one line more\n" + code.read_text())
    after = judged([tmp_path / "infra"])

    def fingerprints(outcome: GateOutcome) -> dict[str, int]:
        (run,) = sarif.document(outcome.result)["runs"]
        return {
            json.dumps(entry["partialFingerprints"]): entry["locations"][0]["physicalLocation"]["region"]["startLine"]
            for entry in run["results"]
        }

    one, other = fingerprints(before), fingerprints(after)
    assert one.keys() == other.keys()
    assert {other[name] - line for name, line in one.items()} == {0, 1}  # modules' files did not change


def test_code_may_lie_elsewhere_than_its_plan(tmp_path: Path) -> None:
    path = written(plan("everything"), tmp_path)

    nowhere = judged([path], OPEN).result.findings
    found = judged([path], OPEN, source=PLANS / "everything").result.findings

    assert {f.resource.line for f in nowhere} == {0}
    assert {f.resource.file for f in nowhere} == {str(path)}
    assert min(f.resource.line for f in found) > 0
    assert {f.id for f in found} == {f.id for f in nowhere}
