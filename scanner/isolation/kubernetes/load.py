"""From the typed tables to clusters as network policies see them, with what is missing and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from scanner.isolation.kubernetes.model import (
    DIRECTIONS,
    Cause,
    Cluster,
    ContainerPort,
    Direction,
    Effect,
    Namespace,
    Policy,
    Rule,
    Workload,
)
from scanner.isolation.kubernetes.selectors import NAMESPACE_NAME, Labels
from scanner.store import Estate

_KEPT: dict[str, Effect] = {"allow": "allow", "deny": "deny", "pass": "pass"}
# What is read of each table; a gap in another column does not matter. Of child tables, everything.
_COLUMNS = {
    "kubernetes_workload": {"", "namespace", "cluster", "host_network"},
    "kubernetes_namespace": {"", "cluster"},
    "kubernetes_container": {"", "kind"},
}
_WORKLOADS = frozenset({"kubernetes_workload", "kubernetes_pod_label", "kubernetes_container_port"})
_NAMESPACES = frozenset({"kubernetes_namespace", "kubernetes_namespace_label"})
_POLICIES = frozenset({"kubernetes_network_policy", "kubernetes_network_policy_rule"})
_ADMIN = frozenset({"kubernetes_admin_network_policy", "kubernetes_admin_network_policy_rule"})
_PLUGIN = frozenset({"kubernetes_plugin_network_policy"})
_TABLES = (*sorted(_WORKLOADS | _NAMESPACES | _POLICIES | _ADMIN | _PLUGIN), "kubernetes_container")
_PLURALS = {
    "kubernetes_admin_network_policy": "admin network policies",
    "kubernetes_network_policy": "network policies",
}


@dataclass(frozen=True, slots=True)
class _Missing:
    """A gap of a whole listing: in one namespace, or in all (None)."""

    tables: str
    scope: str
    namespace: str | None
    cause: Cause


def clusters(estate: Estate) -> list[Cluster]:
    """Every cluster of the estate, by name."""
    return _Loader(estate).clusters()


class _Loader:
    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.found: dict[str, Cluster] = {}
        self.in_scope: defaultdict[str, set[str]] = defaultdict(set)  # clusters by scope
        self.broken: defaultdict[str, dict[str, Cause]] = defaultdict(dict)  # by uid and table
        self.missing: list[_Missing] = []

    def clusters(self) -> list[Cluster]:
        estate = self.estate
        for scope, cluster in estate.connection.execute("SELECT id, cluster FROM scope WHERE cluster <> ''"):
            self.in_scope[scope].add(cluster)
        self._gaps()
        self._workloads()
        self._namespaces()
        self._namespaced_policies()
        self._admin_policies()
        self._plugin_policies()
        self._lose()
        return [self.found[name] for name in sorted(self.found)]

    def _rows(self, table: str, columns: str, order: str = "uid") -> Iterator[tuple[Any, ...]]:
        if table in self.estate.absent:
            return iter(())
        return self.estate.connection.execute(f"SELECT {columns} FROM {table} ORDER BY {order}")

    def _cluster(self, name: str | None, scope: str) -> Cluster:
        key = name or ""
        if key not in self.found:
            self.found[key] = Cluster(key, scope)
        self.in_scope[scope].add(key)
        return self.found[key]

    # What was not read

    def _gaps(self) -> None:
        marks = ", ".join("?" * len(_TABLES))
        sql = (
            "SELECT g.scope, g.uid, g.table_name, g.column_name, g.reason, g.call, g.detail, ifnull(c.uid, '') "
            f"FROM gap AS g LEFT JOIN call AS c ON c.id = g.call WHERE g.table_name IN ({marks}) "
            "ORDER BY g.scope, g.uid, g.table_name, g.column_name, g.reason, g.call"
        )
        for scope, uid, table, column, reason, call, detail, asked in self.estate.connection.execute(sql, _TABLES):
            if column and table in _COLUMNS and column not in _COLUMNS[table]:
                continue
            cause = Cause(detail or f"{table} was not read: {reason}", reason, call)
            if uid:
                self.broken[uid].setdefault(table, cause)
            else:
                space = asked.rpartition("/")[2] if "/Namespace/" in asked else None
                self.missing.append(_Missing(table, scope, space, cause))

    def _why(self, uid: str, *tables: str) -> Cause | None:
        """Why some of a resource's rows in these tables, or in any, cannot be believed."""
        found = self.broken.get(uid, {})
        return next((cause for table, cause in found.items() if not tables or table in tables), None)

    def _lose(self) -> None:
        """Put what was not listed into the clusters that it is missing from."""
        for one in self.missing:
            for name in sorted(self.in_scope[one.scope]):
                cluster = self._cluster(name, one.scope)
                if one.tables in _WORKLOADS:
                    spaces: Iterable[str | None] = cluster.namespaces if one.namespace is None else [one.namespace]
                    for space in spaces:
                        cluster.unlisted.setdefault(space, one.cause)
                    cluster.lost += [one.cause] if one.namespace is None else []
                elif one.tables in _NAMESPACES:
                    cluster.lost.append(one.cause)
                elif one.tables != "kubernetes_container":
                    self._lose_policies(cluster, one)
        for cluster in self.found.values():
            for space in cluster.unlisted:
                cluster.namespaces.setdefault(space, Namespace(space, _own_label(space), scope=cluster.scope))

    def _lose_policies(self, cluster: Cluster, one: _Missing) -> None:
        where = "" if one.namespace is None else f" of {one.namespace}"
        shown = f"{_PLURALS.get(one.tables, 'policies of plug-ins')}{where} that were not read"
        if any(p.shown == shown for p in cluster.policies):
            return
        tier: Any = "namespace" if one.tables in _POLICIES else "admin"
        namespaces: Iterable[str | None] = [one.namespace]
        if tier == "namespace" and one.namespace is None:
            namespaces = sorted(cluster.namespaces, key=lambda name: name or "")
        cluster.policies += [
            Policy("", shown, tier, space, pod_selector=None, opaque=one.cause) for space in namespaces
        ]

    # What was read

    def _workloads(self) -> None:
        labels = self._labels("kubernetes_pod_label")
        # Only these keep running, so only theirs are ports of the pod.
        kept = {
            (uid, container)
            for uid, container, kind in self._rows("kubernetes_container", "uid, container, kind")
            if kind in (None, "container", "sidecar")
        }
        ports: defaultdict[str, list[ContainerPort]] = defaultdict(list)
        columns = "uid, container, port_name, protocol, port"
        for uid, container, name, protocol, port in self._rows("kubernetes_container_port", columns, "uid, ordinal"):
            if name and (uid, container) in kept:
                ports[uid].append((name, protocol, port))
        columns = "uid, name, scope, cluster, namespace, host_network"
        for uid, name, scope, cluster, namespace, on_host in self._rows("kubernetes_workload", columns):
            whole = self._why(uid, "kubernetes_workload")
            of_labels = whole or self._why(uid, "kubernetes_pod_label")
            of_ports = whole or self._why(uid, "kubernetes_container_port", "kubernetes_container")
            into = self._cluster(cluster, scope)
            named = tuple(sorted(ports[uid]))
            into.workloads.append(
                Workload(
                    uid=uid, name=name or "", scope=scope, namespace=namespace, cause=of_labels or of_ports,
                    labels=Labels(complete=False) if of_labels else Labels.of(labels.get(uid, {})),
                    host_network=None if whole or on_host is None else bool(on_host),
                    ports=None if of_ports or any(None in port for port in named) else named,
                )
            )  # fmt: skip
            if namespace not in into.namespaces:
                into.namespaces[namespace] = Namespace(namespace, _own_label(namespace), scope=scope)

    def _labels(self, table: str) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for uid, label, value in self._rows(table, "uid, label, value", "uid, ordinal"):
            found.setdefault(uid, {})[label] = value
        return found

    def _namespaces(self) -> None:
        labels = self._labels("kubernetes_namespace_label")
        for uid, name, scope, cluster in self._rows("kubernetes_namespace", "uid, name, scope, cluster"):
            known = {**labels.get(uid, {}), NAMESPACE_NAME: name}
            found = Namespace(name, Labels.of(known, complete=not self._why(uid)), uid, scope)
            self._cluster(cluster, scope).namespaces[name] = found

    def _rules(self, table: str) -> dict[str, list[dict[str, Any]]]:
        found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        if table in self.estate.absent:
            return found
        cursor = self.estate.connection.execute(f"SELECT * FROM {table} ORDER BY uid, ordinal")
        names = [column[0] for column in cursor.description]
        for record in cursor:
            row = dict(zip(names, record, strict=True))
            found[row["uid"]].append(row)
        return found

    def _namespaced_policies(self) -> None:
        rules = self._rules("kubernetes_network_policy_rule")
        columns = "uid, name, scope, cluster, namespace, pod_selector, applies_to_ingress, applies_to_egress"
        for uid, name, scope, cluster, space, pods, incoming, outgoing in self._rows(
            "kubernetes_network_policy", columns
        ):
            cause = self._why(uid) or (Cause("it is not known") if None in (pods, incoming, outgoing) else None)
            directions: tuple[Direction, ...] = DIRECTIONS
            if not cause:
                directions = tuple(d for d, applies in zip(DIRECTIONS, (incoming, outgoing), strict=True) if applies)
            self._cluster(cluster, scope).policies.append(
                Policy(
                    uid, f"NetworkPolicy {space or ''}/{name}".replace(" /", " "), "namespace", space,
                    pod_selector=None if cause else pods, directions=directions, opaque=cause,
                    rules=() if cause else tuple(_rule(row, "allow") for row in rules[uid]),
                )
            )  # fmt: skip

    def _admin_policies(self) -> None:
        rules = self._rules("kubernetes_admin_network_policy_rule")
        columns = (
            "uid, name, scope, cluster, kind, tier, priority, subject, subject_namespace_selector, subject_pod_selector"
        )
        for uid, name, scope, cluster, kind, tier, priority, subject, spaces, pods in self._rows(
            "kubernetes_admin_network_policy", columns
        ):
            shown = f"{kind} {name}"
            cause = self._why(uid)
            if not cause and (not tier or not subject or priority is None):
                cause = Cause(f"{shown} has a tier or a subject of a kind that is not read")
            self._cluster(cluster, scope).policies.append(
                Policy(
                    uid, shown, "baseline" if tier == "baseline" else "admin", None,
                    namespace_selector=None if cause else spaces, pod_selector=None if cause else pods,
                    priority=priority or 0, opaque=cause,
                    rules=() if cause else tuple(_rule(row, row["action"] or "") for row in rules[uid]),
                )
            )  # fmt: skip

    def _plugin_policies(self) -> None:
        columns = "uid, name, scope, cluster, namespace, kind, pod_selector"
        for uid, name, scope, cluster, space, kind, pods in self._rows("kubernetes_plugin_network_policy", columns):
            shown = f"{kind} {space + '/' if space else ''}{name}"
            cause = self._why(uid) or Cause(f"{shown} is in the language of a network plug-in, which is not read")
            self._cluster(cluster, scope).policies.append(
                Policy(uid, shown, "admin", space or None, pod_selector=pods, opaque=cause)
            )


def _own_label(namespace: str | None) -> Labels:
    """Of a namespace that was not read only the label that the API server puts on it is known."""
    return Labels.of({NAMESPACE_NAME: namespace} if namespace else {}, complete=False)


def _rule(row: dict[str, Any], action: str) -> Rule:
    return Rule(
        direction=row["direction"],
        position=row["rule"],
        action=_KEPT.get(action, ""),
        peer=row["peer"] or "",
        same_namespace=bool(row.get("same_namespace", False)),
        namespace_selector=row["namespace_selector"] or "",
        pod_selector=row["pod_selector"] or "",
        cidr=row["cidr"] or "",
        exceptions=tuple(one for one in (row.get("exceptions") or "").split(",") if one),
        protocol=row["protocol"] or "",
        port=row["port"] or "",
        end_port=row["end_port"] or 0,
    )
