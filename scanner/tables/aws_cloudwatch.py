"""CloudWatch alarms."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsAlarm(Resource, title="An alarm"):
    is_composite: bool | None = column("Made of other alarms.")
    actions_enabled: bool | None = column("It does what it is told to when it goes off.")
    has_alarm_action: bool | None = column("Something is told when it goes off.")
    state: str | None = column("OK, ALARM or INSUFFICIENT_DATA.", volatile=True)


class AwsAlarmMetric(Child, title="A metric that an alarm looks at"):
    metric_namespace: str | None = column("Namespace of the metric.")
    metric_name: str | None = column("Name of the metric.")


class AwsAlarmAction(Child, title="What an alarm does"):
    on_state: str | None = column("ALARM, OK or INSUFFICIENT_DATA.")
    target_uid: str | None = column("Topic, scaling policy or other action that is told.")
