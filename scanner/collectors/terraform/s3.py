"""S3 buckets and the ten resources that set something on them."""

from __future__ import annotations

from scanner.collectors.aws.policies import require_tls
from scanner.collectors.terraform.defaults import S3_ACCOUNT_BLOCK, S3_BLOCKED, S3_OWNERSHIP
from scanner.collectors.terraform.family import Family, Parts, Satellite
from scanner.collectors.terraform.policies import TABLES as POLICY_TABLES
from scanner.collectors.terraform.policies import fill_policies, judged, policy
from scanner.collectors.terraform.reading import AFTER_APPLY, RUNNING, UNSUPPORTED, Lost, Shape, View, then
from scanner.collectors.terraform.tags import fill_tags
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_s3 import AwsS3Bucket, AwsS3Grant, AwsS3LifecycleRule, AwsS3ReplicationRule

_DAY = 86_400
_YEAR = 365 * _DAY
_BLOCKS = ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets")
_SET_ELSEWHERE = Lost(AFTER_APPLY, "may be set outside this plan")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
_CANNED: dict[str, tuple[tuple[str, str], ...]] = {
    "private": (),
    "public-read": (("everyone", "READ"),),
    "public-read-write": (("everyone", "READ"), ("everyone", "WRITE")),
    "authenticated-read": (("any_aws_account", "READ"),),
    "log-delivery-write": (("log_delivery", "WRITE"), ("log_delivery", "READ_ACP")),
}
_GROUPS = {"AllUsers": "everyone", "AuthenticatedUsers": "any_aws_account", "LogDelivery": "log_delivery"}


def _bucket(shape: Shape, parts: Parts) -> None:
    versioning, mfa_delete = _versioning(parts)
    algorithm, key, bucket_key = _encryption(parts)
    blocks = [_block(parts, name) for name in _BLOCKS]
    blocked = _all(blocks)
    text = _policy_text(parts)
    public_policy = judged(text, lambda found: any(s.allows and s.admits_anyone and not s.is_scoped for s in found))
    grants = _grants(parts)
    public_acl = then(grants, lambda found: any(g[0] in ("everyone", "any_aws_account") for g in found))
    acls = _ownership(parts)
    lock_mode, lock_seconds = _default_retention(parts)
    replication, lifecycle = _replication_rules(parts), _lifecycle_rules(parts)
    shape.resource(
        AwsS3Bucket,
        created=RUNNING,
        versioning_enabled=versioning,
        mfa_delete=mfa_delete,
        encryption_algorithm=algorithm,
        kms_key_uid=key,
        bucket_key_enabled=bucket_key,
        block_public_acls=blocks[0],
        ignore_public_acls=blocks[1],
        block_public_policy=blocks[2],
        restrict_public_buckets=blocks[3],
        public_access_blocked=blocked,
        has_policy=then(text, bool),
        policy_is_public=public_policy,
        acls_enabled=acls,
        acl_is_public=public_acl,
        is_public=_is_public(public_policy, public_acl, acls, blocks),
        tls_required=judged(text, lambda found: require_tls(found, parts.document.uid)),
        logging_bucket_uid=_logging(parts),
        object_lock_enabled=_lock_enabled(parts),
        object_lock_mode=lock_mode,
        object_lock_seconds=lock_seconds,
        replication_enabled=_any_enabled(replication),
        lifecycle_enabled=_any_enabled(lifecycle),
    )
    fill_policies(shape, policy("resource", "", text))
    if isinstance(grants, Lost):
        shape.lost(AwsS3Grant, "", grants)
    else:
        canned = not any(grantee not in _GROUPS.values() for grantee, _ in grants)
        if canned:  # every canned ACL gives the owner full control; which id that is, no plan says
            shape.child(AwsS3Grant, grantee=RUNNING, permission="FULL_CONTROL", is_owner=True)
        for grantee, permission in grants:
            is_group = grantee in _GROUPS.values()
            shape.child(AwsS3Grant, grantee=grantee, permission=permission, is_owner=False if is_group else RUNNING)
    for rule in shape.each(AwsS3ReplicationRule, replication):
        _replication_row(shape, parts, rule)
    for rule in shape.each(AwsS3LifecycleRule, lifecycle):
        _lifecycle_row(shape, rule)
    fill_tags(shape, parts.own)


