"""The network of a region. Everything is described in bulk: one listing a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from scanner.collectors.aws.arns import arn
from scanner.collectors.aws.cidr import is_public
from scanner.collectors.aws.ports import ports_of, protocol_of
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import field, name_of, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_network import (
    AwsAttachedSecurityGroup,
    AwsFlowLog,
    AwsInternetGateway,
    AwsNatGateway,
    AwsNetworkAcl,
    AwsNetworkAclAssociation,
    AwsNetworkAclEntry,
    AwsNetworkInterface,
    AwsNetworkInterfaceAddress,
    AwsRoute,
    AwsRouteTable,
    AwsRouteTableAssociation,
    AwsSecurityGroup,
    AwsSecurityGroupRule,
    AwsSubnet,
    AwsVpc,
    AwsVpcCidr,
    AwsVpcPeeringCidr,
    AwsVpcPeeringConnection,
)

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api


def uid_of(document: Document, table: str, id: str | None) -> str | None:
    """The uid of a resource of the same account and region; '' for none, None where the id is not known."""
    if not id:
        return id
    return arn(table, id, account=document.account, region=document.region)


# --- shaping ----------------------------------------------------------------------------------------------------------


def shape_vpc(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeVpcs")
    logs = document.parts.get("DescribeFlowLogs")
    yield AwsVpc(
        **document.place,
        cidr=field(raw, "CidrBlock", ""),
        is_default=field(raw, "IsDefault", False),
        flow_logs_enabled=None if logs is None else any(_is_active(log) for log in logs),
    )
    if raw is not None:
        blocks = [(b, b.get("CidrBlock", ""), "CidrBlockState") for b in raw.get("CidrBlockAssociationSet", ())]
        blocks += [
            (b, b.get("Ipv6CidrBlock", ""), "Ipv6CidrBlockState") for b in raw.get("Ipv6CidrBlockAssociationSet", ())
        ]
        yield from numbered(
            AwsVpcCidr(**document.place, cidr=cidr)
            for block, cidr, state in blocks
            if block.get(state, {}).get("State", "associated") == "associated"
        )
    yield from _tags(document, raw)


def shape_subnet(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeSubnets")
    ipv6 = field(raw, "Ipv6CidrBlockAssociationSet", ())
    yield AwsSubnet(
        **document.place,
        vpc_uid=uid_of(document, "aws_vpc", field(raw, "VpcId", "")),
        cidr=field(raw, "CidrBlock", ""),
        ipv6_cidr=None if ipv6 is None else next((b.get("Ipv6CidrBlock", "") for b in ipv6), ""),
        availability_zone=field(raw, "AvailabilityZone", ""),
        assigns_public_ip=field(raw, "MapPublicIpOnLaunch", False),
    )
    yield from _tags(document, raw)


def shape_route_table(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeRouteTables")
    associations = field(raw, "Associations", ())
    yield AwsRouteTable(
        **document.place,
        vpc_uid=uid_of(document, "aws_vpc", field(raw, "VpcId", "")),
        is_main=None if associations is None else any(a.get("Main", False) for a in associations),
    )
    yield from numbered(
        AwsRouteTableAssociation(
            **document.place,
            subnet_uid=uid_of(document, "aws_subnet", a.get("SubnetId", "")),
            gateway_uid=_gateway_uid(document, a.get("GatewayId", "")),
            is_main=a.get("Main", False),
        )
        for a in associations or ()
    )
    yield from numbered(_route(document, r) for r in field(raw, "Routes", ()) or ())
    yield from _tags(document, raw)


_TARGETS = (  # the key of a route's target, what it is, the table it has a uid in
    ("NatGatewayId", "nat_gateway", "aws_nat_gateway"),
    ("VpcPeeringConnectionId", "vpc_peering", "aws_vpc_peering_connection"),
    ("TransitGatewayId", "transit_gateway", "aws_transit_gateway"),
    ("EgressOnlyInternetGatewayId", "egress_only_internet_gateway", "aws_egress_only_internet_gateway"),
    ("LocalGatewayId", "local_gateway", "aws_local_gateway"),
    ("CarrierGatewayId", "carrier_gateway", "aws_carrier_gateway"),
    ("InstanceId", "instance", "aws_instance"),
    ("NetworkInterfaceId", "network_interface", "aws_network_interface"),
)
_GATEWAYS = {
    "igw": ("internet_gateway", "aws_internet_gateway"),
    "eigw": ("egress_only_internet_gateway", "aws_egress_only_internet_gateway"),
    "vgw": ("virtual_private_gateway", "aws_vpn_gateway"),
    "vpce": ("vpc_endpoint", "aws_vpc_endpoint"),
}


def _gateway_uid(document: Document, id: str) -> str | None:
    _, table = _GATEWAYS.get(id.split("-")[0], ("", ""))
    return uid_of(document, table, id) if table else id


def _target(document: Document, raw: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Kind and uid of a route's target; both None for a kind that AWS has added since."""
    gateway = raw.get("GatewayId", "")
    if gateway == "local":
        return "local", ""
    if gateway:
        kind, _ = _GATEWAYS.get(gateway.split("-")[0], (None, ""))
        return kind, _gateway_uid(document, gateway)
    if raw.get("CoreNetworkArn"):
        return "core_network", raw["CoreNetworkArn"]
    for key, kind, table in _TARGETS:
        if raw.get(key):
            return kind, uid_of(document, table, raw[key])
    return None, None


