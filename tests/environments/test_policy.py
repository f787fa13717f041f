"""The shipped thresholds are the environment management guide's, number for number, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.environments import TIERS, Config, Threshold, load_config
from scanner.environments.duration import format_duration, parse_duration
from scanner.environments.policy import COLUMNS, shipped
from scanner.tables import Environment

HOUR, DAY = 3600, 86400
STATED = [
    ("production", "backup_full_every_seconds", DAY, 252),  # Production: Daily full, hourly incremental
    ("production", "backup_incremental_every_seconds", HOUR, 252),
    ("staging", "backup_full_every_seconds", DAY, 253),  # Staging: Daily full backups
    ("staging", "backup_incremental_every_seconds", 0, 253),
    ("development", "backup_full_every_seconds", 7 * DAY, 254),  # Development: Weekly backups
    ("production", "backup_copy_to_other_region", 1, 260),  # Cross-region backup replication
    *((tier, "audit_retention_seconds", 365 * DAY, 86) for tier in TIERS),  # base.yml: retention_days: 365
    *((tier, "password_min_length", 8, 83) for tier in TIERS),
    *((tier, "database_timeout_max_seconds", 30, 79) for tier in TIERS),  # timeout: 30000, milliseconds
    ("staging", "session_timeout_seconds", 3600, 82),
    ("production", "session_timeout_seconds", 1800, 98),
    ("staging", "database_pool_size_min", 10, 78),
    ("production", "database_pool_size_min", 50, 93),
    ("production", "tls_required", 1, 94),  # ssl_mode: require
    ("production", "mfa_required", 1, 99),
    ("staging", "mfa_required", 1, 193),
    ("production", "detailed_monitoring_required", 1, 102),
    ("production", "alerts_required", 1, 103),
    ("production", "cache_required", 1, 106),
    ("production", "cdn_required", 1, 107),
    ("production", "high_availability_required", 1, 42),
    ("staging", "vpn_required", 1, 198),
    ("staging", "data_masking_required", 1, 58),
    ("production", "data_masking_required", 0, 58),
    ("local", "debug_allowed", 1, 17),
]


@pytest.mark.parametrize(("tier", "column", "value", "line"), STATED)
def test_what_the_guide_states_is_shipped(tier: str, column: str, value: int, line: int) -> None:
    """With its line, so that a reader can look it up."""
    assert shipped(tier)[column] == Threshold(value, f"line {line}")  # type: ignore[arg-type]


def test_what_the_guide_does_not_state_says_so() -> None:
    """Nobody takes our choice for theirs."""
    ours = {tier: {name for name, t in shipped(tier).items() if t.origin == "tierwall default"} for tier in TIERS}

    assert ours["production"] == {
        "backup_keep_seconds", "vpn_required", "encryption_at_rest_required", "deletion_protection_required",
        "debug_allowed", "ttl_seconds",
    }  # fmt: skip
    assert shipped("production")["backup_keep_seconds"].value == 35 * DAY
    assert shipped("feature")["ttl_seconds"] == Threshold(14 * DAY, "tierwall default")


def test_every_threshold_is_a_column_and_can_be_set() -> None:
    """The file, the shipped table and the table `environment` name the same things."""
    names = set(shipped("production"))

    assert names <= set(Environment.columns())
    assert names == {*COLUMNS.values(), "ttl_seconds"}  # the last is a key of the environment itself


def test_a_policy_sets_the_parameters_of_rules(tmp_path: Path) -> None:
    """For a tier, an environment, and all that an environment became."""
    (tmp_path / "tierwall.yaml").write_text(
        """\
sources: {kubernetes: {clusters: {c: {}}}}
environments:
  preview: {tier: feature, each: {kubernetes: {cluster: c, namespaces: ["p-*"]}}, branch: {from: namespace}}
policy:
  production: {parameters: {some-rule: {days: 3}}}
  preview: {parameters: {some-rule: {days: 5}}}
"""
    )
    config = load_config(tmp_path / "tierwall.yaml")

    assert config.overrides(["preview/a"]) == {
        "production": {"some-rule": {"days": 3}},
        "preview": {"some-rule": {"days": 5}},
        "preview/a": {"some-rule": {"days": 5}},
    }
    assert Config().overrides(["a"]) == {}


@given(seconds=st.integers(0, 10**9))
def test_a_length_of_time_is_written_as_it_is_read(seconds: int) -> None:
    """Whatever its unit."""
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("24h", 86400), ("1h30m", 5400), ("0", 0), ("1y", 365 * DAY), ("2w", 14 * DAY)]
)
def test_lengths_of_time(text: str, seconds: int) -> None:
    """As people write them."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "24", "h", "1 h", "-1h", "1h ", "٣h", "1.5h", "P1D"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    """A number without a unit may be anything."""
    with pytest.raises(ValueError, match="is not a length of time"):
        parse_duration(text)