def _setting(parts: Parts, satellite: str, argument: str, inline: str) -> View | Lost | None:
    """The block that sets something: of the satellite, else of the bucket itself. None: known to be unset."""
    if view := parts.only(satellite):
        return view.block(argument) if argument else view
    return None if parts.is_gone(satellite) else parts.own.block(inline)


def _versioning(parts: Parts) -> tuple[bool | Lost, bool | Lost]:
    if view := parts.only("aws_s3_bucket_versioning"):
        block = view.block("versioning_configuration")
        if not isinstance(block, View):
            return (False, False) if block is None else (block, block)
        on = then(block.text("status", absent=""), lambda status: status == "Enabled")
        return on, then(block.text("mfa_delete", absent=""), lambda status: status == "Enabled")
    block = None if parts.is_gone("aws_s3_bucket_versioning") else parts.own.block("versioning")
    if not isinstance(block, View):
        return (False, False) if block is None else (block, block)
    return block.boolean("enabled", absent=False), block.boolean("mfa_delete", absent=False)


def _encryption(parts: Parts) -> tuple[str | Lost, str | Lost, bool | Lost]:
    """Algorithm, key, bucket key. S3 encrypts everything since 2023-01-05; a rule can only name another way."""
    name = "aws_s3_bucket_server_side_encryption_configuration"
    if view := parts.only(name):
        rule = view.block("rule")
    elif parts.is_gone(name):
        rule = None
    else:
        outer = parts.own.block("server_side_encryption_configuration")
        rule = outer.block("rule") if isinstance(outer, View) else outer
    if not isinstance(rule, View):
        return ("AES256", "", False) if rule is None else (rule, rule, rule)
    bucket_key = rule.boolean("bucket_key_enabled", absent=False)
    block = rule.block("apply_server_side_encryption_by_default")
    if not isinstance(block, View):
        return ("AES256", "", bucket_key) if block is None else (block, block, bucket_key)
    key = block.ref("kms_master_key_id", "aws_kms_key", "aws_kms_alias", known=str, absent="")
    return block.text("sse_algorithm"), key, bucket_key


def _block(parts: Parts, name: str) -> bool | Lost:
    """One switch of the public access block. Taken away it is off; new buckets have it on."""
    satellite = "aws_s3_bucket_public_access_block"
    if view := parts.only(satellite):
        return view.boolean(name, absent=False)
    if parts.is_gone(satellite):
        return False
    return bool(S3_BLOCKED.value) if parts.is_new else _SET_ELSEWHERE


def _all(values: list[bool | Lost]) -> bool | Lost:
    """Three-valued AND. One that is off decides, as no block of the account is taken for granted."""
    if any(value is False for value in values):
        return bool(S3_ACCOUNT_BLOCK.value)
    return next((value for value in values if isinstance(value, Lost)), True)


def _ownership(parts: Parts) -> bool | Lost:
    """Whether ACLs have effect."""
    view = parts.only("aws_s3_bucket_ownership_controls")
    if view is None:
        if not parts.is_new or parts.is_gone("aws_s3_bucket_ownership_controls"):
            return _SET_ELSEWHERE
        return bool(S3_OWNERSHIP.value != "BucketOwnerEnforced")
    rule = view.block("rule")
    if not isinstance(rule, View):
        return rule if isinstance(rule, Lost) else Lost(UNSUPPORTED, f"{view.path} has no rule")
    return then(rule.text("object_ownership"), lambda text: text != "BucketOwnerEnforced")


def _policy_text(parts: Parts) -> str | Lost:
    """The bucket policy; '' where there is none."""
    if view := parts.only("aws_s3_bucket_policy"):
        return view.text("policy")
    return "" if parts.is_gone("aws_s3_bucket_policy") else parts.own.text("policy", absent="")


