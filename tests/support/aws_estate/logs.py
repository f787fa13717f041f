"""A log group with filters that the benchmarks ask for, and one that nobody understands; an alarm."""

from __future__ import annotations

from tests.support.aws import client

ROOT = '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }'


def fill(account: str, region: str) -> None:
    """An alarm on a metric only: the stand-in cannot make those on other alarms."""
    logs = client("logs", region, account)
    logs.create_log_group(logGroupName="/audit/trail")
    logs.put_retention_policy(logGroupName="/audit/trail", retentionInDays=365)
    for name, pattern in (("root", ROOT), ("odd", "[ip, user, ...]")):
        logs.put_metric_filter(
            logGroupName="/audit/trail", filterName=name, filterPattern=pattern,
            metricTransformations=[{"metricName": name, "metricNamespace": "Audit", "metricValue": "1"}],
        )  # fmt: skip
    topic = client("sns", region, account).create_topic(Name="audit-alarms")["TopicArn"]
    cloudwatch = client("cloudwatch", region, account)
    cloudwatch.put_metric_alarm(
        AlarmName="root-used", Namespace="Audit", MetricName="root", ComparisonOperator="GreaterThanThreshold",
        Threshold=0, EvaluationPeriods=1, Period=300, Statistic="Sum", AlarmActions=[topic],
    )  # fmt: skip
