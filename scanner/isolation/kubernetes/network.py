"""Connections between classes of workloads as rows: each side's policies evaluated once, then laid over each other.

Classes with the same policies share the outcome of a side, which is a few blocks of peers treated alike. Two sides
give rectangles of sources and destinations, so the cost grows with the classes and with what may be connected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from scanner.isolation.kubernetes import ports
from scanner.isolation.kubernetes.classes import Class, Field, bits
from scanner.isolation.kubernetes.exposure import Exposed, exposed
from scanner.isolation.kubernetes.load import clusters
from scanner.isolation.kubernetes.model import DIRECTIONS, Cause, Cluster, Direction
from scanner.isolation.kubernetes.ports import Ports, intersection, union
from scanner.isolation.kubernetes.tiers import Block, Evaluation, Piece, Selected, Verdict
from scanner.isolation.ready import Ready
from scanner.store import Estate
from scanner.tables import Derived, Gap, Row, Value
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


def rows(estate: Estate) -> Iterator[Row | Ready]:
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
    """What was found so far between two namespaces, with a class of each as an example."""

    source: int
    destination: int
    rank: int = 0  # of the verdict: denied, unknown, allowed
    allowed: Ports = ports.NONE
    policies: set[int] = field(default_factory=set)
    why: Cause | None = None


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
        self.shown = [policy.shown for policy in cluster.policies]
        self.scopes = [one.members[0].scope if one.members else cluster.scope for one in self.network.classes]
        self.spaces = [one.namespace for one in self.network.classes]
        self.short = [_short(one) for one in self.network.classes]
        self.uids = [self._uid(one.namespace, f"NetworkClass/{short}") for one, short in zip(
            self.network.classes, self.short, strict=True
        )]  # fmt: skip
        # Pods in the node's network are of no path.
        here = self.field.pods & ~self.field.surely_on_host
        self.unlisted = here & sum(1 << n for n, one in enumerate(self.network.classes) if not one.members)
        self.listed = here & ~self.unlisted
        self._texts: dict[tuple[int, ...], str] = {}
        self._firsts: dict[int, dict[str | None, int]] = {}

    def all(self) -> Iterator[Row | Ready]:
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
                yield _gap(kind, self.cluster.scope, "", "", cause)

    def _uid(self, namespace: str | None, rest: str) -> str:
        return f"k8s:{self.cluster.name}/{namespace or ''}/{rest}"

    def _ready(self, kind: type[Derived], scope: str, uid: str, name: str, namespace: str | None, *own: Value) -> Ready:
        """A row with its own columns in the order in which the table declares them."""
        source = "manifests" if scope.startswith("manifests") else "kubernetes"
        return Ready(kind, (scope, uid, name, "", "", self.cluster.name, namespace, source, "", 0, *own))

    # Classes

    def _classes(self) -> Iterator[Ready]:
        for n, one in enumerate(self.network.classes):
            place = self.scopes[n], self.uids[n], self.short[n], one.namespace
            labels = ",".join(f"{key}={value}" for key, value in one.shared.known)
            yield self._ready(
                KubernetesNetworkClass, *place, one.host_network, labels, len(one.members) or None,
                self._isolated(n, "ingress"), self._isolated(n, "egress"),
            )  # fmt: skip
            if one.cause:
                yield _gap(KubernetesNetworkClass, self.scopes[n], self.uids[n], "", one.cause)
            for workload in one.members:
                yield self._ready(KubernetesNetworkClassMember, *place, workload.uid, workload.name)

    def _isolated(self, number: int, direction: Direction) -> bool | None:
        policies = self.cluster.policies
        about = [s for s in self.network.selected(number, direction) if policies[s.policy].tier == "namespace"]
        surely = any(one.surely and not policies[one.policy].opaque for one in about)
        return True if surely else None if about else False

    # Pairs of classes

    def _pairs(self, sources: int, destinations: int, joints: list[Joint]) -> Iterator[Ready]:
        open_ = [one for one in joints if one.verdict != "denied"]
        if not open_:
            return
        ends = [("pods", self.uids[n], self.spaces[n], "") for n in bits(destinations)]
        for source in bits(sources):
            start = "pods", self.uids[source], self.spaces[source], ""
            for end in ends:
                yield from self._connection(source, f"{start[1]}/to/{end[1]}", (*start, *end), open_)

    def _connection(
        self, owner: int, base: str, ends: tuple[str | None, ...], joints: Iterable[Joint]
    ) -> Iterator[Ready]:
        """The rows of one pair, one a verdict and range of ports."""
        scope, namespace = self.scopes[owner], self.spaces[owner]
        for one in joints:
            said = (
                one.verdict, True if one.verdict == "allowed" else None,
                one.egress if ends[0] == "pods" else "", one.ingress if ends[4] == "pods" else "",
                self._names(one.egress_policies), self._names(one.ingress_policies), one.why.detail if one.why else "",
            )  # fmt: skip
            for protocol, first, last in ports.ranges(one.ports):
                uid = f"{base}/{protocol or 'any'}:{first}"
                yield self._ready(
                    KubernetesConnection, scope, uid, self.short[owner], namespace, *ends, protocol, first, last, *said
                )
                if one.why and one.why.is_gap:
                    yield _gap(KubernetesConnection, scope, uid, "is_allowed", one.why)

    def _names(self, policies: tuple[int, ...]) -> str:
        if policies not in self._texts:
            self._texts[policies] = ", ".join(sorted({self.shown[n] for n in policies}))
        return self._texts[policies]

    # What is outside

    def _outside(self) -> Iterator[Ready]:
        for n, uid in enumerate(self.uids):
            pods = "pods", uid, self.spaces[n], ""
            for direction in DIRECTIONS:
                out = direction == "egress"
                for block in self.network.side(n, direction):
                    joints = [
                        Joint(
                            piece.ports, piece.verdict, piece.verdict, piece.verdict,
                            piece.policies if out else (), () if out else piece.policies, piece.why,
                        )
                        for piece in block.pieces
                        if piece.verdict != "denied"
                    ]  # fmt: skip
                    for span in self.field.spans(block.peers) if joints else ():
                        outside = "address", "", "", span
                        ends = (*pods, *outside) if out else (*outside, *pods)
                        yield from self._connection(n, f"{uid}/{'to' if out else 'from'}/{span}", ends, joints)

    def _ingresses(self) -> Iterator[Ready]:
        """From an ingress's controller, a pod of the cluster that we do not know, to the pods behind its services."""
        by_workload = {w.uid: n for n, one in enumerate(self.network.classes) for w in one.members}
        found: dict[tuple[str, int], Ports] = {}
        for one in self.exposures:
            if one.workload in by_workload:
                key = one.ingress, by_workload[one.workload]
                found[key] = union(found.get(key, ports.NONE), one.ports)
        for (ingress, n), wanted in sorted(found.items()):
            blocks = self.network.side(n, "ingress")
            pieces = next(block.pieces for block in blocks if block.peers & self.field.controller)
            joints = [
                Joint(both, piece.verdict, "allowed", piece.verdict, (), piece.policies, piece.why)
                for piece in pieces
                if piece.verdict != "denied" and (both := intersection(piece.ports, wanted))
            ]
            ends = "ingress", ingress, "", "", "pods", self.uids[n], self.spaces[n], ""
            yield from self._connection(n, f"{self.uids[n]}/from/{ingress}", ends, joints)

    # Pairs of namespaces

    def _note(
        self, paths: dict[tuple[str | None, str | None], _Path], sources: int, destinations: int, joints: list[Joint]
    ) -> None:
        listed, unlisted = self.listed, self.unlisted
        if sources & unlisted or destinations & unlisted:
            # Nobody can tell whether there are such pods, but what is denied is so for any.
            perhaps = [one if one.verdict == "denied" else one._replace(verdict="unknown") for one in joints]
            self._note_of(paths, sources & unlisted, destinations & (listed | unlisted), perhaps)
            self._note_of(paths, sources & listed, destinations & unlisted, perhaps)
        self._note_of(paths, sources & listed, destinations & listed, joints)

    def _note_of(
        self, paths: dict[tuple[str | None, str | None], _Path], sources: int, destinations: int, joints: list[Joint]
    ) -> None:
        if not sources or not destinations:
            return
        rank, granted, why = 0, ports.NONE, None
        for one in joints:
            if one.verdict == "allowed":
                rank, granted = 2, union(granted, one.ports)
            elif one.verdict == "unknown":
                rank, why = max(rank, 1), why or one.why
        if rank == 1 and why is None:
            why = next(
                cause for n in (*bits(sources & self.unlisted), *bits(destinations & self.unlisted))
                if (cause := self.network.classes[n].cause)
            )  # fmt: skip
        telling = {
            p for one in joints if _RANKS[one.verdict] == rank for p in one.egress_policies + one.ingress_policies
        }
        ends = self._first_of_each(destinations)
        for start, source in self._first_of_each(sources).items():
            for end, destination in ends.items():
                path = paths.get((start, end))
                if path is None:
                    path = paths[start, end] = _Path(source, destination)
                if rank > path.rank:
                    path.rank, path.source, path.destination, path.policies = rank, source, destination, set(telling)
                elif rank == path.rank:
                    path.policies |= telling
                if granted:
                    path.allowed = union(path.allowed, granted)
                path.why = path.why or why

    def _first_of_each(self, classes: int) -> dict[str | None, int]:
        """One class of each namespace among them."""
        if classes not in self._firsts:
            self._firsts[classes] = {self.spaces[n]: n for n in bits(classes)}
        return self._firsts[classes]

    def _paths(self, paths: dict[tuple[str | None, str | None], _Path]) -> Iterator[Ready]:
        stand_ins = [self._standing_for(one) for one in self.network.classes]
        for name, space in self.cluster.namespaces.items():
            if (name, name) not in paths:  # nothing runs there
                uid = self._uid(name, f"NetworkPath/{name or ''}")
                rest = name, space.uid or None, space.uid or None, False, "", "", "", ""
                yield self._ready(KubernetesNamespacePath, space.scope, uid, f"{name} to {name}", name, *rest)
        for (start, end), path in sorted(paths.items(), key=_by_names):
            scope = self.scopes[path.source]
            uid, name = self._uid(start, f"NetworkPath/{end or ''}"), f"{start} to {end}"
            why = path.why if path.rank == 1 else None
            yield self._ready(
                KubernetesNamespacePath, scope, uid, name, start, end, stand_ins[path.source],
                stand_ins[path.destination], None if path.rank == 1 else path.rank == 2, ports.shown(path.allowed),
                f"{self._example(path.source)} to {self._example(path.destination)}" if path.rank else "",
                self._names(tuple(sorted(path.policies))), why.detail if why else "",
            )  # fmt: skip
            if why:
                yield _gap(KubernetesNamespacePath, scope, uid, "is_allowed", why)
            for protocol, first, last in ports.ranges(path.allowed):
                yield self._ready(KubernetesNamespacePathPort, scope, uid, name, start, protocol, first, last)

    def _standing_for(self, one: Class) -> str | None:
        """What says which environment the namespace is in."""
        found = self.cluster.namespaces.get(one.namespace)
        if found and found.uid:
            return found.uid
        return one.members[0].uid if one.members else None

    def _example(self, number: int) -> str:
        return f"{self.spaces[number] or ''}/{self.short[number]}"


_RANKS: dict[Verdict, int] = {"denied": 0, "unknown": 1, "allowed": 2}


def _by_names(path: tuple[tuple[str | None, str | None], object]) -> tuple[str, str]:
    (start, end), _ = path
    return start or "", end or ""


def _short(one: Class) -> str:
    """Kind and name of its first workload: Deployment:web."""
    unlisted = f"pods that were not listed{', in the network of nodes' if one.host_network else ''}"
    return min((":".join(w.uid.rsplit("/", 2)[1:]) for w in one.members), default=unlisted)


def _gap(kind: type[Derived], scope: str, uid: str, column: str, cause: Cause) -> Ready:
    return Ready(Gap, (scope, uid, kind.table, column, cause.reason, cause.call, cause.detail))
