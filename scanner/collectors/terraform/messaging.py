"""Topics, queues and secrets."""

from __future__ import annotations

import json

from scanner.collectors.aws.arns import partition_of
from scanner.collectors.aws.schedule import interval_seconds
from scanner.collectors.terraform.family import Family, Parts, Satellite
from scanner.collectors.terraform.policies import TABLES as POLICY_TABLES
from scanner.collectors.terraform.policies import fill_policies, policy
from scanner.collectors.terraform.reading import NO_ACCOUNT, RUNNING, UNSUPPORTED, Lost, Shape, View, then
from scanner.collectors.terraform.tags import fill_tags
from scanner.safe import json as safe_json
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_messaging import AwsSnsSubscription, AwsSnsTopic, AwsSqsQueue
from scanner.tables.aws_secret import AwsSecret

_DAY = 86_400
_ROWS = tuple((table, "") for table in POLICY_TABLES)
# Endpoints that need not confirm: https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
_CONFIRMED = ("application", "firehose", "lambda", "sms", "sqs")
_BAD_SCHEDULE = Lost(UNSUPPORTED, "the schedule is not understood")


def own_policy(shape: Shape, parts: Parts, satellite: str, argument: str = "policy", inline: str = "policy") -> None:
    """The resource policy: of the satellite, else the resource's own; '' where there is none."""
    view = parts.only(satellite)
    gone = parts.is_gone(satellite)
    text = view.text(argument) if view else "" if gone or not inline else parts.own.text(inline, absent="")
    if not view and not gone and not inline and not parts.is_new:
        text = RUNNING
    fill_policies(shape, policy("resource", "", text))


def _topic(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shape.resource(AwsSnsTopic, kms_key_uid=own.ref("kms_master_key_id", "aws_kms_key", known=str, absent=""))
    for view in parts.views("aws_sns_topic_subscription"):
        protocol = view.text("protocol")
        shape.child(
            AwsSnsSubscription,
            protocol=protocol,
            endpoint=view.ref("endpoint", "aws_sqs_queue", "aws_lambda_function", known=str),
            is_confirmed=True if protocol in _CONFIRMED else RUNNING,
        )
    if not parts.is_new:
        shape.lost(AwsSnsSubscription, "", RUNNING)
    stated = parts.only("aws_sns_topic_policy")
    text = stated.text("policy") if stated else own.text("policy", absent="")
    fill_policies(shape, policy("resource", "", text or _topic_default(parts)))
    fill_tags(shape, own)


def _topic_default(parts: Parts) -> str | Lost:
    """What SNS writes for a topic that is made without a policy: its account alone may use it.

    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    """
    account, region = parts.document.account, parts.document.region
    if not parts.is_new:
        return RUNNING
    if not account:
        return NO_ACCOUNT
    statement = {
        "Sid": "__default_statement_ID", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "SNS:*",
        "Resource": f"arn:{partition_of(region)}:sns:{region}:{account}:*",
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }  # fmt: skip
    return json.dumps({"Statement": [statement]})


def _queue(shape: Shape, parts: Parts) -> None:
    own = parts.own
    key = own.ref("kms_master_key_id", "aws_kms_key", known=str, absent="")
    managed = own.boolean("sqs_managed_sse_enabled", absent=False)
    shape.resource(
        AwsSqsQueue,
        is_encrypted=then(key, lambda text: True if text else managed),
        kms_key_uid=key,
        dead_letter_uid=_dead_letters(parts),
        retention_seconds=own.integer("message_retention_seconds", absent=345_600),
    )
    own_policy(shape, parts, "aws_sqs_queue_policy")
    fill_tags(shape, own)


def _dead_letters(parts: Parts) -> str | Lost:
    view = parts.only("aws_sqs_queue_redrive_policy")
    gone = parts.is_gone("aws_sqs_queue_redrive_policy")
    text = view.text("redrive_policy") if view else "" if gone else parts.own.text("redrive_policy", absent="")

    def target(raw: str) -> str | Lost:
        found = safe_json.load(raw.encode(), "redrive_policy") if raw.startswith("{") else None
        if not isinstance(found, dict):
            return Lost(UNSUPPORTED, "the redrive policy is no object") if raw else ""
        return str(found.get("deadLetterTargetArn", ""))

    return then(text, target)


def _secret(shape: Shape, parts: Parts) -> None:
    own = parts.own
    view = parts.only("aws_secretsmanager_secret_rotation")
    off = parts.is_gone("aws_secretsmanager_secret_rotation") or parts.is_new
    new = 0 if parts.is_new else RUNNING
    shape.resource(
        AwsSecret,
        created=RUNNING,
        kms_key_uid=own.ref("kms_key_id", "aws_kms_key", "aws_kms_alias", known=str, absent=""),
        rotation_enabled=True if view else False if off else RUNNING,
        rotation_interval_seconds=_interval(view) if view else 0 if off else RUNNING,
        last_rotated=new,
        last_changed=RUNNING,
        last_read=new,
        deletion_time=0,
    )
    own_policy(shape, parts, "aws_secretsmanager_secret_policy")
    fill_tags(shape, own)


def _interval(view: View) -> int | Lost:
    rules = view.block("rotation_rules")
    if rules is None or isinstance(rules, Lost):
        return rules or RUNNING
    schedule = rules.text("schedule_expression", absent="")
    if schedule == "":
        return then(rules.integer("automatically_after_days"), lambda days: days * _DAY)
    return then(schedule, lambda text: interval_seconds(text) or _BAD_SCHEDULE)


FAMILIES = (
    Family(
        types=("aws_sns_topic",),
        tables=(AwsSnsTopic, AwsSnsSubscription, *POLICY_TABLES, AwsTag),
        fill=_topic,
        satellites={
            "aws_sns_topic_policy": Satellite("arn", _ROWS),
            "aws_sns_topic_subscription": Satellite("topic_arn", ((AwsSnsSubscription, ""),)),
        },
    ),
    Family(
        types=("aws_sqs_queue",),
        tables=(AwsSqsQueue, *POLICY_TABLES, AwsTag),
        fill=_queue,
        satellites={
            "aws_sqs_queue_policy": Satellite("queue_url", _ROWS),
            "aws_sqs_queue_redrive_policy": Satellite("queue_url", ((AwsSqsQueue, "dead_letter_uid"),)),
        },
    ),
    Family(
        types=("aws_secretsmanager_secret",),
        tables=(AwsSecret, *POLICY_TABLES, AwsTag),
        fill=_secret,
        satellites={
            "aws_secretsmanager_secret_policy": Satellite("secret_arn", _ROWS),
            "aws_secretsmanager_secret_rotation": Satellite(
                "secret_id", ((AwsSecret, "rotation_enabled"), (AwsSecret, "rotation_interval_seconds"))
            ),
        },
    ),
)
