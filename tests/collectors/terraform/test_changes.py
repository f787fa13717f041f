"""What will be there after the apply is judged: what is updated, replaced, moved, taken away and left to others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.tables import Child, Requested
from scanner.tables.aws_backup import AwsBackupPlan
from scanner.tables.aws_compute import AwsEbsVolume
from scanner.tables.aws_iam import AwsIamAttachment, AwsIamGroup, AwsIamUser
from scanner.tables.aws_kms import AwsKmsKey
from scanner.tables.aws_network import AwsNetworkAclEntry, AwsRoute, AwsSecurityGroupRule
from scanner.tables.aws_policy import AwsPolicyStatement
from scanner.tables.aws_s3 import AwsS3Bucket
from tests.support.terraform import PLANS, Collected, change, made, plan


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    return Collected(plan("changes"), tmp_path_factory.mktemp("changes"), account="")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    data = json.loads((PLANS / "changes" / "state.json").read_text())
    return Collected(data, tmp_path_factory.mktemp("state"), account="", where="state.json")


def test_a_deleted_resource_is_listed_and_not_judged(changes: Collected) -> None:
    assert "aws_iam_user.gone" in changes.outcome.gone
    assert "aws_iam_user.left" in changes.outcome.gone
    assert changes.rows(AwsIamUser) == []


def test_a_moved_resource_is_the_one_it_was(changes: Collected, state: Collected) -> None:
    assert changes.one(AwsIamGroup).uid == state.one(AwsIamGroup).uid == "arn:aws:iam::123456789012:group/moved"


def test_a_replaced_resource_keeps_its_identity_and_gets_its_new_values(changes: Collected, state: Collected) -> None:
    assert changes.one(AwsEbsVolume).uid == state.one(AwsEbsVolume).uid
    assert state.one(AwsEbsVolume).is_encrypted is True
    assert changes.one(AwsEbsVolume).is_encrypted is False


def test_an_update_is_seen(changes: Collected, state: Collected) -> None:
    assert state.one(AwsKmsKey).rotation_enabled is False
    assert changes.one(AwsKmsKey).rotation_enabled is True
    assert changes.one(AwsKmsKey).rotation_period_seconds == 365 * 86_400


def test_what_a_deleted_satellite_had_set_is_off(changes: Collected, state: Collected) -> None:
    """The plan's refreshed bucket still repeats versioning and policy; deleting a block is no default."""
    before, after = state.one(AwsS3Bucket), changes.one(AwsS3Bucket)

    assert (before.versioning_enabled, before.public_access_blocked, before.tls_required) == (True, True, True)
    assert (after.versioning_enabled, after.public_access_blocked, after.tls_required) == (False, False, False)
    assert changes.rows(AwsPolicyStatement, uid=after.uid) == []


def test_a_deleted_rule_is_gone_although_the_group_repeats_it(changes: Collected, state: Collected) -> None:
    def ports(found: Collected) -> list[int | None]:
        return sorted(row.from_port or 0 for row in found.rows(AwsSecurityGroupRule))

    assert ports(state) == [22, 443], "the refreshed group and the two rules are three sources of two rows"
    assert ports(changes) == [443]


def test_a_deleted_inline_policy_is_gone_although_the_role_repeats_it(changes: Collected, state: Collected) -> None:
    def names(found: Collected) -> list[str | None]:
        return sorted(r.policy_name or "" for r in found.rows(AwsPolicyStatement, policy_kind="identity"))

    assert names(state) == ["deny", "read"]
    assert names(changes) == ["read"]


def test_a_plan_without_changes_says_what_the_state_says(state: Collected, tmp_path: Path) -> None:
    data = json.loads((PLANS / "changes" / "noop.json").read_text())

    noop = Collected(data, tmp_path, account="", where="state.json")

    from scanner.collectors.terraform import KINDS

    for table in {table for kind in KINDS for table in kind.tables}:
        assert noop.rows(table) == state.rows(table), table.table


def test_a_refresh_only_plan_lists_no_changes_and_is_judged_all_the_same(tmp_path: Path) -> None:
    data = json.loads((PLANS / "changes" / "noop.json").read_text())
    del data["resource_changes"]
    data["planned_values"] = json.loads((PLANS / "changes" / "state.json").read_text())["values"]
    data["prior_state"] = {}

    found = Collected(data, tmp_path, account="")

    assert len(found.rows(AwsSecurityGroupRule)) == 2


