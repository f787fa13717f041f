"""VPCs, subnets, routes, peerings, gateways, network ACLs, security groups, interfaces, flow logs."""

from __future__ import annotations

from collections.abc import Callable

from scanner.collectors.aws.cidr import is_public
from scanner.collectors.aws.ports import ports_of, protocol_of
from scanner.collectors.terraform.family import Family, Parts, Satellite
from scanner.collectors.terraform.reading import NO_ACCOUNT, NO_REGION, RUNNING, UNSUPPORTED, Lost, Shape, View, then
from scanner.collectors.terraform.tags import fill_tags
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

VPC = ("aws_vpc", "aws_default_vpc")
SUBNET = ("aws_subnet", "aws_default_subnet")
GROUP = ("aws_security_group", "aws_default_security_group")
_TABLE = ("aws_route_table", "aws_default_route_table")
_ACL = ("aws_network_acl", "aws_default_network_acl")


def vpc_of(view: View, parts: Parts, argument: str = "vpc_id", absent: str | None = None) -> str | Lost:
    """The uid of the VPC that an argument names."""
    return view.ref(argument, *VPC, known=parts.by_id("aws_vpc"), absent=absent)


def subnet_of(view: View, parts: Parts, argument: str = "subnet_id", absent: str | None = None) -> str | Lost:
    """The uid of the subnet that an argument names."""
    return view.ref(argument, *SUBNET, known=parts.by_id("aws_subnet"), absent=absent)


def attached_groups(shape: Shape, parts: Parts, view: View, argument: str) -> None:
    """The security groups that a resource carries."""
    groups, loss = view.refs(argument, *GROUP, known=parts.by_id("aws_security_group"))
    if loss:
        shape.lost(AwsAttachedSecurityGroup, "", loss)
    for group in groups:
        shape.child(AwsAttachedSecurityGroup, security_group_uid=group)


def _is_default(parts: Parts) -> bool:
    return parts.type.startswith("aws_default_")


# --- VPCs, subnets, peerings ------------------------------------------------------------------------------------------


def _vpc(shape: Shape, parts: Parts) -> None:
    own = parts.own
    logs = [log.text("vpc_id", absent="") != "" for log in parts.views("aws_flow_log")]
    shape.resource(
        AwsVpc,
        cidr=own.text("cidr_block"),
        is_default=_is_default(parts),
        flow_logs_enabled=True if any(logs) else False if parts.is_new else RUNNING,
    )
    others = parts.views("aws_vpc_ipv4_cidr_block_association", "aws_vpc_ipv6_cidr_block_association")
    ipv6 = own.boolean("assign_generated_ipv6_cidr_block", absent=False)
    given = own.text("ipv6_cidr_block", absent="")
    if ipv6 is True and not isinstance(given, Lost) and not given:
        given = RUNNING
    for cidr in (own.text("cidr_block"), given, *(_first(view, "cidr_block", "ipv6_cidr_block") for view in others)):
        if isinstance(cidr, Lost):
            shape.lost(AwsVpcCidr, "", cidr)
        elif cidr:
            shape.child(AwsVpcCidr, cidr=cidr)
    fill_tags(shape, own)


def _first(view: View, *names: str) -> str | Lost:
    """The first argument of several that is set."""
    for name in names:
        if view.values.get(name) is not None:
            return view.text(name)
    return view.text(names[0], absent="")


