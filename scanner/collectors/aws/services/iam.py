"""Users, groups, roles and managed policies: two bulk reads for a whole account, however many users it has."""

from __future__ import annotations

import base64
import csv
import io
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from scanner.collectors.aws import policies
from scanner.collectors.aws.arns import partition_in, policy_uid
from scanner.collectors.aws.reads import Read, Refused, Tables
from scanner.collectors.aws.shaping import field, seconds, tag_map, tag_rows
from scanner.tables import Document, Json, Kind, Placed, numbered
from scanner.tables.aws_account import AwsTag
from scanner.tables.aws_iam import (
    AwsIamAccessKey,
    AwsIamAttachment,
    AwsIamGroup,
    AwsIamGroupMember,
    AwsIamInstanceProfile,
    AwsIamPolicy,
    AwsIamRole,
    AwsIamUser,
)

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

_DETAILS = "GetAccountAuthorizationDetails"
_REPORT = "GetCredentialReport"
_NEVER = ("N/A", "no_information", "not_supported", "")
_REPORT_WAITS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)  # seconds; AWS takes some to write a report


# --- shaping ----------------------------------------------------------------------------------------------------------


def shape_user(document: Document) -> Iterator[Placed]:
    raw = document.parts.get(_DETAILS)
    report = document.parts.get(_REPORT)
    row = AwsIamUser(**document.place, path=field(raw, "Path", "/"), created=seconds(field(raw, "CreateDate", None)))
    row.permissions_boundary_uid = _boundary(document, raw)
    keys: list[AwsIamAccessKey] = []
    if report is not None:
        row.password_enabled = report.get("password_enabled") == "true"
        row.password_last_used = _moment(report.get("password_last_used", ""))
        row.password_last_changed = _moment(report.get("password_last_changed", ""))
        row.mfa_enabled = report.get("mfa_active") == "true"
        keys = list(_keys(document, report))
        row.active_access_keys = sum(bool(k.is_active) for k in keys)
    yield row
    yield from numbered(keys)
    partition = partition_in(document.uid)
    yield from numbered(
        AwsIamGroupMember(
            **document.place,
            group_uid=f"arn:{partition}:iam::{document.account}:group{name}",
        )
        for name in field(raw, "GroupPaths", ()) or ()
    )
    yield from _policies(document, raw, "UserPolicyList")
    yield from tag_rows(document, tag_map(field(raw, "Tags", ()) or ()), document.place)


def _keys(document: Document, report: Mapping[str, str]) -> Iterator[AwsIamAccessKey]:
    for number in (1, 2):
        active = report.get(f"access_key_{number}_active") == "true"
        rotated = report.get(f"access_key_{number}_last_rotated", "")
        if active or rotated not in _NEVER:
            yield AwsIamAccessKey(
                **document.place,
                number=number,
                is_active=active,
                last_rotated=_moment(rotated),
                last_used=_moment(report.get(f"access_key_{number}_last_used_date", "")),
            )


def _moment(text: str) -> int | None:
    """A time of the credential report; 0 for never."""
    return 0 if text in _NEVER else seconds(text)


def shape_group(document: Document) -> Iterator[Placed]:
    raw = document.parts.get(_DETAILS)
    yield AwsIamGroup(**document.place, path=field(raw, "Path", "/"), created=seconds(field(raw, "CreateDate", None)))
    yield from _policies(document, raw, "GroupPolicyList")


def shape_role(document: Document) -> Iterator[Placed]:
    raw = document.parts.get(_DETAILS)
    path = field(raw, "Path", "/")
    yield AwsIamRole(
        **document.place,
        path=path,
        created=seconds(field(raw, "CreateDate", None)),
        last_used=None if raw is None else seconds(raw.get("RoleLastUsed", {}).get("LastUsedDate"), absent=0),
        is_service_linked=None if path is None else path.startswith("/aws-service-role/"),
        permissions_boundary_uid=_boundary(document, raw),
    )
    yield from numbered(
        AwsIamInstanceProfile(**document.place, profile_uid=p.get("Arn"))
        for p in field(raw, "InstanceProfileList", ()) or ()
    )
    yield from _policies(document, raw, "RolePolicyList")
    yield from tag_rows(document, tag_map(field(raw, "Tags", ()) or ()), document.place)


