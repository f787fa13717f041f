"""Shapers are pure and total: any subset of the parts gives rows, and a part that is missing gives NULL."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.collectors.aws import KINDS, READS
from scanner.collectors.aws.cidr import is_public
from scanner.collectors.aws.database_tls import tls_by_default
from scanner.collectors.aws.ports import ports_of, protocol_of
from scanner.collectors.aws.schedule import interval_seconds
from scanner.collectors.aws.services.s3 import _lifecycle
from scanner.tables import Child, Document, Kind, Placed
from scanner.tables.aws_iam import AwsIamPolicy
from scanner.tables.aws_network import AwsRoute, AwsSecurityGroupRule
from scanner.tables.aws_s3 import AwsS3Bucket
from tests.support import aws

BY_NAME = {kind.name: kind for kind in KINDS}


@pytest.fixture(scope="module")
def recorded(cloud: str) -> dict[str, list[Document]]:
    """What one scan hands to the stage, by kind."""
    found: dict[str, list[Document]] = {}
    for document in aws.documents():
        found.setdefault(document.kind, []).append(document)
    return found


def document(kind: str, parts: dict[str, Any], uid: str = "arn:aws:ec2:eu-west-1:111111111111:x/y") -> Document:
    return Document(
        kind=kind, uid=uid, scope="aws/111111111111/eu-west-1", name="x", parts=parts, account="111111111111",
        region="eu-west-1", source="aws",
    )  # fmt: skip


def shape(kind: str, parts: dict[str, Any], uid: str = "arn:aws:ec2:eu-west-1:111111111111:x/y") -> list[Any]:
    return list(BY_NAME[kind].shape(document(kind, parts, uid)))


def test_the_estate_has_every_kind(recorded: dict[str, list[Document]]) -> None:
    assert set(recorded) == set(BY_NAME)


@settings(max_examples=300)
@given(st.data())
def test_any_subset_of_the_parts_tells_nothing_but_the_truth(
    recorded: dict[str, list[Document]], data: st.DataObject
) -> None:
    kind = BY_NAME[data.draw(st.sampled_from(sorted(BY_NAME)))]
    whole = data.draw(st.sampled_from(recorded[kind.name]))
    read = data.draw(st.sets(st.sampled_from(sorted(whole.parts))))
    partial = dataclasses.replace(whole, parts={k: v for k, v in whole.parts.items() if k in read})

    truth, told = list(kind.shape(whole)), list(kind.shape(partial))

    assert told == list(kind.shape(partial))
    assert type(told[0]) is kind.tables[0]
    assert {type(r) for r in told} <= set(kind.tables)
    for row in told:
        assert any(type(row) is type(other) and aws._agrees(row, other) for other in truth), row


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_without_any_part_a_resource_is_one_row_of_unknowns(kind: Kind) -> None:
    (row,) = kind.shape(document(kind.name, {}))

    placed = set(Placed.columns())
    assert {getattr(row, name) for name in row.columns() if name not in placed} == {None}


def test_every_column_is_filled_by_some_declared_read(recorded: dict[str, list[Document]]) -> None:
    """A column that the whole estate leaves NULL has nobody who reads it."""
    filled = {
        (type(row), name)
        for kind in KINDS
        for whole in recorded[kind.name]
        for row in kind.shape(whole)
        for name in row.columns()
        if getattr(row, name) is not None
    }
    every = {(t, name) for kind in KINDS for t in kind.tables for name in t.columns()}
    unseen = {t for t in {t for t, _ in every} if not any(t is s for s, _ in filled)}

    assert {t.table for t in unseen} == {"aws_rds_replication"}  # moto makes no replicas in other regions
    assert {f"{t.table}.{name}" for t, name in every - filled if t not in unseen} == set()


def test_every_part_of_a_document_is_a_declared_read(recorded: dict[str, list[Document]]) -> None:
    names = {read.name for read in READS}

    assert {part for of_kind in recorded.values() for d in of_kind for part in d.parts} <= names


def test_every_table_of_a_kind_is_lost_when_its_listing_is() -> None:
    lost = {t for read in READS for t in read.rows}

    assert {t.table for kind in KINDS for t in kind.tables} - {t.table for t in lost} == {"aws_account", "aws_region"}


# --- single meanings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cidr", "public"),
    [
        ("0.0.0.0/0", True), ("0.0.0.0/1", True), ("128.0.0.0/1", True), ("8.0.0.0/8", True), ("8.0.0.0/9", False),
        ("10.0.0.0/8", False), ("172.16.0.0/12", False), ("192.168.0.0/16", False), ("203.0.113.7/32", False),
        ("::/0", True), ("2000::/3", True), ("2001:db8::/32", False), ("fc00::/7", False), ("0.0.0.1/0", True),
        ("pl-12345678", None), ("", None),
    ],
)  # fmt: skip
def test_which_ranges_are_the_internet(cidr: str, public: bool | None) -> None:
    assert is_public(cidr) is public


@pytest.mark.parametrize(
    ("raw", "first", "last", "expected"),
    [
        ("-1", None, None, ("all", (0, 65535))),
        ("-1", 22, 22, ("all", (0, 65535))),
        ("6", 22, 23, ("tcp", (22, 23))),
        ("tcp", None, None, ("tcp", (0, 65535))),
        (17, 53, 53, ("udp", (53, 53))),
        ("icmp", 8, 0, ("icmp", (-1, -1))),
        ("58", -1, -1, ("icmpv6", (-1, -1))),
        ("50", None, None, ("50", (-1, -1))),
    ],
)
def test_protocols_and_ports_have_one_spelling(raw: Any, first: Any, last: Any, expected: Any) -> None:
    protocol = protocol_of(raw)

    assert (protocol, ports_of(protocol, first, last)) == expected


def test_a_rule_is_a_row_for_each_peer() -> None:
    permission = {
        "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
        "IpRanges": [{"CidrIp": "128.0.0.0/1", "Description": "half of it"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        "PrefixListIds": [{"PrefixListId": "pl-1"}],
        "UserIdGroupPairs": [{"GroupId": "sg-2", "UserId": "222222222222"}],
    }  # fmt: skip
    rules = [
        r for r in shape("aws_security_group", {"DescribeSecurityGroups": {"IpPermissions": [permission]}})
        if isinstance(r, AwsSecurityGroupRule)
    ]  # fmt: skip

    assert {(r.cidr, r.peer_group_uid, r.peer_account, r.prefix_list, r.is_public) for r in rules} == {
        ("128.0.0.0/1", "", "", "", True),
        ("::/0", "", "", "", True),
        ("", "", "", "pl-1", None),
        ("", "arn:aws:ec2:eu-west-1:222222222222:security-group/sg-2", "222222222222", "", False),
    }


@pytest.mark.parametrize(
    ("target", "kind", "uid"),
    [
        ({"GatewayId": "local"}, "local", ""),
        ({"GatewayId": "igw-1"}, "internet_gateway", "internet-gateway/igw-1"),
        ({"GatewayId": "vgw-1"}, "virtual_private_gateway", "vpn-gateway/vgw-1"),
        ({"GatewayId": "vpce-1"}, "vpc_endpoint", "vpc-endpoint/vpce-1"),
        ({"NatGatewayId": "nat-1"}, "nat_gateway", "natgateway/nat-1"),
        ({"VpcPeeringConnectionId": "pcx-1"}, "vpc_peering", "vpc-peering-connection/pcx-1"),
        ({"TransitGatewayId": "tgw-1"}, "transit_gateway", "transit-gateway/tgw-1"),
        ({"InstanceId": "i-1", "NetworkInterfaceId": "eni-1"}, "instance", "instance/i-1"),
        ({"NetworkInterfaceId": "eni-1"}, "network_interface", "network-interface/eni-1"),
        ({"SomethingNew": "x-1"}, None, None),
    ],
)
def test_where_a_route_leads(target: dict[str, str], kind: str | None, uid: str | None) -> None:
    raw = {"Routes": [{"DestinationCidrBlock": "10.0.0.0/8", "State": "active", **target}]}
    (route,) = (r for r in shape("aws_route_table", {"DescribeRouteTables": raw}) if isinstance(r, AwsRoute))

    prefix = "arn:aws:ec2:eu-west-1:111111111111:"
    assert (route.target_kind, route.target_uid) == (kind, prefix + uid if uid else uid)


_OFF = {"PublicAccessBlockConfiguration": {}}
_OPEN = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}}
_RESTRICT = {"PublicAccessBlockConfiguration": {"RestrictPublicBuckets": True}}


@pytest.mark.parametrize(
    ("bucket", "account", "policy", "public"),
    [
        (_OFF, _OFF, _OPEN, True),
        (None, None, _OPEN, True),
        (_RESTRICT, _OFF, _OPEN, False),
        (_OFF, _RESTRICT, _OPEN, False),
        (_OFF, _OFF, None, False),
        ("not read", _OFF, _OPEN, None),
        (_OFF, "not read", _OPEN, None),
        (_RESTRICT, "not read", _OPEN, False),
        (_OFF, _OFF, "not read", None),
        (_OFF, _OFF, "not a policy", None),
    ],
)
def test_what_makes_a_bucket_public(bucket: Any, account: Any, policy: Any, public: bool | None) -> None:
    parts = {
        "GetPublicAccessBlock": bucket, "GetAccountPublicAccessBlock": account, "GetBucketPolicy": policy,
        "GetBucketAcl": {"Grants": []}, "GetBucketOwnershipControls": None,
    }  # fmt: skip
    (row, *_) = shape("aws_s3_bucket", {k: v for k, v in parts.items() if v != "not read"}, "arn:aws:s3:::b")

    assert row.is_public is public


@pytest.mark.parametrize(
    ("resources", "required"),
    [
        (["arn:aws:s3:::b", "arn:aws:s3:::b/*"], True),
        ("*", True),
        ("arn:aws:s3:::b*", True),
        ("arn:aws:s3:::b/*", False),
        ("arn:aws:s3:::b", False),
    ],
)
def test_tls_is_required_when_the_bucket_and_its_objects_are_covered(resources: Any, required: bool) -> None:
    denial = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    (row, *_) = shape("aws_s3_bucket", {"GetBucketPolicy": {"Statement": denial}}, "arn:aws:s3:::b")

    assert isinstance(row, AwsS3Bucket)
    assert row.tls_required is required


@pytest.mark.parametrize(
    ("engine", "version", "required"),
    [
        ("postgres", "15.4", True), ("postgres", "14.9", False), ("mysql", "8.4.3", False), ("mysql", "9.7.0", True),
        ("mariadb", "11.4.5", False), ("mariadb", "11.8.2", True), ("sqlserver-se", "16.00", False),
        ("oracle-ee", "19", None), ("postgres", "", None),
    ],
)  # fmt: skip
def test_engines_that_refuse_plain_connections_by_default(engine: str, version: str, required: bool | None) -> None:
    assert tls_by_default(engine, version) is required


def test_a_parameter_group_decides_before_the_default() -> None:
    raw = {"Engine": "postgres", "EngineVersion": "16.1", "DBParameterGroups": [{"DBParameterGroupName": "own"}]}
    set_off = [{"ParameterName": "rds.force_ssl", "ParameterValue": "0"}]

    def required(**parts: Any) -> Any:
        return shape("aws_rds_instance", {"DescribeDBInstances": raw, **parts})[0].tls_required

    assert required(DescribeDBParameters=set_off) is False
    assert required(DescribeDBParameters=[]) is True
    assert required() is None


def test_copies_in_other_regions_name_their_region() -> None:
    raw = {
        "ReadReplicaDBInstanceIdentifiers": ["near", "arn:aws:rds:eu-central-1:111111111111:db:far"],
        "DBInstanceAutomatedBackupsReplications": [
            {"DBInstanceAutomatedBackupsArn": "arn:aws:rds:us-east-1:111111111111:auto-backup:ab-1"}
        ],
    }
    rows: list[Any] = [r for r in shape("aws_rds_instance", {"DescribeDBInstances": raw}) if isinstance(r, Child)]

    assert {(r.replication_kind, r.destination_region) for r in rows} == {
        ("read_replica", "eu-west-1"), ("read_replica", "eu-central-1"), ("automated_backups", "us-east-1"),
    }  # fmt: skip


def test_a_policy_of_aws_is_known_as_such() -> None:
    raw = {"Arn": "arn:aws:iam::aws:policy/job-function/Auditor", "AttachmentCount": 1}
    (row, *_) = shape("aws_iam_policy", {"GetAccountAuthorizationDetails": raw}, "arn:aws:iam::1:aws-policy/x")

    assert isinstance(row, AwsIamPolicy)
    assert (row.policy_arn, row.is_aws_managed) == (raw["Arn"], True)


def test_objects_that_expire_on_a_date_live_for_no_fixed_time() -> None:
    place = document("aws_s3_bucket", {}).place

    assert _lifecycle(place, {"Expiration": {"Date": "2027-01-01T00:00:00Z"}}).expiration_seconds is None
    assert _lifecycle(place, {"Expiration": {"Days": 30}}).expiration_seconds == 30 * 86_400
    assert _lifecycle(place, {}).expiration_seconds == 0


HOUR, DAY = 3600, 86_400


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 hour)", HOUR),
        ("rate(12 hours)", 12 * HOUR),
        ("cron(0 * * * ? *)", HOUR),
        ("cron(0 5 ? * * *)", DAY),
        ("cron(0 5,17 ? * * *)", 12 * HOUR),
        ("cron(0 8-18 ? * * *)", 14 * HOUR),
        ("cron(0/15 * * * ? *)", HOUR // 4),
        ("cron(0 5 ? * MON-FRI *)", 3 * DAY),
        ("cron(0 5 ? * SUN *)", 7 * DAY),
        ("cron(0 5 ? * FRI-MON *)", 4 * DAY),
        ("cron(0 5 1 * ? *)", 31 * DAY),
        ("cron(0 5 L * ? *)", 31 * DAY),
        ("cron(0 5 1 1 ? *)", 366 * DAY),
        ("cron(0 5 ? * 2#1 *)", 35 * DAY),
        ("cron(0 5 ? * 6L *)", 35 * DAY),
        ("cron(0 5 1W * ? *)", 33 * DAY),
        ("cron(0 5 1 1 ? 2025)", 0),
        ("cron(0 5 * *)", None),
        ("cron(0 99 ? * * *)", None),
        ("cron(0 5 ? * FUNDAY *)", None),
        (f"rate({'9' * 20} days)", None),
        (f"rate({'9' * 5000} days)", None),
        ("every day", None),
        ("", None),
    ],
)
def test_how_often_a_schedule_fires(expression: str, seconds: int | None) -> None:
    assert interval_seconds(expression) == seconds


@given(st.text("cronate()0123456789 */,-?#LWMSUX", max_size=30))
def test_no_schedule_however_odd_stops_a_scan(text: str) -> None:
    assert interval_seconds(text) is None or interval_seconds(text) >= 0  # type: ignore[operator]  # None is the other case


@pytest.mark.parametrize(
    ("interfaces", "expected"),
    [
        ([], False),
        ([{"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.1"}], "Ipv6Addresses": []}], False),
        ([{}, {"PrivateIpAddresses": [{}, {"Association": {"PublicIp": "203.0.113.7"}}]}], True),
        ([{"Ipv6Addresses": [{"Ipv6Address": "2001:db8::1"}]}], True),
    ],
)
def test_an_address_of_any_interface_makes_an_instance_public(interfaces: list[Any], expected: bool) -> None:
    (row, *_) = shape("aws_instance", {"DescribeInstances": {"NetworkInterfaces": interfaces}})

    assert (row.public_ip, row.has_public_address) == ("", expected)


@pytest.mark.parametrize(("status", "expected"), [("in-sync", True), ("pending-reboot", None), ("applying", None)])
def test_a_parameter_group_that_waits_for_a_restart_says_nothing_of_now(status: str, expected: bool | None) -> None:
    groups = [{"DBParameterGroupName": "tls", "ParameterApplyStatus": status}]
    raw = {"Engine": "postgres", "EngineVersion": "14.9", "DBParameterGroups": groups}
    forced = [{"ParameterName": "rds.force_ssl", "ParameterValue": "1"}]
    (row, *_) = shape("aws_rds_instance", {"DescribeDBInstances": raw, "DescribeDBParameters": forced})

    assert row.tls_required is expected