def existing(address: str, **values: object) -> dict[str, object]:
    return change(address, values, before=values, actions=("no-op",))


def gone(address: str, **values: object) -> dict[str, object]:
    return change(address, None, before=values, actions=("delete",))


def rows(data: dict[str, object], folder: Path, table: type[Child]) -> list[Child]:
    return Collected(data, folder).rows(table)


def test_a_deleted_route_is_gone_although_the_table_repeats_it(tmp_path: Path) -> None:
    kept = {"cidr_block": "10.9.0.0/16", "gateway_id": "igw-1"}
    left = {"cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"}
    data = made(
        existing("aws_route_table.t", id="rtb-1", vpc_id="vpc-1", route=[kept, left], propagating_vgws=[]),
        gone("aws_route.r", route_table_id="rtb-1", destination_cidr_block="0.0.0.0/0", gateway_id="igw-1"),
    )

    found = rows(data, tmp_path, AwsRoute)

    assert [row.destination for row in found if row.target_kind != "local"] == ["10.9.0.0/16"]


def test_a_deleted_acl_entry_is_gone_although_the_acl_repeats_it(tmp_path: Path) -> None:
    entry = {"rule_no": 100, "action": "deny", "protocol": "6", "from_port": 22, "to_port": 22,
             "cidr_block": "0.0.0.0/0"}  # fmt: skip
    data = made(
        existing("aws_network_acl.a", id="acl-1", vpc_id="vpc-1", ingress=[entry], egress=[], subnet_ids=[]),
        gone("aws_network_acl_rule.r", network_acl_id="acl-1", rule_number=100, egress=False),
    )

    assert [r.rule_number for r in rows(data, tmp_path, AwsNetworkAclEntry)] == [32767, 32767]


def test_a_deleted_attachment_is_gone_although_the_role_repeats_it(tmp_path: Path) -> None:
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    read = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    role = existing(
        "aws_iam_role.r", name="r", path="/", inline_policy=[], managed_policy_arns=[admin, read],
        assume_role_policy='{"Statement": []}', permissions_boundary="",
    )  # fmt: skip
    data = made(role, gone("aws_iam_role_policy_attachment.a", role="r", policy_arn=admin))

    assert [row.policy_name for row in rows(data, tmp_path, AwsIamAttachment)] == ["ReadOnlyAccess"]


def test_the_last_policy_of_several_deleted_is_not_taken_for_all(tmp_path: Path) -> None:
    """Deleting one satellite of a type says nothing while another one stays."""
    text = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}'
    data = made(
        existing("aws_s3_bucket.b", bucket="b", policy=text, grant=[]),
        existing("aws_s3_bucket_policy.new", bucket="b", policy=text),
        gone("aws_s3_bucket_policy.old", bucket="b", policy=text),
    )

    assert Collected(data, tmp_path).one(AwsS3Bucket).policy_is_public is True


def test_of_what_a_plan_deletes_it_says_that_nothing_is_left(tmp_path: Path) -> None:
    """A rule that wants one of them then fails; were the table not asked for, it could not be told."""
    data = made(
        change("aws_backup_plan.last", None, before={"arn": "arn:aws:backup:eu-west-1:1:x"}, actions=("delete",))
    )

    found = Collected(data, tmp_path)

    assert "aws_backup_plan" in {row.table_name for row in found.rows(Requested)}
    assert found.rows(AwsBackupPlan) == []
    assert found.gap_rows("aws_backup_plan") == []


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_opentofu_and_every_format_say_the_same(version: str, tmp_path: Path) -> None:
    text = json.dumps(plan("everything")).replace("registry.terraform.io", "registry.opentofu.org")
    tofu = json.loads(text) | {"format_version": version, "terraform_version": "1.10.6"}

    one, other = Collected(plan("everything"), tmp_path), Collected(tofu, tmp_path)

    for kind in (AwsS3Bucket, AwsSecurityGroupRule, AwsPolicyStatement, AwsKmsKey):
        assert one.rows(kind) == other.rows(kind) != []