def _subnet(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shape.resource(
        AwsSubnet,
        vpc_uid=vpc_of(own, parts),
        cidr=own.text("cidr_block", absent=""),
        ipv6_cidr=own.text("ipv6_cidr_block", absent=""),
        availability_zone=own.text("availability_zone"),
        assigns_public_ip=own.boolean("map_public_ip_on_launch", absent=False),
    )
    fill_tags(shape, own)


def _peering(shape: Shape, parts: Parts) -> None:
    own, document = parts.own, parts.document
    account = document.account or NO_ACCOUNT
    region = document.region or NO_REGION
    other_account = then(own.text("peer_owner_id", absent=""), lambda text: text or account)
    other_region = then(own.text("peer_region", absent=""), lambda text: text or region)
    set_account, set_region = own.text("peer_owner_id", absent=""), own.text("peer_region", absent="")
    accepter = own.ref("peer_vpc_id", *VPC, known=parts.by_id("aws_vpc"))
    if set_account or set_region:  # the id is of another place than this document's
        accepter = own.ref("peer_vpc_id", *VPC, known=str)
    shape.resource(
        AwsVpcPeeringConnection,
        status=then(own.boolean("auto_accept", absent=False), lambda yes: "active" if yes else RUNNING),
        requester_vpc_uid=vpc_of(own, parts),
        requester_account=account,
        requester_region=region,
        accepter_vpc_uid=accepter,
        accepter_account=other_account,
        accepter_region=other_region,
        is_cross_account=_differs(other_account, account, set_account),
        is_cross_region=_differs(other_region, region, set_region),
    )
    shape.lost(AwsVpcPeeringCidr, "", RUNNING)
    fill_tags(shape, own)


def _differs(other: str | Lost, own: str | Lost, given: str | Lost) -> bool | Lost:
    """Whether the far side is elsewhere; where nothing names it, it is not."""
    if given == "":
        return False
    if isinstance(other, Lost):
        return other
    return own if isinstance(own, Lost) else other != own


# --- Routes -----------------------------------------------------------------------------------------------------------

# argument → kind of target, types it may refer to, table whose uid pattern it has
_TARGETS = {
    "gateway_id": (
        "internet_gateway",
        ("aws_internet_gateway", "aws_vpn_gateway"),
        "aws_internet_gateway",
    ),
    "nat_gateway_id": ("nat_gateway", ("aws_nat_gateway",), "aws_nat_gateway"),
    "vpc_peering_connection_id": (
        "vpc_peering",
        ("aws_vpc_peering_connection", "aws_vpc_peering_connection_accepter"),
        "aws_vpc_peering_connection",
    ),
    "egress_only_gateway_id": (
        "egress_only_internet_gateway",
        ("aws_egress_only_internet_gateway",),
        "aws_egress_only_internet_gateway",
    ),
    "transit_gateway_id": ("transit_gateway", ("aws_ec2_transit_gateway",), "aws_transit_gateway"),
    "network_interface_id": ("network_interface", ("aws_network_interface",), "aws_network_interface"),
    "vpc_endpoint_id": ("vpc_endpoint", ("aws_vpc_endpoint",), "aws_vpc_endpoint"),
    "local_gateway_id": ("local_gateway", (), "aws_local_gateway"),
    "carrier_gateway_id": ("carrier_gateway", (), "aws_carrier_gateway"),
    "core_network_arn": ("core_network", (), ""),
}
_DESTINATIONS = ("cidr_block", "destination_cidr_block", "ipv6_cidr_block", "destination_ipv6_cidr_block",
                 "destination_prefix_list_id")  # fmt: skip


def _route_table(shape: Shape, parts: Parts) -> None:
    own = parts.own
    is_main = _is_default(parts) or bool(parts.views("aws_main_route_table_association"))
    shape.resource(
        AwsRouteTable, vpc_uid=vpc_of(own, parts), is_main=True if is_main else False if parts.is_new else RUNNING
    )
    gone = [_chosen(route, _DESTINATIONS) for route in parts.before("aws_route")]
    listed = [r for r in shape.each(AwsRoute, own.blocks("route")) if _chosen(r, _DESTINATIONS) not in gone]
    standing = [_chosen(route, _DESTINATIONS) for route in parts.views("aws_route")]
    listed = [r for r in listed if _chosen(r, _DESTINATIONS) not in standing]  # a refresh repeats them
    for route in [*listed, *shape.each(AwsRoute, parts.views("aws_route"))]:
        _route(shape, parts, route)
    propagated = own.items("propagating_vgws")
    if isinstance(propagated, Lost):
        shape.lost(AwsRoute, "", propagated)
    elif propagated:
        shape.lost(AwsRoute, "", Lost("after_apply", "routes that a virtual private gateway propagates"))
    shape.child(  # AWS puts the route inside the VPC into every table
        AwsRoute,
        destination=RUNNING,
        is_default=False,
        target_kind="local",
        target_uid="",
        is_active=True,
        is_propagated=False,
    )
    for association in shape.each(AwsRouteTableAssociation, parts.views("aws_route_table_association")):
        shape.child(
            AwsRouteTableAssociation,
            subnet_uid=subnet_of(association, parts, absent=""),
            gateway_uid=_gateway(association, parts),
            is_main=False,
        )
    if is_main:
        shape.child(AwsRouteTableAssociation, subnet_uid="", gateway_uid="", is_main=True)
    if not parts.is_new and not parts.views("aws_route_table_association"):
        shape.lost(AwsRouteTableAssociation, "", RUNNING)
    fill_tags(shape, own)


def _gateway(view: View, parts: Parts) -> str | Lost:
    if view.values.get("subnet_id") is not None:
        return ""
    known = parts.by_id("aws_internet_gateway")
    return view.ref("gateway_id", "aws_internet_gateway", "aws_vpn_gateway", known=known, absent="")


def _route(shape: Shape, parts: Parts, route: View) -> None:
    destination = _chosen(route, _DESTINATIONS)
    kind, target = _target(route, parts)
    shape.child(
        AwsRoute,
        destination=destination,
        is_default=then(destination, lambda text: text in ("0.0.0.0/0", "::/0")),
        target_kind=kind,
        target_uid=target,
        is_active=True,
        is_propagated=False,
    )


def _chosen(view: View, names: tuple[str, ...]) -> str | Lost:
    """The value of the one argument that is set, out of several that exclude each other."""
    lost: Lost | None = None
    for name in names:
        if name in view.values:
            value = view.text(name, absent="")
            if isinstance(value, Lost):
                lost = value
            elif value:
                return value
    return lost or Lost(UNSUPPORTED, f"{view.path} has none of {', '.join(names)}")


def _target(route: View, parts: Parts) -> tuple[str | Lost, str | Lost]:
    """Kind and uid of a route's target. An argument that refers to a resource of the plan decides over one that
    may only get a value by itself."""
    lost: Lost | None = None
    for name, (kind, types, table) in _TARGETS.items():
        if not isinstance(route.values, dict) or route.values.get(name) in (None, ""):
            continue
        known = parts.by_id(table) if table else str
        uid = route.ref(name, *types, known=known, absent="")
        if isinstance(uid, Lost):
            lost = lost or uid
        elif name == "gateway_id":
            return _gateway_kind(route, uid), "" if uid == "local" else uid
        elif uid:
            return kind, uid
    lost = lost or Lost(UNSUPPORTED, f"{route.path} has no target that is known here")
    return lost, lost


def _gateway_kind(route: View, uid: str) -> str:
    given = str(route.values.get("gateway_id"))
    if given == "local":
        return "local"
    if "vgw-" in given or "aws_vpn_gateway" in given:
        return "virtual_private_gateway"
    return "vpc_endpoint" if "vpce-" in given else "internet_gateway"


# --- Gateways ---------------------------------------------------------------------------------------------------------


def _internet_gateway(shape: Shape, parts: Parts) -> None:
    attachment = parts.only("aws_internet_gateway_attachment")
    shape.resource(AwsInternetGateway, vpc_uid=vpc_of(attachment or parts.own, parts, absent=""))
    fill_tags(shape, parts.own)


def _nat_gateway(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shape.resource(
        AwsNatGateway,
        vpc_uid=RUNNING,
        subnet_uid=subnet_of(own, parts),
        is_public=then(own.text("connectivity_type", absent="public"), lambda kind: kind == "public"),
        public_ip=own.text("public_ip", absent=""),
        private_ip=own.text("private_ip"),
        state="available" if parts.is_new else RUNNING,
    )
    fill_tags(shape, own)


# --- Filters ----------------------------------------------------------------------------------------------------------


def _network_acl(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shape.resource(AwsNetworkAcl, vpc_uid=vpc_of(own, parts), is_default=_is_default(parts))
    subnets, loss = own.refs("subnet_ids", *SUBNET, known=parts.by_id("aws_subnet"))
    if loss:
        shape.lost(AwsNetworkAclAssociation, "", loss)
    associated = [subnet_of(view, parts) for view in parts.views("aws_network_acl_association")]
    for subnet in dict.fromkeys([*subnets, *associated]):
        shape.child(AwsNetworkAclAssociation, subnet_uid=subnet)
    others = parts.views("aws_network_acl_rule") + parts.before("aws_network_acl_rule")
    repeated = [(_direction(rule), rule.integer("rule_number")) for rule in others]
    for direction in ("ingress", "egress"):
        for rule in shape.each(AwsNetworkAclEntry, own.blocks(direction)):
            if (direction, rule.integer("rule_no")) not in repeated:
                _acl_entry(shape, direction, rule, "rule_no", "action")
    for rule in shape.each(AwsNetworkAclEntry, parts.views("aws_network_acl_rule")):
        _acl_entry(shape, _direction(rule), rule, "rule_number", "rule_action")
    for direction in ("ingress", "egress"):  # the closing rule that AWS gives every ACL
        shape.child(
            AwsNetworkAclEntry, direction=direction, rule_number=32767, allows=False, protocol="all", from_port=0,
            to_port=65535, cidr="0.0.0.0/0", is_public=True,
        )  # fmt: skip
    fill_tags(shape, own)


def _direction(rule: View) -> str | Lost:
    return then(rule.boolean("egress", absent=False), lambda yes: "egress" if yes else "ingress")


def _acl_entry(shape: Shape, direction: str | Lost, rule: View, number: str, action: str) -> None:
    protocol, first, last, _, _ = _ports(rule, "protocol")
    cidr = _chosen(rule, ("cidr_block", "ipv6_cidr_block"))
    shape.child(
        AwsNetworkAclEntry,
        direction=direction,
        rule_number=rule.integer(number),
        allows=then(rule.text(action), lambda text: text.lower() == "allow"),
        protocol=protocol,
        from_port=first,
        to_port=last,
        cidr=cidr,
        is_public=then(cidr, _public),
    )


Ports = tuple[str | Lost, int | Lost, int | Lost, int | Lost, int | Lost]


def _ports(rule: View, argument: str) -> Ports:
    """Protocol, first and last port, ICMP type and code, in the words of the tables. Terraform writes type and code
    of ICMP as ports, but for network ACLs."""
    protocol = then(rule.text(argument), protocol_of)
    if isinstance(protocol, Lost):
        return protocol, protocol, protocol, protocol, protocol
    first, last = rule.integer("from_port", absent=-1), rule.integer("to_port", absent=-1)
    icmp: tuple[int | Lost, int | Lost] = (-1, -1)
    if protocol in ("icmp", "icmpv6"):
        icmp = (first, last)
    elif protocol in ("tcp", "udp") and (isinstance(first, Lost) or isinstance(last, Lost)):
        return protocol, first, last, *icmp
    known = [value if isinstance(value, int) else None for value in (first, last)]
    return protocol, *ports_of(protocol, *known), *icmp


def _public(cidr: str) -> bool | Lost:
    found = is_public(cidr)
    return Lost(UNSUPPORTED, f"{cidr[:50]!r} is no address range") if found is None else found


def _security_group(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shape.resource(
        AwsSecurityGroup,
        group_name="default" if _is_default(parts) else own.text("name"),
        description=own.text("description", absent=""),
        vpc_uid=vpc_of(own, parts),
        is_default=_is_default(parts),
    )
    rules = _Rules(shape, parts)
    rules.standing(parts.views)
    gone = _Rules(Shape(parts.document), parts)
    gone.standing(parts.before)
    rules.seen |= gone.seen
    for direction in ("ingress", "egress"):
        for rule in shape.each(AwsSecurityGroupRule, own.blocks(direction)):
            rules.inline(direction, rule)
    fill_tags(shape, own)


class _Rules:
    """The rules of one group, in any of the provider's three styles. Blocks that a refresh filled in repeat stand-alone
    rules, also those that the plan takes away, so equal rules are one row, and rules that go are none."""

    def __init__(self, shape: Shape, parts: Parts) -> None:
        self.shape, self.parts = shape, parts
        self.seen: set[tuple[object, ...]] = set()

    def standing(self, views: Callable[..., list[View]]) -> None:
        """The rules that are resources of their own."""
        for rule in self.shape.each(AwsSecurityGroupRule, views("aws_security_group_rule")):
            self.legacy(rule)
        for direction in ("ingress", "egress"):
            for rule in self.shape.each(AwsSecurityGroupRule, views(f"aws_vpc_security_group_{direction}_rule")):
                self.current(direction, rule)

    def inline(self, direction: str, rule: View) -> None:
        self._lists(direction, rule, rule.refs("security_groups", *GROUP, known=self._group))

    def legacy(self, rule: View) -> None:
        direction = rule.text("type")
        raw = rule.values.get("source_security_group_id")
        configured = self._set(rule, ("cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids", "self"))
        if raw is None or (configured and isinstance(rule.text("source_security_group_id", absent=""), Lost)):
            peers: tuple[list[str | Lost], Lost | None] = ([], None)  # computed, for rules that name no group
        else:
            peers = ([rule.ref("source_security_group_id", *GROUP, known=self._group, absent="")], None)
        self._lists(direction, rule, peers)

    def _set(self, rule: View, names: tuple[str, ...]) -> bool:
        return any(rule.values.get(name) not in (None, [], False) for name in names)

    def current(self, direction: str, rule: View) -> None:
        cidr = _chosen(rule, ("cidr_ipv4", "cidr_ipv6"))
        chosen = [
            name
            for name in ("cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id")
            if rule.values.get(name) not in (None, "")
        ]
        if chosen[:1] == ["prefix_list_id"]:
            self._row(direction, rule, "ip_protocol", prefix=rule.text("prefix_list_id"))
        elif chosen[:1] == ["referenced_security_group_id"]:
            peer = rule.ref("referenced_security_group_id", *GROUP, known=self._group)
            self._row(direction, rule, "ip_protocol", peer=peer)
        else:
            self._row(direction, rule, "ip_protocol", cidr=cidr)

    def _lists(self, direction: str | Lost, rule: View, peers: tuple[list[str | Lost], Lost | None]) -> None:
        groups, loss = peers
        if loss:
            self.shape.lost(AwsSecurityGroupRule, "", loss)
        for peer in groups:
            self._row(direction, rule, "protocol", peer=peer)
        for name in ("cidr_blocks", "ipv6_cidr_blocks"):
            for cidr in self.shape.each(AwsSecurityGroupRule, rule.texts(name)):
                self._row(direction, rule, "protocol", cidr=cidr)
        for prefix in self.shape.each(AwsSecurityGroupRule, rule.texts("prefix_list_ids")):
            self._row(direction, rule, "protocol", prefix=prefix)
        itself = rule.boolean("self", absent=False)
        if isinstance(itself, Lost):
            self.shape.lost(AwsSecurityGroupRule, "", itself)
        elif itself:
            self._row(direction, rule, "protocol", peer=self.parts.document.uid)

    def _group(self, identity: str) -> str:
        """`sg-123`, or `111111111111/sg-123` for a group of another account."""
        return self.parts.by_id("aws_security_group")(identity.rpartition("/")[2])

    def _row(
        self,
        direction: str | Lost,
        rule: View,
        protocol_argument: str,
        *,
        cidr: str | Lost = "",
        peer: str | Lost = "",
        prefix: str | Lost = "",
    ) -> None:
        protocol, first, last, icmp_type, icmp_code = _ports(rule, protocol_argument)
        key = (direction, protocol, first, last, icmp_type, icmp_code, cidr, peer, prefix)
        if key in self.seen:
            return
        self.seen.add(key)
        document = self.parts.document
        self.shape.child(
            AwsSecurityGroupRule,
            direction=direction,
            protocol=protocol,
            from_port=first,
            to_port=last,
            icmp_type=icmp_type,
            icmp_code=icmp_code,
            cidr=cidr,
            peer_group_uid=peer,
            peer_account="" if peer == "" else self._peer_account(rule, document.account),
            prefix_list=prefix,
            is_public=self._reaches_internet(cidr, prefix),
            description=rule.text("description", absent=""),
        )

    def _peer_account(self, rule: View, account: str) -> str | Lost:
        owner, _, group = str(rule.values.get("referenced_security_group_id") or "").rpartition("/")
        named = owner if group.startswith("sg-") else ""
        return named or account or NO_ACCOUNT

    @staticmethod
    def _reaches_internet(cidr: str | Lost, prefix: str | Lost) -> bool | Lost:
        if isinstance(cidr, Lost) or cidr:
            return then(cidr, _public)
        if isinstance(prefix, Lost) or prefix:
            return Lost(UNSUPPORTED, "entries of prefix lists are not read")
        return False


# --- Interfaces and flow logs -----------------------------------------------------------------------------------------


def _network_interface(shape: Shape, parts: Parts) -> None:
    own = parts.own
    attachment = parts.only("aws_network_interface_attachment")
    holder = own.block("attachment")
    attached: str | Lost = ""
    if attachment:
        attached = attachment.ref("instance_id", "aws_instance", known=parts.by_id("aws_instance"))
    elif isinstance(holder, View):
        attached = holder.ref("instance", "aws_instance", known=parts.by_id("aws_instance"), absent="")
    elif isinstance(holder, Lost):
        attached = "" if parts.is_new else holder
    shape.resource(
        AwsNetworkInterface,
        vpc_uid=RUNNING,
        subnet_uid=subnet_of(own, parts),
        interface_type=own.text("interface_type", absent="interface"),
        description=own.text("description", absent=""),
        requester="",
        attached_to_uid=attached,
        private_ip=own.text("private_ip"),
        public_ip=RUNNING,
        source_dest_check=own.boolean("source_dest_check", absent=True),
    )
    shape.lost(AwsNetworkInterfaceAddress, "", RUNNING)
    attached_groups(shape, parts, own, "security_groups")
    carried = {row.security_group_uid for row in shape.children(AwsAttachedSecurityGroup)}
    for view in parts.views("aws_network_interface_sg_attachment"):
        group = view.ref("security_group_id", *GROUP, known=parts.by_id("aws_security_group"))
        if isinstance(group, Lost) or group not in carried:  # a refresh repeats it in the interface
            shape.child(AwsAttachedSecurityGroup, security_group_uid=group)
    fill_tags(shape, own)


def _flow_log(shape: Shape, parts: Parts) -> None:
    own = parts.own
    kind, uid = "vpc", vpc_of(own, parts, absent="")
    for argument, name, types, table in (
        ("subnet_id", "subnet", SUBNET, "aws_subnet"),
        ("eni_id", "network_interface", ("aws_network_interface",), "aws_network_interface"),
        ("transit_gateway_id", "transit_gateway", ("aws_ec2_transit_gateway",), "aws_transit_gateway"),
    ):
        if own.values.get(argument) is not None:
            kind, uid = name, own.ref(argument, *types, known=parts.by_id(table))
    shape.resource(
        AwsFlowLog,
        resource_uid=uid,
        resource_kind=kind,
        traffic=own.text("traffic_type", absent=""),
        is_active=True if parts.is_new else RUNNING,
        destination_kind=own.text("log_destination_type", absent="cloud-watch-logs"),
        destination=_chosen(own, ("log_destination", "log_group_name")),
    )
    fill_tags(shape, own)


FAMILIES = (
    Family(
        types=VPC,
        tables=(AwsVpc, AwsVpcCidr, AwsTag),
        fill=_vpc,
        satellites={
            "aws_flow_log": Satellite("vpc_id", ((AwsVpc, "flow_logs_enabled"),)),
            "aws_vpc_ipv4_cidr_block_association": Satellite("vpc_id", ((AwsVpcCidr, ""),)),
            "aws_vpc_ipv6_cidr_block_association": Satellite("vpc_id", ((AwsVpcCidr, ""),)),
        },
    ),
    Family(types=SUBNET, tables=(AwsSubnet, AwsTag), fill=_subnet),
    Family(
        types=("aws_vpc_peering_connection",),
        tables=(AwsVpcPeeringConnection, AwsVpcPeeringCidr, AwsTag),
        fill=_peering,
    ),
    Family(
        types=_TABLE,
        tables=(AwsRouteTable, AwsRoute, AwsRouteTableAssociation, AwsTag),
        fill=_route_table,
        satellites={
            "aws_route": Satellite("route_table_id", ((AwsRoute, ""),)),
            "aws_route_table_association": Satellite("route_table_id", ((AwsRouteTableAssociation, ""),)),
            "aws_main_route_table_association": Satellite("route_table_id", ((AwsRouteTable, "is_main"),)),
        },
    ),
    Family(
        types=("aws_internet_gateway",),
        tables=(AwsInternetGateway, AwsTag),
        fill=_internet_gateway,
        satellites={
            "aws_internet_gateway_attachment": Satellite("internet_gateway_id", ((AwsInternetGateway, "vpc_uid"),))
        },
    ),
    Family(types=("aws_nat_gateway",), tables=(AwsNatGateway, AwsTag), fill=_nat_gateway),
    Family(
        types=_ACL,
        tables=(AwsNetworkAcl, AwsNetworkAclEntry, AwsNetworkAclAssociation, AwsTag),
        fill=_network_acl,
        satellites={
            "aws_network_acl_rule": Satellite("network_acl_id", ((AwsNetworkAclEntry, ""),)),
            "aws_network_acl_association": Satellite("network_acl_id", ((AwsNetworkAclAssociation, ""),)),
        },
    ),
    Family(
        types=GROUP,
        tables=(AwsSecurityGroup, AwsSecurityGroupRule, AwsTag),
        fill=_security_group,
        satellites={
            name: Satellite("security_group_id", ((AwsSecurityGroupRule, ""),))
            for name in (
                "aws_security_group_rule",
                "aws_vpc_security_group_ingress_rule",
                "aws_vpc_security_group_egress_rule",
            )
        },
    ),
    Family(
        types=("aws_network_interface",),
        tables=(AwsNetworkInterface, AwsNetworkInterfaceAddress, AwsAttachedSecurityGroup, AwsTag),
        fill=_network_interface,
        satellites={
            "aws_network_interface_attachment": Satellite(
                "network_interface_id", ((AwsNetworkInterface, "attached_to_uid"),)
            ),
            "aws_network_interface_sg_attachment": Satellite("network_interface_id", ((AwsAttachedSecurityGroup, ""),)),
        },
    ),
    Family(types=("aws_flow_log",), tables=(AwsFlowLog, AwsTag), fill=_flow_log),
)
