"""Network policies of a whole cluster, and those of network plug-ins, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.collectors.kubernetes.identity import place
from scanner.collectors.kubernetes.networks import trusts_label
from scanner.collectors.kubernetes.values import Misfit, mapping, mappings, selector, text, texts, whole
from scanner.tables import Document, Json, numbered
from scanner.tables.base import Placed
from scanner.tables.kubernetes_admin_network import (
    KubernetesAdminNetworkPolicy,
    KubernetesAdminNetworkPolicyRule,
    KubernetesPluginNetworkPolicy,
)

_ACTIONS = {"Allow": "allow", "Accept": "allow", "Deny": "deny", "Pass": "pass"}
_TIERS = {"Admin": "admin", "Baseline": "baseline"}
_BASELINE = "BaselineAdminNetworkPolicy"
_SELECTOR = frozenset({"matchLabels", "matchExpressions"})
_NO_PEER = {"namespace_selector": "", "pod_selector": "", "node_selector": "", "cidr": "", "domain": ""}
_NO_PORT = {"protocol": "", "port": "", "end_port": 0}
# Cilium lets a label say where it comes from; those of the pod itself are any: and k8s:.
_SOURCES = ("k8s:", "any:")
_RESERVED = ("k8s:io.kubernetes.pod.", "any:io.kubernetes.pod.", "io.kubernetes.pod.", "k8s:io.cilium.", "reserved:")


def shape_admin_network_policy(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a policy of policy.networking.k8s.io.

    https://network-policy-api.sigs.k8s.io/reference/spec/ and, for ClusterNetworkPolicy,
    https://github.com/kubernetes-sigs/network-policy-api/tree/main/apis
    """
    where, kind, spec = place(document), text(obj, "kind"), mapping(obj, "spec")
    subject = mapping(spec, "subject")
    chosen, spaces, pods = _pods(subject)
    rules = {direction: mappings(spec, direction) for direction in ("ingress", "egress")}
    tier = {"AdminNetworkPolicy": "admin", _BASELINE: "baseline"}.get(kind, _TIERS.get(text(spec, "tier"), ""))
    yield KubernetesAdminNetworkPolicy(
        **where,
        kind=kind,
        tier=tier,
        priority=whole(spec, "priority"),
        subject=chosen,
        subject_namespace_selector=spaces,
        subject_pod_selector=pods,
        ingress_rules=len(rules["ingress"]),
        egress_rules=len(rules["egress"]),
        trusts_mutable_namespace_label=any(trusts_label(one) for one in _namespace_selectors(subject, rules)),
    )
    yield from numbered(
        row
        for direction, found in rules.items()
        for position, rule in enumerate(found)
        for row in _rules(where, direction, position, rule)
    )


def _namespace_selectors(subject: Json, rules: dict[str, list[dict[str, Json]]]) -> Iterator[Json]:
    peers = [peer for found in rules.values() for rule in found for peer in _peers(rule)]
    for one in (subject, *peers):
        if one.get("namespaces") is not None:
            yield one["namespaces"]
        elif one.get("pods") is not None:
            yield mapping(one, "pods").get("namespaceSelector") or {}


def _peers(rule: Json) -> list[dict[str, Json]]:
    return [*mappings(rule, "from"), *mappings(rule, "to")]


def _rules(
    where: dict[str, Any], direction: str, position: int, rule: Json
) -> Iterator[KubernetesAdminNetworkPolicyRule]:
    own: dict[str, Any] = {
        "direction": direction,
        "rule": position,
        "rule_name": text(rule, "name"),
        "action": _ACTIONS.get(text(rule, "action"), ""),
    }
    # `ports` until v1alpha1, `protocols` from v1alpha2 on. A rule must name a peer; one of none is new to us.
    found = [*(_port(p) for p in mappings(rule, "ports")), *(_protocol(p) for p in mappings(rule, "protocols"))]
    for peer in _peers(rule) or [{}]:
        for shown in _peer(peer):
            for port in found or [_NO_PORT]:
                yield KubernetesAdminNetworkPolicyRule(**where, **own, **shown, **port)


