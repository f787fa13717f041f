"""EMR clusters that are running."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import field, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_emr import AwsEmrCluster

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_CLUSTER = (AwsEmrCluster, AwsTag)
_RUNNING = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]


def shape(document: Document) -> Iterator[Placed]:
    parts = document.parts
    cluster = field(parts.get("DescribeCluster"), "Cluster", {})
    nodes = field(parts.get("ListInstances"), "Instances", ())
    yield AwsEmrCluster(
        **document.place,
        state=(field(parts.get("ListClusters"), "Status", {}) or {}).get("State"),
        security_configuration=field(cluster, "SecurityConfiguration", ""),
        log_uri=field(cluster, "LogUri", ""),
        termination_protected=field(cluster, "TerminationProtected", False),
        public_nodes=None if nodes is None else sum(1 for node in nodes if node.get("PublicIpAddress")),
    )
    yield from tag_rows(document, tag_map(field(cluster, "Tags", ()) or ()), document.place)


KINDS = (
    Kind(
        "aws_emr_cluster", _CLUSTER, shape,
        volatile=(
            "ListClusters.Status", "ListClusters.NormalizedInstanceHours", "DescribeCluster.Cluster.Status",
            "DescribeCluster.Cluster.NormalizedInstanceHours", "ListInstances.Instances.*.Status",
        ),
    ),
)  # fmt: skip
PER = "region"
READS = (
    Read("emr", "ListClusters", "elasticmapreduce:ListClusters", rows=_CLUSTER),
    Read(
        "emr", "DescribeCluster", "elasticmapreduce:DescribeCluster", gives=("Cluster",), rows=(AwsTag,),
        columns={AwsEmrCluster: ("security_configuration", "log_uri", "termination_protected")},
    ),
    Read(
        "emr", "ListInstances", "elasticmapreduce:ListInstances", gives=("Instances",),
        columns={AwsEmrCluster: ("public_nodes",)},
    ),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Clusters that run: those that ended are kept in the list for two months."""
    api.each(lambda raw: _cluster(api, raw), api.items("ListClusters", "Clusters", ClusterStates=_RUNNING))


def _cluster(api: Api, raw: Json) -> None:
    uid, id = raw["ClusterArn"], raw["Id"]
    parts: dict[str, Json] = {"ListClusters": raw}
    api.detail(parts, "DescribeCluster", uid=uid, ClusterId=id)
    api.detail(parts, "ListInstances", uid=uid, ClusterId=id, InstanceGroupTypes=["MASTER"])
    api.document("aws_emr_cluster", uid, raw.get("Name") or id, parts)
