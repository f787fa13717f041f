"""KMS keys."""

from __future__ import annotations

import json

from scanner.collectors.aws.arns import partition_of
from scanner.collectors.terraform.family import Family, Parts, Satellite
from scanner.collectors.terraform.policies import TABLES as POLICY_TABLES
from scanner.collectors.terraform.policies import fill_policies, policy
from scanner.collectors.terraform.reading import NO_ACCOUNT, RUNNING, Lost, Shape, then
from scanner.collectors.terraform.tags import fill_tags
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_kms import AwsKmsAlias, AwsKmsKey

_DAY = 86_400


def _key(shape: Shape, parts: Parts) -> None:
    own = parts.own
    enabled = own.boolean("is_enabled", absent=True)
    rotated = own.boolean("enable_key_rotation", absent=False)
    spec = own.text("customer_master_key_spec", absent="SYMMETRIC_DEFAULT")
    store = own.text("custom_key_store_id", absent="")
    period = then(own.integer("rotation_period_in_days", absent=365), lambda days: (days or 365) * _DAY)
    shape.resource(
        AwsKmsKey,
        manager="CUSTOMER",
        state=then(enabled, lambda on: "Enabled" if on else "Disabled"),
        is_enabled=enabled,
        key_usage=own.text("key_usage", absent="ENCRYPT_DECRYPT"),
        key_spec=spec,
        origin=then(store, lambda text: "AWS_CLOUDHSM" if text else "AWS_KMS"),
        created=RUNNING,
        deletion_time=0,
        is_multi_region=own.boolean("multi_region", absent=False),
        rotation_possible=then(spec, lambda text: then(store, lambda of: text == "SYMMETRIC_DEFAULT" and not of)),
        rotation_enabled=rotated,
        rotation_period_seconds=0 if rotated is False else then(rotated, lambda _: period),
    )
    view = parts.only("aws_kms_key_policy")
    text = view.text("policy") if view else own.text("policy", absent="")
    fill_policies(shape, policy("resource", "default", text or _default_policy(parts)))
    for alias in parts.views("aws_kms_alias"):
        shape.child(AwsKmsAlias, alias=alias.text("name"))
    if not parts.is_new:
        shape.lost(AwsKmsAlias, "", RUNNING)
    fill_tags(shape, own)


def _default_policy(parts: Parts) -> str | Lost:
    """What AWS writes for a key that is made without a policy: IAM of the account decides.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    account = parts.document.account
    if not parts.is_new:
        return RUNNING
    if not account:
        return NO_ACCOUNT
    root = f"arn:{partition_of(parts.document.region)}:iam::{account}:root"
    statement = {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": root}}
    return json.dumps({"Statement": [statement | {"Action": "kms:*", "Resource": "*"}]})


FAMILIES = (
    Family(
        types=("aws_kms_key",),
        tables=(AwsKmsKey, AwsKmsAlias, *POLICY_TABLES, AwsTag),
        fill=_key,
        satellites={
            "aws_kms_key_policy": Satellite("key_id", tuple((table, "") for table in POLICY_TABLES)),
            "aws_kms_alias": Satellite("target_key_id", ((AwsKmsAlias, ""),)),
        },
    ),
)
