"""IAM: users, groups, roles, policies."""

from __future__ import annotations

from scanner.tables.base import Child, Resource, column


class AwsIamUser(Resource, title="An IAM user"):
    """From the account's authorization details and credential report."""

    path: str | None = column("Path.")
    created: int | None = column("Created.", unit="UTC seconds")
    password_enabled: bool | None = column("May sign in to the console with a password.")
    password_last_used: int | None = column("Last sign-in; 0 if never.", unit="UTC seconds", volatile=True)
    password_last_changed: int | None = column("Last change of the password; 0 if never.", unit="UTC seconds")
    mfa_enabled: bool | None = column("Has a second factor.")
    active_access_keys: int | None = column("How many access keys are active.")
    permissions_boundary_uid: str | None = column("Managed policy that bounds it; '' if none.")


class AwsIamAccessKey(Child, title="An access key of an IAM user"):
    """The credential report numbers them, 1 and 2, and names no ids. Keys that never existed have no row."""

    number: int | None = column("1 or 2.")
    is_active: bool | None = column("Active.")
    last_rotated: int | None = column("Created or rotated.", unit="UTC seconds")
    last_used: int | None = column("Last use; 0 if never.", unit="UTC seconds", volatile=True)


class AwsIamGroup(Resource, title="An IAM group"):
    path: str | None = column("Path.")
    created: int | None = column("Created.", unit="UTC seconds")


class AwsIamGroupMember(Child, title="A group that a user is a member of"):
    """Child of the user."""

    group_uid: str | None = column("The group.")


class AwsIamRole(Resource, title="An IAM role"):
    """Its trust policy and inline policies are rows of aws_policy_statement."""

    path: str | None = column("Path.")
    created: int | None = column("Created.", unit="UTC seconds")
    last_used: int | None = column("Last use that AWS knows of; 0 if none.", unit="UTC seconds", volatile=True)
    is_service_linked: bool | None = column("Belongs to an AWS service, which alone may change it.")
    permissions_boundary_uid: str | None = column("Managed policy that bounds it; '' if none.")


class AwsIamInstanceProfile(Child, title="An instance profile that hands a role to instances"):
    """Child of the role."""

    profile_uid: str | None = column("The instance profile.")


class AwsIamAttachment(Child, title="A managed policy attached to a user, group or role"):
    policy_uid: str | None = column("The policy, `aws_iam_policy.uid`.")
    policy_arn: str | None = column("Its ARN: arn:aws:iam::aws:policy/… for those of AWS.")
    policy_name: str | None = column("Its name.")


class AwsIamPolicy(Resource, title="A managed policy"):
    """Customer managed ones, and those of AWS that somebody in the account uses.

    A policy of AWS has a row in each account that uses it: uid `arn:aws:iam::<account>:aws-policy/<path and name>`.
    """

    policy_arn: str | None = column("ARN: arn:aws:iam::aws:policy/… for those of AWS.")
    path: str | None = column("Path.")
    is_aws_managed: bool | None = column("Written by AWS.")
    default_version: str | None = column("Version that holds.")
    attachments: int | None = column("Users, groups and roles that have it.")
    boundary_uses: int | None = column("Users and roles that it bounds.")
    updated: int | None = column("Last change.", unit="UTC seconds")
