"""Kubernetes objects collected as manifests into an estate, and their connections derived."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scanner.collectors.manifests import collect_manifests
from scanner.isolation import derive
from scanner.store import Estate, Stage
from tests.support.kubernetes import REDACTOR, kinds

CLUSTER = "test"
Object = dict[str, Any]


def derived(folder: Path, objects: Iterable[Object], cluster: str = CLUSTER) -> Estate:
    """An estate of these objects, with what is derived of it. Objects of no namespace are in default."""
    file = folder / "objects.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}), encoding="utf-8")
    stage = Stage.create(folder / "stage.db", REDACTOR, kinds())
    collect_manifests([file], stage, cluster=cluster, namespace="default", root=folder)
    estate = stage.flush()
    derive(estate)
    return estate
