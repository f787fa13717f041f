"""Volumes, claims, storage classes, config maps and secrets as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scanner.collectors.kubernetes.identity import place, uid
from scanner.collectors.kubernetes.values import (
    dig,
    flag,
    mapping,
    mappings,
    names,
    number_or_text,
    quantity,
    text,
    texts,
)
from scanner.tables import Document, Json, numbered
from scanner.tables.base import Placed
from scanner.tables.kubernetes_storage import (
    KubernetesConfigMap,
    KubernetesConfigMapEntry,
    KubernetesPersistentVolume,
    KubernetesPersistentVolumeClaim,
    KubernetesSecret,
    KubernetesSecretReference,
    KubernetesSecretSource,
    KubernetesSecretValue,
    KubernetesSnapshotClass,
    KubernetesStorageClass,
)

# https://docs.cloud.google.com/docs/security/encryption/default-encryption
# https://learn.microsoft.com/azure/virtual-machines/disk-encryption-overview
_ALWAYS_ENCRYPTED = frozenset({
    "pd.csi.storage.gke.io", "kubernetes.io/gce-pd", "filestore.csi.storage.gke.io",
    "disk.csi.azure.com", "kubernetes.io/azure-disk", "file.csi.azure.com", "kubernetes.io/azure-file",
})  # fmt: skip
_ENCRYPTED_WHERE_ASKED = frozenset({"ebs.csi.aws.com", "kubernetes.io/aws-ebs"})
_KEYS = ("kmsKeyId", "kmskeyid", "disk-encryption-kms-key", "diskEncryptionSetID", "diskencryptionsetid")
_NO_SOURCES = frozenset({
    "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
    "storageClassName", "volumeAttributesClassName", "volumeMode",
})  # fmt: skip
_DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def shape_persistent_volume_claim(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a claim."""
    yield KubernetesPersistentVolumeClaim(
        **place(document),
        storage_class=text(obj, "spec", "storageClassName"),
        volume_name=text(obj, "spec", "volumeName"),
        volume_mode=text(obj, "spec", "volumeMode", default="Filesystem"),
        size_bytes=quantity(number_or_text(obj, "spec", "resources", "requests", "storage")),
        shared_writable="ReadWriteMany" in texts(obj, "spec", "accessModes"),
        phase=text(obj, "status", "phase"),
    )


def shape_persistent_volume(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a volume.

    https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/persistent-volume-v1/
    """
    spec = mapping(obj, "spec")
    kind = next((key for key in sorted(spec) if key not in _NO_SOURCES and isinstance(spec[key], dict)), "")
    source = mapping(spec, kind) if kind else {}
    claim = mapping(spec, "claimRef")
    bound = text(claim, "name")
    yield KubernetesPersistentVolume(
        **place(document),
        storage_class=text(spec, "storageClassName"),
        claim_uid=uid(document.cluster, text(claim, "namespace"), "PersistentVolumeClaim", bound) if bound else "",
        reclaim_policy=text(spec, "persistentVolumeReclaimPolicy", default="Retain"),
        kind=kind,
        driver=text(source, "driver") if kind == "csi" else "",
        handle=text(source, "volumeHandle") or text(source, "volumeID"),
        host_path=text(source, "path") if kind in ("hostPath", "local") else "",
        size_bytes=quantity(number_or_text(spec, "capacity", "storage")),
    )


def shape_storage_class(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a storage class.

    https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md
    """
    parameters = dict(names(obj, "parameters"))
    marks = mapping(obj, "metadata", "annotations")
    key = next((parameters[name] for name in _KEYS if parameters.get(name)), "")
    yield KubernetesStorageClass(
        **place(document),
        provisioner=text(obj, "provisioner"),
        is_default=any(marks.get(mark) == "true" for mark in _DEFAULT),
        reclaim_policy=text(obj, "reclaimPolicy", default="Delete"),
        binding_mode=text(obj, "volumeBindingMode", default="Immediate"),
        allows_expansion=flag(obj, "allowVolumeExpansion"),
        encrypts=_encrypts(text(obj, "provisioner"), parameters),
        encryption_key=key,
    )


def _encrypts(provisioner: str, parameters: dict[str, str]) -> bool | None:
    if provisioner in _ALWAYS_ENCRYPTED:
        return True
    if provisioner in _ENCRYPTED_WHERE_ASKED:
        return parameters.get("encrypted", "").lower() == "true"
    return None


def shape_snapshot_class(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of a class of snapshots."""
    yield KubernetesSnapshotClass(
        **place(document), driver=text(obj, "driver"), deletion_policy=text(obj, "deletionPolicy")
    )


def shape_config_map(document: Document, obj: Json) -> Iterator[Placed]:
    """Rows of a config map. The object itself has none of the data: that went through the redactor by itself."""
    where = place(document)
    entries = names(document.parts.get("data"))
    yield KubernetesConfigMap(**where, entries=len(entries), is_immutable=flag(obj, "immutable"))
    yield from numbered(KubernetesConfigMapEntry(**where, entry=key, value=value) for key, value in entries)


def shape_secret(document: Document, _: Json) -> Iterator[Placed]:
    """Rows of a secret: its references, and where the secret itself was read, the hashes of its values."""
    where = place(document)
    references = mappings(document.parts.get("references"), "found")
    values_read = document.parts.get("values") is not None
    yield KubernetesSecret(**where, reference_count=len(references), values_read=values_read)
    yield from numbered(
        KubernetesSecretReference(
            **where,
            used_by_uid=text(reference, "by"),
            use=text(reference, "use"),
            secret_key=text(reference, "key"),
        )
        for reference in references
    )
    yield from numbered(
        KubernetesSecretValue(**where, secret_key=key, value=value)
        for key, value in names(document.parts.get("values"), "data")
    )


def shape_secret_source(document: Document, obj: Json) -> Iterable[Placed]:
    """The row of what brings a secret in: https://external-secrets.io/latest/api/externalsecret/"""
    kind = text(obj, "kind")
    spec = mapping(obj, "spec")
    store, target = "", ""
    if kind == "ExternalSecret":
        store = text(spec, "secretStoreRef", "name")
        target = text(spec, "target", "name", default=document.name)
    elif kind == "ClusterExternalSecret":
        store = text(spec, "externalSecretSpec", "secretStoreRef", "name")
    elif kind == "SecretProviderClass":
        store = text(spec, "provider")
        target = next((text(one, "secretName") for one in mappings(spec, "secretObjects")), "")
    elif kind == "SealedSecret":
        target = text(spec, "template", "metadata", "name", default=document.name)
    space = document.namespace
    yield KubernetesSecretSource(
        **place(document),
        kind=kind,
        target=target,
        target_uid=uid(document.cluster, space, "Secret", target) if target else "",
        store=store if dig(spec) is not None else "",
    )
