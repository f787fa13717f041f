"""A cluster as network policies see it: namespaces, workloads, policies, and what of them is not known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from scanner.isolation.kubernetes.selectors import Labels

Direction = Literal["ingress", "egress"]
DIRECTIONS: tuple[Direction, ...] = ("ingress", "egress")
Effect = Literal["allow", "deny", "pass", ""]
ContainerPort = tuple[str, str, int]  # name, protocol, number


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is not known: a gap of the estate, or, with the reason unsupported, what is not modelled."""

    detail: str
    reason: str = "unsupported"
    call: int = 0

    @property
    def is_gap(self) -> bool:
        """Something was not read. What is not modelled, a row says itself."""
        return self.reason != "unsupported"


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace. One without a uid was not read; others speak of it."""

    name: str | None
    labels: Labels
    uid: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """Pods made from one template."""

    uid: str
    name: str
    scope: str
    namespace: str | None
    labels: Labels
    host_network: bool | None = False
    ports: tuple[ContainerPort, ...] | None = ()  # those with a name; None is not known
    cause: Cause | None = None  # why labels or ports are not known


@dataclass(frozen=True, slots=True)
class Rule:
    """One peer and one port range of a policy's rule."""

    direction: Direction
    position: int
    action: Effect  # '' for one that is new to us
    peer: str  # everyone, pods, cidr, nodes, domain; '' for one that is new to us
    same_namespace: bool = False
    namespace_selector: str = ""
    pod_selector: str = ""
    cidr: str = ""
    exceptions: tuple[str, ...] = ()
    protocol: str = ""
    port: str = ""
    end_port: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """A network policy of a namespace, or of one of the cluster's tiers.

    An opaque one may allow and deny anything to the pods it selects: a plug-in's, or one that could not be read.
    """

    uid: str
    shown: str  # NetworkPolicy shop/web
    tier: Literal["admin", "namespace", "baseline"]
    namespace: str | None = None  # of a network policy
    namespace_selector: str | None = ""  # None: which namespaces it is about is not known
    pod_selector: str | None = ""  # None: which pods is not known
    priority: int = 0
    directions: tuple[Direction, ...] = DIRECTIONS
    rules: tuple[Rule, ...] = ()
    opaque: Cause | None = None


@dataclass(slots=True)
class Cluster:
    """All there is of one cluster."""

    name: str
    scope: str
    namespaces: dict[str | None, Namespace] = field(default_factory=dict)
    workloads: list[Workload] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    unlisted: dict[str | None, Cause] = field(default_factory=dict)  # namespaces whose workloads are not all known
    lost: list[Cause] = field(default_factory=list)  # namespaces may be missing as well
