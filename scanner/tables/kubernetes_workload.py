"""What runs in a cluster: workloads with their pod template, its containers and volumes, and how they scale.

Fields that are not set have the value that the API documents for them (https://kubernetes.io/docs/reference/
kubernetes-api/workload-resources/pod-v1/), so that a manifest and the object the API server makes of it are alike.
Where another component decides (the image, the kubelet), the column has a value for «not set».
All children have the workload's uid; those of a container name it in `container`, which is unique in a pod.
"""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class KubernetesWorkload(Resource, title="A workload: what makes pods, or a pod that nothing else makes"):
    """One row for a pod template. Pods, replica sets and jobs that a controller of ours made are not rows."""

    kind: str | None = column(
        "Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job, CronJob or Pod."
    )
    replicas: int | None = column(
        "Pods asked for, for jobs in parallel; not set is 1, a pod is 1; 0 for a DaemonSet, where the nodes decide."
    )
    service_account: str | None = column("Name of the service account; not set is default.")
    service_account_uid: str | None = column("Its uid.")
    automounts_token: bool | None = column(
        "The service account's token is mounted: the pod's setting, else the service account's, else true."
    )
    host_network: bool | None = column("Pods use the node's network. Not set is false.")
    host_pid: bool | None = column("Pods see the node's processes. Not set is false.")
    host_ipc: bool | None = column("Pods share the node's IPC. Not set is false.")
    host_users: bool | None = column("Pods run in the node's user namespace. Not set is true.")
    share_process_namespace: bool | None = column("Containers see each other's processes. Not set is false.")
    priority_class: str | None = column("Priority class; '' if not set.")
    runtime_class: str | None = column("Runtime class, such as gvisor; '' if not set: the runtime's default.")
    node_name: str | None = column("Node that the template names; '' if the scheduler decides.")
    is_mirror_pod: bool | None = column("A static pod of the kubelet, shown by the API server.")
    spreads_pods: bool | None = column("Has topology spread constraints or pod anti-affinity.")
    suspended: bool | None = column("A job or cron job that starts no pods. Not set is false.")
    schedule: str | None = column("Schedule of a cron job; '' for the others.")
    containers: int | None = column("Number of containers, init and ephemeral containers left out.")
    component: str | None = column(
        "Part of the control plane that it is, by the program it starts: kube-apiserver, kube-controller-manager, "
        "kube-scheduler, etcd, kubelet, kube-proxy; '' for the others."
    )
    client_ca_file: str | None = column(
        "Where the API server or etcd has the authority by which it knows its clients: client-ca-file, "
        "trusted-ca-file; '' if not set, and for the others."
    )
    owner_kind: str | None = column(
        "Kind of what made it and keeps it, where that is no workload of ours: Node, Rollout; '' if nothing does."
    )
    is_windows: bool | None = column("Pods run on Windows: os.name, or the node selector kubernetes.io/os, says so.")
    selects_own_pods: bool | None = column(
        "Its selector matches the labels of its pods; true where it has no selector of its own."
    )
    update_strategy: str | None = column(
        "RollingUpdate, Recreate or OnDelete; not set is RollingUpdate; '' for kinds that are not rolled out."
    )
    uses_deprecated_account_field: bool | None = column(
        "It names its service account in `serviceAccount` alone, or there another one than in `serviceAccountName`."
    )
    takes_snippets: bool | None = column(
        "Runs an ingress-nginx controller that takes configuration from annotations unless it is told not to: before "
        "1.9, or of a version that the tag does not tell."
    )
    sub_path_mounts: int | None = column("Number of mounts that name a path within their volume (subPath).")
    fs_group: int | None = column("Group that volumes are given to; -1 if not set.")
    termination_grace_seconds: int | None = column("Time pods get to end; not set is 30.", unit="seconds")


class KubernetesWorkloadLabel(Child, title="A label of the workload itself"):
    label: str | None = column("Key of the label.")
    value: str | None = column("Its value; '' is allowed.")


class KubernetesPodLabel(Child, title="A label that a workload's pods get"):
    """What services, network policies and disruption budgets select by."""

    label: str | None = column("Key of the label.")
    value: str | None = column("Its value; '' is allowed.")


