"""No secret of a plan is kept, and equal secrets can still be seen to be equal."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from scanner.safe.secrets import Redactor
from scanner.store import Estate
from scanner.tables.aws_account import AwsTag
from tests.support.terraform import KEY, Collected, change, made, plan


def everything_kept(found: Collected) -> bytes:
    """The database file, with its write-ahead log and every document unpacked."""
    raw = b"".join(path.read_bytes() for path in sorted(found.folder.glob("estate-*")))
    with Estate.open(found.path) as estate:
        for row in estate.connection.execute("SELECT body, observed FROM staged"):
            raw += b"".join(zlib.decompress(part) for part in row if part)
    return raw


def test_planted_secrets_of_a_real_plan_are_nowhere_kept(tmp_path: Path) -> None:
    data = plan("everything")
    assert json.dumps(data).count("PLANTED-") > 5

    found = Collected(data, tmp_path)

    assert b"PLANTED" not in everything_kept(found)


def test_a_sensitive_value_is_kept_as_its_keyed_hash(tmp_path: Path) -> None:
    data = made(
        change(
            "aws_db_instance.main",
            {"identifier": "main", "password": "PLANTED-password", "domain_ou": "PLANTED-ou"},
            sensitive={"password": True, "domain_ou": True},
        )
    )

    kept = everything_kept(Collected(data, tmp_path))

    assert b"PLANTED" not in kept
    assert Redactor(KEY).token("PLANTED-ou").encode() in kept


def test_a_sensitive_map_or_number_is_hashed_as_a_whole(tmp_path: Path) -> None:
    data = made(
        change(
            "aws_vpc.a",
            {"cidr_block": "10.0.0.0/16", "tags_all": {"pin": "PLANTED-1"}, "ipv6_netmask_length": 4711},
            sensitive={"tags_all": True, "ipv6_netmask_length": True},
        )
    )

    found = Collected(data, tmp_path)

    kept = everything_kept(found)
    assert b"PLANTED" not in kept
    assert b"4711" not in kept
    assert found.gaps("plan:aws_vpc.a")["aws_tag", ""] == "unsupported", "hidden tags are not known tags"


def test_the_value_of_a_sensitive_variable_is_hashed_wherever_it_stands(tmp_path: Path) -> None:
    data = made(change("aws_vpc.a", {"cidr_block": "10.0.0.0/16", "tags_all": {"note": "is PLANTED-value here"}}))
    data["variables"] = {"secret": {"value": "PLANTED-value"}}
    data["configuration"]["root_module"]["variables"] = {"secret": {"sensitive": True}}

    found = Collected(data, tmp_path)

    assert b"PLANTED" not in everything_kept(found)
    assert found.one(AwsTag).value is None


def test_a_short_value_of_a_sensitive_variable_hides_nothing_else(tmp_path: Path) -> None:
    data = made(change("aws_vpc.a", {"cidr_block": "10.0.0.0/16", "tags_all": {"stage": "prod"}}))
    data["variables"] = {"secret": {"value": "prod"}}
    data["configuration"]["root_module"]["variables"] = {"secret": {"sensitive": True}}

    assert Collected(data, tmp_path).one(AwsTag).value == "prod"


def test_secrets_of_what_the_plan_takes_away_are_not_kept_either(tmp_path: Path) -> None:
    group = {"name": "g", "id": "sg-1", "ingress": [], "egress": []}
    gone = change(
        "aws_security_group_rule.r",
        None,
        before={"security_group_id": "sg-1", "description": "PLANTED-before", "type": "ingress"},
        actions=("delete",),
    )
    gone["change"]["before_sensitive"] = {"description": True}
    data = made(change("aws_security_group.g", group, before=group, actions=("no-op",)), gone)

    assert b"PLANTED" not in everything_kept(Collected(data, tmp_path))
