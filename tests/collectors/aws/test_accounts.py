"""Getting into accounts: roles, regions, identities, and what is said when it fails."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scanner.collectors.aws import session
from scanner.errors import ConfigError, SourceError
from scanner.tables import Call, Gap, Requested, Scope
from scanner.tables.aws_account import AwsAccount, AwsRegion
from scanner.tables.aws_network import AwsVpc
from tests.support import aws

ROLE = {"role": "TierwallRead", "external_id_env": "TW_EXTERNAL_ID"}
TWO = {"main": {"id": aws.MAIN}, "other": {"id": aws.OTHER, **ROLE}}


@pytest.fixture
def external_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TW_EXTERNAL_ID", "correct-horse")


@pytest.mark.usefixtures("external_id")
def test_two_accounts_are_read_each_with_its_own_credentials(empty: str, tmp_path: Path) -> None:
    for account, cidr in ((aws.MAIN, "10.1.0.0/16"), (aws.OTHER, "10.2.0.0/16")):
        aws.client("ec2", account=account).create_vpc(CidrBlock=cidr)

    with aws.scan(tmp_path, aws.config(TWO)) as estate:
        own = [(v.account, v.cidr) for v in estate.rows(AwsVpc) if not v.is_default]
        assert sorted(own) == [(aws.MAIN, "10.1.0.0/16"), (aws.OTHER, "10.2.0.0/16")]
        assert [(a.uid, a.name) for a in estate.rows(AwsAccount)] == [
            (f"arn:aws:iam::{aws.MAIN}:root", "main"),
            (f"arn:aws:iam::{aws.OTHER}:root", "other"),
        ]
        assert [(c.scope, c.status) for c in aws.calls(estate, "AssumeRole")] == [(f"aws/{aws.OTHER}/global", "ok")]
        assert estate.rows(Gap) == []


@pytest.mark.usefixtures("external_id")
def test_the_role_is_assumed_with_its_external_id(empty: str, tmp_path: Path) -> None:
    bodies: list[Any] = []
    note = aws.intercepting(
        lambda _, operation, request: bodies.append(request["body"]) if operation == "AssumeRole" else None
    )
    with note, aws.scan(tmp_path, aws.config({"other": TWO["other"]})):
        pass

    assert [(b["RoleArn"], b["ExternalId"]) for b in bodies] == [
        (f"arn:aws:iam::{aws.OTHER}:role/TierwallRead", "correct-horse")
    ]


def test_a_missing_external_id_is_a_mistake_in_the_set_up(empty: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="account other: the environment variable TW_EXTERNAL_ID is not set"):
        aws.scan(tmp_path, aws.config(TWO))


@pytest.mark.usefixtures("external_id")
def test_a_dead_account_is_gaps_and_the_others_are_read(empty: str, tmp_path: Path) -> None:
    with aws.denying("sts", "AssumeRole"), aws.scan(tmp_path, aws.config(TWO)) as estate:
        (call,) = aws.calls(estate, "AssumeRole")
        assert (call.status, call.code) == ("denied", "AccessDeniedException")
        asked = {(r.scope, r.table_name) for r in estate.rows(Requested) if aws.OTHER in r.scope}
        assert {(g.scope, g.table_name) for g in estate.rows(Gap)} == asked
        assert {(g.reason, g.call, g.uid, g.column_name) for g in estate.rows(Gap)} == {("denied", call.id, "", "")}
        assert [a.name for a in estate.rows(AwsAccount)] == ["main"]


def test_credentials_of_another_account_than_declared_read_nothing(empty: str, tmp_path: Path) -> None:
    with aws.scan(tmp_path, aws.config({"main": {"id": "999999999999"}})) as estate:
        assert estate.rows(AwsAccount) == []
        details = {(g.reason, g.detail) for g in estate.rows(Gap)}
        assert details == {("error", f"the credentials are of account {aws.MAIN}, declared is 999999999999")}


def test_without_declared_accounts_the_environments_own_is_read(empty: str, tmp_path: Path) -> None:
    with aws.scan(tmp_path, aws.config({})) as estate:
        assert [(a.account, a.name) for a in estate.rows(AwsAccount)] == [(aws.MAIN, aws.MAIN)]


def test_without_credentials_there_is_one_clear_error(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for accounts in (None, {}):
        with pytest.raises(SourceError, match="Unable to locate credentials; set AWS_PROFILE") as raised:
            aws.scan(tmp_path, aws.config(accounts))
        assert raised.value.exit_code == 3
        assert "\n" not in str(raised.value)


def test_an_endpoint_where_nobody_listens_is_one_clear_error(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(SourceError, match='aws accounts main: Could not connect to the endpoint URL: "http://127'):
        aws.scan(tmp_path)


def test_an_unknown_region_is_a_mistake_in_the_configuration(empty: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="account main: unknown region eu-nowhere-1; use region names such as"):
        aws.scan(tmp_path, aws.config(regions=(aws.REGION, "eu-nowhere-1")))


def test_an_unknown_profile_is_a_mistake_in_the_configuration(empty: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"The config profile \(nobody\) could not be found"):
        aws.scan(tmp_path, aws.config({"main": {"id": aws.MAIN, "profile": "nobody"}}))


def test_without_declared_regions_every_enabled_one_is_read(empty: str, tmp_path: Path) -> None:
    listed = aws.client("ec2").describe_regions(AllRegions=True)["Regions"]
    enabled = sorted(r["RegionName"] for r in listed if r["OptInStatus"] != "not-opted-in")

    with aws.scan(tmp_path, aws.config(regions=())) as estate:
        assert sorted(r.region for r in estate.rows(AwsRegion)) == enabled
        assert len(enabled) < len(listed)


def test_regions_that_cannot_be_listed_leave_every_regional_table_unknown(empty: str, tmp_path: Path) -> None:
    with aws.denying("ec2", "DescribeRegions"), aws.scan(tmp_path, aws.config(regions=())) as estate:
        (call,) = aws.calls(estate, "DescribeRegions")
        assert [s.id for s in estate.rows(Scope)] == [f"aws/{aws.MAIN}/global"]
        assert len(estate.rows(AwsAccount)) == 1
        gaps = {g.table_name: (g.reason, g.call) for g in estate.rows(Gap)}
        assert gaps["aws_vpc"] == gaps["aws_rds_instance"] == ("denied", call.id)
        assert set(gaps) < {r.table_name for r in estate.rows(Requested)}


@pytest.mark.usefixtures("external_id")
def test_a_roles_credentials_are_renewed_before_they_expire(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = session._metadata

    def short(credentials: dict[str, Any]) -> dict[str, str]:
        soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
        return real(credentials) | {"expiry_time": soon.isoformat()}

    monkeypatch.setattr(session, "_metadata", short)
    with aws.counting() as made, aws.scan(tmp_path, aws.config({"other": TWO["other"]})) as estate:
        assert made.count(("sts", "AssumeRole")) > 1
        assert estate.rows(Gap) == []


def test_a_throttled_call_is_tried_again_and_the_attempts_are_counted(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    answers = iter([503, 503])

    with aws.answering("DescribeVpcs", answers), aws.scan(tmp_path, aws.config(attempts=3)) as estate:
        (call,) = aws.calls(estate, "DescribeVpcs")
        assert (call.status, call.attempts, call.items) == ("ok", 3, 1)


def test_a_call_that_stays_throttled_is_given_up(empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    answers = iter([503] * 3)

    with aws.answering("DescribeVpcs", answers), aws.scan(tmp_path, aws.config(attempts=3)) as estate:
        (call,) = aws.calls(estate, "DescribeVpcs")
        assert (call.status, call.attempts) == ("throttled", 3)
        assert {g.call for g in estate.rows(Gap)} == {call.id}


def test_the_second_scan_of_an_unchanged_account_tells_the_same(empty: str, tmp_path: Path) -> None:
    aws.fill()
    with aws.scan(tmp_path) as one, aws.scan(tmp_path) as other:
        assert _digests(one) == _digests(other)
        assert one.count(Call) >= other.count(Call)  # the credential report is there the second time


def _digests(estate: Any) -> list[Any]:
    return estate.connection.execute("SELECT uid, sha FROM staged ORDER BY uid").fetchall()


def test_user_data_is_nowhere_in_the_file(empty: str, tmp_path: Path) -> None:
    aws._compute(aws.MAIN, aws.REGION)
    encoded = base64.b64encode(aws.USER_DATA.encode())
    with aws.scan(tmp_path) as estate:
        (token,) = estate.connection.execute("SELECT user_data FROM aws_instance").fetchone()
        estate.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        written = estate.path.read_bytes()

    assert token.startswith("hm1:")
    assert b"hunter2" not in written
    assert encoded not in written


def test_progress_names_account_place_and_service(empty: str, tmp_path: Path) -> None:
    said: list[str] = []
    with aws.scan(tmp_path, progress=said.append):
        pass

    assert f"aws main {aws.REGION} network" in said
    assert "aws main global s3" in said


def test_what_is_not_modelled_is_a_gap_with_its_reason(empty: str, tmp_path: Path) -> None:
    ec2, rds = aws.client("ec2"), aws.client("rds")
    entries = ec2.create_managed_prefix_list(PrefixListName="offices", MaxEntries=1, AddressFamily="IPv4")
    lists = [{"PrefixListId": entries["PrefixList"]["PrefixListId"]}]
    group = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": lists}]
    )
    rds.create_db_instance(
        DBInstanceIdentifier="old", DBInstanceClass="db.t3.micro", Engine="oracle-ee", AllocatedStorage=20,
        MasterUsername="root", MasterUserPassword="hunter2-Tr0ub4dor",
    )  # fmt: skip

    with aws.scan(tmp_path) as estate:
        assert {(g.reason, g.table_name, g.column_name, g.uid.split(":")[-1]) for g in estate.rows(Gap)} == {
            ("unsupported", "aws_security_group_rule", "is_public", f"security-group/{group}"),
            ("unsupported", "aws_rds_instance", "tls_required", "old"),
        }
