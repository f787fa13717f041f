"""The API server of demonstrations and tests behaves like one to the official client, and leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from kubernetes import client, config

from fixtures.servers import kubernetes_api
from fixtures.servers.kubernetes_api import Identity
from scanner.collectors.kubernetes.reads import READS, SECRETS, WRITTEN
from tests.support.kubernetes import Scanner, namespace, obj, pod_spec, server

PODS = [obj("v1", "Pod", f"pod-{n}", "shop", labels={"n": str(n)}, spec=pod_spec()) for n in range(5)]


@pytest.fixture
def core(tmp_path: Path) -> Iterator[client.CoreV1Api]:
    """The official client at a server with five pods."""
    with server([namespace("shop"), *PODS]) as api:
        loaded = client.Configuration()
        config.load_kube_config(str(api.write_kubeconfig(tmp_path / "kubeconfig")), client_configuration=loaded)
        yield client.CoreV1Api(client.ApiClient(loaded))


def test_the_official_client_lists_in_pages(core: client.CoreV1Api) -> None:
    first = core.list_pod_for_all_namespaces(limit=2)
    rest = core.list_pod_for_all_namespaces(limit=10, _continue=first.metadata._continue)

    assert [pod.metadata.name for pod in first.items + rest.items] == [f"pod-{n}" for n in range(5)]
    assert first.metadata.remaining_item_count == 3
    assert first.metadata.resource_version == rest.metadata.resource_version


@pytest.mark.parametrize(
    ("chosen", "names"),
    [("n in (1,2)", {"pod-1", "pod-2"}), ("n=3", {"pod-3"}), ("n!=3,n notin (0,1)", {"pod-2", "pod-4"}), ("!n", set()),
     ("n", {f"pod-{n}" for n in range(5)})],
)  # fmt: skip
def test_the_official_client_selects_by_labels(core: client.CoreV1Api, chosen: str, names: set[str]) -> None:
    assert {pod.metadata.name for pod in core.list_namespaced_pod("shop", label_selector=chosen).items} == names


def test_the_official_client_selects_by_fields(core: client.CoreV1Api) -> None:
    found = core.list_namespaced_pod("shop", field_selector="metadata.name=pod-4")

    assert [pod.metadata.name for pod in found.items] == ["pod-4"]


def test_rbac_answers_in_the_real_words(tmp_path: Path) -> None:
    with server([], rbac=True, tokens={"t": Identity("eve")}) as api:
        loaded = client.Configuration()
        config.load_kube_config(str(api.write_kubeconfig(tmp_path / "kubeconfig")), client_configuration=loaded)
        with pytest.raises(client.ApiException) as refused:
            client.AppsV1Api(client.ApiClient(loaded)).list_namespaced_deployment("shop")

    assert refused.value.status == 403
    words = (
        'deployments.apps is forbidden: User \\"eve\\" cannot list resource \\"deployments\\" '
        'in API group \\"apps\\" in the namespace \\"shop\\"'
    )
    assert words in refused.value.body


def test_it_serves_all_that_is_read() -> None:
    api = server([])

    served = {(resource.version, resource.kind) for resource in api._store}
    assert {(read.version, read.kind) for read in (*READS, *WRITTEN, SECRETS) if not read.is_added} <= served


@contextmanager
def running(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The server as a program."""
    manifests = folder / "manifests"
    manifests.mkdir()
    (manifests / "shop.yaml").write_text(yaml.safe_dump_all([namespace("shop"), *PODS]))
    command = [sys.executable, kubernetes_api.__file__, "--kubeconfig", str(folder / "out"), "--context", "nonprod"]
    with subprocess.Popen(
        [*command, *options, str(manifests)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def test_the_program_serves_files_and_ends_with_its_standard_input(tmp_path: Path, scan: Scanner) -> None:
    with running(tmp_path, "--version", "v1.35.0") as process:
        line = ready(process)
        found = scan(tmp_path / "out", context="nonprod")
        assert process.stdin
        process.stdin.close()
        assert process.wait(timeout=30) == 0

    assert line.startswith("ready https://127.0.0.1:")
    assert (found.refused(), found.gaps()) == (set(), [])
    assert len({call.operation for call in found.calls()}) > 20
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_the_program_ends_on_sigterm(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        ready(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
