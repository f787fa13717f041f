"""The sample organisation runs once for all tests, and is scanned twice for most."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.servers.kubernetes_api import KubernetesApi, read_manifests
from tests.support import acme
from tests.support.kubernetes import certificate


@dataclasses.dataclass(frozen=True)
class Scanned:
    """The organisation after two scans into one database."""

    organisation: acme.Acme
    first: acme.Json
    sizes: tuple[int, int]  # bytes of the database after either
    said: tuple[str, str]  # stderr of either

    @property
    def folder(self) -> Path:
        return self.organisation.folder


@pytest.fixture(scope="session")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[acme.Acme]:
    with acme.serving(tmp_path_factory.mktemp("acme")) as running:
        yield running


@pytest.fixture(scope="session")
def scanned(organisation: acme.Acme, tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    here = organisation.copy(tmp_path_factory.mktemp("scanned"))
    sizes, said = [], []
    for number in (1, 2):
        done = here.run("scan", *acme.SHARED, "--include-passed", "-o", f"json:findings-{number}.json")
        assert done.returncode == 0, done.stderr
        said.append(done.stderr + done.stdout)
        sizes.append(_checkpointed(here.folder / "tierwall.db"))
    first = json.loads((here.folder / "findings-1.json").read_text(encoding="utf-8"))
    return Scanned(here, first, (sizes[0], sizes[1]), (said[0], said[1]))


def _checkpointed(database: Path) -> int:
    """The size of the file with all that the write-ahead log holds."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return database.stat().st_size


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[KubernetesApi]]]:
    """The organisation's clusters in this process, where answers can be broken, and a folder to scan them from."""
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
