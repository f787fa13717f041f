"""Manifests give the rows that the same objects in a cluster give; what cannot be told from files is a gap."""

from __future__ import annotations

import dataclasses
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from scanner.collectors.kubernetes import KINDS
from scanner.collectors.manifests import TABLES, Manifests, collect_manifests
from scanner.errors import InputError
from scanner.tables import Call
from scanner.tables.kubernetes_access import KubernetesRole
from scanner.tables.kubernetes_cluster import KubernetesNamespace
from scanner.tables.kubernetes_network import KubernetesNetworkPolicy
from scanner.tables.kubernetes_storage import KubernetesSecret
from scanner.tables.kubernetes_workload import KubernetesContainer, KubernetesWorkload
from tests.support.kubernetes import SECRET_TEXTS, Scan, Scanner, deployment, namespace, obj, pod_spec, server, shop


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scan]:
    """An empty stage; the working directory is a folder of the test's own."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    out = Scan(tmp_path / "manifests.db")
    yield out
    out.stage.close()


def write(path: str, *objects: object) -> str:
    """A multi-document YAML file."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("---\n".join(yaml.safe_dump(one) for one in objects))
    return path


def as_written(one: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in one.items() if key != "status"}


WEB = deployment("web", "shop", pod_spec())


def written_by_people() -> list[dict[str, object]]:
    """The shop's objects but those that controllers made: nobody writes them, and a file's word for it is not taken."""
    return [one for one in shop() if not one["metadata"].get("ownerReferences")]


def test_manifests_and_a_cluster_give_the_same_rows(scan: Scanner, stage: Scan) -> None:
    """Defaults included: what a manifest leaves out has the value that the API documents."""
    with server() as api:
        live = scan(api)
    write("all.yaml", *map(as_written, written_by_people()))
    collect_manifests(["all.yaml"], stage.stage, cluster="test")

    def comparable(found: Scan) -> dict[str, list[object]]:
        here = {"scope": "", "source": "", "file": "", "line": 0}
        return {
            table.table: [
                dataclasses.replace(row, **here, **({"phase": "", "created": None} if hasattr(row, "created") else {}))
                for row in found.rows(table)
                if not hasattr(row, "volume_mode")
            ]
            for table in TABLES
        }

    assert comparable(stage) == comparable(live)
    assert {(g.table_name, g.column_name, g.reason) for g in stage.gaps()} == {
        ("kubernetes_namespace", "created", "after_apply")
    }


def test_rows_say_where_they_stand(stage: Scan) -> None:
    write("deploy/web.yaml", namespace("shop"), WEB)
    collect_manifests(["deploy"], stage.stage)

    [row] = stage.rows(KubernetesWorkload)
    assert (row.uid, row.scope, row.source, row.file, row.line) == (
        "k8s:manifests/deploy/shop/Deployment/web", "manifests/deploy", "manifests", "deploy/web.yaml", 10,
    )  # fmt: skip


def test_where_a_checkout_lies_does_not_matter(stage: Scan) -> None:
    write("deploy/web.yaml", WEB)
    collect_manifests([Path("deploy").resolve()], stage.stage)

    assert [row.uid for row in stage.rows(KubernetesWorkload)] == ["k8s:manifests/deploy/shop/Deployment/web"]


def test_lists_are_unfolded_with_the_line_of_each_item(stage: Scan) -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a, namespace: n}\n"
    Path("list.yaml").write_text(text)
    Path("typed.json").write_text(json.dumps({"apiVersion": "v1", "kind": "PodList", "items": [
        {"metadata": {"name": "b", "namespace": "n"}, "spec": pod_spec()}]}))  # fmt: skip
    collect_manifests(["list.yaml", "typed.json"], stage.stage)

    assert [(r.name, r.file, r.line) for r in stage.rows(KubernetesWorkload)] == [
        ("a", "list.yaml", 4), ("b", "typed.json", 1),
    ]  # fmt: skip


def test_standard_input_is_read(stage: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(yaml.safe_dump(WEB).encode())))
    collect_manifests(["-"], stage.stage)

    assert [(r.uid, r.file) for r in stage.rows(KubernetesWorkload)] == [("k8s:manifests/-/shop/Deployment/web", "-")]


def test_values_are_read_as_kubectl_reads_them(stage: Scan) -> None:
    Path("pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n}\n"
        "spec: {hostNetwork: yes, containers: [{name: app, image: app}]}\n"
    )
    collect_manifests(["pod.yaml"], stage.stage)

    [row] = stage.rows(KubernetesWorkload)
    assert row.host_network is True


def test_a_namespace_that_is_not_written_is_unknown_unless_it_is_told(stage: Scan) -> None:
    nowhere = deployment("web", "", pod_spec())
    write("web.yaml", nowhere)
    collect_manifests(["web.yaml"], stage.stage)
    write("other/web.yaml", nowhere)
    collect_manifests(["other"], stage.stage, namespace="shop")

    assert {r.uid: r.namespace for r in stage.rows(KubernetesWorkload)} == {
        "k8s:manifests/.//Deployment/web": None,
        "k8s:manifests/other/shop/Deployment/web": "shop",
    }
    assert [r.namespace for r in stage.rows(KubernetesContainer)] == [None, "shop"]


