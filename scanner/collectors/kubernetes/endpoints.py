"""Endpoint slices as rows: the addresses behind services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.collectors.kubernetes.identity import place, sibling, uid
from scanner.collectors.kubernetes.others import shape_object
from scanner.collectors.kubernetes.values import flag, mapping, mappings, text, texts, whole
from scanner.tables import Document, Json, numbered
from scanner.tables.base import Placed
from scanner.tables.kubernetes_network import KubernetesEndpoint, KubernetesEndpointPort, KubernetesEndpointSlice


def shape_endpoint_slice(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of an endpoint slice:
    https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
    """
    where = place(document)
    labels = mapping(obj, "metadata", "labels")
    service = text(labels, "kubernetes.io/service-name")
    yield KubernetesEndpointSlice(
        **where,
        service=service,
        service_uid=sibling(document, "Service", service),
        address_type=text(obj, "addressType"),
        managed_by=text(labels, "endpointslice.kubernetes.io/managed-by"),
    )
    yield from numbered(
        _endpoint(document, where, endpoint, address)
        for endpoint in mappings(obj, "endpoints")
        for address in texts(endpoint, "addresses")
    )
    yield from numbered(
        KubernetesEndpointPort(
            **where,
            port=whole(port, "port"),
            port_name=text(port, "name"),
            protocol=text(port, "protocol", default="TCP"),
        )
        for port in mappings(obj, "ports")
    )
    yield from shape_object(document, obj)


def _endpoint(document: Document, where: dict[str, Any], endpoint: Json, address: str) -> KubernetesEndpoint:
    target = mapping(endpoint, "targetRef")
    space, kind, name = (text(target, key) for key in ("namespace", "kind", "name"))
    return KubernetesEndpoint(
        **where,
        address=address,
        is_ready=flag(endpoint, "conditions", "ready", default=True),
        target_uid=uid(document.cluster, space, kind, name) if name else "",
        target_namespace=space,
    )
