"""GuardDuty: whether it looks, and whether it has found something grave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.arns import arn
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import field, tag_rows
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_detection import AwsGuarddutyDetector

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_DETECTOR = (AwsGuarddutyDetector, AwsTag)
# https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html
_HIGH = 7
_OPEN_AND_HIGH = {"Criterion": {"severity": {"Gte": _HIGH}, "service.archived": {"Eq": ["false"]}}}


def shape(document: Document) -> Iterator[Placed]:
    raw, findings = document.parts.get("GetDetector"), field(document.parts.get("ListFindings"), "FindingIds", ())
    yield AwsGuarddutyDetector(
        **document.place,
        is_enabled=None if raw is None else raw.get("Status") == "ENABLED",
        high_findings=None if findings is None else len(findings),
    )
    yield from tag_rows(document, field(raw, "Tags", {}), document.place)


KINDS = (
    Kind("aws_guardduty_detector", _DETECTOR, shape, volatile=("ListFindings.FindingIds", "GetDetector.UpdatedAt")),
)
PER = "region"
READS = (
    Read("guardduty", "ListDetectors", "guardduty:ListDetectors", rows=_DETECTOR),
    Read(
        "guardduty", "GetDetector", "guardduty:GetDetector", gives=("Status",), rows=(AwsTag,),
        columns={AwsGuarddutyDetector: ("is_enabled",)},
    ),
    Read(
        "guardduty", "ListFindings", "guardduty:ListFindings", gives=("FindingIds",),
        columns={AwsGuarddutyDetector: ("high_findings",)},
    ),
)  # fmt: skip


def fetch(api: Api) -> None:
    """A region has one detector or none."""
    api.each(lambda id: _detector(api, id), api.items("ListDetectors", "DetectorIds"))


def _detector(api: Api, id: Json) -> None:
    uid = arn("aws_guardduty_detector", id, account=api.account.id, region=api.region, partition=api.account.partition)
    parts: dict[str, Json] = {"ListDetectors": id}
    api.detail(parts, "GetDetector", uid=uid, DetectorId=id)
    api.detail(parts, "ListFindings", uid=uid, DetectorId=id, FindingCriteria=_OPEN_AND_HIGH)
    api.document("aws_guardduty_detector", uid, api.region, parts)  # it has no name, and a region has one
