"""A cluster, its namespaces, its nodes, and what a namespace may use."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class KubernetesCluster(Resource, title="A Kubernetes cluster"):
    """uid `k8s:<cluster>//Cluster/<cluster>`, which is ours. Read by `GET /version`; not known from manifests."""

    version: str | None = column("Version of the API server as it spells it, such as v1.34.1-eks-7a3b9c2.")
    major: int | None = column("Major version.")
    minor: int | None = column("Minor version.")
    platform: str | None = column("Operating system and architecture of the API server: linux/amd64.")
    provider: str | None = column("eks, gke or aks where the version's suffix names it; '' where it names none.")


class KubernetesNamespace(Resource, title="A namespace of a cluster"):
    """Its column `namespace` is its own name. Pod Security levels are the labels pod-security.kubernetes.io/<mode>."""

    phase: str | None = column("Active or Terminating; '' in a manifest.", volatile=True)
    created: int | None = column("When it was made; not known of a manifest until it is applied.", unit="UTC seconds")
    pod_security_enforce: str | None = column(
        "Level that refuses pods: privileged, baseline or restricted; '' if no label is set, and the cluster's own "
        "default holds, which is privileged unless an admission configuration says otherwise."
    )
    pod_security_enforce_version: str | None = column("Version of the level, such as v1.34 or latest; '' if not set.")
    pod_security_audit: str | None = column("Level that is logged; '' if not set.")
    pod_security_warn: str | None = column("Level that is answered with a warning; '' if not set.")


class KubernetesNamespaceLabel(Child, title="A label of a namespace"):
    """Only kubernetes.io/metadata.name is set by the API server; whoever may change the namespace changes the rest."""

    label: str | None = column("Key of the label.")
    value: str | None = column("Its value; '' is allowed.")


class KubernetesNamespaceAnnotation(Child, title="An annotation of a namespace"):
    """Owner, expiry and the like. Values that look like secrets are keyed hashes."""

    annotation: str | None = column("Key of the annotation.")
    value: str | None = column("Its value.", hashed=True)


class KubernetesNode(Resource, title="A node of a cluster"):
    """Versions, images and addresses come from the node's status; a node in a manifest has none: ''."""

    kubelet_version: str | None = column("Version of the kubelet.")
    kubelet_minor: int | None = column("Its minor version: 34 of v1.34.1; -1 if the node says none.")
    kubelet_patch: int | None = column("Its patch version: 1 of v1.34.1; -1 if the node says none.")
    container_runtime: str | None = column("Runtime and version: containerd://2.1.4.")
    os_image: str | None = column("Operating system image.")
    kernel_version: str | None = column("Kernel.")
    architecture: str | None = column("amd64, arm64, …")
    provider_id: str | None = column("The cloud's name of the machine: aws:///eu-west-1a/i-0123; '' if none.")
    zone: str | None = column("Label topology.kubernetes.io/zone; '' if not set.")
    instance_type: str | None = column("Label node.kubernetes.io/instance-type; '' if not set.")
    unschedulable: bool | None = column("Cordoned: takes no new pods. Not set is false.")
    is_control_plane: bool | None = column("Label node-role.kubernetes.io/control-plane or the older master is set.")
    pool: str | None = column("Node pool by the label of EKS, GKE, AKS or Karpenter; '' if none is set.")


class KubernetesNodeLabel(Child, title="A label of a node"):
    label: str | None = column("Key of the label.")
    value: str | None = column("Its value; '' is allowed.")


class KubernetesNodeTaint(Child, title="A taint of a node"):
    """Keeps away the pods that do not tolerate it."""

    taint: str | None = column("Key of the taint.")
    value: str | None = column("Its value; '' is allowed.")
    effect: str | None = column("NoSchedule, PreferNoSchedule or NoExecute.")


class KubernetesResourceQuota(Resource, title="A resource quota: what a namespace may use at most"):
    scoped: bool | None = column("Holds for some pods only: it has scopes or a scope selector.")


class KubernetesResourceQuotaLimit(Child, title="A limit of a resource quota"):
    resource: str | None = column("As spelt: pods, requests.cpu, limits.memory, count/secrets, …")
    amount: str | None = column("The quantity as spelt, such as 10, 500m, 8Gi.")
    scoped: bool | None = column("The quota holds for some pods only.")


class KubernetesLimitRange(Resource, title="A limit range: default and extreme requests and limits in a namespace"):
    limits: int | None = column("Number of entries.")


class KubernetesLimitRangeLimit(Child, title="What a limit range says of one resource"):
    kind: str | None = column("Container, Pod or PersistentVolumeClaim.")
    resource: str | None = column("cpu, memory, storage, …")
    default_limit: str | None = column("Limit of containers that set none, as spelt; '' if none.")
    default_request: str | None = column(
        "Request of containers that set none, as spelt; not set is the default limit; '' if neither is set."
    )
    minimum: str | None = column("Smallest allowed, as spelt; '' if none.")
    maximum: str | None = column("Largest allowed, as spelt; '' if none.")
