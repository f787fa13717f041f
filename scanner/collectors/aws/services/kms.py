"""KMS keys with their policies, rotation and aliases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws import policies
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import days, field, seconds, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_kms import AwsKmsAlias, AwsKmsKey

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_KEY = (AwsKmsKey, AwsKmsAlias, *policies.TABLES, AwsTag)
_YEAR = 365  # days; how often AWS rotates where nothing else is said


def shape(document: Document) -> Iterator[Placed]:
    parts = document.parts
    raw = field(parts.get("DescribeKey"), "KeyMetadata", {})
    aliases = parts.get("ListAliases")
    row = AwsKmsKey(**document.place)
    if "ListAliases" not in parts:
        row.name = None
    if raw is not None:
        row.manager = raw.get("KeyManager", "CUSTOMER")
        row.state = raw.get("KeyState", "")
        row.is_enabled = raw.get("Enabled", False)
        row.key_usage, row.key_spec = raw.get("KeyUsage", ""), raw.get("KeySpec", "")
        row.origin = raw.get("Origin", "")
        row.created = seconds(raw.get("CreationDate"))
        row.deletion_time = seconds(raw.get("DeletionDate"), absent=0)
        row.is_multi_region = raw.get("MultiRegion", False)
        row.rotation_possible = can_rotate(raw)
        _rotation(row, parts.get("GetKeyRotationStatus"))
    yield row
    yield from numbered(AwsKmsAlias(**document.place, alias=name) for name in aliases or ())
    if "GetKeyPolicy" in parts:
        yield from policies.rows(document.place, [policies.Policy("resource", "default", parts["GetKeyPolicy"])])
    yield from tag_rows(document, tag_map(field(parts.get("ListResourceTags"), "Tags", ()) or ()), document.place)


def can_rotate(key: Json) -> bool:
    """AWS rotates symmetric keys whose material it made; no others."""
    return bool(key.get("KeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT" and key.get("Origin") == "AWS_KMS")


def _rotation(row: AwsKmsKey, status: Json) -> None:
    if row.manager == "AWS":
        row.rotation_enabled, row.rotation_period_seconds = True, days(_YEAR)
    elif not row.rotation_possible:
        row.rotation_enabled, row.rotation_period_seconds = False, 0
    elif status is not None:
        row.rotation_enabled = status.get("KeyRotationEnabled", False)
        row.rotation_period_seconds = days(status.get("RotationPeriodInDays", _YEAR)) if row.rotation_enabled else 0


KINDS = (Kind("aws_kms_key", _KEY, shape),)
PER = "region"
READS = (
    Read("kms", "ListKeys", "kms:ListKeys", rows=_KEY),
    Read("kms", "ListAliases", "kms:ListAliases", rows=(AwsKmsAlias,), columns={t: ("name",) for t in _KEY}),
    Read(
        "kms", "DescribeKey", "kms:DescribeKey",
        columns={
            AwsKmsKey: (
                "manager", "state", "is_enabled", "key_usage", "key_spec", "origin", "created", "deletion_time",
                "is_multi_region", "rotation_possible", "rotation_enabled", "rotation_period_seconds",
            )
        },
        gives=("KeyMetadata",),
    ),
    Read(
        "kms", "GetKeyRotationStatus", "kms:GetKeyRotationStatus",
        columns={AwsKmsKey: ("rotation_enabled", "rotation_period_seconds")}, gives=("KeyRotationEnabled",),
    ),
    Read("kms", "GetKeyPolicy", "kms:GetKeyPolicy", rows=policies.TABLES, gives=("Policy",)),
    Read("kms", "ListResourceTags", "kms:ListResourceTags", rows=(AwsTag,), gives=("Tags",)),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every key, those that AWS manages too, for data is encrypted with them."""
    aliases = api.gather("ListAliases", "Aliases")
    by_key: dict[str, list[str]] | None = None if aliases is None else {}
    for alias in aliases or ():
        if by_key is not None and alias.get("TargetKeyId"):
            by_key.setdefault(alias["TargetKeyId"], []).append(alias["AliasName"])
    api.each(lambda key: _key(api, key, by_key), api.items("ListKeys", "Keys"))


def _key(api: Api, listed: Json, by_key: dict[str, list[str]] | None) -> None:
    uid, id = listed["KeyArn"], listed["KeyId"]
    parts: dict[str, Json] = {"ListKeys": listed}
    if by_key is not None:
        parts["ListAliases"] = sorted(by_key.get(id, ()))
    if api.detail(parts, "DescribeKey", uid=uid, KeyId=id):
        metadata = parts["DescribeKey"]["KeyMetadata"]
        if metadata.get("KeyManager") == "CUSTOMER" and can_rotate(metadata):
            api.detail(parts, "GetKeyRotationStatus", uid=uid, KeyId=id)
    if api.detail(parts, "GetKeyPolicy", uid=uid, KeyId=id, PolicyName="default"):
        parts["GetKeyPolicy"] = policies.parse(parts["GetKeyPolicy"]["Policy"])
    api.detail(parts, "ListResourceTags", uid=uid, KeyId=id)
    names = parts.get("ListAliases") or [id]
    api.document("aws_kms_key", uid, names[0], parts)
