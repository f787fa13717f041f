"""Thresholds: what each tier must keep to, as shipped, and as tierwall.yaml changes it.

The shipped numbers are those of the environment management guide (`rules/frameworks/environment-management.yaml` maps
its every line). Each names the line it comes from; what the guide does not state is marked `tierwall default`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import Field

from scanner.environments.fields import Duration, Model, Scalar

Tier = Literal["local", "feature", "integration", "development", "staging", "production", "shared"]
TIERS: tuple[Tier, ...] = get_args(Tier)
DEFAULT = "tierwall default"

Count = Annotated[int, Field(ge=0, le=1_000_000)]


class Backup(Model):
    full_every: Duration | None = None
    incremental_every: Duration | None = None
    keep: Duration | None = None
    copy_to_other_region: bool | None = None


class Audit(Model):
    retention: Duration | None = None


class Access(Model):
    session_timeout: Duration | None = None
    password_min_length: Count | None = None
    mfa_required: bool | None = None
    vpn_required: bool | None = None


class Data(Model):
    tls_required: bool | None = None
    encryption_at_rest_required: bool | None = None
    masking_required: bool | None = None
    deletion_protection_required: bool | None = None


class Database(Model):
    pool_size_min: Count | None = None
    timeout_max: Duration | None = None


class Operation(Model):
    high_availability_required: bool | None = None
    detailed_monitoring_required: bool | None = None
    alerts_required: bool | None = None
    cache_required: bool | None = None
    cdn_required: bool | None = None
    debug_allowed: bool | None = None


class Thresholds(Model):
    """What an environment or a tier must keep to; what is left out is as shipped.

    `parameters` sets those that rules declare: the rule's id, the parameter's name, the value.
    """

    backup: Backup = Backup()
    audit: Audit = Audit()
    access: Access = Access()
    data: Data = Data()
    database: Database = Database()
    operation: Operation = Operation()
    parameters: dict[str, dict[str, Scalar]] = Field(default_factory=dict)

    def given(self) -> dict[str, int]:
        """What is given, by column of the table `environment`; booleans are 0 and 1."""
        values = {COLUMNS[key]: getattr(getattr(self, key[0]), key[1]) for key in COLUMNS}
        return {name: int(value) for name, value in values.items() if value is not None}


# Group and field in tierwall.yaml → column of `environment`. Lengths of time are stored in seconds.
COLUMNS: dict[tuple[str, str], str] = {
    ("backup", "full_every"): "backup_full_every_seconds",
    ("backup", "incremental_every"): "backup_incremental_every_seconds",
    ("backup", "keep"): "backup_keep_seconds",
    ("backup", "copy_to_other_region"): "backup_copy_to_other_region",
    ("audit", "retention"): "audit_retention_seconds",
    ("access", "session_timeout"): "session_timeout_seconds",
    ("access", "password_min_length"): "password_min_length",
    ("access", "mfa_required"): "mfa_required",
    ("access", "vpn_required"): "vpn_required",
    ("data", "tls_required"): "tls_required",
    ("data", "encryption_at_rest_required"): "encryption_at_rest_required",
    ("data", "masking_required"): "data_masking_required",
    ("data", "deletion_protection_required"): "deletion_protection_required",
    ("database", "pool_size_min"): "database_pool_size_min",
    ("database", "timeout_max"): "database_timeout_max_seconds",
    ("operation", "high_availability_required"): "high_availability_required",
    ("operation", "detailed_monitoring_required"): "detailed_monitoring_required",
    ("operation", "alerts_required"): "alerts_required",
    ("operation", "cache_required"): "cache_required",
    ("operation", "cdn_required"): "cdn_required",
    ("operation", "debug_allowed"): "debug_allowed",
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """What an environment must keep to, and who says so."""

    value: int  # seconds, a count, or 0 and 1
    origin: str  # `tierwall.yaml:31`, `line 252` of the environment management guide, or `tierwall default`


_DAY, _HOUR = 86400, 3600
_Row = dict[Tier, tuple[int, int | None]]  # tier → value, line of the guide


def _all(value: int, line: int | None = None, **others: tuple[int, int | None]) -> _Row:
    """One value for every tier but those named."""
    unknown = set(others) - set(TIERS)
    if unknown:
        raise ValueError(f"not a tier: {', '.join(sorted(unknown))}")
    return {tier: others.get(tier, (value, line)) for tier in TIERS}


_TABLE: dict[str, _Row] = {
    # Line 252: "daily full, hourly incremental" in production; 253: daily full in staging; 254: weekly in development.
    # Line 29 calls integration the shared development environment. Feature environments are made anew from a branch.
    "backup_full_every_seconds": _all(
        0, production=(_DAY, 252), staging=(_DAY, 253), development=(7 * _DAY, 254), integration=(7 * _DAY, 254),
        shared=(_DAY, None),
    ),
    "backup_incremental_every_seconds": _all(0, production=(_HOUR, 252), staging=(0, 253), development=(0, 254)),
    # Line 261 asks that a retention policy be kept and gives no number.
    "backup_keep_seconds": _all(
        0, production=(35 * _DAY, None), staging=(14 * _DAY, None), development=(7 * _DAY, None),
        integration=(7 * _DAY, None), shared=(35 * _DAY, None),
    ),
    "backup_copy_to_other_region": _all(0, production=(1, 260)),
    "audit_retention_seconds": _all(365 * _DAY, 86),  # base.yml: common across all environments
    "session_timeout_seconds": _all(3600, 82, production=(1800, 98)),
    "password_min_length": _all(8, 83),
    "mfa_required": _all(1, 193, production=(1, 99), local=(0, None)),  # no cloud sign-in on a workstation
    "vpn_required": _all(1, 198, production=(0, None), local=(0, None)),
    "tls_required": _all(0, production=(1, 94), staging=(1, 35), shared=(1, None)),  # staging mirrors production
    "encryption_at_rest_required": _all(1, local=(0, None)),
    "data_masking_required": _all(1, 58, production=(0, 58), shared=(0, None)),
    "deletion_protection_required": _all(0, production=(1, None), shared=(1, None)),
    "database_pool_size_min": _all(10, 78, production=(50, 93)),
    "database_timeout_max_seconds": _all(30, 79),  # 30000 milliseconds
    "high_availability_required": _all(0, production=(1, 42)),
    "detailed_monitoring_required": _all(0, production=(1, 102)),
    "alerts_required": _all(0, production=(1, 103)),
    "cache_required": _all(0, production=(1, 106)),
    "cdn_required": _all(0, production=(1, 107)),
    "debug_allowed": _all(0, local=(1, 17)),  # line 17 names debugging for local environments alone
    # Line 23: feature environments are temporary; it does not say for how long.
    "ttl_seconds": _all(0, feature=(14 * _DAY, None)),
}  # fmt: skip


def shipped(tier: Tier) -> dict[str, Threshold]:
    """The thresholds of a tier as shipped, by column of the table `environment`."""
    return {
        name: Threshold(row[tier][0], DEFAULT if row[tier][1] is None else f"line {row[tier][1]}")
        for name, row in _TABLE.items()
    }


def defaults_digest() -> str:
    """SHA-256 of all shipped thresholds: part of the policy's digest, since they judge where the file is silent."""
    text = json.dumps([[name, sorted(row.items())] for name, row in _TABLE.items()], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
