"""Classes of workloads that no policy tells apart, and the sets of peers that selectors and ranges mean.

A set is an integer, one bit a peer: first the classes, then the controllers of ingresses, then the ranges of addresses
outside the cluster between the bounds that policies name. Of each set there are two: who surely is in it, and who may.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from scanner.isolation.kubernetes import selectors
from scanner.isolation.kubernetes.model import Cause, Cluster, ContainerPort, Policy, Rule, Workload
from scanner.isolation.kubernetes.selectors import Labels

_IPV4, _IPV6 = 2**32, 2**128
_LAST = _IPV4 + _IPV6 - 1  # addresses in one line: IPv6 follows IPv4


class Peers(NamedTuple):
    """Who surely is among them, who may be, and why that is not certain."""

    surely: int
    maybe: int  # includes the certain ones
    why: Cause | None = None


NOBODY = Peers(0, 0)


@dataclass(slots=True)
class Class:
    """Workloads alike in namespace, network, and whatever policies ask of pods."""

    namespace: str | None
    host_network: bool | None
    labels: Labels  # those that some policy asks for
    ports: tuple[ContainerPort, ...] | None  # those that some policy names
    cause: Cause | None  # why labels or ports are not known
    shared: Labels  # the labels that all members have
    members: list[Workload] = field(default_factory=list)  # none: those that were not listed


def bits(mask: int) -> Iterator[int]:
    """The positions that are set, in order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class Field:
    """The peers of a cluster, and what selectors and ranges mean among them."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._bounds = _bounds(cluster.policies)
        self._answers: dict[tuple[str, Labels], bool | None] = {}
        self.classes = _first_classes(cluster)
        self._index()
        self.classes = self._merged()
        self._index()

    def _index(self) -> None:
        count = len(self.classes)
        self.controller = 1 << count
        self._first_range = count + 1
        self.pods = (1 << count) - 1
        self.ranges = ((1 << (len(self._bounds) - 1)) - 1) << self._first_range
        self.everyone = self.pods | self.controller | self.ranges
        self.on_host = sum(1 << n for n, one in enumerate(self.classes) if one.host_network is not False)
        self.surely_on_host = sum(1 << n for n, one in enumerate(self.classes) if one.host_network)
        self._named: dict[str | None, list[int]] = {}
        for n, one in enumerate(self.classes):
            self._named.setdefault(one.namespace, []).append(n)
        self._seen: dict[object, Peers] = {}
        self._spaces: dict[str, tuple[list[str | None], list[str | None]]] = {}

    def _merged(self) -> list[Class]:
        """The classes without the distinctions that no policy makes."""
        told: list[set[int]] = [set() for _ in self.classes]
        sets = {mask for peers in self._all_sets() for mask in (peers.surely & self.pods, peers.maybe & self.pods)}
        for number, mask in enumerate(sorted(sets)):
            for n in bits(mask):
                told[n].add(number)
        merged: dict[object, Class] = {}
        for n, one in enumerate(self.classes):
            alike = (one.namespace, one.host_network, frozenset(told[n]), one.ports, one.cause, not one.members)
            into = merged.setdefault(alike, one)
            if into is not one:
                into.members += one.members
                # The labels of the first stand for all: what policies ask of them has one answer.
                into.shared = Labels(tuple(sorted(set(into.shared.known) & set(one.labels.known))))
        return list(merged.values())

    def _all_sets(self) -> Iterator[Peers]:
        for policy in self.cluster.policies:
            yield self.subject(policy)
            for rule in policy.rules:
                yield self.peers(policy, rule)

    # What a policy says

    def subject(self, policy: Policy) -> Peers:
        """The classes that a policy is about. Only an opaque one can be about pods that nobody can name."""
        if policy.namespace_selector is None or policy.pod_selector is None:
            here = self._named.get(policy.namespace, []) if policy.namespace is not None else range(len(self.classes))
            return Peers(0, sum(1 << n for n in here), policy.opaque)
        if policy.tier == "namespace":
            found = self._pods(policy.namespace, "", policy.pod_selector, same=True)
            # What a policy does to pods in the node's network is not defined.
            return Peers(found.surely & ~self.on_host, found.maybe, found.why or _HOST)
        same = policy.namespace is not None  # of a plug-in's policy
        found = self._pods(policy.namespace, policy.namespace_selector, policy.pod_selector, same=same)
        return self._off_host(Peers(found.surely & self.pods, found.maybe & self.pods, found.why))

    def _off_host(self, found: Peers) -> Peers:
        """The tiers of the cluster's administrators leave out pods in the node's network."""
        return Peers(found.surely & ~self.on_host, found.maybe & ~self.surely_on_host, found.why or _NETWORK)

    def peers(self, policy: Policy, rule: Rule) -> Peers:
        """Whom a rule's peer means."""
        match rule.peer:
            case "everyone":
                return Peers(self.everyone, self.everyone)
            case "pods":
                found = self._pods(
                    policy.namespace, rule.namespace_selector, rule.pod_selector, same=rule.same_namespace
                )
                if policy.tier == "namespace":
                    return Peers(found.surely & ~self.on_host, found.maybe, found.why or _HOST)
                return self._off_host(found)
            case "cidr":
                return self._range(policy, rule)
            case "nodes":
                return Peers(0, self.on_host, Cause("which nodes pods of the node's network are on is not read"))
            case "domain":
                return Peers(0, self.everyone, Cause("what a DNS name stands for is not known"))
        return Peers(0, self.everyone, Cause(f"{policy.shown} has a peer of a kind that is not read"))

    def _pods(self, namespace: str | None, spaces: str, pods: str, *, same: bool) -> Peers:
        key = (namespace if same else False, spaces, pods)
        if key not in self._seen:
            self._seen[key] = self._matching(namespace, spaces, pods, same=same)
        return self._seen[key]

    def _matching(self, namespace: str | None, spaces: str, pods: str, *, same: bool) -> Peers:
        surely = maybe = 0
        why: Cause | None = None
        certain, perhaps = ([namespace], []) if same else self._namespaces(spaces)
        for names, is_certain in ((certain, True), (perhaps, False)):
            for name in names:
                for n in self._named.get(name, ()):
                    answer = self._matches(pods, self.classes[n].labels)
                    if answer is False:
                        continue
                    maybe |= 1 << n
                    if answer and is_certain:
                        surely |= 1 << n
                    elif answer is None:
                        why = why or self.classes[n].cause or Cause("labels that decide are not known")
                    else:
                        why = why or Cause(f"the labels of namespace {name} are not known")
        if not same:  # an ingress's controller is some pod of the cluster
            maybe |= self.controller
            if spaces == pods == "":
                surely |= self.controller
            else:
                why = why or _CONTROLLER
        return Peers(surely, maybe, why)

    def _namespaces(self, selector: str) -> tuple[list[str | None], list[str | None]]:
        """The namespaces that the selector surely matches, and those that it may match."""
        if selector not in self._spaces:
            certain: list[str | None] = []
            perhaps: list[str | None] = []
            for name, one in self.cluster.namespaces.items():
                answer = self._matches(selector, one.labels)
                if answer is not False:
                    (certain if answer else perhaps).append(name)
            self._spaces[selector] = certain, perhaps
        return self._spaces[selector]

    def _matches(self, selector: str, labels: Labels) -> bool | None:
        key = selector, labels
        if key not in self._answers:
            self._answers[key] = selectors.matches(selector, labels)
        return self._answers[key]

    # Addresses

    def _range(self, policy: Policy, rule: Rule) -> Peers:
        inside = self._addresses(rule.cidr)
        outside = [self._addresses(one) for one in rule.exceptions]
        if inside is None or None in outside:
            return Peers(0, self.everyone, Cause(f"{policy.shown} has a range that is none"))
        mask = self._between(*inside)
        for one in outside:
            if one is not None:
                mask &= ~self._between(*one)
        # Plug-ins differ in whether an ipBlock means pods; of `networks` the API says that it does, by address.
        return Peers(mask, mask | self.pods | self.controller, Cause(f"pods may have addresses in {rule.cidr}"))

    def _addresses(self, cidr: str) -> tuple[int, int] | None:
        return _addresses(cidr)

    def _between(self, first: int, last: int) -> int:
        start, stop = self._bounds.index_of[first], self._bounds.index_of[last + 1]
        return ((1 << (stop - start)) - 1) << (start + self._first_range)

    def spans(self, mask: int) -> Iterator[str]:
        """The ranges of addresses in a set of peers, those that adjoin together: 10.0.0.0-10.0.255.255."""
        found: list[tuple[int, int]] = []
        for n in bits(mask & self.ranges):
            first, last = self._bounds[n - self._first_range], self._bounds[n - self._first_range + 1] - 1
            if found and found[-1][1] + 1 == first and first != _IPV4:
                found[-1] = (found[-1][0], last)
            else:
                found.append((first, last))
        return (f"{_shown(first)}-{_shown(last)}" for first, last in found)


