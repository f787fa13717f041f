"""What objects of several environments use in common: identities, hosts, storage, nodes, secrets, rights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from scanner.store import Estate
from scanner.tables import Assignment, Environment, Gap, Row
from scanner.tables.base import Derived, Placed
from scanner.tables.kubernetes_access import (
    KubernetesGrant,
    KubernetesRoleBinding,
    KubernetesRoleBindingSubject,
    KubernetesRoleRule,
    KubernetesServiceAccount,
    KubernetesSubject,
)
from scanner.tables.kubernetes_care import KubernetesSharing
from scanner.tables.kubernetes_cluster import KubernetesNamespace
from scanner.tables.kubernetes_network import KubernetesIngressRule
from scanner.tables.kubernetes_storage import KubernetesPersistentVolumeClaim, KubernetesSecretValue
from scanner.tables.kubernetes_workload import KubernetesNodeSelector

TABLES: tuple[type[Derived], ...] = (KubernetesSharing,)
_WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection", "*"})
_POOLS = frozenset({
    "eks.amazonaws.com/nodegroup", "karpenter.sh/nodepool", "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool", "agentpool",
})  # fmt: skip
_Key = tuple[str, ...]
# Where what uses a thing is listed. What bindings and rights reach, the bindings themselves say.
_USERS: dict[str, tuple[type[Row], ...]] = {
    "cloud role": (KubernetesServiceAccount,),
    "ingress host": (KubernetesIngressRule,),
    "storage class": (KubernetesPersistentVolumeClaim,),
    "secret value": (KubernetesSecretValue,),
    "node pool": (KubernetesNodeSelector,),
    "account": (KubernetesNamespace,),  # the account's environment is that of its namespace
    "writing": (),
}


class _Use(NamedTuple):
    """An object uses a thing; `by` is what is in an environment, which the object itself need not be."""

    of: Placed
    kind: str
    thing: str  # as people know it
    key: _Key  # what tells it from others
    by: str  # a uid that has an environment


def rows(estate: Estate) -> Iterator[Row]:
    """Rows of what is used, and the gaps of these rows."""
    environments = _Environments(estate)
    users: defaultdict[_Key, set[str | None]] = defaultdict(set)
    uses = list(_uses(estate))
    for use in uses:
        users[use.kind, *use.key].add(environments.of(use.by))
    found: defaultdict[str, dict[tuple[str, str], KubernetesSharing]] = defaultdict(dict)
    lost = _Lost(estate)
    for use in uses:
        every = users[use.kind, *use.key] - {""}
        known = sorted(name for name in every if name)
        is_shared = True if len(known) > 1 else None if None in every else False
        if not is_shared and (gap := lost.of(use.kind)):
            is_shared = None
            yield replace(gap, uid=use.of.uid, table_name=KubernetesSharing.table, column_name="is_shared")
        found[use.of.uid][use.kind, use.thing] = KubernetesSharing(
            scope=use.of.scope, uid=use.of.uid, name=use.of.name, cluster=use.of.cluster, namespace=use.of.namespace,
            source=use.of.source, file=use.of.file, line=use.of.line, kind=use.kind, thing=use.thing,
            environments=", ".join(known), is_shared=is_shared,
        )  # fmt: skip
    for several in found.values():
        for number, key in enumerate(sorted(several)):
            several[key].ordinal = number
            yield several[key]
    yield from lost.subjects(estate)


class _Environments:
    """The environment of each resource; '' for none and for what is there for all to share."""

    def __init__(self, estate: Estate) -> None:
        shared = {row.id for row in estate.rows(Environment) if row.tier == "shared"}
        self._of = {row.uid: "" if row.environment in shared else row.environment for row in estate.rows(Assignment)}

    def of(self, uid: str) -> str | None:
        return self._of.get(uid, "")


def _uses(estate: Estate) -> Iterator[_Use]:
    for account in estate.rows(KubernetesServiceAccount):
        for identity in (account.aws_role_uid, account.gcp_service_account, account.azure_client_id):
            if identity:
                yield _Use(account, "cloud role", identity, (identity,), account.uid)
    for rule in estate.rows(KubernetesIngressRule):
        if rule.host:
            yield _Use(rule, "ingress host", rule.host, (rule.host,), rule.uid)
    for claim in estate.rows(KubernetesPersistentVolumeClaim):
        if claim.storage_class:
            yield _Use(
                claim, "storage class", claim.storage_class, (claim.cluster or "", claim.storage_class), claim.uid
            )
    for value in estate.rows(KubernetesSecretValue):
        if value.value:
            yield _Use(value, "secret value", "", (value.value,), value.uid)
    for chosen in estate.rows(KubernetesNodeSelector):
        if chosen.label in _POOLS and chosen.value:
            yield _Use(chosen, "node pool", chosen.value, (chosen.cluster or "", chosen.value), chosen.uid)
    yield from _bound(estate)
    yield from _written(estate)


def _bound(estate: Estate) -> Iterator[_Use]:
    """A binding in a namespace that names a service account: the binding's environment, and the account's."""
    bindings = {row.uid: row for row in estate.rows(KubernetesRoleBinding) if row.is_cluster_wide is False}
    for subject in estate.rows(KubernetesRoleBindingSubject):
        binding = bindings.get(subject.uid)
        if binding and subject.subject_uid:
            name = f"{subject.subject_namespace}/{subject.subject}"
            space = subject.subject_uid.rsplit("/", 3)[0]
            for by in (binding.uid, f"{space}//Namespace/{subject.subject_namespace}"):
                yield _Use(binding, "account", name, (binding.uid, subject.subject_uid), by)


def _written(estate: Estate) -> Iterator[_Use]:
    """A subject that may write: the environments of the namespaces in which it may."""
    spaces: defaultdict[str | None, dict[str, str]] = defaultdict(dict)
    for space in estate.rows(KubernetesNamespace):
        spaces[space.cluster][space.name or ""] = space.uid
    for grant in estate.rows(KubernetesGrant, "is_given AND is_effective AND path = ''"):
        if grant.verb not in _WRITING:
            continue
        known = spaces[grant.cluster]
        where: Iterable[str] = known.values() if grant.in_namespace == "" else [known.get(grant.in_namespace or "", "")]
        for by in where:
            if by:
                yield _Use(grant, "writing", "", (grant.uid,), by)


class _Lost:
    """Listings that were not complete: what was not seen may use a thing, too."""

    def __init__(self, estate: Estate) -> None:
        self._gaps: dict[str, Gap] = {}
        self._by_scope: dict[tuple[str, str], Gap] = {}
        for gap in estate.rows(Gap, "uid = '' AND column_name = ''"):
            self._gaps.setdefault(gap.table_name, gap)
            self._by_scope.setdefault((gap.scope, gap.table_name), gap)

    def of(self, kind: str) -> Gap | None:
        """Of anything that may use things of the kind, wherever it is."""
        return next((self._gaps[table.table] for table in _USERS[kind] if table.table in self._gaps), None)

    def subjects(self, estate: Estate) -> Iterator[Gap]:
        """A subject may write by a binding that was not seen."""
        for subject in estate.rows(KubernetesSubject):
            for table in (KubernetesRoleBinding, KubernetesRoleBindingSubject, KubernetesNamespace, KubernetesRoleRule):
                if gap := self._by_scope.get((subject.scope, table.table)):
                    yield replace(gap, uid=subject.uid, table_name=KubernetesSharing.table)
                    break
        for gap in estate.rows(Gap, "table_name = ? AND uid <> ''", KubernetesGrant.table):
            yield replace(gap, table_name=KubernetesSharing.table, column_name="")
