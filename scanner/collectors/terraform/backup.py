"""AWS Backup: vaults, plans and what they select."""

from __future__ import annotations

import functools

from scanner.collectors.aws.arns import account_of, region_of
from scanner.collectors.aws.schedule import interval_seconds
from scanner.collectors.terraform.family import Family, Parts, Satellite
from scanner.collectors.terraform.reading import RUNNING, UNSUPPORTED, Lost, Shape, View, then
from scanner.collectors.terraform.tags import fill_tags
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_backup import AwsBackupCopy, AwsBackupPlan, AwsBackupRule, AwsBackupSelection, AwsBackupVault

_DAY = 86_400
_DAILY = "cron(0 5 ? * * *)"  # what AWS takes where a rule has no schedule
_MINUTE = 60
_OPERATORS = {
    "string_equals": "StringEquals",
    "string_like": "StringLike",
    "string_not_equals": "StringNotEquals",
    "string_not_like": "StringNotLike",
}


def _vault(shape: Shape, parts: Parts) -> None:
    own = parts.own
    lock = parts.only("aws_backup_vault_lock_configuration")
    shape.resource(
        AwsBackupVault,
        kms_key_uid=own.ref("kms_key_arn", "aws_kms_key", known=str, absent=None) or RUNNING,
        created=RUNNING,
        is_locked=True if lock else False if parts.is_new else RUNNING,
        lock_date=_lock_date(lock, parts),
        min_retention_seconds=_bound(lock, parts, "min_retention_days"),
        max_retention_seconds=_bound(lock, parts, "max_retention_days"),
        recovery_points=0 if parts.is_new else RUNNING,
    )
    fill_tags(shape, own)


def _lock_date(lock: View | None, parts: Parts) -> int | Lost:
    """From when the lock is final: so many days after it is made, if the lock says so."""
    if lock is None:
        return 0 if parts.is_new else RUNNING
    return then(lock.integer("changeable_for_days", absent=0), lambda days: RUNNING if days else 0)


def _bound(lock: View | None, parts: Parts, name: str) -> int | Lost:
    if lock is None:
        return 0 if parts.is_new else RUNNING
    return then(lock.integer(name, absent=0), lambda days: days * _DAY)


def _plan(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shape.resource(AwsBackupPlan, version=own.text("version"), created=RUNNING, last_run=0 if parts.is_new else RUNNING)
    for rule in shape.each(AwsBackupRule, own.blocks("rule")):
        _rule(shape, parts, rule)
    for selection in parts.views("aws_backup_selection"):
        _selection(shape, selection)
    if not parts.is_new:
        shape.lost(AwsBackupSelection, "", RUNNING)
    fill_tags(shape, own)


def _rule(shape: Shape, parts: Parts, rule: View) -> None:
    name, lifecycle = rule.text("rule_name"), rule.block("lifecycle")
    schedule = rule.text("schedule", absent="")
    shape.child(
        AwsBackupRule,
        rule=name,
        vault_uid=rule.ref(
            "target_vault_name", "aws_backup_vault", known=parts.by_name("aws_backup_vault", "aws_backup_vault")
        ),
        schedule=schedule,
        interval_seconds=then(schedule, _interval),
        is_continuous=rule.boolean("enable_continuous_backup", absent=False),
        delete_after_seconds=_after(lifecycle, "delete_after"),
        cold_storage_after_seconds=_after(lifecycle, "cold_storage_after"),
        start_window_seconds=then(rule.integer("start_window", absent=0), lambda minutes: minutes * _MINUTE),
    )
    for copy in shape.each(AwsBackupCopy, rule.blocks("copy_action")):
        vault = copy.ref("destination_vault_arn", "aws_backup_vault", known=str)
        shape.child(
            AwsBackupCopy,
            rule=name,
            vault_uid=vault,
            destination_region=then(vault, lambda uid: region_of(uid) or RUNNING),
            destination_account=then(vault, lambda uid: account_of(uid) or RUNNING),
            delete_after_seconds=_after(copy.block("lifecycle"), "delete_after"),
        )


def _after(lifecycle: View | Lost | None, name: str) -> int | Lost:
    """Days of a life cycle as seconds; 0 for never."""
    if lifecycle is None:
        return 0
    return then(lifecycle, lambda block: then(block.integer(name, absent=0), lambda days: days * _DAY))


@functools.lru_cache(maxsize=1_000)  # years of days are gone through, and most plans repeat a few schedules
def _interval(schedule: str) -> int | Lost:
    found = interval_seconds(schedule or _DAILY)
    return Lost(UNSUPPORTED, f"the schedule {schedule[:60]!r} is not understood") if found is None else found


def _selection(shape: Shape, selection: View) -> None:
    name = selection.text("name")

    def add(
        kind: str, pattern: str | Lost = "", key: str | Lost = "", value: str | Lost = "", by: str | Lost = ""
    ) -> None:
        shape.child(
            AwsBackupSelection, selection=name, selection_kind=kind, pattern=pattern, tag_key=key, tag_value=value,
            operator=by,
        )  # fmt: skip

    for kind, argument in (("include", "resources"), ("exclude", "not_resources")):
        uids, loss = selection.refs(argument, *_SELECTED, known=str)
        if loss:
            shape.lost(AwsBackupSelection, "", loss)
        for uid in uids:
            add(kind, pattern=uid)
    for tag in shape.each(AwsBackupSelection, selection.blocks("selection_tag")):
        add("tag", key=tag.text("key"), value=tag.text("value"), by=tag.text("type"))
    for block in shape.each(AwsBackupSelection, selection.blocks("condition")):
        for argument, operator in _OPERATORS.items():
            tests = block.blocks(argument) if argument in block.values else []
            for test in shape.each(AwsBackupSelection, tests):
                add(
                    "condition",
                    key=then(test.text("key"), lambda key: key.removeprefix("aws:ResourceTag/")),
                    value=test.text("value"),
                    by=operator,
                )


# What a selection may name: https://docs.aws.amazon.com/aws-backup/latest/devguide/whatisbackup.html
_SELECTED = (
    "aws_db_instance", "aws_rds_cluster", "aws_dynamodb_table", "aws_ebs_volume", "aws_efs_file_system",
    "aws_fsx_lustre_file_system", "aws_fsx_ontap_file_system", "aws_fsx_openzfs_file_system",
    "aws_fsx_windows_file_system", "aws_instance", "aws_s3_bucket", "aws_docdb_cluster", "aws_neptune_cluster",
    "aws_redshift_cluster", "aws_storagegateway_gateway", "aws_timestreamwrite_database",
)  # fmt: skip

FAMILIES = (
    Family(
        types=("aws_backup_vault",),
        tables=(AwsBackupVault, AwsTag),
        fill=_vault,
        satellites={
            "aws_backup_vault_lock_configuration": Satellite(
                "backup_vault_name",
                tuple(
                    (AwsBackupVault, c)
                    for c in ("is_locked", "lock_date", "min_retention_seconds", "max_retention_seconds")
                ),
            ),
        },
    ),
    Family(
        types=("aws_backup_plan",),
        tables=(AwsBackupPlan, AwsBackupRule, AwsBackupCopy, AwsBackupSelection, AwsTag),
        fill=_plan,
        looks_up=("aws_backup_vault",),
        satellites={"aws_backup_selection": Satellite("plan_id", ((AwsBackupSelection, ""),))},
    ),
)
