"""SQS queues: encryption, dead letters, whom their policies let in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws import policies
from scanner.collectors.aws.arns import arn
from scanner.collectors.aws.reads import Read, Tables
from scanner.collectors.aws.shaping import field, tag_rows
from scanner.safe import json as safe_json
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_messaging import AwsSqsQueue

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_QUEUE: Tables = (AwsSqsQueue, *policies.TABLES, AwsTag)
_COLUMNS = ("is_encrypted", "kms_key_uid", "dead_letter_uid", "retention_seconds")


def shape(document: Document) -> Iterator[Placed]:
    parts = document.parts
    raw = field(parts.get("GetQueueAttributes"), "Attributes", {})
    row = AwsSqsQueue(**document.place)
    if raw is not None:
        row.kms_key_uid = raw.get("KmsMasterKeyId", "")
        row.is_encrypted = bool(row.kms_key_uid) or raw.get("SqsManagedSseEnabled", "false").lower() == "true"
        row.retention_seconds = int(raw.get("MessageRetentionPeriod", 345_600))
        row.dead_letter_uid = _dead_letters(raw.get("RedrivePolicy", ""))
    yield row
    policy = field(raw, "Policy", "")
    if policy:
        yield from policies.rows(document.place, [policies.Policy("resource", "", policies.parse(policy))])
    yield from tag_rows(document, field(parts.get("ListQueueTags"), "Tags", {}), document.place)


def _dead_letters(policy: str) -> str:
    if not policy:
        return ""
    found = safe_json.load(policy.encode(), "RedrivePolicy")
    return str(found.get("deadLetterTargetArn", "")) if isinstance(found, dict) else ""


KINDS = (
    Kind(
        "aws_sqs_queue", _QUEUE, shape,
        volatile=tuple(
            f"GetQueueAttributes.Attributes.ApproximateNumberOfMessages{s}" for s in ("", "Delayed", "NotVisible")
        ),
    ),
)  # fmt: skip
PER = "region"
READS = (
    Read("sqs", "ListQueues", "sqs:ListQueues", rows=_QUEUE),
    Read(
        "sqs", "GetQueueAttributes", "sqs:GetQueueAttributes", rows=policies.TABLES, gives=("Attributes",),
        columns={AwsSqsQueue: _COLUMNS},
    ),
    Read("sqs", "ListQueueTags", "sqs:ListQueueTags", rows=(AwsTag,)),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every queue. Where there is none the answer has no list."""
    urls = (url for page in api.pages("ListQueues") for url in page.get("QueueUrls") or ())
    api.each(lambda url: _queue(api, url), urls)


def _queue(api: Api, url: Json) -> None:
    name = url.rpartition("/")[2]
    uid = arn("aws_sqs_queue", name, account=api.account.id, region=api.region, partition=api.account.partition)
    parts: dict[str, Json] = {"ListQueues": url}
    api.detail(parts, "GetQueueAttributes", uid=uid, QueueUrl=url, AttributeNames=["All"])
    api.detail(parts, "ListQueueTags", uid=uid, QueueUrl=url)
    api.document("aws_sqs_queue", uid, name, parts)
