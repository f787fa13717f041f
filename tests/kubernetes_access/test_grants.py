"""Who may do what: bindings joined with roles as the API server joins them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scanner.isolation import derive
from scanner.rules import load_rules, run
from scanner.tables import Assignment, Environment, Gap
from scanner.tables.kubernetes_access import (
    KubernetesGrant,
    KubernetesSubject,
    KubernetesWorkloadAccess,
    KubernetesWorkloadGrant,
)
from scanner.tables.kubernetes_care import KubernetesSharing
from tests.support.derived import account, allow, binding, estate_of, group, role, user
from tests.support.kubernetes import Object, Scanner, deployment, namespace, obj, pod_spec, server

JANE = "k8s:test//User/jane"


def grants(folder: Path, objects: list[Object], of: str = JANE) -> set[tuple[Any, ...]]:
    with estate_of(folder, objects) as estate:
        rows = estate.rows(KubernetesGrant, "uid = ?", of)
        return {(r.verb, r.api_group, r.resource, r.resource_name, r.in_namespace, r.is_effective) for r in rows}


def failed(folder: Path, objects: list[Object], *rules: str) -> set[tuple[str, str]]:
    chosen = load_rules()
    with estate_of(folder, objects) as estate:
        for name in rules:
            estate.need(chosen[name].compiled.tables)
        verdicts = list(run(estate, [chosen[name] for name in rules], 0))
    return {(v.rule, v.uid) for v in verdicts if v.status == "fail"}


def test_a_cluster_role_bound_in_a_namespace_holds_there_alone(tmp_path: Path) -> None:
    reader = role("reader", allow("get", "secrets"))

    assert grants(tmp_path, [reader, binding("jane", reader, user("jane"), space="shop")]) == {
        ("get", "", "secrets", "", "shop", True)
    }


def test_verbs_groups_and_resources_multiply(tmp_path: Path) -> None:
    writer = role("writer", allow("create delete", "pods jobs", " batch"))

    found = grants(tmp_path, [writer, binding("jane", writer, user("jane"))])
    assert {row[:3] for row in found} == {
        (verb, api, kind) for verb in ("create", "delete") for api in ("", "batch") for kind in ("pods", "jobs")
    }


def test_what_is_in_no_namespace_cannot_be_given_in_one(tmp_path: Path) -> None:
    nodes = role("nodes", allow("get", "nodes/proxy configmaps"))

    assert grants(tmp_path, [nodes, binding("jane", nodes, user("jane"), space="shop")]) == {
        ("get", "", "nodes/proxy", "", "shop", False),
        ("get", "", "configmaps", "", "shop", True),
    }


def test_a_named_object_cannot_be_created_but_its_subresource_can(tmp_path: Path) -> None:
    """A request to create names no object; one to create a subresource does."""
    named = role("named", allow("create get", "pods pods/exec", resourceNames=["web"]))

    assert grants(tmp_path, [named, binding("jane", named, user("jane"))]) == {
        ("get", "", "pods", "web", "", True),
        ("get", "", "pods/exec", "web", "", True),
        ("create", "", "pods/exec", "web", "", True),
    }


@pytest.mark.parametrize(
    ("resources", "expected"), [("pods/*", False), ("pods", False), ("pods/exec", True), ("*/exec", True), ("*", True)]
)
def test_only_exec_its_pattern_and_everything_grant_exec(tmp_path: Path, resources: str, expected: bool) -> None:
    maker = role("maker", allow("create", resources))
    objects = [maker, binding("jane", maker, user("jane"), space="shop")]

    found = failed(tmp_path, objects, "kubernetes-subject-no-exec")
    assert found == ({("kubernetes-subject-no-exec", JANE)} if expected else set())


def test_an_aggregated_role_of_a_manifest_has_the_rules_of_what_it_selects(tmp_path: Path) -> None:
    selectors = {"clusterRoleSelectors": [{"matchLabels": {"to-support": "true"}}]}
    part = role("part", allow("get", "secrets"), labels={"to-support": "true"})
    other = role("other", allow("delete", "nodes"))
    whole = role("support", aggregationRule=selectors)

    objects = [part, other, whole, binding("jane", whole, user("jane"))]
    with estate_of(tmp_path, objects) as estate:
        rows = [(r.verb, r.resource) for r in estate.rows(KubernetesGrant, "uid = ?", JANE)]
        gaps = {(g.table_name, g.reason) for g in estate.rows(Gap, "uid = ?", JANE)}
    assert rows == [("get", "secrets")]
    # Roles of the cluster may be selected, too.
    assert gaps == {("kubernetes_grant", "after_apply"), ("kubernetes_sharing", "after_apply")}


def test_an_account_has_what_its_groups_have(tmp_path: Path) -> None:
    reader = role("reader", allow("get", "secrets"))
    groups = [group("system:serviceaccounts:shop"), group("system:serviceaccounts"), group("system:authenticated")]
    objects = [
        obj("v1", "ServiceAccount", "web", "shop"), obj("v1", "ServiceAccount", "db", "other"), reader,
        binding("all", reader, *groups),
    ]  # fmt: skip
    with estate_of(tmp_path, objects) as estate:
        through = {
            name: [row.through for row in estate.rows(KubernetesGrant, "uid = ?", f"k8s:test/{name}")]
            for name in ("shop/ServiceAccount/web", "other/ServiceAccount/db")
        }
        subjects = {row.uid for row in estate.rows(KubernetesSubject)}
    assert through == {
        "shop/ServiceAccount/web": [
            "system:authenticated", "system:serviceaccounts", "system:serviceaccounts:shop",
        ],
        "other/ServiceAccount/db": ["system:authenticated", "system:serviceaccounts"],
    }  # fmt: skip
    assert subjects == {f"k8s:test//Group/{g['name']}" for g in groups}  # who is bound, not who belongs to it


def test_a_workload_has_what_its_account_and_its_groups_are_given(tmp_path: Path) -> None:
    reader, maker = role("reader", allow("get", "secrets")), role("maker", allow("create", "pods"))
    objects = [
        obj("v1", "ServiceAccount", "web", "shop"), reader, maker,
        deployment("web", "shop", {**pod_spec(), "serviceAccountName": "web"}),
        binding("own", reader, account("shop", "web"), space="shop"),
        binding("shared", maker, group("system:serviceaccounts:shop")),
    ]  # fmt: skip
    with estate_of(tmp_path, objects) as estate:
        rows = [(r.verb, r.resource, r.in_namespace) for r in estate.rows(KubernetesWorkloadGrant)]
        access = [(r.bindings, r.account_is_there) for r in estate.rows(KubernetesWorkloadAccess)]
    assert rows == [("create", "pods", ""), ("get", "secrets", "shop")]
    assert access == [(1, True)]


def test_cluster_admin_is_known_without_being_written_down(tmp_path: Path) -> None:
    admin = role("cluster-admin")

    assert failed(tmp_path, [binding("jane", admin, user("jane"))], "kubernetes-subject-no-cluster-admin") == {
        ("kubernetes-subject-no-cluster-admin", JANE)
    }


def test_a_role_that_is_nowhere_leaves_its_subject_unknown(tmp_path: Path) -> None:
    """In a cluster it would be there; what a binding gives must not be taken for nothing."""
    missing = role("missing")
    rule = load_rules()["kubernetes-subject-no-secret-reading"]
    with estate_of(tmp_path, [binding("jane", missing, user("jane"))]) as estate:
        estate.need(rule.compiled.tables)
        verdicts = [(v.uid, v.status, [b.reason for b in v.because]) for v in run(estate, [rule], 0)]
    assert verdicts == [(JANE, "unknown", ["after_apply"])]


def test_a_subject_that_writes_in_two_environments_is_named(tmp_path: Path) -> None:
    """Reading in both is no writing."""
    writer, reader = role("writer", allow("update", "configmaps")), role("reader", allow("get", "configmaps"))
    objects = [
        namespace("production"), namespace("staging"), writer, reader,
        binding("a", writer, user("jane"), space="production"), binding("b", writer, user("jane"), space="staging"),
        binding("c", writer, user("sam"), space="staging"), binding("d", reader, user("sam"), space="production"),
    ]  # fmt: skip

    with estate_of(tmp_path, objects) as estate:
        rows = {row.uid: (row.environments, row.is_shared) for row in estate.rows(KubernetesSharing)}
        assert rows == {JANE: ("", False), "k8s:test//User/sam": ("", False)}  # nothing says what is which environment
        for name in ("production", "staging"):
            space = Assignment(uid=f"k8s:test//Namespace/{name}", environment=name)
            estate.insert([space, Environment(id=name, tier=name)])
        derive(estate)
        rows = {row.uid: (row.environments, row.is_shared) for row in estate.rows(KubernetesSharing)}
    assert rows == {JANE: ("production, staging", True), "k8s:test//User/sam": ("staging", False)}


@pytest.mark.parametrize(("minor", "answer"), [("34", True), ("35", False)])
def test_get_is_enough_to_run_commands_before_the_server_asked_for_create(
    scan: Scanner, minor: str, answer: bool
) -> None:
    watcher = role("watcher", allow("get", "pods/exec"))
    with server([watcher, binding("jane", watcher, user("jane"))], version=f"v1.{minor}.1") as api:
        estate = scan(api).estate
    derive(estate)

    assert [row.runs_commands for row in estate.rows(KubernetesGrant, "uid = ?", JANE)] == [answer]


def test_in_manifests_nobody_knows_whether_get_is_enough(tmp_path: Path) -> None:
    watcher = role("watcher", allow("get", "pods/exec"))
    with estate_of(tmp_path, [watcher, binding("jane", watcher, user("jane"))]) as estate:
        assert [row.runs_commands for row in estate.rows(KubernetesGrant, "uid = ?", JANE)] == [None]
