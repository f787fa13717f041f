"""Instances, volumes and snapshots of a region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.collectors.aws.arns import arn
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.services.network import attached_groups, uid_of
from scanner.collectors.aws.shaping import field, name_of, seconds, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_compute import (
    AwsEbsSnapshot,
    AwsEbsSnapshotShare,
    AwsEbsVolume,
    AwsInstance,
    AwsInstanceVolume,
)
from scanner.tables.aws_network import AwsAttachedSecurityGroup

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_GONE = ("terminated", "shutting-down")


def shape_instance(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeInstances")
    row = AwsInstance(**document.place)
    if raw is not None:
        row.state = raw.get("State", {}).get("Name", "")
        row.image_id, row.instance_type = raw.get("ImageId", ""), raw.get("InstanceType", "")
        row.launched = seconds(raw.get("LaunchTime"))
        row.vpc_uid = uid_of(document, "aws_vpc", raw.get("VpcId", ""))
        row.subnet_uid = uid_of(document, "aws_subnet", raw.get("SubnetId", ""))
        row.availability_zone = raw.get("Placement", {}).get("AvailabilityZone", "")
        row.private_ip, row.public_ip = raw.get("PrivateIpAddress", ""), raw.get("PublicIpAddress", "")
        row.has_public_address = bool(row.public_ip) or any(map(_is_public, raw.get("NetworkInterfaces", ())))
        row.instance_profile_uid = raw.get("IamInstanceProfile", {}).get("Arn", "")
        metadata = raw.get("MetadataOptions")
        if metadata is not None:
            off = metadata.get("HttpEndpoint") == "disabled"
            row.imdsv2_required = off or metadata.get("HttpTokens") == "required"
            row.metadata_hop_limit = metadata.get("HttpPutResponseHopLimit")
        row.detailed_monitoring = raw.get("Monitoring", {}).get("State") in ("enabled", "pending")
        row.source_dest_check = raw.get("SourceDestCheck", True)
        row.key_name = raw.get("KeyName", "")
    if "DescribeInstanceAttribute" in document.parts:
        row.user_data = field(document.parts["DescribeInstanceAttribute"], "UserData", {}).get("Value", "")
        row.has_user_data = bool(row.user_data)
    yield row
    yield from numbered(
        AwsInstanceVolume(
            **document.place,
            volume_uid=uid_of(document, "aws_ebs_volume", disk.get("Ebs", {}).get("VolumeId", "")),
            device=disk.get("DeviceName", ""),
            delete_on_termination=disk.get("Ebs", {}).get("DeleteOnTermination", False),
        )
        for disk in field(raw, "BlockDeviceMappings", ()) or ()
    )
    yield from attached_groups(document, field(raw, "SecurityGroups", ()), "GroupId")
    yield from tag_rows(document, tag_map(field(raw, "Tags", ()) or ()), document.place)


def _is_public(interface: Json) -> bool:
    addresses = interface.get("PrivateIpAddresses", ())
    return bool(interface.get("Ipv6Addresses")) or any(a.get("Association", {}).get("PublicIp") for a in addresses)


def shape_volume(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeVolumes")
    attachments = field(raw, "Attachments", ())
    yield AwsEbsVolume(
        **document.place,
        is_encrypted=field(raw, "Encrypted", False),
        kms_key_uid=field(raw, "KmsKeyId", ""),
        state=field(raw, "State", ""),
        is_attached=None if attachments is None else bool(attachments),
        size_gib=field(raw, "Size", None),
        volume_type=field(raw, "VolumeType", ""),
        created=seconds(field(raw, "CreateTime", None)),
        snapshot_uid=uid_of(document, "aws_ebs_snapshot", field(raw, "SnapshotId", "")),
        availability_zone=field(raw, "AvailabilityZone", ""),
    )
    yield from tag_rows(document, tag_map(field(raw, "Tags", ()) or ()), document.place)


def shape_snapshot(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("DescribeSnapshots")
    shares = field(document.parts.get("DescribeSnapshotAttribute"), "CreateVolumePermissions", ())
    yield AwsEbsSnapshot(
        **document.place,
        volume_uid=uid_of(document, "aws_ebs_volume", field(raw, "VolumeId", "")),
        started=seconds(field(raw, "StartTime", None)),
        state=field(raw, "State", ""),
        is_encrypted=field(raw, "Encrypted", False),
        kms_key_uid=field(raw, "KmsKeyId", ""),
        is_public=None if shares is None else any(s.get("Group") == "all" for s in shares),
        description=field(raw, "Description", ""),
    )
    yield from numbered(
        AwsEbsSnapshotShare(**document.place, account_id=s["UserId"]) for s in shares or () if s.get("UserId")
    )
    yield from tag_rows(document, tag_map(field(raw, "Tags", ()) or ()), document.place)


_INSTANCE = (AwsInstance, AwsInstanceVolume, AwsAttachedSecurityGroup, AwsTag)
_SNAPSHOT = (AwsEbsSnapshot, AwsEbsSnapshotShare, AwsTag)
KINDS = (
    Kind("aws_instance", _INSTANCE, shape_instance, secret=("DescribeInstanceAttribute.UserData.Value",)),
    Kind("aws_ebs_volume", (AwsEbsVolume, AwsTag), shape_volume),
    Kind("aws_ebs_snapshot", _SNAPSHOT, shape_snapshot, volatile=("DescribeSnapshots.Progress",)),
)
PER = "region"
READS = (
    Read("ec2", "DescribeInstances", "ec2:DescribeInstances", rows=_INSTANCE),
    Read(
        "ec2", "DescribeInstanceAttribute", "ec2:DescribeInstanceAttribute", gives=("InstanceId",),
        columns={AwsInstance: ("user_data", "has_user_data")},
    ),
    Read("ec2", "DescribeVolumes", "ec2:DescribeVolumes", rows=(AwsEbsVolume, AwsTag)),
    Read("ec2", "DescribeSnapshots", "ec2:DescribeSnapshots", rows=_SNAPSHOT),
    Read(
        "ec2", "DescribeSnapshotAttribute", "ec2:DescribeSnapshotAttribute", gives=("CreateVolumePermissions",),
        rows=(AwsEbsSnapshotShare,), columns={AwsEbsSnapshot: ("is_public",)},
    ),
)  # fmt: skip


def fetch(api: Api) -> None:
    """Instances with their user data, volumes, the account's own snapshots with whom they are shared."""
    reservations = api.items("DescribeInstances", "Reservations")
    api.each(
        lambda raw: _instance(api, raw),
        (i for r in reservations for i in r["Instances"] if i.get("State", {}).get("Name") not in _GONE),
    )
    api.in_turn(lambda raw: _volume(api, raw), api.items("DescribeVolumes", "Volumes"))
    api.each(lambda raw: _snapshot(api, raw), api.items("DescribeSnapshots", "Snapshots", OwnerIds=["self"]))


