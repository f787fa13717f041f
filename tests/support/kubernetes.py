"""A small estate of Kubernetes objects, and scanning it over HTTPS into a real stage."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fixtures.servers.kubernetes_api import Certificate, KubernetesApi, Object
from scanner.collectors.kubernetes import KINDS
from scanner.collectors.kubernetes.client import Retry
from scanner.collectors.kubernetes.reads import PRESENT, READS, Read
from scanner.collectors.kubernetes.run import collect
from scanner.environments import Config
from scanner.safe.secrets import HashKey, Redactor
from scanner.store import Estate, Stage
from scanner.tables import Call, Gap, Kinds, Row

REDACTOR = Redactor(HashKey(b"k" * 32))
PASSWORD = "hunter2-Tr0ub4dor&3"
SECRET_TEXTS = (PASSWORD, "Zm9yLXByb2JlcytoZWFkZXJz", "--admin-password=Sw0rdfish!x9", "vault:v1:8SDd3WHDOjf7mq69")


@functools.cache
def certificate() -> Certificate:
    """One for all tests: making one costs more than a scan."""
    return Certificate.generate()


def kinds() -> Kinds:
    """The kinds that clusters and manifests give."""
    out = Kinds()
    out.add(*KINDS)
    return out


def obj(version: str, kind: str, name: str, namespace: str = "", **rest: Any) -> Object:
    """An object; `labels` and `annotations` go into its metadata."""
    metadata: Object = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    for key in ("labels", "annotations", "ownerReferences", "uid"):
        if key in rest:
            metadata[key] = rest.pop(key)
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def namespace(name: str, labels: dict[str, str] | None = None, **rest: Any) -> Object:
    """A namespace as the API server keeps it."""
    every = {"kubernetes.io/metadata.name": name, **(labels or {})}
    return obj("v1", "Namespace", name, labels=every, status={"phase": "Active"}, **rest)


def pod_spec(**container: Any) -> Object:
    """A pod spec with one container."""
    return {"containers": [{"name": "app", "image": "registry.acme.example/shop/web:1.4", **container}]}


def deployment(name: str, space: str, spec: Object, **rest: Any) -> Object:
    """A deployment whose pods are labelled with its name."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    body = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return obj("apps/v1", "Deployment", name, space, labels=labels, spec=body, **rest)


def owned_by(kind: str, name: str, version: str = "apps/v1") -> list[Object]:
    """The reference that a controller puts on what it makes; its uid is `<kind>-<name>`."""
    return [{"apiVersion": version, "kind": kind, "name": name, "uid": f"{kind}-{name}", "controller": True}]