Grant = tuple[str, str]


def _grants(parts: Parts) -> list[Grant] | Lost:
    """What the ACL grants to others than the owner."""
    view = parts.only("aws_s3_bucket_acl")
    if view is None:
        inline = parts.own.blocks("grant")
        if isinstance(inline, Lost):
            return inline
        if inline:
            return _listed(inline)
        canned = parts.own.text("acl", absent="private" if parts.is_new else RUNNING)
        if canned == "private" and not parts.is_new:
            return _SET_ELSEWHERE
    else:
        block = view.block("access_control_policy")
        canned = view.text("acl", absent="")
        if isinstance(block, View) and not (isinstance(canned, str) and canned):
            return then(block.blocks("grant"), _listed)
    if isinstance(canned, Lost):
        return canned
    granted = _CANNED.get(canned)
    return Lost(UNSUPPORTED, f"the canned ACL {canned[:40]!r} is not known here") if granted is None else list(granted)


def _listed(grants: list[View]) -> list[Grant] | Lost:
    found: list[Grant] = []
    for grant in grants:
        inner = grant.block("grantee") if "grantee" in grant.values else grant
        who = inner if isinstance(inner, View) else grant
        uri = who.text("uri", absent="")
        name = (
            who.text("id", absent="")
            if uri == ""
            else then(uri, lambda text: _GROUPS.get(text.rpartition("/")[2], text))
        )
        wanted = (
            grant.items("permissions")
            if "permissions" in grant.values
            else then(grant.text("permission"), lambda p: [p])
        )
        if isinstance(name, Lost):
            return name
        if isinstance(wanted, Lost):
            return wanted
        found += [(name, str(permission)) for permission in wanted]
    return found


def _is_public(
    policy_public: bool | Lost, acl_public: bool | Lost, acls: bool | Lost, blocks: list[bool | Lost]
) -> bool | Lost:
    """Policy or ACL reach everyone and no block stops them, each three-valued."""
    ignore_acls, restrict = blocks[1], blocks[3]
    return _or(_and(policy_public, _not(restrict)), _and(_and(acl_public, acls), _not(ignore_acls)))


def _not(value: bool | Lost) -> bool | Lost:
    return value if isinstance(value, Lost) else not value


def _and(one: bool | Lost, other: bool | Lost) -> bool | Lost:
    if one is False or other is False:
        return False
    return one if isinstance(one, Lost) else other


def _or(one: bool | Lost, other: bool | Lost) -> bool | Lost:
    return _not(_and(_not(one), _not(other)))


def _logging(parts: Parts) -> str | Lost:
    """The bucket that gets the access logs; '' if none."""
    block = _setting(parts, "aws_s3_bucket_logging", "", "logging")
    if not isinstance(block, View):
        return "" if block is None else block
    return block.ref("target_bucket", "aws_s3_bucket", known=parts.by_id("aws_s3_bucket"), absent="")


def _lock_enabled(parts: Parts) -> bool | Lost:
    if parts.only("aws_s3_bucket_object_lock_configuration"):
        return True
    return parts.own.boolean("object_lock_enabled", absent=False)


def _default_retention(parts: Parts) -> tuple[str | Lost, int | Lost]:
    """Mode and length of the default retention of new objects."""
    block = _setting(parts, "aws_s3_bucket_object_lock_configuration", "rule", "object_lock_configuration")
    if isinstance(block, View) and not parts.only("aws_s3_bucket_object_lock_configuration"):
        block = block.block("rule")
    retention = block.block("default_retention") if isinstance(block, View) else block
    if not isinstance(retention, View):
        return ("", 0) if retention is None else (retention, retention)
    days, years = retention.integer("days", absent=0), retention.integer("years", absent=0)
    length = then(days, lambda d: then(years, lambda y: d * _DAY + y * _YEAR))
    return retention.text("mode", absent=""), length


