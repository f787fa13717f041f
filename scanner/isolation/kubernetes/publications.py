"""How the pods of workloads are reached: the services that select them, and the ingresses and routes before those."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from scanner.collectors.kubernetes.selectors import matches
from scanner.store import Estate
from scanner.tables import Gap, Row
from scanner.tables.base import Derived
from scanner.tables.kubernetes_gateway import (
    KubernetesGatewayListener,
    KubernetesRoute,
    KubernetesRouteBackend,
    KubernetesRouteParent,
)
from scanner.tables.kubernetes_network import KubernetesIngressRule, KubernetesService, KubernetesServicePort
from scanner.tables.kubernetes_object import KubernetesPublication
from scanner.tables.kubernetes_workload import KubernetesPodLabel, KubernetesWorkload

TABLES: tuple[type[Derived], ...] = (KubernetesPublication,)
_OUTSIDE = ("NodePort", "LoadBalancer")


class _Way(NamedTuple):
    kind: str
    by_uid: str
    service_uid: str
    service_type: str
    port: int
    target_port: str
    is_from_outside: bool
    is_from_everywhere: bool
    is_encrypted: bool


def rows(estate: Estate) -> Iterator[Row]:
    """Rows of ways to workloads, and the gaps of these rows: one of any input may hide a way."""
    ways = _ways(estate)
    labels: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for label in estate.rows(KubernetesPodLabel):
        labels[label.uid][label.label or ""] = label.value or ""
    services: defaultdict[tuple[str | None, str | None], list[KubernetesService]] = defaultdict(list)
    for service in estate.rows(KubernetesService):
        if service.selector:
            services[service.cluster, service.namespace].append(service)
    for workload in estate.rows(KubernetesWorkload):
        mine = labels.get(workload.uid, {})
        found = {
            way
            for service in services.get((workload.cluster, workload.namespace), ())
            if matches(service.selector or "", mine)
            for way in ways[service.uid]
        }
        for number, way in enumerate(sorted(found)):
            yield KubernetesPublication(
                scope=workload.scope, uid=workload.uid, name=workload.name, cluster=workload.cluster,
                namespace=workload.namespace, source=workload.source, file=workload.file, line=workload.line,
                ordinal=number, **way._asdict(),
            )  # fmt: skip
    own = {KubernetesWorkload.table, KubernetesPodLabel.table}
    inputs = {name for table in TABLES for name in table.inputs} - own
    for gap in estate.rows(Gap, "column_name = ''"):
        if gap.table_name in own and gap.uid:  # a workload that was not listed has no rows here either
            yield replace(gap, table_name=KubernetesPublication.table)
        elif gap.table_name in inputs:
            yield replace(gap, uid="", table_name=KubernetesPublication.table)


def _ways(estate: Estate) -> defaultdict[str, set[_Way]]:
    """The ways by service."""
    found: defaultdict[str, set[_Way]] = defaultdict(set)
    types = {}
    for service in estate.rows(KubernetesService):
        types[service.uid] = service
    for port in estate.rows(KubernetesServicePort):
        of = types.get(port.uid)
        if of is None:
            continue
        found[of.uid].add(
            _Way(
                "Service", of.uid, of.uid, of.type or "", port.port or 0, port.target_port or "", of.type in _OUTSIDE,
                bool(of.is_public_source) and of.load_balancer_scheme != "internal", False,
            )
        )  # fmt: skip
    for rule in estate.rows(KubernetesIngressRule):
        name = rule.service_uid or ""
        if name in types:
            found[name].add(_led("Ingress", rule.uid, types[name], encrypted=bool(rule.tls)))
    encrypted = _encrypted_routes(estate)
    routes = {route.uid: route.kind or "" for route in estate.rows(KubernetesRoute)}
    for backend in estate.rows(KubernetesRouteBackend):
        name = backend.service_uid or ""
        if name in types and backend.uid in routes:
            found[name].add(_led(routes[backend.uid], backend.uid, types[name], encrypted=backend.uid in encrypted))
    return found


def _led(kind: str, by: str, service: KubernetesService, *, encrypted: bool) -> _Way:
    return _Way(kind, by, service.uid, service.type or "", 0, "", True, False, encrypted)


def _encrypted_routes(estate: Estate) -> set[str]:
    """Routes all of whose listeners are known and encrypted."""
    listeners: defaultdict[str, dict[str, bool]] = defaultdict(dict)
    for listener in estate.rows(KubernetesGatewayListener):
        listeners[listener.uid][listener.listener or ""] = bool(listener.is_encrypted)
    answers: defaultdict[str, list[bool]] = defaultdict(list)
    for parent in estate.rows(KubernetesRouteParent):
        mine = listeners.get(parent.gateway_uid or "", {})
        used = [mine.get(parent.section, False)] if parent.section else list(mine.values())
        answers[parent.uid].append(bool(used) and all(used))
    return {uid for uid, found in answers.items() if all(found)}
