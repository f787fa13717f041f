"""Of which changes in an account somebody is told: trail → log group → metric filter → alarm → whoever it tells.

The chain is that of the CIS AWS Foundations Benchmark, section «Monitoring».
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.shaping import both, either
from scanner.tables import Derived, Placed
from scanner.tables.aws_account import AwsAccount, AwsAccountChange
from scanner.tables.aws_cloudtrail import AwsCloudtrailTrail
from scanner.tables.aws_cloudwatch import AwsAlarm, AwsAlarmMetric
from scanner.tables.aws_logs import AwsLogWatch

if TYPE_CHECKING:
    from scanner.store import Estate

TABLES: tuple[type[Derived], ...] = (AwsAccountChange,)
# The kinds of change; the collectors' filter patterns are judged by the events of each.
CHANGES = (
    "bucket-policies", "config-recorders", "gateways", "iam-policies", "key-deletion", "network-acls", "root-usage",
    "route-tables", "security-groups", "sign-in-failures", "sign-in-without-mfa", "trails", "unauthorized-calls",
    "vpcs",
)  # fmt: skip
Truth = bool | None


def rows(estate: Estate) -> Iterator[AwsAccountChange]:
    """A row for each account and kind of change."""
    accounts = estate.rows(AwsAccount)
    told = _Told(estate, {account.account for account in accounts})
    trails: defaultdict[str | None, list[AwsCloudtrailTrail]] = defaultdict(list)
    for trail in estate.rows(AwsCloudtrailTrail):
        trails[trail.account].append(trail)
    for account in accounts:
        place = {name: getattr(account, name) for name in Placed.columns()}
        for change in CHANGES:
            ways = [both(_records(trail), told.of(trail, change)) for trail in trails[account.account]]
            yield AwsAccountChange(**place, change=change, is_told=either(*ways))


def _records(trail: AwsCloudtrailTrail) -> Truth:
    every = None if trail.management_events is None else trail.management_events == "all"
    return both(trail.is_multi_region, trail.is_logging, every)


class _Told:
    """Whether an alarm tells somebody of what a trail's log group receives."""

    def __init__(self, estate: Estate, accounts: set[str | None]) -> None:
        self.accounts = accounts
        self.watches: defaultdict[tuple[str, str | None], list[AwsLogWatch]] = defaultdict(list)
        for watch in estate.rows(AwsLogWatch):
            self.watches[watch.uid, watch.change].append(watch)
        alarms = {alarm.uid: alarm for alarm in estate.rows(AwsAlarm)}
        # account, region, namespace, name → whether an alarm on the metric tells somebody
        self.metrics: defaultdict[tuple[str | None, ...], list[Truth]] = defaultdict(list)
        for metric in estate.rows(AwsAlarmMetric):
            alarm = alarms.get(metric.uid)
            tells = None if alarm is None else both(alarm.actions_enabled, alarm.has_alarm_action)
            self.metrics[metric.account, metric.region, metric.metric_namespace, metric.metric_name].append(tells)

    def of(self, trail: AwsCloudtrailTrail, change: str) -> Truth:
        """None where the group is not known, or is of an account that is not scanned."""
        if trail.log_group is None:
            return None
        if not trail.log_group:
            return False
        group = trail.log_group.removesuffix(":*")
        if group.split(":")[4:5] and group.split(":")[4] not in self.accounts:
            return None
        return either(*(both(watch.is_watched, self._tells(watch)) for watch in self.watches[group, change]))

    def _tells(self, watch: AwsLogWatch) -> Truth:
        return either(*self.metrics[watch.account, watch.region, watch.metric_namespace, watch.metric_name])
