"""Workloads as rows: the pod template, its containers, variables and volumes, and how they scale."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from scanner.collectors.kubernetes.identity import place, sibling
from scanner.collectors.kubernetes.selectors import matches
from scanner.collectors.kubernetes.values import (
    dig,
    first_set,
    flag,
    image,
    is_digest,
    mapping,
    mappings,
    names,
    number_or_text,
    quantity,
    selector,
    text,
    texts,
    whole,
)
from scanner.tables import Document, Json, numbered
from scanner.tables.base import Placed
from scanner.tables.kubernetes_workload import (
    KubernetesComponentFlag,
    KubernetesContainer,
    KubernetesContainerCapability,
    KubernetesContainerPort,
    KubernetesContainerVariable,
    KubernetesHorizontalPodAutoscaler,
    KubernetesMount,
    KubernetesNodeSelector,
    KubernetesPodDisruptionBudget,
    KubernetesPodLabel,
    KubernetesSysctl,
    KubernetesVolume,
    KubernetesWorkload,
    KubernetesWorkloadAnnotation,
    KubernetesWorkloadLabel,
)

APPARMOR = "container.apparmor.security.beta.kubernetes.io/"  # the annotation before the field, and the container
MIRROR = "kubernetes.io/config.mirror"  # the annotation the kubelet puts on the image of a static pod
_REPLICAS = {
    "Deployment": "replicas", "StatefulSet": "replicas", "ReplicaSet": "replicas",
    "ReplicationController": "replicas", "Job": "parallelism",
}  # fmt: skip


class Variable(NamedTuple):
    """Where the value of an environment variable comes from."""

    kind: str
    reference: str = ""
    key: str = ""
    optional: bool = False


def pod_template(obj: Json) -> Json:
    """The part of a workload that has `metadata` and `spec` of its pods; a pod is its own."""
    kind = text(obj, "kind")
    if kind == "Pod":
        return obj
    if kind == "CronJob":
        return mapping(obj, "spec", "jobTemplate", "spec", "template")
    return mapping(obj, "spec", "template")


def containers(template: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    """Every container of a pod template with its kind."""
    for container in mappings(template, "spec", "containers"):
        yield "container", container
    for container in mappings(template, "spec", "initContainers"):
        # https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
        yield "sidecar" if text(container, "restartPolicy") == "Always" else "init", container
    for container in mappings(template, "spec", "ephemeralContainers"):
        yield "ephemeral", container


def variable_source(entry: Json) -> Variable:
    """What an entry of `env` or `envFrom` refers to."""
    if secret := dig(entry, "secretRef"):
        return Variable("secret", text(secret, "name"), "", flag(secret, "optional"))
    if config := dig(entry, "configMapRef"):
        return Variable("config_map", text(config, "name"), "", flag(config, "optional"))
    source = mapping(entry, "valueFrom")
    if secret := source.get("secretKeyRef"):
        return Variable("secret", text(secret, "name"), text(secret, "key"), flag(secret, "optional"))
    if config := source.get("configMapKeyRef"):
        return Variable("config_map", text(config, "name"), text(config, "key"), flag(config, "optional"))
    if field := source.get("fieldRef"):
        return Variable("field", text(field, "fieldPath"))
    if resource := source.get("resourceFieldRef"):
        return Variable("resource", text(resource, "resource"))
    if file := source.get("fileKeyRef"):
        return Variable("file", text(file, "path"), text(file, "key"), flag(file, "optional"))
    return Variable("") if source or text(entry, "name") == "" else Variable("literal")


def shape_workload(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of one workload."""
    template = pod_template(obj)
    pod = mapping(template, "spec")
    where = place(document)
    every = list(containers(template))
    yield _workload(document, obj, template, sum(kind in ("container", "sidecar") for kind, _ in every))
    yield from numbered(_labels(KubernetesWorkloadLabel, where, obj))
    yield from numbered(_labels(KubernetesPodLabel, where, template))
    yield from numbered(
        KubernetesWorkloadAnnotation(**where, annotation=key, value=value)
        for key, value in names(document.parts.get("annotations"))
    )
    yield from numbered(
        KubernetesNodeSelector(**where, label=label, value=value) for label, value in sorted(set(_node_labels(pod)))
    )
    yield from numbered(
        KubernetesSysctl(**where, sysctl=text(entry, "name"), value=text(entry, "value"))
        for entry in mappings(pod, "securityContext", "sysctls")
    )
    yield from numbered(
        KubernetesComponentFlag(**where, flag=flag_, value=value)
        for kept in ("known", "flags")
        for flag_, value in names(document.parts.get("component"), kept)
    )
    profiles = dict(names(template, "metadata", "annotations"))
    yield from numbered(
        _container(where, kind, container, pod, document.parts.get("sudo"), profiles) for kind, container in every
    )
    yield from numbered(row for _, c in every for row in _capabilities(where, c))
    yield from numbered(row for _, c in every for row in _ports(where, c))
    yield from numbered(row for _, c in every for row in _variables(document, c))
    yield from numbered(row for _, c in every for row in _mounts(where, c))
    yield from numbered(_volumes(document, pod, [c for _, c in every]))