def _boundary(document: Document, raw: Json) -> str | None:
    if raw is None:
        return None
    boundary = raw.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    return policy_uid(boundary, document.account)


def _policies(document: Document, raw: Json, inline: str) -> Iterator[Placed]:
    """Statements of inline policies and of the trust policy, and which managed policies are attached."""
    if raw is None:
        return
    own = [policies.Policy("identity", p["PolicyName"], p["PolicyDocument"]) for p in raw.get(inline, ())]
    if "AssumeRolePolicyDocument" in raw:
        own.append(policies.Policy("trust", "", raw["AssumeRolePolicyDocument"]))
    yield from policies.rows(document.place, own)
    yield from numbered(
        AwsIamAttachment(
            **document.place,
            policy_uid=policy_uid(p["PolicyArn"], document.account),
            policy_arn=p["PolicyArn"],
            policy_name=p.get("PolicyName", ""),
        )
        for p in raw.get("AttachedManagedPolicies", ())
    )


def shape_policy(document: Document) -> Iterator[Placed]:
    raw = document.parts.get(_DETAILS)
    row = AwsIamPolicy(**document.place)
    row.path = field(raw, "Path", "/")
    row.updated = seconds(field(raw, "UpdateDate", None))
    row.attachments = field(raw, "AttachmentCount", 0)
    row.boundary_uses = field(raw, "PermissionsBoundaryUsageCount", 0)
    row.default_version = field(raw, "DefaultVersionId", "")
    if raw is not None:
        row.policy_arn = raw.get("Arn")
        row.is_aws_managed = None if row.policy_arn is None else ":iam::aws:policy/" in row.policy_arn
    yield row
    if raw is not None:
        version: Json = next((v for v in raw.get("PolicyVersionList", ()) if v.get("IsDefaultVersion")), {})
        policy = policies.Policy("identity", document.name, version.get("Document"))
        yield from policies.rows(document.place, [policy])


_USER: Tables = (AwsIamUser, AwsIamAccessKey, AwsIamGroupMember, AwsIamAttachment, *policies.TABLES, AwsTag)
_GROUP: Tables = (AwsIamGroup, AwsIamAttachment, *policies.TABLES)
_ROLE: Tables = (AwsIamRole, AwsIamInstanceProfile, AwsIamAttachment, *policies.TABLES, AwsTag)
_POLICY: Tables = (AwsIamPolicy, *policies.TABLES)
_USES = ("password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date")
KINDS = (
    Kind("aws_iam_user", _USER, shape_user, volatile=tuple(f"{_REPORT}.{column}" for column in _USES)),
    Kind("aws_iam_group", _GROUP, shape_group),
    Kind("aws_iam_role", _ROLE, shape_role, volatile=(f"{_DETAILS}.RoleLastUsed",)),
    Kind("aws_iam_policy", _POLICY, shape_policy),
)
_REPORT_LOSS: dict[type[Placed], tuple[str, ...]] = {
    AwsIamUser: (
        "password_enabled", "password_last_used", "password_last_changed", "mfa_enabled", "active_access_keys",
    ),
}  # fmt: skip
PER = "account"
READS = (
    Read(
        "iam", _DETAILS, f"iam:{_DETAILS}",
        rows=tuple(dict.fromkeys((*_USER, *_GROUP, *_ROLE, *_POLICY))),
        gives=("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"),
    ),
    Read(
        "iam", "GenerateCredentialReport", "iam:GenerateCredentialReport",
        rows=(AwsIamAccessKey,), columns=_REPORT_LOSS, gives=("State",),
    ),
    Read("iam", _REPORT, f"iam:{_REPORT}", rows=(AwsIamAccessKey,), columns=_REPORT_LOSS, gives=("Content",)),
)  # fmt: skip


