"""The Gateway API: gateways, their listeners, and routes to services."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class KubernetesGateway(Resource, title="A gateway of the Gateway API"):
    gateway_class: str | None = column("Class.")
    listeners: int | None = column("Number of listeners.")


class KubernetesGatewayListener(Child, title="A listener of a gateway"):
    listener: str | None = column("Name of the listener.")
    hostname: str | None = column("Host; '' is any host.")
    port: int | None = column("Port.")
    protocol: str | None = column("HTTP, HTTPS, TLS, TCP or UDP.")
    is_encrypted: bool | None = column("HTTPS or TLS.")
    allows_routes_from: str | None = column(
        "Namespaces whose routes may use it: Same, All or Selector. Not set is Same."
    )


class KubernetesRoute(Resource, title="A route of the Gateway API"):
    kind: str | None = column("HTTPRoute, GRPCRoute, TLSRoute, TCPRoute or UDPRoute.")
    hostnames: str | None = column("Hosts, sorted, separated by commas; '' is those of the listener.")
    backends: int | None = column("Number of backends.")


class KubernetesRouteParent(Child, title="A gateway that a route hangs on"):
    gateway_uid: str | None = column("Uid of the gateway; '' where the parent is something else.")
    section: str | None = column("The one listener it uses; '' for all.")


class KubernetesRouteBackend(Child, title="Where a route leads"):
    service_uid: str | None = column("Uid of the service; '' for another kind of backend.")
    service_namespace: str | None = column("Its namespace; '' for another kind of backend.")
    port: int | None = column("Port of the service; 0 if not set.")
