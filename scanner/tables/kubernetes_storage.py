"""What a cluster keeps: claims of storage, and secrets by their references."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class KubernetesPersistentVolumeClaim(Resource, title="A claim of persistent storage"):
    storage_class: str | None = column("Storage class; '' if not set: the cluster's default, or none at all.")
    volume_name: str | None = column("Persistent volume bound to it; '' if not yet.")
    volume_mode: str | None = column("Filesystem or Block. Not set is Filesystem.")
    size_bytes: int | None = column("Size asked for; 0 if not set.", unit="bytes")
    shared_writable: bool | None = column("Several nodes may write to it: ReadWriteMany.")
    phase: str | None = column("Pending, Bound or Lost; '' in a manifest.", volatile=True)


class KubernetesSecret(Resource, title="A secret that something refers to"):
    """Known by its references; secrets themselves are read only where `read_secret_values` is set."""

    reference_count: int | None = column("Number of references found.")


class KubernetesSecretReference(Child, title="A reference to a secret"):
    used_by_uid: str | None = column("Workload, ingress or service account that refers to it.")
    use: str | None = column("environment, volume, image_pull, tls, or mount (a service account's list).")
    secret_key: str | None = column("The one key used; '' for all.")


class KubernetesSecretValue(Child, title="A value of a secret, as a keyed hash"):
    """Rows exist only where `read_secret_values` is set. Equal values have equal hashes, here and in variables."""

    secret_key: str | None = column("Key in the secret.")
    value: str | None = column("Keyed hash of the decoded value.", hashed=True)