def shop() -> list[Object]:
    """Two namespaces with at least one object of every kind that is read."""
    web = deployment(
        "web", "production", uid="Deployment-web",
        spec={
            "serviceAccountName": "web",
            "imagePullSecrets": [{"name": "registry"}],
            "containers": [{
                "name": "app",
                "image": "registry.acme.example/shop/web@sha256:" + "a" * 64,
                "command": ["/bin/web", SECRET_TEXTS[2]],
                "env": [
                    {"name": "LOG_LEVEL", "value": "info"},
                    {"name": "DB_PASSWORD", "value": PASSWORD},
                    {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}},
                ],
                "envFrom": [{"configMapRef": {"name": "settings"}}],
                "livenessProbe": {"httpGet": {"path": "/", "port": 80, "httpHeaders": [
                    {"name": "Authorization", "value": SECRET_TEXTS[1]}]}},
                "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "0.1"}},
                "securityContext": {"capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True},
                "volumeMounts": [{"name": "tls", "mountPath": "/tls", "readOnly": True}],
            }],
            "volumes": [{"name": "tls", "secret": {"secretName": "tls"}}],
        },
        annotations={
            "kubectl.kubernetes.io/last-applied-configuration": f'{{"password": "{PASSWORD}"}}',
            "vault.example/token": SECRET_TEXTS[3],
        },
    )  # fmt: skip
    agent = {"hostNetwork": True, "containers": [{
        "name": "agent", "image": "agent", "securityContext": {"privileged": True}, "env": [
            {"name": "DB_PASSWORD", "value": PASSWORD}]}],
        "volumes": [{"name": "root", "hostPath": {"path": "/"}}]}  # fmt: skip
    pods = {"metadata": {"labels": {"app": "x"}}, "spec": pod_spec()}
    subject = {"kind": "ServiceAccount", "name": "web", "namespace": "production"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"}
    rbac, policy = "rbac.authorization.k8s.io/v1", "networking.k8s.io/v1"
    return [
        namespace("production", {"env": "production", "pod-security.kubernetes.io/enforce": "restricted"}),
        namespace("integration", annotations={"acme.example/owner": "shop", "acme.example/expires": "2026-12-24"}),
        obj("v1", "Node", "node-1", labels={"topology.kubernetes.io/zone": "eu-west-1a"},
            spec={"providerID": "aws:///eu-west-1a/i-1", "taints": [{"key": "gpu", "effect": "NoSchedule"}]},
            status={"nodeInfo": {"kubeletVersion": "v1.34.1", "architecture": "amd64"}, "images": []}),
        web,
        obj("apps/v1", "ReplicaSet", "web-1", "production", uid="ReplicaSet-web-1",
            ownerReferences=owned_by("Deployment", "web"), spec=web["spec"]),
        obj("v1", "Pod", "web-1-a", "production", ownerReferences=owned_by("ReplicaSet", "web-1"), spec=pod_spec()),
        obj("v1", "Pod", "debug", "integration", labels={"run": "debug"}, spec=pod_spec()),
        obj("apps/v1", "DaemonSet", "agent", "integration", spec={"template": {"spec": agent}}),
        obj("apps/v1", "StatefulSet", "db", "production", spec={"template": pods}),
        obj("apps/v1", "ReplicaSet", "loose", "integration", spec={"template": pods}),
        obj("v1", "ReplicationController", "old", "integration", spec={"template": pods}),
        obj("batch/v1", "Job", "migrate", "integration", spec={"template": pods}),
        obj("batch/v1", "CronJob", "nightly", "integration",
            spec={"schedule": "0 1 * * *", "jobTemplate": {"spec": {"template": pods}}}),
        obj("v1", "ServiceAccount", "web", "production", automountServiceAccountToken=False,
            annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::111111111111:role/web"}),
        obj("v1", "ServiceAccount", "default", "integration"),
        obj("v1", "ServiceAccount", "default", "production"),
        obj("v1", "Service", "web", "production", spec={
            "type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 443, "targetPort": 8443}]}),
        obj(policy, "Ingress", "web", "production", spec={
            "tls": [{"hosts": ["shop.acme.example"], "secretName": "tls"}],
            "rules": [{"host": "shop.acme.example", "http": {"paths": [{"path": "/", "pathType": "Prefix",
                "backend": {"service": {"name": "web", "port": {"number": 443}}}}]}}]}),
        obj(policy, "NetworkPolicy", "deny", "production",
            spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
        obj(policy, "NetworkPolicy", "web", "production", spec={
            "podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{
                "from": [{"namespaceSelector": {"matchLabels": {"env": "integration"}}}],
                "ports": [{"port": 8443}]}]}),
        obj(rbac, "Role", "deployer", "integration", rules=[
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "update"]}]),
        obj(rbac, "RoleBinding", "deployer", "integration", subjects=[subject],
            roleRef={**role, "kind": "Role", "name": "deployer"}),
        obj(rbac, "ClusterRole", "reader", rules=[
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
            {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]),
        obj(rbac, "ClusterRoleBinding", "reader", subjects=[subject], roleRef=role),
        obj("v1", "Secret", "api", "production", type="Opaque", data={"token": "aHVudGVyMi1UcjB1YjRkb3ImMw=="}),
        obj("v1", "PersistentVolumeClaim", "data", "production", status={"phase": "Bound"}, spec={
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "8Gi"}}}),
        obj("v1", "ResourceQuota", "all", "integration", spec={"hard": {"pods": "10", "limits.cpu": 4}}),
        obj("v1", "LimitRange", "all", "integration", spec={"limits": [
            {"type": "Container", "default": {"cpu": "1"}, "max": {"memory": "1Gi"}}]}),
        obj("policy/v1", "PodDisruptionBudget", "web", "production",
            spec={"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}),
        obj("autoscaling/v2", "HorizontalPodAutoscaler", "web", "production", spec={
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 6}),
        *taught(), *networked(), *kept(), *admitted(), *routed(), *saved(), *added(),
    ]  # fmt: skip


def taught() -> list[Object]:
    """The definitions of all that add-ons bring."""
    grouped: dict[tuple[str, str], list[Read]] = {}
    for read in (*READS, *PRESENT):
        if read.is_added:
            grouped.setdefault((read.group, read.resource), []).append(read)
    return [
        obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{resource}.{group}", spec={
            "group": group, "names": {"kind": reads[0].kind, "plural": resource},
            "scope": "Namespaced" if reads[0].namespaced else "Cluster",
            "versions": [{"name": read.version.rpartition("/")[2], "served": True, "schema": {}} for read in reads]})
        for (group, resource), reads in grouped.items()
    ]  # fmt: skip


