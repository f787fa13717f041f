"""Stages of HTTP and WebSocket APIs."""

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
    api, stage = document.parts.get("GetApis"), document.parts.get("GetStages")
    row = AwsApiStage(**document.place)
    if api is not None:
        # These APIs cannot be private, cache nothing, are not traced, and take no web ACL.
        row.is_private, row.cache_encrypted, row.tracing_enabled, row.web_acl_uid = False, True, False, ""
        row.api, row.api_name, row.protocol = api["ApiId"], api.get("Name", ""), api.get("ProtocolType", "HTTP")
    if stage is not None:
        row.access_logs_enabled = bool(stage.get("AccessLogSettings", {}).get("DestinationArn"))
        row.execution_logs_enabled = stage.get("DefaultRouteSettings", {}).get("LoggingLevel", "OFF") != "OFF"
    yield row
    yield from tag_rows(document, field(stage, "Tags", {}), document.place)


KINDS = (Kind("aws_http_api_stage", _STAGE, shape, settings=("GetStages.StageVariables",)),)
PER = "region"
READS = (
    Read("apigatewayv2", "GetApis", "apigateway:GET", rows=_STAGE),
    Read("apigatewayv2", "GetStages", "apigateway:GET", rows=_STAGE, gives=("Items",), part="GetApiStages"),
)


def fetch(api: Api) -> None:
    """Every stage of every API. Where there is no API the answer has no list."""
    api.each(lambda raw: _api(api, raw), (raw for page in api.pages("GetApis") for raw in page.get("Items") or ()))


def _api(api: Api, raw: Json) -> None:
    stages = api.attempt("GetApiStages", ApiId=raw["ApiId"])
    for stage in stages["Items"] if isinstance(stages, dict) else ():
        name = stage["StageName"]
        uid = f"arn:{partition_of(api.region)}:apigateway:{api.region}::/apis/{raw['ApiId']}/stages/{name}"
        label = f"{raw.get('Name') or raw['ApiId']}/{name}"
        api.document("aws_http_api_stage", uid, label, {"GetApis": raw, "GetStages": stage})
