"""Instances, volumes, snapshots."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsInstance(Resource, title="An EC2 instance"):
    """Terminated instances are left out."""

    state: str | None = column("pending, running, stopping or stopped.")
    image_id: str | None = column("AMI.")
    instance_type: str | None = column("Type, such as t3.micro.")
    launched: int | None = column("Last start.", unit="UTC seconds")
    vpc_uid: str | None = column("Its VPC.")
    subnet_uid: str | None = column("Its subnet.")
    availability_zone: str | None = column("Zone.")
    private_ip: str | None = column("Primary private IPv4 address; '' if none.")
    public_ip: str | None = column("Public IPv4 address; '' if none.")
    has_public_address: bool | None = column("Any of its interfaces has a public IPv4 address, or one of IPv6.")
    instance_profile_uid: str | None = column("ARN of the instance profile; '' if none.")
    imdsv2_required: bool | None = column("The metadata service demands a session token, or is off.")
    metadata_hop_limit: int | None = column("How many hops an answer of the metadata service may travel.")
    detailed_monitoring: bool | None = column("Metrics once a minute.")
    source_dest_check: bool | None = column("False: it may forward traffic of others.")
    key_name: str | None = column("Name of the SSH key pair; '' if none.")
    has_user_data: bool | None = column("It has user data.")
    user_data: str | None = column("Keyed hash of the user data; '' if none.", hashed=True)


class AwsInstanceVolume(Child, title="A volume of an instance"):
    volume_uid: str | None = column("The volume.")
    device: str | None = column("Device name.")
    delete_on_termination: bool | None = column("The volume goes with the instance.")


class AwsEbsVolume(Resource, title="An EBS volume"):
    is_encrypted: bool | None = column("Encrypted at rest.")
    kms_key_uid: str | None = column("Its key; '' if not encrypted.")
    state: str | None = column("creating, available, in-use, deleting, error.")
    is_attached: bool | None = column("Some instance uses it.")
    size_gib: int | None = column("Size.", unit="GiB")
    volume_type: str | None = column("gp3, io2, …")
    created: int | None = column("Created.", unit="UTC seconds")
    snapshot_uid: str | None = column("The snapshot it was made from; '' if none.")
    availability_zone: str | None = column("Zone.")


class AwsEbsSnapshot(Resource, title="An EBS snapshot of the account's own"):
    volume_uid: str | None = column("The volume it was taken of.")
    started: int | None = column("When it was taken.", unit="UTC seconds")
    state: str | None = column("pending, completed, error, …")
    is_encrypted: bool | None = column("Encrypted at rest.")
    kms_key_uid: str | None = column("Its key; '' if not encrypted.")
    is_public: bool | None = column("Any AWS account may restore it.")
    description: str | None = column("Description; copies name their source here.")


class AwsEbsSnapshotShare(Child, title="An account that may restore an EBS snapshot"):
    account_id: str | None = column("The account.")
