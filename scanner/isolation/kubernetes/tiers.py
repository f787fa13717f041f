"""What the policies that select a pod say of its connections: the tiers in order, each port by itself, three-valued.

The tiers of the cluster's administrators go by first match: allow and deny are final, pass goes on to the next tier.
Then the network policies of the namespace: a pod that none of them selects for the direction is left to the baseline
tier, any other may do what at least one of them allows (https://network-policy-api.sigs.k8s.io/api-overview/,
https://kubernetes.io/docs/concepts/services-networking/network-policies/). What no tier decides is allowed.

Where it is not certain that a rule matches, both outcomes are kept. A port with both is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Literal, NamedTuple

from scanner.isolation.kubernetes import ports
from scanner.isolation.kubernetes.classes import Class, Field, bits
from scanner.isolation.kubernetes.model import Cause, Direction, Policy, Rule
from scanner.isolation.kubernetes.ports import Ports, difference, intersection, union

Verdict = Literal["allowed", "denied", "unknown"]
NAMED = "a port is named, and the names of the container's ports are not known"
_SAME_NODE = Cause("traffic between a pod and its own node is never blocked, and which node it is on is not known")


class Piece(NamedTuple):
    """Ports with one verdict, who decides, and why it is unknown."""

    ports: Ports
    verdict: Verdict
    policies: tuple[int, ...]
    why: Cause | None = None


class Block(NamedTuple):
    """Peers that are all treated alike."""

    peers: int
    pieces: tuple[Piece, ...]

    @property
    def is_denied(self) -> bool:
        return all(piece.verdict == "denied" for piece in self.pieces)


class _Atom(NamedTuple):
    """Peers and the ports they may use, of one rule. With a name the ports are the pod's own."""

    surely: int
    maybe: int
    ports: Ports
    why: Cause | None
    protocol: str = ""
    name: str = ""


class _Step(NamedTuple):
    """A rule of a policy: what it does to whom."""

    action: str
    atoms: tuple[_Atom, ...]


class _Said(NamedTuple):
    """An outcome that is possible for these ports."""

    ports: Ports
    allows: bool
    denies: bool
    policy: int = -1
    why: Cause | None = None


@dataclass(frozen=True, slots=True)
class Selected:
    """A policy that is, or may be, about a class."""

    policy: int
    surely: bool
    why: Cause | None = None


