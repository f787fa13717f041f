"""The kinds of documents that clusters and manifests give, and which tables each fills."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from scanner.collectors.kubernetes.access import shape_role, shape_role_binding, shape_service_account
from scanner.collectors.kubernetes.clusters import (
    shape_cluster,
    shape_limit_range,
    shape_namespace,
    shape_node,
    shape_persistent_volume_claim,
    shape_resource_quota,
    shape_secret,
)
from scanner.collectors.kubernetes.identity import place
from scanner.collectors.kubernetes.networks import shape_ingress, shape_network_policy, shape_service
from scanner.collectors.kubernetes.values import Misfit
from scanner.collectors.kubernetes.workloads import shape_autoscaler, shape_disruption_budget, shape_workload
from scanner.tables import Document, Json, Kind
from scanner.tables import kubernetes_access as access
from scanner.tables import kubernetes_cluster as cluster
from scanner.tables import kubernetes_network as network
from scanner.tables import kubernetes_storage as storage
from scanner.tables import kubernetes_workload as workload
from scanner.tables.base import Placed

Shape = Callable[[Document, Json], Iterable[Placed]]

OBJECT = "object"  # the part with the Kubernetes object itself
_SETTINGS = ("annotations", "variables.*")
SHAPES: dict[str, Shape] = {}


def _kind(
    shape: Shape,
    *tables: type[Placed],
    volatile: tuple[str, ...] = (),
    secret: tuple[str, ...] = (),
    base64: tuple[str, ...] = (),
    needs: str = OBJECT,
) -> Kind:
    """A kind named after its own table. Without the part it needs, only the identity of a resource is known."""
    own = tables[0]
    SHAPES[own.table] = shape

    def total(document: Document) -> list[Placed]:
        try:
            if document.parts.get(needs) is not None:
                return list(shape(document, document.parts.get(OBJECT)))
        except Misfit:
            pass
        namespace = {"namespace": document.name} if own is cluster.KubernetesNamespace else {}
        return [own(**place(document) | namespace)]

    return Kind(
        name=own.table, tables=tables, shape=total, volatile=volatile, secret=secret, base64=base64, settings=_SETTINGS
    )


KINDS: tuple[Kind, ...] = (
    _kind(shape_cluster, cluster.KubernetesCluster),
    _kind(
        shape_namespace, cluster.KubernetesNamespace, cluster.KubernetesNamespaceLabel,
        cluster.KubernetesNamespaceAnnotation, volatile=("object.status",),
    ),
    _kind(shape_node, cluster.KubernetesNode, cluster.KubernetesNodeLabel, cluster.KubernetesNodeTaint),
    _kind(shape_resource_quota, cluster.KubernetesResourceQuota, cluster.KubernetesResourceQuotaLimit),
    _kind(shape_limit_range, cluster.KubernetesLimitRange, cluster.KubernetesLimitRangeLimit),
    _kind(
        shape_workload, workload.KubernetesWorkload, workload.KubernetesWorkloadLabel, workload.KubernetesPodLabel,
        workload.KubernetesContainer, workload.KubernetesContainerCapability, workload.KubernetesContainerPort,
        workload.KubernetesContainerVariable, workload.KubernetesVolume,
    ),
    _kind(shape_disruption_budget, workload.KubernetesPodDisruptionBudget),
    _kind(shape_autoscaler, workload.KubernetesHorizontalPodAutoscaler),
    _kind(
        shape_service, network.KubernetesService, network.KubernetesServicePort, network.KubernetesServiceSourceRange,
        network.KubernetesServiceExternalIp,
    ),
    _kind(shape_ingress, network.KubernetesIngress, network.KubernetesIngressRule, network.KubernetesIngressTls),
    _kind(shape_network_policy, network.KubernetesNetworkPolicy, network.KubernetesNetworkPolicyRule),
    _kind(shape_role, access.KubernetesRole, access.KubernetesRoleRule),
    _kind(shape_role_binding, access.KubernetesRoleBinding, access.KubernetesRoleBindingSubject),
    _kind(shape_service_account, access.KubernetesServiceAccount),
    _kind(shape_persistent_volume_claim, storage.KubernetesPersistentVolumeClaim, volatile=("object.status",)),
    _kind(
        shape_secret, storage.KubernetesSecret, storage.KubernetesSecretReference, storage.KubernetesSecretValue,
        secret=("values.data.*",), base64=("values.data.*",), needs="references",
    ),
)  # fmt: skip

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}
