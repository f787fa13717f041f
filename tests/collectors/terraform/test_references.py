"""Arguments that are known after apply are traced to the plan's resources, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.collectors.terraform.plan import parse
from scanner.collectors.terraform.references import References, has_hidden, split
from scanner.tables.aws_compute import AwsInstance
from scanner.tables.aws_network import (
    AwsAttachedSecurityGroup,
    AwsNetworkAclAssociation,
    AwsRoute,
    AwsRouteTableAssociation,
    AwsSecurityGroup,
    AwsSecurityGroupRule,
    AwsSubnet,
    AwsVpcPeeringConnection,
)
from scanner.tables.aws_s3 import AwsS3Bucket
from tests.support.terraform import PLANS, Collected, change, made, plan

BLUE = 'plan:module.network["blue"]'


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    return Collected(plan("everything"), tmp_path_factory.mktemp("everything"), source=PLANS / "everything")


def test_a_reference_within_a_module_instance_stays_in_that_instance(everything: Collected) -> None:
    subnets = {row.uid: row.vpc_uid for row in everything.rows(AwsSubnet)}

    assert subnets == {
        f'plan:module.network["{name}"].aws_subnet.{subnet}': f'plan:module.network["{name}"].aws_vpc.this'
        for name in ("blue", "green")
        for subnet in ("private[0]", "private[1]", "public")
    }


def test_the_output_of_a_module_instance_leads_into_it(everything: Collected) -> None:
    peering = everything.one(AwsVpcPeeringConnection)

    assert peering.requester_vpc_uid == 'plan:module.network["blue"].aws_vpc.this'
    assert peering.accepter_vpc_uid == 'plan:module.network["green"].aws_vpc.this'


def test_a_counted_resource_refers_to_the_one_of_the_same_index(everything: Collected) -> None:
    assert {row.uid: row.subnet_uid for row in everything.rows(AwsInstance)} == {
        "plan:aws_instance.app[0]": f"{BLUE}.aws_subnet.private[0]",
        "plan:aws_instance.app[1]": f"{BLUE}.aws_subnet.private[1]",
    }
    served = everything.rows(AwsRouteTableAssociation, uid=f"{BLUE}.aws_route_table.private")
    assert sorted(str(row.subnet_uid) for row in served) == [
        f"{BLUE}.aws_subnet.private[0]",
        f"{BLUE}.aws_subnet.private[1]",
    ]


def test_for_each_over_a_resource_joins_each_satellite_to_its_own(everything: Collected) -> None:
    found = {row.name: row.versioning_enabled for row in everything.rows(AwsS3Bucket)}

    assert found == {"acme-data": True, "acme-logs": False, "aws_s3_bucket.named_later": True}


def test_routes_written_in_and_beside_the_table_have_their_targets(everything: Collected) -> None:
    routes = {
        (row.uid, row.target_kind): row.target_uid for row in everything.rows(AwsRoute) if row.target_kind != "local"
    }

    assert routes[f"{BLUE}.aws_route_table.public", "internet_gateway"] == f"{BLUE}.aws_internet_gateway.this"
    assert routes[f"{BLUE}.aws_route_table.private", "nat_gateway"] == f"{BLUE}.aws_nat_gateway.this"
    assert len(routes) == 4


def test_the_three_styles_of_security_group_rules_come_together(everything: Collected) -> None:
    def rules(uid: str) -> list[tuple[object, ...]]:
        found = everything.rows(AwsSecurityGroupRule, uid=uid, direction="ingress")
        return sorted((r.from_port, r.cidr, r.peer_group_uid) for r in found)

    assert rules("plan:aws_security_group.web") == [
        (22, "0.0.0.0/0", ""),
        (443, "", "plan:aws_security_group.balancer"),
    ]
    assert rules("plan:aws_security_group.db") == [
        (5432, "", "plan:aws_security_group.web"),
        (5432, "0.0.0.0/0", ""),
    ]


def test_the_groups_of_an_instance_are_traced(everything: Collected) -> None:
    groups = everything.rows(AwsAttachedSecurityGroup, uid="plan:aws_instance.app[0]")

    assert [row.security_group_uid for row in groups] == ["plan:aws_security_group.web"]


def test_several_resources_behind_an_unknown_list_are_listed_and_more_may_follow(everything: Collected) -> None:
    uid = f"{BLUE}.aws_network_acl.this"

    assert len(everything.rows(AwsNetworkAclAssociation, uid=uid)) == 2
    assert everything.gaps(uid)["aws_network_acl_association", ""] == "after_apply"


def test_a_local_value_ends_the_trace_and_so_is_unknown(everything: Collected) -> None:
    assert everything.one(AwsSecurityGroup, group_name="balancer").vpc_uid is None
    assert everything.gaps("plan:aws_security_group.balancer")["aws_security_group", "vpc_uid"] == "after_apply"


def test_a_reference_to_one_of_two_is_unknown(tmp_path: Path) -> None:
    both = {"references": ["aws_vpc.a.id", "aws_vpc.a", "aws_vpc.b.id", "aws_vpc.b"]}
    found = Collected(
        made(
            change("aws_vpc.a", {"cidr_block": "10.0.0.0/16"}),
            change("aws_vpc.b", {"cidr_block": "10.1.0.0/16"}),
            change("aws_subnet.s", {"cidr_block": "10.0.0.0/24"}, unknown={"vpc_id": True}),
            configured={"aws_subnet.s": {"vpc_id": both}},
        ),
        tmp_path,
    )

    assert found.one(AwsSubnet).vpc_uid is None


def test_an_attribute_of_another_kind_is_followed_to_what_it_refers_to(tmp_path: Path) -> None:
    found = Collected(
        made(
            change("aws_vpc.a", {"cidr_block": "10.0.0.0/16"}),
            change("aws_subnet.s", {"cidr_block": "10.0.0.0/24"}, unknown={"vpc_id": True}),
            change("aws_security_group.g", {"name": "g"}, unknown={"vpc_id": True, "ingress": True, "egress": True}),
            configured={
                "aws_subnet.s": {"vpc_id": {"references": ["aws_vpc.a.id", "aws_vpc.a"]}},
                "aws_security_group.g": {"vpc_id": {"references": ["aws_subnet.s.vpc_id", "aws_subnet.s"]}},
            },
        ),
        tmp_path,
    )

    assert found.one(AwsSecurityGroup).vpc_uid == "plan:aws_vpc.a"


def test_an_attribute_that_is_not_the_resource_itself_is_not_taken_for_it(tmp_path: Path) -> None:
    references = ["aws_vpc.a.default_security_group_id", "aws_vpc.a"]
    found = Collected(
        made(
            change("aws_vpc.a", {"cidr_block": "10.0.0.0/16"}),
            change("aws_subnet.s", {"cidr_block": "10.0.0.0/24"}, unknown={"vpc_id": True}),
            configured={"aws_subnet.s": {"vpc_id": {"references": references}}},
        ),
        tmp_path,
    )

    assert found.one(AwsSubnet).vpc_uid is None


def test_variables_that_refer_to_each_other_without_end_are_given_up() -> None:
    data = made(change("aws_subnet.s", {"cidr_block": "10.0.0.0/24"}))
    call = {"expressions": {"x": {"references": ["module.m.x"]}}, "module": {"outputs": {}}}
    call["module"] = {"outputs": {"x": {"expression": {"references": ["var.x"]}}}}
    data["configuration"]["root_module"]["module_calls"] = {"m": call}
    found = parse(data, "p")

    traced = References(found).trace(found.instances[0], {"references": ["module.m.x"]})

    assert (traced.instances, traced.complete) == ((), False)


@pytest.mark.parametrize(
    ("reference", "steps"),
    [
        ("aws_vpc.a.id", ["aws_vpc", "a", "id"]),
        ('aws_vpc.a["b.c"].id', ["aws_vpc", "a", "b.c", "id"]),
        ("aws_vpc.a[12].id", ["aws_vpc", "a", 12, "id"]),
        ("", [""]),
    ],
)
def test_references_are_split_at_dots_outside_of_keys(reference: str, steps: list[object]) -> None:
    assert split(reference) == steps


def test_an_attribute_that_no_expression_mentions_shows_a_hidden_block() -> None:
    data = made(change("aws_eip.a", {}), configured={"aws_eip.a": {}})
    assert not has_hidden(parse(data, "p"))

    data["relevant_attributes"] = [{"resource": "aws_eip.a", "attribute": ["public_ip"]}]

    assert has_hidden(parse(data, "p"))
    assert not has_hidden(parse(plan("everything"), "p"))


@pytest.mark.parametrize(
    ("expression", "known"),
    [
        ("aws_subnet.a[count.index].id", True),
        ("aws_subnet.a[ count.index ].id", True),
        ("aws_subnet.a[count.index + 1].id", False),
        ("element(aws_subnet.a[*].id, count.index + 1)", False),
        ("aws_subnet.a[1 - count.index].id", False),
        ("", False),  # no code was given
    ],
)
def test_an_index_is_followed_only_where_the_code_shows_that_it_is_the_own_one(
    expression: str, known: bool, tmp_path: Path
) -> None:
    """A plan says that the index is in an expression, not what is reckoned with it: to guess would be to be wrong."""
    subnets = [change(f"aws_subnet.a[{n}]", {"cidr_block": f"10.0.{n}.0/24"}, index=n) for n in (0, 1)]
    unknown = {"subnet_id": True}
    hosts = [change(f"aws_instance.h[{n}]", {"ami": "a"}, unknown=unknown, index=n) for n in (0, 1)]
    references = {"subnet_id": {"references": ["aws_subnet.a", "count.index"]}}
    data = made(*subnets, *hosts, configured={"aws_instance.h": references})
    code = tmp_path / "code"
    code.mkdir()
    text = f'resource "aws_instance" "h" {{\n  count = length(aws_subnet.a)\n  subnet_id = {expression}\n}}\n'
    (code / "main.tf").write_text(text)

    found = Collected(data, tmp_path, source=code if expression else None)

    expected = {f"plan:aws_instance.h[{n}]": f"plan:aws_subnet.a[{n}]" if known else None for n in (0, 1)}
    assert {row.uid: row.subnet_uid for row in found.rows(AwsInstance)} == expected
