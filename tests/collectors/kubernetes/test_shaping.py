"""Kubernetes objects become rows with the meanings that the API gives to fields and to their absence."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.collectors.kubernetes.kinds import BY_NAME
from scanner.collectors.kubernetes.objects import DOCUMENTS, Place, see, with_service_account
from scanner.collectors.kubernetes.reads import PRESENT, READS, SECRETS
from scanner.collectors.kubernetes.values import Image, image, quantity, selector, timestamp
from scanner.tables import Document
from scanner.tables.base import Placed
from scanner.tables.kubernetes_access import (
    KubernetesRole,
    KubernetesRoleBinding,
    KubernetesRoleBindingSubject,
    KubernetesRoleRule,
)
from scanner.tables.kubernetes_cluster import KubernetesNamespace
from scanner.tables.kubernetes_network import (
    KubernetesIngress,
    KubernetesIngressRule,
    KubernetesNetworkPolicy,
    KubernetesNetworkPolicyRule,
    KubernetesService,
)
from scanner.tables.kubernetes_workload import (
    KubernetesContainer,
    KubernetesContainerVariable,
    KubernetesPodDisruptionBudget,
    KubernetesVolume,
    KubernetesWorkload,
)
from tests.support.kubernetes import deployment, namespace, obj, pod_spec, shop

HERE = Place("kubernetes/test", "test", "kubernetes")


def rows(value: dict[str, Any]) -> list[Placed]:
    """The rows of an object."""
    seen = see(value, HERE)
    assert seen.problem == ""
    return list(BY_NAME[seen.document.kind].shape(seen.document))


def of(table: type[Placed], value: dict[str, Any]) -> list[Any]:
    return [row for row in rows(value) if isinstance(row, table)]


def container(**fields: Any) -> KubernetesContainer:
    """The one container of a deployment."""
    pod = fields.pop("pod", {})
    [row] = of(KubernetesContainer, deployment("web", "shop", {**pod, **pod_spec(**fields)}))
    return row


def columns(row: Placed, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


# --- fields -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelt", "scale", "value"),
    [
        ("", 1, 0), ("500m", 1000, 500), ("0.1", 1000, 100), ("2", 1000, 2000), ("1e3", 1, 1000), ("64Mi", 1, 67108864),
        ("1G", 1, 10**9), ("1.5Gi", 1, 1610612736), ("100u", 1000, 1), ("1E", 1, 10**18), ("12E2", 1, 1200),
        ("8Ei", 1, None), ("x", 1, None), ("1 Gi", 1, None), ("1e99", 1, None), (".5", 1000, 500),
    ],
)  # fmt: skip
def test_quantities_are_read_as_the_api_reads_them(spelt: str, scale: int, value: int | None) -> None:
    assert quantity(spelt, scale=scale) == value


@pytest.mark.parametrize(
    ("spelt", "parts"),
    [
        ("nginx", Image("docker.io", "library/nginx", "latest", "")),
        ("nginx:1.27", Image("docker.io", "library/nginx", "1.27", "")),
        ("acme/web", Image("docker.io", "acme/web", "latest", "")),
        ("docker.io/nginx", Image("docker.io", "library/nginx", "latest", "")),
        ("localhost/web", Image("localhost", "web", "latest", "")),
        ("registry:5000/a/b:c", Image("registry:5000", "a/b", "c", "")),
        ("ghcr.io/a/b@sha256:00", Image("ghcr.io", "a/b", "", "sha256:00")),
        ("ghcr.io/a/b:1@sha256:00", Image("ghcr.io", "a/b", "1", "sha256:00")),
        ("", Image("docker.io", "", "", "")),
    ],
)
def test_names_of_images_have_the_runtimes_defaults(spelt: str, parts: Image) -> None:
    assert image(spelt) == parts


def test_selectors_are_written_as_kubectl_writes_them() -> None:
    requirements = [
        {"key": "tier", "operator": "In", "values": ["db", "api"]},
        {"key": "old", "operator": "DoesNotExist"},
        {"key": "app", "operator": "Exists"},
        {"key": "env", "operator": "NotIn", "values": ["dev"]},
    ]

    assert selector({"matchLabels": {"a": "b"}, "matchExpressions": requirements}) == (
        "!old,a=b,app,env notin (dev),tier in (api,db)"
    )
    assert (selector({}), selector(None)) == ("", "")


def test_times_are_utc_seconds() -> None:
    assert timestamp("2026-01-01T00:00:00Z") == 1767225600
    assert (timestamp(""), timestamp("yesterday"), timestamp("2026-01-01T00:00:00")) == (None, None, None)


# --- containers -------------------------------------------------------------------------------------------------------


def test_a_container_that_sets_nothing_has_the_documented_defaults() -> None:
    row = container()

    assert columns(row, *[name for name in KubernetesContainer.columns() if name not in Placed.columns()]) == {
        "ordinal": 0, "container": "app", "kind": "container", "image": "registry.acme.example/shop/web:1.4",
        "image_registry": "registry.acme.example", "image_repository": "shop/web", "image_tag": "1.4",
        "image_digest": "", "image_pull_policy": "IfNotPresent", "privileged": False,
        "allows_privilege_escalation": True, "run_as_non_root": False, "run_as_user": -1, "run_as_group": -1,
        "read_only_root_filesystem": False, "capabilities_added": 0, "drops_all_capabilities": False, "seccomp": "",
        "apparmor": "", "proc_mount": "Default", "cpu_request_millicores": 0, "cpu_limit_millicores": 0,
        "memory_request_bytes": 0, "memory_limit_bytes": 0, "has_liveness_probe": False,
        "has_readiness_probe": False, "has_startup_probe": False, "host_ports": 0, "has_selinux": False,
        "selinux_type": "", "selinux_user": "", "selinux_role": "", "host_process": False, "windows_user": "",
        "gmsa_spec": "", "is_pinned": False, "drops_net_raw": False, "uses_sudo": False,
        "repeated_variables": 0, "host_probes": 0,
    }  # fmt: skip


def test_a_container_overrides_its_pod() -> None:
    pod = {"securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}}
    names = ("run_as_non_root", "run_as_user", "seccomp")

    assert columns(container(pod=pod), *names) == dict(zip(names, (True, 1000, "RuntimeDefault"), strict=True))
    own = {"runAsNonRoot": False, "runAsUser": 0, "seccompProfile": {"type": "Unconfined"}}
    assert columns(container(pod=pod, securityContext=own), *names) == dict(
        zip(names, (False, 0, "Unconfined"), strict=True)
    )


@pytest.mark.parametrize(
    "context", [{"privileged": True}, {"capabilities": {"add": ["CAP_SYS_ADMIN"]}}, {"capabilities": {"add": ["all"]}}]
)
def test_whoever_is_privileged_may_escalate(context: dict[str, Any]) -> None:
    row = container(securityContext={"allowPrivilegeEscalation": False, **context})

    assert row.allows_privilege_escalation is True


def test_a_request_that_is_not_set_is_the_limit() -> None:
    row = container(resources={"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"memory": "512Mi"}})

    assert (row.cpu_request_millicores, row.cpu_limit_millicores) == (1000, 1000)
    assert (row.memory_request_bytes, row.memory_limit_bytes) == (512 * 2**20, 2**30)


def test_init_sidecar_and_ephemeral_containers_are_told_apart() -> None:
    spec = {
        "containers": [{"name": "a", "image": "a"}],
        "initContainers": [{"name": "b", "image": "b"}, {"name": "c", "image": "c", "restartPolicy": "Always"}],
        "ephemeralContainers": [{"name": "d", "image": "d"}],
    }
    pod = obj("v1", "Pod", "p", "shop", spec=spec)

    found = {row.container: row.kind for row in of(KubernetesContainer, pod)}
    assert found == {"a": "container", "b": "init", "c": "sidecar", "d": "ephemeral"}
    assert [row.containers for row in of(KubernetesWorkload, pod)] == [2]


def test_of_a_variable_that_is_given_twice_the_last_holds() -> None:
    env = [
        {"name": "A", "value": "info"},
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "B", "value": "debug"},
        {"name": "C"},
    ]
    found = of(KubernetesContainerVariable, deployment("web", "shop", pod_spec(env=env)))

    assert {(r.variable, r.kind, r.value, r.reference, r.reference_key) for r in found} == {
        ("A", "secret", "", "s", "k"),
        ("B", "literal", "debug", "", ""),
        ("C", "literal", "", "", ""),
    }


def test_volumes_say_what_they_hold_and_who_may_write() -> None:
    spec = pod_spec(volumeMounts=[
        {"name": "root", "mountPath": "/h", "readOnly": True}, {"name": "data", "mountPath": "/d"}])  # fmt: skip
    spec["volumes"] = [
        {"name": "root", "hostPath": {"path": "/var/run"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "all", "projected": {"sources": [
            {"secret": {"name": "s"}}, {"serviceAccountToken": {"path": "token"}}]}},
        {"name": "tmp"},
    ]  # fmt: skip
    found = of(KubernetesVolume, deployment("web", "shop", spec))

    assert {(r.volume, r.kind, r.projected, r.host_path, r.mounted_read_only, r.reference) for r in found} == {
        ("root", "hostPath", False, "/var/run", True, ""),
        ("data", "persistentVolumeClaim", False, "", False, "data"),
        ("all", "secret", True, "", True, "s"),
        ("all", "serviceAccountToken", True, "", True, ""),
        ("tmp", "emptyDir", False, "", True, ""),
    }


@pytest.mark.parametrize(
    ("own", "account", "mounted"),
    [(None, {}, True), (None, {"automountServiceAccountToken": False}, False), (None, None, True),
     (True, {"automountServiceAccountToken": False}, True), (False, {}, False)],
)  # fmt: skip
def test_the_pod_goes_before_its_service_account(own: bool | None, account: Any, mounted: bool) -> None:
    spec = pod_spec() | ({} if own is None else {"automountServiceAccountToken": own})
    document = with_service_account(see(deployment("web", "shop", spec), HERE).document, account)
    [row] = [r for r in BY_NAME[document.kind].shape(document) if isinstance(r, KubernetesWorkload)]

    assert row.automounts_token is mounted


def test_disruption_budgets_that_let_nothing_go_are_seen() -> None:
    def budget(**spec: Any) -> tuple[bool, bool]:
        [row] = of(KubernetesPodDisruptionBudget, obj("policy/v1", "PodDisruptionBudget", "b", "shop", spec=spec))
        return row.allows_no_disruption, row.selects_nothing

    assert budget(maxUnavailable=0, selector={}) == (True, False)
    assert budget(minAvailable="100%") == (True, True)
    assert budget(minAvailable=1, selector={}) == (False, False)


# --- the network ------------------------------------------------------------------------------------------------------


def policy(**spec: Any) -> tuple[KubernetesNetworkPolicy, list[KubernetesNetworkPolicyRule]]:
    found = rows(obj("networking.k8s.io/v1", "NetworkPolicy", "p", "shop", spec={"podSelector": {}, **spec}))
    assert isinstance(found[0], KubernetesNetworkPolicy)
    return found[0], [row for row in found[1:] if isinstance(row, KubernetesNetworkPolicyRule)]


@pytest.mark.parametrize(
    ("spec", "ingress", "egress"),
    [
        ({}, (True, True), (False, False)),
        ({"policyTypes": ["Egress"]}, (False, False), (True, True)),
        ({"egress": [{}]}, (True, True), (True, False)),
        ({"policyTypes": ["Ingress"], "egress": [{}]}, (True, True), (False, False)),
        ({"ingress": []}, (True, True), (False, False)),
        ({"ingress": [{}]}, (True, False), (False, False)),
        ({"podSelector": {"matchLabels": {"a": "b"}}}, (True, False), (False, False)),
    ],
)
def test_a_policy_isolates_the_directions_it_applies_to(
    spec: dict[str, Any], ingress: tuple[bool, bool], egress: tuple[bool, bool]
) -> None:
    """Each pair: whether it applies, and whether it is a default deny."""
    row, _ = policy(**spec)

    assert (row.applies_to_ingress, row.default_deny_ingress) == ingress
    assert (row.applies_to_egress, row.default_deny_egress) == egress


def test_rules_of_a_direction_that_is_not_isolated_say_nothing() -> None:
    row, rules = policy(policyTypes=["Ingress"], egress=[{"to": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]}])

    assert rules == []
    assert (row.uses_namespace_selector, row.trusts_mutable_namespace_label) == (False, False)


def test_every_peer_may_use_every_port_of_its_rule() -> None:
    _, rules = policy(ingress=[{
        "from": [{"podSelector": {}}, {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}],
        "ports": [{"port": 80}, {"port": "dns", "protocol": "UDP"}],
    }, {}])  # fmt: skip

    names = ("rule", "peer", "allows_everyone", "same_namespace", "cidr", "exceptions", "protocol", "port")
    assert {tuple(columns(rule, *names).values()) for rule in rules} == {
        (0, "pods", False, True, "", "", "TCP", "80"),
        (0, "pods", False, True, "", "", "UDP", "dns"),
        (0, "cidr", False, False, "0.0.0.0/0", "10.0.0.0/8", "TCP", "80"),
        (0, "cidr", False, False, "0.0.0.0/0", "10.0.0.0/8", "UDP", "dns"),
        (1, "everyone", True, False, "", "", "", ""),
    }


NAME = "kubernetes.io/metadata.name"


@pytest.mark.parametrize(
    ("chosen", "trusts"),
    [
        ({"matchLabels": {"env": "prod"}}, True),
        ({"matchLabels": {NAME: "prod"}}, False),
        ({"matchLabels": {NAME: "prod", "env": "prod"}}, False),
        ({"matchExpressions": [{"key": NAME, "operator": "In", "values": ["a"]}]}, False),
        ({"matchExpressions": [{"key": NAME, "operator": "NotIn", "values": ["a"]}]}, True),
        ({}, False),
    ],
)
def test_only_the_name_of_a_namespace_cannot_be_chosen(chosen: dict[str, Any], trusts: bool) -> None:
    row, _ = policy(ingress=[{"from": [{"namespaceSelector": chosen}]}])

    assert row.trusts_mutable_namespace_label is trusts


def test_a_wildcard_certificate_covers_one_label() -> None:
    hosts = ("shop.acme.example", "a.b.acme.example", "")
    value = obj("networking.k8s.io/v1", "Ingress", "i", "shop", spec={
        "tls": [{"hosts": ["*.acme.example"], "secretName": "s"}],
        "rules": [{"host": host, "http": {"paths": [{"backend": {}}]}} for host in hosts]})  # fmt: skip

    assert {row.host: row.tls for row in of(KubernetesIngressRule, value)} == dict(
        zip(hosts, (True, False, False), strict=True)
    )
    assert [(row.has_tls, row.all_hosts_tls) for row in of(KubernetesIngress, value)] == [(True, False)]


def test_a_load_balancer_without_ranges_is_open_to_everyone() -> None:
    def service(**spec: Any) -> bool:
        [row] = of(KubernetesService, obj("v1", "Service", "s", "shop", spec=spec))
        return bool(row.is_public_source)

    assert service(type="LoadBalancer")
    assert service(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.0/8", "0.0.0.0/0"])
    assert not service(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.0/8"])
    assert not service()


# --- access -----------------------------------------------------------------------------------------------------------

RBAC = "rbac.authorization.k8s.io/v1"


def test_rules_of_a_role_are_multiplied_out() -> None:
    role = obj(RBAC, "Role", "r", "shop", rules=[
        {"apiGroups": ["", "apps"], "resources": ["pods/exec"], "verbs": ["get", "create"], "resourceNames": ["a"]},
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get"], "resourceNames": ["a"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}])  # fmt: skip

    assert [(r.verb, r.api_group, r.resource, r.resource_name, r.path) for r in of(KubernetesRoleRule, role)] == [
        ("create", "", "pods/exec", "a", ""),
        ("create", "apps", "pods/exec", "a", ""),
        ("get", "", "", "", "/metrics"),
        ("get", "", "pods/exec", "a", ""),
        ("get", "apps", "pods/exec", "a", ""),
    ]


@pytest.mark.parametrize(
    ("rule", "everything"),
    [
        ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, True),
        ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"], "resourceNames": ["x"]}, False),
        ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]}, False),
    ],
)
def test_everything_is_every_verb_on_every_resource(rule: dict[str, Any], everything: bool) -> None:
    [row] = of(KubernetesRole, obj(RBAC, "ClusterRole", "r", rules=[rule]))

    assert row.grants_everything is everything


def test_a_role_binding_may_name_a_cluster_role_and_accounts_of_other_namespaces() -> None:
    binding = obj(RBAC, "RoleBinding", "b", "shop", roleRef={"kind": "ClusterRole", "name": "edit"}, subjects=[
        {"kind": "ServiceAccount", "name": "ci", "namespace": "tools"},
        {"kind": "ServiceAccount", "name": "own"},
        {"kind": "Group", "name": "system:authenticated"},
        {"kind": "Group", "name": "system:serviceaccounts:tools"}])  # fmt: skip

    [row] = of(KubernetesRoleBinding, binding)
    assert (row.role_uid, row.is_cluster_wide) == ("k8s:test//ClusterRole/edit", False)
    subjects = of(KubernetesRoleBindingSubject, binding)
    assert {(s.subject_uid, s.subject, s.is_everyone, s.is_all_service_accounts) for s in subjects} == {
        ("k8s:test/tools/ServiceAccount/ci", "ci", False, False),
        ("k8s:test/shop/ServiceAccount/own", "own", False, False),
        ("", "system:authenticated", True, False),
        ("", "system:serviceaccounts:tools", False, True),
    }


def test_a_namespace_is_the_place_of_itself() -> None:
    [row] = of(KubernetesNamespace, namespace("shop", {"pod-security.kubernetes.io/enforce": "baseline"}))

    assert (row.uid, row.namespace, row.pod_security_enforce) == ("k8s:test//Namespace/shop", "shop", "baseline")


# --- laws -------------------------------------------------------------------------------------------------------------


def paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every value inside."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*at, key)
        yield from paths(item, (*at, key))


EVERY = [(one, path) for one in shop() for path in paths(one) if path not in (("apiVersion",), ("kind",))]
JUNK = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.just([]), st.just({}), st.just([0]))


@given(st.sampled_from(EVERY), JUNK)
def test_any_value_in_any_place_gives_rows_or_a_named_problem(case: tuple[dict[str, Any], Any], junk: Any) -> None:
    """Whatever stands in an object, it is taken in; what is none of the API's has no parts and says why."""
    value, path = copy.deepcopy(case[0]), case[1]
    parent: Any = value
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = junk
    seen = see(value, HERE)
    document = with_service_account(seen.document, {}) if seen.asks_account else seen.document

    shaped = list(BY_NAME[document.kind].shape(document))
    assert {row.uid for row in shaped} == {document.uid} or document.kind == "kubernetes_secret"
    assert bool(seen.problem) <= (dict(document.parts) == {})


