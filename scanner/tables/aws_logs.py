"""CloudWatch Logs: log groups and what their metric filters look out for."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsLogGroup(Resource, title="A log group"):
    created: int | None = column("Created.", unit="UTC seconds")
    retention_seconds: int | None = column("Events are kept; 0 for ever.", unit="seconds")
    kms_key_uid: str | None = column("Customer's key that encrypts it; '' if none.")
    log_class: str | None = column("STANDARD, INFREQUENT_ACCESS or DELIVERY.")
    stored_bytes: int | None = column("Size of what is in it.", unit="bytes", volatile=True)


class AwsLogMetricFilter(Child, title="A metric that a filter of a log group counts"):
    filter: str | None = column("Name of the filter.")
    pattern: str | None = column("What it selects, as written.")
    metric_namespace: str | None = column("Namespace of the metric.")
    metric_name: str | None = column("Name of the metric.")


class AwsLogWatch(Child, title="A kind of change that a metric filter is asked about"):
    """A row a metric of a filter and kind of change: root-usage, trails, iam-policies, …"""

    filter: str | None = column("Name of the filter.")
    metric_namespace: str | None = column("Namespace of the metric.")
    metric_name: str | None = column("Name of the metric.")
    change: str | None = column("The kind of change, as the rule that asks for alarms names it.")
    is_watched: bool | None = column("The pattern selects every event of that change; NULL if it is not understood.")
