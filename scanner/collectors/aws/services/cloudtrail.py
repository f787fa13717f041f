"""Trails, each read in its home region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from scanner.collectors.aws.arns import account_of, arn
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import field, seconds, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_cloudtrail import AwsCloudtrailTrail

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_TRAIL = (AwsCloudtrailTrail, AwsTag)


def shape(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeTrails")
    status = document.parts.get("GetTrailStatus")
    selectors = document.parts.get("GetEventSelectors")
    row = AwsCloudtrailTrail(**document.place)
    if raw is not None:
        bucket = raw.get("S3BucketName", "")
        row.trail_arn = raw.get("TrailARN", "")
        row.is_multi_region = raw.get("IsMultiRegionTrail", False)
        row.is_organization = raw.get("IsOrganizationTrail", False)
        row.includes_global_services = raw.get("IncludeGlobalServiceEvents", False)
        row.log_validation = raw.get("LogFileValidationEnabled", False)
        row.kms_key_uid = raw.get("KmsKeyId", "")
        row.bucket_uid = arn("aws_s3_bucket", bucket, region=document.region) if bucket else ""
        row.log_group = raw.get("CloudWatchLogsLogGroupArn", "")
    if status is not None:
        row.is_logging = status.get("IsLogging", False)
        row.last_delivery = seconds(status.get("LatestDeliveryTime"), absent=0)
        row.delivery_error = status.get("LatestDeliveryError", "")
    if selectors is not None:
        row.management_events = _recorded(_management(selectors))
        row.s3_object_events = _recorded(_s3_objects(selectors))
    yield row
    yield from tag_rows(document, tag_map(document.parts.get("ListTags") or ()), document.place)


def _management(selectors: Mapping[str, Any]) -> Iterator[str]:
    """What each selector records of management events: All, ReadOnly or WriteOnly."""
    for basic in selectors.get("EventSelectors") or ():
        if basic.get("IncludeManagementEvents", True):
            yield basic.get("ReadWriteType", "All")
    for advanced in selectors.get("AdvancedEventSelectors") or ():
        fields = {f.get("Field"): f for f in advanced.get("FieldSelectors", ())}
        if fields.get("eventCategory", {}).get("Equals") == ["Management"]:
            yield _read_write(fields)


def _s3_objects(selectors: Mapping[str, Any]) -> Iterator[str]:
    """The same of the events of all objects of all buckets."""
    for basic in selectors.get("EventSelectors") or ():
        for data in basic.get("DataResources", ()):
            whole = any(v in ("arn:aws:s3", "arn:aws:s3:::") for v in data.get("Values", ()))
            if data.get("Type") == "AWS::S3::Object" and whole:
                yield basic.get("ReadWriteType", "All")
    for advanced in selectors.get("AdvancedEventSelectors") or ():
        fields = {f.get("Field"): f for f in advanced.get("FieldSelectors", ())}
        narrowed = set(fields) - {"eventCategory", "resources.type", "readOnly"}
        if fields.get("resources.type", {}).get("Equals") == ["AWS::S3::Object"] and not narrowed:
            yield _read_write(fields)


def _read_write(fields: Mapping[str, Any]) -> str:
    only = fields.get("readOnly", {}).get("Equals")
    return "ReadOnly" if only == ["true"] else "WriteOnly" if only == ["false"] else "All"


def _recorded(types: Iterable[str]) -> str:
    """What several selectors record together."""
    seen = set(types)
    if "All" in seen or {"ReadOnly", "WriteOnly"} <= seen:
        return "all"
    return "read" if "ReadOnly" in seen else "write" if "WriteOnly" in seen else "none"


KINDS = (
    Kind(
        "aws_cloudtrail_trail",
        _TRAIL,
        shape,
        volatile=(
            "GetTrailStatus.LatestDeliveryTime", "GetTrailStatus.LatestDeliveryError",
            "GetTrailStatus.LatestDigestDeliveryTime", "GetTrailStatus.LatestDigestDeliveryError",
            "GetTrailStatus.LatestNotificationTime", "GetTrailStatus.LatestNotificationError",
            "GetTrailStatus.LatestCloudWatchLogsDeliveryTime", "GetTrailStatus.LatestCloudWatchLogsDeliveryError",
            "GetTrailStatus.LatestDeliveryAttemptTime", "GetTrailStatus.LatestDeliveryAttemptSucceeded",
            "GetTrailStatus.LatestNotificationAttemptTime", "GetTrailStatus.LatestNotificationAttemptSucceeded",
        ),
    ),
)  # fmt: skip
PER = "region"
READS = (
    Read("cloudtrail", "DescribeTrails", "cloudtrail:DescribeTrails", rows=_TRAIL),
    Read(
        "cloudtrail", "GetTrailStatus", "cloudtrail:GetTrailStatus",
        columns={AwsCloudtrailTrail: ("is_logging", "last_delivery", "delivery_error")}, gives=("IsLogging",),
    ),
    Read(
        "cloudtrail", "GetEventSelectors", "cloudtrail:GetEventSelectors",
        columns={AwsCloudtrailTrail: ("management_events", "s3_object_events")},
        gives=("EventSelectors", "AdvancedEventSelectors"),
    ),
    Read("cloudtrail", "ListTags", "cloudtrail:ListTags", rows=(AwsTag,), gives=("ResourceTagList",)),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Shadow trails are asked for since only so a member account sees its organization's; each is kept once."""
    trails = api.items("DescribeTrails", "trailList", includeShadowTrails=True)
    api.each(lambda raw: _trail(api, raw), (t for t in trails if _is_ours(api, t)))


def _is_ours(api: Api, raw: Json) -> bool:
    """Whether this region reads it: its home, or the first region where the home is not scanned."""
    home = raw.get("HomeRegion", api.region)
    return bool(home == api.region or (home not in api.account.regions and api.region == api.account.regions[0]))


def _trail(api: Api, raw: Json) -> None:
    trail, home = raw["TrailARN"], raw.get("HomeRegion", api.region)
    uid = trail
    if account_of(trail) != api.account.id:  # of the organization
        uid = arn("aws_cloudtrail_trail", raw["Name"], account=api.account.id, region=home)
    parts: dict[str, Json] = {"DescribeTrails": raw}
    api.detail(parts, "GetTrailStatus", uid=uid, region=home, Name=trail)
    api.detail(parts, "GetEventSelectors", uid=uid, region=home, TrailName=trail)
    if api.detail(parts, "ListTags", uid=uid, region=home, ResourceIdList=[trail]):
        tagged = field(parts["ListTags"], "ResourceTagList", ())
        parts["ListTags"] = [tag for t in tagged for tag in t.get("TagsList", ())]
    api.document("aws_cloudtrail_trail", uid, raw["Name"], parts, region=home)
