"""Unknown is never unset: what is known after apply is NULL and a gap; a default needs proof that nothing is set."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from scanner.collectors.terraform import FAMILIES, KINDS
from scanner.collectors.terraform.defaults import DEFAULTS
from scanner.collectors.terraform.family import META
from scanner.tables import Call, Document, Gap, Requested, Scope
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_kms import AwsKmsKey
from scanner.tables.aws_network import AwsSecurityGroup, AwsSecurityGroupRule, AwsVpc
from scanner.tables.aws_policy import AwsPolicyStatement
from scanner.tables.aws_rds import AwsRdsInstance
from scanner.tables.aws_s3 import AwsS3Bucket
from tests.support.terraform import ACCOUNT, Collected, change, made, plan

DB = {"identifier": "main", "engine": "postgres", "engine_version": "15.4", "instance_class": "db.t3.micro"}
DB_UID = f"arn:aws:rds:eu-west-1:{ACCOUNT}:db:main"


def test_a_value_known_after_apply_is_null_and_a_gap(tmp_path: Path) -> None:
    data = made(
        change("aws_db_instance.main", DB, unknown={"storage_encrypted": True}),
        configured={"aws_db_instance.main": {"storage_encrypted": {"references": ["local.encrypted"]}}},
    )

    found = Collected(data, tmp_path)

    assert found.one(AwsRdsInstance).storage_encrypted is None
    assert found.gaps(DB_UID)["aws_rds_instance", "storage_encrypted"] == "after_apply"


def test_an_argument_that_is_not_set_takes_the_services_default(tmp_path: Path) -> None:
    unknown = {"backup_retention_period": True, "multi_az": True}
    data = made(
        change("aws_db_instance.main", DB | {"deletion_protection": None, "storage_encrypted": None}, unknown=unknown)
    )

    row = Collected(data, tmp_path).one(AwsRdsInstance)

    assert (row.backup_retention_seconds, row.multi_az, row.deletion_protection, row.storage_encrypted) == (
        0, False, False, False,
    )  # fmt: skip


def test_what_a_snapshot_decides_has_no_default(tmp_path: Path) -> None:
    data = made(
        change(
            "aws_db_instance.main",
            DB | {"snapshot_identifier": "before"},
            unknown={"backup_retention_period": True, "storage_encrypted": True},
        )
    )

    row = Collected(data, tmp_path).one(AwsRdsInstance)

    assert (row.backup_retention_seconds, row.storage_encrypted) == (None, None)


def test_an_existing_resource_takes_no_default(tmp_path: Path) -> None:
    before = DB | {"arn": DB_UID, "id": "db-1"}
    data = made(change("aws_db_instance.main", before, before=before, unknown={"multi_az": True}, actions=("update",)))

    assert Collected(data, tmp_path).one(AwsRdsInstance).multi_az is None


def test_without_a_configuration_nothing_unknown_takes_a_default(tmp_path: Path) -> None:
    data = made(change("aws_db_instance.main", DB, unknown={"multi_az": True}))
    del data["configuration"]["root_module"]["resources"]

    assert Collected(data, tmp_path).one(AwsRdsInstance).multi_az is None


def test_a_block_that_dynamic_may_write_takes_no_default_where_something_is_hidden(tmp_path: Path) -> None:
    data = made(change("aws_s3_bucket.b", {"bucket": "b"}, unknown={"versioning": True, "policy": True}))
    data["relevant_attributes"] = [{"resource": "aws_eip.a", "attribute": ["public_ip"]}]

    row = Collected(data, tmp_path).one(AwsS3Bucket)

    assert row.versioning_enabled is None
    assert row.has_policy is False, "a plain argument cannot hide"


def test_new_buckets_are_as_s3_makes_them_and_say_since_when(tmp_path: Path) -> None:
    found = Collected(
        made(
            change(
                "aws_s3_bucket.b",
                {"bucket": "b"},
                unknown={"server_side_encryption_configuration": True, "versioning": True, "policy": True},
            )
        ),
        tmp_path,
    )

    row = found.one(AwsS3Bucket)
    assert (row.encryption_algorithm, row.public_access_blocked, row.acls_enabled, row.versioning_enabled) == (
        "AES256", True, False, False,
    )  # fmt: skip
    for defaults in DEFAULTS.values():
        for default in defaults.values():
            assert default.source.startswith("https://")


def test_a_satellite_of_an_unknown_resource_makes_what_it_sets_unknown_everywhere(tmp_path: Path) -> None:
    satellite = change(
        "aws_s3_bucket_public_access_block.p",
        {"block_public_acls": False, "block_public_policy": False, "ignore_public_acls": False,
         "restrict_public_buckets": False},
        unknown={"bucket": True},
    )  # fmt: skip
    data = made(
        change("aws_s3_bucket.b", {"bucket": "b"}),
        satellite,
        configured={"aws_s3_bucket_public_access_block.p": {"bucket": {"references": ["local.bucket"]}}},
    )

    found = Collected(data, tmp_path)

    assert found.gaps("")["aws_s3_bucket", "public_access_blocked"] == "after_apply"
    assert found.gaps("")["aws_s3_bucket", "block_public_acls"] == "after_apply"


def test_a_satellite_of_a_resource_outside_the_plan_leaves_the_rest_of_it_unknown(tmp_path: Path) -> None:
    rule = {"security_group_id": "sg-1", "cidr_ipv4": "0.0.0.0/0", "ip_protocol": "tcp", "from_port": 22, "to_port": 22}
    found = Collected(made(change("aws_vpc_security_group_ingress_rule.ssh", rule)), tmp_path)
    uid = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:security-group/sg-1"

    assert found.one(AwsSecurityGroupRule, uid=uid).is_public is True
    assert found.one(AwsSecurityGroup, uid=uid).group_name is None
    assert found.gaps(uid)["aws_security_group_rule", ""] == "after_apply"


def test_one_unknown_policy_of_several_leaves_the_rows_of_the_others(tmp_path: Path) -> None:
    found = Collected(plan("everything"), tmp_path)
    uid = f"arn:aws:iam::{ACCOUNT}:role/app"

    assert {(r.policy_kind, r.policy_name) for r in found.rows(AwsPolicyStatement, uid=uid)} == {
        ("identity", "everything"),
        ("trust", ""),
    }
    assert found.gaps(uid)["aws_policy_statement", ""] == "after_apply"


def test_an_account_that_nothing_tells_is_unknown(tmp_path: Path) -> None:
    found = Collected(made(change("aws_kms_key.k", {"enable_key_rotation": True})), tmp_path, account="")

    assert found.one(AwsKmsKey).account is None
    assert found.outcome.notices[0].startswith("plan.json: the plan does not tell the AWS account")


def test_the_account_of_what_exists_is_that_of_what_is_new(tmp_path: Path) -> None:
    arn = "arn:aws:ec2:eu-west-1:222222222222:vpc/vpc-1"
    existing = {"cidr_block": "10.0.0.0/16", "arn": arn, "id": "vpc-1"}
    found = Collected(
        made(
            change("aws_vpc.a", existing, before=existing, actions=("no-op",)),
            change("aws_kms_key.k", {"enable_key_rotation": True}),
        ),
        tmp_path,
        account="",
    )

    assert found.one(AwsVpc).uid == arn
    assert found.one(AwsKmsKey).account == "222222222222"


def test_a_partial_plan_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    data = made(change("aws_vpc.a", {"cidr_block": "10.0.0.0/16"})) | {"complete": False}

    found = Collected(data, tmp_path)

    assert found.gaps("")["aws_vpc", ""] == "unsupported"
    assert found.outcome.notices[0] == "plan.json: the plan is partial, so what it leaves out is not judged"


def test_what_is_deferred_leaves_a_gap_in_the_tables_it_would_fill(tmp_path: Path) -> None:
    deferred = [{"reason": "instance_count_unknown", "resource_change": change("aws_vpc.later", {"cidr_block": None})}]
    data = made(change("aws_kms_key.k", {})) | {"deferred_changes": deferred}

    assert Collected(data, tmp_path).gaps("")["aws_vpc", ""] == "after_apply"


def test_types_that_no_table_takes_are_counted_and_named(tmp_path: Path) -> None:
    found = Collected(plan("everything"), tmp_path)

    assert found.outcome.not_modelled == {"aws_db_subnet_group": 1, "aws_eip": 2}


def test_only_tables_of_families_that_the_plan_has_are_requested(tmp_path: Path) -> None:
    found = Collected(made(change("aws_vpc.a", {"cidr_block": "10.0.0.0/16"})), tmp_path)

    assert {row.table_name for row in found.rows(Requested)} == {"aws_vpc", "aws_vpc_cidr", "aws_tag"}
    assert [(row.id, row.source) for row in found.rows(Scope)] == [("terraform/plan.json", "terraform")]
    assert [(row.service, row.operation) for row in found.rows(Call)] == [("file", "terraform show (plan)")]


def test_every_null_in_a_real_plan_has_a_gap_that_says_why(tmp_path: Path) -> None:
    """A column of a resource's own table that is NULL without a gap would be unknown for no reason."""
    found = Collected(plan("everything"), tmp_path)
    explained = {(gap.uid, gap.table_name, gap.column_name) for gap in found.rows(Gap)}

    for kind in KINDS:
        for row in found.rows(kind.tables[0]):
            empty = {f.name for f in dataclasses.fields(row) if getattr(row, f.name) is None}
            assert {(row.uid, row.table, name) for name in empty} <= explained


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.kind_name)
def test_any_subset_of_the_parts_gives_rows(family: object, tmp_path: Path) -> None:
    """Old snapshots are shaped by newer code: a shaper may not need a part."""
    from scanner.collectors.terraform.family import Family

    assert isinstance(family, Family)
    bare = Document(kind=family.kind_name, uid="plan:x", scope="s", name="x", parts={})
    empty = dataclasses.replace(bare, parts={family.types[0]: {"x.y": {}}, META: {"new": True}})
    broken = dataclasses.replace(
        bare, parts={family.types[0]: {"x.y": {}}, **{name: {"a": {}} for name in family.satellites}, META: {}}
    )
    unfit = dataclasses.replace(bare, parts={family.types[0]: {"x.y": {"tags": 7, "ingress": [None], "rule": "x"}}})

    for document in (bare, empty, broken, unfit):
        rows = family.shape(document).rows()
        assert type(rows[0]) is family.tables[0]
        assert {type(row) for row in rows} <= set(family.tables)


def test_tags_with_unknown_values_are_known_by_their_keys(tmp_path: Path) -> None:
    data = made(
        change("aws_vpc.a", {"cidr_block": "10.0.0.0/16", "tags_all": {"a": "1"}}, unknown={"tags_all": {"b": True}})
    )

    found = Collected(data, tmp_path)

    assert {row.key_name: row.value for row in found.rows(AwsTag)} == {"a": "1", "b": None}
