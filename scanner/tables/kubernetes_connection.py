"""What pods may connect to, as network policies have it. Computed; docs/kubernetes-network.md says by which rules."""

from __future__ import annotations

from typing import ClassVar

from scanner.tables.base import Derived, column

INPUTS = (
    "kubernetes_workload", "kubernetes_pod_label", "kubernetes_container", "kubernetes_container_port",
    "kubernetes_namespace", "kubernetes_namespace_label", "kubernetes_network_policy", "kubernetes_network_policy_rule",
    "kubernetes_admin_network_policy", "kubernetes_admin_network_policy_rule", "kubernetes_plugin_network_policy",
)  # fmt: skip
_EXPOSURE = ("kubernetes_service", "kubernetes_service_port", "kubernetes_ingress", "kubernetes_ingress_rule")


class KubernetesNetworkClass(Derived, title="Workloads of a namespace that every network policy treats alike"):
    """uid `k8s:<cluster>/<namespace>/NetworkClass/<its first workload>`."""

    inputs: ClassVar[tuple[str, ...]] = INPUTS
    writes_gaps: ClassVar[bool] = True
    host_network: bool | None = column("The pods use the node's network, where network policies promise nothing.")
    pod_labels: str | None = column("Labels that policies ask for and all of them have, as a label selector.")
    workloads: int | None = column("Number of workloads; NULL for those of a namespace that could not be listed.")
    isolated_for_ingress: bool | None = column("A policy of its namespace selects it for incoming connections.")
    isolated_for_egress: bool | None = column("A policy of its namespace selects it for outgoing connections.")


class KubernetesNetworkClassMember(Derived, title="A workload of a network class"):
    inputs: ClassVar[tuple[str, ...]] = INPUTS
    writes_gaps: ClassVar[bool] = True
    key: ClassVar[tuple[str, ...]] = ("uid", "workload_uid")
    workload_uid: str = column("The workload.", default="")
    workload_name: str | None = column("Its name.")


class KubernetesConnection(Derived, title="Connections that may be made between classes of workloads, or from outside"):
    """One row a pair, verdict and range of ports. A pair or port without a row is denied.

    It is what the policies say. Whether the cluster's network plug-in enforces them is not told here.
    """

    inputs: ClassVar[tuple[str, ...]] = (*INPUTS, *_EXPOSURE)
    writes_gaps: ClassVar[bool] = True
    from_kind: str | None = column(
        "pods; address for a range outside the cluster; ingress for an ingress's controller."
    )
    from_uid: str | None = column("The class, or the ingress; '' for a range.")
    from_namespace: str | None = column("Namespace of the class; '' for the others.")
    from_range: str | None = column("First and last address, 10.0.0.0-10.255.255.255; '' for the others.")
    to_kind: str | None = column("pods or address.")
    to_uid: str | None = column("The class; '' for a range.")
    to_namespace: str | None = column("Namespace of the class; '' for a range.")
    to_range: str | None = column("First and last address; '' for pods.")
    protocol: str | None = column("TCP, UDP or SCTP; '' for all of them.")
    first_port: int | None = column("First port at the destination.")
    last_port: int | None = column("Last port.")
    verdict: str | None = column("allowed, or unknown.")
    is_allowed: bool | None = column("The verdict is allowed; NULL where it is unknown.")
    egress: str | None = column("What the source's side says: allowed or unknown; '' for a source outside.")
    ingress: str | None = column("What the destination's side says: allowed or unknown; '' for one outside.")
    egress_policies: str | None = column(
        "Policies that decide the source's side, separated by commas; '' where none does."
    )
    ingress_policies: str | None = column(
        "Policies that decide the destination's side, separated by commas; '' where none does."
    )
    because: str | None = column("Why it is unknown; '' where it is allowed.")


class KubernetesNamespacePath(Derived, title="Whether pods of one namespace may connect to pods of another"):
    """One row for each ordered pair of namespaces of a cluster that hold workloads, and for each namespace with itself.

    Pods in the node's network are left out: no network policy holds them, so where they are is for other rules.

    uid `k8s:<cluster>/<namespace>/NetworkPath/<other namespace>`.
    """

    inputs: ClassVar[tuple[str, ...]] = INPUTS
    writes_gaps: ClassVar[bool] = True
    to_namespace: str | None = column("The other namespace, or the same one.")
    from_uid: str | None = column("The namespace, or a workload in it where the namespace itself was not read.")
    to_uid: str | None = column("The other namespace, or a workload in it where the namespace itself was not read.")
    is_allowed: bool | None = column("On some port at least; NULL where none is allowed and some are unknown.")
    allowed_ports: str | None = column("The ports that are allowed, for people: TCP 443; UDP 53. '' if none.")
    example: str | None = column("A workload and the one it may connect to; '' where the answer is no.")
    policies: str | None = column("Policies that decide, separated by commas; '' where none does.")
    because: str | None = column("Why it is unknown; '' where it is not.")


class KubernetesNamespacePathPort(
    Derived, title="Ports on which pods of one namespace may connect to those of another"
):
    """Allowed ranges alone; a path that is not allowed has none."""

    inputs: ClassVar[tuple[str, ...]] = INPUTS
    writes_gaps: ClassVar[bool] = True
    key: ClassVar[tuple[str, ...]] = ("uid", "protocol", "first_port")
    protocol: str = column("TCP, UDP or SCTP; '' for all of them.", default="")
    first_port: int = column("First port.", default=0)
    last_port: int | None = column("Last port.")
