"""Of which changes somebody is told: every link of the chain is needed, and one that is not known leaves it open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scanner.collectors.aws.watches import WATCHES
from scanner.isolation import derive
from scanner.isolation.aws.changes import CHANGES
from scanner.store import Estate
from scanner.tables import Row, Scope
from scanner.tables.aws_account import AwsAccount, AwsAccountChange
from scanner.tables.aws_cloudtrail import AwsCloudtrailTrail
from scanner.tables.aws_cloudwatch import AwsAlarm, AwsAlarmMetric
from scanner.tables.aws_logs import AwsLogWatch
from scanner.tables.estate import Requested

OWN, GROUP = "111111111111", "arn:aws:logs:eu-west-1:111111111111:log-group:audit"
PLACE = {"scope": f"aws/{OWN}/eu-west-1", "account": OWN, "region": "eu-west-1"}
TRAIL = {"is_multi_region": True, "is_logging": True, "management_events": "all", "log_group": f"{GROUP}:*"}
METRIC = {"metric_namespace": "Audit", "metric_name": "root"}


def told(folder: Path, **changed: Any) -> bool | None:
    """Whether use of the root user is told, when the parts of the chain have these values instead."""
    given = {**TRAIL, **METRIC, "is_watched": True, "actions_enabled": True, "has_alarm_action": True} | changed
    rows: list[Row] = [
        Scope(id=PLACE["scope"], source="aws", account=OWN, region="eu-west-1"),
        Requested(scope=PLACE["scope"], table_name="aws_account"),
        AwsAccount(**PLACE, uid="account"),
        AwsCloudtrailTrail(**PLACE, uid="trail", **{name: given[name] for name in TRAIL}),
        AwsLogWatch(**PLACE, uid=GROUP, change="root-usage", is_watched=given["is_watched"], **METRIC),
        AwsAlarm(
            **PLACE, uid="alarm", actions_enabled=given["actions_enabled"], has_alarm_action=given["has_alarm_action"]
        ),
        AwsAlarmMetric(**PLACE, uid="alarm", **{name: given[name] for name in METRIC}),
    ]
    with Estate.create(folder / "estate.db") as estate:
        estate.insert(rows)
        derive(estate)
        found = {row.change: row.is_told for row in estate.rows(AwsAccountChange)}
    assert set(found) == set(CHANGES)
    assert {found[change] for change in CHANGES if change != "root-usage"} <= {False, None}
    return found["root-usage"]


def test_the_changes_are_those_that_patterns_are_judged_by() -> None:
    assert set(CHANGES) == set(WATCHES)


def test_the_whole_chain_tells(tmp_path: Path) -> None:
    assert told(tmp_path) is True


@pytest.mark.parametrize(
    "link",
    [
        {"is_multi_region": False}, {"is_logging": False}, {"management_events": "write"}, {"log_group": ""},
        {"log_group": "arn:aws:logs:eu-west-1:111111111111:log-group:other:*"}, {"is_watched": False},
        {"actions_enabled": False}, {"has_alarm_action": False}, {"metric_name": "other"},
    ],
    ids=lambda link: next(iter(link)),
)  # fmt: skip
def test_a_missing_link_breaks_it(link: dict[str, Any], tmp_path: Path) -> None:
    assert told(tmp_path, **link) is False


@pytest.mark.parametrize(
    "link",
    [
        {"is_multi_region": None}, {"management_events": None}, {"log_group": None}, {"is_watched": None},
        {"actions_enabled": None}, {"log_group": "arn:aws:logs:eu-west-1:222222222222:log-group:audit:*"},
    ],
    ids=lambda link: next(iter(link)),
)  # fmt: skip
def test_a_link_that_is_not_known_or_not_scanned_leaves_it_open(link: dict[str, Any], tmp_path: Path) -> None:
    assert told(tmp_path, **link) is None
