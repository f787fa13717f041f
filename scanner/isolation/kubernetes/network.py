"""Connections between classes of workloads as rows: each side's policies evaluated once, then laid over each other.

Classes with the same policies share the outcome of a side, which is a few blocks of peers treated alike. Two sides
give rectangles of sources and destinations, so the cost grows with the classes and with what may be connected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from scanner.isolation.kubernetes import ports
from scanner.isolation.kubernetes.classes import Class, Field, bits
from scanner.isolation.kubernetes.exposure import Exposed, exposed
from scanner.isolation.kubernetes.load import clusters
from scanner.isolation.kubernetes.model import DIRECTIONS, Cause, Cluster, Direction, Workload
from scanner.isolation.kubernetes.ports import Ports, intersection, union
from scanner.isolation.kubernetes.tiers import Block, Evaluation, Piece, Selected, Verdict
from scanner.store import Estate
from scanner.tables import Derived, Gap, Row
from scanner.tables.kubernetes_connection import (
    KubernetesConnection,
    KubernetesNamespacePath,
    KubernetesNamespacePathPort,
    KubernetesNetworkClass,
    KubernetesNetworkClassMember,
)

TABLES: tuple[type[Derived], ...] = (
    KubernetesNetworkClass, KubernetesNetworkClassMember, KubernetesConnection, KubernetesNamespacePath,
    KubernetesNamespacePathPort,
)  # fmt: skip
_UNKNOWN = Cause("it is not known")


def rows(estate: Estate) -> Iterator[Row]:
    """The rows of `TABLES` for every cluster of the estate, and the gaps that leave an answer open."""
    exposures = exposed(estate)
    for cluster in clusters(estate):
        yield from _Rows(cluster, exposures.get(cluster.name, ())).all()


class Joint(NamedTuple):
    """Ports of a pair, what each side says of them, and what that makes."""

    ports: Ports
    verdict: Verdict
    egress: Verdict
    ingress: Verdict
    egress_policies: tuple[int, ...]
    ingress_policies: tuple[int, ...]
    why: Cause | None


def join(source: Iterable[Piece], destination: Iterable[Piece]) -> list[Joint]:
    """What a connection needs is the leave of both sides."""
    found = []
    for out in source:
        for into in destination:
            both = intersection(out.ports, into.ports)
            if not both:
                continue
            sides = {out.verdict, into.verdict}
            verdict: Verdict = "denied" if "denied" in sides else "unknown" if "unknown" in sides else "allowed"
            why = (out.why or into.why or _UNKNOWN) if verdict == "unknown" else None
            found.append(Joint(both, verdict, out.verdict, into.verdict, out.policies, into.policies, why))
    return found


@dataclass(slots=True)
class _Profile:
    """Classes for which one side has the same outcome."""

    classes: int
    blocks: list[Block]


@dataclass(slots=True)
class _Path:
    """What was found so far between two namespaces."""

    allowed: Ports = ports.NONE
    example: tuple[int, int] | None = None
    policies: set[int] = field(default_factory=set)
    why: Cause | None = None
    rank: int = 0  # of the verdict found: denied, unknown, allowed


class Network:
    """The connections of one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.field = Field(cluster)
        self.evaluation = Evaluation(self.field)
        self._profile_of: dict[Direction, list[_Profile]] = {}
        self._joints: dict[tuple[int, int], list[Joint]] = {}

    @property
    def classes(self) -> list[Class]:
        return self.field.classes

    def selected(self, number: int, direction: Direction) -> tuple[Selected, ...]:
        """The policies about a class."""
        return self.evaluation.about(number, direction)

    @cached_property
    def egress(self) -> list[_Profile]:
        return self._profiles("egress")

    @cached_property
    def ingress(self) -> list[_Profile]:
        return self._profiles("ingress")

    def _profiles(self, direction: Direction) -> list[_Profile]:
        found: dict[object, _Profile] = {}
        for n, one in enumerate(self.classes):
            selected = self.evaluation.about(n, direction)
            key = selected, one.ports if self.evaluation.names_ports(selected, direction) else ()
            if key not in found:
                found[key] = _Profile(0, self.evaluation.blocks(selected, direction, one))
            found[key].classes |= 1 << n
        return list(found.values())

    def side(self, number: int, direction: Direction) -> list[Block]:
        """What one class's side says of each peer."""
        profiles = self.egress if direction == "egress" else self.ingress
        return next(profile.blocks for profile in profiles if profile.classes >> number & 1)

    def rectangles(self) -> Iterator[tuple[int, int, list[Joint]]]:
        """Sources, destinations, and what holds for each pair of them. Every pair of classes is in one of these."""
        for out in self.egress:
            for away in out.blocks:
                reached = away.peers & self.field.pods
                if not reached:
                    continue
                for into in self.ingress:
                    destinations = reached & into.classes
                    if not destinations:
                        continue
                    for towards in into.blocks:
                        sources = out.classes & towards.peers
                        if sources:
                            yield sources, destinations, self._joint(away, towards)

    def _joint(self, away: Block, towards: Block) -> list[Joint]:
        key = id(away.pieces), id(towards.pieces)  # the blocks live as long as this network
        if key not in self._joints:
            self._joints[key] = join(away.pieces, towards.pieces)
        return self._joints[key]


