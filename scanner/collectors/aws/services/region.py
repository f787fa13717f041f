"""A region's settings: encryption of new volumes, public sharing of snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.arns import arn
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.shaping import field
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsRegion

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

PER = "region"
READS = (
    Read(
        "ec2", "GetEbsEncryptionByDefault", "ec2:GetEbsEncryptionByDefault", gives=("EbsEncryptionByDefault",),
        columns={AwsRegion: ("ebs_encryption_by_default",)},
    ),
    Read(
        "ec2", "GetSnapshotBlockPublicAccessState", "ec2:GetSnapshotBlockPublicAccessState",
        gives=("State",),
        columns={AwsRegion: ("snapshot_public_access",)},
    ),
)  # fmt: skip


def fetch(api: Api) -> None:
    """One document: the region."""
    uid = arn("aws_region", account=api.account.id, region=api.region, partition=api.account.partition)
    parts: dict[str, Json] = {}
    for read in READS:
        api.detail(parts, read.name, uid=uid)
    api.document("aws_region", uid, api.region, parts)


def shape(document: Document) -> Iterator[Placed]:
    encryption = document.parts.get("GetEbsEncryptionByDefault")
    blocking = document.parts.get("GetSnapshotBlockPublicAccessState")
    yield AwsRegion(
        **document.place,
        ebs_encryption_by_default=field(encryption, "EbsEncryptionByDefault", False),
        snapshot_public_access=field(blocking, "State", "unblocked"),
    )


KINDS = (Kind("aws_region", (AwsRegion,), shape),)
