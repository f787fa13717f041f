"""Elastic file systems: encryption, backups, whom their policies let in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws import policies
from scanner.collectors.aws.arns import arn
from scanner.collectors.aws.reads import Read, Tables
from scanner.collectors.aws.shaping import field, seconds, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_efs import AwsEfsFileSystem

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_FILES: Tables = (AwsEfsFileSystem, *policies.TABLES, AwsTag)


def shape(document: Document) -> Iterator[Placed]:
    parts = document.parts
    raw = parts.get("DescribeFileSystems")
    row = AwsEfsFileSystem(
        **document.place,
        created=seconds(field(raw, "CreationTime", None)),
        is_encrypted=field(raw, "Encrypted", False),
        kms_key_uid=field(raw, "KmsKeyId", ""),
    )
    if "DescribeBackupPolicy" in parts:
        policy = (parts["DescribeBackupPolicy"] or {}).get("BackupPolicy", {})
        row.backup_enabled = policy.get("Status") in ("ENABLED", "ENABLING")
    yield row
    if parts.get("DescribeFileSystemPolicy"):
        yield from policies.rows(document.place, [policies.Policy("resource", "", parts["DescribeFileSystemPolicy"])])
    yield from tag_rows(document, tag_map(field(raw, "Tags", ()) or ()), document.place)


KINDS = (
    Kind(
        "aws_efs_file_system", _FILES, shape,
        volatile=("DescribeFileSystems.SizeInBytes", "DescribeFileSystems.NumberOfMountTargets"),
    ),
)  # fmt: skip
PER = "region"
READS = (
    Read("efs", "DescribeFileSystems", "elasticfilesystem:DescribeFileSystems", rows=_FILES),
    Read(
        "efs", "DescribeBackupPolicy", "elasticfilesystem:DescribeBackupPolicy", gives=("BackupPolicy",),
        columns={AwsEfsFileSystem: ("backup_enabled",)}, absent=("PolicyNotFound",),
    ),
    Read(
        "efs", "DescribeFileSystemPolicy", "elasticfilesystem:DescribeFileSystemPolicy", rows=policies.TABLES,
        gives=("Policy",), absent=("PolicyNotFound",),
    ),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Every file system."""
    api.each(lambda raw: _files(api, raw), api.items("DescribeFileSystems", "FileSystems"))


def _files(api: Api, raw: Json) -> None:
    id = raw["FileSystemId"]
    uid = raw.get("FileSystemArn") or arn(
        "aws_efs_file_system", id, account=api.account.id, region=api.region, partition=api.account.partition
    )
    parts: dict[str, Json] = {"DescribeFileSystems": raw}
    api.detail(parts, "DescribeBackupPolicy", uid=uid, FileSystemId=id)
    if api.detail(parts, "DescribeFileSystemPolicy", uid=uid, FileSystemId=id) and parts["DescribeFileSystemPolicy"]:
        parts["DescribeFileSystemPolicy"] = policies.parse(parts["DescribeFileSystemPolicy"]["Policy"])
    api.document("aws_efs_file_system", uid, raw.get("Name") or id, parts)
