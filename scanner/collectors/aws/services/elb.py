"""Classic load balancers, as rows of the table that the later ones are in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.arns import arn
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
_BATCH = 20  # names that DescribeTags takes


def shape(document: Document) -> Iterator[Placed]:
    parts = document.parts
    raw = parts.get("DescribeLoadBalancers")
    row = AwsLoadBalancer(
        **document.place,
        kind=None if raw is None else "classic",
        is_public=None if raw is None else raw.get("Scheme", "internet-facing") == "internet-facing",
        vpc_uid=uid_of(document, "aws_vpc", field(raw, "VPCId", "")),
        dns_name=field(raw, "DNSName", ""),
        created=seconds(field(raw, "CreatedTime", None)),
        deletion_protection=None if raw is None else False,  # there is no such thing
        drops_invalid_headers=None if raw is None else False,
    )
    if "DescribeLoadBalancerAttributes" in parts:
        log = parts["DescribeLoadBalancerAttributes"]["LoadBalancerAttributes"].get("AccessLog", {})
        row.access_logs_enabled = log.get("Enabled", False)
        row.access_logs_bucket = log.get("S3BucketName", "") if row.access_logs_enabled else ""
    yield row
    yield from numbered(_listener(document, d["Listener"]) for d in field(raw, "ListenerDescriptions", ()) or ())
    yield from attached_groups(document, [{"id": g} for g in field(raw, "SecurityGroups", ()) or ()], "id")
    yield from tag_rows(document, tag_map(parts.get("DescribeTags") or ()), document.place)


def _listener(document: Document, raw: Json) -> AwsLoadBalancerListener:
    protocol = raw.get("Protocol", "").upper()
    return AwsLoadBalancerListener(
        **document.place,
        port=raw.get("LoadBalancerPort"),
        protocol=protocol,
        is_encrypted=protocol in ("HTTPS", "SSL"),
        redirects_to_tls=False,
    )


KINDS = (Kind("aws_classic_load_balancer", _BALANCER, shape, volatile=("DescribeLoadBalancers.Instances",)),)
PER = "region"
READS = (
    Read("elb", "DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancers", rows=_BALANCER),
    Read(
        "elb", "DescribeLoadBalancerAttributes", "elasticloadbalancing:DescribeLoadBalancerAttributes",
        gives=("LoadBalancerAttributes",), columns={AwsLoadBalancer: ("access_logs_enabled", "access_logs_bucket")},
    ),
    Read("elb", "DescribeTags", "elasticloadbalancing:DescribeTags", rows=(AwsTag,), gives=("TagDescriptions",)),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every classic load balancer; tags come for twenty at once."""
    found = api.gather("DescribeLoadBalancers", "LoadBalancerDescriptions") or []
    names = [raw["LoadBalancerName"] for raw in found]
    described = api.in_batches("DescribeTags", "TagDescriptions", "LoadBalancerNames", names, _BATCH)
    tags: dict[str, Json] = {one["LoadBalancerName"]: one["Tags"] for one in described}
    api.each(lambda raw: _balancer(api, raw, tags), found)


def _balancer(api: Api, raw: Json, tags: dict[str, Json]) -> None:
    name = raw["LoadBalancerName"]
    uid = arn("aws_load_balancer", name, account=api.account.id, region=api.region, partition=api.account.partition)
    parts: dict[str, Json] = {"DescribeLoadBalancers": raw}
    api.detail(parts, "DescribeLoadBalancerAttributes", uid=uid, LoadBalancerName=name)
    if name in tags:
        parts["DescribeTags"] = tags[name]
    api.document("aws_classic_load_balancer", uid, name, parts)