def _labels(
    table: type[KubernetesWorkloadLabel] | type[KubernetesPodLabel], where: dict[str, Any], obj: Json
) -> Iterator[KubernetesWorkloadLabel | KubernetesPodLabel]:
    for label, value in names(obj, "metadata", "labels"):
        yield table(**where, label=label, value=value)


def _workload(document: Document, obj: Json, template: Json, count: int) -> KubernetesWorkload:
    kind = text(obj, "kind")
    spec, pod = mapping(obj, "spec"), mapping(template, "spec")
    job = mapping(spec, "jobTemplate", "spec") if kind == "CronJob" else spec
    affinity = mapping(pod, "affinity", "podAntiAffinity")
    # `serviceAccount` is the older name of the same field; the API server keeps both.
    account = text(pod, "serviceAccountName") or text(pod, "serviceAccount", default="default")
    return KubernetesWorkload(
        **place(document),
        kind=kind,
        replicas=0 if kind == "DaemonSet" else whole(job, _REPLICAS.get(kind, "parallelism"), default=1),
        service_account=account,
        service_account_uid=sibling(document, "ServiceAccount", account),
        automounts_token=automounts_token(document, pod),
        host_network=flag(pod, "hostNetwork"),
        host_pid=flag(pod, "hostPID"),
        host_ipc=flag(pod, "hostIPC"),
        host_users=flag(pod, "hostUsers", default=True),
        share_process_namespace=flag(pod, "shareProcessNamespace"),
        priority_class=text(pod, "priorityClassName"),
        runtime_class=text(pod, "runtimeClassName"),
        node_name=text(pod, "nodeName") if kind != "Pod" or _is_mirror(obj) else "",
        is_mirror_pod=_is_mirror(obj),
        spreads_pods=bool(
            mappings(pod, "topologySpreadConstraints")
            or mappings(affinity, "requiredDuringSchedulingIgnoredDuringExecution")
            or mappings(affinity, "preferredDuringSchedulingIgnoredDuringExecution")
        ),
        suspended=flag(spec, "suspend"),
        schedule=text(spec, "schedule"),
        containers=count,
        component=text(document.parts.get("component"), "name"),
        client_ca_file=_client_ca_file(document.parts.get("component")),
        owner_kind=next(
            (text(o, "kind") for o in mappings(obj, "metadata", "ownerReferences") if o.get("controller")), ""
        ),
        is_windows=_is_windows(pod),
        selects_own_pods=_selects_own_pods(kind, job, template),
        update_strategy=_update_strategy(kind, spec),
        uses_deprecated_account_field=bool(text(pod, "serviceAccount"))
        and text(pod, "serviceAccount") != text(pod, "serviceAccountName"),
        takes_snippets=any(_takes_snippets(text(container, "image")) for _, container in containers(template)),
        sub_path_mounts=sum(
            bool(text(mount, "subPath") or text(mount, "subPathExpr"))
            for _, container in containers(template)
            for mount in mappings(container, "volumeMounts")
        ),
        fs_group=whole(pod, "securityContext", "fsGroup", default=-1),
        termination_grace_seconds=whole(pod, "terminationGracePeriodSeconds", default=30),
    )


_CLIENT_CA = {"kube-apiserver": "client-ca-file", "etcd": "trusted-ca-file"}


def _client_ca_file(component: Json) -> str:
    flag_ = _CLIENT_CA.get(text(component, "name"), "")
    return text(component, "known", flag_) if flag_ else ""


_INGRESS_NGINX = re.compile(r"(^|/)(ingress-nginx/controller(-chroot)?|nginx-ingress-controller|nginx-controller)$")
_VERSION = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})(\..*)?")


