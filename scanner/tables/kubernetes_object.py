"""Objects of which the presence matters, and references between objects."""

from __future__ import annotations

from typing import ClassVar

from scanner.tables.base import Derived, Resource, column


class KubernetesObject(Resource, title="An object whose kind has no table of its own"):
    """Endpoints, leases, and what add-ons bring: cert-manager, Argo CD, Flux, Kasten."""

    api_group: str | None = column("API group, '' for core.")
    kind: str | None = column("Kind.")
    owner_kind: str | None = column("Kind of what made it and keeps it; '' if nothing does.")


class KubernetesSandboxTemplate(Resource, title="A template of sandboxes for agents (agent-sandbox)"):
    management: str | None = column("Who writes its network policy: Managed or Unmanaged. Not set is Managed.")
    has_policy: bool | None = column("It has a network policy of its own, and not the one that allows the internet.")
    open_egress_rules: int | None = column(
        "Number of its outgoing rules that name nobody, all pods, or all addresses, with exceptions or without."
    )
    runtime_class: str | None = column("Runtime class of its pods; '' if not set: the runtime's default.")


class KubernetesReference(Derived, title="Something that an object names, and whether it is there"):
    """Names of objects, and selectors of pods. What leads out of the cluster or to kinds without a table is no row."""

    key: ClassVar[tuple[str, ...]] = ("uid", "ordinal")
    inputs: ClassVar[tuple[str, ...]] = (
        "kubernetes_workload", "kubernetes_pod_label", "kubernetes_container_variable", "kubernetes_volume",
        "kubernetes_service", "kubernetes_service_account", "kubernetes_ingress", "kubernetes_ingress_rule",
        "kubernetes_network_policy", "kubernetes_horizontal_pod_autoscaler", "kubernetes_pod_disruption_budget",
        "kubernetes_route", "kubernetes_route_backend", "kubernetes_persistent_volume_claim",
        "kubernetes_persistent_volume", "kubernetes_storage_class", "kubernetes_config_map", "kubernetes_role",
        "kubernetes_role_binding",
    )  # fmt: skip
    writes_gaps: ClassVar[bool] = True
    ordinal: int = column("Position among the object's references, from 0, after sorting.", default=0)
    kind: str | None = column("Kind of what is named: Service, ServiceAccount, Deployment, …; Pod for a selector.")
    target: str | None = column("Its name, or the selector.")
    target_uid: str | None = column("Its uid; '' for a selector.")
    is_there: bool | None = column("It is there; for a selector, some workload's pods have the labels.")
    optional: bool | None = column("The object does without it. Not set is false.")