def networked() -> list[Object]:
    """Endpoints, and policies beside the network policies: of administrators and of network plug-ins."""
    tier = {"priority": 10, "subject": {"namespaces": {}}, "ingress": [
        {"name": "deny", "action": "Deny", "from": [{"namespaces": {}}]}]}  # fmt: skip
    return [
        obj("discovery.k8s.io/v1", "EndpointSlice", "web-1", "production",
            labels={"kubernetes.io/service-name": "web"}, addressType="IPv4",
            ports=[{"name": "https", "port": 8443, "protocol": "TCP"}],
            endpoints=[{"addresses": ["10.0.0.5"], "conditions": {"ready": True}}]),
        obj("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "tenants", spec=copy.deepcopy(tier)),
        obj("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy", "default",
            spec={key: copy.deepcopy(tier[key]) for key in ("subject", "ingress")}),
        obj("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", "tenants",
            spec={"tier": "Admin", **copy.deepcopy(tier)}),
        obj("cilium.io/v2", "CiliumNetworkPolicy", "web", "production", spec={"endpointSelector": {}}),
        obj("cilium.io/v2", "CiliumClusterwideNetworkPolicy", "all", spec={"endpointSelector": {}}),
        obj("crd.projectcalico.org/v1", "NetworkPolicy", "web", "production", spec={"selector": "all()"}),
        obj("crd.projectcalico.org/v1", "GlobalNetworkPolicy", "all", spec={"selector": "all()"}),
        obj("crd.antrea.io/v1beta1", "NetworkPolicy", "web", "production", spec={"appliedTo": []}),
        obj("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", "all", spec={"appliedTo": []}),
        obj("route.openshift.io/v1", "Route", "web", "production",
            spec={"host": "shop.apps.acme.example", "to": {"kind": "Service", "name": "web"}}),
    ]  # fmt: skip


def kept() -> list[Object]:
    """Volumes, their classes, a config map, and what brings secrets in."""
    storage = "storage.k8s.io/v1"
    return [
        obj("v1", "ConfigMap", "settings", "production", data={
            "LOG_LEVEL": "info", "dsn": f"postgres://shop:{PASSWORD}@db/shop"}, binaryData={"logo": "AAEC"}),
        obj("v1", "PersistentVolume", "pv-1", spec={
            "storageClassName": "fast", "capacity": {"storage": "8Gi"},
            "claimRef": {"namespace": "production", "name": "data"},
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"}}),
        obj(storage, "StorageClass", "fast", provisioner="ebs.csi.aws.com", parameters={"encrypted": "true"},
            annotations={"storageclass.kubernetes.io/is-default-class": "true"}),
        obj("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "daily", driver="ebs.csi.aws.com",
            deletionPolicy="Retain"),
        obj("external-secrets.io/v1", "ExternalSecret", "api", "production",
            spec={"secretStoreRef": {"name": "vault"}, "target": {"name": "api"}}),
        obj("external-secrets.io/v1", "ClusterExternalSecret", "registry",
            spec={"externalSecretSpec": {"secretStoreRef": {"name": "vault"}}}),
        obj("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass", "tls", "production",
            spec={"provider": "aws", "secretObjects": [{"secretName": "tls", "type": "kubernetes.io/tls"}]}),
        obj("bitnami.com/v1alpha1", "SealedSecret", "mail", "production", spec={"encryptedData": {"password": "AgB"}}),
    ]  # fmt: skip


def admitted() -> list[Object]:
    """What decides about admission, and what the API server was taught."""
    admission = "admissionregistration.k8s.io/v1"
    webhook = {"name": "pods.acme.example", "clientConfig": {"service": {"namespace": "production", "name": "web"}},
               "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
               "sideEffects": "None", "admissionReviewVersions": ["v1"]}  # fmt: skip
    return [
        obj("scheduling.k8s.io/v1", "PriorityClass", "urgent", value=1000, globalDefault=False),
        obj(admission, "MutatingWebhookConfiguration", "defaults", webhooks=[webhook]),
        obj(admission, "ValidatingWebhookConfiguration", "checks", webhooks=[{**webhook, "failurePolicy": "Ignore"}]),
        obj(admission, "ValidatingAdmissionPolicy", "images", spec={"validations": [{"expression": "true"}]}),
        obj(admission, "ValidatingAdmissionPolicyBinding", "images",
            spec={"policyName": "images", "validationActions": ["Deny"]}),
        obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", "shops.acme.example", spec={
            "group": "acme.example", "names": {"kind": "Shop", "plural": "shops"}, "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {}}}]}),
        obj("kyverno.io/v1", "ClusterPolicy", "no-latest", spec={"validationFailureAction": "Enforce", "rules": []}),
        obj("kyverno.io/v1", "Policy", "no-latest", "production", spec={"rules": []}),
        obj("templates.gatekeeper.sh/v1", "ConstraintTemplate", "k8sallowedrepos", spec={"targets": []}),
    ]  # fmt: skip


def routed() -> list[Object]:
    """A gateway, and a route of each kind."""
    group = "gateway.networking.k8s.io/"
    spec = {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "web", "port": 443}]}]}
    return [
        obj(group + "v1", "Gateway", "edge", "production", spec={"gatewayClassName": "istio", "listeners": [
            {"name": "https", "port": 443, "protocol": "HTTPS"}]}),
        *(obj(group + version, kind, "web", "production", spec=copy.deepcopy(spec)) for version, kind in (
            ("v1", "HTTPRoute"), ("v1", "GRPCRoute"), ("v1alpha2", "TLSRoute"), ("v1alpha2", "TCPRoute"),
            ("v1alpha2", "UDPRoute"))),
    ]  # fmt: skip


