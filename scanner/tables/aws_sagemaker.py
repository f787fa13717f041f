"""SageMaker notebook instances."""

from __future__ import annotations

from scanner.tables.base import Resource, column


class AwsSagemakerNotebook(Resource, title="A SageMaker notebook instance"):
    kms_key_uid: str | None = column("Customer's key that encrypts its volume; '' for AWS's own.")
    direct_internet_access: bool | None = column("Reaches the internet without passing your VPC.")
    root_access: bool | None = column("Users are root on it.")
    subnet_uid: str | None = column("Subnet that it is in; '' if none.")
    role_uid: str | None = column("Role that it runs as.")