def _any_enabled(rules: list[View] | Lost) -> bool | Lost:
    if isinstance(rules, Lost):
        return rules
    states = [_enabled(rule) for rule in rules]
    if True in states:
        return True
    return next((state for state in states if isinstance(state, Lost)), False)


def _enabled(rule: View) -> bool | Lost:
    """Rules say `status = "Enabled"`, those inside a bucket `enabled = true`."""
    if "enabled" in rule.values:
        return rule.boolean("enabled", absent=False)
    return then(rule.text("status"), lambda text: text == "Enabled")


def _replication_rules(parts: Parts) -> list[View] | Lost:
    if view := parts.only("aws_s3_bucket_replication_configuration"):
        return view.blocks("rule")
    if parts.is_gone("aws_s3_bucket_replication_configuration"):
        return []
    return then(parts.own.block("replication_configuration"), lambda block: block.blocks("rules") if block else [])


def _replication_row(shape: Shape, parts: Parts, rule: View) -> None:
    destination = rule.block("destination")
    bucket: str | Lost = Lost(UNSUPPORTED, f"{rule.path} has no destination")
    account: str | Lost = bucket
    if isinstance(destination, View):
        bucket = destination.ref("bucket", "aws_s3_bucket", known=parts.by_id("aws_s3_bucket"))
        account = destination.text("account_id" if "account_id" in destination.values else "account", absent="")
    elif isinstance(destination, Lost):
        bucket = account = destination
    markers = rule.block("delete_marker_replication") if "delete_marker_replication" in rule.values else None
    if isinstance(markers, View):
        deletes: bool | Lost = then(markers.text("status"), lambda text: text == "Enabled")
    elif isinstance(markers, Lost):
        deletes = markers
    else:
        old = (
            rule.text("delete_marker_replication_status", absent="")
            if ("delete_marker_replication_status" in rule.values)
            else ""
        )
        deletes = then(old, lambda text: text == "Enabled")
    shape.child(
        AwsS3ReplicationRule,
        rule=rule.text("id", absent=""),
        is_enabled=_enabled(rule),
        destination_uid=bucket,
        destination_account=account,
        replicates_all=_unfiltered(rule),
        replicates_deletes=deletes,
    )


def _unfiltered(rule: View) -> bool | Lost:
    """No prefix, tag or size narrows the rule."""
    prefix = rule.text("prefix", absent="") if "prefix" in rule.values else ""
    found: list[str | Lost] = [prefix]
    block = rule.block("filter") if "filter" in rule.values else None
    if isinstance(block, Lost):
        return block
    todo = [block] if block else []
    while todo:
        view = todo.pop()
        for name, value in view.values.items():
            if name == "prefix":
                found.append(view.text(name, absent=""))
            elif isinstance(value, list):
                inner = view.blocks(name)
                todo += inner if isinstance(inner, list) else []
            elif value not in (None, "", {}):
                found.append(view.text(name) if isinstance(value, str) else "narrowed")
    if any(isinstance(text, str) and text for text in found):
        return False
    return next((text for text in found if isinstance(text, Lost)), True)


def _lifecycle_rules(parts: Parts) -> list[View] | Lost:
    if view := parts.only("aws_s3_bucket_lifecycle_configuration"):
        return view.blocks("rule")
    if parts.is_gone("aws_s3_bucket_lifecycle_configuration"):
        return []
    return parts.own.blocks("lifecycle_rule")


def _lifecycle_row(shape: Shape, rule: View) -> None:
    narrowed = _unfiltered(rule)
    prefix: str | Lost = rule.text("prefix", absent="") if "prefix" in rule.values else ""
    block = rule.block("filter") if "filter" in rule.values else None
    if isinstance(block, View):
        inner = block.block("and") if "and" in block.values else None
        holder = inner if isinstance(inner, View) else block
        prefix = holder.text("prefix", absent="") if "prefix" in holder.values else ""
    elif isinstance(block, Lost):
        prefix = block
    shape.child(
        AwsS3LifecycleRule,
        rule=rule.text("id", absent=""),
        is_enabled=_enabled(rule),
        prefix=prefix,
        applies_to_all=narrowed,
        expiration_seconds=_days(rule, "expiration", "days"),
        noncurrent_expiration_seconds=_days(rule, "noncurrent_version_expiration", "noncurrent_days", "days"),
        abort_upload_seconds=_abort(rule),
        transition_seconds=_first_transition(rule),
    )


