"""OpenSearch domains."""

from __future__ import annotations

from scanner.tables.base import Resource, column


class AwsOpensearchDomain(Resource, title="An OpenSearch domain"):
    engine_version: str | None = column("Engine and version.")
    encrypted_at_rest: bool | None = column("Stored data is encrypted.")
    kms_key_uid: str | None = column("Key that encrypts it; '' if none.")
    node_to_node_encrypted: bool | None = column("What its nodes tell each other is encrypted.")
    https_required: bool | None = column("Plain HTTP is refused.")
    tls_policy: str | None = column("Which versions of TLS it takes.")
    vpc_uid: str | None = column("VPC that it is in; '' for a public endpoint.")
    audit_logs_enabled: bool | None = column("Audit logs are published.")
    fine_grained_access: bool | None = column("Users and roles of its own are checked.")
