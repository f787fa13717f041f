"""Manifests as an estate with its derived tables filled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from scanner.collectors.manifests import collect_manifests
from scanner.environments import Config, assign, infer
from scanner.isolation import derive
from scanner.store import Estate, Stage
from tests.support.kubernetes import REDACTOR, Object, kinds, obj

RBAC = "rbac.authorization.k8s.io/v1"


@contextmanager
def estate_of(folder: Path, objects: list[Object], config: Config | None = None) -> Iterator[Estate]:
    """The objects as manifests of a cluster called test, judged as far as the rules."""
    path = folder / "all.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), encoding="utf-8")
    stage = Stage.create(folder / "derived.db", REDACTOR, kinds(), sparse=True)
    with closing(stage.estate):
        collect_manifests([path], stage, cluster="test")
        estate = stage.flush()
        assign(estate, config or infer(estate, Config()))
        derive(estate)
        yield estate


def role(name: str, *rules: dict[str, Any], space: str = "", **rest: Any) -> Object:
    """A role, or a cluster role where there is no namespace."""
    return obj(RBAC, "Role" if space else "ClusterRole", name, space, rules=list(rules), **rest)


def binding(name: str, to: Object, *subjects: Object, space: str = "") -> Object:
    """A binding of a role that `role` made."""
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": to["kind"], "name": to["metadata"]["name"]}
    kind = "RoleBinding" if space else "ClusterRoleBinding"
    return obj(RBAC, kind, name, space, roleRef=ref, subjects=list(subjects))


def user(name: str) -> Object:
    return {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name}


def group(name: str) -> Object:
    return {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": name}


def account(space: str, name: str) -> Object:
    return {"kind": "ServiceAccount", "name": name, "namespace": space}


def allow(verbs: str, resources: str, groups: str = "", **rest: Any) -> dict[str, Any]:
    """A rule: verbs, resources and API groups separated by spaces, '' for core."""
    return {"verbs": verbs.split(), "resources": resources.split(), "apiGroups": groups.split(" "), **rest}
