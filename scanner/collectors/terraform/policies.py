"""Policies in plans: JSON texts, read by the same reader that reads what AWS answers."""

from __future__ import annotations

from scanner.collectors.aws import policies
from scanner.collectors.aws.policies import Policy
from scanner.collectors.terraform.reading import NO_ACCOUNT, UNSUPPORTED, Lost, Shape

TABLES = policies.TABLES
_NO_POLICY = Lost(UNSUPPORTED, "is no policy")


def fill_policies(shape: Shape, found: list[Policy | Lost]) -> None:
    """The statements of all policies of a resource. One that is not known leaves a gap, and the others their rows."""
    for policy in found:
        if isinstance(policy, Lost):
            for table in TABLES:
                shape.lost(table, "", policy)
    known = [p for p in found if isinstance(p, Policy)]
    broken = any(isinstance(statements(p.document), Lost) for p in known)
    shape.add(policies.rows(shape.place, known), _NO_POLICY if broken else NO_ACCOUNT)


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
