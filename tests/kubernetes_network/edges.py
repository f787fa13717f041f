"""Edges between workloads as the corpus writes them, and as the derived tables have them, made comparable.

A range of addresses outside is cut where either side has a bound, so that two ways of cutting it are the same.
"""

from __future__ import annotations

import copy
import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from scanner.isolation.kubernetes import ports
from scanner.isolation.kubernetes.ports import Ports, union
from scanner.store import Estate

Object = dict[str, Any]
INGRESS = "{ingress-controller}"
OUTSIDE = "[External]"
Edge = tuple[str, str]


class Said(NamedTuple):
    """Ports of an edge that are allowed, ports of which that is unknown, and why."""

    allowed: Ports = ports.NONE
    unknown: Ports = ports.NONE
    why: str = ""


def standing_alone(objects: Iterable[Object]) -> tuple[list[Object], dict[str, str]]:
    """The objects, in which pods whose controller is not among them are nobody's; and the corpus' names of those."""
    objects = copy.deepcopy(list(objects))
    present = {(_space(one), one["kind"], one["metadata"]["name"]) for one in objects}
    names = {}
    for one in objects:
        owners = one["metadata"].get("ownerReferences") or [] if one["kind"] == "Pod" else []
        for owner in owners:
            kind = owner.get("kind", "Pod")
            if kind != "Node" and (_space(one), kind, owner["name"]) not in present:
                own = f"{_space(one)}/{one['metadata']['name']}[Pod]"
                names[own] = f"{_space(one)}/{owner['name']}[{kind}]"
                del one["metadata"]["ownerReferences"]
                break
    return objects, names


def _space(one: Object) -> str:
    return str(one["metadata"].get("namespace") or "default")


def derived_edges(estate: Estate, names: Mapping[str, str]) -> dict[Edge, Said]:
    """What `kubernetes_connection` says of each two workloads, and of workloads and ranges of IPv4."""
    members: defaultdict[str, set[str]] = defaultdict(set)
    for uid, workload in estate.connection.execute("SELECT uid, workload_uid FROM kubernetes_network_class_member"):
        _, space, kind, name = workload.split("/")
        own = f"{space}/{name}[{kind}]"
        members[uid].add(names.get(own, own))
    found: dict[Edge, Said] = {}
    columns = (
        "from_kind, from_uid, from_range, to_kind, to_uid, to_range, protocol, first_port, last_port, verdict, because"
    )
    for row in estate.connection.execute(f"SELECT {columns} FROM kubernetes_connection"):
        *ends, protocol, first, last, verdict, why = row
        open_ = ports.of(protocol, first, last)
        for start in _ends(*ends[:3], members):
            for end in _ends(*ends[3:], members):
                if start != end:
                    said = found.get((start, end), Said())
                    if verdict == "allowed":
                        said = said._replace(allowed=union(said.allowed, open_))
                    else:
                        said = said._replace(unknown=union(said.unknown, open_), why=why)
                    found[start, end] = said
    return found


def _ends(kind: str, uid: str, span: str, members: Mapping[str, set[str]]) -> Iterable[str]:
    if kind == "address":
        return () if ":" in span else (f"{span}{OUTSIDE}",)
    return (INGRESS,) if kind == "ingress" else members[uid]


def expected_edges(edges: Iterable[Mapping[str, str]]) -> dict[Edge, Ports]:
    """The corpus' edges."""
    found: dict[Edge, Ports] = {}
    for edge in edges:
        key = edge["src"], edge["dst"]
        found[key] = union(found.get(key, ports.NONE), _ports(edge["conn"]))
    return found


def _ports(text: str) -> Ports:
    """`All Connections`, or `TCP 80,8000-8010,UDP 53`."""
    if text == "All Connections":
        return ports.ALL
    found, protocol = ports.NONE, ""
    for word in text.replace(" ", ",").split(","):
        if word in ports.PROTOCOLS:
            protocol = word
        else:
            first, _, last = word.partition("-")
            found = union(found, ports.of(protocol, int(first), int(last or first)))
    return found


def cut(*several: Mapping[Edge, Any]) -> list[dict[Edge, Any]]:
    """The same edges, with every range outside cut at the bounds that the several ones have for the same workload."""
    bounds: defaultdict[str, set[int]] = defaultdict(set)
    for edges in several:
        for edge in edges:
            for end, other in (edge, edge[::-1]):
                if end.endswith(OUTSIDE):
                    first, last = _span(end)
                    bounds[other] |= {first, last + 1}
    ordered = {end: sorted(found) for end, found in bounds.items()}
    out: list[dict[Edge, Any]] = []
    for edges in several:
        parts: dict[Edge, Any] = {}
        for (start, end), value in edges.items():
            if start.endswith(OUTSIDE):
                parts |= {(part, end): value for part in _parts(start, ordered[end])}
            elif end.endswith(OUTSIDE):
                parts |= {(start, part): value for part in _parts(end, ordered[start])}
            else:
                parts[start, end] = value
        out.append(parts)
    return out


def _parts(end: str, bounds: list[int]) -> Iterable[str]:
    first, last = _span(end)
    return [f"from {bound}" for bound in bounds if first <= bound <= last]


def _span(end: str) -> tuple[int, int]:
    first, last = end.removesuffix(OUTSIDE).split("-")
    return int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last))
