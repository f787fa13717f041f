"""What is read of a cluster, declared: from it come the requests, the tables each fills, and the role to grant."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.collectors.kubernetes.kinds import BY_NAME
from scanner.tables import Json
from scanner.tables.base import Placed
from scanner.tables.kubernetes_storage import KubernetesSecret, KubernetesSecretReference, KubernetesSecretValue

REFERENCES: tuple[type[Placed], ...] = (KubernetesSecret, KubernetesSecretReference)
VALUES: tuple[type[Placed], ...] = (KubernetesSecret, KubernetesSecretValue)


@dataclass(frozen=True, slots=True)
class Read:
    """One resource of the API, read by listing it."""

    version: str  # v1 or <group>/<version>
    resource: str  # pods
    kind: str  # Pod
    document: str  # the kind of document it becomes
    namespaced: bool = True
    refers_to_secrets: bool = False
    verbs: tuple[str, ...] = ("list",)
    also: tuple[str, ...] = ()  # versions that are alike, the first of which is read where this one is not served
    is_added: bool = False  # by an add-on: an API server without it has no such group

    @property
    def group(self) -> str:
        """API group, '' for core."""
        return self.version.rpartition("/")[0]

    @property
    def service(self) -> str:
        """The API as calls name it: core/v1, apps/v1."""
        return self.version if self.group else f"core/{self.version}"

    @property
    def root(self) -> str:
        """Where the API's resources are."""
        return f"/apis/{self.version}" if self.group else f"/api/{self.version}"

    @property
    def fills(self) -> tuple[type[Placed], ...]:
        """The tables that lack rows when this was not read."""
        if self is SECRETS:
            return VALUES
        own = BY_NAME[self.document].tables
        return own + REFERENCES if self.refers_to_secrets else own

    def path(self, namespace: str = "") -> str:
        """Of the list in one namespace, or in all."""
        return f"{self.root}/namespaces/{namespace}/{self.resource}" if namespace else f"{self.root}/{self.resource}"

    def permission(self, verb: str = "list") -> str:
        """As calls name it: pods/list, deployments.apps/list."""
        return f"{self.resource}{'.' if self.group else ''}{self.group}/{verb}"


def _workload(version: str, resource: str, kind: str) -> Read:
    return Read(version, resource, kind, "kubernetes_workload", refers_to_secrets=True)


def _wide(version: str, resource: str, kind: str, document: str) -> Read:
    return Read(version, resource, kind, document, namespaced=False)


def _added(version: str, resource: str, kind: str, document: str, *, namespaced: bool = True) -> Read:
    return Read(version, resource, kind, document, namespaced=namespaced, is_added=True)


_APPS, _NET, _RBAC = "apps/v1", "networking.k8s.io/v1", "rbac.authorization.k8s.io/v1"
_ADMISSION, _STORAGE, _GATEWAY = "admissionregistration.k8s.io/v1", "storage.k8s.io/v1", "gateway.networking.k8s.io/"
_VELERO, _KYVERNO, _SECRETS = "velero.io/v1", "kyverno.io/v1", "external-secrets.io/v1"

NAMESPACES = Read("v1", "namespaces", "Namespace", "kubernetes_namespace", namespaced=False, verbs=("get", "list"))
SERVICE_ACCOUNTS = Read("v1", "serviceaccounts", "ServiceAccount", "kubernetes_service_account", refers_to_secrets=True)
SECRETS = Read("v1", "secrets", "Secret", "kubernetes_secret")

