"""Which workloads ingresses lead to, and on which of their ports."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from scanner.isolation.kubernetes import ports, selectors
from scanner.isolation.kubernetes.ports import Ports, union
from scanner.isolation.kubernetes.selectors import Labels
from scanner.store import Estate

_TABLES = (
    "kubernetes_service", "kubernetes_service_port", "kubernetes_ingress", "kubernetes_ingress_rule",
    "kubernetes_workload", "kubernetes_pod_label", "kubernetes_container_port",
)  # fmt: skip


class Exposed(NamedTuple):
    """A workload that an ingress leads to."""

    ingress: str
    workload: str
    ports: Ports


def exposed(estate: Estate) -> dict[str, list[Exposed]]:
    """By cluster, the workloads behind the services that ingresses name, also in their default backend."""
    if "kubernetes_ingress" in estate.absent:
        return {}
    estate.need(_TABLES)
    connection = estate.connection
    backends = connection.execute(
        "SELECT uid, cluster, service_uid, service_port FROM kubernetes_ingress_rule WHERE service <> '' "
        "UNION SELECT uid, cluster, 'k8s:' || cluster || '/' || namespace || '/Service/' || default_backend, '' "
        "FROM kubernetes_ingress WHERE default_backend <> '' ORDER BY 1, 3, 4"
    ).fetchall()
    if not backends:
        return {}
    behind = _Behind(estate)
    found: defaultdict[str, list[Exposed]] = defaultdict(list)
    for ingress, cluster, service, port in backends:
        is_route = "/Route/" in ingress
        found[cluster] += [Exposed(ingress, *one) for one in behind.of(service, port, by_target=is_route)]
    return found


class _Behind:
    """The workloads that services select."""

    def __init__(self, estate: Estate) -> None:
        connection = estate.connection
        self.selectors: dict[str, tuple[str, str, str]] = {
            uid: (cluster, namespace, selector)
            for uid, cluster, namespace, selector in connection.execute(
                "SELECT uid, cluster, namespace, selector FROM kubernetes_service WHERE selector <> ''"
            )
        }
        self.service_ports: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for uid, *port in connection.execute(
            "SELECT uid, port, port_name, protocol, target_port FROM kubernetes_service_port"
        ):
            self.service_ports[uid].append(tuple(port))
        labels: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for uid, label, value in connection.execute("SELECT uid, label, value FROM kubernetes_pod_label"):
            labels[uid][label] = value
        self.named: defaultdict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for uid, name, protocol, number in connection.execute(
            "SELECT uid, port_name, protocol, port FROM kubernetes_container_port WHERE port_name <> ''"
        ):
            self.named[uid].append((name, protocol, number))
        self.workloads: defaultdict[tuple[str, str], list[tuple[str, Labels]]] = defaultdict(list)
        for uid, cluster, namespace in connection.execute(
            "SELECT uid, cluster, namespace FROM kubernetes_workload ORDER BY uid"
        ):
            self.workloads[cluster, namespace].append((uid, Labels.of(labels[uid])))

    def of(self, service: str, port: str, *, by_target: bool) -> list[tuple[str, Ports]]:
        """The workloads behind a port of a service, by number or name, or by the pods' port; '' is all its ports."""
        if service not in self.selectors:
            return []
        cluster, namespace, selector = self.selectors[service]
        targets = [
            (protocol, target)
            for number, name, protocol, target in self.service_ports[service]
            if port in (("", name, target) if by_target else ("", str(number), name))
        ]
        return [
            (workload, self._open(workload, targets))
            for workload, labels in self.workloads[cluster, namespace]
            if selectors.matches(selector, labels)
        ]

    def _open(self, workload: str, targets: list[tuple[str, str]]) -> Ports:
        found = ports.NONE
        for protocol, target in targets:
            numbers = [int(target)] if target.isdigit() else [
                number for name, of, number in self.named[workload] if (name, of) == (target, protocol)
            ]  # fmt: skip
            for number in numbers:
                found = union(found, ports.of(protocol, number, number))
        return found
