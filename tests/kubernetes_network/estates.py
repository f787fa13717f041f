"""Kubernetes objects in an estate, and their connections derived."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from scanner.collectors.kubernetes.kinds import BY_NAME
from scanner.collectors.kubernetes.objects import Place, see
from scanner.collectors.manifests import collect_manifests
from scanner.isolation import derive
from scanner.isolation.kubernetes import network, ports
from scanner.isolation.kubernetes.ports import Ports
from scanner.isolation.ready import insert
from scanner.store import Estate, Stage
from scanner.tables import Call, Gap, Requested, Scope, tables
from scanner.tables.kubernetes_connection import INPUTS
from tests.support.kubernetes import REDACTOR, kinds

CLUSTER = "test"
SCOPE = f"kubernetes/{CLUSTER}"
Object = dict[str, Any]


def derived(folder: Path, objects: Iterable[Object], cluster: str = CLUSTER) -> Estate:
    """An estate of these objects as manifests, with what is derived of it. Objects of no namespace are in default."""
    file = folder / "objects.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}), encoding="utf-8")
    stage = Stage.create(folder / "stage.db", REDACTOR, kinds())
    collect_manifests([file], stage, cluster=cluster, namespace="default", root=folder)
    estate = stage.flush()
    derive(estate)
    return estate


@contextmanager
def live(objects: Iterable[Object], gaps: Iterable[Gap] = ()) -> Iterator[Estate]:
    """A small estate, in memory, of these objects as a cluster's, with what is derived of it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        estate = Estate(Path(":memory:"), connection, tables())
        estate.need([*INPUTS, *(kind.table for kind in (Scope, Requested, Call, Gap))])
        estate.insert([Scope(id=SCOPE, source="kubernetes", cluster=CLUSTER)])
        estate.insert(Requested(scope=SCOPE, table_name=table) for table in INPUTS)
        estate.insert(gaps)
        for one in objects:
            document = see(one, Place(SCOPE, CLUSTER, "kubernetes")).document
            estate.insert(BY_NAME[document.kind].shape(document))
        insert(estate, list(network.rows(estate)))
        estate.need(kind.table for kind in network.TABLES)
        yield estate


def connections(estate: Estate) -> dict[tuple[str, str], dict[str, Ports]]:
    """Ports by verdict, between the names of each two workloads, and of workloads and ranges outside."""
    members: dict[str, list[str]] = {}
    for uid, workload in estate.connection.execute("SELECT uid, workload_uid FROM kubernetes_network_class_member"):
        _, space, _, name = workload.split("/")
        members.setdefault(uid, []).append(f"{space}/{name}")
    found: dict[tuple[str, str], dict[str, Ports]] = {}
    columns = "from_uid, from_range, to_uid, to_range, protocol, first_port, last_port, verdict"
    for row in estate.connection.execute(f"SELECT {columns} FROM kubernetes_connection"):
        from_uid, from_range, to_uid, to_range, protocol, first, last, verdict = row
        for start in members.get(from_uid, [from_range]):
            for end in members.get(to_uid, [to_range]):
                said = found.setdefault((start, end), {})
                said[verdict] = ports.union(said.get(verdict, ports.NONE), ports.of(protocol, first, last))
    return found