# Namespaces come first, since they say where else to look, service accounts before the workloads that use them, and
# what makes workloads before what it makes.
READS: tuple[Read, ...] = (
    NAMESPACES,
    SERVICE_ACCOUNTS,
    Read("v1", "nodes", "Node", "kubernetes_node", namespaced=False),
    _workload("batch/v1", "cronjobs", "CronJob"),
    _workload("batch/v1", "jobs", "Job"),
    _workload(_APPS, "deployments", "Deployment"),
    _workload(_APPS, "statefulsets", "StatefulSet"),
    _workload(_APPS, "daemonsets", "DaemonSet"),
    _workload("v1", "replicationcontrollers", "ReplicationController"),
    _workload(_APPS, "replicasets", "ReplicaSet"),
    _workload("v1", "pods", "Pod"),
    Read("v1", "services", "Service", "kubernetes_service"),
    Read(_NET, "ingresses", "Ingress", "kubernetes_ingress", refers_to_secrets=True),
    _added("route.openshift.io/v1", "routes", "Route", "kubernetes_ingress"),
    Read(_NET, "networkpolicies", "NetworkPolicy", "kubernetes_network_policy"),
    Read("discovery.k8s.io/v1", "endpointslices", "EndpointSlice", "kubernetes_endpoint_slice"),
    *(
        _added(f"policy.networking.k8s.io/{version}", f"{kind.lower()[:-1]}ies", kind,
               "kubernetes_admin_network_policy", namespaced=False)
        for version, kind in (
            ("v1alpha1", "AdminNetworkPolicy"), ("v1alpha1", "BaselineAdminNetworkPolicy"),
        )
    ),
    Read("policy.networking.k8s.io/v1alpha2", "clusternetworkpolicies", "ClusterNetworkPolicy",
         "kubernetes_admin_network_policy", namespaced=False, is_added=True,
         also=("policy.networking.k8s.io/v1beta1",)),
    *(
        _added(version, f"{kind.lower()[:-1]}ies", kind, "kubernetes_plugin_network_policy", namespaced=namespaced)
        for version, kind, namespaced in (
            ("cilium.io/v2", "CiliumNetworkPolicy", True), ("cilium.io/v2", "CiliumClusterwideNetworkPolicy", False),
            ("crd.projectcalico.org/v1", "NetworkPolicy", True),
            ("crd.projectcalico.org/v1", "GlobalNetworkPolicy", False),
            ("crd.antrea.io/v1beta1", "NetworkPolicy", True), ("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", False),
        )
    ),
    Read(_RBAC, "roles", "Role", "kubernetes_role"),
    Read(_RBAC, "rolebindings", "RoleBinding", "kubernetes_role_binding"),
    Read(_RBAC, "clusterroles", "ClusterRole", "kubernetes_role", namespaced=False),
    Read(_RBAC, "clusterrolebindings", "ClusterRoleBinding", "kubernetes_role_binding", namespaced=False),
    Read("v1", "persistentvolumeclaims", "PersistentVolumeClaim", "kubernetes_persistent_volume_claim"),
    Read("v1", "resourcequotas", "ResourceQuota", "kubernetes_resource_quota"),
    Read("v1", "limitranges", "LimitRange", "kubernetes_limit_range"),
    Read("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", "kubernetes_pod_disruption_budget"),
    Read(
        "autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler",
        "kubernetes_horizontal_pod_autoscaler",
    ),
    Read("v1", "configmaps", "ConfigMap", "kubernetes_config_map"),
    _wide("v1", "persistentvolumes", "PersistentVolume", "kubernetes_persistent_volume"),
    _wide(_STORAGE, "storageclasses", "StorageClass", "kubernetes_storage_class"),
    _wide("scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", "kubernetes_priority_class"),
    _wide(_ADMISSION, "mutatingwebhookconfigurations", "MutatingWebhookConfiguration",
          "kubernetes_webhook_configuration"),
    _wide(_ADMISSION, "validatingwebhookconfigurations", "ValidatingWebhookConfiguration",
          "kubernetes_webhook_configuration"),
    _wide(_ADMISSION, "validatingadmissionpolicies", "ValidatingAdmissionPolicy", "kubernetes_admission_policy"),
    _wide(_ADMISSION, "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding",
          "kubernetes_admission_policy_binding"),
    _wide("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition",
          "kubernetes_custom_kind"),
    _added("snapshot.storage.k8s.io/v1", "volumesnapshotclasses", "VolumeSnapshotClass", "kubernetes_snapshot_class",
           namespaced=False),
    _added(_GATEWAY + "v1", "gateways", "Gateway", "kubernetes_gateway"),
    _added(_GATEWAY + "v1", "httproutes", "HTTPRoute", "kubernetes_route"),
    _added(_GATEWAY + "v1", "grpcroutes", "GRPCRoute", "kubernetes_route"),
    _added(_GATEWAY + "v1alpha2", "tlsroutes", "TLSRoute", "kubernetes_route"),
    _added(_GATEWAY + "v1alpha2", "tcproutes", "TCPRoute", "kubernetes_route"),
    _added(_GATEWAY + "v1alpha2", "udproutes", "UDPRoute", "kubernetes_route"),
    _added(_VELERO, "schedules", "Schedule", "kubernetes_backup_schedule"),
    _added(_VELERO, "backups", "Backup", "kubernetes_backup"),
    _added(_VELERO, "backupstoragelocations", "BackupStorageLocation", "kubernetes_backup_location"),
    _added(_VELERO, "restores", "Restore", "kubernetes_restore"),
    _added(_SECRETS, "externalsecrets", "ExternalSecret", "kubernetes_secret_source"),
    _added(_SECRETS, "clusterexternalsecrets", "ClusterExternalSecret", "kubernetes_secret_source", namespaced=False),
    _added("secrets-store.csi.x-k8s.io/v1", "secretproviderclasses", "SecretProviderClass",
           "kubernetes_secret_source"),
    _added("bitnami.com/v1alpha1", "sealedsecrets", "SealedSecret", "kubernetes_secret_source"),
    _added(_KYVERNO, "clusterpolicies", "ClusterPolicy", "kubernetes_admission_policy", namespaced=False),
    _added(_KYVERNO, "policies", "Policy", "kubernetes_admission_policy"),
    _added("templates.gatekeeper.sh/v1", "constrainttemplates", "ConstraintTemplate", "kubernetes_admission_policy",
           namespaced=False),
    _added("extensions.agents.x-k8s.io/v1beta1", "sandboxtemplates", "SandboxTemplate",
           "kubernetes_sandbox_template"),
)  # fmt: skip


