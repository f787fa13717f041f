"""CloudFront distributions. There is one list for the account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import field, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_cloudfront import AwsCloudfrontDistribution, AwsCloudfrontOrigin

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_DISTRIBUTION = (AwsCloudfrontDistribution, AwsCloudfrontOrigin, AwsTag)
_TLS = ("https-only", "redirect-to-https")


def shape(document: Document) -> Iterator[Placed]:
    parts = document.parts
    raw = parts.get("ListDistributions")
    row = AwsCloudfrontDistribution(**document.place)
    if raw is not None:
        behaviours = [raw["DefaultCacheBehavior"], *(raw.get("CacheBehaviors", {}).get("Items") or ())]
        row.domain_name = raw.get("DomainName", "")
        row.is_enabled = raw.get("Enabled", False)
        row.https_only = all(b.get("ViewerProtocolPolicy") in _TLS for b in behaviours)
        row.tls_policy = raw.get("ViewerCertificate", {}).get("MinimumProtocolVersion", "")
        row.web_acl_uid = raw.get("WebACLId", "")
    configuration = field(parts.get("GetDistributionConfig"), "DistributionConfig", {})
    if configuration is not None:
        row.logging_enabled = configuration.get("Logging", {}).get("Enabled", False)
    yield row
    yield from numbered(_origin(document, o) for o in (field(raw, "Origins", {}) or {}).get("Items") or ())
    tags = field(parts.get("ListTagsForResource"), "Tags", {}) or {}
    yield from tag_rows(document, tag_map(tags.get("Items") or ()), document.place)


def _origin(document: Document, raw: Json) -> AwsCloudfrontOrigin:
    identity = raw.get("S3OriginConfig", {}).get("OriginAccessIdentity", "")
    return AwsCloudfrontOrigin(
        **document.place,
        origin=raw.get("Id", ""),
        domain_name=raw.get("DomainName", ""),
        protocol_policy=raw.get("CustomOriginConfig", {}).get("OriginProtocolPolicy", ""),
        has_access_control=bool(identity or raw.get("OriginAccessControlId")),
    )


KINDS = (
    Kind(
        "aws_cloudfront_distribution", _DISTRIBUTION, shape, volatile=("ListDistributions.Status",),
        secret=("ListDistributions.Origins.Items.*.CustomHeaders.Items.*.HeaderValue",),
    ),
)  # fmt: skip
PER = "account"
READS = (
    Read(
        "cloudfront", "ListDistributions", "cloudfront:ListDistributions", rows=_DISTRIBUTION,
        gives=("DistributionList.Quantity",),
    ),
    Read(
        "cloudfront", "GetDistributionConfig", "cloudfront:GetDistributionConfig",
        gives=("DistributionConfig.Origins",),
        columns={AwsCloudfrontDistribution: ("logging_enabled",)},
    ),
    Read("cloudfront", "ListTagsForResource", "cloudfront:ListTagsForResource", rows=(AwsTag,), gives=("Tags.Items",)),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every distribution."""
    pages = api.pages("ListDistributions")
    api.each(lambda raw: _distribution(api, raw), (d for p in pages for d in p["DistributionList"].get("Items") or ()))


def _distribution(api: Api, raw: Json) -> None:
    uid, id = raw["ARN"], raw["Id"]
    parts: dict[str, Json] = {"ListDistributions": raw}
    if api.detail(parts, "GetDistributionConfig", uid=uid, Id=id):
        logging = parts["GetDistributionConfig"]["DistributionConfig"].get("Logging", {})
        parts["GetDistributionConfig"] = {"DistributionConfig": {"Logging": logging}}  # the rest is in the listing
    api.detail(parts, "ListTagsForResource", uid=uid, Resource=uid)
    names = [*(raw.get("Aliases", {}).get("Items") or ()), raw.get("Comment"), id]
    api.document("aws_cloudfront_distribution", uid, next(filter(None, names)), parts, region="")
