"""What objects name, and whether it is there: services behind routes, accounts of workloads, pods that are selected.

What is not among the objects that were read is not there, in a cluster and in a set of manifests alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from scanner.collectors.kubernetes.selectors import matches
from scanner.store import Estate
from scanner.tables import Gap, Row
from scanner.tables.base import Derived, Placed
from scanner.tables.kubernetes_access import KubernetesRole, KubernetesRoleBinding, KubernetesServiceAccount
from scanner.tables.kubernetes_gateway import KubernetesRoute, KubernetesRouteBackend
from scanner.tables.kubernetes_network import (
    KubernetesIngress,
    KubernetesIngressRule,
    KubernetesNetworkPolicy,
    KubernetesService,
)
from scanner.tables.kubernetes_object import KubernetesReference
from scanner.tables.kubernetes_storage import (
    KubernetesConfigMap,
    KubernetesPersistentVolume,
    KubernetesPersistentVolumeClaim,
    KubernetesSecretSource,
    KubernetesStorageClass,
)
from scanner.tables.kubernetes_workload import (
    KubernetesContainerVariable,
    KubernetesHorizontalPodAutoscaler,
    KubernetesPodDisruptionBudget,
    KubernetesPodLabel,
    KubernetesVolume,
    KubernetesWorkload,
)

TABLES: tuple[type[Derived], ...] = (KubernetesReference,)

# Where the objects of a kind are; of other kinds nothing can be told.
_KINDS: dict[str, type[Placed]] = {
    "Service": KubernetesService,
    "ServiceAccount": KubernetesServiceAccount,
    "ConfigMap": KubernetesConfigMap,
    "PersistentVolumeClaim": KubernetesPersistentVolumeClaim,
    "PersistentVolume": KubernetesPersistentVolume,
    "StorageClass": KubernetesStorageClass,
    "SecretSource": KubernetesSecretSource,
    "Role": KubernetesRole,
    "ClusterRole": KubernetesRole,
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "DaemonSet", "Job", "CronJob"),
        KubernetesWorkload,
    ),
}
_VOLUMES = {
    "configMap": "ConfigMap", "persistentVolumeClaim": "PersistentVolumeClaim", "secret": "SecretSource",
}  # fmt: skip
_GIVEN = frozenset({  # a cluster has them without anybody's doing
    ("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt"), ("ClusterRole", "cluster-admin"),
    ("ClusterRole", "admin"), ("ClusterRole", "edit"), ("ClusterRole", "view"),
})  # fmt: skip


class _Named(NamedTuple):
    """A reference to an object by its name."""

    of: Placed
    kind: str
    uid: str
    optional: bool = False
    is_mounted: bool = False

    @property
    def name(self) -> str:
        return self.uid.rpartition("/")[2].replace("%2F", "/")


class _Selected(NamedTuple):
    """A reference to pods by their labels."""

    of: Placed
    selector: str


def rows(estate: Estate) -> Iterator[Row]:
    """The references of all objects, numbered, and the gaps of theirs."""
    there = _There(estate)
    found: defaultdict[str, list[KubernetesReference]] = defaultdict(list)
    for named in _named(estate):
        if named.uid and named.kind in _KINDS:
            found[named.of.uid].append(there.named(named))
    for selected in _selected(estate):
        found[selected.of.uid].append(there.selected(selected))
    for several in found.values():
        order = sorted({row.values(): row for row in several}.values(), key=lambda row: [str(v) for v in row.values()])
        for number, row in enumerate(order):
            row.ordinal = number
            yield row
    yield from there.gaps
    yield from _gaps(estate)


def _named(estate: Estate) -> Iterator[_Named]:
    for workload in estate.rows(KubernetesWorkload):
        yield _Named(workload, "ServiceAccount", workload.service_account_uid or "")
    for variable in estate.rows(KubernetesContainerVariable):
        kind = {"config_map": "ConfigMap", "secret": "SecretSource"}.get(variable.kind or "", "")
        yield _Named(variable, kind, variable.reference_uid or "", bool(variable.optional))
    for volume in estate.rows(KubernetesVolume):
        kind = _VOLUMES.get(volume.kind or "", "")
        yield _Named(volume, kind, volume.reference_uid or "", bool(volume.optional), bool(volume.is_mounted))
    for rule in estate.rows(KubernetesIngressRule):
        yield _Named(rule, "Service", rule.service_uid or "")
    for backend in estate.rows(KubernetesRouteBackend):
        yield _Named(backend, "Service", backend.service_uid or "")
    for scaler in estate.rows(KubernetesHorizontalPodAutoscaler):
        target = scaler.target_uid or ""
        yield _Named(scaler, target.split("/")[-2] if target else "", target)
    for binding in estate.rows(KubernetesRoleBinding):
        yield _Named(binding, binding.role_kind or "", binding.role_uid or "")


def _selected(estate: Estate) -> Iterator[_Selected]:
    for service in estate.rows(KubernetesService):
        if service.selector:  # without one somebody else keeps its endpoints
            yield _Selected(service, service.selector)
    for policy in estate.rows(KubernetesNetworkPolicy):
        if policy.pod_selector:  # '' is every pod, of a namespace that may have none yet
            yield _Selected(policy, policy.pod_selector)
    for budget in estate.rows(KubernetesPodDisruptionBudget):
        if budget.selector:
            yield _Selected(budget, budget.selector)


class _There:
    """What was read, and where the reading was not complete."""

    def __init__(self, estate: Estate) -> None:
        self._uids = {table: {row.uid for row in estate.rows(table)} for table in set(_KINDS.values())}
        # A source is looked for by the secret that it makes.
        self._uids[KubernetesSecretSource] = {row.target_uid or "" for row in estate.rows(KubernetesSecretSource)}
        self._fixed = {row.uid for row in estate.rows(KubernetesConfigMap) if row.is_immutable}
        self._open = {
            (gap.scope, gap.table_name): gap for gap in estate.rows(Gap) if not gap.uid and not gap.column_name
        }
        self.gaps: list[Gap] = []  # of references that may be there or not
        pods: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for label in estate.rows(KubernetesPodLabel):
            pods[label.uid][label.label or ""] = label.value or ""
        self._pods: defaultdict[tuple[str | None, str | None], list[dict[str, str]]] = defaultdict(list)
        for workload in estate.rows(KubernetesWorkload):
            labels = pods[workload.uid]
            mine = self._pods[workload.cluster, workload.namespace]
            if labels not in mine:
                mine.append(labels)

    def named(self, one: _Named) -> KubernetesReference:
        table = _KINDS[one.kind]
        is_there: bool | None = one.uid in self._uids[table] or (one.kind, one.name) in _GIVEN
        if not is_there and self._is_open(one.of, table):
            is_there = None
        return KubernetesReference(
            **_place(one.of), kind=one.kind, target=one.name, target_uid=one.uid, is_there=is_there,
            optional=one.optional, is_mounted=one.is_mounted, is_fixed=one.uid in self._fixed,
        )  # fmt: skip

    def selected(self, one: _Selected) -> KubernetesReference:
        pods = self._pods.get((one.of.cluster, one.of.namespace), ())
        is_there: bool | None = any(matches(one.selector, labels) for labels in pods)
        if not is_there and self._is_open(one.of, KubernetesWorkload, KubernetesPodLabel):
            is_there = None
        return KubernetesReference(
            **_place(one.of),
            kind="Pod",
            target=one.selector,
            target_uid="",
            is_there=is_there,
            optional=False,
            is_mounted=False,
            is_fixed=False,
        )

    def _is_open(self, of: Placed, *tables: type[Row]) -> bool:
        """Whether more of the tables may be there than was read; keeps the gap that says so."""
        gap = next((self._open[of.scope, t.table] for t in tables if (of.scope, t.table) in self._open), None)
        if gap:
            self.gaps.append(replace(gap, uid=of.uid, table_name=KubernetesReference.table, column_name="is_there"))
        return gap is not None


def _place(of: Placed) -> dict[str, Any]:
    return {
        "scope": of.scope, "uid": of.uid, "name": of.name, "cluster": of.cluster, "namespace": of.namespace,
        "source": of.source, "file": of.file, "line": of.line,
    }  # fmt: skip


# Where an object's references stand. An object that could not be shaped has none, and a gap.
_SOURCES: tuple[type[Row], ...] = (
    KubernetesWorkload, KubernetesContainerVariable, KubernetesVolume, KubernetesIngress, KubernetesIngressRule,
    KubernetesRoute, KubernetesRouteBackend, KubernetesHorizontalPodAutoscaler, KubernetesRoleBinding,
    KubernetesService, KubernetesNetworkPolicy, KubernetesPodDisruptionBudget,
)  # fmt: skip


def _gaps(estate: Estate) -> Iterable[Gap]:
    """Of objects that could not be taken in, and so may name anything."""
    names = {table.table for table in _SOURCES}
    for gap in estate.rows(Gap):
        if gap.table_name in names and gap.uid and not gap.column_name:
            yield replace(gap, table_name=KubernetesReference.table)
