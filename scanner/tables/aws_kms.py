"""KMS keys."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsKmsKey(Resource, title="A KMS key"):
    """Its policy's statements are rows of aws_policy_statement. Name is the first alias, else the key's id."""

    manager: str | None = column("CUSTOMER or AWS.")
    state: str | None = column("Enabled, Disabled, PendingDeletion, …")
    is_enabled: bool | None = column("May be used.")
    key_usage: str | None = column("ENCRYPT_DECRYPT, SIGN_VERIFY, …")
    key_spec: str | None = column("SYMMETRIC_DEFAULT, RSA_2048, …")
    origin: str | None = column("AWS_KMS, EXTERNAL, AWS_CLOUDHSM or EXTERNAL_KEY_STORE.")
    created: int | None = column("Created.", unit="UTC seconds")
    deletion_time: int | None = column("When it will be deleted; 0 if it will not.", unit="UTC seconds")
    is_multi_region: bool | None = column("It has, or may have, replicas in other regions.")
    rotation_possible: bool | None = column("AWS can rotate it: symmetric, its material made by AWS.")
    rotation_enabled: bool | None = column("Rotated by itself; always so for keys that AWS manages.")
    rotation_period_seconds: int | None = column("How often; 0 if not rotated.", unit="seconds")


class AwsKmsAlias(Child, title="An alias of a KMS key"):
    alias: str | None = column("alias/….")
