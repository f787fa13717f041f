"""A plan over what runs: what it changes is its own, the rest stays as it was read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import main
from scanner.collectors.kinds import all_kinds
from scanner.collectors.terraform import collect_plan
from scanner.collectors.terraform.over import lay
from scanner.safe.secrets import Redactor
from scanner.store import Estate, Stage, Store
from scanner.tables import Call, Gap, Requested, Row, Scope
from scanner.tables.aws_compute import AwsEbsVolume
from scanner.tables.aws_iam import AwsIamUser
from scanner.tables.aws_kms import AwsKmsKey
from scanner.tables.aws_network import AwsSecurityGroup, AwsSecurityGroupRule
from scanner.tables.aws_s3 import AwsS3Bucket
from tests.support.terraform import KEY, PLANS, change, kinds, made, plan

ACCOUNT, ELSEWHERE = "123456789012", "arn:aws:iam::123456789012:user/elsewhere"


def staged(path: Path, data: Any, where: str) -> tuple[Stage, Any]:
    stage = Stage.create(path, Redactor(KEY), kinds())
    return stage, collect_plan(where, stage, account=ACCOUNT, data=data)


class Over:
    """The plan of the changes over their state, which stands for what a scan has read, and one user more."""

    def __init__(self, folder: Path, data: Any = None) -> None:
        state = json.loads((PLANS / "changes" / "state.json").read_text())
        running, _ = staged(folder / "live.db", state, "aws")
        self.live = running.flush()
        place = {"scope": "terraform/aws", "account": ACCOUNT, "source": "aws"}
        self.live.insert([AwsIamUser(uid=ELSEWHERE, name="elsewhere", **place)])
        self.live.connection.execute("UPDATE aws_kms_key SET created = 7, source = 'aws'")
        self.live.connection.execute("DELETE FROM gap WHERE table_name = 'aws_kms_key' AND column_name = 'created'")
        self.before = {kind: self.live.rows(kind) for kind in (AwsSecurityGroup, AwsIamUser, AwsKmsKey)}
        planned, self.outcome = staged(folder / "planned.db", data or plan("changes"), "plan.json")
        lay(planned.flush(), self.live, [self.outcome], kinds())
        planned.close()

    def rows(self, kind: type[Row], where: str = "1", *values: object) -> list[Any]:
        return self.live.rows(kind, where, *values)


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Over:
    return Over(tmp_path_factory.mktemp("over"))


def test_what_is_deleted_is_gone_and_what_is_forgotten_or_elsewhere_stays(over: Over) -> None:
    left = {row.name for row in over.before[AwsIamUser]} - {"gone"}

    assert left == {"left", "elsewhere"}
    assert {row.name for row in over.rows(AwsIamUser)} == left
    assert over.rows(Gap, "uid LIKE '%user/gone'") == []


def test_what_the_plan_leaves_alone_stays_as_it_was_read(over: Over) -> None:
    """The bucket itself is left alone, but three of its satellites go; the group loses a rule."""
    (bucket,) = over.rows(AwsS3Bucket)

    assert (bucket.versioning_enabled, bucket.public_access_blocked) == (False, False)
    assert over.rows(AwsIamUser, "uid = ?", ELSEWHERE) == [u for u in over.before[AwsIamUser] if u.uid == ELSEWHERE]


def test_an_update_in_place_keeps_what_only_the_running_system_knows(over: Over) -> None:
    (before,), (after,) = over.before[AwsKmsKey], over.rows(AwsKmsKey)

    assert (before.rotation_enabled, after.rotation_enabled) == (False, True)
    assert (after.created, after.uid) == (7, before.uid)
    assert over.rows(Gap, "uid = ? AND column_name = 'created'", after.uid) == []


def test_what_is_replaced_keeps_nothing(over: Over) -> None:
    (volume,) = over.rows(AwsEbsVolume)

    assert volume.is_encrypted is False
    assert over.rows(Gap, "uid = ? AND column_name = 'created'", volume.uid) != []


def test_a_deleted_rule_closes_the_port(over: Over) -> None:
    assert [row.from_port for row in over.rows(AwsSecurityGroupRule)] == [443]


def test_calls_are_numbered_after_those_there_are(over: Over) -> None:
    assert [call.id for call in over.rows(Call)] == [1, 2]
    assert {gap.call for gap in over.rows(Gap)} <= {0, 1, 2}
    assert {scope.id for scope in over.rows(Scope)} == {"terraform/aws", "terraform/plan.json"}
    assert {row.scope for row in over.rows(Requested)} == {"terraform/aws", "terraform/plan.json"}


def test_a_rule_for_a_group_outside_the_plan_joins_the_rules_that_it_has(tmp_path: Path) -> None:
    """Without what runs nobody knows the group's other rules; with it, all are known."""
    state = json.loads((PLANS / "changes" / "state.json").read_text())
    resources = state["values"]["root_module"]["resources"]
    group = next(r["values"]["id"] for r in resources if r["address"] == "aws_security_group.web")
    rule = {
        "security_group_id": group, "type": "ingress", "protocol": "tcp", "from_port": 5432, "to_port": 5432,
        "cidr_blocks": ["0.0.0.0/0"], "description": "", "ipv6_cidr_blocks": [], "prefix_list_ids": [], "self": False,
    }  # fmt: skip
    found = Over(tmp_path, made(change("aws_security_group_rule.db", rule)))

    ports = sorted(row.from_port for row in found.rows(AwsSecurityGroupRule) if row.direction == "ingress")
    assert ports == [22, 443, 5432]
    (row,) = found.rows(AwsSecurityGroup)
    assert row.group_name == "web"
    assert found.rows(Gap, "table_name = 'aws_security_group_rule' AND uid = ?", row.uid) == []


def test_the_command_lays_a_plan_over_the_last_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    state = json.loads((PLANS / "changes" / "state.json").read_text())
    with Store.open(Path("tierwall.db")) as store, store.collecting(Redactor(KEY), all_kinds()) as stage:
        collect_plan("aws", stage, data=state)
        store.publish(stage, started=1.0, finished=2.0, tool="t", config="")
    Path("plan.json").write_text(json.dumps(plan("changes")))
    options = ["--environment", "production", "--rule", "aws-s3-bucket-versioning", "-o", "json:out.json"]

    code = main(["gate", "plan.json", "--over", "latest", "--fail-on", "low", *options])

    (finding,) = [f for f in json.loads(Path("out.json").read_text())["findings"] if f["status"] == "fail"]
    assert (code, finding["resource"]["name"]) == (1, "acme-changes-data")
    assert main(["gate", "plan.json", "--over", "9"]) == 2
    assert "no snapshot" in capsys.readouterr().err


def test_an_estate_can_be_laid_over_twice(tmp_path: Path) -> None:
    """Plans of two configurations, one after the other: what the second leaves alone is as the first made it."""
    found = Over(tmp_path)
    planned, outcome = staged(tmp_path / "second.db", made(change("aws_kms_key.more", {"is_enabled": True})), "b.json")
    with planned.estate:
        lay(planned.flush(), found.live, [outcome], kinds())

    assert len(found.rows(AwsKmsKey)) == 2
    assert {row.name for row in found.rows(AwsIamUser)} == {"left", "elsewhere"}
    assert isinstance(found.live, Estate)
