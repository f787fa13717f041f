"""Clusters, namespaces, nodes and quotas as rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from scanner.collectors.kubernetes.identity import place
from scanner.collectors.kubernetes.values import (
    flag,
    mapping,
    mappings,
    names,
    number_or_text,
    sequence,
    text,
    timestamp,
)
from scanner.tables import Document, Json, numbered
from scanner.tables.base import Placed
from scanner.tables.kubernetes_cluster import (
    KubernetesCluster,
    KubernetesLimitRange,
    KubernetesLimitRangeLimit,
    KubernetesNamespace,
    KubernetesNamespaceAnnotation,
    KubernetesNamespaceLabel,
    KubernetesNode,
    KubernetesNodeLabel,
    KubernetesNodeTaint,
    KubernetesResourceQuota,
    KubernetesResourceQuotaLimit,
)

_POD_SECURITY = "pod-security.kubernetes.io/"
_VERSION = re.compile(r"v?1\.([0-9]{1,4})\.([0-9]{1,6})")
_POOLS = (
    "eks.amazonaws.com/nodegroup", "karpenter.sh/nodepool", "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool", "agentpool",
)  # fmt: skip
_PROVIDER = re.compile(r"[-+.](eks|gke|aks)\b")


def shape_cluster(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a cluster, from `GET /version`. Clouds write more than digits into `minor`, such as 34+."""
    version = text(obj, "gitVersion")
    provider = _PROVIDER.search(version)
    yield KubernetesCluster(
        **place(document),
        version=version,
        major=_leading_number(text(obj, "major")),
        minor=_leading_number(text(obj, "minor")),
        platform=text(obj, "platform"),
        provider=provider[1] if provider else "",
    )


def _leading_number(spelt: str) -> int | None:
    match = re.match(r"[0-9]{1,6}", spelt)
    return int(match[0]) if match else None


def shape_namespace(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a namespace: https://kubernetes.io/docs/concepts/security/pod-security-admission/"""
    where = place(document) | {"namespace": document.name}
    labels = names(obj, "metadata", "labels")
    levels = {key.removeprefix(_POD_SECURITY): value for key, value in labels if key.startswith(_POD_SECURITY)}
    yield KubernetesNamespace(
        **where,
        phase=text(obj, "status", "phase"),
        created=timestamp(text(obj, "metadata", "creationTimestamp")),  # NULL until it is applied
        pod_security_enforce=levels.get("enforce", ""),
        pod_security_enforce_version=levels.get("enforce-version", ""),
        pod_security_audit=levels.get("audit", ""),
        pod_security_warn=levels.get("warn", ""),
    )
    yield from numbered(KubernetesNamespaceLabel(**where, label=key, value=value) for key, value in labels)
    yield from numbered(
        KubernetesNamespaceAnnotation(**where, annotation=key, value=value)
        for key, value in names(document.parts.get("annotations"))
    )


def shape_node(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a node."""
    where = place(document)
    info = mapping(obj, "status", "nodeInfo")
    labels = names(obj, "metadata", "labels")
    found = dict(labels)
    version = _VERSION.match(text(info, "kubeletVersion"))
    yield KubernetesNode(
        **where,
        kubelet_version=text(info, "kubeletVersion"),
        kubelet_minor=int(version[1]) if version else None if text(info, "kubeletVersion") else -1,
        kubelet_patch=int(version[2]) if version else None if text(info, "kubeletVersion") else -1,
        container_runtime=text(info, "containerRuntimeVersion"),
        os_image=text(info, "osImage"),
        kernel_version=text(info, "kernelVersion"),
        architecture=text(info, "architecture"),
        provider_id=text(obj, "spec", "providerID"),
        zone=found.get("topology.kubernetes.io/zone", ""),
        instance_type=found.get("node.kubernetes.io/instance-type", ""),
        unschedulable=flag(obj, "spec", "unschedulable"),
        is_control_plane=any(f"node-role.kubernetes.io/{role}" in found for role in ("control-plane", "master")),
        pool=next((found[label] for label in _POOLS if label in found), ""),
    )
    yield from numbered(KubernetesNodeLabel(**where, label=key, value=value) for key, value in labels)
    yield from numbered(
        KubernetesNodeTaint(**where, taint=text(taint, "key"), value=text(taint, "value"), effect=text(taint, "effect"))
        for taint in mappings(obj, "spec", "taints")
    )


def shape_resource_quota(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a resource quota."""
    where = place(document)
    scoped = bool(sequence(obj, "spec", "scopes")) or bool(mapping(obj, "spec", "scopeSelector"))
    hard = mapping(obj, "spec", "hard")
    yield KubernetesResourceQuota(**where, scoped=scoped)
    yield from numbered(
        KubernetesResourceQuotaLimit(
            **where, resource=resource, amount=number_or_text({"amount": amount}, "amount"), scoped=scoped
        )
        for resource, amount in hard.items()
    )


def shape_limit_range(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a limit range: https://kubernetes.io/docs/concepts/policy/limit-range/"""
    where = place(document)
    limits = mappings(obj, "spec", "limits")
    yield KubernetesLimitRange(**where, limits=len(limits))
    columns = ("default", "defaultRequest", "min", "max", "maxLimitRequestRatio")
    yield from numbered(
        KubernetesLimitRangeLimit(
            **where,
            kind=text(limit, "type"),
            resource=resource,
            default_limit=number_or_text(limit, "default", resource),
            default_request=number_or_text(
                limit, "defaultRequest", resource, default=number_or_text(limit, "default", resource)
            ),
            minimum=number_or_text(limit, "min", resource),
            maximum=number_or_text(limit, "max", resource),
        )
        for limit in limits
        for resource in sorted({name for column in columns for name in mapping(limit, column)})
    )
