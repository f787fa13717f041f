"""From Kubernetes objects to documents: what is dropped at once, who owns whom, and which secrets are named."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from scanner.collectors.kubernetes.commands import command_lines
from scanner.collectors.kubernetes.identity import CLUSTER_SCOPED, spelt, uid
from scanner.collectors.kubernetes.kinds import OBJECT, SHAPES
from scanner.collectors.kubernetes.reads import PRESENT, READS, SECRETS, WRITTEN
from scanner.collectors.kubernetes.values import Misfit, dig, mapping, mappings, names, text
from scanner.collectors.kubernetes.workloads import (
    APPARMOR,
    containers,
    pod_template,
    variable_source,
    volume_sources,
)
from scanner.tables import Document, Json

# The document that an object of a kind becomes, by API version and kind.
DOCUMENTS = {(read.version, read.kind): read.document for read in (*READS, *PRESENT, *WRITTEN, SECRETS)}
# Older and newer versions than the one that is read, which are alike in all that becomes a column.
_ALIKE = {
    "apps/v1": ("apps/v1beta1", "apps/v1beta2", "extensions/v1beta1"),
    "autoscaling/v2": ("autoscaling/v1", "autoscaling/v2beta1", "autoscaling/v2beta2"),
    "batch/v1": ("batch/v1beta1",),
    "policy/v1": ("policy/v1beta1",),
    "discovery.k8s.io/v1": ("discovery.k8s.io/v1beta1",),
    "rbac.authorization.k8s.io/v1": ("rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1alpha1"),
    "networking.k8s.io/v1": ("extensions/v1beta1",),
    "gateway.networking.k8s.io/v1": ("gateway.networking.k8s.io/v1beta1", "gateway.networking.k8s.io/v1alpha2"),
    "gateway.networking.k8s.io/v1alpha2": ("gateway.networking.k8s.io/v1alpha3",),
    "external-secrets.io/v1": ("external-secrets.io/v1beta1", "external-secrets.io/v1alpha1"),
    "admissionregistration.k8s.io/v1": ("admissionregistration.k8s.io/v1beta1",),
    "policy.networking.k8s.io/v1alpha2": ("policy.networking.k8s.io/v1beta1",),
    "cilium.io/v2": ("cilium.io/v2alpha1",),
    "crd.projectcalico.org/v1": ("projectcalico.org/v3",),
    "crd.antrea.io/v1beta1": ("crd.antrea.io/v1alpha1",),
}
_UNLIKE = frozenset({("networking.k8s.io/v1", "Ingress"), ("apiextensions.k8s.io/v1", "CustomResourceDefinition")})
DOCUMENTS |= {
    (older, kind): document
    for (version, kind), document in list(DOCUMENTS.items())
    for older in _ALIKE.get(version, ())
    if (version, kind) not in _UNLIKE and (older, kind) not in DOCUMENTS
}

_METADATA = ("name", "namespace", "uid", "labels", "creationTimestamp", "ownerReferences")
# The annotations that decide a column. The others are kept apart, where each value is judged as a setting.
_ANNOTATIONS = frozenset({
    "azure.workload.identity/client-id", "eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account",
    "kubernetes.io/config.mirror", "kubernetes.io/ingress.class", "networking.gke.io/load-balancer-type",
    "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class",
    "service.beta.kubernetes.io/aws-load-balancer-internal", "service.beta.kubernetes.io/aws-load-balancer-scheme",
    "service.beta.kubernetes.io/azure-load-balancer-internal",
    "service.beta.kubernetes.io/openstack-internal-load-balancer",
})  # fmt: skip
# A copy of the whole object, secrets included.
_COPY = "kubectl.kubernetes.io/last-applied-configuration"
_STATUS: dict[str, tuple[str, ...]] = {
    "Namespace": ("phase",), "PersistentVolumeClaim": ("phase",), "Node": ("nodeInfo",),
    "Backup": ("phase", "completionTimestamp", "expiration"), "Restore": ("phase", "completionTimestamp"),
    "BackupStorageLocation": ("phase",), "Schedule": ("lastBackup",),
}  # fmt: skip
_DROPPED = frozenset({"metadata", "status", "data", "binaryData", "stringData"})
_PRESENCE = "kubernetes_object"  # of these nothing is kept but that they are there
# Of these kinds, no more of the spec than becomes a column.
_KEPT = {
    "CustomResourceDefinition": ("group", "names", "scope", "versions"),
    "SealedSecret": ("template",),
    "SecretProviderClass": ("provider", "secretObjects"),
    "ConstraintTemplate": ("crd",),
}
# Command lines, scripts and headers carry secrets in places that no name tells; no column needs them.
_SPOKEN = frozenset({"command", "args", "lifecycle", "httpHeaders"})  # what rules ask of them, `commands` takes out
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_AUTOMOUNT = "automountServiceAccountToken"
_CONTROLLERS = frozenset({
    "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob",
})  # fmt: skip
WORKLOADS = _CONTROLLERS | {"Pod"}
_CONTROLLER_GROUPS = frozenset({"", "apps", "batch"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where objects come from."""

    scope: str
    cluster: str
    source: str
    file: str = ""
    line: int = 0