def _peer(peer: Json) -> Iterator[dict[str, Any]]:
    """A peer as columns: one for each range or name that it lists."""
    if (networks := texts(peer, "networks")) or (names := texts(peer, "domainNames")):
        kind, column, found = ("cidr", "cidr", networks) if networks else ("domain", "domain", names)
        for one in found:
            yield _NO_PEER | {"peer": kind, column: one}
    elif peer.get("nodes") is not None:
        yield _NO_PEER | {"peer": "nodes", "node_selector": selector(peer["nodes"])}
    else:
        chosen, spaces, pods = _pods(peer)
        yield _NO_PEER | {"peer": "pods" if chosen else "", "namespace_selector": spaces, "pod_selector": pods}


def _pods(peer: Json) -> tuple[str, str, str]:
    """How pods are chosen, by which namespaces, and which pods of these; the first is '' for a way new to us."""
    spaces, pods = peer.get("namespaces"), peer.get("pods")
    if spaces is not None and not set(mapping(peer, "namespaces")) - _SELECTOR:
        return "namespaces", selector(spaces), ""
    if pods is not None and not set(mapping(peer, "pods")) - {"namespaceSelector", "podSelector"}:
        return "pods", selector(pods.get("namespaceSelector")), selector(pods.get("podSelector"))
    return "", "", ""


def _port(port: Json) -> dict[str, Any]:
    """A port of AdminNetworkPolicy."""
    if port.get("portNumber") is not None:
        one = mapping(port, "portNumber")
        return _number(text(one, "protocol", default="TCP"), one, "port")
    if port.get("portRange") is not None:
        one = mapping(port, "portRange")
        return _range(text(one, "protocol", default="TCP"), one)
    if name := text(port, "namedPort"):
        return _NO_PORT | {"port": name}
    raise Misfit(["ports"], "portNumber, portRange or namedPort")


def _protocol(protocol: Json) -> dict[str, Any]:
    """A protocol of ClusterNetworkPolicy."""
    if name := text(protocol, "destinationNamedPort"):
        return _NO_PORT | {"port": name}
    for key in ("tcp", "udp", "sctp"):
        if protocol.get(key) is not None:
            port = mapping(protocol, key, "destinationPort")
            if port.get("range") is not None:
                return _range(key.upper(), mapping(port, "range"))
            return _number(key.upper(), port, "number") if port else _NO_PORT | {"protocol": key.upper()}
    raise Misfit(["protocols"], "tcp, udp, sctp or destinationNamedPort")


def _number(protocol: str, port: Json, key: str) -> dict[str, Any]:
    return {"protocol": protocol, "port": str(whole(port, key)), "end_port": 0}


def _range(protocol: str, port: Json) -> dict[str, Any]:
    return {"protocol": protocol, "port": str(whole(port, "start")), "end_port": whole(port, "end")}


def shape_plugin_network_policy(document: Document, obj: Json) -> Iterator[Placed]:
    """The row of a policy of a network plug-in: that it is there, and which pods it selects as far as can be told."""
    group = text(obj, "apiVersion").rpartition("/")[0]
    yield KubernetesPluginNetworkPolicy(
        **place(document),
        kind=text(obj, "kind"),
        api_group=group,
        pod_selector=_cilium(obj) if group == "cilium.io" else _others(obj),
    )


def _cilium(obj: Json) -> str | None:
    """The endpoint selector of Cilium's policies, of which one object may have several."""
    specs = [mapping(obj, "spec"), *mappings(obj, "specs")] if obj.get("spec") else mappings(obj, "specs")
    chosen = {_bare(spec["endpointSelector"]) for spec in specs if spec.get("endpointSelector") is not None}
    return chosen.pop() if len(chosen) == 1 and len(specs) == 1 else None


def _bare(chosen: Json) -> str | None:
    """The selector without the sources of its labels; None where it asks for more than labels of the pod."""
    terms = selector(chosen)
    if any(reserved in terms for reserved in _RESERVED):
        return None
    for source in _SOURCES:
        terms = terms.replace(source, "")
    return terms


def _others(obj: Json) -> str | None:
    """Calico's selectors are a language of their own, of which only «everything» is read."""
    spec = mapping(obj, "spec")
    if "appliedTo" in spec or any(key in spec for key in ("namespaceSelector", "serviceAccountSelector")):
        return None
    return "" if text(spec, "selector", default="all()").replace(" ", "") == "all()" else None