@given(st.sampled_from(shop()), st.sets(st.sampled_from(["object", "annotations", "variables", "service_account"])))
def test_any_part_may_be_missing(value: dict[str, Any], dropped: set[str]) -> None:
    seen = see(value, HERE)
    parts = {name: part for name, part in seen.document.parts.items() if name not in dropped}
    document = Document(
        kind=seen.document.kind, uid=seen.document.uid, scope=HERE.scope, name=seen.document.name, parts=parts,
        cluster=HERE.cluster, namespace=seen.document.namespace, source=HERE.source,
    )  # fmt: skip
    [own, *_] = BY_NAME[document.kind].shape(document)

    assert (own.uid, own.scope, own.cluster) == (document.uid, HERE.scope, "test")


def test_every_kind_that_is_read_is_in_the_sample() -> None:
    """So that the laws above speak of all of them."""
    read = {(read.version, read.kind) for read in (*READS, *PRESENT, SECRETS)}
    assert {(o["apiVersion"], o["kind"]) for o in shop()} == read


def test_older_versions_that_are_alike_become_the_same_document() -> None:
    assert DOCUMENTS["batch/v1beta1", "CronJob"] == DOCUMENTS["batch/v1", "CronJob"]
    assert ("networking.k8s.io/v1beta1", "Ingress") not in DOCUMENTS  # its backends are written otherwise
    assert ("extensions/v1beta1", "Ingress") not in DOCUMENTS
