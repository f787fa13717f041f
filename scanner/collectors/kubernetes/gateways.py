"""Gateways and routes of the Gateway API as rows: https://gateway-api.sigs.k8s.io/reference/spec/"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.collectors.kubernetes.identity import place, uid
from scanner.collectors.kubernetes.values import mapping, mappings, text, texts, whole
from scanner.tables import Document, Json, numbered
from scanner.tables.base import Placed
from scanner.tables.kubernetes_gateway import (
    KubernetesGateway,
    KubernetesGatewayListener,
    KubernetesRoute,
    KubernetesRouteBackend,
    KubernetesRouteParent,
)

_GROUP = "gateway.networking.k8s.io"


def shape_gateway(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a gateway."""
    listeners = mappings(obj, "spec", "listeners")
    yield KubernetesGateway(
        **place(document), gateway_class=text(obj, "spec", "gatewayClassName"), listeners=len(listeners)
    )
    yield from numbered(_listener(place(document), listener) for listener in listeners)


def _listener(where: dict[str, Any], listener: Json) -> KubernetesGatewayListener:
    protocol = text(listener, "protocol")
    return KubernetesGatewayListener(
        **where,
        listener=text(listener, "name"),
        hostname=text(listener, "hostname"),
        port=whole(listener, "port"),
        protocol=protocol,
        is_encrypted=protocol in ("HTTPS", "TLS"),
        allows_routes_from=text(listener, "allowedRoutes", "namespaces", "from", default="Same"),
    )


def shape_route(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a route, of any kind."""
    backends = [b for rule in mappings(obj, "spec", "rules") for b in mappings(rule, "backendRefs")]
    yield KubernetesRoute(
        **place(document),
        kind=text(obj, "kind"),
        hostnames=",".join(sorted(texts(obj, "spec", "hostnames"))),
        backends=len(backends),
    )
    yield from numbered(_parent(document, parent) for parent in mappings(obj, "spec", "parentRefs"))
    yield from numbered(_backend(document, backend) for backend in backends)


def _parent(document: Document, parent: Json) -> KubernetesRouteParent:
    is_gateway = text(parent, "kind", default="Gateway") == "Gateway" and mapping(parent).get("group", _GROUP) == _GROUP
    space = text(parent, "namespace", default=document.namespace)
    return KubernetesRouteParent(
        **place(document),
        gateway_uid=uid(document.cluster, space, "Gateway", text(parent, "name")) if is_gateway else "",
        section=text(parent, "sectionName"),
    )


def _backend(document: Document, backend: Json) -> KubernetesRouteBackend:
    is_service = text(backend, "kind", default="Service") == "Service" and not text(backend, "group")
    space = text(backend, "namespace", default=document.namespace)
    return KubernetesRouteBackend(
        **place(document),
        service_uid=uid(document.cluster, space, "Service", text(backend, "name")) if is_service else "",
        service_namespace=space if is_service else "",
        port=whole(backend, "port"),
    )
