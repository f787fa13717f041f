"""Services, ingresses and network policies as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.collectors.kubernetes.identity import place, sibling
from scanner.collectors.kubernetes.values import (
    dig,
    mapping,
    mappings,
    names,
    number_or_text,
    selector,
    text,
    texts,
    whole,
)
from scanner.tables import Document, Json, numbered
from scanner.tables.base import Placed
from scanner.tables.kubernetes_network import (
    KubernetesIngress,
    KubernetesIngressRule,
    KubernetesIngressTls,
    KubernetesNetworkPolicy,
    KubernetesNetworkPolicyRule,
    KubernetesService,
    KubernetesServiceExternalIp,
    KubernetesServicePort,
    KubernetesServiceSourceRange,
)

EVERYWHERE = ("0.0.0.0/0", "::/0")
NAMESPACE_NAME = "kubernetes.io/metadata.name"  # the one label of a namespace that nobody can choose

# Annotations by which the clouds' controllers are asked for an internal or a public load balancer.
_SCHEMES = {
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"): "internal",
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internet-facing"): "internet-facing",
    ("service.beta.kubernetes.io/aws-load-balancer-internal", "true"): "internal",
    ("service.beta.kubernetes.io/aws-load-balancer-internal", "false"): "internet-facing",
    ("networking.gke.io/load-balancer-type", "Internal"): "internal",
    ("networking.gke.io/load-balancer-type", "External"): "internet-facing",
    ("service.beta.kubernetes.io/azure-load-balancer-internal", "true"): "internal",
    ("service.beta.kubernetes.io/azure-load-balancer-internal", "false"): "internet-facing",
    ("service.beta.kubernetes.io/openstack-internal-load-balancer", "true"): "internal",
    ("service.beta.kubernetes.io/openstack-internal-load-balancer", "false"): "internet-facing",
}


def shape_service(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a service: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/"""
    where = place(document)
    kind = text(obj, "spec", "type", default="ClusterIP")
    ranges = texts(obj, "spec", "loadBalancerSourceRanges")
    addresses = texts(obj, "spec", "externalIPs")
    ports = mappings(obj, "spec", "ports")
    schemes = {_SCHEMES[a] for a in names(obj, "metadata", "annotations") if a in _SCHEMES}
    yield KubernetesService(
        **where,
        type=kind,
        is_headless=text(obj, "spec", "clusterIP") == "None",
        selector=selector({"matchLabels": dig(obj, "spec", "selector")}),
        external_name=text(obj, "spec", "externalName"),
        external_ips=len(addresses),
        source_ranges=len(ranges),
        is_public_source=kind == "LoadBalancer" and (not ranges or any(r.strip() in EVERYWHERE for r in ranges)),
        load_balancer_scheme=schemes.pop() if len(schemes) == 1 else "",
    )
    yield from numbered(_service_port(where, port) for port in ports)
    yield from numbered(KubernetesServiceSourceRange(**where, cidr=cidr.strip()) for cidr in ranges)
    yield from numbered(KubernetesServiceExternalIp(**where, ip=ip) for ip in addresses)


def _service_port(where: dict[str, Any], port: Json) -> KubernetesServicePort:
    return KubernetesServicePort(
        **where,
        port=whole(port, "port"),
        port_name=text(port, "name"),
        protocol=text(port, "protocol", default="TCP"),
        target_port=number_or_text(port, "targetPort", default=str(whole(port, "port"))),
        node_port=whole(port, "nodePort"),
    )


