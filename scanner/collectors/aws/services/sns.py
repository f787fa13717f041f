"""SNS topics, whom they tell and whom their policies let in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws import policies
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import field, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_messaging import AwsSnsSubscription, AwsSnsTopic

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_TOPIC = (AwsSnsTopic, AwsSnsSubscription, *policies.TABLES, AwsTag)


def shape(document: Document) -> Iterator[Placed]:
    parts = document.parts
    attributes = field(parts.get("GetTopicAttributes"), "Attributes", {})
    yield AwsSnsTopic(**document.place, kms_key_uid=field(attributes, "KmsMasterKeyId", ""))
    yield from numbered(
        AwsSnsSubscription(
            **document.place,
            protocol=s.get("Protocol"),
            endpoint=s.get("Endpoint", ""),
            is_confirmed=s.get("SubscriptionArn", "").startswith("arn:"),
        )
        for s in parts.get("ListSubscriptions") or ()
    )
    policy = field(attributes, "Policy", None)
    if policy:
        yield from policies.rows(document.place, [policies.Policy("resource", "", policies.parse(policy))])
    yield from tag_rows(document, tag_map(field(parts.get("ListTagsForResource"), "Tags", ()) or ()), document.place)


KINDS = (
    Kind(
        "aws_sns_topic", _TOPIC, shape,
        volatile=tuple(
            f"GetTopicAttributes.Attributes.Subscriptions{state}" for state in ("Confirmed", "Pending", "Deleted")
        ),
    ),
)  # fmt: skip
PER = "region"
READS = (
    Read("sns", "ListTopics", "sns:ListTopics", rows=_TOPIC),
    Read("sns", "ListSubscriptions", "sns:ListSubscriptions", rows=(AwsSnsSubscription,)),
    Read(
        "sns", "GetTopicAttributes", "sns:GetTopicAttributes", rows=policies.TABLES, gives=("Attributes",),
        columns={AwsSnsTopic: ("kms_key_uid",)},
    ),
    Read("sns", "ListTagsForResource", "sns:ListTagsForResource", rows=(AwsTag,), gives=("Tags",)),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every topic; the subscriptions of all come in one listing."""
    listed = api.gather("ListSubscriptions", "Subscriptions")
    of_topic: dict[str, list[Json]] | None = None if listed is None else {}
    for found in listed or ():
        if of_topic is not None:
            of_topic.setdefault(found["TopicArn"], []).append(found)
    api.each(lambda raw: _topic(api, raw, of_topic), api.items("ListTopics", "Topics"))


def _topic(api: Api, raw: Json, of_topic: dict[str, list[Json]] | None) -> None:
    uid = raw["TopicArn"]
    parts: dict[str, Json] = {"ListTopics": raw}
    if of_topic is not None:
        parts["ListSubscriptions"] = sorted(of_topic.get(uid, ()), key=str)
    api.detail(parts, "GetTopicAttributes", uid=uid, TopicArn=uid)
    api.detail(parts, "ListTagsForResource", uid=uid, ResourceArn=uid)
    api.document("aws_sns_topic", uid, uid.rpartition(":")[2], parts)