class KubernetesWorkloadAnnotation(Child, title="An annotation of the workload itself"):
    """Owner, purpose and the like. Values that look like secrets are keyed hashes."""

    annotation: str | None = column("Key of the annotation.")
    value: str | None = column("Its value.", hashed=True)


class KubernetesNodeSelector(Child, title="A label that a workload asks of the nodes it runs on"):
    """From `nodeSelector`, and from required node affinity with one value."""

    label: str | None = column("Key of the node's label.")
    value: str | None = column("The value asked for.")


class KubernetesSysctl(Child, title="A kernel setting that a workload's pods ask for"):
    sysctl: str | None = column("Name: net.core.somaxconn.")
    value: str | None = column("Value as spelt.")


class KubernetesComponentFlag(Child, title="A setting on the command line of a part of the control plane"):
    """Known where the API server shows the part as a pod; on managed clusters the provider keeps it to itself.

    Where a flag is given twice the last holds. A flag without a value is true.
    """

    flag: str | None = column("Name without the dashes: audit-log-path.")
    value: str | None = column("Value as spelt; what looks like a secret is a keyed hash.", hashed=True)


class KubernetesContainer(Child, title="A container of a workload's pods"):
    """Security settings are those in force: the container's, else the pod's, else the documented default."""

    container: str | None = column("Name of the container, unique in the pod.")
    kind: str | None = column("container, sidecar (an init container that keeps running), init or ephemeral.")
    image: str | None = column("Image as spelt.")
    image_registry: str | None = column("Registry host; not spelt is docker.io.")
    image_repository: str | None = column("Repository without registry, tag and digest: library/nginx.")
    image_tag: str | None = column("Tag; latest where neither tag nor digest is given; '' for a digest alone.")
    image_digest: str | None = column("Digest, sha256:…; '' if not pinned.")
    is_pinned: bool | None = column("The digest is complete, so that the image cannot become another.")
    image_pull_policy: str | None = column(
        "Always, IfNotPresent or Never; not set is Always for the tag latest, else IfNotPresent."
    )
    privileged: bool | None = column("Has all the node's devices and capabilities. Not set is false.")
    allows_privilege_escalation: bool | None = column(
        "A process may gain more rights than its parent. Not set is true; always true with privileged or SYS_ADMIN."
    )
    run_as_non_root: bool | None = column("The kubelet refuses to start it as root. Not set is false.")
    run_as_user: int | None = column("User id; -1 if not set: the image decides.")
    run_as_group: int | None = column("Group id; -1 if not set: the runtime decides.")
    read_only_root_filesystem: bool | None = column("The root filesystem cannot be written. Not set is false.")
    capabilities_added: int | None = column("Number of capabilities added to the runtime's set.")
    drops_all_capabilities: bool | None = column("Drops ALL.")
    drops_net_raw: bool | None = column("Has no NET_RAW: drops it or ALL, and does not add it.")
    seccomp: str | None = column(
        "RuntimeDefault, Localhost or Unconfined; '' if not set: Unconfined unless the kubelet's seccompDefault is on."
    )
    apparmor: str | None = column(
        "RuntimeDefault, Localhost or Unconfined, from the field or else the older annotation; '' if not set: the "
        "runtime's default."
    )
    selinux_type: str | None = column("SELinux type; '' if not set: the runtime's.")
    selinux_user: str | None = column("SELinux user; '' if not set.")
    selinux_role: str | None = column("SELinux role; '' if not set.")
    has_selinux: bool | None = column("SELinux options are set, in the container or the pod.")
    host_process: bool | None = column("Windows: it has the rights of a process of the node. Not set is false.")
    windows_user: str | None = column("Windows user it runs as; '' if not set: the image decides.")
    gmsa_spec: str | None = column("Windows: its group managed service account's specification; '' if not set.")
    proc_mount: str | None = column("Default or Unmasked. Not set is Default.")
    cpu_request_millicores: int | None = column(
        "CPU request; not set is the limit; 0 if neither is set.", unit="millicores"
    )
    cpu_limit_millicores: int | None = column("CPU limit; 0 if not set.", unit="millicores")
    memory_request_bytes: int | None = column(
        "Memory request; not set is the limit; 0 if neither is set.", unit="bytes"
    )
    memory_limit_bytes: int | None = column("Memory limit; 0 if not set.", unit="bytes")
    has_liveness_probe: bool | None = column("Has a liveness probe.")
    has_readiness_probe: bool | None = column("Has a readiness probe.")
    has_startup_probe: bool | None = column("Has a startup probe.")
    host_ports: int | None = column("Number of ports of the node that it takes.")
    uses_sudo: bool | None = column("Its command line begins sudo, or a shell that it starts is told to.")
    repeated_variables: int | None = column("Number of environment variables that are given more than once.")
    host_probes: int | None = column("Number of probes and hooks that are sent to another host than the pod.")


