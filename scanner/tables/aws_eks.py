"""EKS clusters, as AWS shows them."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsEksCluster(Resource, title="An EKS cluster"):
    created: int | None = column("Created.", unit="UTC seconds")
    version: str | None = column("Version of Kubernetes.")
    secrets_encrypted: bool | None = column("Secrets are encrypted with a customer's key before etcd stores them.")
    kms_key_uid: str | None = column("That key; '' if none.")
    public_endpoint: bool | None = column("The API server has a public address.")
    private_endpoint: bool | None = column("The API server has an address in the VPC.")
    vpc_uid: str | None = column("VPC that it is in.")
    role_uid: str | None = column("Role of the control plane.")
    deletion_protection: bool | None = column("Cannot be deleted in one call.")


class AwsEksPublicCidr(Child, title="A range from which the public endpoint of a cluster can be reached"):
    cidr: str | None = column("The range.")
    is_public: bool | None = column("As wide as the internet, or a large part of it.")


class AwsEksLog(Child, title="A log of the control plane that is kept"):
    log: str | None = column("api, audit, authenticator, controllerManager or scheduler.")
