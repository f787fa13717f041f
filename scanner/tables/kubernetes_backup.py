"""Backups that a cluster makes of itself: Velero's schedules, backups, restores and where they are kept."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class KubernetesBackupSchedule(Resource, title="A schedule of backups (Velero)"):
    """https://velero.io/docs/main/api-types/schedule/"""

    schedule: str | None = column("Cron expression.")
    interval_seconds: int | None = column(
        "Longest time between two backups; NULL for an expression that is new to us.", unit="seconds"
    )
    is_paused: bool | None = column("It makes no backups. Not set is false.")
    keep_seconds: int | None = column("How long a backup is kept; not set is 30 days.", unit="seconds")
    takes_all_namespaces: bool | None = column("It names no namespaces, or *.")
    takes_volumes: bool | None = column("Volumes are saved too. Not set is true.")
    takes_all_resources: bool | None = column("No kinds are left out, no label is asked for.")
    location: str | None = column("Storage location; '' is the default one.")
    last_backup: int | None = column(
        "When it last made one; 0 never or in a manifest.", unit="UTC seconds", volatile=True
    )


class KubernetesBackupNamespace(Child, title="A namespace that a schedule or backup names"):
    included: str | None = column("Namespace that is taken; '' in a row that leaves one out.")
    excluded: str | None = column("Namespace that is left out; '' in a row that takes one.")


class KubernetesBackup(Resource, title="A backup (Velero)"):
    schedule: str | None = column("Schedule that made it; '' if somebody did.")
    phase: str | None = column(
        "New, InProgress, Completed, PartiallyFailed, Failed, …; '' in a manifest.", volatile=True
    )
    completed: int | None = column("When it was complete; 0 if it is not.", unit="UTC seconds", volatile=True)
    expires: int | None = column("When it is removed; 0 if not known yet.", unit="UTC seconds", volatile=True)
    takes_all_namespaces: bool | None = column("It names no namespaces, or *.")
    location: str | None = column("Storage location; '' is the default one.")


class KubernetesBackupLocation(Resource, title="A storage location of backups (Velero)"):
    provider: str | None = column("Plug-in: aws, gcp, azure, …")
    bucket: str | None = column("Bucket or container; '' if none.")
    bucket_region: str | None = column("Region in its configuration; '' if none is set.")
    encryption_key: str | None = column("Key in its configuration (kmsKeyId); '' if none is set.")
    is_default: bool | None = column("Backups that name no location go there.")
    is_read_only: bool | None = column("Nothing can be written there. Not set is false.")
    phase: str | None = column("Available or Unavailable; '' in a manifest.", volatile=True)


class KubernetesRestore(Resource, title="A restore from a backup (Velero)"):
    backup: str | None = column("Backup it restores; '' for the newest of a schedule.")
    phase: str | None = column(
        "New, InProgress, Completed, PartiallyFailed, Failed, …; '' in a manifest.", volatile=True
    )
    completed: int | None = column("When it was complete; 0 if it is not.", unit="UTC seconds", volatile=True)