class _Rows:
    """One cluster's rows."""

    def __init__(self, cluster: Cluster, exposures: Iterable[Exposed]) -> None:
        self.cluster = cluster
        self.exposures = exposures
        self.network = Network(cluster)
        self.field = self.network.field
        self.uids = [self._uid(one) for one in self.network.classes]
        self.spaces = [one.namespace for one in self.network.classes]
        self.shown = [policy.shown for policy in cluster.policies]
        self._texts: dict[tuple[int, ...], str] = {}

    def all(self) -> Iterator[Row]:
        yield from self._classes()
        paths: dict[tuple[str | None, str | None], _Path] = {}
        for sources, destinations, joints in self.network.rectangles():
            self._note(paths, sources, destinations, joints)
            yield from self._pairs(sources, destinations, joints)
        yield from self._outside()
        yield from self._ingresses()
        yield from self._paths(paths)
        for cause in self.cluster.lost[:1]:
            for kind in TABLES:
                yield Gap(
                    scope=self.cluster.scope, table_name=kind.table, reason=cause.reason, call=cause.call,
                    detail=cause.detail,
                )  # fmt: skip

    # Classes

    def _uid(self, one: Class) -> str:
        first = min((_short(workload) for workload in one.members), default="not listed")
        return f"k8s:{self.cluster.name}/{one.namespace or ''}/NetworkClass/{first.replace('/', ':')}"

    def _place(self, number: int, uid: str = "") -> dict[str, Any]:
        one = self.network.classes[number]
        scope = one.members[0].scope if one.members else self.cluster.scope
        return self._where(scope, uid or self.uids[number], one.namespace)

    def _where(self, scope: str, uid: str, namespace: str | None) -> dict[str, Any]:
        return {
            "scope": scope, "uid": uid, "name": uid.rpartition("/")[2], "cluster": self.cluster.name,
            "namespace": namespace, "source": "manifests" if scope.startswith("manifests") else "kubernetes",
        }  # fmt: skip

    def _classes(self) -> Iterator[Row]:
        for n, one in enumerate(self.network.classes):
            cause = one.cause
            yield KubernetesNetworkClass(
                **self._place(n),
                host_network=one.host_network,
                pod_labels=",".join(f"{key}={value}" for key, value in one.shared.known),
                workloads=len(one.members) or None,
                isolated_for_ingress=self._isolated(n, "ingress"),
                isolated_for_egress=self._isolated(n, "egress"),
            )
            if cause:
                yield self._gap(KubernetesNetworkClass, self._place(n), "", cause)
            for workload in one.members:
                yield KubernetesNetworkClassMember(
                    **self._place(n), workload_uid=workload.uid, workload_name=workload.name
                )

    def _isolated(self, number: int, direction: Direction) -> bool | None:
        policies = self.cluster.policies
        about = [s for s in self.network.selected(number, direction) if policies[s.policy].tier == "namespace"]
        surely = any(one.surely and not policies[one.policy].opaque for one in about)
        return True if surely else None if about else False

    # Pairs of classes

    def _pairs(self, sources: int, destinations: int, joints: list[Joint]) -> Iterator[Row]:
        open_ = [one for one in joints if one.verdict != "denied"]
        if not open_:
            return
        ends = list(bits(destinations))
        for source in bits(sources):
            for destination in ends:
                for one in open_:
                    ends_at = {
                        "from_kind": "pods", "from_uid": self.uids[source], "from_namespace": self.spaces[source],
                        "from_range": "", "to_kind": "pods", "to_uid": self.uids[destination],
                        "to_namespace": self.spaces[destination], "to_range": "",
                    }  # fmt: skip
                    to = self.uids[destination].partition(":")[2]
                    yield from self._connection(source, f"{self.uids[source]}/to/{to}", ends_at, one)

    def _connection(self, owner: int, base: str, ends: dict[str, Any], one: Joint) -> Iterator[Row]:
        """The rows of one pair and verdict, a range of ports each."""
        said: dict[str, Any] = {
            "verdict": one.verdict, "is_allowed": True if one.verdict == "allowed" else None,
            "egress": "" if ends["from_kind"] != "pods" else one.egress,
            "ingress": "" if ends["to_kind"] != "pods" else one.ingress,
            "egress_policies": self._names(one.egress_policies), "ingress_policies": self._names(one.ingress_policies),
            "because": one.why.detail if one.why else "",
        }  # fmt: skip
        for protocol, first, last in ports.ranges(one.ports):
            place = self._place(owner, f"{base}/{protocol or 'any'}:{first}")
            yield KubernetesConnection(
                **place, **ends, **said, protocol=protocol, first_port=first, last_port=last
            )  # fmt: skip
            if one.why:
                yield self._gap(KubernetesConnection, place, "is_allowed", one.why)

    def _names(self, policies: tuple[int, ...]) -> str:
        if policies not in self._texts:
            self._texts[policies] = ", ".join(sorted({self.shown[n] for n in policies}))
        return self._texts[policies]

    # What is outside

    def _outside(self) -> Iterator[Row]:
        for n, uid in enumerate(self.uids):
            for direction in DIRECTIONS:
                for block in self.network.side(n, direction):
                    for span in self.field.spans(block.peers):
                        yield from self._address(n, uid, direction, span, block.pieces)

    def _address(
        self, number: int, uid: str, direction: Direction, span: str, pieces: tuple[Piece, ...]
    ) -> Iterator[Row]:
        pods: dict[str, str | None] = {"kind": "pods", "uid": uid, "namespace": self.spaces[number], "range": ""}
        outside: dict[str, str | None] = {"kind": "address", "uid": "", "namespace": "", "range": span}
        out = direction == "egress"
        start, end = (pods, outside) if out else (outside, pods)
        ends = {f"from_{key}": value for key, value in start.items()}
        ends |= {f"to_{key}": value for key, value in end.items()}
        for piece in pieces:
            if piece.verdict != "denied":
                theirs, ours = (piece.policies, ()) if out else ((), piece.policies)
                one = Joint(piece.ports, piece.verdict, piece.verdict, piece.verdict, theirs, ours, piece.why)
                yield from self._connection(number, f"{uid}/{'to' if out else 'from'}/{span}", ends, one)

    def _ingresses(self) -> Iterator[Row]:
        """From an ingress's controller, a pod of the cluster that we do not know, to the pods behind its services."""
        by_workload = {w.uid: n for n, one in enumerate(self.network.classes) for w in one.members}
        found: dict[tuple[str, int], Ports] = {}
        for one in self.exposures:
            if one.workload in by_workload:
                key = one.ingress, by_workload[one.workload]
                found[key] = union(found.get(key, ports.NONE), one.ports)
        for (ingress, n), wanted in sorted(found.items()):
            ends: dict[str, str | None] = {
                "from_kind": "ingress", "from_uid": ingress, "from_namespace": "", "from_range": "", "to_kind": "pods",
                "to_uid": self.uids[n], "to_namespace": self.spaces[n], "to_range": "",
            }  # fmt: skip
            blocks = self.network.side(n, "ingress")
            pieces = next(block.pieces for block in blocks if block.peers & self.field.controller)
            for piece in pieces:
                both = intersection(piece.ports, wanted)
                if both and piece.verdict != "denied":
                    joint = Joint(both, piece.verdict, "allowed", piece.verdict, (), piece.policies, piece.why)
                    yield from self._connection(n, f"{self.uids[n]}/from/{ingress}", ends, joint)

    # Pairs of namespaces

    def _note(
        self, paths: dict[tuple[str | None, str | None], _Path], sources: int, destinations: int, joints: list[Joint]
    ) -> None:
        allowed = [one for one in joints if one.verdict == "allowed"]
        unknown = [one for one in joints if one.verdict == "unknown"]
        rank = 2 if allowed else 1 if unknown else 0
        telling = allowed or unknown or joints
        granted = ports.NONE
        for one in allowed:
            granted = union(granted, one.ports)
        policies = {p for one in telling for p in (*one.egress_policies, *one.ingress_policies)}
        first = {self.spaces[n]: n for n in bits(destinations)}
        for start, source in {self.spaces[n]: n for n in bits(sources)}.items():
            for end, destination in first.items():
                if start == end:
                    continue
                path = paths.setdefault((start, end), _Path())
                if rank > path.rank or path.example is None:
                    path.rank, path.example, path.policies = rank, (source, destination), set(policies)
                elif rank == path.rank:
                    path.policies |= policies
                path.allowed = union(path.allowed, granted)
                if unknown and path.why is None:
                    path.why = unknown[0].why

    def _paths(self, paths: dict[tuple[str | None, str | None], _Path]) -> Iterator[Row]:
        for (start, end), path in sorted(paths.items(), key=lambda item: [name or "" for name in item[0]]):
            assert path.example is not None  # noqa: S101  # set with the first rectangle
            source, destination = (self.network.classes[n] for n in path.example)
            scope = source.members[0].scope if source.members else self.cluster.scope
            place = self._where(scope, f"k8s:{self.cluster.name}/{start or ''}/NetworkPath/{end or ''}", start)
            why = path.why if path.rank == 1 else None
            yield KubernetesNamespacePath(
                **place,
                to_namespace=end,
                from_uid=self._standing_for(start, source),
                to_uid=self._standing_for(end, destination),
                is_allowed=None if path.rank == 1 else path.rank == 2,
                allowed_ports=ports.shown(path.allowed),
                example=f"{_example(source)} to {_example(destination)}" if path.rank else "",
                policies=self._names(tuple(sorted(path.policies))),
                because=why.detail if why else "",
            )
            if why:
                yield self._gap(KubernetesNamespacePath, place, "is_allowed", why)
            for protocol, first, last in ports.ranges(path.allowed):
                yield KubernetesNamespacePathPort(**place, protocol=protocol, first_port=first, last_port=last)

    def _standing_for(self, namespace: str | None, one: Class) -> str | None:
        found = self.cluster.namespaces.get(namespace)
        if found and found.uid:
            return found.uid
        return one.members[0].uid if one.members else None

    def _gap(self, kind: type[Derived], place: dict[str, Any], column: str, cause: Cause) -> Gap:
        return Gap(
            scope=place["scope"], uid=place["uid"], table_name=kind.table, column_name=column, reason=cause.reason,
            call=cause.call, detail=cause.detail,
        )  # fmt: skip


def _short(workload: Workload) -> str:
    """Kind and name."""
    return "/".join(workload.uid.rsplit("/", 2)[1:])


def _example(one: Class) -> str:
    if not one.members:
        return f"pods of {one.namespace} that were not listed"
    return f"{one.namespace}/{_short(one.members[0])}"
