"""CloudWatch alarms, on metrics and on other alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import field
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_cloudwatch import AwsAlarm, AwsAlarmAction, AwsAlarmMetric

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_ALARM = (AwsAlarm, AwsAlarmMetric, AwsAlarmAction)
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


def shape(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeAlarms")
    yield AwsAlarm(
        **document.place,
        is_composite=None if raw is None else "AlarmRule" in raw,
        actions_enabled=field(raw, "ActionsEnabled", True),
        has_alarm_action=None if raw is None else bool(raw.get("AlarmActions")),
        state=field(raw, "StateValue", None),
    )
    yield from numbered(
        AwsAlarmMetric(**document.place, metric_namespace=metric.get("Namespace"), metric_name=metric.get("MetricName"))
        for metric in _metrics(raw or {})
    )
    yield from numbered(
        AwsAlarmAction(**document.place, on_state=state, target_uid=target)
        for state, key in _ACTIONS.items()
        for target in field(raw, key, ()) or ()
    )


def _metrics(raw: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """That of a plain alarm, or those that an expression is made of."""
    if raw.get("MetricName"):
        yield raw
    for query in raw.get("Metrics", ()):
        if "MetricStat" in query:
            yield query["MetricStat"].get("Metric", {})


KINDS = (
    Kind(
        "aws_alarm",
        _ALARM,
        shape,
        volatile=(
            "DescribeAlarms.StateValue", "DescribeAlarms.StateReason", "DescribeAlarms.StateReasonData",
            "DescribeAlarms.StateUpdatedTimestamp", "DescribeAlarms.StateTransitionedTimestamp",
            "DescribeAlarms.ActionsSuppressedBy", "DescribeAlarms.ActionsSuppressedReason",
            "DescribeAlarms.EvaluationState",
        ),
    ),
)  # fmt: skip
PER = "region"
READS = (
    Read(
        "cloudwatch", "DescribeAlarms", "cloudwatch:DescribeAlarms", rows=_ALARM,
        gives=("MetricAlarms", "CompositeAlarms"),
    ),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Alarms of both kinds; unless asked for by name, the service leaves out those on other alarms."""
    pages = api.pages("DescribeAlarms", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    api.in_turn(lambda raw: _alarm(api, raw), (a for page in pages for a in _alarms(page)))


def _alarm(api: Api, raw: Json) -> None:
    api.document("aws_alarm", raw["AlarmArn"], raw["AlarmName"], {"DescribeAlarms": raw})


def _alarms(page: Json) -> list[Json]:
    return [*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())]
