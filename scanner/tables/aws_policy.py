"""Policies split into statements: of whoever has a policy, be it an identity or a resource.

Every table here is a child of the resource that has the policy. `statement` is the `ordinal` of the row in
aws_policy_statement with the same uid.
"""

from __future__ import annotations

from scanner.tables.base import Child, column


class AwsPolicyStatement(Child, title="A statement of a policy"):
    """Attached managed policies are resources: their statements are found by way of aws_iam_attachment."""

    policy_kind: str | None = column("identity, trust or resource.")
    policy_name: str | None = column("Name of an inline or managed policy; '' for a resource's only policy.")
    sid: str | None = column("Sid; '' if none.")
    allows: bool | None = column("Effect is Allow; false: Deny.")
    allows_everyone: bool | None = column(
        "Allows any principal, all but some (NotPrincipal), or those of an identity provider that anyone may use, and "
        "no condition names who or whence."
    )
    allows_other_account: bool | None = column("Allows a principal of an account other than the resource's.")
    only_reads: bool | None = column(
        "By their names its actions only read: Get, List, Describe or Head, nothing wider, nothing under NotAction."
    )
    is_admin: bool | None = column("Allows every action on every resource; conditions on the request do not count.")
    requires_tls: bool | None = column("Deny for everyone where aws:SecureTransport is false, for all it names.")
    requires_mfa: bool | None = column("Holds only with MFA, or denies where there is none.")
    requires_external_id: bool | None = column("Holds only for whoever knows an external id.")
    has_conditions: bool | None = column("Has a condition.")
    is_scoped: bool | None = column(
        "A condition names who or whence: account, organization, ARN, VPC, endpoint, address narrower than the "
        "internet, or an identity provider's subject."
    )


class AwsPolicyPrincipal(Child, title="A principal of a statement"):
    statement: int | None = column("Ordinal of the statement.")
    negated: bool | None = column("Written under NotPrincipal.")
    principal_kind: str | None = column("everyone, account, aws, service, federated or canonical.")
    principal: str | None = column("ARN, account id, service or provider; * for everyone.")
    principal_account: str | None = column("Account of the principal; '' if it has none.")


class AwsPolicyAction(Child, title="An action of a statement"):
    statement: int | None = column("Ordinal of the statement.")
    negated: bool | None = column("Written under NotAction.")
    action: str | None = column("Pattern, in lower case, since actions ignore case: s3:get*.")


class AwsPolicyResource(Child, title="A resource pattern of a statement"):
    statement: int | None = column("Ordinal of the statement.")
    negated: bool | None = column("Written under NotResource.")
    resource: str | None = column("Pattern, as written.")


class AwsPolicyCondition(Child, title="A condition of a statement"):
    statement: int | None = column("Ordinal of the statement.")
    operator: str | None = column("Operator with its modifiers: StringEquals, ForAnyValue:StringLike.")
    condition_key: str | None = column("Key, in lower case, since keys ignore case: aws:sourcevpce.")
    value: str | None = column("One of the values; a row a value.")
