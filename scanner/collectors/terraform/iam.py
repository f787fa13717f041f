"""IAM users, groups, roles and policies. Every way of attaching a policy comes together on the one who has it."""

from __future__ import annotations

from scanner.collectors.aws.arns import policy_uid
from scanner.collectors.aws.policies import Policy
from scanner.collectors.terraform.family import Family, Parts, Satellite
from scanner.collectors.terraform.policies import TABLES as POLICY_TABLES
from scanner.collectors.terraform.policies import fill_policies, policy
from scanner.collectors.terraform.reading import RUNNING, Lost, Shape, View, then
from scanner.collectors.terraform.tags import fill_tags
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
from scanner.tables.base import Placed

_ROWS = tuple((table, "") for table in POLICY_TABLES)
_ATTACHES: tuple[tuple[type[Placed], str], ...] = ((AwsIamAttachment, ""),)


def _user(shape: Shape, parts: Parts) -> None:
    own = parts.own
    keys = parts.views("aws_iam_access_key")
    has_password = bool(parts.views("aws_iam_user_login_profile"))
    shape.resource(
        AwsIamUser,
        path=own.text("path", absent="/"),
        created=RUNNING,
        password_enabled=True if has_password else False if parts.is_new else RUNNING,
        password_last_used=0 if parts.is_new else RUNNING,
        password_last_changed=0 if parts.is_new and not has_password else RUNNING,
        mfa_enabled=RUNNING,  # a second factor is enrolled by hand
        active_access_keys=_active(keys) if parts.is_new else RUNNING,
        permissions_boundary_uid=_boundary(own, parts),
    )
    for number, key in enumerate(keys, start=1):
        shape.child(AwsIamAccessKey, number=number, is_active=_is_active(key), last_rotated=RUNNING, last_used=RUNNING)
    known = parts.by_name("aws_iam_group", "aws_iam_group")
    for view in parts.views("aws_iam_user_group_membership"):
        groups, loss = view.refs(
            "groups", "aws_iam_group", known=lambda name: known(_path(name, "aws_iam_group", parts))
        )
        if loss:
            shape.lost(AwsIamGroupMember, "", loss)
        for group in groups:
            shape.child(AwsIamGroupMember, group_uid=group)
    for view in parts.views("aws_iam_group_membership"):
        shape.child(
            AwsIamGroupMember,
            group_uid=view.ref("group", "aws_iam_group", known=lambda name: known(_path(name, "aws_iam_group", parts))),
        )
    if not parts.is_new:
        shape.lost(AwsIamAccessKey, "", RUNNING)
        shape.lost(AwsIamGroupMember, "", RUNNING)
    _permissions(shape, parts, "aws_iam_user_policy", "aws_iam_user_policy_attachment")
    fill_tags(shape, own)


def _active(keys: list[View]) -> int | Lost:
    states = [_is_active(key) for key in keys]
    return next((state for state in states if isinstance(state, Lost)), sum(1 for state in states if state is True))


def _is_active(key: View) -> bool | Lost:
    return then(key.text("status", absent="Active"), lambda status: status == "Active")


def _path(name: str, kind: str, parts: Parts) -> str:
    """A name as the ARN has it; the plan's own resources are found by the bare name, and others are at the root."""
    return name if parts.named(name, kind) else f"/{name}"


def _boundary(own: View, parts: Parts) -> str | Lost:
    account = parts.document.account
    known = own.ref("permissions_boundary", "aws_iam_policy", known=str, absent="")
    return then(known, lambda arn: _in_account(arn, account))


def _group(shape: Shape, parts: Parts) -> None:
    shape.resource(AwsIamGroup, path=parts.own.text("path", absent="/"), created=RUNNING)
    _permissions(shape, parts, "aws_iam_group_policy", "aws_iam_group_policy_attachment")