def test_alternatives_are_all_judged_and_kept_apart(stage: Scan) -> None:
    """A policy of one environment must not be taken for the other's."""
    deny = obj("networking.k8s.io/v1", "NetworkPolicy", "deny", "shop", spec={"podSelector": {}})
    write("deploy/dev/web.yaml", namespace("shop"), WEB)
    write("deploy/prod/web.yaml", namespace("shop"), deployment("web", "shop", {"hostNetwork": True, **pod_spec()}))
    write("deploy/prod/deny.yaml", deny)
    collect_manifests(["deploy"], stage.stage)

    assert {r.cluster: r.host_network for r in stage.rows(KubernetesWorkload)} == {
        "manifests/deploy/dev": False,
        "manifests/deploy/prod": True,
    }
    assert [r.cluster for r in stage.rows(KubernetesNamespace)] == ["manifests/deploy/dev", "manifests/deploy/prod"]
    assert [r.cluster for r in stage.rows(KubernetesNetworkPolicy)] == ["manifests/deploy/prod"]


def test_files_that_are_named_one_by_one_belong_together(stage: Scan) -> None:
    account = obj("v1", "ServiceAccount", "default", "shop", automountServiceAccountToken=False)
    collect_manifests([write("web.yaml", WEB), write("account.yaml", account)], stage.stage)

    assert [(r.cluster, r.automounts_token) for r in stage.rows(KubernetesWorkload)] == [("manifests/.", False)]


def test_two_files_of_one_folder_with_different_objects_of_a_name_are_alternatives(stage: Scan) -> None:
    write("deploy/dev.yaml", WEB)
    write("deploy/prod.yaml", deployment("web", "shop", {"hostPID": True, **pod_spec()}))
    collect_manifests(["deploy"], stage.stage)

    assert {r.cluster: r.host_pid for r in stage.rows(KubernetesWorkload)} == {
        "manifests/deploy/dev.yaml": False,
        "manifests/deploy/prod.yaml": True,
    }


def test_of_an_object_that_one_file_has_twice_the_last_holds(stage: Scan) -> None:
    write("web.yaml", WEB, deployment("web", "shop", {"hostIPC": True, **pod_spec()}))
    collect_manifests(["web.yaml"], stage.stage)

    assert [r.host_ipc for r in stage.rows(KubernetesWorkload)] == [True]


def test_one_cluster_cannot_get_two_objects_of_a_name(stage: Scan) -> None:
    write("deploy/dev/web.yaml", WEB)
    write("deploy/prod/web.yaml", deployment("web", "shop", {"hostNetwork": True, **pod_spec()}))
    with pytest.raises(
        InputError, match=r"^deploy/prod/web.yaml:1: has another object of the same name as deploy/dev/web.yaml:1; give"
    ):
        collect_manifests(["deploy"], stage.stage, cluster="prod-eu")


def test_a_service_account_outside_the_manifests_waits_for_the_apply(stage: Scan) -> None:
    write("web.yaml", WEB)
    collect_manifests(["web.yaml"], stage.stage)

    [row] = stage.rows(KubernetesWorkload)
    [gap] = stage.gaps()
    assert row.automounts_token is None
    assert (gap.uid, gap.column_name, gap.reason) == (row.uid, "automounts_token", "after_apply")
    assert gap.detail == "service account default is not in the manifests"


def test_the_rules_of_an_aggregated_role_wait_for_the_apply(stage: Scan) -> None:
    role = obj("rbac.authorization.k8s.io/v1", "ClusterRole", "all", aggregationRule={"clusterRoleSelectors": []})
    write("role.yaml", role)
    collect_manifests(["role.yaml"], stage.stage)

    assert [(r.is_aggregated, r.grants_everything) for r in stage.rows(KubernetesRole)] == [(True, None)]
    assert {(g.table_name, g.column_name, g.reason) for g in stage.gaps()} == {
        ("kubernetes_role", "grants_everything", "after_apply"),
        ("kubernetes_role_rule", "", "after_apply"),
    }


TEMPLATE = "apiVersion: v1\nkind: Pod\nmetadata: {{ include `x` . }}\n"


