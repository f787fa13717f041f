"""Policies of the cluster, of plug-ins, and endpoint slices become rows."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.collectors.kubernetes.kinds import BY_NAME
from scanner.collectors.kubernetes.objects import Place, see
from scanner.tables.base import Placed
from scanner.tables.kubernetes_admin_network import (
    KubernetesAdminNetworkPolicy,
    KubernetesAdminNetworkPolicyRule,
    KubernetesPluginNetworkPolicy,
)
from scanner.tables.kubernetes_network import KubernetesEndpoint, KubernetesEndpointPort, KubernetesEndpointSlice
from tests.support.kubernetes import obj

ADMIN = "policy.networking.k8s.io/v1alpha1"
CLUSTER = "policy.networking.k8s.io/v1alpha2"


def of(table: type[Placed], value: dict[str, Any]) -> list[Any]:
    seen = see(value, Place("kubernetes/test", "test", "kubernetes"))
    assert seen.problem == ""
    return [row for row in BY_NAME[seen.document.kind].shape(seen.document) if isinstance(row, table)]


def columns(rows: list[Any], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(row, name) for name in names) for row in rows]


def test_an_admin_policy_keeps_the_order_and_the_action_of_its_rules() -> None:
    spec = {
        "priority": 5,
        "subject": {"pods": {"namespaceSelector": {"matchLabels": {"env": "prod"}}, "podSelector": {}}},
        "ingress": [
            {"action": "Deny", "name": "first", "from": [{"namespaces": {}}], "ports": [{"namedPort": "http"}]},
            {"action": "Pass", "from": [
                {"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"a": "b"}}}}]},
        ],
        "egress": [{
            "action": "Allow", "to": [{"networks": ["10.0.0.0/8", "::/0"]}, {"nodes": {}}, {"domainNames": ["*.x"]}],
            "ports": [{"portRange": {"protocol": "UDP", "start": 5, "end": 9}}],
        }],
    }  # fmt: skip
    given = obj(ADMIN, "AdminNetworkPolicy", "rules", spec=spec)

    [own] = of(KubernetesAdminNetworkPolicy, given)
    names = "tier", "priority", "subject", "subject_namespace_selector", "subject_pod_selector", "ingress_rules"
    assert columns([own], *names) == [("admin", 5, "pods", "env=prod", "", 2)]
    assert (own.uid, own.namespace) == ("k8s:test//AdminNetworkPolicy/rules", "")
    assert own.trusts_mutable_namespace_label is True
    rows = of(KubernetesAdminNetworkPolicyRule, given)
    names = "direction", "rule", "action", "peer", "pod_selector", "cidr", "domain", "protocol", "port", "end_port"
    assert sorted(columns(rows, *names)) == [
        ("egress", 0, "allow", "cidr", "", "10.0.0.0/8", "", "UDP", "5", 9),
        ("egress", 0, "allow", "cidr", "", "::/0", "", "UDP", "5", 9),
        ("egress", 0, "allow", "domain", "", "", "*.x", "UDP", "5", 9),
        ("egress", 0, "allow", "nodes", "", "", "", "UDP", "5", 9),
        ("ingress", 0, "deny", "pods", "", "", "", "", "http", 0),
        ("ingress", 1, "pass", "pods", "a=b", "", "", "", "", 0),
    ]


def test_a_cluster_policy_says_its_tier_and_its_protocols() -> None:
    spec = {
        "tier": "Baseline", "priority": 1, "subject": {"namespaces": {}},
        "ingress": [{"action": "Accept", "from": [{"namespaces": {}}], "protocols": [
            {"tcp": {}}, {"udp": {"destinationPort": {"number": 53}}}, {"destinationNamedPort": "dns"},
            {"sctp": {"destinationPort": {"range": {"start": 1, "end": 2}}}}]}],
    }  # fmt: skip
    given = obj(CLUSTER, "ClusterNetworkPolicy", "base", spec=spec)

    assert columns(of(KubernetesAdminNetworkPolicy, given), "tier", "subject", "trusts_mutable_namespace_label") == [
        ("baseline", "namespaces", False)
    ]
    rows = of(KubernetesAdminNetworkPolicyRule, given)
    assert sorted(columns(rows, "action", "protocol", "port", "end_port")) == [
        ("allow", "", "dns", 0), ("allow", "SCTP", "1", 2), ("allow", "TCP", "", 0), ("allow", "UDP", "53", 0),
    ]  # fmt: skip


@pytest.mark.parametrize("peer", [{}, {"somethingNew": {}}, {"namespaces": {"notSameLabels": ["tenant"]}}])
def test_a_peer_that_is_new_to_us_is_said_to_be(peer: dict[str, Any]) -> None:
    spec = {"priority": 1, "subject": {"namespaces": {}}, "ingress": [{"action": "Deny", "from": [peer]}]}

    rows = of(KubernetesAdminNetworkPolicyRule, obj(ADMIN, "AdminNetworkPolicy", "new", spec=spec))
    assert columns(rows, "peer") == [("",)]


@pytest.mark.parametrize(
    ("version", "kind", "spec", "selector"),
    [
        ("cilium.io/v2", "CiliumNetworkPolicy", {"endpointSelector": {"matchLabels": {"k8s:app": "web"}}}, "app=web"),
        ("cilium.io/v2", "CiliumNetworkPolicy", {"endpointSelector": {}}, ""),
        ("cilium.io/v2", "CiliumNetworkPolicy",
         {"endpointSelector": {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "shop"}}}, None),
        ("projectcalico.org/v3", "NetworkPolicy", {"selector": "app == 'web'"}, None),
        ("projectcalico.org/v3", "GlobalNetworkPolicy", {"selector": "all()"}, ""),
        ("projectcalico.org/v3", "GlobalNetworkPolicy", {"selector": "all()", "namespaceSelector": "x == 'y'"}, None),
    ],
)  # fmt: skip
def test_of_a_plug_ins_policy_the_selector_is_read_as_far_as_it_can_be(
    version: str, kind: str, spec: dict[str, Any], selector: str | None
) -> None:
    space = "" if kind.startswith("Global") else "shop"

    [row] = of(KubernetesPluginNetworkPolicy, obj(version, kind, "p", space, spec=spec))
    assert (row.kind, row.api_group, row.pod_selector) == (kind, version.partition("/")[0], selector)


def test_a_plug_ins_policy_is_not_taken_for_the_apis_own_of_that_name() -> None:
    [row] = of(KubernetesPluginNetworkPolicy, obj("projectcalico.org/v3", "NetworkPolicy", "web", "shop", spec={}))

    assert row.uid == "k8s:test/shop/NetworkPolicy.projectcalico.org/web"


def test_an_endpoint_slice_names_what_is_behind_a_service() -> None:
    given = obj(
        "discovery.k8s.io/v1", "EndpointSlice", "web-1", "shop", labels={"kubernetes.io/service-name": "web"},
        addressType="IPv4", ports=[{"port": 8080, "name": "http"}],
        endpoints=[{"addresses": ["10.1.0.7"], "conditions": {"ready": False},
                    "targetRef": {"kind": "Pod", "name": "web-x", "namespace": "shop"}}, {"addresses": ["192.0.2.1"]}],
    )  # fmt: skip

    assert columns(of(KubernetesEndpointSlice, given), "service_uid", "address_type", "managed_by") == [
        ("k8s:test/shop/Service/web", "IPv4", "")
    ]
    assert columns(of(KubernetesEndpoint, given), "address", "is_ready", "target_uid", "target_namespace") == [
        ("10.1.0.7", False, "k8s:test/shop/Pod/web-x", "shop"), ("192.0.2.1", True, "", ""),
    ]  # fmt: skip
    assert columns(of(KubernetesEndpointPort, given), "port", "port_name", "protocol") == [(8080, "http", "TCP")]