_Secret = tuple[str, str, str]  # cluster, namespace, name


@dataclass(slots=True)
class Secrets:
    """The secrets that were named, and what named them, as objects went by."""

    references: dict[_Secret, set[tuple[str, str, str]]] = field(default_factory=dict)
    values: dict[_Secret, dict[str, str]] = field(default_factory=dict)
    places: dict[_Secret, Place] = field(default_factory=dict)

    def refer(self, by: Document, found: Iterable[tuple[str, str, str]]) -> None:
        """Keep the references (name, use, key) of one object."""
        for name, use, key in found:
            if name:
                secret = (by.cluster, by.namespace, name)
                self.references.setdefault(secret, set()).add((by.uid, use, key))
                self.places.setdefault(secret, _place(by))

    def see(self, secret: Document, values: Mapping[str, str] | None = None) -> None:
        """Keep a secret that was read, with its values where they were asked for."""
        key = (secret.cluster, secret.namespace, secret.name)
        self.references.setdefault(key, set())
        self.places[key] = _place(secret)
        if values is not None:
            self.values[key] = dict(values)

    def documents(self) -> Iterator[Document]:
        """A document a secret, placed where it was read, else where it was named first."""
        for key, found in sorted(self.references.items()):
            cluster, namespace, name = key
            place = self.places[key]
            parts: dict[str, Json] = {
                "references": {"found": [{"by": by, "use": use, "key": part} for by, use, part in sorted(found)]}
            }
            if key in self.values:
                parts["values"] = {"data": self.values[key]}
            yield Document(
                kind=SECRETS.document, uid=uid(cluster, namespace, SECRETS.kind, name), scope=place.scope,
                name=name, parts=parts, cluster=cluster, namespace=namespace, source=place.source, file=place.file,
                line=place.line,
            )  # fmt: skip


def _place(document: Document) -> Place:
    return Place(document.scope, document.cluster, document.source, document.file, document.line)


def secret_values(obj: Json) -> dict[str, str]:
    """The decoded values of a secret; one that is no text stays in base64. Raises Misfit."""
    out = {}
    for key, encoded in names(obj, "data"):
        try:
            out[key] = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            out[key] = encoded
    return out | dict(names(obj, "stringData"))


def is_owned(obj: Mapping[str, Json], controllers: Collection[str]) -> bool:
    """A workload that has been read made this one, so it is none of its own. `controllers` has the uids that the API
    server gave those: the reference alone anyone can write."""
    if obj.get("kind") not in WORKLOADS:
        return False
    try:
        owners = mappings(obj, "metadata", "ownerReferences")
    except Misfit:
        return False
    return any(
        owner.get("controller") is True
        and owner.get("kind") in _CONTROLLERS
        and str(owner.get("apiVersion")).rpartition("/")[0] in _CONTROLLER_GROUPS
        and owner.get("uid") in controllers
        for owner in owners
    )


