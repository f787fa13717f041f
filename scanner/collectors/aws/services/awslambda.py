"""Lambda functions, their URLs and whom their policies let in. Values of environment variables become keyed hashes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws import policies
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.services.network import attached_groups, uid_of
from scanner.collectors.aws.shaping import field, tag_rows
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_lambda import AwsLambdaFunction, AwsLambdaUrl
from scanner.tables.aws_network import AwsAttachedSecurityGroup

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_FUNCTION = (AwsLambdaFunction, AwsLambdaUrl, AwsAttachedSecurityGroup, *policies.TABLES, AwsTag)


def shape(document: Document) -> Iterator[Placed]:
    parts = document.parts
    raw = parts.get("ListFunctions")
    network: Json = field(raw, "VpcConfig", {}) or {}
    row = AwsLambdaFunction(**document.place)
    if raw is not None:
        row.runtime = raw.get("Runtime", "")
        row.role_uid = raw.get("Role", "")
        row.kms_key_uid = raw.get("KMSKeyArn", "")
        row.vpc_uid = uid_of(document, "aws_vpc", network.get("VpcId", ""))
        row.has_environment = bool(raw.get("Environment", {}).get("Variables"))
        row.last_modified = int(dt.datetime.fromisoformat(raw["LastModified"]).timestamp())
    yield row
    yield from numbered(
        _url(document, u) for u in field(parts.get("ListFunctionUrlConfigs"), "FunctionUrlConfigs", ()) or ()
    )
    yield from attached_groups(document, [{"id": g} for g in network.get("SecurityGroupIds", ())], "id")
    if parts.get("GetPolicy"):
        yield from policies.rows(document.place, [policies.Policy("resource", "", parts["GetPolicy"])])
    yield from tag_rows(document, field(parts.get("ListTags"), "Tags", {}), document.place)


def _url(document: Document, raw: Json) -> AwsLambdaUrl:
    return AwsLambdaUrl(
        **document.place,
        url=raw.get("FunctionUrl", ""),
        is_public=raw.get("AuthType") == "NONE",
        allows_any_origin="*" in raw.get("Cors", {}).get("AllowOrigins", ()),
    )


KINDS = (Kind("aws_lambda_function", _FUNCTION, shape, settings=("ListFunctions.Environment.Variables",)),)
PER = "region"
READS = (
    Read("lambda", "ListFunctions", "lambda:ListFunctions", rows=_FUNCTION),
    Read(
        "lambda", "GetPolicy", "lambda:GetPolicy", rows=policies.TABLES, gives=("Policy",),
        absent=("ResourceNotFoundException",),
    ),
    Read(
        "lambda", "ListFunctionUrlConfigs", "lambda:ListFunctionUrlConfigs", rows=(AwsLambdaUrl,),
        gives=("FunctionUrlConfigs",),
    ),
    Read("lambda", "ListTags", "lambda:ListTags", rows=(AwsTag,)),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every function, as its unpublished version is."""
    api.each(lambda raw: _function(api, raw), api.items("ListFunctions", "Functions"))


def _function(api: Api, raw: Json) -> None:
    uid, name = raw["FunctionArn"], raw["FunctionName"]
    parts: dict[str, Json] = {"ListFunctions": raw}
    if api.detail(parts, "GetPolicy", uid=uid, FunctionName=name) and parts["GetPolicy"]:
        parts["GetPolicy"] = policies.parse(parts["GetPolicy"]["Policy"])
    api.detail(parts, "ListFunctionUrlConfigs", uid=uid, FunctionName=name)
    api.detail(parts, "ListTags", uid=uid, Resource=uid)
    api.document("aws_lambda_function", uid, name, parts)