def _role(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shape.resource(
        AwsIamRole,
        path=own.text("path", absent="/"),
        created=RUNNING,
        last_used=0 if parts.is_new else RUNNING,
        is_service_linked=then(own.text("path", absent="/"), lambda path: path.startswith("/aws-service-role/")),
        permissions_boundary_uid=_boundary(own, parts),
    )
    for view in parts.views("aws_iam_instance_profile"):
        shape.child(AwsIamInstanceProfile, profile_uid=parts.uid_of(view))
    trust = policy("trust", "", own.text("assume_role_policy", absent=""))
    inline: list[Policy | Lost] = []
    blocks = own.blocks("inline_policy")
    for block in blocks if isinstance(blocks, list) else []:
        name, text = block.text("name", absent=""), block.text("policy", absent="")
        repeats_gone = name in [view.text("name") for view in parts.before("aws_iam_role_policy")]
        if not repeats_gone and not (name == "" and text == ""):  # an empty block says that there are none
            inline += policy("identity", name, text)
    if isinstance(blocks, Lost):
        inline.append(blocks)
    _permissions(shape, parts, "aws_iam_role_policy", "aws_iam_role_policy_attachment", [*trust, *inline])
    managed, loss = own.refs("managed_policy_arns", "aws_iam_policy", known=str)
    if loss:
        shape.lost(AwsIamAttachment, "", loss)
    attached = {row.policy_arn for row in shape.children(AwsIamAttachment)}
    attached |= {str(view.text("policy_arn")) for view in parts.before("aws_iam_role_policy_attachment")}
    for uid in managed:
        if uid not in attached:
            _attachment(shape, uid)
    fill_tags(shape, own)


def _permissions(
    shape: Shape, parts: Parts, inline: str, attached: str, more: list[Policy | Lost] | None = None
) -> None:
    """Inline policies and attachments. What is attached by other means is in no plan, unless the resource is new."""
    found = list(more or [])
    listed = [p.name for p in found if isinstance(p, Policy)]
    for view in parts.views(inline):
        name = view.text("name")
        if name not in listed:  # a refresh repeats stand-alone policies inside the role
            found += policy("identity", name, view.text("policy"))
    fill_policies(shape, found)
    for view in parts.views(attached, "aws_iam_policy_attachment"):
        _attachment(shape, view.ref("policy_arn", "aws_iam_policy", known=str))
    if not parts.is_new and parts.type != "aws_iam_role":  # a refresh lists all that a role has in the role itself
        shape.lost(AwsIamAttachment, "", RUNNING)
        for table in POLICY_TABLES:
            shape.lost(table, "", RUNNING)


def _attachment(shape: Shape, policy_of: str | Lost) -> None:
    """`policy_of` is the policy's ARN, or `plan:…` where it has none yet."""
    is_planned = isinstance(policy_of, str) and policy_of.startswith("plan:")
    shape.child(
        AwsIamAttachment,
        policy_uid=then(policy_of, lambda text: _in_account(text, shape.document.account)),
        policy_arn=RUNNING if is_planned else policy_of,
        policy_name=RUNNING if is_planned else then(policy_of, lambda text: text.rpartition("/")[2]),
    )


def _in_account(arn: str, account: str) -> str:
    """The policy's uid; where the account is not known, its ARN is all there is."""
    return policy_uid(arn, account) if account else arn


def _policy(shape: Shape, parts: Parts) -> None:
    own = parts.own
    shape.resource(
        AwsIamPolicy,
        policy_arn=parts.document.uid if parts.document.uid.startswith("arn:") else own.text("arn"),
        path=own.text("path", absent="/"),
        is_aws_managed=False,
        default_version="v1" if parts.is_new else RUNNING,
        attachments=RUNNING,
        boundary_uses=RUNNING,
        updated=RUNNING,
    )
    fill_policies(shape, policy("identity", own.text("name"), own.text("policy")))
    fill_tags(shape, own)


def _permission_satellites(owner: str) -> dict[str, Satellite]:
    return {
        f"aws_iam_{owner}_policy": Satellite(owner, _ROWS),
        f"aws_iam_{owner}_policy_attachment": Satellite(owner, _ATTACHES),
        "aws_iam_policy_attachment": Satellite(f"{owner}s", _ATTACHES),
    }


FAMILIES = (
    Family(
        types=("aws_iam_user",),
        tables=(AwsIamUser, AwsIamAccessKey, AwsIamGroupMember, AwsIamAttachment, *POLICY_TABLES, AwsTag),
        fill=_user,
        is_global=True,
        looks_up=("aws_iam_group",),
        secret=(
            "aws_iam_access_key.*.secret",
            "aws_iam_access_key.*.ses_smtp_password_v4",
            "aws_iam_user_login_profile.*.password",
        ),
        satellites={
            **_permission_satellites("user"),
            "aws_iam_access_key": Satellite("user", ((AwsIamAccessKey, ""), (AwsIamUser, "active_access_keys"))),
            "aws_iam_user_login_profile": Satellite("user", ((AwsIamUser, "password_enabled"),)),
            "aws_iam_user_group_membership": Satellite("user", ((AwsIamGroupMember, ""),)),
            "aws_iam_group_membership": Satellite("users", ((AwsIamGroupMember, ""),)),
        },
    ),
    Family(
        types=("aws_iam_group",),
        tables=(AwsIamGroup, AwsIamAttachment, *POLICY_TABLES),
        fill=_group,
        is_global=True,
        satellites=_permission_satellites("group"),
    ),
    Family(
        types=("aws_iam_role",),
        tables=(AwsIamRole, AwsIamInstanceProfile, AwsIamAttachment, *POLICY_TABLES, AwsTag),
        fill=_role,
        is_global=True,
        satellites={
            **_permission_satellites("role"),
            "aws_iam_instance_profile": Satellite("role", ((AwsIamInstanceProfile, ""),)),
        },
    ),
    Family(types=("aws_iam_policy",), tables=(AwsIamPolicy, *POLICY_TABLES, AwsTag), fill=_policy, is_global=True),
)
