"""Which changes a metric filter hears of, told from its pattern and CloudTrail's events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.collectors.aws.filter_pattern import matches
from scanner.collectors.aws.watches import WATCHES, watched

EVENT = {"a": "text", "n": 5, "yes": True, "nothing": None, "deep": {"list": [{"x": "y"}]}}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", True),
        ('{ $.a = "text" }', True),
        ("{ $.a = text }", True),
        ("{$.a=te*}", True),
        ('{ $.a = "other" }', False),
        ('{ $.a != "text" }', False),
        ("{ $.n >= 5 && $.n < 6 }", True),
        ("{ $.n > 5 || ($.n = 5 && $.a = text) }", True),
        ("{ $.yes IS TRUE }", True),
        ("{ $.nothing IS NULL }", True),
        ("{ $.gone NOT EXISTS }", True),
        ("{ $.a NOT EXISTS }", False),
        ("{ $.gone = x }", False),
        ("{ $.gone != x }", None),
        ("{ $.gone != x && $.a = other }", False),
        ("{ $.deep.list[0].x = y }", True),
        ('{ $["deep"].list[1].x = y }', False),
        ("{ $.a = [x] }", None),
        ("{ $.a = text", None),
        ("{ $.a = %te.t% }", None),
        ("ERROR", None),
        ("[ip, user]", None),
        ("{ $.a }", None),
        ("{ }", None),
    ],
)
def test_a_pattern_selects_what_the_pages_say(pattern: str, expected: bool | None) -> None:
    assert matches(pattern, EVENT) is expected


@given(st.text(alphabet='{}()$.[]"=!<>&|% aA1*\\', max_size=40))
def test_no_pattern_is_too_odd_to_be_asked_about(pattern: str) -> None:
    assert matches(pattern, EVENT) in (True, False, None)


def everything(change: str) -> str:
    """A pattern that names each event of a change."""
    return "{" + " || ".join(f'($.eventName = "{event["eventName"]}")' for event in WATCHES[change]) + "}"


@pytest.mark.parametrize("change", ["trails", "iam-policies", "gateways", "vpcs", "route-tables", "bucket-policies"])
def test_a_pattern_watches_a_change_when_it_names_all_of_its_events(change: str) -> None:
    names = [event["eventName"] for event in WATCHES[change]]

    assert dict(watched(everything(change)))[change] is True
    assert dict(watched(everything(change).replace(names[-1], "Somewhat")))[change] is False


def test_the_patterns_that_benchmarks_print_watch_what_they_are_meant_for() -> None:
    root = '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }'
    mfa = '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }'
    denied = (
        '{ ($.errorCode ="*UnauthorizedOperation") || ($.errorCode ="AccessDenied*") '
        '&& ($.sourceIPAddress!="delivery.logs.amazonaws.com") && ($.eventName!="HeadBucket") }'
    )
    found = {pattern: [c for c, yes in watched(pattern) if yes] for pattern in (root, mfa, denied)}

    assert found == {root: ["root-usage"], mfa: ["sign-in-without-mfa"], denied: ["unauthorized-calls"]}
