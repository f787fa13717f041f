"""Network policies of a whole cluster, which come before and after those of the namespaces, and those of plug-ins."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class KubernetesAdminNetworkPolicy(Resource, title="A network policy of the cluster's administrators"):
    """AdminNetworkPolicy and BaselineAdminNetworkPolicy, or ClusterNetworkPolicy, which takes the place of both.

    The tier admin is asked before the network policies of the namespaces, the tier baseline where none of them selects
    the pod (https://network-policy-api.sigs.k8s.io/reference/spec/). Pods in the node's network are never its subject.
    """

    kind: str | None = column("AdminNetworkPolicy, BaselineAdminNetworkPolicy or ClusterNetworkPolicy.")
    tier: str | None = column("admin or baseline; '' for one that is new to us.")
    priority: int | None = column("0 to 1000, the lowest first; of equal ones nobody can tell which holds.")
    subject: str | None = column("namespaces or pods; '' for one that is new to us.")
    subject_namespace_selector: str | None = column("Namespaces it is about, as a label selector; '' is all.")
    subject_pod_selector: str | None = column("Pods it is about in these, as a label selector; '' is all.")
    ingress_rules: int | None = column("Number of rules for incoming connections.")
    egress_rules: int | None = column("Number of rules for outgoing connections.")
    trusts_mutable_namespace_label: bool | None = column(
        "The subject, or a peer of a rule, is chosen by a namespace label other than kubernetes.io/metadata.name, so "
        "that whoever may label a namespace can join or leave."
    )


class KubernetesAdminNetworkPolicyRule(Child, title="What a rule of an admin network policy says: one peer, one port"):
    """The first rule of a direction that matches decides; within a rule, any peer may use any port."""

    direction: str | None = column("ingress or egress.")
    rule: int | None = column("Position of the rule in its direction, from 0.")
    rule_name: str | None = column("Name of the rule; '' if none.")
    action: str | None = column("allow, deny, or pass to the next tier; '' for one that is new to us.")
    peer: str | None = column("pods, nodes, cidr, domain; '' for a peer that is new to us.")
    namespace_selector: str | None = column("Namespaces of the peer, as a label selector; '' is all, or not used.")
    pod_selector: str | None = column("Pods of the peer, as a label selector; '' is all, or not used.")
    node_selector: str | None = column("Nodes of the peer, as a label selector; '' is all, or not used.")
    cidr: str | None = column("Range of the peer, of pods too; '' if it is none.")
    domain: str | None = column("DNS name of the peer, perhaps with *; '' if it is none.")
    protocol: str | None = column("TCP, UDP or SCTP; '' where the rule names no port, and for a named port: any.")
    port: str | None = column("Port: number, or a name that the receiving pod declares; '' is all ports.")
    end_port: int | None = column("Last port of a range; 0 if it is no range.")


class KubernetesPluginNetworkPolicy(Resource, title="A network policy in the language of a network plug-in"):
    """What it allows is not read: connections of the pods that it selects are unknown."""

    kind: str | None = column("CiliumNetworkPolicy, GlobalNetworkPolicy, …")
    api_group: str | None = column("cilium.io, projectcalico.org, crd.projectcalico.org, crd.antrea.io.")
    pod_selector: str | None = column(
        "Pods it selects, as a label selector; '' is every pod of its namespace, or of the cluster where it has none; "
        "NULL where it is written in a language that is not read."
    )
