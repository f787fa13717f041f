"""Names of Kubernetes objects: the uid, the place, and how a document's place becomes columns."""

from __future__ import annotations

from typing import Any

from scanner.tables import Document

CLUSTER_SCOPED = frozenset({
    "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "CiliumClusterwideNetworkPolicy", "Cluster",
    "ClusterExternalSecret", "ClusterIssuer", "ClusterNetworkPolicy", "ClusterPolicy", "ClusterRole",
    "ClusterRoleBinding", "ConstraintTemplate", "CustomResourceDefinition", "GlobalNetworkPolicy", "Group",
    "MutatingWebhookConfiguration", "Namespace", "Node",
    "PersistentVolume", "PriorityClass", "StorageClass", "User", "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "VolumeSnapshotClass",
})  # fmt: skip


def uid(cluster: str, namespace: str, kind: str, name: str) -> str:
    """`k8s:<cluster>/<namespace>/<kind>/<name>`; the kind as Kubernetes spells it, '' for no namespace.

    The API server accepts no slash in a name; one that a manifest has is written %2F.
    """
    return "/".join([f"k8s:{cluster}", *(part.replace("/", "%2F") for part in (namespace, kind, name))])


def place(document: Document) -> dict[str, Any]:
    """The document's place as columns. A namespaced object without a namespace is somewhere: NULL, not ''."""
    columns = document.place
    if not document.namespace and kind_of(document) not in CLUSTER_SCOPED:
        columns["namespace"] = None
    return columns


def kind_of(document: Document) -> str:
    """The Kubernetes kind, from the uid, so that it is known even where the object could not be read."""
    return kind_in(document.uid)


def kind_in(uid: str) -> str:
    """The Kubernetes kind that a uid names."""
    return uid.rsplit("/", 2)[1].partition(".")[0]


def spelt(version: str, kind: str) -> str:
    """The kind as a uid has it. Network plug-ins give their policies names of the API's own: theirs have the group."""
    group = version.rpartition("/")[0]
    return f"{kind}.{group}" if kind.endswith("NetworkPolicy") and not group.endswith(".k8s.io") else kind


def sibling(document: Document, kind: str, name: str) -> str:
    """The uid of another object in the document's namespace; '' for no name."""
    return uid(document.cluster, document.namespace, kind, name) if name else ""
