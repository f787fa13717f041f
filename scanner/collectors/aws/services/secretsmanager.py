"""Secrets Manager: what is known of secrets without reading one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws import policies
from scanner.collectors.aws.reads import Read, Tables
from scanner.collectors.aws.schedule import interval_seconds
from scanner.collectors.aws.shaping import days, field, seconds, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_secret import AwsSecret

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_SECRET: Tables = (AwsSecret, *policies.TABLES, AwsTag)


def shape(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("ListSecrets")
    row = AwsSecret(**document.place)
    if raw is not None:
        row.created = seconds(raw.get("CreatedDate"))
        row.kms_key_uid = raw.get("KmsKeyId", "")
        row.rotation_enabled = raw.get("RotationEnabled", False)
        row.rotation_interval_seconds = _interval(raw.get("RotationRules", {})) if row.rotation_enabled else 0
        row.last_rotated = seconds(raw.get("LastRotatedDate"), absent=0)
        row.last_changed = seconds(raw.get("LastChangedDate"), absent=0)
        row.last_read = seconds(raw.get("LastAccessedDate"), absent=0)
        row.deletion_time = seconds(raw.get("DeletedDate"), absent=0)
    yield row
    policy = document.parts.get("GetResourcePolicy")
    if policy:
        yield from policies.rows(document.place, [policies.Policy("resource", "", policy)])
    yield from tag_rows(document, tag_map(field(raw, "Tags", ()) or ()), document.place)


def _interval(rules: Json) -> int | None:
    if "ScheduleExpression" in rules:
        return interval_seconds(rules["ScheduleExpression"])
    return days(rules.get("AutomaticallyAfterDays"))


KINDS = (Kind("aws_secret", _SECRET, shape, volatile=("ListSecrets.LastAccessedDate",)),)
PER = "region"
READS = (
    Read("secretsmanager", "ListSecrets", "secretsmanager:ListSecrets", rows=_SECRET),
    Read(
        "secretsmanager", "GetResourcePolicy", "secretsmanager:GetResourcePolicy", rows=policies.TABLES, gives=("ARN",)
    ),
)


def fetch(api: Api) -> None:
    """Every secret, those that wait for their deletion too: they can be had back."""
    api.each(lambda raw: _secret(api, raw), api.items("ListSecrets", "SecretList", IncludePlannedDeletion=True))


def _secret(api: Api, raw: Json) -> None:
    uid = raw["ARN"]
    parts: dict[str, Json] = {"ListSecrets": raw}
    if raw.get("DeletedDate"):  # its policy cannot be asked for any more, and lets nobody read it
        parts["GetResourcePolicy"] = None
    elif api.detail(parts, "GetResourcePolicy", uid=uid, SecretId=uid):
        parts["GetResourcePolicy"] = policies.parse(parts["GetResourcePolicy"].get("ResourcePolicy"))
    api.document("aws_secret", uid, raw["Name"], parts)
