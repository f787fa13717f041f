"""Stages of REST APIs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.arns import partition_of
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import field, tag_rows
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_api_gateway import AwsApiStage

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_STAGE = (AwsApiStage, AwsTag)


def shape(document: Document) -> Iterator[Placed]:
    api, stage = document.parts.get("GetRestApis"), document.parts.get("GetStages")
    row = AwsApiStage(**document.place)
    if api is not None:
        row.api, row.api_name, row.protocol = api["id"], api.get("name", ""), "REST"
        row.is_private = api.get("endpointConfiguration", {}).get("types") == ["PRIVATE"]
    if stage is not None:
        methods = stage.get("methodSettings", {})
        every = methods.get("*/*", {})
        row.access_logs_enabled = bool(stage.get("accessLogSettings", {}).get("destinationArn"))
        row.execution_logs_enabled = every.get("loggingLevel", "OFF") != "OFF" and all(
            m.get("loggingLevel", "OFF") != "OFF" for m in methods.values()
        )
        row.tracing_enabled = stage.get("tracingEnabled", False)
        row.web_acl_uid = stage.get("webAclArn", "")
        caching = [m for m in methods.values() if m.get("cachingEnabled")]
        row.cache_encrypted = not stage.get("cacheClusterEnabled", False) or all(
            m.get("cacheDataEncrypted") for m in caching
        )
    yield row
    yield from tag_rows(document, field(stage, "tags", {}), document.place)


KINDS = (Kind("aws_rest_api_stage", _STAGE, shape, settings=("GetStages.variables",)),)
PER = "region"
READS = (
    Read("apigateway", "GetRestApis", "apigateway:GET", rows=_STAGE),
    Read("apigateway", "GetStages", "apigateway:GET", rows=_STAGE, gives=("item",)),
)


def fetch(api: Api) -> None:
    """Every stage of every API. Where there is no API the answer has no list."""
    api.each(lambda raw: _api(api, raw), (raw for page in api.pages("GetRestApis") for raw in page.get("items") or ()))


def _api(api: Api, raw: Json) -> None:
    stages = api.attempt("GetStages", restApiId=raw["id"])
    for stage in stages["item"] if isinstance(stages, dict) else ():
        name = stage["stageName"]
        uid = f"arn:{partition_of(api.region)}:apigateway:{api.region}::/restapis/{raw['id']}/stages/{name}"
        label = f"{raw.get('name') or raw['id']}/{name}"
        api.document("aws_rest_api_stage", uid, label, {"GetRestApis": raw, "GetStages": stage})