def _present(version: str, resource: str, kind: str, *, namespaced: bool = True, is_added: bool = True) -> Read:
    return Read(version, resource, kind, "kubernetes_object", namespaced=namespaced, is_added=is_added)


# Read for their presence alone.
PRESENT: tuple[Read, ...] = (
    _present("cert-manager.io/v1", "certificates", "Certificate"),
    _present("cert-manager.io/v1", "issuers", "Issuer"),
    _present("cert-manager.io/v1", "clusterissuers", "ClusterIssuer", namespaced=False),
    _present("argoproj.io/v1alpha1", "applications", "Application"),
    _present("kustomize.toolkit.fluxcd.io/v1", "kustomizations", "Kustomization"),
    _present("helm.toolkit.fluxcd.io/v2", "helmreleases", "HelmRelease"),
    _present("config.kio.kasten.io/v1alpha1", "policies", "Policy"),
)
# Of these a cluster makes by itself many more than people do, and only manifests are asked for them.
WRITTEN: tuple[Read, ...] = (
    _present("v1", "endpoints", "Endpoints", is_added=False),
    _present("v1", "podtemplates", "PodTemplate", is_added=False),
    _present("coordination.k8s.io/v1", "leases", "Lease", is_added=False),
)


def listings(kind: str) -> tuple[str, ...]:
    """The operations, as calls name them, whose answers hold objects of that kind."""
    if kind == "Cluster":
        return ("get version",)
    found = [f"list {read.resource}" for read in (*READS, *PRESENT, SECRETS) if read.kind == kind]
    return ("get namespaces", *found) if kind == NAMESPACES.kind else tuple(found)


# Read besides: the version, and which versions of a group are served where the declared one is not.
PATHS = ("/version", "/apis/*")


def permissions(*, secrets: bool = False) -> dict[str, Json]:
    """The ClusterRole that lets a scan read all it asks for, and nothing else.

    Listing secrets is reading their values, so it is left out unless `read_secret_values` is to be set.
    """
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for read in (*READS, *PRESENT, *((SECRETS,) if secrets else ())):
        grouped.setdefault((read.group, read.verbs), []).append(read.resource)
    rules: list[Json] = [
        {"apiGroups": [group], "resources": sorted(resources), "verbs": list(verbs)}
        for (group, verbs), resources in sorted(grouped.items())
    ]
    rules.append({"nonResourceURLs": list(PATHS), "verbs": ["get"]})
    return {
        "apiVersion": _RBAC,
        "kind": "ClusterRole",
        "metadata": {"name": "tierwall-read"},
        "rules": rules,
    }