def shape_ingress(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of an ingress: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/

    A route of OpenShift becomes one that has one rule.
    """
    where = place(document)
    if text(obj, "kind") == "Route":
        obj = _as_ingress(obj)
    entries = mappings(obj, "spec", "tls")
    secured = [host for entry in entries for host in (texts(entry, "hosts") or [""])]
    rules = mappings(obj, "spec", "rules")
    # Older manifests name the class in an annotation.
    annotation = mapping(obj, "metadata", "annotations").get("kubernetes.io/ingress.class")
    yield KubernetesIngress(
        **where,
        ingress_class=text(obj, "spec", "ingressClassName") or text({"class": annotation}, "class"),
        has_tls=bool(entries),
        all_hosts_tls=bool(entries) and all(_covered(text(rule, "host"), secured) for rule in rules),
        default_backend=text(obj, "spec", "defaultBackend", "service", "name"),
    )
    yield from numbered(row for rule in rules for row in _ingress_paths(document, rule, secured))
    yield from numbered(
        KubernetesIngressTls(
            **where,
            host=host,
            secret=text(entry, "secretName"),
            secret_uid=sibling(document, "Secret", text(entry, "secretName")),
        )
        for entry in entries
        for host in (texts(entry, "hosts") or [""])
    )


def _as_ingress(route: Json) -> Json:
    """https://docs.redhat.com/en/documentation/openshift_container_platform/4.19/html/network_apis/route-route-openshift-io-v1"""
    host, port = text(route, "spec", "host"), dig(route, "spec", "port", "targetPort")
    backends = [mapping(route, "spec", "to"), *mappings(route, "spec", "alternateBackends")]
    paths = [
        {
            "path": text(route, "spec", "path"),
            "pathType": "Prefix",
            "backend": {"service": {"name": text(backend, "name"), "port": {"number": port}}},
        }
        for backend in backends
        if text(backend, "kind", default="Service") == "Service"
    ]
    tls = [{"hosts": [host]}] if dig(route, "spec", "tls") is not None else []
    rules = [{"host": host, "http": {"paths": paths}}]
    return {"metadata": mapping(route, "metadata"), "spec": {"rules": rules, "tls": tls}}


def _ingress_paths(document: Document, rule: Json, secured: list[str]) -> Iterator[KubernetesIngressRule]:
    host = text(rule, "host")
    for path in mappings(rule, "http", "paths"):
        service = text(path, "backend", "service", "name")
        port = mapping(path, "backend", "service", "port")
        yield KubernetesIngressRule(
            **place(document),
            host=host,
            path=text(path, "path"),
            path_type=text(path, "pathType"),
            service=service,
            service_uid=sibling(document, "Service", service),
            service_port=text(port, "name") or number_or_text(port, "number"),
            tls=_covered(host, secured),
        )


def _covered(host: str, secured: list[str]) -> bool:
    """Whether a TLS entry covers the host; a wildcard stands for exactly one label."""
    return host in secured or "" in secured or (bool(host) and f"*.{host.partition('.')[2]}" in secured)


def shape_network_policy(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a network policy."""
    where = place(document)
    spec = mapping(obj, "spec")
    given = dig(spec, "policyTypes")
    rules = {"ingress": mappings(spec, "ingress"), "egress": mappings(spec, "egress")}
    types = texts(spec, "policyTypes") if given else ["Ingress", *(["Egress"] if rules["egress"] else [])]
    chosen = selector(spec.get("podSelector"))
    isolates = {"ingress": "Ingress" in types, "egress": "Egress" in types}
    # Rules of a direction that the policy does not isolate have no effect.
    rows = [
        row
        for direction, found in rules.items()
        if isolates[direction]
        for position, rule in enumerate(found)
        for row in _policy_rule(where, direction, position, rule)
    ]
    open_to_all = {row.direction for row in rows if row.allows_everyone}
    peers = [
        peer
        for direction, key in (("ingress", "from"), ("egress", "to"))
        if isolates[direction]
        for rule in rules[direction]
        for peer in mappings(rule, key)
    ]
    by_namespace = [peer["namespaceSelector"] for peer in peers if peer.get("namespaceSelector") is not None]
    yield KubernetesNetworkPolicy(
        **where,
        pod_selector=chosen,
        selects_all_pods=chosen == "",
        applies_to_ingress=isolates["ingress"],
        applies_to_egress=isolates["egress"],
        default_deny_ingress=chosen == "" and isolates["ingress"] and not rules["ingress"],
        default_deny_egress=chosen == "" and isolates["egress"] and not rules["egress"],
        allows_everyone_ingress="ingress" in open_to_all,
        allows_everyone_egress="egress" in open_to_all,
        uses_namespace_selector=bool(by_namespace),
        trusts_mutable_namespace_label=any(trusts_label(chosen) for chosen in by_namespace),
    )
    yield from numbered(rows)


def trusts_label(chosen: Json) -> bool:
    """Whether somebody who may label namespaces can make one match."""
    if selector(chosen) == "" or NAMESPACE_NAME in mapping(chosen, "matchLabels"):
        return False
    return not any(
        text(requirement, "key") == NAMESPACE_NAME and text(requirement, "operator") == "In"
        for requirement in mappings(chosen, "matchExpressions")
    )


def _policy_rule(
    where: dict[str, Any], direction: str, position: int, rule: Json
) -> Iterator[KubernetesNetworkPolicyRule]:
    peers: list[dict[str, Json] | None] = [*mappings(rule, "from" if direction == "ingress" else "to")]
    ports: list[dict[str, Json] | None] = [*mappings(rule, "ports")]
    for peer in peers or [None]:
        for port in ports or [None]:
            yield KubernetesNetworkPolicyRule(**where, direction=direction, rule=position, **_peer(peer), **_port(port))


def _peer(peer: dict[str, Json] | None) -> dict[str, Any]:
    out = {"namespace_selector": "", "pod_selector": "", "cidr": "", "exceptions": "", "same_namespace": False}
    if peer is None:
        return out | {"peer": "everyone", "allows_everyone": True}
    if peer.get("ipBlock") is not None:
        cidr, exceptions = text(peer, "ipBlock", "cidr"), sorted(texts(peer, "ipBlock", "except"))
        everyone = cidr in EVERYWHERE and not exceptions
        return out | {"peer": "cidr", "allows_everyone": everyone, "cidr": cidr, "exceptions": ",".join(exceptions)}
    pods, spaces = peer.get("podSelector"), peer.get("namespaceSelector")
    if pods is None and spaces is None:
        return out | {"peer": "", "allows_everyone": None}
    return out | {
        "peer": "pods",
        "allows_everyone": False,
        "same_namespace": spaces is None,
        "namespace_selector": selector(spaces),
        "pod_selector": selector(pods),
    }


def _port(port: dict[str, Json] | None) -> dict[str, Any]:
    if port is None:
        return {"protocol": "", "port": "", "end_port": 0}
    return {
        "protocol": text(port, "protocol", default="TCP"),
        "port": number_or_text(port, "port"),
        "end_port": whole(port, "endPort"),
    }
