"""DynamoDB Accelerator clusters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import field, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_dynamodb import AwsDaxCluster

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_CLUSTER = (AwsDaxCluster, AwsTag)


def shape(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeClusters")
    encryption = field(raw, "SSEDescription", {})
    tls = field(raw, "ClusterEndpointEncryptionType", "NONE")
    yield AwsDaxCluster(
        **document.place,
        is_encrypted=None if encryption is None else encryption.get("Status") == "ENABLED",
        tls_enabled=None if tls is None else tls == "TLS",
    )
    yield from tag_rows(document, tag_map(field(document.parts.get("ListTags"), "Tags", ()) or ()), document.place)


KINDS = (Kind("aws_dax_cluster", _CLUSTER, shape, volatile=("DescribeClusters.Status",)),)
PER = "region"
READS = (
    Read("dax", "DescribeClusters", "dax:DescribeClusters", rows=_CLUSTER),
    Read("dax", "ListTags", "dax:ListTags", rows=(AwsTag,), gives=("Tags",)),
)


def fetch(api: Api) -> None:
    """Every cluster."""
    api.each(lambda raw: _cluster(api, raw), api.items("DescribeClusters", "Clusters"))


def _cluster(api: Api, raw: Json) -> None:
    uid = raw["ClusterArn"]
    parts: dict[str, Json] = {"DescribeClusters": raw}
    api.detail(parts, "ListTags", uid=uid, ResourceName=uid)
    api.document("aws_dax_cluster", uid, raw["ClusterName"], parts)
