"""Lambda functions."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsLambdaFunction(Resource, title="A Lambda function"):
    runtime: str | None = column("Runtime; '' for container images.")
    role_uid: str | None = column("Role that it runs as.")
    kms_key_uid: str | None = column("Customer's key that encrypts its environment; '' for AWS's own.")
    vpc_uid: str | None = column("VPC that it is in; '' if none.")
    has_environment: bool | None = column("Environment variables are set.")
    last_modified: int | None = column("Code or configuration last changed.", unit="UTC seconds")


class AwsLambdaUrl(Child, title="A URL of a function"):
    url: str | None = column("The URL.")
    is_public: bool | None = column("Anyone may call it: no sign-in is asked for.")
    allows_any_origin: bool | None = column("Pages of any site may call it.")
