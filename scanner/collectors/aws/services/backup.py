"""AWS Backup: vaults with their locks, plans with their rules, copies and selections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from scanner.collectors.aws.arns import account_of, arn, region_of
from scanner.collectors.aws.reads import Read
from scanner.collectors.aws.schedule import interval_seconds
from scanner.collectors.aws.shaping import DAY, days, field, seconds, tag_rows
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_backup import (
    AwsBackupCopy,
    AwsBackupPlan,
    AwsBackupRule,
    AwsBackupSelection,
    AwsBackupVault,
)

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_DAILY = "cron(0 5 ? * * *)"  # what AWS takes where a rule has no schedule
_VAULT = (AwsBackupVault, AwsTag)
_PLAN = (AwsBackupPlan, AwsBackupRule, AwsBackupCopy, AwsBackupSelection, AwsTag)


def shape_vault(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("ListBackupVaults")
    yield AwsBackupVault(
        **document.place,
        kms_key_uid=field(raw, "EncryptionKeyArn", ""),
        created=seconds(field(raw, "CreationDate", None)),
        is_locked=field(raw, "Locked", False),
        lock_date=None if raw is None else seconds(raw.get("LockDate"), absent=0),
        min_retention_seconds=days(field(raw, "MinRetentionDays", 0)),
        max_retention_seconds=days(field(raw, "MaxRetentionDays", 0)),
        recovery_points=field(raw, "NumberOfRecoveryPoints", 0),
    )
    yield from tag_rows(document, field(document.parts.get("ListTags"), "Tags", {}), document.place)


def shape_plan(document: Document) -> Iterator[Placed]:
    raw = document.parts.get("ListBackupPlans")
    plan = field(document.parts.get("GetBackupPlan"), "BackupPlan", {})
    yield AwsBackupPlan(
        **document.place,
        version=field(raw, "VersionId", ""),
        created=seconds(field(raw, "CreationDate", None)),
        last_run=None if raw is None else seconds(raw.get("LastExecutionDate"), absent=0),
    )
    rules = field(plan, "Rules", ()) or ()
    yield from numbered(_rule(document, r) for r in rules)
    yield from numbered(_copy(document, r, c) for r in rules for c in r.get("CopyActions", ()))
    selections = field(document.parts, "GetBackupSelection", ())
    yield from numbered(line for s in selections for line in _selection(document, s.get("BackupSelection", {})))
    yield from tag_rows(document, field(document.parts.get("ListTags"), "Tags", {}), document.place)


def _rule(document: Document, raw: Mapping[str, Any]) -> AwsBackupRule:
    lifecycle = raw.get("Lifecycle", {})
    schedule = raw.get("ScheduleExpression", "")
    vault = raw.get("TargetBackupVaultName", "")
    return AwsBackupRule(
        **document.place,
        rule=raw.get("RuleName", ""),
        vault_uid=arn("aws_backup_vault", vault, account=document.account, region=document.region) if vault else None,
        schedule=schedule,
        interval_seconds=interval_seconds(schedule or _DAILY),
        is_continuous=raw.get("EnableContinuousBackup", False),
        delete_after_seconds=lifecycle.get("DeleteAfterDays", 0) * DAY,
        cold_storage_after_seconds=lifecycle.get("MoveToColdStorageAfterDays", 0) * DAY,
        start_window_seconds=raw.get("StartWindowMinutes", 0) * 60,
    )


def _copy(document: Document, rule: Mapping[str, Any], raw: Mapping[str, Any]) -> AwsBackupCopy:
    vault = raw.get("DestinationBackupVaultArn", "")
    return AwsBackupCopy(
        **document.place,
        rule=rule.get("RuleName", ""),
        vault_uid=vault,
        destination_region=region_of(vault),
        destination_account=account_of(vault),
        delete_after_seconds=raw.get("Lifecycle", {}).get("DeleteAfterDays", 0) * DAY,
    )


def _selection(document: Document, raw: Mapping[str, Any]) -> Iterator[AwsBackupSelection]:
    name = raw.get("SelectionName", "")

    def line(kind: str, pattern: str = "", key: str = "", value: str = "", operator: str = "") -> AwsBackupSelection:
        return AwsBackupSelection(
            **document.place, selection=name, selection_kind=kind, pattern=pattern, tag_key=key, tag_value=value,
            operator=operator,
        )  # fmt: skip

    for pattern in raw.get("Resources", ()):
        yield line("include", pattern)
    for pattern in raw.get("NotResources", ()):
        yield line("exclude", pattern)
    for tag in raw.get("ListOfTags", ()):
        yield line("tag", "", tag["ConditionKey"], tag["ConditionValue"], tag["ConditionType"])
    for operator, tests in raw.get("Conditions", {}).items():
        for test in tests or ():
            key = test["ConditionKey"].removeprefix("aws:ResourceTag/")
            yield line("condition", "", key, test["ConditionValue"], operator)


KINDS = (
    Kind("aws_backup_vault", _VAULT, shape_vault, volatile=("ListBackupVaults.NumberOfRecoveryPoints",)),
    Kind("aws_backup_plan", _PLAN, shape_plan, volatile=("ListBackupPlans.LastExecutionDate",)),
)
PER = "region"
READS = (
    Read("backup", "ListBackupVaults", "backup:ListBackupVaults", rows=_VAULT),
    Read("backup", "ListBackupPlans", "backup:ListBackupPlans", rows=_PLAN),
    Read("backup", "GetBackupPlan", "backup:GetBackupPlan", rows=(AwsBackupRule, AwsBackupCopy), gives=("BackupPlan",)),
    Read("backup", "ListBackupSelections", "backup:ListBackupSelections", rows=(AwsBackupSelection,)),
    Read(
        "backup",
        "GetBackupSelection",
        "backup:GetBackupSelection",
        rows=(AwsBackupSelection,),
        gives=("BackupSelection",),
    ),
    Read("backup", "ListTags", "backup:ListTags", rows=(AwsTag,), gives=("Tags",)),
)


def fetch(api: Api) -> None:
    """Vaults and plans of the region."""
    api.each(lambda raw: _vault(api, raw), api.items("ListBackupVaults", "BackupVaultList"))
    api.each(lambda raw: _plan(api, raw), api.items("ListBackupPlans", "BackupPlansList"))


def _vault(api: Api, raw: Json) -> None:
    uid = raw["BackupVaultArn"]
    parts: dict[str, Json] = {"ListBackupVaults": raw}
    api.detail(parts, "ListTags", uid=uid, ResourceArn=uid)
    api.document("aws_backup_vault", uid, raw["BackupVaultName"], parts)


def _plan(api: Api, raw: Json) -> None:
    uid, id = raw["BackupPlanArn"], raw["BackupPlanId"]
    parts: dict[str, Json] = {"ListBackupPlans": raw}
    api.detail(parts, "GetBackupPlan", uid=uid, BackupPlanId=id)
    selections: list[Json] = []
    for listed in api.items("ListBackupSelections", "BackupSelectionsList", uid=uid, BackupPlanId=id):
        selection: dict[str, Json] = {}
        if api.detail(selection, "GetBackupSelection", uid=uid, BackupPlanId=id, SelectionId=listed["SelectionId"]):
            selections.append(selection["GetBackupSelection"])
    parts["GetBackupSelection"] = sorted(selections, key=lambda s: str(s.get("SelectionId")))
    api.detail(parts, "ListTags", uid=uid, ResourceArn=uid)
    api.document("aws_backup_plan", uid, raw["BackupPlanName"], parts)