def saved() -> list[Object]:
    """Velero's schedule, a backup of it, where that is kept, and a restore."""
    velero = "velero.io/v1"
    return [
        obj(velero, "Schedule", "nightly", "velero", spec={
            "schedule": "0 2 * * *", "template": {"ttl": "840h0m0s", "includedNamespaces": ["production"]}}),
        obj(velero, "Backup", "nightly-1", "velero", labels={"velero.io/schedule-name": "nightly"}, spec={}),
        obj(velero, "BackupStorageLocation", "default", "velero", spec={
            "provider": "aws", "objectStorage": {"bucket": "acme-backups"}, "config": {"region": "eu-west-1"}}),
        obj(velero, "Restore", "drill", "velero", spec={"backupName": "nightly-1"}),
    ]  # fmt: skip


def added() -> list[Object]:
    """Objects of add-ons that are kept for their presence."""
    return [
        obj("cert-manager.io/v1", "Certificate", "web", "production", spec={"secretName": "tls"}),
        obj("cert-manager.io/v1", "Issuer", "web", "production", spec={}),
        obj("cert-manager.io/v1", "ClusterIssuer", "acme", spec={}),
        obj("argoproj.io/v1alpha1", "Application", "web", "argocd", spec={"source": {"helm": {"values": PASSWORD}}}),
        obj("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "web", "flux-system", spec={}),
        obj("helm.toolkit.fluxcd.io/v2", "HelmRelease", "web", "flux-system", spec={"values": {"password": PASSWORD}}),
        obj("config.kio.kasten.io/v1alpha1", "Policy", "daily", "kasten-io", spec={}),
        obj("extensions.agents.x-k8s.io/v1beta1", "SandboxTemplate", "agent", "integration", spec={}),
    ]


def server(objects: list[Object] | None = None, **options: Any) -> KubernetesApi:
    """An API server with the shop in it; RBAC is off unless it is asked for."""
    options = {"rbac": False, "certificate": certificate(), "tokens": {}, **options}
    if not options["tokens"]:
        del options["tokens"]
    return KubernetesApi(copy.deepcopy(shop() if objects is None else objects), **options)


class Scan:
    """What a scan wrote."""

    def __init__(self, path: Path) -> None:
        self.stage = Stage.create(path, REDACTOR, kinds())
        self.waits: list[float] = []

    @property
    def estate(self) -> Estate:
        return self.stage.flush()

    def rows(self, table: type[Row]) -> list[Any]:
        return self.estate.rows(table)

    def contents(self, *tables: type[Row]) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of the tables by name."""
        return {table.table: [row.values() for row in self.rows(table)] for table in tables}

    def calls(self) -> list[Call]:
        return self.rows(Call)

    def gaps(self) -> list[Gap]:
        return self.rows(Gap)

    def refused(self) -> set[tuple[str, str, str]]:
        """Operation, status and code of the calls that were not answered."""
        return {(c.operation, c.status, c.code) for c in self.calls() if c.status not in ("ok", "absent")}

    def missing(self) -> set[str]:
        """The tables that have a gap."""
        return {gap.table_name for gap in self.gaps()}


Scanner = Callable[..., Scan]


def scanning(folder: Path) -> Iterator[Scanner]:
    """A function that scans a running server, or any kubeconfig, as the cluster `test`. For a fixture."""
    scans: list[Scan] = []

    def scan(api: KubernetesApi | Path, user: Object | None = None, **options: Any) -> Scan:
        path = api if isinstance(api, Path) else api.write_kubeconfig(folder / "kubeconfig", user=user)
        clusters = {"test": {"kubeconfig": str(path), **options}}
        config = Config.model_validate({"sources": {"kubernetes": {"clusters": clusters}}})
        out = Scan(folder / f"stage-{len(scans)}.db")
        scans.append(out)
        collect(config, out.stage, retry=Retry(sleep=out.waits.append))
        return out

    yield scan
    for one in scans:
        one.stage.close()
