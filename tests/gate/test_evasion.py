"""Ways of writing a manifest so that a rule would miss what runs: each is judged as the API server would read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.gate import judged

PRIVILEGED = "kubernetes-workload-no-privileged-container"
HOST_PATH = "kubernetes-workload-no-host-path"
EVERYONE = "kubernetes-role-binding-not-everyone"


def pod(name: str = "p", *, privileged: bool = True, **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "i", "securityContext": {"privileged": privileged}}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"containers": [container], **spec},
    }  # fmt: skip


def verdicts(folder: Path, rule: str, *documents: Any) -> list[str]:
    (folder / "m.yaml").write_text(yaml.safe_dump_all(documents))
    outcome = judged([folder], rule)
    return sorted(f.status for f in (*outcome.result.findings, *outcome.result.passed))


def test_an_owner_that_a_manifest_makes_up_hides_no_pod(tmp_path: Path) -> None:
    owned = pod()
    owned["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": "u", "controller": True}
    ]

    assert verdicts(tmp_path, PRIVILEGED, owned) == ["fail"]


def test_a_key_that_the_api_server_drops_hides_no_host_path(tmp_path: Path) -> None:
    volume = {"name": "v", "aaa": {}, "hostPath": {"path": "/"}}

    assert verdicts(tmp_path, HOST_PATH, pod(volumes=[volume])) == ["fail"]


def test_of_two_objects_whose_names_are_made_each_is_judged(tmp_path: Path) -> None:
    made = []
    for privileged in (True, False):
        one = pod(privileged=privileged)
        del one["metadata"]["name"]
        one["metadata"]["generateName"] = "job-"
        made.append(one)

    assert verdicts(tmp_path, PRIVILEGED, *made) == ["fail", "pass"]


def test_keys_written_with_escapes_are_keys(tmp_path: Path) -> None:
    text = yaml.safe_dump(pod()).replace("apiVersion: v1", '"api\\u0056ersion": v1')
    (tmp_path / "m.yaml").write_text(text)

    assert [f.status for f in judged([tmp_path], PRIVILEGED).result.findings] == ["fail"]


def test_a_kind_without_a_version_is_named_and_not_passed_over(tmp_path: Path) -> None:
    one = pod()
    del one["apiVersion"]
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(pod("good", privileged=False)))
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(one))

    outcome = judged([tmp_path], PRIVILEGED)

    assert outcome.exit_code == 3
    assert any("has a kind and no apiVersion" in gap.detail for gap in outcome.result.gaps)


@pytest.mark.parametrize("name", ["mine", "cluster-admin", "system:mine"])
def test_a_label_makes_nothing_of_a_manifest_the_cluster_s_own(name: str, tmp_path: Path) -> None:
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated"}],
    }  # fmt: skip

    assert "fail" in verdicts(tmp_path, EVERYONE, binding)