# --- talking ----------------------------------------------------------------------------------------------------------


def fetch(api: Api) -> None:
    """Identities and policies in one listing, passwords and keys in one report."""
    report = _report(api)
    groups: dict[str, str] = {}
    waiting: list[Json] = []
    for page in api.pages(_DETAILS):
        api.in_turn(lambda raw: _group(api, raw, groups), page.get("GroupDetailList", ()), _GROUP)
        api.in_turn(
            lambda raw: api.document("aws_iam_role", raw["Arn"], raw["RoleName"], {_DETAILS: raw}),
            page.get("RoleDetailList", ()),
            _ROLE,
        )
        api.in_turn(lambda raw: _policy(api, raw), page.get("Policies", ()), _POLICY)
        waiting += page.get("UserDetailList", ())
    api.in_turn(lambda raw: _user(api, raw, groups, report), waiting, _USER)


def _group(api: Api, raw: Json, groups: dict[str, str]) -> None:
    groups[raw["GroupName"]] = raw["Path"] + raw["GroupName"]
    api.document("aws_iam_group", raw["Arn"], raw["GroupName"], {_DETAILS: raw})


def _user(api: Api, raw: Json, groups: Mapping[str, str], report: Mapping[str, dict[str, str]] | None) -> None:
    """A user names its groups without their paths, which another list of the same answer has."""
    names = raw.get("GroupList", ())
    found = {name: groups[name] for name in names if name in groups}
    parts: dict[str, Json] = {_DETAILS: raw | {"GroupPaths": sorted(found.values())}}
    if len(found) < len(names):
        api.gap(AwsIamGroupMember, "", "error", uid=raw["Arn"], detail="a group of the user was not listed")
    if report is not None and raw["Arn"] in report:
        parts[_REPORT] = report[raw["Arn"]]
    elif report is not None:
        detail = "the user is younger than the credential report, which AWS renews every four hours"
        api.lost(_REPORT, Refused("stale"), raw["Arn"], detail)
    api.document("aws_iam_user", raw["Arn"], raw["UserName"], parts)


def _policy(api: Api, raw: Json) -> None:
    """Every policy of the account; of AWS's own those that somebody uses."""
    of_aws = ":iam::aws:policy/" in raw["Arn"]
    if of_aws and not raw.get("AttachmentCount") and not raw.get("PermissionsBoundaryUsageCount"):
        return
    default = [v for v in raw.get("PolicyVersionList", ()) if v.get("IsDefaultVersion")]
    uid = policy_uid(raw["Arn"], api.account.id)
    name = raw["Arn"].rsplit("/", 1)[-1]
    api.document("aws_iam_policy", uid, name, {_DETAILS: raw | {"PolicyVersionList": default}})


def _report(api: Api) -> dict[str, dict[str, str]] | None:
    """The credential report by ARN; None where it cannot be had."""
    for wait in _REPORT_WAITS:
        answer = api.attempt("GenerateCredentialReport")
        if isinstance(answer, Refused):
            return None
        if answer.get("State") == "COMPLETE":
            break
        time.sleep(wait)
    else:
        api.lost("GenerateCredentialReport", Refused("deadline"), "", "AWS did not finish the credential report")
        return None
    answer = api.attempt(_REPORT)
    if isinstance(answer, Refused):
        return None
    text = base64.b64decode(answer["Content"]).decode(errors="replace")
    return {row["arn"]: _used(row) for row in csv.DictReader(io.StringIO(text)) if row.get("arn")}


def _used(row: Mapping[str, Any]) -> dict[str, str]:
    """What the table needs; where a key was used changes all the time and is left out."""
    wanted = ("password_", "mfa_active", "access_key_")
    unwanted = ("_region", "_service", "password_next_rotation")
    return {k: str(v) for k, v in row.items() if k.startswith(wanted) and not k.endswith(unwanted)}
