"""Policies in plans: JSON texts, read by the same reader that reads what AWS answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from scanner.collectors.aws import policies
from scanner.collectors.aws.policies import Policy
from scanner.collectors.terraform.reading import AFTER_APPLY, NO_ACCOUNT, UNSUPPORTED, Lost, Shape
from scanner.collectors.terraform.values import UNKNOWN
from scanner.tables.aws_policy import AwsPolicyPrincipal

TABLES = policies.TABLES
T = TypeVar("T")
_NO_POLICY = Lost(UNSUPPORTED, "is no policy")
_LATER = Lost(AFTER_APPLY, "a part of the policy is known after apply")
# What a text that is known after apply may turn out to be. What holds for all of these does not depend on it.
_CANDIDATES = ("*", "q7-z9", "arn:aws:iam::000000000007:root", "0.0.0.0/0")


def fill_policies(shape: Shape, found: list[Policy | Lost]) -> None:
    """The statements of all policies of a resource. One that is not known leaves a gap, and the others their rows."""
    for policy in found:
        if isinstance(policy, Lost):
            for table in TABLES:
                shape.lost(table, "", policy)
    known = [p for p in found if isinstance(p, Policy)]
    broken = any(isinstance(statements(p.document), Lost) for p in known)
    rows = list(policies.rows(shape.place, known))
    if not any(UNKNOWN in str(p.document) for p in known):
        shape.add(rows, _NO_POLICY if broken else NO_ACCOUNT)
        return
    account = shape.document.account
    others = [
        [
            row
            for row in policies.rows(shape.place, [_with(p, text) for p in known])
            if isinstance(row, policies.STATEMENT)
        ]
        for text in (*_CANDIDATES, f"arn:aws:iam::{account}:root")
    ]
    mine = [row for row in rows if isinstance(row, policies.STATEMENT)]
    for row, *alternatives in zip(mine, *others, strict=True):
        for name in row.columns():
            if any(getattr(other, name) != getattr(alternatives[0], name) for other in alternatives):
                setattr(row, name, None)
            else:
                setattr(row, name, getattr(alternatives[0], name))
    for row in rows:
        if isinstance(row, AwsPolicyPrincipal) and row.principal == UNKNOWN:
            row.principal_account = None
            row.principal_kind = None if row.principal_kind == "aws" else row.principal_kind
        for name, value in zip(row.columns(), row.values(), strict=True):
            if value == UNKNOWN:
                setattr(row, name, None)
    shape.add(rows, _LATER)


def _with(policy: Policy, text: str) -> Policy:
    """The policy with a text in place of each that is not known."""
    return Policy(policy.kind, policy.name, str(policy.document).replace(UNKNOWN, text))


def judged(text: str | Lost, use: Callable[[list[policies.Statement]], T]) -> T | Lost:
    """What is asked of the statements of a policy, '' for none, unless the answer depends on what comes later."""
    if isinstance(text, Lost):
        return text
    answers = []
    for candidate in _CANDIDATES if UNKNOWN in text else ("",):
        found = statements(text.replace(UNKNOWN, candidate)) if text else []
        if isinstance(found, Lost):
            return found
        answers.append(use(found))
    return answers[0] if all(answer == answers[0] for answer in answers) else _LATER


def policy(kind: str, name: str | Lost, text: str | Lost) -> list[Policy | Lost]:
    """The policy in a list, or the loss; an empty list where the text is empty, which means that there is none."""
    if isinstance(name, Lost):
        return [name]
    if isinstance(text, Lost):
        return [text]
    return [Policy(kind, name, text)] if text else []


def statements(text: str) -> list[policies.Statement] | Lost:
    """The statements of one policy."""
    found = policies.statements(text)
    return _NO_POLICY if found is None else found