def trimmed(obj: Json) -> dict[str, Json]:
    """The object without what changes by itself and without what may be secret. Raises Misfit."""
    kind = text(obj, "kind")
    out = {key: value for key, value in mapping(obj).items() if key not in _DROPPED}
    if DOCUMENTS[text(obj, "apiVersion"), kind] == _PRESENCE:
        out = {key: out[key] for key in ("apiVersion", "kind")}
    elif kind in _KEPT:
        out["spec"] = _only(mapping(obj, "spec"), _KEPT[kind])
    out["metadata"] = {key: dig(obj, "metadata", key) for key in _METADATA if dig(obj, "metadata", key) is not None}
    kept = {key: value for key, value in names(obj, "metadata", "annotations") if _decides(key)}
    if kept:
        out["metadata"]["annotations"] = kept
    status = {key: dig(obj, "status", key) for key in _STATUS.get(kind, ()) if dig(obj, "status", key) is not None}
    if status:
        out["status"] = status
    if kind in WORKLOADS:
        out["spec"] = _quiet_spec(mapping(obj, "spec"), *_template_path(kind))
    return out


def _only(spec: Mapping[str, Json], kept: tuple[str, ...]) -> dict[str, Json]:
    """The fields named; `versions` without the schemas, which are most of the object."""
    out = {key: spec[key] for key in kept if key in spec}
    if "versions" in out:
        out["versions"] = [_without(version, frozenset({"schema"})) for version in mappings(spec, "versions")]
    return out


def _decides(annotation: str) -> bool:
    """The annotation decides a column."""
    return annotation in _ANNOTATIONS or annotation.startswith(APPARMOR)


def _template_path(kind: str) -> tuple[str, ...]:
    if kind == "Pod":
        return ()
    return ("jobTemplate", "spec", "template", "spec") if kind == "CronJob" else ("template", "spec")


def _quiet_spec(spec: Mapping[str, Json], *path: str) -> dict[str, Json]:
    """A copy of the spec whose pod spec, at the path, has no values of variables and no command lines."""
    if path:
        below = dict(_quiet_spec(mapping(spec, path[0]), *path[1:]))
        if path[0] == "template" and "metadata" in below:
            profiles = {k: v for k, v in names(below, "metadata", "annotations") if k.startswith(APPARMOR)}
            below["metadata"] = {"labels": dict(names(below, "metadata", "labels")), "annotations": profiles}
        return {**spec, path[0]: below} if path[0] in spec else dict(spec)
    quiet = {key: [_quiet_container(c) for c in mappings(spec, key)] for key in _CONTAINERS if key in spec}
    return {**spec, **quiet}


def _quiet_container(container: Mapping[str, Json]) -> Json:
    env = [{key: value for key, value in entry.items() if key != "value"} for entry in mappings(container, "env")]
    out = {key: value for key, value in _without(dict(container), _SPOKEN).items() if key != "env"}
    return {**out, "env": env} if env else out


def _without(value: Json, dropped: frozenset[str]) -> Json:
    if isinstance(value, dict):
        return {key: _without(item, dropped) for key, item in value.items() if key not in dropped}
    return [_without(item, dropped) for item in value] if isinstance(value, list) else value


def _variables(template: Json) -> dict[str, dict[str, str]]:
    """The literal values by container and name; where a name is given twice the last holds."""
    found: dict[str, dict[str, str]] = {}
    for _, container in containers(template):
        for entry in mappings(container, "env"):
            values = found.setdefault(text(container, "name"), {})
            values.pop(text(entry, "name"), None)
            if variable_source(entry).kind == "literal":
                values[text(entry, "name")] = text(entry, "value")
    return {name: values for name, values in found.items() if values}


def references(obj: Json) -> Iterator[tuple[str, str, str]]:
    """The secrets an object names: name, use, key. Raises Misfit."""
    kind = text(obj, "kind")
    if kind == "Ingress":
        for entry in mappings(obj, "spec", "tls"):
            yield text(entry, "secretName"), "tls", ""
    elif kind == "ServiceAccount":
        for entry in mappings(obj, "secrets"):
            yield text(entry, "name"), "mount", ""
        for entry in mappings(obj, "imagePullSecrets"):
            yield text(entry, "name"), "image_pull", ""
    elif kind in WORKLOADS:
        yield from _pod_references(pod_template(obj))


