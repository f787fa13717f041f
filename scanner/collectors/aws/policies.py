"""IAM policy documents as rows: the one reading of statements, principals, actions, resources and conditions.

The grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html. `Statement` may be one
object; `Action`, `Resource` and `Principal` may be a string or a list; each has a `Not` form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from scanner.collectors.aws.arns import account_of
from scanner.collectors.aws.cidr import is_public
from scanner.errors import InputError
from scanner.safe import json
from scanner.tables import Child, Json, numbered
from scanner.tables.aws_policy import (
    AwsPolicyAction,
    AwsPolicyCondition,
    AwsPolicyPrincipal,
    AwsPolicyResource,
    AwsPolicyStatement,
)

TABLES: tuple[type[Child], ...] = (
    AwsPolicyStatement, AwsPolicyPrincipal, AwsPolicyAction, AwsPolicyResource, AwsPolicyCondition,
)  # fmt: skip

STATEMENT = AwsPolicyStatement
_ACCOUNT_KEYS = {
    "aws:principalaccount", "aws:sourceaccount", "aws:sourceowner", "kms:calleraccount", "s3:dataaccesspointaccount",
}  # fmt: skip
_ARN_KEYS = {"aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn"}
# What must be written out for a value to name somebody, or somewhere: up to a slash in paths, up to a colon in ids.
_LITERAL = {
    "aws:principalorgid": "", "aws:sourceorgid": "", "aws:sourcevpc": "", "aws:sourcevpce": "",
    "aws:principalorgpaths": "/", "aws:sourceorgpaths": "/", "aws:userid": ":",
}  # fmt: skip
_ADDRESS_KEYS = {"aws:sourceip", "aws:vpcsourceip"}
# Identity providers that anyone may have an identity of; a cluster's or a company's own is not one.
_SHARED_PROVIDERS = (
    "accounts.google.com", "app.terraform.io", "cognito-identity.amazonaws.com", "gitlab.com", "graph.facebook.com",
    "token.actions.githubusercontent.com", "www.amazon.com",
)  # fmt: skip
# Keys of conditions that say which resources are meant: what is allowed under them is less than everything.
_RESOURCE_KEYS = re.compile(r"aws:(resource(tag/.*|account|org.*)|requesttag/.*)|(?!aws:|sts:|saml:)[a-z0-9-]+:.*")
# What a pattern that stands for everything matches. Nothing has these names, so a list of some cannot match them all.
_ANY_ACTION = ("iam:putuserpolicy", "s3:getobject", "z9:z9")
_ANY_RESOURCE = ("arn:aws:s3:::q7-z9", "arn:aws:iam::000000000007:user/q7-z9", "arn:aws:z9:z9:000000000007:q7/z9")
_ANY_OBJECT = ("q7-z9", "z9/q7.z9")
_READING = ("get", "list", "describe", "head")
_POSITIVE = {"stringequals", "stringlike", "stringequalsignorecase", "arnequals", "arnlike", "ipaddress", "bool"}
_WILD = re.compile(r"[*?]")


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy of a resource. `document` is what the API gave: an object, or text that should hold one."""

    kind: str  # identity, trust, resource
    name: str
    document: Json


def parse(document: Json) -> Json:
    """A policy's text as an object; text that is no JSON object stays as it is."""
    if not isinstance(document, str):
        return document
    for text in (document, unquote(document)):
        try:
            parsed = json.load(text, "policy")
        except InputError:
            continue
        if isinstance(parsed, dict):
            return parsed
    return document


def rows(place: Mapping[str, Any], policies: Iterable[Policy]) -> Iterator[Child]:
    """All rows of all policies of one resource. A policy that cannot be read is one statement of NULLs."""
    account = place["account"] or ""
    children: list[Child] = []
    number = 0
    for policy in sorted(policies, key=lambda p: (p.kind, p.name)):
        for statement in _statements(policy.document):
            yield _statement(place, number, policy, statement, account)
            children += _children(place, number, statement)
            number += 1
    for table in TABLES[1:]:
        yield from numbered(c for c in children if type(c) is table)


