"""How long the gate takes on a folder of manifests, as whole processes: 200 files are to take less than two seconds.

    python -m benchmarks.manifests [--runs 5] [--files 200]

The manifests are made up: for each of the services a Deployment, a Service, a ServiceAccount and a NetworkPolicy, in
ten namespaces, each in a file of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.gate import measured

_SPACES = 10
_KINDS = 4  # objects for a service


def service(number: int) -> Iterator[dict[str, Any]]:
    """The objects of one service."""
    name, space = f"service-{number}", f"team-{number % _SPACES}"
    labels = {"app": name}
    container = {
        "name": "app", "image": f"registry.acme.example/{name}:1.{number}", "ports": [{"containerPort": 8080}],
        "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "DATABASE_HOST", "value": "db"}],
        "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
        "volumeMounts": [{"name": "settings", "mountPath": "/settings"}],
    }  # fmt: skip
    pod = {
        "serviceAccountName": name, "containers": [container],
        "volumes": [{"name": "settings", "configMap": {"name": name}}],
    }  # fmt: skip
    template = {"metadata": {"labels": labels}, "spec": pod}
    ingress = [{"from": [{"podSelector": {}}]}]
    bodies: dict[tuple[str, str], dict[str, Any]] = {
        ("apps/v1", "Deployment"): {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
        ("v1", "Service"): {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
        ("v1", "ServiceAccount"): {},
        ("networking.k8s.io/v1", "NetworkPolicy"): {"podSelector": {"matchLabels": labels}, "ingress": ingress},
    }
    for (version, kind), spec in bodies.items():
        metadata = {"name": name, "namespace": space, "labels": labels}
        yield {"apiVersion": version, "kind": kind, "metadata": metadata, **({"spec": spec} if spec else {})}


def write(folder: Path, files: int) -> None:
    """So many manifests, as YAML (of which JSON is a part, in the style that flows)."""
    folder.mkdir()
    for number in range(files // _KINDS):
        for one in service(number):
            (folder / f"{one['kind'].lower()}-{number}.yaml").write_text(f"# made up\n{json.dumps(one, indent=2)}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--files", type=int, default=200)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "manifests"
        write(folder, args.files)
        [took] = measured(args.runs, [[sys.executable, "-m", "scanner", "gate", str(folder)]], Path(name))
        print(f"{args.files} manifests: {took.wall:.2f} s wall, {took.cpu:.2f} s CPU, {took.memory:.0f} MB")


if __name__ == "__main__":
    main()
