"""Whatever call is refused, nothing that failed passes or disappears, and the refused call is named.

Each question is put to the server once and its answer repeated, for the organisation does not change between scans.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.servers.kubernetes_api import KubernetesApi, read_manifests
from scanner.cli import common
from scanner.collectors.aws import READS as AWS_READS
from scanner.collectors.kubernetes import READS as KUBERNETES_READS
from scanner.collectors.kubernetes import Read
from tests.support import acme, aws
from tests.support.kubernetes import certificate

pytestmark = pytest.mark.soak
Key = tuple[str, str]  # rule, uid


class Estate:
    """An organisation of which one source is scanned, and what failed when all of it could be read."""

    def __init__(self, organisation: acme.Acme, source: str) -> None:
        self.organisation, self.source = organisation, source
        self.database = organisation.folder / "tierwall.db"
        self.findings = self.scan()
        self.failed = {_key(f) for f in self.findings["findings"] if f["status"] == "fail"}
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.full = self.database.read_bytes()

    def scan(self) -> acme.Json:
        return self.organisation.scan("--source", self.source)

    def again(self, *, before: bool) -> acme.Json:
        """Scan into an empty database, or into one that holds the full snapshot."""
        for path in self.organisation.folder.glob("tierwall.db*"):
            path.unlink()
        if before:
            self.database.write_bytes(self.full)
        return self.scan()


def _key(finding: acme.Json) -> Key:
    return finding["rule"], finding["resource"]["uid"]


def lost(estate: Estate, now: acme.Json, operation: str, *, before: bool) -> list[str]:
    """What failed before and now neither fails nor is unknown because of the operation."""
    status = {_key(f): f for f in now["findings"]}
    scopes = {f["rule"] for f in now["findings"] if f["status"] == "unknown" and _key(f)[1].startswith("scope:")}
    problems = []
    for rule, uid in sorted(estate.failed):
        found = status.get((rule, uid))
        if found is None:
            if before or rule not in scopes:
                problems.append(f"{rule} {uid}: gone")
        elif found["status"] == "unknown":
            if not _names(found, operation) and not (before and _is_stale(found)):
                problems.append(f"{rule} {uid}: unknown, but {operation} is not named: {found['unknown_because']}")
        elif found["status"] != "fail":
            problems.append(f"{rule} {uid}: {found['status']}")
    for finding in now["findings"]:
        if finding["status"] == "unknown" and _key(finding)[1].startswith("scope:") and not _names(finding, operation):
            problems.append(f"{_key(finding)}: {operation} is not named")
    return problems


def _is_stale(finding: acme.Json) -> bool:
    """It is judged by what an earlier snapshot saw; the refused call is among the gaps of the scope."""
    return any(because["reason"] == "stale" for because in finding["unknown_because"])


def _names(finding: acme.Json, operation: str) -> bool:
    return any(operation in str(because) for because in finding["unknown_because"])


@pytest.fixture(scope="module", autouse=True)
def _policy_read_once() -> Iterator[None]:
    """The rules do not change between the scans of this module."""
    with pytest.MonkeyPatch.context() as patch:
        real = common.policy
        cached: list[object] = []

        def policy(args: object, config: object) -> object:
            if not cached:
                cached.append(real(args, config))  # type: ignore[arg-type]  # as given
            return cached[0]

        patch.setattr(common, "policy", policy)
        yield


# --- AWS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def accounts(organisation: acme.Acme, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with aws.replaying():
        yield Estate(organisation.copy(tmp_path_factory.mktemp("accounts")), "aws")


@pytest.mark.parametrize(("service", "operation"), sorted({(r.service, r.operation) for r in AWS_READS}))
def test_a_refused_aws_call_makes_nothing_pass(accounts: Estate, service: str, operation: str) -> None:
    with aws.denying(service, operation):
        empty = accounts.again(before=False)
        after = accounts.again(before=True)

    assert lost(accounts, empty, operation, before=False) == []
    assert lost(accounts, after, operation, before=True) == []


# --- Kubernetes -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[KubernetesApi]]]:
    folder = tmp_path_factory.mktemp("clusters")
    acme.prepare(folder)
    apis = [
        KubernetesApi(read_manifests([acme.ACME / "clusters" / n]), certificate=certificate()) for n in acme.CLUSTERS
    ]
    for name, api in zip(acme.CLUSTERS, apis, strict=True):
        api.__enter__()
        api.write_kubeconfig(folder / f"{name}.kubeconfig", context=name)
    yield folder, apis
    for api in apis:
        api.__exit__()


@pytest.fixture(scope="module")
def clusters(servers: tuple[Path, list[KubernetesApi]]) -> Estate:
    return Estate(acme.Acme(servers[0], acme.environment("http://127.0.0.1:9")), "kubernetes")


@pytest.mark.parametrize("read", KUBERNETES_READS, ids=lambda r: r.permission())
def test_a_refused_kubernetes_call_makes_nothing_pass(
    clusters: Estate, servers: tuple[Path, list[KubernetesApi]], read: Read
) -> None:
    for api in servers[1]:
        api.fault(403, resource=read.resource, version=read.version)
    try:
        empty = clusters.again(before=False)
        after = clusters.again(before=True)
    finally:
        for api in servers[1]:
            api.faults.clear()

    assert lost(clusters, empty, read.resource, before=False) == []
    assert lost(clusters, after, read.resource, before=True) == []