class Evaluation:
    """The policies of one cluster."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.policies: Sequence[Policy] = field.cluster.policies
        self._steps: dict[tuple[int, Direction], tuple[_Step, ...]] = {}
        self._resolved: dict[tuple[str, str], tuple[list[tuple[int, Ports]], int]] = {}

    @cached_property
    def _about(self) -> list[list[Selected]]:
        found: list[list[Selected]] = [[] for _ in self.field.classes]
        for number, policy in enumerate(self.policies):
            subject = self.field.subject(policy)
            for n in bits(subject.maybe):
                surely = bool(subject.surely >> n & 1)
                found[n].append(Selected(number, surely, None if surely else subject.why))
        return found

    def about(self, number: int, direction: Direction) -> tuple[Selected, ...]:
        """The policies about a class in one direction."""
        return tuple(one for one in self._about[number] if direction in self.policies[one.policy].directions)

    def names_ports(self, selected: Iterable[Selected], direction: Direction) -> bool:
        """Whether the outcome depends on the names that the pod itself has for its ports."""
        return direction == "ingress" and any(
            atom.name for one in selected for step in self._of(one.policy, direction) for atom in step.atoms
        )

    def blocks(self, selected: tuple[Selected, ...], direction: Direction, own: Class) -> list[Block]:
        """Every peer of a class that these policies are about, in blocks of peers treated alike."""
        masks = {
            mask
            for one in selected
            for step in self._of(one.policy, direction)
            for atom in step.atoms
            for mask in (atom.surely, atom.maybe)
        }
        if selected:
            masks.add(self.field.on_host)
        found: dict[tuple[Piece, ...], int] = {}
        for block in _partition(self.field.everyone, masks):
            pieces = self._pieces(selected, direction, own, block)
            found[pieces] = found.get(pieces, 0) | block
        return [Block(peers, pieces) for pieces, peers in found.items()]

    # Rules, compiled once a policy

    def _of(self, number: int, direction: Direction) -> tuple[_Step, ...]:
        key = number, direction
        if key not in self._steps:
            policy = self.policies[number]
            rules = sorted((r for r in policy.rules if r.direction == direction), key=lambda r: r.position)
            self._steps[key] = tuple(
                self._step(policy, direction, list(several)) for _, several in groupby(rules, key=lambda r: r.position)
            )
        return self._steps[key]

    def _step(self, policy: Policy, direction: Direction, rules: list[Rule]) -> _Step:
        together: dict[tuple[int, int, Cause | None, str, str], Ports] = {}
        for rule in rules:
            peers = self.field.peers(policy, rule)
            if rule.port and not rule.port.isdigit():
                for atom in self._named(direction, rule, peers.surely, peers.maybe, peers.why):
                    key = (atom.surely, atom.maybe, atom.why, atom.protocol, atom.name)
                    together[key] = union(together.get(key, ports.NONE), atom.ports)
                continue
            first, last = (int(rule.port), rule.end_port or int(rule.port)) if rule.port else (1, 65535)
            key = (peers.surely, peers.maybe, peers.why if peers.maybe != peers.surely else None, "", "")
            together[key] = union(together.get(key, ports.NONE), ports.of(rule.protocol, first, last))
        action = rules[0].action
        atoms = (_Atom(key[0], key[1], found, key[2], key[3], key[4]) for key, found in together.items())
        return _Step(action, tuple(atoms))

    def _named(self, direction: Direction, rule: Rule, surely: int, maybe: int, why: Cause | None) -> Iterator[_Atom]:
        """A named port is one of the destination's. What is no pod has none."""
        if direction == "ingress":
            yield _Atom(surely, maybe, ports.NONE, why, rule.protocol, rule.port)
            return
        groups, unsure = self._destinations(rule.protocol, rule.port)
        for mask, found in groups:
            if maybe & mask:
                yield _Atom(surely & mask, maybe & mask, found, why)
        if maybe & unsure:
            yield _Atom(0, maybe & unsure, ports.of(rule.protocol), why or Cause(NAMED))

    def _destinations(self, protocol: str, name: str) -> tuple[list[tuple[int, Ports]], int]:
        """Classes by what the name stands for there, and those of which that is not known."""
        key = protocol, name
        if key not in self._resolved:
            groups: dict[Ports, int] = {}
            unsure = self.field.controller
            for n, one in enumerate(self.field.classes):
                found = resolve(protocol, name, one)
                if found is None:
                    unsure |= 1 << n
                elif found:
                    groups[found] = groups.get(found, 0) | 1 << n
            self._resolved[key] = [(mask, found) for found, mask in groups.items()], unsure
        return self._resolved[key]

    # One block

    def _pieces(
        self, selected: tuple[Selected, ...], direction: Direction, own: Class, block: int
    ) -> tuple[Piece, ...]:
        said = self._admin(selected, direction, own, block)
        if block & self.field.on_host and any(one.denies for one in said):
            denied = _all(one.ports for one in said if one.denies)
            said.append(_Said(denied, True, False, -1, _SAME_NODE))
        allowed = _all(one.ports for one in said if one.allows)
        denied = _all(one.ports for one in said if one.denies)
        both = intersection(allowed, denied)
        pieces = []
        for verdict, found in (
            ("allowed", difference(allowed, denied)), ("denied", difference(denied, allowed)), ("unknown", both),
        ):  # fmt: skip
            if found:
                speak = [
                    one
                    for one in said
                    if (one.allows if verdict == "allowed" else one.denies or verdict == "unknown")
                    and intersection(one.ports, found)
                ]
                who = tuple(sorted({one.policy for one in speak if one.policy >= 0}))
                why = next((one.why for one in speak if one.why), None) if verdict == "unknown" else None
                pieces.append(Piece(found, verdict, who, why))  # type: ignore[arg-type]  # one of the three above
        return tuple(pieces)

    def _admin(self, selected: tuple[Selected, ...], direction: Direction, own: Class, block: int) -> list[_Said]:
        here = [one for one in selected if self.policies[one.policy].tier == "admin"]
        opaque = [one for one in here if self.policies[one.policy].opaque]
        said = self._first_match(
            [one for one in here if one not in opaque], direction, own, block,
            self._namespaced(selected, direction, own, block),
        )  # fmt: skip
        return said + [_Said(ports.ALL, True, True, one.policy, self.policies[one.policy].opaque) for one in opaque]

    def _namespaced(self, selected: tuple[Selected, ...], direction: Direction, own: Class, block: int) -> list[_Said]:
        here = [one for one in selected if self.policies[one.policy].tier == "namespace"]
        if not here:
            return self._baseline(selected, direction, own, block)
        said: list[_Said] = []
        granted = ports.NONE  # for certain
        own_grants: dict[int, Ports] = {}  # if the policy selects the pod at all
        for one in here:
            opaque = self.policies[one.policy].opaque
            if opaque:
                said.append(_Said(ports.ALL, True, False, one.policy, opaque))
            surely = maybe = ports.NONE
            why: Cause | None = None
            for step in self._of(one.policy, direction):
                yes, perhaps, reason = self._hit(step, own, block)
                surely, maybe, why = union(surely, yes), union(maybe, perhaps), why or reason
            own_grants[one.policy] = surely
            if one.surely:
                granted = union(granted, surely)
                said.append(_Said(surely, True, False, one.policy))
                maybe = difference(maybe, surely)
            if maybe:
                said.append(_Said(maybe, True, False, one.policy, why or one.why))
        for one in here:
            rest = difference(ports.ALL, union(granted, own_grants[one.policy]))
            said.append(_Said(rest, False, True, one.policy, one.why or self.policies[one.policy].opaque))
        if not any(one.surely and not self.policies[one.policy].opaque for one in here):
            said += self._baseline(selected, direction, own, block)
        return [one for one in said if one.ports]

    def _baseline(self, selected: tuple[Selected, ...], direction: Direction, own: Class, block: int) -> list[_Said]:
        here = [one for one in selected if self.policies[one.policy].tier == "baseline"]
        opaque = [one for one in here if self.policies[one.policy].opaque]
        default = [_Said(ports.ALL, True, False)]
        said = self._first_match([one for one in here if one not in opaque], direction, own, block, default)
        return said + [_Said(ports.ALL, True, True, one.policy, self.policies[one.policy].opaque) for one in opaque]

    def _first_match(
        self, here: list[Selected], direction: Direction, own: Class, block: int, after: list[_Said]
    ) -> list[_Said]:
        """The outcomes of rules of which the first that matches decides. `after` is what is said where none does.

        Of policies with one priority nobody can tell which is asked first, so each may be.
        """
        said: list[_Said] = []
        live = ports.ALL
        order = sorted(here, key=lambda one: self.policies[one.policy].priority)
        for _, several in groupby(order, key=lambda one: self.policies[one.policy].priority):
            left = live
            for one in several:
                mine = live
                for step in self._of(one.policy, direction):
                    yes, maybe, why = self._hit(step, own, block)
                    hit = intersection(maybe, mine)
                    if not hit:
                        continue
                    unsure = one.why or why if not one.surely or hit != intersection(yes, mine) else None
                    if step.action == "pass":
                        said += _within(after, hit)
                    else:
                        allows, denies = step.action != "deny", step.action != "allow"
                        reason = unsure if step.action else Cause("a rule's action is new to us")
                        said.append(_Said(hit, allows, denies, one.policy, reason))
                    if one.surely and step.action:
                        mine = difference(mine, yes)
                left = intersection(left, mine)
            live = left
        return said + _within(after, live)

    def _hit(self, step: _Step, own: Class, block: int) -> tuple[Ports, Ports, Cause | None]:
        """The ports on which a rule surely matches the block, those on which it may, and why that is not certain."""
        surely = maybe = ports.NONE
        why: Cause | None = None
        for atom in step.atoms:
            if not block & atom.maybe:
                continue
            found: Ports | None = atom.ports
            if atom.name:
                found = resolve(atom.protocol, atom.name, own)
                if found is None:
                    maybe, why = union(maybe, ports.of(atom.protocol)), why or Cause(NAMED)
                    continue
            maybe = union(maybe, found or ports.NONE)
            if block & atom.surely:
                surely = union(surely, found or ports.NONE)
            else:
                why = why or atom.why
        return surely, maybe, why


def resolve(protocol: str, name: str, destination: Class) -> Ports | None:
    """The ports that have the name in the destination's containers; None where those are not known."""
    if destination.ports is None:
        return None
    found = ports.NONE
    for other, of, number in destination.ports:
        if other == name and protocol in ("", of):
            found = union(found, ports.of(of, number, number))
    return found


def _partition(everyone: int, masks: Iterable[int]) -> list[int]:
    """The blocks of peers that no mask tells apart."""
    blocks = [everyone]
    for mask in sorted(masks):
        blocks = [part for block in blocks for part in (block & mask, block & ~mask) if part]
    return blocks


def _within(said: Iterable[_Said], found: Ports) -> list[_Said]:
    if not found:
        return []
    if found == ports.ALL:
        return list(said)
    narrowed = (one._replace(ports=intersection(one.ports, found)) for one in said)
    return [one for one in narrowed if one.ports]


def _all(found: Iterable[Ports]) -> Ports:
    out = ports.NONE
    for one in found:
        out = union(out, one)
    return out
