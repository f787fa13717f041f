"""DynamoDB tables and their accelerators."""

from __future__ import annotations

from scanner.tables.base import Resource, column


class AwsDynamodbTable(Resource, title="A DynamoDB table"):
    created: int | None = column("Created.", unit="UTC seconds")
    encryption: str | None = column(
        "AWS_OWNED: a key that no account sees; KMS: one of the account's, made by AWS or by the customer."
    )
    kms_key_uid: str | None = column("Key that encrypts it; '' for one that AWS owns.")
    pitr_enabled: bool | None = column("Can be restored to any second of the period.")
    pitr_period_seconds: int | None = column("How far back it can be restored; 0 if not at all.", unit="seconds")
    deletion_protection: bool | None = column("Cannot be deleted in one call.")


class AwsDaxCluster(Resource, title="A DynamoDB Accelerator cluster"):
    is_encrypted: bool | None = column("What it caches is encrypted.")
    tls_enabled: bool | None = column("Connections to it are encrypted.")
