"""EKS clusters: what AWS knows of them. What runs in them is read from their API servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.arns import arn
from scanner.collectors.aws.cidr import is_public
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.services.network import uid_of
from scanner.collectors.aws.shaping import field, seconds, tag_rows
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_eks import AwsEksCluster, AwsEksLog, AwsEksPublicCidr

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_CLUSTER = (AwsEksCluster, AwsEksPublicCidr, AwsEksLog, AwsTag)
_LOST = (
    "created", "version", "secrets_encrypted", "kms_key_uid", "public_endpoint", "private_endpoint", "vpc_uid",
    "role_uid", "deletion_protection",
)  # fmt: skip


def shape(document: Document) -> Iterator[Placed]:
    raw = field(document.parts.get("DescribeCluster"), "cluster", {})
    row = AwsEksCluster(**document.place)
    network: Json = {}
    if raw is not None:
        network = raw.get("resourcesVpcConfig", {})
        keys = [
            c.get("provider", {}).get("keyArn", "")
            for c in raw.get("encryptionConfig", ())
            if "secrets" in c["resources"]
        ]
        row.created, row.version = seconds(raw.get("createdAt")), raw.get("version", "")
        row.secrets_encrypted, row.kms_key_uid = bool(keys), next(iter(keys), "")
        row.public_endpoint = network.get("endpointPublicAccess", True)
        row.private_endpoint = network.get("endpointPrivateAccess", False)
        row.vpc_uid = uid_of(document, "aws_vpc", network.get("vpcId", ""))
        row.role_uid = raw.get("roleArn", "")
        row.deletion_protection = raw.get("deletionProtection", False)
    yield row
    cidrs = network.get("publicAccessCidrs", ("0.0.0.0/0",)) if row.public_endpoint else ()
    yield from numbered(AwsEksPublicCidr(**document.place, cidr=c, is_public=is_public(c)) for c in cidrs)
    logging = (field(raw, "logging", {}) or {}).get("clusterLogging", ())
    kept = sorted({kind for entry in logging if entry.get("enabled") for kind in entry.get("types", ())})
    yield from numbered(AwsEksLog(**document.place, log=kind) for kind in kept)
    yield from tag_rows(document, field(raw, "tags", {}), document.place)


KINDS = (
    Kind(
        "aws_eks_cluster",
        _CLUSTER,
        shape,
        volatile=("DescribeCluster.cluster.status", "DescribeCluster.cluster.health"),
    ),
)
PER = "region"
READS = (
    Read("eks", "ListClusters", "eks:ListClusters", rows=_CLUSTER),
    Read(
        "eks", "DescribeCluster", "eks:DescribeCluster", gives=("cluster",),
        rows=(AwsEksPublicCidr, AwsEksLog, AwsTag), columns={AwsEksCluster: _LOST},
    ),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every cluster."""
    api.each(lambda name: _cluster(api, name), api.items("ListClusters", "clusters"))


def _cluster(api: Api, name: Json) -> None:
    uid = arn("aws_eks_cluster", name, account=api.account.id, region=api.region, partition=api.account.partition)
    parts: dict[str, Json] = {"ListClusters": name}
    api.detail(parts, "DescribeCluster", uid=uid, name=name)
    api.document("aws_eks_cluster", uid, name, parts)
