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
        "kubernetes_role_binding", "kubernetes_secret_source",
    )  # fmt: skip
    writes_gaps: ClassVar[bool] = True
    ordinal: int = column("Position among the object's references, from 0, after sorting.", default=0)
    kind: str | None = column(
        "Kind of what is named: Service, ServiceAccount, Deployment, …; Pod for a selector; SecretSource for what "
        "brings a secret in from a store outside the cluster."
    )
    target: str | None = column("Its name, or the selector.")
    target_uid: str | None = column("Its uid; '' for a selector.")
    is_there: bool | None = column("It is there; for a selector, some workload's pods have the labels.")
    optional: bool | None = column("The object does without it. Not set is false.")
    is_mounted: bool | None = column("A container mounts it.")
    is_fixed: bool | None = column("It cannot be changed, only replaced: an immutable config map.")


class KubernetesPublication(Derived, title="A way to a workload's pods: a service, and what leads to that"):
    """One row a service's port, and one for each ingress or route that leads to the service. uid is the workload's."""

    key: ClassVar[tuple[str, ...]] = ("uid", "ordinal")
    inputs: ClassVar[tuple[str, ...]] = (
        "kubernetes_workload", "kubernetes_pod_label", "kubernetes_service", "kubernetes_service_port",
        "kubernetes_ingress", "kubernetes_ingress_rule", "kubernetes_route", "kubernetes_route_backend",
        "kubernetes_route_parent", "kubernetes_gateway", "kubernetes_gateway_listener",
    )  # fmt: skip
    writes_gaps: ClassVar[bool] = True
    ordinal: int = column("Position among the workload's ways, from 0, after sorting.", default=0)
    kind: str | None = column("Service, Ingress, HTTPRoute, GRPCRoute, TLSRoute, TCPRoute or UDPRoute.")
    by_uid: str | None = column("The service, ingress or route.")
    service_uid: str | None = column("The service.")
    service_type: str | None = column("ClusterIP, NodePort or LoadBalancer.")
    port: int | None = column("Port of the service; 0 for an ingress or route.")
    target_port: str | None = column("Port of the pods: number or name; '' for an ingress or route.")
    is_from_outside: bool | None = column("From outside the cluster: by ingress, route, node port or load balancer.")
    is_from_everywhere: bool | None = column(
        "A load balancer that is not internal and admits every address; not told of ingresses and routes: false."
    )
    is_encrypted: bool | None = column(
        "TLS for the ingress's host, or on every listener that the route may use; false for a service."
    )
