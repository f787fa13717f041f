"""CloudWatch Logs: log groups with the metrics that are made of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import days, field
from scanner.collectors.aws.watches import watched
from scanner.tables import Child, Document, Json, Kind, Placed, numbered
from scanner.tables.aws_logs import AwsLogGroup, AwsLogMetricFilter, AwsLogWatch

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_FILTERS = (AwsLogMetricFilter, AwsLogWatch)
_GROUP = (AwsLogGroup, *_FILTERS)


def shape(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeLogGroups")
    created = field(raw, "creationTime", None)
    yield AwsLogGroup(
        **document.place,
        created=None if created is None else created // 1000,
        retention_seconds=days(field(raw, "retentionInDays", 0)),
        kms_key_uid=field(raw, "kmsKeyId", ""),
        log_class=field(raw, "logGroupClass", "STANDARD"),
        stored_bytes=field(raw, "storedBytes", None),
    )
    filters = document.parts.get("DescribeMetricFilters") or ()
    yield from numbered(row for f in filters for row in _metrics(document, f))
    yield from numbered(row for f in filters for row in _watches(document, f))


def _metrics(document: Document, raw: Json) -> Iterator[Child]:
    for names in _names(raw):
        yield AwsLogMetricFilter(**document.place, pattern=raw.get("filterPattern", ""), **names)


def _watches(document: Document, raw: Json) -> Iterator[Child]:
    for change, selected in watched(raw.get("filterPattern", "")):
        for names in _names(raw):
            yield AwsLogWatch(**document.place, change=change, is_watched=selected, **names)


def _names(raw: Json) -> Iterator[dict[str, Any]]:
    for metric in raw.get("metricTransformations", ()):
        yield {
            "filter": raw.get("filterName"),
            "metric_namespace": metric.get("metricNamespace"),
            "metric_name": metric.get("metricName"),
        }


KINDS = (Kind("aws_log_group", _GROUP, shape, volatile=("DescribeLogGroups.storedBytes",)),)
PER = "region"
READS = (
    Read("logs", "DescribeLogGroups", "logs:DescribeLogGroups", rows=_GROUP),
    Read("logs", "DescribeMetricFilters", "logs:DescribeMetricFilters", rows=_FILTERS),
)


def fetch(api: Api) -> None:
    """The filters of all groups come in one listing."""
    filters = api.gather("DescribeMetricFilters", "metricFilters")
    of_group: dict[str, list[Json]] | None = None if filters is None else {}
    for found in filters or ():
        if of_group is not None:
            of_group.setdefault(found["logGroupName"], []).append(found)
    api.in_turn(lambda raw: _group(api, raw, of_group), api.items("DescribeLogGroups", "logGroups"))


def _group(api: Api, raw: Json, of_group: dict[str, list[Json]] | None) -> None:
    name = raw["logGroupName"]
    parts: dict[str, Json] = {"DescribeLogGroups": raw}
    if of_group is not None:
        parts["DescribeMetricFilters"] = sorted(of_group.get(name, ()), key=lambda f: str(f.get("filterName")))
    api.document("aws_log_group", raw["arn"].removesuffix(":*"), name, parts)
