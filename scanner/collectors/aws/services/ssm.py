"""Systems Manager: the machines that it manages, and whether they are patched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.arns import arn
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.services.network import uid_of
from scanner.collectors.aws.shaping import field
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_detection import AwsSsmInstance

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api


def shape(document: Document) -> Iterator[Placed]:
    raw, patches = document.parts.get("DescribeInstanceInformation"), document.parts.get("patches")
    id = field(raw, "InstanceId", "")
    yield AwsSsmInstance(
        **document.place,
        instance_uid=None if id is None else uid_of(document, "aws_instance", id if id.startswith("i-") else ""),
        ping_status=field(raw, "PingStatus", ""),
        platform=field(raw, "PlatformName", ""),
        patch_status=field(patches, "Status", ""),
    )


KINDS = (
    Kind(
        "aws_ssm_instance", (AwsSsmInstance,), shape,
        volatile=(
            "DescribeInstanceInformation.PingStatus", "DescribeInstanceInformation.LastPingDateTime",
            "DescribeInstanceInformation.LastAssociationExecutionDate",
            "DescribeInstanceInformation.LastSuccessfulAssociationExecutionDate",
            "DescribeInstanceInformation.AssociationOverview", "patches.ExecutionSummary",
        ),
    ),
)  # fmt: skip
PER = "region"
READS = (
    Read("ssm", "DescribeInstanceInformation", "ssm:DescribeInstanceInformation", rows=(AwsSsmInstance,)),
    Read(
        "ssm", "ListResourceComplianceSummaries", "ssm:ListResourceComplianceSummaries",
        columns={AwsSsmInstance: ("patch_status",)}, part="patches",
    ),
)  # fmt: skip
_PATCHES = [{"Key": "ComplianceType", "Values": ["Patch"], "Type": "EQUAL"}]


def fetch(api: Api) -> None:
    """Every managed machine; how all of them are patched comes in one listing."""
    listed = api.gather("patches", "ResourceComplianceSummaryItems", Filters=_PATCHES)
    patches = None if listed is None else {found["ResourceId"]: found for found in listed}
    machines = api.items("DescribeInstanceInformation", "InstanceInformationList")
    api.in_turn(lambda raw: _machine(api, raw, patches), machines)


def _machine(api: Api, raw: Json, patches: dict[str, Json] | None) -> None:
    id = raw["InstanceId"]
    uid = arn("aws_ssm_instance", id, account=api.account.id, region=api.region, partition=api.account.partition)
    parts: dict[str, Json] = {"DescribeInstanceInformation": raw}
    if patches is not None:
        parts["patches"] = patches.get(id, {})
    api.document("aws_ssm_instance", uid, raw.get("ComputerName") or raw.get("Name") or id, parts)
