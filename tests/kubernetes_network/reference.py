"""A second, plain evaluation of network policies: one pod, one connection at a time, from the objects themselves.

Written from the API's documentation, apart from the scanner's, and slow on purpose. All there is must be known: every
label, and no ranges of addresses between pods.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

Object = dict[str, Any]
End = Object | str  # a pod, or an address outside the cluster


def may_connect(objects: list[Object], source: End, destination: End, protocol: str, port: int) -> bool:
    """Whether a connection is allowed."""
    out = isinstance(source, str) or _side(objects, source, "egress", destination, destination, protocol, port)
    into = isinstance(destination, str) or _side(objects, destination, "ingress", source, destination, protocol, port)
    return out and into


def _side(
    objects: list[Object],
    pod: Object,
    direction: str,
    peer: End,
    target: End,
    protocol: str,
    port: int,
) -> bool:
    def first_match(policies: Iterable[Object]) -> str:
        for policy in policies:
            if not _is_subject(objects, policy["spec"]["subject"], pod):
                continue
            for rule in policy["spec"].get(direction, []):
                peers = rule["from" if direction == "ingress" else "to"]
                if any(_admin_peer(objects, p, peer) for p in peers) and _admin_port(rule, target, protocol, port):
                    return str(rule["action"])
        return ""

    action = first_match(_tier(objects, "AdminNetworkPolicy", "Admin"))
    if action in ("Allow", "Accept", "Deny"):
        return action != "Deny"
    mine = [
        p
        for p in objects
        if p["kind"] == "NetworkPolicy"
        and p["metadata"]["namespace"] == pod["metadata"]["namespace"]
        and _selects(p["spec"]["podSelector"], _labels(pod))
        and direction.capitalize() in _types(p)
    ]
    if mine:
        return any(_grants(objects, p, direction, peer, target, protocol, port) for p in mine)
    return first_match(_tier(objects, "BaselineAdminNetworkPolicy", "Baseline")) != "Deny"


def _tier(objects: list[Object], kind: str, tier: str) -> list[Object]:
    found = [o for o in objects if o["kind"] == kind or o.get("spec", {}).get("tier") == tier]
    return sorted(found, key=lambda o: o["spec"].get("priority", 0))


def _types(policy: Object) -> list[str]:
    if policy["spec"].get("policyTypes"):
        return list(policy["spec"]["policyTypes"])
    return ["Ingress", "Egress"] if policy["spec"].get("egress") else ["Ingress"]


def _grants(
    objects: list[Object],
    policy: Object,
    direction: str,
    peer: End,
    target: End,
    protocol: str,
    port: int,
) -> bool:
    for rule in policy["spec"].get(direction) or []:
        peers = rule.get("from" if direction == "ingress" else "to")
        if peers and not any(_peer(objects, policy, p, peer) for p in peers):
            continue
        ports = rule.get("ports")
        if not ports or any(_port(p, target, protocol, port) for p in ports):
            return True
    return False


def _peer(objects: list[Object], policy: Object, wanted: Object, peer: End) -> bool:
    if isinstance(peer, str):
        block = wanted.get("ipBlock")
        return block is not None and _in(peer, block["cidr"]) and not any(_in(peer, e) for e in block.get("except", []))
    if "ipBlock" in wanted:
        raise AssertionError("ranges between pods are not for this evaluation")
    if "namespaceSelector" in wanted:
        if not _selects(wanted["namespaceSelector"], _space_labels(objects, peer)):
            return False
    elif peer["metadata"]["namespace"] != policy["metadata"]["namespace"]:
        return False
    return _selects(wanted.get("podSelector", {}), _labels(peer))


def _in(address: str, cidr: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr)


def _port(wanted: Object, target: End, protocol: str, port: int) -> bool:
    if wanted.get("protocol", "TCP") != protocol:
        return False
    number = wanted.get("port")
    if number is None:
        return True
    if isinstance(number, str):
        return (number, protocol, port) in _container_ports(target)
    return number <= port <= wanted.get("endPort", number)


def _is_subject(objects: list[Object], subject: Object, pod: Object) -> bool:
    return _chosen(objects, subject, pod)


def _chosen(objects: list[Object], wanted: Object, pod: Object) -> bool:
    spaces = _space_labels(objects, pod)
    if "namespaces" in wanted:
        return _selects(wanted["namespaces"], spaces)
    both = wanted["pods"]
    return _selects(both["namespaceSelector"], spaces) and _selects(both["podSelector"], _labels(pod))


def _admin_peer(objects: list[Object], wanted: Object, peer: End) -> bool:
    if isinstance(peer, str):
        return any(_in(peer, cidr) for cidr in wanted.get("networks", ()))
    return "networks" not in wanted and _chosen(objects, wanted, peer)


def _admin_port(rule: Object, target: End, protocol: str, port: int) -> bool:
    wanted = [*rule.get("ports", ()), *rule.get("protocols", ())]
    if not wanted:
        return True
    for one in wanted:
        name = one.get("namedPort") or one.get("destinationNamedPort")
        if name and (name, protocol, port) in _container_ports(target):
            return True
        if "portNumber" in one and (one["portNumber"]["protocol"], one["portNumber"]["port"]) == (protocol, port):
            return True
        span = one.get("portRange")
        if span and span["protocol"] == protocol and span["start"] <= port <= span["end"]:
            return True
        named = one.get(protocol.lower())
        if named is not None:
            given = named.get("destinationPort", {})
            if not given or given.get("number") == port:
                return True
            if "range" in given and given["range"]["start"] <= port <= given["range"]["end"]:
                return True
    return False


def _container_ports(pod: End) -> set[tuple[str, str, int]]:
    if isinstance(pod, str):
        return set()
    return {
        (p["name"], p.get("protocol", "TCP"), p["containerPort"])
        for container in pod["spec"]["containers"]
        for p in container.get("ports", ())
        if "name" in p
    }


def _labels(one: Object) -> dict[str, str]:
    return dict(one["metadata"].get("labels", {}))


def _space_labels(objects: list[Object], pod: Object) -> dict[str, str]:
    name = pod["metadata"]["namespace"]
    [space] = [o for o in objects if o["kind"] == "Namespace" and o["metadata"]["name"] == name]
    return {**_labels(space), "kubernetes.io/metadata.name": name}


def _selects(selector: Object, labels: dict[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for term in selector.get("matchExpressions", ()):
        have, values = labels.get(term["key"]), term.get("values", ())
        holds = {
            "In": have is not None and have in values,
            "NotIn": have not in values,
            "Exists": have is not None,
            "DoesNotExist": have is None,
        }[term["operator"]]
        if not holds:
            return False
    return True