def _pod_references(template: Json) -> Iterator[tuple[str, str, str]]:
    for _, container in containers(template):
        for entry in [*mappings(container, "env"), *mappings(container, "envFrom")]:
            source = variable_source(entry)
            if source.kind == "secret":
                yield source.reference, "environment", source.key
    pod = mapping(template, "spec")
    for _, volume_kind, _, source_of_volume in volume_sources(pod):
        if volume_kind == "secret":
            yield text(source_of_volume, "secretName"), "volume", ""
    for entry in mappings(pod, "imagePullSecrets"):
        yield text(entry, "name"), "image_pull", ""


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as it is kept, and what it says of others."""

    document: Document
    problem: str = ""  # what of it is not as the API has it; then the document has no parts
    references: tuple[tuple[str, str, str], ...] = ()  # to secrets: name, use, key
    asks_account: str = ""  # the service account that decides whether its token is mounted; '' if none does
    values: dict[str, str] | None = None  # of a secret
    is_identified: bool = True  # else the problem is that nobody can tell which object it is


def unidentified(obj: Mapping[str, Json], *, namespaced: bool) -> str:
    """What an object that an API server gave lacks of its identity; '' if it is complete."""
    metadata = obj.get("metadata")
    given = metadata if isinstance(metadata, dict) else {}
    for key in ("name", "namespace") if namespaced else ("name",):
        if not isinstance(given.get(key), str) or not given[key]:
            return f"an object without metadata.{key}"
    return ""


def see(obj: Mapping[str, Json], where: Place, namespace: str = "") -> Seen:
    """Take in an object of a kind that `DOCUMENTS` has. `namespace` is that of objects which name none."""
    kind, metadata = str(obj.get("kind")), obj.get("metadata")
    given = metadata if isinstance(metadata, dict) else {}
    # What is made anew each time has a name only once it is made.
    name = str(given.get("name") or given.get("generateName") or "")
    space = "" if kind in CLUSTER_SCOPED else str(given.get("namespace") or namespace)
    made = Document(
        kind=DOCUMENTS[str(obj.get("apiVersion")), kind],
        uid=uid(where.cluster, space, spelt(str(obj.get("apiVersion")), kind), name),
        scope=where.scope,
        name=name,
        parts={},
        cluster=where.cluster,
        # A namespace is the place of all that is in it, itself included.
        namespace=name if kind == "Namespace" else space,
        source=where.source,
        file=where.file,
        line=where.line,
    )
    try:
        if not name:
            raise Misfit(("metadata", "name"), "set")
        if kind == SECRETS.kind:
            return Seen(made, values=secret_values(obj))
        whole = replace(made, parts=_parts(obj))
        for _ in SHAPES[made.kind](whole, whole.parts[OBJECT]):
            pass  # an object that cannot be shaped is not kept
        asked = _asks_account(obj) if kind in WORKLOADS else ""
        return Seen(whole, references=tuple(references(obj)), asks_account=asked)
    except Misfit as error:
        return Seen(made, problem=str(error))


def with_service_account(document: Document, account: Json) -> Document:
    """A workload's document with what its service account says of its token; None is an account that is not there."""
    said = dig(account, _AUTOMOUNT)
    part = None if account is None else {} if said is None else {_AUTOMOUNT: said}
    return replace(document, parts={**document.parts, "service_account": part})


def _asks_account(obj: Json) -> str:
    pod = mapping(pod_template(obj), "spec")
    if pod.get(_AUTOMOUNT) is not None:
        return ""
    return text(pod, "serviceAccountName") or text(pod, "serviceAccount", default="default")


def _parts(obj: Json) -> dict[str, Json]:
    parts: dict[str, Json] = {OBJECT: trimmed(obj)}
    annotations = {
        key: value for key, value in names(obj, "metadata", "annotations") if not _decides(key) and key != _COPY
    }
    if annotations:
        parts["annotations"] = annotations
    kind = text(obj, "kind")
    if kind == "ConfigMap":
        parts["data"] = dict(names(obj, "data")) | dict.fromkeys(mapping(obj, "binaryData"), "")
    if kind in WORKLOADS:
        template = pod_template(obj)
        if variables := _variables(template):
            parts["variables"] = variables
        parts |= command_lines(template)
    return parts
