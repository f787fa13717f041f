"""Topics and queues."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsSnsTopic(Resource, title="An SNS topic"):
    kms_key_uid: str | None = column("Key that encrypts messages; '' if none.")


class AwsSnsSubscription(Child, title="A subscriber of a topic"):
    protocol: str | None = column("https, email, lambda, sqs, …")
    endpoint: str | None = column("Who is told.")
    is_confirmed: bool | None = column("The subscriber has confirmed.")


class AwsSqsQueue(Resource, title="An SQS queue"):
    is_encrypted: bool | None = column("Messages are encrypted, by SQS's own key or another.")
    kms_key_uid: str | None = column("Key that encrypts messages; '' for SQS's own or none.")
    dead_letter_uid: str | None = column("Queue for what cannot be handled; '' if none.")
    retention_seconds: int | None = column("Messages are kept.", unit="seconds")
