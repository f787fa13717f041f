"""What is not read, not modelled or not defined is unknown, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.isolation.kubernetes import network, ports
from scanner.tables import Call, Gap
from scanner.tables.kubernetes_connection import (
    KubernetesConnection,
    KubernetesNamespacePath,
    KubernetesNamespacePathPort,
    KubernetesNetworkClass,
)
from tests.kubernetes_network.estates import SCOPE, connections, live
from tests.support.kubernetes import namespace, obj

Object = dict[str, Any]
NETWORK = "networking.k8s.io/v1"
DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def pod(name: str, space: str, **spec: Any) -> Object:
    containers = [{"name": "app", "image": "i", "ports": spec.pop("ports", [])}]
    return obj("v1", "Pod", name, space, labels={"app": name}, spec={"containers": containers, **spec})


def policy(space: str, name: str = "p", **spec: Any) -> Object:
    return obj(NETWORK, "NetworkPolicy", name, space, spec={"podSelector": {}, **spec})


def pair(objects: list[Object], *gaps: Gap, ends: tuple[str, str] = ("dev/a", "prod/b")) -> dict[str, str]:
    """The ports from one pod to another by verdict, in words."""
    spaces = [namespace("dev"), namespace("prod", {"env": "prod"})]
    with live([*spaces, *objects], gaps) as estate:
        return {verdict: ports.shown(found) for verdict, found in connections(estate).get(ends, {}).items()}


A, B = pod("a", "dev"), pod("b", "prod", ports=[{"name": "http", "containerPort": 8080}])


def test_nothing_said_is_allowed() -> None:
    assert pair([A, B]) == {"allowed": "all ports"}


def test_a_policy_of_a_plug_in_makes_what_it_selects_unknown() -> None:
    def cilium(app: str) -> Object:
        selector = {"endpointSelector": {"matchLabels": {"app": app}}}
        return obj("cilium.io/v2", "CiliumNetworkPolicy", "c", "prod", spec=selector)

    assert pair([A, B, policy("prod", **DENY), cilium("b")]) == {"unknown": "all ports"}
    assert pair([A, B, policy("prod", **DENY), cilium("other")]) == {}
    # The other side's word still holds.
    assert pair([A, B, policy("dev", **DENY), cilium("b")]) == {}


def test_a_range_of_addresses_may_be_that_of_pods() -> None:
    admitted = policy("prod", ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 443}]}])

    assert pair([A, B, admitted]) == {"unknown": "TCP 443"}


@pytest.mark.parametrize(("source", "destination"), [(True, False), (False, True)])
def test_policies_promise_nothing_of_pods_in_the_nodes_network(source: bool, destination: bool) -> None:
    ends = [pod("a", "dev", hostNetwork=source), pod("b", "prod", hostNetwork=destination)]

    assert pair([*ends, policy("prod", **DENY)]) == {"unknown": "all ports"}
    assert pair(ends) == {"allowed": "all ports"}


def test_two_admin_policies_of_one_priority_may_come_in_either_order() -> None:
    def admin(name: str, action: str, priority: int) -> Object:
        spec = {"priority": priority, "subject": {"namespaces": {"matchLabels": {"env": "prod"}}},
                "ingress": [{"action": action, "from": [{"namespaces": {}}]}]}  # fmt: skip
        return obj("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", name, spec=spec)

    assert pair([A, B, admin("x", "Allow", 1), admin("y", "Deny", 1)]) == {"unknown": "all ports"}
    assert pair([A, B, admin("x", "Allow", 1), admin("y", "Deny", 2)]) == {"allowed": "all ports"}
    assert pair([A, B, admin("x", "Deny", 1), admin("y", "Deny", 1)]) == {}


def test_a_named_port_of_containers_that_were_not_read_may_be_any() -> None:
    admitted = policy("prod", ingress=[{"ports": [{"port": "http"}]}])
    unread = Gap(
        scope=SCOPE, uid="k8s:test/prod/Pod/b", table_name="kubernetes_container_port", reason="denied", call=4
    )

    assert pair([A, B, admitted]) == {"allowed": "TCP 8080"}
    assert pair([A, B, admitted], unread) == {"unknown": "TCP all"}


def test_labels_of_a_namespace_that_was_not_read_may_be_any() -> None:
    admitted = policy("prod", ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"team": "x"}}}]}])
    by_name = {"matchLabels": {"kubernetes.io/metadata.name": "dev"}}
    unread = Gap(scope=SCOPE, uid="k8s:test//Namespace/dev", table_name="kubernetes_namespace_label", reason="denied")

    assert pair([A, B, admitted]) == {}
    assert pair([A, B, admitted], unread) == {"unknown": "all ports"}
    named = policy("prod", ingress=[{"from": [{"namespaceSelector": by_name}]}])
    assert pair([A, B, named], unread) == {"allowed": "all ports"}


def test_pods_of_one_namespace_that_were_not_listed_leave_the_others_certain() -> None:
    refused = Call(
        id=9, scope=SCOPE, service="core/v1", operation="list pods", uid="k8s:test//Namespace/dev", status="denied"
    )
    missing = Gap(scope=SCOPE, table_name="kubernetes_workload", reason="denied", call=9, detail="namespace dev: no")
    spaces = [namespace(name) for name in ("dev", "prod", "stage")]
    objects = [*spaces, B, pod("c", "stage"), policy("prod", **DENY)]
    with live(objects, [refused, missing]) as estate:  # type: ignore[list-item]  # any rows
        found = {(row.namespace, row.to_namespace): row.is_allowed for row in estate.rows(KubernetesNamespacePath)}
        gaps = estate.rows(Gap, "table_name = ?", KubernetesNamespacePath.table)

    assert found == {
        ("dev", "dev"): None, ("dev", "prod"): False, ("dev", "stage"): None,
        ("prod", "dev"): False, ("prod", "prod"): False, ("prod", "stage"): False,
        ("stage", "dev"): None, ("stage", "prod"): False, ("stage", "stage"): True,
    }  # fmt: skip
    assert {(gap.reason, gap.call, gap.detail, gap.column_name) for gap in gaps} == {
        ("denied", 9, "namespace dev: no", "is_allowed")
    }


def test_policies_of_one_namespace_that_were_not_listed_leave_the_others_certain() -> None:
    refused = Call(id=9, scope=SCOPE, service=NETWORK, operation="list networkpolicies", uid="k8s:test//Namespace/prod")
    missing = Gap(scope=SCOPE, table_name="kubernetes_network_policy", reason="denied", call=9)
    with live([namespace("dev"), namespace("prod"), A, B], [refused, missing]) as estate:  # type: ignore[list-item]  # any rows
        found = {(row.namespace, row.to_namespace): row.is_allowed for row in estate.rows(KubernetesNamespacePath)}

    assert found == {("dev", "dev"): True, ("dev", "prod"): None, ("prod", "dev"): None, ("prod", "prod"): None}


def test_namespaces_that_were_not_listed_are_a_gap_of_every_table() -> None:
    missing = Gap(scope=SCOPE, table_name="kubernetes_namespace", reason="denied", call=3)
    with live([A, B], [missing]) as estate:
        whole = estate.rows(Gap, "uid = '' AND table_name <> 'kubernetes_namespace'")

    assert {(gap.table_name, gap.reason, gap.call) for gap in whole} == {
        (kind.table, "denied", 3) for kind in network.TABLES
    }


def test_an_ingress_leads_to_the_pods_of_its_service_on_their_port() -> None:
    service = obj("v1", "Service", "b", "prod", spec={
        "selector": {"app": "b"}, "ports": [{"port": 80, "targetPort": "http"}]})  # fmt: skip
    backend = {"service": {"name": "b", "port": {"number": 80}}}
    ingress = obj(
        NETWORK, "Ingress", "b", "prod", spec={"rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}]}
    )

    def said(*more: Object) -> list[tuple[Any, ...]]:
        with live([namespace("prod"), B, service, ingress, *more]) as estate:
            rows = estate.rows(KubernetesConnection, "from_kind = 'ingress'")
            return [(row.from_uid, row.protocol, row.first_port, row.last_port, row.verdict) for row in rows]

    at = "k8s:test/prod/Ingress/b", "TCP", 8080, 8080
    assert said() == [(*at, "allowed")]
    assert said(policy("prod", **DENY)) == []
    inner = policy("prod", ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"ingress": "yes"}}}]}])
    assert said(inner) == [(*at, "unknown")]


def test_rows_that_are_values_have_them_in_the_order_of_the_columns() -> None:
    with live(
        [namespace("dev"), namespace("prod"), A, B, policy("prod", ingress=[{"ports": [{"port": 443}]}])]
    ) as estate:
        [connection] = estate.rows(KubernetesConnection, "from_namespace = 'dev' AND to_namespace = 'prod'")
        [path] = estate.rows(KubernetesNamespacePath, "namespace = 'dev' AND to_namespace = 'prod'")
        [port] = estate.rows(KubernetesNamespacePathPort, "uid = ?", path.uid)
        of_prod = estate.rows(KubernetesNetworkClass, "namespace = 'prod'")

    assert connection == KubernetesConnection(
        scope=SCOPE, uid="k8s:test/dev/NetworkClass/Pod:a/to/k8s:test/prod/NetworkClass/Pod:b/TCP:443", name="Pod:a",
        cluster="test", namespace="dev", source="kubernetes", from_kind="pods",
        from_uid="k8s:test/dev/NetworkClass/Pod:a", from_namespace="dev", from_range="", to_kind="pods",
        to_uid="k8s:test/prod/NetworkClass/Pod:b", to_namespace="prod", to_range="", protocol="TCP", first_port=443,
        last_port=443, verdict="allowed", is_allowed=True, egress="allowed", ingress="allowed", egress_policies="",
        ingress_policies="NetworkPolicy prod/p", because="",
    )  # fmt: skip
    assert path == KubernetesNamespacePath(
        scope=SCOPE, uid="k8s:test/dev/NetworkPath/prod", name="dev to prod", cluster="test", namespace="dev",
        source="kubernetes", to_namespace="prod", from_uid="k8s:test//Namespace/dev",
        to_uid="k8s:test//Namespace/prod", is_allowed=True, allowed_ports="TCP 443", example="dev/Pod:a to prod/Pod:b",
        policies="NetworkPolicy prod/p", because="",
    )  # fmt: skip
    assert (port.protocol, port.first_port, port.last_port) == ("TCP", 443, 443)
    assert [(row.workloads, row.isolated_for_ingress, row.isolated_for_egress) for row in of_prod] == [(1, True, False)]
