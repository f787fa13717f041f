"""Instances, volumes, snapshots."""

from __future__ import annotations

from scanner.collectors.terraform.family import Family, Parts, Satellite
from scanner.collectors.terraform.network import attached_groups, subnet_of
from scanner.collectors.terraform.reading import RUNNING, Lost, Shape, View, then
from scanner.collectors.terraform.tags import fill_tags
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_compute import AwsEbsSnapshot, AwsEbsSnapshotShare, AwsEbsVolume, AwsInstance, AwsInstanceVolume
from scanner.tables.aws_network import AwsAttachedSecurityGroup


def _instance(shape: Shape, parts: Parts) -> None:
    own = parts.own
    metadata = own.block("metadata_options")
    has_user_data = _has_user_data(own)
    shape.resource(
        AwsInstance,
        state="running" if parts.is_new else RUNNING,
        image_id=own.text("ami", absent=RUNNING),
        instance_type=own.text("instance_type", absent=RUNNING),
        launched=RUNNING,
        vpc_uid=RUNNING,
        subnet_uid=subnet_of(own, parts),
        availability_zone=own.text("availability_zone"),
        private_ip=own.text("private_ip", absent=RUNNING),
        public_ip=own.text("public_ip", absent=RUNNING),
        has_public_address=_has_public_address(own),
        instance_profile_uid=own.ref(
            "iam_instance_profile",
            "aws_iam_instance_profile",
            known=parts.by_name("aws_iam_instance_profile", "aws_iam_instance_profile"),
            absent="",
        ),
        imdsv2_required=_tokens(metadata),
        metadata_hop_limit=_hops(metadata),
        detailed_monitoring=own.boolean("monitoring", absent=False),
        source_dest_check=own.boolean("source_dest_check", absent=True),
        key_name=own.text("key_name", absent=""),
        has_user_data=has_user_data,
        user_data="" if has_user_data is False else RUNNING,  # the plan has a SHA-1 of it, which compares with nothing
    )
    shape.lost(AwsInstanceVolume, "", RUNNING)
    attached_groups(shape, parts, own, "vpc_security_group_ids")
    fill_tags(shape, own)


def _has_public_address(own: View) -> bool | Lost:
    """Certain where the plan asks for one. That there is none the plan does not say of every interface."""
    asked = own.boolean("associate_public_ip_address", absent=False)
    given = [own.text("public_ip", absent=""), own.items("ipv6_addresses"), own.integer("ipv6_address_count", absent=0)]
    if asked is True or any(value for value in given if not isinstance(value, Lost)):
        return True
    return next((value for value in (asked, *given) if isinstance(value, Lost)), RUNNING)


def _has_user_data(own: View) -> bool | Lost:
    """In clear or in base64; a value that is not known yet may be none."""
    found = [own.secret("user_data"), own.secret("user_data_base64")]
    if any(isinstance(value, str) and value for value in found):
        return True
    return next((value for value in found if isinstance(value, Lost)), False)


def _tokens(metadata: View | Lost | None) -> bool | Lost:
    """Whether the metadata service demands a token, or is off."""
    if metadata is None:
        return RUNNING
    if isinstance(metadata, Lost):
        return metadata
    endpoint, tokens = metadata.text("http_endpoint", absent="enabled"), metadata.text("http_tokens", absent=RUNNING)
    return True if endpoint == "disabled" else then(tokens, lambda text: text == "required")


def _hops(metadata: View | Lost | None) -> int | Lost:
    if metadata is None:
        return RUNNING
    return then(metadata, lambda block: block.integer("http_put_response_hop_limit", absent=RUNNING))


def key_of(own: View, parts: Parts, encrypted: bool | Lost, argument: str = "kms_key_id") -> str | Lost:
    """The key that encrypts; '' where nothing does."""
    if encrypted is False:
        return ""
    found = own.ref(argument, "aws_kms_key", known=parts.by_id("aws_kms_key"), absent="")
    return RUNNING if found == "" else found


def _volume(shape: Shape, parts: Parts) -> None:
    own = parts.own
    # An account may encrypt all new volumes, whatever the code says: false in the code is a setting of the code.
    encrypted = own.boolean("encrypted", absent=False)
    shape.resource(
        AwsEbsVolume,
        is_encrypted=encrypted,
        kms_key_uid=key_of(own, parts, encrypted),
        state=RUNNING,
        is_attached=True if parts.views("aws_volume_attachment") else False if parts.is_new else RUNNING,
        size_gib=own.integer("size"),
        volume_type=own.text("type"),
        created=RUNNING,
        snapshot_uid=own.ref(
            "snapshot_id",
            "aws_ebs_snapshot",
            "aws_ebs_snapshot_copy",
            known=parts.by_id("aws_ebs_snapshot"),
            absent="",
        ),
        availability_zone=own.text("availability_zone"),
    )
    fill_tags(shape, own)


def _snapshot(shape: Shape, parts: Parts) -> None:
    own = parts.own
    encrypted = own.boolean("encrypted", absent=RUNNING)
    shares = [share.text("account_id") for share in parts.views("aws_snapshot_create_volume_permission")]
    shape.resource(
        AwsEbsSnapshot,
        volume_uid=own.ref("volume_id", "aws_ebs_volume", known=parts.by_id("aws_ebs_volume"), absent=""),
        started=RUNNING,
        state=RUNNING,
        is_encrypted=encrypted,
        kms_key_uid=key_of(own, parts, encrypted),
        is_public=True if "all" in shares else False if parts.is_new else RUNNING,
        description=own.text("description", absent=""),
    )
    for account in shares:
        shape.child(AwsEbsSnapshotShare, account_id=account)
    if not parts.is_new:
        shape.lost(AwsEbsSnapshotShare, "", RUNNING)
    fill_tags(shape, own)


FAMILIES = (
    Family(
        types=("aws_instance",),
        tables=(AwsInstance, AwsInstanceVolume, AwsAttachedSecurityGroup, AwsTag),
        fill=_instance,
        looks_up=("aws_iam_instance_profile",),
        secret=("aws_instance.*.user_data", "aws_instance.*.user_data_base64"),
    ),
    Family(
        types=("aws_ebs_volume",),
        tables=(AwsEbsVolume, AwsTag),
        fill=_volume,
        satellites={"aws_volume_attachment": Satellite("volume_id", ((AwsEbsVolume, "is_attached"),))},
    ),
    Family(
        types=("aws_ebs_snapshot", "aws_ebs_snapshot_copy"),
        tables=(AwsEbsSnapshot, AwsEbsSnapshotShare, AwsTag),
        fill=_snapshot,
        satellites={
            "aws_snapshot_create_volume_permission": Satellite(
                "snapshot_id", ((AwsEbsSnapshot, "is_public"), (AwsEbsSnapshotShare, ""))
            )
        },
    ),
)