class _Bounds(list[int]):
    """Where ranges begin, in ascending order, and one past the last address."""

    def __init__(self, given: Iterable[int]) -> None:
        super().__init__(sorted({0, _IPV4, _LAST + 1, *given}))
        self.index_of = {bound: n for n, bound in enumerate(self)}


def _bounds(policies: Sequence[Policy]) -> _Bounds:
    given = []
    for policy in policies:
        for rule in policy.rules:
            if rule.peer == "cidr":
                for cidr in (rule.cidr, *rule.exceptions):
                    if found := _addresses(cidr):
                        given += [found[0], found[1] + 1]
    return _Bounds(given)


def _addresses(cidr: str) -> tuple[int, int] | None:
    """The first and the last address of a range, in the one line; None where it is none."""
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return None
    shift = _IPV4 if network.version == 6 else 0
    return int(network.network_address) + shift, int(network.broadcast_address) + shift


def _shown(address: int) -> str:
    return str(ipaddress.IPv6Address(address - _IPV4) if address >= _IPV4 else ipaddress.IPv4Address(address))


_HOST = Cause("what a network policy does to pods in the node's network is not defined")
_NETWORK = Cause("whether pods use the node's network is not known")
_CONTROLLER = Cause("where the ingress's controller runs is not known")


def _first_classes(cluster: Cluster) -> list[Class]:
    """Classes by what policies might ask for; and two for each namespace whose workloads could not all be listed."""
    asked = frozenset(
        key
        for policy in cluster.policies
        for selector in (policy.pod_selector or "", *(rule.pod_selector for rule in policy.rules))
        for key in selectors.keys(selector)
    )
    names = {rule.port for policy in cluster.policies for rule in policy.rules if not rule.port.isdigit()} - {""}
    found: dict[object, Class] = {}
    for one in cluster.workloads:
        labels = one.labels.only(asked)
        ports = None if one.ports is None else tuple(sorted({port for port in one.ports if port[0] in names}))
        key = (one.namespace, one.host_network, labels, ports, one.cause)
        if key not in found:
            found[key] = Class(one.namespace, one.host_network, labels, ports, one.cause, labels)
        found[key].members.append(one)
    out = sorted(found.values(), key=lambda c: (c.namespace or "", min(w.uid for w in c.members)))
    nothing = Labels(complete=False)
    unlisted = sorted(cluster.unlisted.items(), key=lambda item: item[0] or "")
    return out + [
        Class(name, on_host, nothing, None, cause, nothing) for name, cause in unlisted for on_host in (False, True)
    ]
