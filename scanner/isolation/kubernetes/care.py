"""What looks after workloads: disruption budgets, autoscalers, and schedules that back up what they keep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from scanner.collectors.kubernetes.selectors import matches
from scanner.store import Estate
from scanner.tables import Gap, Row
from scanner.tables.base import Derived
from scanner.tables.kubernetes_backup import KubernetesBackupNamespace, KubernetesBackupSchedule
from scanner.tables.kubernetes_care import KubernetesWorkloadCare
from scanner.tables.kubernetes_storage import KubernetesPersistentVolumeClaim
from scanner.tables.kubernetes_workload import (
    KubernetesHorizontalPodAutoscaler,
    KubernetesPodDisruptionBudget,
    KubernetesPodLabel,
    KubernetesVolume,
    KubernetesWorkload,
)

TABLES: tuple[type[Derived], ...] = (KubernetesWorkloadCare,)
_Space = tuple[str | None, str | None]  # cluster, namespace

# Which columns say less than there may be when a listing was not complete.
_OPEN: dict[type[Row], tuple[str, ...]] = {
    KubernetesPodDisruptionBudget: ("budgets",),
    KubernetesHorizontalPodAutoscaler: ("autoscaler_min",),
    KubernetesPersistentVolumeClaim: ("claims",),
    KubernetesBackupSchedule: ("is_saved", "saved_every_seconds", "kept_seconds"),
    KubernetesBackupNamespace: ("is_saved", "saved_every_seconds", "kept_seconds"),
}


def rows(estate: Estate) -> Iterator[Row]:
    """A row a workload; what was not listed leaves NULL, with the gap of the listing."""
    gaps = {(g.scope, g.table_name): g for g in estate.rows(Gap) if not g.column_name}
    budgets: defaultdict[_Space, list[str]] = defaultdict(list)
    for budget in estate.rows(KubernetesPodDisruptionBudget):
        if not budget.selects_nothing:
            budgets[budget.cluster, budget.namespace].append(budget.selector or "")
    scalers = {row.target_uid: row.min_replicas for row in estate.rows(KubernetesHorizontalPodAutoscaler)}
    claims = {row.uid for row in estate.rows(KubernetesPersistentVolumeClaim)}
    mounted: defaultdict[str, set[str]] = defaultdict(set)
    for volume in estate.rows(KubernetesVolume, "kind = 'persistentVolumeClaim' AND is_mounted"):
        mounted[volume.uid].add(volume.reference_uid or "")
    labels: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for label in estate.rows(KubernetesPodLabel):
        labels[label.uid][label.label or ""] = label.value or ""
    schedules = _Schedules(estate)
    for workload in estate.rows(KubernetesWorkload):
        space = (workload.cluster, workload.namespace)
        mine = labels.get(workload.uid, {})
        saving = schedules.of(space)
        row = KubernetesWorkloadCare(
            scope=workload.scope, uid=workload.uid, name=workload.name, cluster=workload.cluster,
            namespace=workload.namespace, source=workload.source, file=workload.file, line=workload.line,
            budgets=sum(matches(selector, mine) for selector in budgets.get(space, ())),
            autoscaler_min=scalers.get(workload.uid, 0),
            claims=len(mounted.get(workload.uid, set()) & claims),
            is_saved=bool(saving),
            saved_every_seconds=_best(min, [one.interval_seconds for one in saving]),
            kept_seconds=_best(max, [one.keep_seconds for one in saving]),
        )  # fmt: skip
        for table, columns in _OPEN.items():
            gap = gaps.get((workload.scope, table.table))
            if gap:
                for column in columns:
                    setattr(row, column, None)
                    yield replace(gap, uid=row.uid, table_name=row.table, column_name=column)
        yield row


def _best(choose: Callable[[list[int]], int], found: list[int | None]) -> int | None:
    """The best of the numbers; None where one is not known, 0 where there is none."""
    known = [number for number in found if number is not None]
    if len(known) < len(found):
        return None
    return choose(known) if known else 0


class _Schedules:
    """Schedules that save volumes, by what they take."""

    def __init__(self, estate: Estate) -> None:
        self._taken: defaultdict[str, set[str]] = defaultdict(set)
        self._left: defaultdict[str, set[str]] = defaultdict(set)
        for row in estate.rows(KubernetesBackupNamespace):
            if row.included:
                self._taken[row.uid].add(row.included)
            if row.excluded:
                self._left[row.uid].add(row.excluded)
        self._active = [
            row
            for row in estate.rows(KubernetesBackupSchedule)
            if not row.is_paused and row.takes_volumes and row.takes_all_resources
        ]

    def of(self, space: _Space) -> list[KubernetesBackupSchedule]:
        cluster, namespace = space
        return [
            row
            for row in self._active
            if row.cluster == cluster
            and (row.takes_all_namespaces or namespace in self._taken[row.uid])
            and namespace not in self._left[row.uid]
        ]