def statements(document: Json) -> list[Statement] | None:
    """The statements of a policy; None for text that is no policy."""
    raw = _statements(document)
    if not all(isinstance(s, dict) and s.get("Effect") in ("Allow", "Deny") for s in raw):
        return None
    return [Statement.of(s) for s in raw]


def _statements(document: Json) -> list[Json]:
    """The statements; [None] for what is no policy."""
    document = parse(document)
    if not isinstance(document, dict) or "Statement" not in document:
        return [None]
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _statement(place: Mapping[str, Any], number: int, policy: Policy, raw: Json, account: str) -> AwsPolicyStatement:
    row = AwsPolicyStatement(**place, ordinal=number, policy_kind=policy.kind, policy_name=policy.name)
    if not isinstance(raw, dict) or raw.get("Effect") not in ("Allow", "Deny"):
        return row
    s = Statement.of(raw)
    row.sid = str(raw.get("Sid", ""))
    row.allows = s.allows
    row.has_conditions = bool(s.conditions)
    row.is_scoped = s.is_scoped
    row.allows_everyone = s.allows and s.admits_anyone and not s.is_scoped
    row.allows_other_account = s.reaches_beyond(account)
    row.only_reads = s.only_reads
    row.is_admin = s.is_admin
    row.requires_tls = s.requires_tls
    row.requires_mfa = s.requires_mfa
    row.requires_external_id = s.requires_external_id
    return row


