"""S3 buckets. Read once an account; each row carries the bucket's own region."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsS3Bucket(Resource, title="An S3 bucket"):
    """uid `arn:aws:s3:::<name>`. Its policy's statements are rows of aws_policy_statement."""

    created: int | None = column("Created.", unit="UTC seconds")
    versioning_enabled: bool | None = column("Objects keep their earlier versions; false when suspended.")
    mfa_delete: bool | None = column("Deleting a version needs a second factor.")
    encryption_algorithm: str | None = column("Default: AES256, aws:kms or aws:kms:dsse; '' if none.")
    kms_key_uid: str | None = column("Key of the default encryption as it is named there; '' if none is named.")
    bucket_key_enabled: bool | None = column("Data keys are derived from a bucket key.")
    block_public_acls: bool | None = column("The bucket's own setting: new public ACLs are refused.")
    ignore_public_acls: bool | None = column("The bucket's own setting: public ACLs have no effect.")
    block_public_policy: bool | None = column("The bucket's own setting: public policies are refused.")
    restrict_public_buckets: bool | None = column("The bucket's own setting: public policies admit the account only.")
    public_access_blocked: bool | None = column("All four hold, set on the bucket or on its account.")
    has_policy: bool | None = column("It has a bucket policy.")
    policy_is_public: bool | None = column("The policy allows everyone, with no condition that names who or whence.")
    acls_enabled: bool | None = column("ACLs have effect: object ownership is not BucketOwnerEnforced.")
    acl_is_public: bool | None = column("The ACL grants something to everyone or to any AWS account.")
    is_public: bool | None = column("Policy or ACL reach everyone and no public access block stops it.")
    tls_required: bool | None = column("The policy denies everyone every action without TLS.")
    logging_bucket_uid: str | None = column("Bucket that gets the access logs; '' if none.")
    object_lock_enabled: bool | None = column("Object lock is on.")
    object_lock_mode: str | None = column("Default retention: GOVERNANCE or COMPLIANCE; '' if none.")
    object_lock_seconds: int | None = column("Default retention; 0 if none.", unit="seconds")
    replication_enabled: bool | None = column("At least one replication rule is enabled.")
    lifecycle_enabled: bool | None = column("At least one lifecycle rule is enabled.")


class AwsS3Grant(Child, title="A grant of a bucket's ACL"):
    grantee: str | None = column("everyone, any_aws_account, log_delivery, or the canonical id or e-mail address.")
    permission: str | None = column("READ, WRITE, READ_ACP, WRITE_ACP or FULL_CONTROL.")
    is_owner: bool | None = column("The grantee is the bucket's owner.")


class AwsS3ReplicationRule(Child, title="A replication rule of a bucket"):
    rule: str | None = column("Name of the rule.")
    is_enabled: bool | None = column("Enabled.")
    destination_uid: str | None = column("Bucket that gets the copies.")
    destination_account: str | None = column("Account of that bucket; '' if not named.")
    replicates_all: bool | None = column("No prefix and no tag narrows it.")
    replicates_deletes: bool | None = column("Delete markers are replicated.")


class AwsS3LifecycleRule(Child, title="A lifecycle rule of a bucket"):
    rule: str | None = column("Name of the rule.")
    is_enabled: bool | None = column("Enabled.")
    prefix: str | None = column("Only objects whose key starts so; '' for all.")
    applies_to_all: bool | None = column("No prefix, tag or size narrows it.")
    expiration_seconds: int | None = column("Current versions are removed after; 0 never.", unit="seconds")
    noncurrent_expiration_seconds: int | None = column("Earlier versions are removed after; 0 never.", unit="seconds")
    abort_upload_seconds: int | None = column("Unfinished uploads are removed after; 0 never.", unit="seconds")
    transition_seconds: int | None = column("Moved to another class first after; 0 never.", unit="seconds")