class KubernetesContainerCapability(Child, title="A Linux capability that a container adds or drops"):
    container: str | None = column("The container.")
    action: str | None = column("add or drop.")
    capability: str | None = column("Capability without CAP_, in upper case: NET_ADMIN, ALL.")


class KubernetesContainerPort(Child, title="A port that a container declares"):
    """Information only: undeclared ports are reachable as well."""

    container: str | None = column("The container.")
    port: int | None = column("Port of the container.")
    port_name: str | None = column("Name that services and policies may use; '' if none.")
    protocol: str | None = column("TCP, UDP or SCTP. Not set is TCP.")
    host_port: int | None = column("Port of the node; 0 if none.")


class KubernetesContainerVariable(Child, title="An environment variable of a container"):
    """Where a name is given twice the last holds; all are rows. `envFrom` gives one row a source, with no name."""

    container: str | None = column("The container.")
    variable: str | None = column("Name of the variable; '' for all the keys of a source (`envFrom`).")
    kind: str | None = column("literal, secret, config_map, field, resource, file; '' for one that is new to us.")
    value: str | None = column(
        "Literal value; '' for the other kinds. Secrets are keyed hashes, equal where the secrets are.", hashed=True
    )
    reference: str | None = column("Name of the secret or config map, path of the field or resource; '' for literals.")
    reference_key: str | None = column("Key in the secret or config map; '' for all keys and for the other kinds.")
    reference_uid: str | None = column("Uid of the secret or config map; '' for the other kinds.")
    optional: bool | None = column("The pod starts without the secret or config map. Not set is false.")


class KubernetesMount(Child, title="A volume mounted in a container"):
    container: str | None = column("The container.")
    volume: str | None = column("Name of the volume.")
    path: str | None = column("Where it is mounted.")
    sub_path: str | None = column("Path within the volume; '' for all of it.")
    read_only: bool | None = column("The container cannot write to it. Not set is false.")
    propagation: str | None = column("None, HostToContainer or Bidirectional. Not set is None.")


class KubernetesVolume(Child, title="A volume of a workload's pods"):
    """A projected volume gives one row a source."""

    volume: str | None = column("Name of the volume.")
    kind: str | None = column(
        "As the API spells it: hostPath, secret, configMap, persistentVolumeClaim, emptyDir, csi, nfs, "
        "serviceAccountToken, … '' for one that is new to us."
    )
    projected: bool | None = column("A source of a projected volume.")
    host_path: str | None = column("Path on the node; '' if it is not hostPath.")
    mounted_read_only: bool | None = column("Every container that mounts it does so read-only; true if none does.")
    is_mounted: bool | None = column("Some container mounts it.")
    optional: bool | None = column("The pod starts without the secret or config map. Not set is false.")
    reference: str | None = column(
        "Name of the secret, config map, claim or CSI driver; address of a network share; '' for the others."
    )
    reference_uid: str | None = column("Uid of the secret, config map or claim; '' for the others.")


class KubernetesPodDisruptionBudget(Resource, title="A disruption budget: how many pods an eviction leaves running"):
    min_available: str | None = column("Number or percentage; '' if not set.")
    max_unavailable: str | None = column("Number or percentage; '' if not set.")
    allows_no_disruption: bool | None = column("As written nothing may be evicted: 0 unavailable or 100% available.")
    selector: str | None = column("Pods it guards, as a label selector; '' is every pod of the namespace.")
    selects_nothing: bool | None = column("It has no selector at all, so it guards no pod.")


class KubernetesHorizontalPodAutoscaler(Resource, title="A horizontal pod autoscaler"):
    target_uid: str | None = column("The workload it scales.")
    min_replicas: int | None = column("Fewest pods. Not set is 1.")
    max_replicas: int | None = column("Most pods.")
    metrics: int | None = column("Number of metrics it follows; none set is 80 % CPU, which is 1.")
