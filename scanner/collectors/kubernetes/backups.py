"""Velero's schedules, backups, storage locations and restores as rows: https://velero.io/docs/main/api-types/"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from scanner.collectors.aws import schedule
from scanner.collectors.kubernetes.identity import place
from scanner.collectors.kubernetes.values import dig, flag, mapping, text, texts, timestamp
from scanner.tables import Document, Json, numbered
from scanner.tables.base import Placed
from scanner.tables.kubernetes_backup import (
    KubernetesBackup,
    KubernetesBackupLocation,
    KubernetesBackupNamespace,
    KubernetesBackupSchedule,
    KubernetesRestore,
)

_KEPT = 30 * 86400  # where no time to live is set
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(h|ms|m|s)")
_NICKNAMES = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip


def shape_backup_schedule(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a schedule."""
    template = mapping(obj, "spec", "template")
    kept = text(template, "ttl")
    yield KubernetesBackupSchedule(
        **place(document),
        schedule=text(obj, "spec", "schedule"),
        interval_seconds=interval_seconds(text(obj, "spec", "schedule")),
        is_paused=flag(obj, "spec", "paused"),
        keep_seconds=duration_seconds(kept) if kept else _KEPT,
        takes_all_namespaces=_takes_all(template),
        takes_volumes=dig(template, "snapshotVolumes") is not False,
        takes_all_resources=_takes_all_resources(template),
        location=text(template, "storageLocation"),
        last_backup=_time(obj, "status", "lastBackup"),
    )
    yield from numbered(_namespaces(place(document), template))


def shape_backup(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a backup."""
    spec = mapping(obj, "spec")
    yield KubernetesBackup(
        **place(document),
        schedule=text(obj, "metadata", "labels", "velero.io/schedule-name"),
        phase=text(obj, "status", "phase"),
        completed=_time(obj, "status", "completionTimestamp"),
        expires=_time(obj, "status", "expiration"),
        takes_all_namespaces=_takes_all(spec),
        location=text(spec, "storageLocation"),
    )
    yield from numbered(_namespaces(place(document), spec))


def shape_backup_location(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a storage location."""
    settings = mapping(obj, "spec", "config")
    yield KubernetesBackupLocation(
        **place(document),
        provider=text(obj, "spec", "provider"),
        bucket=text(obj, "spec", "objectStorage", "bucket"),
        bucket_region=text(settings, "region"),
        encryption_key=text(settings, "kmsKeyId"),
        is_default=flag(obj, "spec", "default"),
        is_read_only=text(obj, "spec", "accessMode") == "ReadOnly",
        phase=text(obj, "status", "phase"),
    )


def shape_restore(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a restore."""
    yield KubernetesRestore(
        **place(document),
        backup=text(obj, "spec", "backupName"),
        phase=text(obj, "status", "phase"),
        completed=_time(obj, "status", "completionTimestamp"),
    )


def _takes_all(spec: Json) -> bool:
    included = texts(spec, "includedNamespaces")
    return not included or "*" in included


def _takes_all_resources(spec: Json) -> bool:
    included = texts(spec, "includedResources")
    narrowed = mapping(spec, "labelSelector") or dig(spec, "orLabelSelectors") or texts(spec, "excludedResources")
    return (not included or "*" in included) and not narrowed


def _namespaces(where: dict[str, Any], spec: Json) -> Iterator[KubernetesBackupNamespace]:
    for name in texts(spec, "includedNamespaces"):
        if name != "*":
            yield KubernetesBackupNamespace(**where, included=name, excluded="")
    for name in texts(spec, "excludedNamespaces"):
        yield KubernetesBackupNamespace(**where, included="", excluded=name)


def _time(obj: Json, *path: str) -> int | None:
    spelt = text(obj, *path)
    return timestamp(spelt) if spelt else 0


def duration_seconds(spelt: str) -> int | None:
    """Seconds of a duration as Go writes it, such as 720h0m0s; None where it is none."""
    parts = _DURATION.findall(spelt)
    if not parts or "".join(number + unit for number, unit in parts) != spelt:
        return None
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts))


def interval_seconds(expression: str) -> int | None:
    """The longest time between two firings of a cron expression of five fields; None for what is not understood.

    https://pkg.go.dev/github.com/robfig/cron/v3
    """
    if expression.startswith("@every "):
        return duration_seconds(expression.removeprefix("@every ").strip())
    fields = _NICKNAMES.get(expression, expression).removeprefix("CRON_TZ=UTC ").split()
    if len(fields) != 5:
        return None
    minute, hour, day, month, weekday = fields
    if "*" not in (day, weekday):
        return None  # either of the two: more often than each
    if weekday == "*":
        return schedule.interval_seconds(f"cron({minute} {hour} {day} {month} ? *)")
    # AWS counts the days of the week from 1, here they are counted from 0, and 7 is Sunday too.
    shifted = re.sub(r"[0-7]", lambda found: str(int(found[0]) % 7 + 1), weekday)
    return schedule.interval_seconds(f"cron({minute} {hour} ? {month} {shifted} *)")
