"""The network of a region: VPCs, subnets, routes, filters, interfaces."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsVpc(Resource, title="A virtual private cloud"):
    """Read by DescribeVpcs; flow logs by DescribeFlowLogs."""

    cidr: str | None = column("Primary IPv4 range.")
    is_default: bool | None = column("Made by AWS, with public subnets.")
    flow_logs_enabled: bool | None = column("At least one active flow log of the VPC itself.")


class AwsVpcCidr(Child, title="An address range of a VPC"):
    """IPv4 and IPv6, those in use."""

    cidr: str | None = column("The range.")


class AwsSubnet(Resource, title="A subnet"):
    vpc_uid: str | None = column("Its VPC.")
    cidr: str | None = column("IPv4 range; '' for IPv6-only subnets.")
    ipv6_cidr: str | None = column("IPv6 range; '' if none.")
    availability_zone: str | None = column("Zone, such as eu-west-1a.")
    assigns_public_ip: bool | None = column("Instances started here get a public IPv4 address.")


class AwsRouteTable(Resource, title="A route table"):
    vpc_uid: str | None = column("Its VPC.")
    is_main: bool | None = column("Serves the subnets that have no table of their own.")


class AwsRouteTableAssociation(Child, title="What a route table serves"):
    subnet_uid: str | None = column("The subnet; '' for the main association or a gateway.")
    gateway_uid: str | None = column("The gateway, for edge associations; '' otherwise.")
    is_main: bool | None = column("The main association of the VPC.")


class AwsRoute(Child, title="A route of a route table"):
    destination: str | None = column("CIDR, or the id of a prefix list.")
    is_default: bool | None = column("Destination is 0.0.0.0/0 or ::/0.")
    target_kind: str | None = column(
        "local, internet_gateway, egress_only_internet_gateway, virtual_private_gateway, nat_gateway, vpc_peering, "
        "transit_gateway, network_interface, instance, vpc_endpoint, local_gateway, carrier_gateway, core_network."
    )
    target_uid: str | None = column("Uid of the target; '' for local.")
    is_active: bool | None = column("False: blackhole, packets are dropped.")
    is_propagated: bool | None = column("Learned from a gateway rather than written by someone.")


class AwsVpcPeeringConnection(Resource, title="A VPC peering connection"):
    """Each account that takes part has a row of its own: the uid names the account that was read."""

    status: str | None = column("active, pending-acceptance, rejected, expired, deleted, failed, …")
    requester_vpc_uid: str | None = column("VPC that asked.")
    requester_account: str | None = column("Account that asked.")
    requester_region: str | None = column("Region that asked.")
    accepter_vpc_uid: str | None = column("VPC that was asked.")
    accepter_account: str | None = column("Account that was asked.")
    accepter_region: str | None = column("Region that was asked.")
    is_cross_account: bool | None = column("The two VPCs belong to different accounts.")
    is_cross_region: bool | None = column("The two VPCs are in different regions.")


class AwsVpcPeeringCidr(Child, title="An address range of one side of a peering"):
    side: str | None = column("requester or accepter.")
    cidr: str | None = column("The range.")


class AwsInternetGateway(Resource, title="An internet gateway"):
    vpc_uid: str | None = column("The VPC it is attached to; '' if none.")


class AwsNatGateway(Resource, title="A NAT gateway"):
    vpc_uid: str | None = column("Its VPC.")
    subnet_uid: str | None = column("Its subnet.")
    is_public: bool | None = column("Reaches the internet; false for private NAT.")
    public_ip: str | None = column("Its public address; '' if none.")
    private_ip: str | None = column("Its private address.")
    state: str | None = column("pending, available, failed, deleting, deleted.")


class AwsNetworkAcl(Resource, title="A network ACL"):
    vpc_uid: str | None = column("Its VPC.")
    is_default: bool | None = column("Serves the subnets that have no ACL of their own.")


class AwsNetworkAclAssociation(Child, title="A subnet that a network ACL filters"):
    subnet_uid: str | None = column("The subnet.")


class AwsNetworkAclEntry(Child, title="A rule of a network ACL"):
    """The lowest number that matches decides; 32767 is the closing deny."""

    direction: str | None = column("ingress or egress.")
    rule_number: int | None = column("Position; ascending.")
    allows: bool | None = column("Allow; false: deny.")
    protocol: str | None = column("tcp, udp, icmp, icmpv6, all, or the protocol's number.")
    from_port: int | None = column("First port; 0 for all ports, -1 where the protocol has no ports.")
    to_port: int | None = column("Last port; 65535 for all ports, -1 where the protocol has no ports.")
    cidr: str | None = column("The other side.")
    is_public: bool | None = column("The other side is the internet, as for security group rules.")


class AwsSecurityGroup(Resource, title="A security group"):
    group_name: str | None = column("Name given at creation.")
    description: str | None = column("Description given at creation.")
    vpc_uid: str | None = column("Its VPC.")
    is_default: bool | None = column("The VPC's default group.")


class AwsSecurityGroupRule(Child, title="A rule of a security group"):
    """One row a rule and peer: exactly one of cidr, peer_group_uid and prefix_list is not ''."""

    direction: str | None = column("ingress or egress.")
    protocol: str | None = column("tcp, udp, icmp, icmpv6, all, or the protocol's number.")
    from_port: int | None = column("First port; 0 for all ports, -1 where the protocol has no ports.")
    to_port: int | None = column("Last port; 65535 for all ports, -1 where the protocol has no ports.")
    icmp_type: int | None = column("ICMP type, -1 for all and for other protocols.")
    icmp_code: int | None = column("ICMP code, -1 for all and for other protocols.")
    cidr: str | None = column("IPv4 or IPv6 range; '' if the peer is something else.")
    peer_group_uid: str | None = column("Security group on the other side; '' if none.")
    peer_account: str | None = column("Account of that group; '' if none.")
    prefix_list: str | None = column("Id of a prefix list; '' if none.")
    is_public: bool | None = column(
        "The other side is the internet: a range of /8 or shorter in IPv4, /16 or shorter in IPv6, that is not wholly "
        "private. So 0.0.0.0/1 with 128.0.0.0/1 is public too. NULL for prefix lists, whose entries are not read."
    )
    description: str | None = column("Description of the rule.")


class AwsNetworkInterface(Resource, title="A network interface"):
    vpc_uid: str | None = column("Its VPC.")
    subnet_uid: str | None = column("Its subnet.")
    interface_type: str | None = column("interface, nat_gateway, vpc_endpoint, lambda, load_balancer, …")
    description: str | None = column("Tells whose it is, for those that services make.")
    requester: str | None = column("Who asked for it; '' if the account itself.")
    attached_to_uid: str | None = column("The instance; '' if none or not an instance.")
    private_ip: str | None = column("Primary private IPv4 address; '' if none.")
    public_ip: str | None = column("Public IPv4 address of the primary private one; '' if none.")
    source_dest_check: bool | None = column("False: it may forward traffic of others.")


class AwsNetworkInterfaceAddress(Child, title="An address of a network interface"):
    address: str | None = column("Private IPv4, IPv6, or a delegated prefix.")
    public_ip: str | None = column("Public IPv4 address in front of it; '' if none.")


class AwsAttachedSecurityGroup(Child, title="A security group that a resource carries"):
    """Child of instances, network interfaces and databases."""

    security_group_uid: str | None = column("The group.")


class AwsFlowLog(Resource, title="A flow log"):
    """Of a VPC, a subnet or a network interface."""

    resource_uid: str | None = column("What is logged.")
    resource_kind: str | None = column("vpc, subnet, network_interface or transit_gateway.")
    traffic: str | None = column("ACCEPT, REJECT or ALL.")
    is_active: bool | None = column("It runs and its last delivery did not fail.")
    destination_kind: str | None = column("cloud-watch-logs, s3 or kinesis-data-firehose.")
    destination: str | None = column("ARN of the destination, or the log group's name.")