def _instance(api: Api, raw: Json) -> None:
    id = raw["InstanceId"]
    uid = _uid(api, "aws_instance", id)
    parts = {"DescribeInstances": raw}
    api.detail(parts, "DescribeInstanceAttribute", uid=uid, InstanceId=id, Attribute="userData")
    api.document("aws_instance", uid, name_of(raw.get("Tags"), id), parts)


def _volume(api: Api, raw: Json) -> None:
    uid = _uid(api, "aws_ebs_volume", raw["VolumeId"])
    api.document("aws_ebs_volume", uid, name_of(raw.get("Tags"), raw["VolumeId"]), {"DescribeVolumes": raw})


def _snapshot(api: Api, raw: Json) -> None:
    if raw["OwnerId"] != api.account.id:
        return
    id = raw["SnapshotId"]
    uid = _uid(api, "aws_ebs_snapshot", id)
    parts = {"DescribeSnapshots": raw}
    api.detail(
        parts, "DescribeSnapshotAttribute", uid=uid, SnapshotId=id, Attribute="createVolumePermission"
    )  # fmt: skip
    api.document("aws_ebs_snapshot", uid, name_of(raw.get("Tags"), id), parts)


def _uid(api: Api, table: str, id: str) -> str:
    return arn(table, id, account=api.account.id, region=api.region, partition=api.account.partition)
