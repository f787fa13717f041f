"""AWS Backup: vaults and plans."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsBackupVault(Resource, title="A backup vault"):
    kms_key_uid: str | None = column("Key that encrypts what is in it.")
    created: int | None = column("Created.", unit="UTC seconds")
    is_locked: bool | None = column("Vault lock: retention cannot be shortened.")
    lock_date: int | None = column("From when the lock itself cannot be lifted; 0 if never.", unit="UTC seconds")
    min_retention_seconds: int | None = column("Shortest retention admitted; 0 if not bounded.", unit="seconds")
    max_retention_seconds: int | None = column("Longest retention admitted; 0 if not bounded.", unit="seconds")
    recovery_points: int | None = column("Recovery points in it.", volatile=True)


class AwsBackupPlan(Resource, title="A backup plan"):
    version: str | None = column("Version that holds.")
    created: int | None = column("Created.", unit="UTC seconds")
    last_run: int | None = column("Last run; 0 if never.", unit="UTC seconds", volatile=True)


class AwsBackupRule(Child, title="A rule of a backup plan"):
    rule: str | None = column("Name of the rule.")
    vault_uid: str | None = column("Vault that gets the backups.")
    schedule: str | None = column("Expression as written; '' for AWS's default, once a day.")
    interval_seconds: int | None = column(
        "Longest time between two starts by the schedule; NULL for an expression that is not understood.",
        unit="seconds",
    )
    is_continuous: bool | None = column("Point-in-time recovery.")
    delete_after_seconds: int | None = column("Backups are kept; 0 for ever.", unit="seconds")
    cold_storage_after_seconds: int | None = column("Moved to cold storage after; 0 never.", unit="seconds")
    start_window_seconds: int | None = column("Given up when not started after; 0 AWS's default.", unit="seconds")


class AwsBackupCopy(Child, title="A copy that a rule of a backup plan makes"):
    rule: str | None = column("Name of the rule.")
    vault_uid: str | None = column("Vault that gets the copies.")
    destination_region: str | None = column("Region of that vault.")
    destination_account: str | None = column("Account of that vault.")
    delete_after_seconds: int | None = column("Copies are kept; 0 for ever.", unit="seconds")


class AwsBackupSelection(Child, title="What a backup plan backs up"):
    """A row a line of a selection: an ARN pattern or a tag."""

    selection: str | None = column("Name of the selection.")
    selection_kind: str | None = column("include, exclude, tag or condition.")
    pattern: str | None = column("ARN or pattern; '' for tags and conditions.")
    tag_key: str | None = column("Tag key; '' for ARNs.")
    tag_value: str | None = column("Tag value; '' for ARNs.")
    operator: str | None = column("STRINGEQUALS, StringLike, …; '' for ARNs.")
