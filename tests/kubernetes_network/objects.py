"""Strategies for small clusters: namespaces, pods and policies whose selectors, ranges and ports meet often."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Object = dict[str, Any]

SPACES = ("shop", "pay", "tools")
PORTS = (1, 79, 80, 81, 100, 8080, 8081, 65535)
OUTSIDE = ("9.255.255.255", "10.0.0.0", "10.1.2.3", "10.1.3.0", "203.0.113.7", "2001:db8::1")
_KEYS = {"app": ("web", "api"), "tier": ("front", "back")}
_SPACE_KEYS = {"env": ("dev", "prod"), "kubernetes.io/metadata.name": SPACES}
_CIDRS = ("0.0.0.0/0", "10.0.0.0/8", "10.1.2.0/24", "::/0", "2001:db8::/32")


def _labels(keys: dict[str, tuple[str, ...]]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({}, optional={key: st.sampled_from(values) for key, values in keys.items()})


def _selector(keys: dict[str, tuple[str, ...]]) -> st.SearchStrategy[Object]:
    def term(key: str) -> st.SearchStrategy[Object]:
        values = st.lists(st.sampled_from(keys[key]), min_size=1, max_size=2, unique=True)
        return st.one_of(
            st.builds(
                lambda op, v: {"key": key, "operator": op, "values": v}, st.sampled_from(["In", "NotIn"]), values
            ),
            st.builds(lambda op: {"key": key, "operator": op}, st.sampled_from(["Exists", "DoesNotExist"])),
        )

    terms = st.lists(st.sampled_from(sorted(keys)).flatmap(term), min_size=1, max_size=2)
    return st.one_of(
        st.just({}),
        _labels(keys).map(lambda found: {"matchLabels": found}),
        terms.map(lambda t: {"matchExpressions": t}),
    )


pod_selectors, space_selectors = _selector(_KEYS), _selector(_SPACE_KEYS)
protocols = st.sampled_from(["TCP", "UDP", "SCTP"])
_names = st.sampled_from(["web", "metrics"])


def namespaces() -> st.SearchStrategy[list[Object]]:
    labels = st.fixed_dictionaries({name: _labels({"env": _SPACE_KEYS["env"]}) for name in SPACES})
    return labels.map(lambda found: [_object("v1", "Namespace", name, labels=found[name]) for name in SPACES])


def _object(version: str, kind: str, name: str, namespace: str = "", *, labels: Any = None, **rest: Any) -> Object:
    metadata: Object = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels is not None:
        metadata["labels"] = labels
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


@st.composite
def pods(draw: st.DrawFn, least: int = 2) -> list[Object]:
    out = []
    for number in range(draw(st.integers(least, 5))):
        ports = [
            {"name": name, "containerPort": draw(st.sampled_from(PORTS)), "protocol": draw(protocols)}
            for name in draw(st.lists(_names, max_size=2, unique=True))
        ]
        spec = {"containers": [{"name": "app", "image": "i", "ports": ports}]}
        space = draw(st.sampled_from(SPACES))
        out.append(_object("v1", "Pod", f"p{number}", space, labels=draw(_labels(_KEYS)), spec=spec))
    return out


@st.composite
def _port(draw: st.DrawFn) -> Object:
    port = draw(st.one_of(st.none(), st.sampled_from(PORTS), _names))
    out: Object = draw(st.fixed_dictionaries({}, optional={"protocol": protocols}))
    if port is not None:
        out["port"] = port
    if isinstance(port, int) and draw(st.booleans()):
        out["endPort"] = draw(st.sampled_from([p for p in PORTS if p >= port]))
    return out


def _peers(*, ranges: bool) -> st.SearchStrategy[Object]:
    kinds = [
        st.fixed_dictionaries({"podSelector": pod_selectors}),
        st.fixed_dictionaries({"namespaceSelector": space_selectors}),
        st.fixed_dictionaries({"namespaceSelector": space_selectors, "podSelector": pod_selectors}),
    ]
    if ranges:
        block = st.sampled_from([
            {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}, {"cidr": "10.0.0.0/8", "except": ["10.1.2.0/24"]},
            *({"cidr": cidr} for cidr in _CIDRS),
        ])  # fmt: skip
        kinds.append(block.map(lambda found: {"ipBlock": found}))
    return st.one_of(kinds)


@st.composite
def network_policies(draw: st.DrawFn, *, ranges: bool = False) -> list[Object]:
    """Policies of the namespaces."""
    out = []
    for number in range(draw(st.integers(0, 4))):
        spec: Object = {"podSelector": draw(pod_selectors)}
        for direction, key in (("ingress", "from"), ("egress", "to")):
            rules = []
            for _ in range(draw(st.integers(0, 2))):
                rule: Object = {}
                if peers := draw(st.lists(_peers(ranges=ranges), max_size=2)):
                    rule[key] = peers
                if ports := draw(st.lists(_port(), max_size=2)):
                    rule["ports"] = ports
                rules.append(rule)
            if rules or draw(st.booleans()):
                spec[direction] = rules
        types = draw(st.sampled_from([None, ["Ingress"], ["Egress"], ["Ingress", "Egress"]]))
        if types:
            spec["policyTypes"] = types
        space = draw(st.sampled_from(SPACES))
        out.append(_object("networking.k8s.io/v1", "NetworkPolicy", f"n{number}", space, spec=spec))
    return out


_chosen = st.one_of(
    space_selectors.map(lambda s: {"namespaces": s}),
    st.builds(lambda s, p: {"pods": {"namespaceSelector": s, "podSelector": p}}, space_selectors, pod_selectors),
)


@st.composite
def _admin_rules(draw: st.DrawFn, key: str, actions: tuple[str, ...], *, ranges: bool, modern: bool) -> list[Object]:
    rules = []
    for _ in range(draw(st.integers(0, 3))):
        networks = st.lists(st.sampled_from(_CIDRS), min_size=1, max_size=2, unique=True).map(lambda n: {"networks": n})
        with_ranges = ranges and key == "to"
        peers = draw(st.lists(st.one_of(_chosen, networks) if with_ranges else _chosen, min_size=1, max_size=2))
        rule: Object = {"action": draw(st.sampled_from(actions)), key: peers}
        if draw(st.booleans()):
            rule["protocols" if modern else "ports"] = [draw(_modern_port() if modern else _admin_port())]
        rules.append(rule)
    return rules


@st.composite
def _admin_port(draw: st.DrawFn) -> Object:
    start, protocol = draw(st.sampled_from(PORTS)), draw(protocols)
    end = draw(st.sampled_from([p for p in PORTS if p >= start]))
    return draw(st.sampled_from([
        {"namedPort": draw(_names)},
        {"portNumber": {"protocol": protocol, "port": start}},
        {"portRange": {"protocol": protocol, "start": start, "end": end}},
    ]))  # fmt: skip


@st.composite
def _modern_port(draw: st.DrawFn) -> Object:
    start, protocol = draw(st.sampled_from(PORTS[:-1])), draw(protocols).lower()
    end = draw(st.sampled_from([p for p in PORTS if p > start]))
    return draw(st.sampled_from([
        {"destinationNamedPort": draw(_names)},
        {protocol: {}},
        {protocol: {"destinationPort": {"number": start}}},
        {protocol: {"destinationPort": {"range": {"start": start, "end": end}}}},
    ]))  # fmt: skip


@st.composite
def admin_policies(draw: st.DrawFn, *, ranges: bool = False) -> list[Object]:
    """Policies of the cluster, of the older kinds or of the one that takes their place; no two of one priority."""
    modern = draw(st.booleans())
    version = f"policy.networking.k8s.io/{'v1alpha2' if modern else 'v1alpha1'}"
    allow = "Accept" if modern else "Allow"
    out = []
    for priority in draw(st.lists(st.integers(0, 9), max_size=3, unique=True)):
        baseline = modern and draw(st.booleans())
        spec: Object = {"priority": priority, "subject": draw(_chosen)}
        if modern:
            spec["tier"] = "Baseline" if baseline else "Admin"
        for direction, key in (("ingress", "from"), ("egress", "to")):
            spec[direction] = draw(_admin_rules(key, (allow, "Deny", "Pass"), ranges=ranges, modern=modern))
        kind = "ClusterNetworkPolicy" if modern else "AdminNetworkPolicy"
        out.append(_object(version, kind, f"a{priority}", spec=spec))
    if not modern and draw(st.booleans()):
        spec = {"subject": draw(_chosen)}
        for direction, key in (("ingress", "from"), ("egress", "to")):
            spec[direction] = draw(_admin_rules(key, (allow, "Deny"), ranges=ranges, modern=False))
        out.append(_object(version, "BaselineAdminNetworkPolicy", "default", spec=spec))
    return out
