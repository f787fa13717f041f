"""Policies of the cluster as an API server gives them, in whatever version it has."""

from __future__ import annotations

import pytest

from scanner.tables import Gap
from scanner.tables.kubernetes_admin_network import KubernetesAdminNetworkPolicy
from tests.support.kubernetes import Scanner, namespace, obj, server

GROUP = "policy.networking.k8s.io"
SPEC = {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}}


@pytest.mark.parametrize("version", ["v1alpha2", "v1beta1"])
def test_cluster_policies_are_read_in_the_version_that_is_served(scan: Scanner, version: str) -> None:
    """A server of one version has neither the other nor the older kinds: nothing is missing for that."""
    with server([namespace("shop")]) as api:
        for dropped in ("v1alpha1", "v1alpha2", "v1beta1"):
            api.drop_version(f"{GROUP}/{dropped}")
        api.declare(f"{GROUP}/{version}", "clusternetworkpolicies", "ClusterNetworkPolicy", is_namespaced=False)
        api.add(obj(f"{GROUP}/{version}", "ClusterNetworkPolicy", "base", spec=SPEC))
        found = scan(api)

    assert [(row.name, row.tier) for row in found.rows(KubernetesAdminNetworkPolicy)] == [("base", "admin")]
    assert [gap for gap in found.rows(Gap) if gap.table_name == KubernetesAdminNetworkPolicy.table] == []
