"""CloudTrail trails."""

from __future__ import annotations

from scanner.collectors.terraform.family import Family, Parts
from scanner.collectors.terraform.reading import RUNNING, UNSUPPORTED, Lost, Shape, View, then
from scanner.collectors.terraform.tags import fill_tags
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_cloudtrail import AwsCloudtrailTrail

_TYPES = {"All": "all", "ReadOnly": "read", "WriteOnly": "write"}
_ADVANCED = Lost(UNSUPPORTED, "advanced event selectors are not read yet")
# What one value says when it stands for all buckets.
_ALL_BUCKETS = ("arn:aws:s3", "arn:aws:s3:::", "arn:aws-cn:s3", "arn:aws-cn:s3:::", "arn:aws-us-gov:s3",
                "arn:aws-us-gov:s3:::")  # fmt: skip


def _trail(shape: Shape, parts: Parts) -> None:
    own = parts.own
    uid = parts.document.uid
    management, objects = _recorded(own)
    shape.resource(
        AwsCloudtrailTrail,
        trail_arn=uid if uid.startswith("arn:") else own.text("arn"),
        is_multi_region=own.boolean("is_multi_region_trail", absent=False),
        is_organization=own.boolean("is_organization_trail", absent=False),
        includes_global_services=own.boolean("include_global_service_events", absent=True),
        is_logging=own.boolean("enable_logging", absent=True),
        log_validation=own.boolean("enable_log_file_validation", absent=False),
        kms_key_uid=own.ref("kms_key_id", "aws_kms_key", known=str, absent=""),
        bucket_uid=own.ref("s3_bucket_name", "aws_s3_bucket", known=parts.by_id("aws_s3_bucket")),
        log_group=own.ref("cloud_watch_logs_group_arn", "aws_cloudwatch_log_group", known=str, absent=""),
        management_events=management,
        s3_object_events=objects,
        last_delivery=RUNNING,
        delivery_error=RUNNING,
    )
    fill_tags(shape, own)


def _recorded(own: View) -> tuple[str | Lost, str | Lost]:
    """Management events, and object events of all buckets. A trail without selectors records management events."""
    advanced, basic = own.blocks("advanced_event_selector"), own.blocks("event_selector")
    if isinstance(advanced, Lost):
        return advanced, advanced
    if isinstance(basic, Lost):
        return basic, basic
    if advanced:
        return _ADVANCED, _ADVANCED
    if not basic:
        return "all", "none"
    management: list[str | Lost] = []
    objects: list[str | Lost] = []
    for selector in basic:
        kind = then(selector.text("read_write_type", absent="All"), lambda text: _TYPES.get(text, "none"))
        wanted = selector.boolean("include_management_events", absent=True)
        management.append(wanted if isinstance(wanted, Lost) else kind if wanted else "none")
        data = selector.blocks("data_resource")
        if isinstance(data, Lost):
            objects.append(data)
            continue
        for block in data:
            values = block.texts("values")
            if isinstance(values, Lost):
                objects.append(values)
            elif block.text("type", absent="") == "AWS::S3::Object" and any(v in _ALL_BUCKETS for v in values):
                objects.append(kind)
    return _union(management), _union(objects)


def _union(kinds: list[str | Lost]) -> str | Lost:
    """All that several selectors record together."""
    known = {kind for kind in kinds if isinstance(kind, str)} - {"none"}
    if "all" in known or known >= {"read", "write"}:
        return "all"
    lost = next((kind for kind in kinds if isinstance(kind, Lost)), None)
    return lost or next(iter(known), "none")


FAMILIES = (Family(types=("aws_cloudtrail",), tables=(AwsCloudtrailTrail, AwsTag), fill=_trail),)
