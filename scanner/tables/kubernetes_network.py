"""How a cluster's workloads are reached: services, endpoint slices, ingresses and network policies of a namespace."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class KubernetesService(Resource, title="A service"):
    type: str | None = column("ClusterIP, NodePort, LoadBalancer or ExternalName. Not set is ClusterIP.")
    is_headless: bool | None = column("Has no address of its own: clusterIP None.")
    selector: str | None = column("Pods it leads to, as a label selector; '' if it has none.")
    external_name: str | None = column("DNS name that an ExternalName service stands for; '' for the others.")
    external_ips: int | None = column("Number of external addresses that nodes answer for.")
    source_ranges: int | None = column("Number of ranges that may use the load balancer; 0 is everyone.")
    is_public_source: bool | None = column(
        "A load balancer that everyone may use: no source range, or one that is 0.0.0.0/0 or ::/0."
    )
    load_balancer_scheme: str | None = column(
        "internal or internet-facing where an annotation of EKS, GKE, AKS or OpenStack says so; '' if none does: "
        "the cloud's controller decides."
    )


class KubernetesServicePort(Child, title="A port of a service"):
    port: int | None = column("Port of the service.")
    port_name: str | None = column("Name of the port; '' if none.")
    protocol: str | None = column("TCP, UDP or SCTP. Not set is TCP.")
    target_port: str | None = column("Port of the pods: number or name. Not set is the port.")
    node_port: int | None = column("Port of the nodes; 0 if none or not yet given.")


class KubernetesServiceSourceRange(Child, title="A range that may use a service's load balancer"):
    cidr: str | None = column("The range.")


class KubernetesServiceExternalIp(Child, title="An external address that nodes answer for on a service's behalf"):
    """Whoever may set one can take traffic meant for others (CVE-2020-8554)."""

    ip: str | None = column("The address.")


class KubernetesEndpointSlice(Resource, title="An endpoint slice: addresses behind a service"):
    """One that no controller keeps can send a service's traffic to any address, in any namespace."""

    service: str | None = column("Name of the service; '' if it belongs to none.")
    service_uid: str | None = column("Its uid; '' if it belongs to none.")
    address_type: str | None = column("IPv4, IPv6 or FQDN.")
    managed_by: str | None = column(
        "What keeps it: endpointslice-controller.k8s.io follows the service's selector; '' if it does not say."
    )


class KubernetesEndpoint(Child, title="An address of an endpoint slice"):
    address: str | None = column("IP address or DNS name.", volatile=True)
    is_ready: bool | None = column("Takes connections; not known counts as ready, as in the API.", volatile=True)
    target_uid: str | None = column("The object behind it, mostly a pod; '' if it names none.", volatile=True)
    target_namespace: str | None = column("Namespace of that object; '' if it names none.", volatile=True)


class KubernetesEndpointPort(Child, title="A port of an endpoint slice"):
    port: int | None = column("Port; 0 for all ports.")
    port_name: str | None = column("Name of the port; '' if none.")
    protocol: str | None = column("TCP, UDP or SCTP. Not set is TCP.")


class KubernetesIngress(Resource, title="An ingress, or a route of OpenShift"):
    ingress_class: str | None = column("Class; '' if not set: the cluster's default class.")
    has_tls: bool | None = column("Has at least one TLS entry.")
    all_hosts_tls: bool | None = column("Every host of its rules is in a TLS entry; false if it has no TLS entry.")
    default_backend: str | None = column("Service for what no rule matches; '' if none.")


class KubernetesIngressRule(Child, title="A path of an ingress's rule"):
    host: str | None = column("Host; '' is any host. It may begin with *.")
    path: str | None = column("Path; '' is all paths.")
    path_type: str | None = column("Exact, Prefix or ImplementationSpecific.")
    service: str | None = column("Service behind it; '' for another kind of backend.")
    service_uid: str | None = column("Uid of the service; '' for another kind of backend.")
    service_port: str | None = column("Port of the service: number or name; '' for another kind of backend.")
    tls: bool | None = column("A TLS entry names the host, or covers it with *. ; an entry without hosts covers all.")


class KubernetesIngressTls(Child, title="A host of an ingress's TLS entry"):
    host: str | None = column("Host; '' for an entry that names none.")
    secret: str | None = column("Secret with the certificate; '' if the controller's own is used.")
    secret_uid: str | None = column("Uid of the secret; '' if the controller's own is used.")


class KubernetesNetworkPolicy(Resource, title="A network policy"):
    """Whether a cluster enforces network policies at all, its network plug-in decides.

    policyTypes not set is Ingress, and Egress where there are egress rules
    (https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/).
    """

    pod_selector: str | None = column("Pods it selects, as a label selector; '' is every pod of the namespace.")
    selects_all_pods: bool | None = column("It selects every pod of its namespace.")
    applies_to_ingress: bool | None = column("Isolates the selected pods for incoming connections.")
    applies_to_egress: bool | None = column("Isolates the selected pods for outgoing connections.")
    default_deny_ingress: bool | None = column("Selects every pod and allows no incoming connection by itself.")
    default_deny_egress: bool | None = column("Selects every pod and allows no outgoing connection by itself.")
    allows_everyone_ingress: bool | None = column("A rule admits every source on some port.")
    allows_everyone_egress: bool | None = column("A rule admits every destination on some port.")
    uses_namespace_selector: bool | None = column("A peer is selected by labels of its namespace.")
    trusts_mutable_namespace_label: bool | None = column(
        "A namespace selector is not bound to kubernetes.io/metadata.name by a value, so that whoever may label a "
        "namespace can join; a selector of all namespaces trusts no label."
    )


class KubernetesNetworkPolicyRule(Child, title="What a rule of a network policy allows: one peer, one port"):
    """The rules of a direction add up; within a rule, any peer may use any port."""

    direction: str | None = column("ingress or egress.")
    rule: int | None = column("Position of the rule in its direction, from 0.")
    peer: str | None = column("everyone (no peer is named), pods, cidr; '' for a peer that is new to us.")
    allows_everyone: bool | None = column("The peer is everyone, 0.0.0.0/0 or ::/0, with no exception.")
    same_namespace: bool | None = column("The peer is pods of the policy's own namespace: no namespace selector.")
    namespace_selector: str | None = column("Namespaces of the peer, as a label selector; '' is all, or not used.")
    pod_selector: str | None = column("Pods of the peer, as a label selector; '' is all, or not used.")
    cidr: str | None = column("Range of the peer; '' if it is not an ipBlock.")
    exceptions: str | None = column("Ranges left out of cidr, sorted, separated by commas; '' if none.")
    protocol: str | None = column("TCP, UDP or SCTP, not set is TCP; '' where the rule names no port: all protocols.")
    port: str | None = column("Port: number, or a name that the receiving pod declares; '' is all ports.")
    end_port: int | None = column("Last port of a range; 0 if it is no range.")
