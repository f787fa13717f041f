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


_APPS, _NET, _RBAC = "apps/v1", "networking.k8s.io/v1", "rbac.authorization.k8s.io/v1"

NAMESPACES = Read("v1", "namespaces", "Namespace", "kubernetes_namespace", namespaced=False, verbs=("get", "list"))
SERVICE_ACCOUNTS = Read("v1", "serviceaccounts", "ServiceAccount", "kubernetes_service_account", refers_to_secrets=True)
SECRETS = Read("v1", "secrets", "Secret", "kubernetes_secret")

# Namespaces come first, since they say where else to look, and service accounts before the workloads that use them.
READS: tuple[Read, ...] = (
    NAMESPACES,
    SERVICE_ACCOUNTS,
    Read("v1", "nodes", "Node", "kubernetes_node", namespaced=False),
    _workload("v1", "pods", "Pod"),
    _workload("v1", "replicationcontrollers", "ReplicationController"),
    _workload(_APPS, "deployments", "Deployment"),
    _workload(_APPS, "statefulsets", "StatefulSet"),
    _workload(_APPS, "daemonsets", "DaemonSet"),
    _workload(_APPS, "replicasets", "ReplicaSet"),
    _workload("batch/v1", "jobs", "Job"),
    _workload("batch/v1", "cronjobs", "CronJob"),
    Read("v1", "services", "Service", "kubernetes_service"),
    Read(_NET, "ingresses", "Ingress", "kubernetes_ingress", refers_to_secrets=True),
    Read(_NET, "networkpolicies", "NetworkPolicy", "kubernetes_network_policy"),
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
)  # fmt: skip

# Read besides: the version, and which versions of a group are served where the declared one is not.
PATHS = ("/version", "/apis/*")


def permissions(*, secrets: bool = False) -> dict[str, Json]:
    """The ClusterRole that lets a scan read all it asks for, and nothing else.

    Listing secrets is reading their values, so it is left out unless `read_secret_values` is to be set.
    """
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for read in (*READS, SECRETS) if secrets else READS:
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
