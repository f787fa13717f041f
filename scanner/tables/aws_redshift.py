"""Redshift clusters."""

from __future__ import annotations

from scanner.tables.base import Resource, column


class AwsRedshiftCluster(Resource, title="A Redshift cluster"):
    created: int | None = column("Created.", unit="UTC seconds")
    is_encrypted: bool | None = column("Stored data is encrypted.")
    kms_key_uid: str | None = column("Key that encrypts it; '' if none.")
    publicly_accessible: bool | None = column("Has a public address.")
    backup_retention_seconds: int | None = column("Automated snapshots are kept; 0 if none are made.", unit="seconds")
    audit_logging_enabled: bool | None = column("Connections and what users do are logged.")
    endpoint: str | None = column("Host and port; '' while there is none.")
    vpc_uid: str | None = column("VPC that it is in; '' if none.")
