"""Load balancers of both generations."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsLoadBalancer(Resource, title="A load balancer"):
    kind: str | None = column("application, network, gateway or classic.")
    is_public: bool | None = column("Has public addresses.")
    vpc_uid: str | None = column("VPC that it is in.")
    dns_name: str | None = column("Name it is reached by.")
    created: int | None = column("Created.", unit="UTC seconds")
    deletion_protection: bool | None = column("Cannot be deleted in one call; false for classic ones, which lack it.")
    access_logs_enabled: bool | None = column("Writes access logs.")
    access_logs_bucket: str | None = column("Name of the bucket that gets them; '' if none.")
    drops_invalid_headers: bool | None = column(
        "HTTP headers that are not valid are dropped; false where it has no HTTP."
    )


class AwsLoadBalancerListener(Child, title="A listener of a load balancer"):
    port: int | None = column("Port; 0 for gateway load balancers.")
    protocol: str | None = column("HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP, GENEVE or SSL.")
    is_encrypted: bool | None = column("Clients speak TLS to it.")
    redirects_to_tls: bool | None = column("All it does is to send clients on to HTTPS.")
    tls_policy: str | None = column("Which versions and ciphers it takes; '' without TLS.")
