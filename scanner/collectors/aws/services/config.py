"""Recorders of AWS Config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.arns import arn
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import field
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_detection import AwsConfigRecorder

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api


def shape(document: Document) -> Iterator[Placed]:
    raw, status = document.parts.get("DescribeConfigurationRecorders"), document.parts.get("recording")
    group = field(raw, "recordingGroup", {})
    row = AwsConfigRecorder(**document.place)
    if group is not None:
        row.records_all = group.get("allSupported", False)
        row.records_global = group.get("includeGlobalResourceTypes", False)
    if status is not None:
        row.is_recording = status.get("recording", False)
        row.last_status = status.get("lastStatus", "").upper()
    yield row


KINDS = (
    Kind(
        "aws_config_recorder", (AwsConfigRecorder,), shape,
        volatile=("recording.lastStartTime", "recording.lastStopTime", "recording.lastStatusChangeTime"),
    ),
)  # fmt: skip
PER = "region"
READS = (
    Read(
        "config", "DescribeConfigurationRecorders", "config:DescribeConfigurationRecorders",
        rows=(AwsConfigRecorder,),
    ),
    Read(
        "config", "DescribeConfigurationRecorderStatus", "config:DescribeConfigurationRecorderStatus",
        columns={AwsConfigRecorder: ("is_recording", "last_status")}, part="recording",
    ),
)  # fmt: skip


def fetch(api: Api) -> None:
    """A region has one recorder or none; service-linked ones beside it record for their service alone."""
    found = api.gather("recording", "ConfigurationRecordersStatus")
    status = None if found is None else {s["name"]: s for s in found}
    recorders = api.items("DescribeConfigurationRecorders", "ConfigurationRecorders")
    api.in_turn(lambda raw: _recorder(api, raw, status), recorders)


def _recorder(api: Api, raw: Json, status: dict[str, Json] | None) -> None:
    name = raw["name"]
    uid = arn("aws_config_recorder", name, account=api.account.id, region=api.region, partition=api.account.partition)
    parts: dict[str, Json] = {"DescribeConfigurationRecorders": raw}
    if status is not None:
        parts["recording"] = status.get(name, {})
    api.document("aws_config_recorder", uid, name, parts)
