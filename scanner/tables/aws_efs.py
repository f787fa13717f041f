"""Elastic file systems."""

from __future__ import annotations

from scanner.tables.base import Resource, column


class AwsEfsFileSystem(Resource, title="An elastic file system"):
    created: int | None = column("Created.", unit="UTC seconds")
    is_encrypted: bool | None = column("Stored data is encrypted.")
    kms_key_uid: str | None = column("Key that encrypts it; '' if none.")
    backup_enabled: bool | None = column("Automatic backups by AWS Backup are on.")
