"""What a cluster keeps: volumes and claims of storage, config maps, and secrets by their references."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class KubernetesPersistentVolumeClaim(Resource, title="A claim of persistent storage"):
    storage_class: str | None = column("Storage class; '' if not set: the cluster's default, or none at all.")
    volume_name: str | None = column("Persistent volume bound to it; '' if not yet.")
    volume_mode: str | None = column("Filesystem or Block. Not set is Filesystem.")
    size_bytes: int | None = column("Size asked for; 0 if not set.", unit="bytes")
    shared_writable: bool | None = column("Several nodes may write to it: ReadWriteMany.")
    phase: str | None = column("Pending, Bound or Lost; '' in a manifest.", volatile=True)


class KubernetesPersistentVolume(Resource, title="A persistent volume"):
    storage_class: str | None = column("Storage class it was made with; '' if none.")
    claim_uid: str | None = column("Uid of the claim that has it; '' if none.")
    reclaim_policy: str | None = column(
        "What happens when its claim goes: Retain, Delete or Recycle. Not set is Retain."
    )
    kind: str | None = column(
        "As the API spells it: csi, hostPath, nfs, local, awsElasticBlockStore, …; '' if new to us."
    )
    driver: str | None = column("CSI driver; '' for the other kinds.")
    handle: str | None = column("The storage system's name of it, such as vol-0123; '' where it has none.")
    host_path: str | None = column("Path on the node, for hostPath and local; '' for the others.")
    size_bytes: int | None = column("Capacity; 0 if not set.", unit="bytes")


class KubernetesStorageClass(Resource, title="A storage class"):
    provisioner: str | None = column("What makes its volumes: ebs.csi.aws.com.")
    is_default: bool | None = column("Claims that name no class get it.")
    reclaim_policy: str | None = column("What happens to a volume when its claim goes. Not set is Delete.")
    binding_mode: str | None = column("Immediate or WaitForFirstConsumer. Not set is Immediate.")
    allows_expansion: bool | None = column("Claims may grow. Not set is false.")
    encrypts: bool | None = column(
        "Its volumes are encrypted: always by the provider (GKE, AKS), or since its parameters ask for it; false where "
        "the parameters of EBS or EFS do not; NULL for a provisioner that is new to us."
    )
    encryption_key: str | None = column("Customer's own key that its parameters name; '' if none.")


class KubernetesSnapshotClass(Resource, title="A class of volume snapshots"):
    driver: str | None = column("CSI driver.")
    deletion_policy: str | None = column("Retain or Delete: what happens to the snapshot when its object goes.")


class KubernetesConfigMap(Resource, title="A config map"):
    entries: int | None = column("Number of keys.")
    is_immutable: bool | None = column("It cannot be changed, only replaced. Not set is false.")


class KubernetesConfigMapEntry(Child, title="An entry of a config map"):
    """Values go through the redactor: what is no endpoint, number, version or the like is a keyed hash."""

    entry: str | None = column("Key.")
    value: str | None = column("Value, in clear or as a keyed hash.", hashed=True)


class KubernetesSecret(Resource, title="A secret that something refers to"):
    """Known by its references; secrets themselves are read only where `read_secret_values` is set."""

    reference_count: int | None = column("Number of references found.")
    values_read: bool | None = column("Its values were asked for and read, and are known by their hashes.")


class KubernetesSecretReference(Child, title="A reference to a secret"):
    used_by_uid: str | None = column("Workload, ingress or service account that refers to it.")
    use: str | None = column("environment, volume, image_pull, tls, or mount (a service account's list).")
    secret_key: str | None = column("The one key used; '' for all.")


class KubernetesSecretValue(Child, title="A value of a secret, as a keyed hash"):
    """Rows exist only where `read_secret_values` is set. Equal values have equal hashes, here and in variables."""

    secret_key: str | None = column("Key in the secret.")
    value: str | None = column("Keyed hash of the decoded value.", hashed=True)


class KubernetesSecretSource(Resource, title="What brings secrets in from a store outside the cluster"):
    """ExternalSecret and ClusterExternalSecret (External Secrets), SecretProviderClass (secrets store CSI driver),
    SealedSecret."""

    kind: str | None = column("Kind of the object.")
    target: str | None = column("Secret that it makes; '' where it makes none.")
    target_uid: str | None = column("Uid of that secret; '' where it makes none.")
    store: str | None = column("Store or provider that it asks; '' if it names none.")