@pytest.mark.parametrize(
    ("files", "detail"),
    [
        ({"pod.yaml": TEMPLATE}, "deploy/pod.yaml:3: is a template; give the rendered output instead"),
        (
            {"Chart.yaml": "apiVersion: v2\nname: c\n", "templates/pod.yaml": TEMPLATE},
            "templates is the templates of a Helm chart; give the rendered output instead",
        ),
        (
            {"kustomization.yaml": "resources: []\n", "pod.yaml": "apiVersion: v1\nkind: Pod\n"},
            "deploy is put together by Kustomize; give the rendered output instead",
        ),
    ],
    ids=["template", "chart", "kustomize"],
)
def test_what_is_generated_is_a_gap_until_it_is_rendered(stage: Scan, files: dict[str, str], detail: str) -> None:
    for name, text in files.items():
        path = Path("deploy", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    write("deploy/plain/web.yaml", WEB)
    collect_manifests(["deploy"], stage.stage)

    assert {(g.reason, g.detail) for g in stage.gaps() if not g.uid} == {("unsupported", detail)}
    assert {g.table_name for g in stage.gaps()} == {table.table for table in TABLES}
    assert [r.name for r in stage.rows(KubernetesWorkload)] == ["web"]


def test_a_template_that_is_named_is_a_gap_too(stage: Scan) -> None:
    Path("pod.yaml").write_text(TEMPLATE)
    collect_manifests(["pod.yaml"], stage.stage)

    assert [(c.operation, c.uid, c.status) for c in stage.calls()] == [("read manifest", "pod.yaml", "unsupported")]
    assert {g.call for g in stage.gaps()} == {stage.calls()[0].id}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("apiVersion: v1\nkind: [", r"^x.yaml:\d: is not YAML"),
        ("apiVersion: v1\nkind: Pod\nkind: Job\n", r"^x.yaml:3: "),
        ("name: something\n", r"^x.yaml: holds no Kubernetes object$"),
    ],
)
def test_a_named_file_must_be_a_manifest(stage: Scan, text: str, problem: str) -> None:
    Path("x.yaml").write_text(text)
    with pytest.raises(InputError, match=problem):
        collect_manifests(["x.yaml"], stage.stage)


def test_a_file_that_is_not_there_is_named(stage: Scan) -> None:
    with pytest.raises(InputError, match=r"^none\.yaml: does not exist$"):
        collect_manifests(["none.yaml"], stage.stage)


def test_in_a_folder_other_files_are_passed_over_and_broken_ones_are_gaps(stage: Scan) -> None:
    write("deploy/web.yaml", WEB, obj("acme.example/v1", "Widget", "w", "shop"))
    write("deploy/values.yaml", {"replicas": 2})
    Path("deploy/package.json").write_text('{"name": "web", broken')
    Path("deploy/broken.yaml").write_text("apiVersion: v1\nkind: [")
    Path("deploy/outside.yaml").symlink_to("/etc/hostname")
    found = collect_manifests(["deploy"], stage.stage)

    assert found == Manifests(1, 1, found.other_kinds, ["deploy/package.json", "deploy/values.yaml"])
    assert dict(found.other_kinds) == {"Widget": 1}
    assert [(c.uid, c.status) for c in stage.rows(Call)] == [
        ("deploy/broken.yaml", "error"), ("deploy/outside.yaml", "error"), ("deploy/web.yaml", "ok"),
    ]  # fmt: skip
    assert {g.table_name for g in stage.gaps() if g.reason == "error"} == {table.table for table in TABLES}


def test_a_version_of_the_api_that_is_not_read_is_a_gap(stage: Scan) -> None:
    old = obj("networking.k8s.io/v1beta1", "Ingress", "old", "shop", spec={})
    mine = obj("serving.knative.dev/v1", "Service", "mine", "shop", spec={})
    write("old.yaml", old, mine)
    collect_manifests(["old.yaml"], stage.stage)

    detail = "old.yaml:1: networking.k8s.io/v1beta1 Ingress is not read"
    assert {(g.table_name, g.reason, g.detail) for g in stage.gaps()} == {
        (table, "unsupported", detail)
        for table in ("kubernetes_ingress", "kubernetes_ingress_rule", "kubernetes_ingress_tls")
    }


def test_an_object_that_is_none_by_the_api_is_unknown(stage: Scan) -> None:
    write("pod.yaml", obj("v1", "Pod", "p", "shop", spec={"containers": [{"name": "a", "env": {"A": "b"}}]}))
    collect_manifests(["pod.yaml"], stage.stage)

    [row] = stage.rows(KubernetesWorkload)
    assert (row.kind, row.host_network) == (None, None)
    assert {(g.uid, g.reason, g.detail) for g in stage.gaps()} == {(row.uid, "error", "env is not a list")}


def test_secrets_of_manifests_are_names_only(stage: Scan, tmp_path: Path) -> None:
    encoded = {"token": "aHVudGVyMi1UcjB1YjRkb3ImMw=="}
    write("all.yaml", *map(as_written, written_by_people()), obj("v1", "Secret", "unused", "production", data=encoded))
    collect_manifests(["all.yaml"], stage.stage)
    stage.estate.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    kept = b"".join(path.read_bytes() for path in tmp_path.glob("manifests.db*"))
    texts = (*SECRET_TEXTS, encoded["token"])
    shaped = repr([stage.rows(table) for kind in KINDS for table in kind.tables])
    assert [text for text in texts if text.encode() in kept or text in shaped] == []
    assert {r.name: r.reference_count for r in stage.rows(KubernetesSecret)} == {
        "api": 1, "registry": 1, "tls": 2, "unused": 0,
    }  # fmt: skip