def _takes_snippets(spelt: str) -> bool:
    """https://github.com/kubernetes/ingress-nginx/releases/tag/controller-v1.9.0"""
    parts = image(spelt)
    if not _INGRESS_NGINX.search(parts.repository):
        return False
    version = _VERSION.fullmatch(parts.tag)
    return version is None or (int(version[1]), int(version[2])) < (1, 9)


def _is_windows(pod: Json) -> bool:
    return text(pod, "os", "name") == "windows" or text(pod, "nodeSelector", "kubernetes.io/os") == "windows"


def _selects_own_pods(kind: str, spec: Json, template: Json) -> bool:
    chosen = dig(spec, "selector")
    if kind == "Pod" or chosen is None:
        return True
    if kind == "ReplicationController":
        chosen = {"matchLabels": chosen}
    return matches(selector(chosen), dict(names(template, "metadata", "labels")))


def _update_strategy(kind: str, spec: Json) -> str:
    if kind not in ("Deployment", "StatefulSet", "DaemonSet"):
        return ""
    return text(spec, "strategy" if kind == "Deployment" else "updateStrategy", "type", default="RollingUpdate")


def _node_labels(pod: Json) -> Iterator[tuple[str, str]]:
    yield from names(pod, "nodeSelector")
    required = mapping(pod, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    terms = mappings(required, "nodeSelectorTerms")
    if len(terms) != 1:  # terms are alternatives: none of several is asked for
        return
    for requirement in mappings(terms[0], "matchExpressions"):
        wanted = texts(requirement, "values")
        if text(requirement, "operator") == "In" and len(wanted) == 1:
            yield text(requirement, "key"), wanted[0]


def automounts_token(document: Document, pod: Json) -> bool | None:
    """Pod's setting, else the service account's, else true; NULL where the service account was not read.

    https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/
    """
    own = dig(pod, "automountServiceAccountToken")
    if own is not None:
        return flag(pod, "automountServiceAccountToken")
    if "service_account" not in document.parts:
        return None
    return flag(document.parts["service_account"], "automountServiceAccountToken", default=True)


def _is_mirror(obj: Json) -> bool:
    return MIRROR in mapping(obj, "metadata", "annotations")


def _container(
    where: dict[str, Any], kind: str, container: Json, pod: Json, sudo: Json, profiles: dict[str, str]
) -> KubernetesContainer:
    own, shared = mapping(container, "securityContext"), mapping(pod, "securityContext")
    added, dropped = _capability_names(own, "add"), _capability_names(own, "drop")
    privileged = flag(own, "privileged")
    parts = image(text(container, "image"))
    pull = "Always" if parts.tag == "latest" else "IfNotPresent"
    return KubernetesContainer(
        **where,
        container=text(container, "name"),
        kind=kind,
        image=text(container, "image"),
        image_registry=parts.registry,
        image_repository=parts.repository,
        image_tag=parts.tag,
        image_digest=parts.digest,
        is_pinned=is_digest(parts.digest),
        image_pull_policy=text(container, "imagePullPolicy", default=pull),
        privileged=privileged,
        allows_privilege_escalation=(
            flag(own, "allowPrivilegeEscalation", default=True)
            or privileged
            or bool({"SYS_ADMIN", "ALL"}.intersection(added))
        ),
        run_as_non_root=bool(_either(flag, own, shared, "runAsNonRoot", False)),
        run_as_user=_either(whole, own, shared, "runAsUser", -1),
        run_as_group=_either(whole, own, shared, "runAsGroup", -1),
        read_only_root_filesystem=flag(own, "readOnlyRootFilesystem"),
        capabilities_added=len(added),
        drops_all_capabilities="ALL" in dropped,
        drops_net_raw=bool({"ALL", "NET_RAW"}.intersection(dropped)) and not {"ALL", "NET_RAW"}.intersection(added),
        seccomp=text(first_set(own.get("seccompProfile"), shared.get("seccompProfile")), "type"),
        apparmor=_apparmor(container, own, shared, profiles),
        **_selinux(first_set(own.get("seLinuxOptions"), shared.get("seLinuxOptions"))),
        **_windows(first_set(own.get("windowsOptions"), {}), first_set(shared.get("windowsOptions"), {})),
        proc_mount=text(own, "procMount", default="Default"),
        **_resources(container),
        has_liveness_probe=bool(mapping(container, "livenessProbe")),
        has_readiness_probe=bool(mapping(container, "readinessProbe")),
        has_startup_probe=bool(mapping(container, "startupProbe")),
        host_ports=sum(_host_port(port, pod) > 0 for port in mappings(container, "ports")),
        uses_sudo=text(container, "name") in texts(sudo, "containers"),
        repeated_variables=sum(
            times > 1 for times in Counter(text(entry, "name") for entry in mappings(container, "env")).values()
        ),
        host_probes=sum(bool(host) for host in _probe_hosts(container)),
    )


_APPARMOR = {"runtime/default": "RuntimeDefault", "unconfined": "Unconfined"}


def _apparmor(container: Json, own: Json, shared: Json, profiles: dict[str, str]) -> str:
    found = text(first_set(own.get("appArmorProfile"), shared.get("appArmorProfile")), "type")
    older = profiles.get(APPARMOR + text(container, "name"), "")
    return found or _APPARMOR.get(older, "Localhost" if older.startswith("localhost/") else "")


def _selinux(options: Json) -> dict[str, Any]:
    return {
        "has_selinux": bool(options),
        "selinux_type": text(options, "type"),
        "selinux_user": text(options, "user"),
        "selinux_role": text(options, "role"),
    }


def _windows(own: Json, shared: Json) -> dict[str, Any]:
    return {
        "host_process": bool(_either(flag, own, shared, "hostProcess", False)),
        "windows_user": _either(text, own, shared, "runAsUserName", ""),
        "gmsa_spec": _either(text, own, shared, "gmsaCredentialSpecName", ""),
    }


def _probe_hosts(container: Json) -> Iterator[str]:
    for handler in ("livenessProbe", "readinessProbe", "startupProbe"):
        for action in ("httpGet", "tcpSocket"):
            yield text(container, handler, action, "host")


def _mounts(where: dict[str, Any], container: Json) -> Iterator[KubernetesMount]:
    for mount in mappings(container, "volumeMounts"):
        yield KubernetesMount(
            **where,
            container=text(container, "name"),
            volume=text(mount, "name"),
            path=text(mount, "mountPath"),
            sub_path=text(mount, "subPath") or text(mount, "subPathExpr"),
            read_only=flag(mount, "readOnly"),
            propagation=text(mount, "mountPropagation", default="None"),
        )


def _either(read: Any, own: Json, shared: Json, field: str, default: Any) -> Any:
    return read(own if dig(own, field) is not None else shared, field, default=default)


def _host_port(port: Json, pod: Json) -> int:
    # With hostNetwork the API server sets hostPort to containerPort where it is not set.
    return whole(port, "hostPort") or (whole(port, "containerPort") if flag(pod, "hostNetwork") else 0)


def _resources(container: Json) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for resource, unit, scale in (("cpu", "millicores", 1000), ("memory", "bytes", 1)):
        limit = number_or_text(container, "resources", "limits", resource)
        request = number_or_text(container, "resources", "requests", resource, default=limit)
        out[f"{resource}_request_{unit}"] = quantity(request, scale=scale)
        out[f"{resource}_limit_{unit}"] = quantity(limit, scale=scale)
    return out


def _capability_names(context: Json, action: str) -> list[str]:
    return sorted({name.upper().removeprefix("CAP_") for name in texts(context, "capabilities", action)})


def _capabilities(where: dict[str, Any], container: Json) -> Iterator[KubernetesContainerCapability]:
    for action in ("add", "drop"):
        for capability in _capability_names(mapping(container, "securityContext"), action):
            yield KubernetesContainerCapability(
                **where, container=text(container, "name"), action=action, capability=capability
            )


def _ports(where: dict[str, Any], container: Json) -> Iterator[KubernetesContainerPort]:
    for port in mappings(container, "ports"):
        yield KubernetesContainerPort(
            **where,
            container=text(container, "name"),
            port=whole(port, "containerPort"),
            port_name=text(port, "name"),
            protocol=text(port, "protocol", default="TCP"),
            host_port=whole(port, "hostPort"),
        )


def _variables(document: Document, container: Json) -> Iterator[KubernetesContainerVariable]:
    owner = text(container, "name")
    values = mapping(document.parts.get("variables"), owner)
    effective = {text(entry, "name"): variable_source(entry) for entry in mappings(container, "env")}
    rows = [("", variable_source(entry)) for entry in mappings(container, "envFrom")] + list(effective.items())
    targets = {"secret": "Secret", "config_map": "ConfigMap"}
    for variable, source in rows:
        kind = targets.get(source.kind, "")
        yield KubernetesContainerVariable(
            **place(document),
            container=owner,
            variable=variable,
            kind=source.kind,
            value=text(values, variable) if source.kind == "literal" else "",
            reference=source.reference,
            reference_key=source.key,
            reference_uid=sibling(document, kind, source.reference) if kind else "",
            optional=source.optional,
        )


class _Source(NamedTuple):
    """How a kind of volume names what it holds: the field with the name, and the kind of object named."""

    field: str
    kind: str = ""


_VOLUMES = {
    "secret": _Source("secretName", "Secret"),
    "configMap": _Source("name", "ConfigMap"),
    "persistentVolumeClaim": _Source("claimName", "PersistentVolumeClaim"),
    "csi": _Source("driver"),
    "nfs": _Source("server"),
    "flexVolume": _Source("driver"),
    "image": _Source("reference"),
}


def volume_sources(pod: Json) -> Iterator[tuple[str, str, bool, Json]]:
    """Name, kind, whether projected, and source of each volume of a pod."""
    for volume in mappings(pod, "volumes"):
        name = text(volume, "name")
        kind = _only_source(volume)
        if kind != "projected":
            # A volume without a source is an emptyDir: the API server writes that in.
            yield name, kind or "emptyDir", False, mapping(volume, kind) if kind else {}
            continue
        for source in mappings(volume, "projected", "sources"):
            part = _only_source(source)
            # Within a projected volume a secret's name is in `name`, elsewhere in `secretName`.
            body = mapping(source, part) if part else {}
            yield name, part, True, {"secretName": body.get("name"), **body} if part == "secret" else body


# What a volume, or a part of a projected one, can be made of. The API server drops keys that it does not know.
# https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume/
_SOURCES = (
    "hostPath", "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "clusterTrustBundle", "configMap",
    "csi", "downwardAPI", "emptyDir", "ephemeral", "fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo",
    "glusterfs", "image", "iscsi", "nfs", "persistentVolumeClaim", "photonPersistentDisk", "podCertificate",
    "portworxVolume", "projected", "quobyte", "rbd", "scaleIO", "secret", "serviceAccountToken", "storageos",
    "vsphereVolume",
)  # fmt: skip


def _only_source(volume: Json) -> str:
    """The source among the known ones; else a key that may be a newer one."""
    given = [key for key, value in volume.items() if key != "name" and value is not None]
    return next((key for key in _SOURCES if key in given), next(iter(sorted(given)), ""))


def _volumes(document: Document, pod: Json, every: list[dict[str, Json]]) -> Iterator[KubernetesVolume]:
    writable = {
        text(mount, "name")
        for container in every
        for mount in mappings(container, "volumeMounts")
        if not flag(mount, "readOnly")
    } | {text(device, "name") for container in every for device in mappings(container, "volumeDevices")}
    mounted = {
        text(mount, "name")
        for container in every
        for mount in [*mappings(container, "volumeMounts"), *mappings(container, "volumeDevices")]
    }
    for name, kind, projected, source in volume_sources(pod):
        reference = text(source, _VOLUMES[kind].field) if kind in _VOLUMES else ""
        target = _VOLUMES[kind].kind if kind in _VOLUMES else ""
        yield KubernetesVolume(
            **place(document),
            volume=name,
            kind=kind,
            projected=projected,
            host_path=text(source, "path") if kind == "hostPath" else "",
            mounted_read_only=name not in writable,
            is_mounted=name in mounted,
            optional=flag(source, "optional"),
            reference=reference,
            reference_uid=sibling(document, target, reference) if target else "",
        )


def shape_disruption_budget(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a disruption budget.

    https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/pod-disruption-budget-v1/
    """
    least = number_or_text(obj, "spec", "minAvailable")
    most = number_or_text(obj, "spec", "maxUnavailable")
    chosen = dig(obj, "spec", "selector")
    yield KubernetesPodDisruptionBudget(
        **place(document),
        min_available=least,
        max_unavailable=most,
        allows_no_disruption=least == "100%" or most in ("0", "0%"),
        selector=selector(chosen),
        selects_nothing=chosen is None,
    )


def shape_autoscaler(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a horizontal pod autoscaler.

    https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/
    """
    target = mapping(obj, "spec", "scaleTargetRef")
    yield KubernetesHorizontalPodAutoscaler(
        **place(document),
        target_uid=sibling(document, text(target, "kind"), text(target, "name")),
        min_replicas=whole(obj, "spec", "minReplicas", default=1),
        max_replicas=whole(obj, "spec", "maxReplicas"),
        metrics=len(mappings(obj, "spec", "metrics")) or 1,
    )