def _days(rule: View, block: str, *names: str) -> int | Lost:
    """The days in a block, as seconds; 0 where there is no such block."""
    view = rule.block(block) if block in rule.values else None
    if not isinstance(view, View):
        return 0 if view is None else view
    name = next((name for name in names if name in view.values), names[0])
    return then(view.integer(name, absent=0), lambda days: days * _DAY)


def _abort(rule: View) -> int | Lost:
    if "abort_incomplete_multipart_upload_days" in rule.values:
        return then(rule.integer("abort_incomplete_multipart_upload_days", absent=0), lambda days: days * _DAY)
    return _days(rule, "abort_incomplete_multipart_upload", "days_after_initiation")


def _first_transition(rule: View) -> int | Lost:
    blocks = rule.blocks("transition") if "transition" in rule.values else []
    if isinstance(blocks, Lost):
        return blocks
    lengths = [block.integer("days", absent=0) for block in blocks]
    if lost := next((length for length in lengths if isinstance(length, Lost)), None):
        return lost
    return min((length for length in lengths if isinstance(length, int)), default=0) * _DAY


_POLICY_COLUMNS = ("has_policy", "policy_is_public", "is_public", "tls_required")
FAMILIES = (
    Family(
        types=("aws_s3_bucket",),
        tables=(AwsS3Bucket, AwsS3Grant, AwsS3ReplicationRule, AwsS3LifecycleRule, *POLICY_TABLES, AwsTag),
        fill=_bucket,
        satellites={
            "aws_s3_bucket_versioning": Satellite(
                "bucket", ((AwsS3Bucket, "versioning_enabled"), (AwsS3Bucket, "mfa_delete"))
            ),
            "aws_s3_bucket_server_side_encryption_configuration": Satellite(
                "bucket",
                tuple((AwsS3Bucket, c) for c in ("encryption_algorithm", "kms_key_uid", "bucket_key_enabled")),
            ),
            "aws_s3_bucket_public_access_block": Satellite(
                "bucket", tuple((AwsS3Bucket, c) for c in (*_BLOCKS, "public_access_blocked", "is_public"))
            ),
            "aws_s3_bucket_policy": Satellite(
                "bucket", (*((AwsS3Bucket, c) for c in _POLICY_COLUMNS), *((table, "") for table in POLICY_TABLES))
            ),
            "aws_s3_bucket_acl": Satellite(
                "bucket", ((AwsS3Bucket, "acl_is_public"), (AwsS3Bucket, "is_public"), (AwsS3Grant, ""))
            ),
            "aws_s3_bucket_ownership_controls": Satellite(
                "bucket", ((AwsS3Bucket, "acls_enabled"), (AwsS3Bucket, "is_public"))
            ),
            "aws_s3_bucket_logging": Satellite("bucket", ((AwsS3Bucket, "logging_bucket_uid"),)),
            "aws_s3_bucket_object_lock_configuration": Satellite(
                "bucket",
                tuple((AwsS3Bucket, c) for c in ("object_lock_enabled", "object_lock_mode", "object_lock_seconds")),
            ),
            "aws_s3_bucket_replication_configuration": Satellite(
                "bucket", ((AwsS3Bucket, "replication_enabled"), (AwsS3ReplicationRule, ""))
            ),
            "aws_s3_bucket_lifecycle_configuration": Satellite(
                "bucket", ((AwsS3Bucket, "lifecycle_enabled"), (AwsS3LifecycleRule, ""))
            ),
        },
    ),
)
