"""S3 buckets. The list is the account's, each bucket is asked about in its own region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from scanner.collectors.aws import policies
from scanner.collectors.aws.arns import arn, partition_in
from scanner.collectors.aws.reads import Read, Refused
from scanner.collectors.aws.services.account import PUBLIC_ACCESS_BLOCK, block_of
from scanner.collectors.aws.shaping import DAY, both, days, either, field, negate, seconds, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_s3 import AwsS3Bucket, AwsS3Grant, AwsS3LifecycleRule, AwsS3ReplicationRule

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_BUCKET = (AwsS3Bucket, AwsS3Grant, AwsS3ReplicationRule, AwsS3LifecycleRule, *policies.TABLES, AwsTag)
_EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"
_GROUPS = {
    _EVERYONE: "everyone",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers": "any_aws_account",
    "http://acs.amazonaws.com/groups/s3/LogDelivery": "log_delivery",
}
_PUBLIC_GRANTEES = ("everyone", "any_aws_account")


def _detail(
    operation: str, permission: str, *columns: str, rows: tuple[type[Placed], ...] = (), absent: tuple[str, ...] = (),
    gives: tuple[str, ...] = (),
) -> Read:  # fmt: skip
    return Read("s3", operation, f"s3:{permission}", rows, {AwsS3Bucket: columns}, absent, gives)


_DETAILS = (
    _detail("GetBucketVersioning", "GetBucketVersioning", "versioning_enabled", "mfa_delete"),
    _detail(
        "GetBucketEncryption", "GetEncryptionConfiguration",
        "encryption_algorithm", "kms_key_uid", "bucket_key_enabled",
        absent=("ServerSideEncryptionConfigurationNotFoundError",), gives=("ServerSideEncryptionConfiguration.Rules",),
    ),
    _detail(
        "GetPublicAccessBlock", "GetBucketPublicAccessBlock",
        "block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets",
        "public_access_blocked", "is_public",
        absent=("NoSuchPublicAccessBlockConfiguration",), gives=("PublicAccessBlockConfiguration.BlockPublicAcls",),
    ),
    _detail(
        "GetBucketPolicy", "GetBucketPolicy", "has_policy", "policy_is_public", "tls_required", "is_public",
        rows=policies.TABLES, absent=("NoSuchBucketPolicy",), gives=("Policy",),
    ),
    _detail("GetBucketAcl", "GetBucketAcl", "acl_is_public", "is_public", rows=(AwsS3Grant,), gives=("Grants",)),
    _detail(
        "GetBucketOwnershipControls", "GetBucketOwnershipControls", "acls_enabled", "is_public",
        absent=("OwnershipControlsNotFoundError",), gives=("OwnershipControls.Rules",),
    ),
    _detail("GetBucketLogging", "GetBucketLogging", "logging_bucket_uid"),
    _detail(
        "GetBucketLifecycleConfiguration", "GetLifecycleConfiguration", "lifecycle_enabled",
        rows=(AwsS3LifecycleRule,), absent=("NoSuchLifecycleConfiguration",), gives=("Rules",),
    ),
    _detail(
        "GetBucketReplication", "GetReplicationConfiguration", "replication_enabled",
        rows=(AwsS3ReplicationRule,), absent=("ReplicationConfigurationNotFoundError",),
        gives=("ReplicationConfiguration.Rules",),
    ),
    _detail(
        "GetObjectLockConfiguration", "GetBucketObjectLockConfiguration",
        "object_lock_enabled", "object_lock_mode", "object_lock_seconds",
        absent=("ObjectLockConfigurationNotFoundError",), gives=("ObjectLockConfiguration.ObjectLockEnabled",),
    ),
    Read(
        "s3", "GetBucketTagging", "s3:GetBucketTagging", rows=(AwsTag,), absent=("NoSuchTagSet",), gives=("TagSet",)
    ),
)  # fmt: skip
PER = "account"
READS = (
    Read("s3", "ListBuckets", "s3:ListAllMyBuckets", rows=_BUCKET),
    Read("s3", "GetBucketLocation", "s3:GetBucketLocation", columns={t: ("region",) for t in _BUCKET}),
    *_DETAILS,
    PUBLIC_ACCESS_BLOCK,
)


# --- talking ----------------------------------------------------------------------------------------------------------


def fetch(api: Api) -> None:
    """Every bucket of the account, in any region."""
    block = api.shared(PUBLIC_ACCESS_BLOCK.name, AccountId=api.account.id)
    shared = {} if isinstance(block, Refused) else {PUBLIC_ACCESS_BLOCK.name: block}
    # S3 names a bucket's region only in answer to a request that says something, such as how many it wants.
    buckets = api.items("ListBuckets", "Buckets", PaginationConfig={"PageSize": 1000})
    api.each(lambda raw: _bucket(api, raw, shared), buckets)


def _bucket(api: Api, raw: Json, shared: dict[str, Json]) -> None:
    name = raw["Name"]
    uid = arn("aws_s3_bucket", name, partition=api.account.partition)
    parts: dict[str, Json] = {"ListBuckets": raw, **shared}
    region = raw.get("BucketRegion", "")
    if not region and api.detail(parts, "GetBucketLocation", uid=uid, Bucket=name):
        region = _region(parts) or ""
    for read in _DETAILS:
        api.detail(parts, read.name, uid=uid, region=region, Bucket=name)
    if parts.get("GetBucketPolicy"):
        parts["GetBucketPolicy"] = policies.parse(parts["GetBucketPolicy"]["Policy"])
    rules = field(parts.get("GetBucketLifecycleConfiguration"), "Rules", ()) or ()
    if any("Date" in rule.get("Expiration", {}) for rule in rules):
        detail = "a lifecycle rule removes objects on a date, not after a time"
        api.gap(AwsS3LifecycleRule, "expiration_seconds", "unsupported", uid=uid, detail=detail)
    api.document("aws_s3_bucket", uid, name, parts, region=region)


# --- shaping ----------------------------------------------------------------------------------------------------------


def _region(parts: Any) -> str | None:
    """Where the bucket is. us-east-1 is written as nothing, eu-west-1 once was EU."""
    listed = field(parts.get("ListBuckets"), "BucketRegion", None)
    if listed:
        return str(listed)
    if "GetBucketLocation" not in parts:
        return None
    constraint = parts["GetBucketLocation"].get("LocationConstraint") or "us-east-1"
    return "eu-west-1" if constraint == "EU" else str(constraint)


def shape(document: Document) -> Iterator[Placed]:
    parts = document.parts
    place = document.place | {"region": _region(parts)}
    row = AwsS3Bucket(**place, created=seconds(field(parts.get("ListBuckets"), "CreationDate", None)))
    _settings(row, document)
    grants = list(_grants(place, parts.get("GetBucketAcl")))
    if "GetBucketAcl" in parts:
        row.acl_is_public = any(g.grantee in _PUBLIC_GRANTEES for g in grants)
    statements: list[Placed] = []
    if "GetBucketPolicy" in parts:
        policy = parts["GetBucketPolicy"]
        statements = list(policies.rows(place, [policies.Policy("resource", "", policy)] if policy else []))
        row.has_policy = bool(policy)
        row.policy_is_public = either(*(s.allows_everyone for s in statements if isinstance(s, policies.STATEMENT)))
        row.tls_required = _requires_tls(policy, document.uid)
    _publicity(row, parts)
    replication = field(parts.get("GetBucketReplication"), "ReplicationConfiguration", {})
    rules = list(_replication(place, (replication or {}).get("Rules", ())))
    if "GetBucketReplication" in parts:
        row.replication_enabled = any(r.is_enabled for r in rules)
    lifecycle = [_lifecycle(place, r) for r in field(parts.get("GetBucketLifecycleConfiguration"), "Rules", ()) or ()]
    if "GetBucketLifecycleConfiguration" in parts:
        row.lifecycle_enabled = any(r.is_enabled for r in lifecycle)
    yield row
    yield from numbered(grants)
    yield from statements
    yield from numbered(rules)
    yield from numbered(lifecycle)
    tags = field(parts.get("GetBucketTagging"), "TagSet", ()) or ()
    yield from tag_rows(document, tag_map(tags), place)


def _settings(row: AwsS3Bucket, document: Document) -> None:
    parts = document.parts
    if "GetBucketVersioning" in parts:
        row.versioning_enabled = parts["GetBucketVersioning"].get("Status") == "Enabled"
        row.mfa_delete = parts["GetBucketVersioning"].get("MFADelete") == "Enabled"
    if "GetBucketEncryption" in parts:
        configuration = (parts["GetBucketEncryption"] or {}).get("ServerSideEncryptionConfiguration", {})
        rule: Json = next(iter(configuration.get("Rules", ())), {})
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        row.encryption_algorithm = default.get("SSEAlgorithm", "")
        row.kms_key_uid = default.get("KMSMasterKeyID", "")
        row.bucket_key_enabled = rule.get("BucketKeyEnabled", False)
    if "GetBucketOwnershipControls" in parts:
        controls = (parts["GetBucketOwnershipControls"] or {}).get("OwnershipControls", {})
        row.acls_enabled = all(r.get("ObjectOwnership") != "BucketOwnerEnforced" for r in controls.get("Rules", ()))
    if "GetBucketLogging" in parts:
        target = parts["GetBucketLogging"].get("LoggingEnabled", {}).get("TargetBucket", "")
        row.logging_bucket_uid = _sibling(document, target)
    if "GetObjectLockConfiguration" in parts:
        lock = (parts["GetObjectLockConfiguration"] or {}).get("ObjectLockConfiguration", {})
        retention = lock.get("Rule", {}).get("DefaultRetention", {})
        row.object_lock_enabled = lock.get("ObjectLockEnabled") == "Enabled"
        row.object_lock_mode = retention.get("Mode", "")
        row.object_lock_seconds = days(retention.get("Days", 0) + 365 * retention.get("Years", 0))


def _sibling(document: Document, name: str) -> str:
    """The uid of a bucket in the same partition; '' for none."""
    return arn("aws_s3_bucket", name, partition=partition_in(document.uid)) if name else ""


def _publicity(row: AwsS3Bucket, parts: Any) -> None:
    """The block of the bucket and that of its account add up; what they do not stop is public."""
    own = block_of(parts["GetPublicAccessBlock"]) if "GetPublicAccessBlock" in parts else None
    account = block_of(parts[PUBLIC_ACCESS_BLOCK.name]) if PUBLIC_ACCESS_BLOCK.name in parts else None
    if own is not None:
        row.block_public_acls, row.ignore_public_acls = own["BlockPublicAcls"], own["IgnorePublicAcls"]
        row.block_public_policy, row.restrict_public_buckets = own["BlockPublicPolicy"], own["RestrictPublicBuckets"]

    def holds(setting: str) -> bool | None:
        return either(field(own, setting, False), field(account, setting, False))

    row.public_access_blocked = both(
        *(holds(s) for s in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"))
    )
    row.is_public = either(
        both(row.policy_is_public, negate(holds("RestrictPublicBuckets"))),
        both(row.acl_is_public, row.acls_enabled, negate(holds("IgnorePublicAcls"))),
    )


def _requires_tls(policy: Json, uid: str) -> bool | None:
    """Together the denials of plain HTTP cover the bucket and its objects. None for a policy that cannot be read."""
    if not policy:
        return False
    statements = policies.statements(policy)
    if statements is None:
        return None
    return policies.require_tls(statements, uid)


def _grants(place: dict[str, Any], acl: Json) -> Iterator[AwsS3Grant]:
    owner = field(field(acl, "Owner", {}), "ID", "")
    for grant in field(acl, "Grants", ()) or ():
        grantee = grant.get("Grantee", {})
        group = grantee.get("URI")
        who = _GROUPS.get(group, group) or grantee.get("ID") or grantee.get("EmailAddress") or None
        yield AwsS3Grant(
            **place, grantee=who, permission=grant.get("Permission"), is_owner=who is not None and who == owner
        )


def _replication(place: dict[str, Any], rules: Any) -> Iterator[AwsS3ReplicationRule]:
    for rule in rules:
        destination = rule.get("Destination", {})
        narrow = rule.get("Prefix") or any(v for v in rule.get("Filter", {}).values())
        yield AwsS3ReplicationRule(
            **place,
            rule=rule.get("ID", ""),
            is_enabled=rule.get("Status") == "Enabled",
            destination_uid=destination.get("Bucket"),
            destination_account=destination.get("Account", ""),
            replicates_all=not narrow,
            # Rules of the first version, which have no Filter, replicate delete markers unless told otherwise.
            replicates_deletes=rule.get("DeleteMarkerReplication", {}).get(
                "Status", "Disabled" if "Filter" in rule else "Enabled"
            )
            == "Enabled",
        )


def _lifecycle(place: dict[str, Any], rule: Any) -> AwsS3LifecycleRule:
    filters = rule.get("Filter", {})
    narrow = {k: v for k, v in filters.items() if v}
    noncurrent = rule.get("NoncurrentVersionExpiration", {})
    transitions = [t["Days"] for t in rule.get("Transitions", ()) if "Days" in t]
    expiration = rule.get("Expiration", {})
    return AwsS3LifecycleRule(
        **place,
        rule=rule.get("ID", ""),
        is_enabled=rule.get("Status") == "Enabled",
        prefix=rule.get("Prefix") or filters.get("Prefix") or filters.get("And", {}).get("Prefix", ""),
        applies_to_all=not narrow and not rule.get("Prefix"),
        # A fixed date is no length of time: how long an object lives then depends on when it was made.
        expiration_seconds=None if "Date" in expiration else expiration.get("Days", 0) * DAY,
        noncurrent_expiration_seconds=noncurrent.get("NoncurrentDays", 0) * DAY,
        abort_upload_seconds=rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0) * DAY,
        transition_seconds=min(transitions, default=0) * DAY,
    )


KINDS = (Kind("aws_s3_bucket", _BUCKET, shape),)
