"""Application, network and gateway load balancers, with their listeners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.services.network import attached_groups, uid_of
from scanner.collectors.aws.shaping import field, seconds, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_load_balancer import AwsLoadBalancer, AwsLoadBalancerListener
from scanner.tables.aws_network import AwsAttachedSecurityGroup

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_BALANCER = (AwsLoadBalancer, AwsLoadBalancerListener, AwsAttachedSecurityGroup, AwsTag)
_ATTRIBUTES = ("deletion_protection", "access_logs_enabled", "access_logs_bucket", "drops_invalid_headers")
_BATCH = 20  # ARNs that DescribeTags takes


def shape(document: Document) -> Iterator[Placed]:
    parts = document.parts
    raw = parts.get("DescribeLoadBalancers")
    row = AwsLoadBalancer(
        **document.place,
        kind=field(raw, "Type", "application"),
        is_public=None if raw is None else raw.get("Scheme") == "internet-facing",
        vpc_uid=uid_of(document, "aws_vpc", field(raw, "VpcId", "")),
        dns_name=field(raw, "DNSName", ""),
        created=seconds(field(raw, "CreatedTime", None)),
    )
    if "DescribeLoadBalancerAttributes" in parts:
        set_to = {a.get("Key"): a.get("Value", "") for a in parts["DescribeLoadBalancerAttributes"]["Attributes"]}
        row.deletion_protection = set_to.get("deletion_protection.enabled") == "true"
        row.access_logs_enabled = set_to.get("access_logs.s3.enabled") == "true"
        row.access_logs_bucket = set_to.get("access_logs.s3.bucket", "") if row.access_logs_enabled else ""
        row.drops_invalid_headers = set_to.get("routing.http.drop_invalid_header_fields.enabled") == "true"
    yield row
    yield from numbered(
        _listener(document, found) for found in field(parts.get("DescribeListeners"), "Listeners", ()) or ()
    )
    yield from attached_groups(document, [{"id": g} for g in field(raw, "SecurityGroups", ()) or ()], "id")
    yield from tag_rows(document, tag_map(parts.get("DescribeTags") or ()), document.place)


def _listener(document: Document, raw: Json) -> AwsLoadBalancerListener:
    actions = [a for a in raw.get("DefaultActions", ()) if not a.get("Type", "").startswith("authenticate")]
    protocol = raw.get("Protocol", "GENEVE")
    return AwsLoadBalancerListener(
        **document.place,
        port=raw.get("Port", 0),
        protocol=protocol,
        is_encrypted=protocol in ("HTTPS", "TLS"),
        redirects_to_tls=bool(actions) and all(_sends_to_tls(action) for action in actions),
        tls_policy=raw.get("SslPolicy", ""),
    )


def _sends_to_tls(action: Json) -> bool:
    to: Json = action.get("RedirectConfig", {})
    return bool(action.get("Type") == "redirect" and to.get("Protocol") == "HTTPS")


KINDS = (Kind("aws_load_balancer", _BALANCER, shape, volatile=("DescribeLoadBalancers.State",)),)
PER = "region"
READS = (
    Read("elbv2", "DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancers", rows=_BALANCER),
    Read(
        "elbv2", "DescribeLoadBalancerAttributes", "elasticloadbalancing:DescribeLoadBalancerAttributes",
        gives=("Attributes",), columns={AwsLoadBalancer: _ATTRIBUTES},
    ),
    Read(
        "elbv2", "DescribeListeners", "elasticloadbalancing:DescribeListeners", gives=("Listeners",),
        rows=(AwsLoadBalancerListener,),
    ),
    Read("elbv2", "DescribeTags", "elasticloadbalancing:DescribeTags", rows=(AwsTag,), gives=("TagDescriptions",)),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every load balancer; tags come for twenty at once."""
    found = api.gather("DescribeLoadBalancers", "LoadBalancers") or []
    arns = [raw["LoadBalancerArn"] for raw in found]
    described = api.in_batches("DescribeTags", "TagDescriptions", "ResourceArns", arns, _BATCH)
    tags: dict[str, Json] = {one["ResourceArn"]: one["Tags"] for one in described}
    api.each(lambda raw: _balancer(api, raw, tags), found)


def _balancer(api: Api, raw: Json, tags: dict[str, Json]) -> None:
    uid = raw["LoadBalancerArn"]
    parts: dict[str, Json] = {"DescribeLoadBalancers": raw}
    api.detail(parts, "DescribeLoadBalancerAttributes", uid=uid, LoadBalancerArn=uid)
    api.detail(parts, "DescribeListeners", uid=uid, LoadBalancerArn=uid)
    if uid in tags:
        parts["DescribeTags"] = tags[uid]
    api.document("aws_load_balancer", uid, raw["LoadBalancerName"], parts)
