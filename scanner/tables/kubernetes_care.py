"""What looks after workloads, and what environments have in common. Computed."""

from __future__ import annotations

from typing import ClassVar

from scanner.tables.base import Derived, column


class KubernetesWorkloadCare(Derived, title="What looks after a workload: budgets, autoscalers, backups"):
    """One row a workload, with its uid."""

    inputs: ClassVar[tuple[str, ...]] = (
        "kubernetes_workload", "kubernetes_pod_label", "kubernetes_volume", "kubernetes_persistent_volume_claim",
        "kubernetes_pod_disruption_budget", "kubernetes_horizontal_pod_autoscaler", "kubernetes_backup_schedule",
        "kubernetes_backup_namespace",
    )  # fmt: skip
    writes_gaps: ClassVar[bool] = True
    budgets: int | None = column("Number of disruption budgets that select its pods.")
    autoscaler_min: int | None = column("Fewest pods that an autoscaler leaves it; 0 if none scales it.")
    claims: int | None = column("Number of claims of storage that exist and some container mounts.")
    is_saved: bool | None = column(
        "A backup schedule of Velero that is not paused takes the namespace with its volumes."
    )
    saved_every_seconds: int | None = column(
        "Shortest time between two backups by such a schedule; 0 if there is none.", unit="seconds"
    )
    kept_seconds: int | None = column("Longest time that such a schedule keeps a backup; 0 if none.", unit="seconds")


class KubernetesSharing(Derived, title="Something that objects of several environments use in common"):
    """A row for each object and thing that it uses; environments of the tier shared do not count.

    Kinds: cloud role (of a service account), ingress host, storage class (of a claim), secret value, node pool (that a
    workload asks for), account (that a binding in another environment names), writing (where a subject may write).
    """

    key: ClassVar[tuple[str, ...]] = ("uid", "ordinal")
    inputs: ClassVar[tuple[str, ...]] = (
        "kubernetes_service_account", "kubernetes_ingress", "kubernetes_ingress_rule",
        "kubernetes_persistent_volume_claim", "kubernetes_secret_value", "kubernetes_node_selector",
        "kubernetes_role_binding", "kubernetes_role_binding_subject", "kubernetes_grant", "kubernetes_namespace",
    )  # fmt: skip
    writes_gaps: ClassVar[bool] = True
    ordinal: int = column("Position among the object's things, from 0, after sorting.", default=0)
    kind: str | None = column("Kind of thing.")
    thing: str | None = column("Its name; '' for a secret value.")
    environments: str | None = column("Environments that use it, sorted, separated by commas.")
    is_shared: bool | None = column(
        "More than one environment uses it; NULL where the environment of something that uses it is not known."
    )
