"""The kinds of documents that clusters and manifests give, and which tables each fills."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from scanner.collectors.kubernetes.access import shape_role, shape_role_binding, shape_service_account
from scanner.collectors.kubernetes.admin_networks import shape_admin_network_policy, shape_plugin_network_policy
from scanner.collectors.kubernetes.admission import (
    shape_admission_policy,
    shape_admission_policy_binding,
    shape_custom_kind,
    shape_priority_class,
    shape_webhook_configuration,
)
from scanner.collectors.kubernetes.backups import (
    shape_backup,
    shape_backup_location,
    shape_backup_schedule,
    shape_restore,
)
from scanner.collectors.kubernetes.clusters import (
    shape_cluster,
    shape_limit_range,
    shape_namespace,
    shape_node,
    shape_resource_quota,
)
from scanner.collectors.kubernetes.endpoints import shape_endpoint_slice
from scanner.collectors.kubernetes.gateways import shape_gateway, shape_route
from scanner.collectors.kubernetes.identity import kind_in, place
from scanner.collectors.kubernetes.networks import shape_ingress, shape_network_policy, shape_service
from scanner.collectors.kubernetes.others import shape_object, shape_sandbox_template
from scanner.collectors.kubernetes.storage import (
    shape_config_map,
    shape_persistent_volume,
    shape_persistent_volume_claim,
    shape_secret,
    shape_secret_source,
    shape_snapshot_class,
    shape_storage_class,
)
from scanner.collectors.kubernetes.values import Misfit
from scanner.collectors.kubernetes.workloads import shape_autoscaler, shape_disruption_budget, shape_workload
from scanner.tables import Document, Json, Kind
from scanner.tables import kubernetes_access as access
from scanner.tables import kubernetes_admin_network as admin_network
from scanner.tables import kubernetes_admission as admission
from scanner.tables import kubernetes_backup as backup
from scanner.tables import kubernetes_cluster as cluster
from scanner.tables import kubernetes_gateway as gateway
from scanner.tables import kubernetes_network as network
from scanner.tables import kubernetes_object as others
from scanner.tables import kubernetes_storage as storage
from scanner.tables import kubernetes_workload as workload
from scanner.tables.base import Placed

Shape = Callable[[Document, Json], Iterable[Placed]]

OBJECT = "object"  # the part with the Kubernetes object itself
_SETTINGS = ("annotations", "variables.*", "component.flags", "data")
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
        name=own.table, tables=tables, shape=total, volatile=volatile, secret=secret, base64=base64, settings=_SETTINGS,
        listed_by=_listings,
    )  # fmt: skip


def _listings(uid: str) -> Collection[str]:
    """What finds the object: the list of its kind, as calls name it."""
    from scanner.collectors.kubernetes.reads import listings  # which needs the kinds

    return listings(kind_in(uid))


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
        workload.KubernetesContainerVariable, workload.KubernetesVolume, workload.KubernetesMount,
        workload.KubernetesWorkloadAnnotation, workload.KubernetesNodeSelector, workload.KubernetesSysctl,
        workload.KubernetesComponentFlag,
    ),
    _kind(shape_disruption_budget, workload.KubernetesPodDisruptionBudget),
    _kind(shape_autoscaler, workload.KubernetesHorizontalPodAutoscaler),
    _kind(
        shape_service, network.KubernetesService, network.KubernetesServicePort, network.KubernetesServiceSourceRange,
        network.KubernetesServiceExternalIp,
    ),
    _kind(shape_ingress, network.KubernetesIngress, network.KubernetesIngressRule, network.KubernetesIngressTls),
    _kind(
        shape_endpoint_slice, network.KubernetesEndpointSlice, network.KubernetesEndpoint,
        network.KubernetesEndpointPort, others.KubernetesObject, volatile=("object.endpoints",),
    ),
    _kind(shape_network_policy, network.KubernetesNetworkPolicy, network.KubernetesNetworkPolicyRule),
    _kind(
        shape_admin_network_policy, admin_network.KubernetesAdminNetworkPolicy,
        admin_network.KubernetesAdminNetworkPolicyRule,
    ),
    _kind(shape_plugin_network_policy, admin_network.KubernetesPluginNetworkPolicy),
    _kind(
        shape_role, access.KubernetesRole, access.KubernetesRoleRule, access.KubernetesRoleLabel,
        access.KubernetesRoleAggregation,
    ),
    _kind(shape_role_binding, access.KubernetesRoleBinding, access.KubernetesRoleBindingSubject),
    _kind(shape_service_account, access.KubernetesServiceAccount),
    _kind(shape_persistent_volume_claim, storage.KubernetesPersistentVolumeClaim, volatile=("object.status",)),
    _kind(
        shape_secret, storage.KubernetesSecret, storage.KubernetesSecretReference, storage.KubernetesSecretValue,
        secret=("values.data.*",), base64=("values.data.*",), needs="references",
    ),
    _kind(shape_secret_source, storage.KubernetesSecretSource),
    _kind(shape_config_map, storage.KubernetesConfigMap, storage.KubernetesConfigMapEntry),
    _kind(shape_persistent_volume, storage.KubernetesPersistentVolume),
    _kind(shape_storage_class, storage.KubernetesStorageClass),
    _kind(shape_snapshot_class, storage.KubernetesSnapshotClass),
    _kind(shape_webhook_configuration, admission.KubernetesWebhookConfiguration, admission.KubernetesWebhook),
    _kind(shape_admission_policy, admission.KubernetesAdmissionPolicy),
    _kind(shape_admission_policy_binding, admission.KubernetesAdmissionPolicyBinding),
    _kind(shape_priority_class, admission.KubernetesPriorityClass),
    _kind(shape_custom_kind, admission.KubernetesCustomKind),
    _kind(shape_gateway, gateway.KubernetesGateway, gateway.KubernetesGatewayListener),
    _kind(shape_route, gateway.KubernetesRoute, gateway.KubernetesRouteParent, gateway.KubernetesRouteBackend),
    _kind(
        shape_backup_schedule, backup.KubernetesBackupSchedule, backup.KubernetesBackupNamespace,
        volatile=("object.status",),
    ),
    _kind(shape_backup, backup.KubernetesBackup, backup.KubernetesBackupNamespace, volatile=("object.status",)),
    _kind(shape_backup_location, backup.KubernetesBackupLocation, volatile=("object.status",)),
    _kind(shape_restore, backup.KubernetesRestore, volatile=("object.status",)),
    _kind(shape_object, others.KubernetesObject),
    _kind(shape_sandbox_template, others.KubernetesSandboxTemplate),
)  # fmt: skip

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}