def _children(place: Mapping[str, Any], number: int, raw: Json) -> Iterator[Child]:
    if not isinstance(raw, dict):
        return
    s = Statement.of(raw)
    for p in s.principals:
        yield AwsPolicyPrincipal(
            **place, statement=number, negated=s.principals_negated, principal_kind=p.kind, principal=p.name,
            principal_account=p.account,
        )  # fmt: skip
    for action in s.actions:
        yield AwsPolicyAction(**place, statement=number, negated=s.actions_negated, action=action)
    for resource in s.resources:
        yield AwsPolicyResource(**place, statement=number, negated=s.resources_negated, resource=resource)
    for c in s.conditions:
        for value in c.values:
            yield AwsPolicyCondition(
                **place, statement=number, operator=c.operator, condition_key=c.key, value=value
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Principal:
    kind: str
    name: str
    account: str

    @classmethod
    def of(cls, kind: str, name: str) -> Principal:
        """A principal as it is written, under AWS, Service, Federated, CanonicalUser or alone."""
        if kind == "*" or name == "*":
            return cls("everyone", "*", "")
        if kind == "AWS" and re.fullmatch("[0-9]{12}", name):
            return cls("account", name, name)
        if kind == "AWS" and name.endswith(":root") and account_of(name):
            return cls("account", name, account_of(name))
        if kind == "AWS" and ":iam::cloudfront:" in name:  # the identity of a CloudFront distribution
            return cls("service", name, "")
        kinds = {"AWS": "aws", "Service": "service", "Federated": "federated", "CanonicalUser": "canonical"}
        return cls(kinds.get(kind, kind.lower()), name, account_of(name))

    @property
    def is_open(self) -> bool:
        """Anyone may be, or become, such a principal."""
        provider = self.name.rpartition("oidc-provider/")[2]
        return self.kind == "everyone" or (self.kind == "federated" and provider.startswith(_SHARED_PROVIDERS))


@dataclass(frozen=True, slots=True)
class Condition:
    operator: str
    key: str
    values: tuple[str, ...]

    @property
    def base(self) -> str:
        """The operator without ForAnyValue: and IfExists, in lower case."""
        return self.operator.lower().removeprefix("foranyvalue:").removeprefix("forallvalues:").removesuffix("ifexists")

    @property
    def demands_key(self) -> bool:
        """A request without the key does not meet it: neither IfExists nor ForAllValues, which an absent key meets."""
        name = self.operator.lower()
        return not name.endswith("ifexists") and not name.startswith("forallvalues:")

    def is_bool(self, key: str, value: str) -> bool:
        return self.base == "bool" and self.key == key and self.values == (value,)

    @property
    def is_scoping(self) -> bool:
        """It admits only callers that it names, or places that it names. One wide value is enough to open it."""
        if self.base not in _POSITIVE or not self.demands_key or not self.values:
            return False
        if self.key == "aws:principalisawsservice":
            return self.values == ("true",)
        return all(self._is_narrow(v) for v in self.values)

    def _is_narrow(self, value: str) -> bool:
        if self.key in _ADDRESS_KEYS:
            return self.base == "ipaddress" and is_public(value) is False
        if self.key in _ARN_KEYS:
            return _is_narrow_arn(value)
        if self.key in _ACCOUNT_KEYS:
            return re.fullmatch("[0-9]{12}", value) is not None
        if self.key in _LITERAL:
            end = _LITERAL[self.key]
            return _is_written_out(value.partition(end)[0] if end else value)
        if self.key.endswith(":sub"):
            return _is_narrow_subject(value)
        # The audience is the application that a person signed in to; sts.amazonaws.com is every application's.
        return self.key.endswith(":aud") and _is_written_out(value) and value != "sts.amazonaws.com"


def _is_written_out(value: str) -> bool:
    return bool(value) and not _WILD.search(value)


def _is_narrow_subject(value: str) -> bool:
    """Names whose identities are meant: the whole subject, or its owner, as in `repo:acme/*` and `org:acme:*`."""
    if _is_written_out(value):
        return True
    before = _WILD.split(value, maxsplit=1)[0]
    return re.match("[^:]+:[^:/]+[:/]", before) is not None


def _is_narrow_arn(value: str) -> bool:
    """Names an account, or a thing of a service whose ARNs have none, such as a bucket."""
    fields = value.split(":", 5)
    if len(fields) < 6:
        return False
    account, resource = fields[4], fields[5]
    return bool(re.fullmatch("[0-9]{12}", account)) or (not account and _is_written_out(resource.partition("/")[0]))


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with every form of writing it made one."""

    allows: bool
    principals: tuple[Principal, ...]
    principals_negated: bool
    actions: tuple[str, ...]
    actions_negated: bool
    resources: tuple[str, ...]
    resources_negated: bool
    conditions: tuple[Condition, ...]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Statement:
        return cls(
            allows=raw.get("Effect") == "Allow",
            principals=tuple(_principals(raw.get("Principal", raw.get("NotPrincipal")))),
            principals_negated="Principal" not in raw and "NotPrincipal" in raw,
            actions=tuple(sorted({a.lower() for a in _texts(raw.get("Action", raw.get("NotAction")))})),
            actions_negated="Action" not in raw and "NotAction" in raw,
            resources=tuple(sorted(set(_texts(raw.get("Resource", raw.get("NotResource")))))),
            resources_negated="Resource" not in raw and "NotResource" in raw,
            conditions=tuple(_conditions(raw.get("Condition"))),
        )

    @property
    def names_everyone(self) -> bool:
        """Any principal whatsoever, or all but the named."""
        return self.principals_negated or any(p.kind == "everyone" for p in self.principals)

    @property
    def admits_anyone(self) -> bool:
        """Everyone, or whoever has an identity that is to be had for the asking."""
        return self.names_everyone or any(p.is_open for p in self.principals)

    @property
    def is_scoped(self) -> bool:
        return any(c.is_scoping for c in self.conditions)

    def reaches_beyond(self, account: str) -> bool | None:
        """Whether it allows principals that are not of the account. None where the account is not known."""
        if not self.allows or not (self.principals or self.principals_negated):
            return False
        named = {p.account for p in self.principals if p.account}
        if not self.names_everyone and not named and not any(p.kind == "canonical" for p in self.principals):
            return False
        if not account:
            return True if self.names_everyone and not self.is_scoped else None
        if any(c.is_scoping and c.key in _ACCOUNT_KEYS and set(c.values) == {account} for c in self.conditions):
            return False
        if self.names_everyone or any(p.kind == "canonical" for p in self.principals):
            return True
        return named != {account}

    @property
    def only_reads(self) -> bool:
        """Every action begins with a verb that reads; a pattern that is open before its verb's end may be any."""
        verbs = (a.partition(":")[2] for a in self.actions)
        return bool(self.actions) and not self.actions_negated and all(v.startswith(_READING) for v in verbs)

    @property
    def is_admin(self) -> bool:
        """All actions on all resources, whatever the request must be like. All actions but some is as much, unless
        IAM is among those left out."""
        if not self.allows or any(_RESOURCE_KEYS.fullmatch(c.key) for c in self.conditions):
            return False
        if self.actions_negated:
            every_action = not any(matches(a, _ANY_ACTION[0]) for a in self.actions)
        else:
            every_action = any(_stands_for_all(a, _ANY_ACTION) for a in self.actions)
        return every_action and (
            self.resources_negated or any(_stands_for_all(r, _ANY_RESOURCE) for r in self.resources)
        )

    @property
    def requires_tls(self) -> bool:
        """Denies everyone whatever comes without TLS, with no other condition that would let some through."""
        return (
            not self.allows
            and self.names_everyone
            and not self.principals_negated
            and not self.actions_negated
            and any(_stands_for_all(a.partition(":")[2] or a, ("getobject", "z9")) for a in self.actions)
            and len(self.conditions) == 1
            and self.conditions[0].is_bool("aws:securetransport", "false")
        )

    @property
    def requires_mfa(self) -> bool:
        """Allows only with MFA, or denies without. Deny needs IfExists: access keys send no such key at all."""
        for c in self.conditions:
            if self.allows and c.demands_key and c.is_bool("aws:multifactorauthpresent", "true"):
                return True
            if self.allows and c.demands_key and c.key == "aws:multifactorauthage" and c.base.startswith("numericless"):
                return True
            if not self.allows and not c.demands_key and c.is_bool("aws:multifactorauthpresent", "false"):
                return True
        return False

    @property
    def requires_external_id(self) -> bool:
        """Allows only whoever knows an external id."""
        return any(
            c.key == "sts:externalid" and c.base == "stringequals" and c.demands_key and all(c.values)
            for c in self.conditions
        )

    def covers(self, *resources: str) -> bool:
        """Whether the resource patterns match each of these."""
        return not self.resources_negated and all(any(matches(p, r) for p in self.resources) for r in resources)


def require_tls(found: Iterable[Statement], bucket: str) -> bool:
    """Together the denials of plain HTTP cover the bucket, whose ARN is given, and all of its objects."""
    denials = [s for s in found if s.requires_tls]
    wanted = (bucket, *(f"{bucket}/{name}" for name in _ANY_OBJECT))
    return all(any(s.covers(resource) for s in denials) for resource in wanted)


def _stands_for_all(pattern: str, probes: Iterable[str]) -> bool:
    return all(matches(pattern, probe) for probe in probes)


def matches(pattern: str, text: str) -> bool:
    """IAM's glob: `*` any run, `?` any one character. Linear in the text for each `*`, never exponential."""
    star, mark, i, j = -1, 0, 0, 0
    while i < len(text):
        if j < len(pattern) and pattern[j] == "*":
            star, mark, j = j, i, j + 1
        elif j < len(pattern) and pattern[j] in ("?", text[i]):
            i, j = i + 1, j + 1
        elif star >= 0:
            mark += 1
            i, j = mark, star + 1
        else:
            return False
    return all(c == "*" for c in pattern[j:])


def _texts(value: Json) -> list[str]:
    return [] if value is None else [str(v) for v in value] if isinstance(value, list) else [str(value)]


def _principals(value: Json) -> list[Principal]:
    if isinstance(value, dict):
        return sorted(
            {Principal.of(kind, name) for kind, names in value.items() for name in _texts(names)},
            key=lambda p: (p.kind, p.name),
        )
    return [Principal.of("AWS", name) for name in _texts(value)]


def _conditions(value: Json) -> Iterator[Condition]:
    if not isinstance(value, dict):
        return
    for operator, tests in sorted(value.items()):
        for key, values in sorted(tests.items()) if isinstance(tests, dict) else ():
            texts = [_text(v) for v in values] if isinstance(values, list) else [_text(values)]
            yield Condition(operator, key.lower(), tuple(sorted(texts)))


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