def _route(document: Document, raw: Mapping[str, Any]) -> AwsRoute:
    destination = (
        raw.get("DestinationCidrBlock")
        or raw.get("DestinationIpv6CidrBlock")
        or raw.get("DestinationPrefixListId")
        or None
    )
    kind, target = _target(document, raw)
    return AwsRoute(
        **document.place,
        destination=destination,
        is_default=destination in ("0.0.0.0/0", "::/0"),
        target_kind=kind,
        target_uid=target,
        is_active=raw.get("State", "active") == "active",
        is_propagated=raw.get("Origin", "") == "EnableVgwRoutePropagation",
    )


def shape_peering(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeVpcPeeringConnections")
    row = AwsVpcPeeringConnection(**document.place)
    sides = {"requester": (raw or {}).get("RequesterVpcInfo", {}), "accepter": (raw or {}).get("AccepterVpcInfo", {})}
    if raw is not None:
        row.status = raw.get("Status", {}).get("Code", "")
        requester, accepter = sides["requester"], sides["accepter"]
        row.requester_account, row.accepter_account = requester.get("OwnerId"), accepter.get("OwnerId")
        row.requester_region = requester.get("Region", document.region)
        row.accepter_region = accepter.get("Region", document.region)
        row.requester_vpc_uid = _peer(requester, row.requester_region)
        row.accepter_vpc_uid = _peer(accepter, row.accepter_region)
        row.is_cross_account = _differ(row.requester_account, row.accepter_account)
        row.is_cross_region = _differ(row.requester_region, row.accepter_region)
    yield row
    yield from numbered(
        AwsVpcPeeringCidr(**document.place, side=side, cidr=cidr)
        for side, info in sides.items()
        for cidr in sorted(
            {b["CidrBlock"] for b in info.get("CidrBlockSet", ()) if "CidrBlock" in b}
            | {b["Ipv6CidrBlock"] for b in info.get("Ipv6CidrBlockSet", ()) if "Ipv6CidrBlock" in b}
            | ({info["CidrBlock"]} if info.get("CidrBlock") else set())
        )
    )
    yield from _tags(document, raw)


def _peer(info: Mapping[str, Any], region: str | None) -> str | None:
    if not info.get("VpcId") or not info.get("OwnerId") or region is None:
        return None
    return arn("aws_vpc", info["VpcId"], account=info["OwnerId"], region=region)


def _differ(one: str | None, other: str | None) -> bool | None:
    return None if one is None or other is None else one != other


def shape_internet_gateway(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeInternetGateways")
    attachments = field(raw, "Attachments", ())
    vpc = None if attachments is None else next((a.get("VpcId", "") for a in attachments), "")
    yield AwsInternetGateway(**document.place, vpc_uid=uid_of(document, "aws_vpc", vpc))
    yield from _tags(document, raw)


def shape_nat_gateway(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeNatGateways")
    addresses = field(raw, "NatGatewayAddresses", ())
    kind = field(raw, "ConnectivityType", "public")
    yield AwsNatGateway(
        **document.place,
        vpc_uid=uid_of(document, "aws_vpc", field(raw, "VpcId", "")),
        subnet_uid=uid_of(document, "aws_subnet", field(raw, "SubnetId", "")),
        is_public=None if kind is None else kind == "public",
        public_ip=None if addresses is None else next((a["PublicIp"] for a in addresses if a.get("PublicIp")), ""),
        private_ip=None if addresses is None else next((a["PrivateIp"] for a in addresses if a.get("PrivateIp")), ""),
        state=field(raw, "State", ""),
    )
    yield from _tags(document, raw)


def shape_network_acl(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeNetworkAcls")
    yield AwsNetworkAcl(
        **document.place,
        vpc_uid=uid_of(document, "aws_vpc", field(raw, "VpcId", "")),
        is_default=field(raw, "IsDefault", False),
    )
    yield from numbered(
        AwsNetworkAclAssociation(**document.place, subnet_uid=uid_of(document, "aws_subnet", a.get("SubnetId", "")))
        for a in field(raw, "Associations", ()) or ()
    )
    yield from numbered(_acl_entry(document, e) for e in field(raw, "Entries", ()) or ())
    yield from _tags(document, raw)


def _acl_entry(document: Document, raw: Mapping[str, Any]) -> AwsNetworkAclEntry:
    protocol = protocol_of(raw.get("Protocol", "-1"))
    ports = raw.get("PortRange", {})
    first, last = ports_of(protocol, ports.get("From"), ports.get("To"))
    cidr = raw.get("CidrBlock") or raw.get("Ipv6CidrBlock") or None
    return AwsNetworkAclEntry(
        **document.place,
        direction="egress" if raw.get("Egress", False) else "ingress",
        rule_number=raw.get("RuleNumber"),
        allows=raw.get("RuleAction") == "allow",
        protocol=protocol,
        from_port=first,
        to_port=last,
        cidr=cidr,
        is_public=None if cidr is None else is_public(cidr),
    )


def shape_security_group(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeSecurityGroups")
    name = field(raw, "GroupName", "")
    yield AwsSecurityGroup(
        **document.place,
        group_name=name,
        description=field(raw, "Description", ""),
        vpc_uid=uid_of(document, "aws_vpc", field(raw, "VpcId", "")),
        is_default=None if name is None else name == "default",
    )
    yield from numbered(
        rule
        for direction, key in (("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress"))
        for permission in field(raw, key, ()) or ()
        for rule in _rules(document, direction, permission)
    )
    yield from _tags(document, raw)


def _rules(document: Document, direction: str, raw: Mapping[str, Any]) -> Iterator[AwsSecurityGroupRule]:
    """A permission names a protocol and ports once and any number of peers: a row a peer."""
    protocol = protocol_of(raw.get("IpProtocol", "-1"))
    first, last = ports_of(protocol, raw.get("FromPort"), raw.get("ToPort"))
    icmp = protocol in ("icmp", "icmpv6")

    def rule(about: Mapping[str, Any], **peer: Any) -> AwsSecurityGroupRule:
        nobody: dict[str, Any] = {"cidr": "", "peer_group_uid": "", "peer_account": "", "prefix_list": ""}
        return AwsSecurityGroupRule(
            **document.place,
            direction=direction,
            protocol=protocol,
            from_port=first,
            to_port=last,
            icmp_type=raw.get("FromPort", -1) if icmp else -1,
            icmp_code=raw.get("ToPort", -1) if icmp else -1,
            description=about.get("Description", ""),
            **{**nobody, **peer},
        )

    for about in raw.get("IpRanges", ()):
        yield rule(about, cidr=about["CidrIp"], is_public=is_public(about["CidrIp"]))
    for about in raw.get("Ipv6Ranges", ()):
        yield rule(about, cidr=about["CidrIpv6"], is_public=is_public(about["CidrIpv6"]))
    for about in raw.get("PrefixListIds", ()):
        yield rule(about, prefix_list=about["PrefixListId"], is_public=None)
    for about in raw.get("UserIdGroupPairs", ()):
        account = about.get("UserId") or document.account
        group = about.get("GroupId")
        uid = arn("aws_security_group", group, account=account, region=document.region) if group else None
        yield rule(about, peer_group_uid=uid, peer_account=account, is_public=False)


def shape_network_interface(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeNetworkInterfaces")
    addresses = field(raw, "PrivateIpAddresses", ()) or ()
    yield AwsNetworkInterface(
        **document.place,
        vpc_uid=uid_of(document, "aws_vpc", field(raw, "VpcId", "")),
        subnet_uid=uid_of(document, "aws_subnet", field(raw, "SubnetId", "")),
        interface_type=field(raw, "InterfaceType", "interface"),
        description=field(raw, "Description", ""),
        requester=field(raw, "RequesterId", ""),
        attached_to_uid=uid_of(document, "aws_instance", field(field(raw, "Attachment", {}), "InstanceId", "")),
        private_ip=field(raw, "PrivateIpAddress", ""),
        public_ip=field(field(raw, "Association", {}), "PublicIp", ""),
        source_dest_check=field(raw, "SourceDestCheck", True),
    )
    listed = [(a.get("PrivateIpAddress", ""), a.get("Association", {}).get("PublicIp", "")) for a in addresses]
    listed += [(a.get("Ipv6Address", ""), "") for a in field(raw, "Ipv6Addresses", ()) or ()]
    listed += [(a.get("Ipv4Prefix", ""), "") for a in field(raw, "Ipv4Prefixes", ()) or ()]
    listed += [(a.get("Ipv6Prefix", ""), "") for a in field(raw, "Ipv6Prefixes", ()) or ()]
    yield from numbered(
        AwsNetworkInterfaceAddress(**document.place, address=address, public_ip=public)
        for address, public in listed
        if address
    )
    yield from attached_groups(document, field(raw, "Groups", ()), "GroupId")
    yield from _tags(document, raw)


def attached_groups(document: Document, groups: Iterable[Mapping[str, Any]] | None, key: str) -> Iterator[Placed]:
    """A row a security group that the resource carries."""
    yield from numbered(
        AwsAttachedSecurityGroup(
            **document.place, security_group_uid=uid_of(document, "aws_security_group", g.get(key, ""))
        )
        for g in groups or ()
    )


_LOGGED = {
    "vpc": ("vpc", "aws_vpc"),
    "subnet": ("subnet", "aws_subnet"),
    "eni": ("network_interface", "aws_network_interface"),
    "tgw": ("transit_gateway", "aws_transit_gateway"),
}


def shape_flow_log(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeFlowLogs")
    logged = field(raw, "ResourceId", "")
    kind, table = _LOGGED.get((logged or "").split("-")[0], (None, ""))
    yield AwsFlowLog(
        **document.place,
        resource_uid=uid_of(document, table, logged) if table else logged,
        resource_kind=kind,
        traffic=field(raw, "TrafficType", "ALL"),
        is_active=None if raw is None else _is_active(raw),
        destination_kind=field(raw, "LogDestinationType", "cloud-watch-logs"),
        destination=None if raw is None else raw.get("LogDestination") or raw.get("LogGroupName", ""),
    )
    yield from _tags(document, raw)


def _is_active(log: Mapping[str, Any]) -> bool:
    return log.get("FlowLogStatus") == "ACTIVE" and log.get("DeliverLogsStatus", "SUCCESS") != "FAILED"


def _tags(document: Document, raw: Mapping[str, Any] | None) -> Iterator[Placed]:
    yield from tag_rows(document, tag_map(field(raw, "Tags", ()) or field(raw, "TagSet", ()) or ()), document.place)


KINDS = (
    Kind("aws_vpc", (AwsVpc, AwsVpcCidr, AwsTag), shape_vpc),
    Kind("aws_subnet", (AwsSubnet, AwsTag), shape_subnet),
    Kind("aws_route_table", (AwsRouteTable, AwsRouteTableAssociation, AwsRoute, AwsTag), shape_route_table),
    Kind("aws_vpc_peering_connection", (AwsVpcPeeringConnection, AwsVpcPeeringCidr, AwsTag), shape_peering),
    Kind("aws_internet_gateway", (AwsInternetGateway, AwsTag), shape_internet_gateway),
    Kind("aws_nat_gateway", (AwsNatGateway, AwsTag), shape_nat_gateway),
    Kind("aws_network_acl", (AwsNetworkAcl, AwsNetworkAclAssociation, AwsNetworkAclEntry, AwsTag), shape_network_acl),
    Kind("aws_security_group", (AwsSecurityGroup, AwsSecurityGroupRule, AwsTag), shape_security_group),
    Kind(
        "aws_network_interface",
        (AwsNetworkInterface, AwsNetworkInterfaceAddress, AwsAttachedSecurityGroup, AwsTag),
        shape_network_interface,
    ),
    Kind("aws_flow_log", (AwsFlowLog, AwsTag), shape_flow_log),
)
_TABLES = {kind.name: kind.tables for kind in KINDS}

# --- talking ----------------------------------------------------------------------------------------------------------

_LISTINGS = (  # kind, operation, key of the list, key of the id
    ("aws_subnet", "DescribeSubnets", "Subnets", "SubnetId"),
    ("aws_route_table", "DescribeRouteTables", "RouteTables", "RouteTableId"),
    ("aws_vpc_peering_connection", "DescribeVpcPeeringConnections", "VpcPeeringConnections", "VpcPeeringConnectionId"),
    ("aws_internet_gateway", "DescribeInternetGateways", "InternetGateways", "InternetGatewayId"),
    ("aws_nat_gateway", "DescribeNatGateways", "NatGateways", "NatGatewayId"),
    ("aws_network_acl", "DescribeNetworkAcls", "NetworkAcls", "NetworkAclId"),
    ("aws_security_group", "DescribeSecurityGroups", "SecurityGroups", "GroupId"),
    ("aws_network_interface", "DescribeNetworkInterfaces", "NetworkInterfaces", "NetworkInterfaceId"),
)
PER = "region"
READS = (
    Read("ec2", "DescribeVpcs", "ec2:DescribeVpcs", rows=_TABLES["aws_vpc"]),
    Read(
        "ec2", "DescribeFlowLogs", "ec2:DescribeFlowLogs",
        rows=_TABLES["aws_flow_log"], columns={AwsVpc: ("flow_logs_enabled",)},
    ),
    *(Read("ec2", operation, f"ec2:{operation}", rows=_TABLES[kind]) for kind, operation, *_ in _LISTINGS),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every part of the network that the account owns. What others share with it is read in their account."""
    logs = api.gather("DescribeFlowLogs", "FlowLogs")
    api.in_turn(lambda log: _keep(api, "aws_flow_log", "DescribeFlowLogs", log, log["FlowLogId"]), logs or ())
    api.in_turn(lambda vpc: _vpc(api, vpc, logs), api.items("DescribeVpcs", "Vpcs"))
    for kind, operation, key, id in _LISTINGS:
        api.in_turn(partial(_listed, api, kind, operation, id), api.items(operation, key))


def _vpc(api: Api, vpc: Json, logs: list[Json] | None) -> None:
    parts = {"DescribeVpcs": vpc}
    if logs is not None:
        of_vpc = [log for log in logs if log.get("ResourceId") == vpc["VpcId"]]
        parts["DescribeFlowLogs"] = sorted(of_vpc, key=lambda log: str(log.get("FlowLogId")))
    _keep(api, "aws_vpc", "DescribeVpcs", vpc, vpc["VpcId"], parts)


def _listed(api: Api, kind: str, operation: str, id: str, raw: Json) -> None:
    _keep(api, kind, operation, raw, raw[id])
    if kind == "aws_security_group":
        _confess_prefix_lists(api, raw)


def _keep(api: Api, kind: str, operation: str, raw: Json, id: str, parts: dict[str, Json] | None = None) -> None:
    if raw.get("OwnerId", api.account.id) != api.account.id:
        return
    uid = arn(kind, id, account=api.account.id, region=api.region, partition=api.account.partition)
    api.document(kind, uid, name_of(raw.get("Tags") or raw.get("TagSet"), id), parts or {operation: raw})


def _confess_prefix_lists(api: Api, raw: Json) -> None:
    """Whether a prefix list is public depends on its entries, which are not read."""
    lists = {
        entry["PrefixListId"]
        for key in ("IpPermissions", "IpPermissionsEgress")
        for permission in raw.get(key, ())
        for entry in permission.get("PrefixListIds", ())
    }
    if lists and raw.get("OwnerId", api.account.id) == api.account.id:
        uid = arn("aws_security_group", raw["GroupId"], account=api.account.id, region=api.region)
        detail = f"entries of {', '.join(sorted(lists))} are not read"
        api.gap(AwsSecurityGroupRule, "is_public", "unsupported", uid=uid, detail=detail)
