"""Secrets Manager: secrets by reference; no value is read."""

from __future__ import annotations

from scanner.tables.base import Resource, column


class AwsSecret(Resource, title="A secret of Secrets Manager"):
    created: int | None = column("Created.", unit="UTC seconds")
    kms_key_uid: str | None = column("Customer's key that encrypts it; '' for AWS's own.")
    rotation_enabled: bool | None = column("Replaced automatically.")
    rotation_interval_seconds: int | None = column(
        "Longest time between replacements; 0 if never, NULL for a schedule that is not understood.", unit="seconds"
    )
    last_rotated: int | None = column("Last replaced; 0 if never.", unit="UTC seconds")
    last_changed: int | None = column("Value last changed; 0 if never.", unit="UTC seconds")
    last_read: int | None = column("Value last read, to the day; 0 if never.", unit="UTC seconds", volatile=True)
    deletion_time: int | None = column("Will be deleted; 0 if not.", unit="UTC seconds")
