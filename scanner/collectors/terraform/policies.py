"""Policies in plans: JSON texts, read by the same reader that reads what AWS answers."""

from __future__ import annotations

import json

from scanner.collectors.aws import policies
from scanner.collectors.aws.policies import Policy
from scanner.collectors.terraform.reading import UNSUPPORTED, Lost, Shape

TABLES = policies.TABLES
_UNSURE = Lost(UNSUPPORTED, "is no policy, or the plan does not say which account it is for")


def fill_policies(shape: Shape, found: list[Policy | Lost]) -> None:
    """The statements of all policies of a resource. One that is not known leaves a gap, and the others their rows."""
    for policy in found:
        if isinstance(policy, Lost):
            for table in TABLES:
                shape.lost(table, "", policy)
    shape.add(policies.rows(shape.place, [p for p in found if isinstance(p, Policy)]), _UNSURE)


def policy(kind: str, name: str | Lost, text: str | Lost) -> list[Policy | Lost]:
    """The policy in a list, or the loss; an empty list where the text is empty, which means that there is none."""
    if isinstance(name, Lost):
        return [name]
    if isinstance(text, Lost):
        return [text]
    return [Policy(kind, name, text)] if text else []


def statements(text: str) -> list[policies.Statement] | Lost:
    """The statements of one policy."""
    document = policies.parse(text)
    if not isinstance(document, dict) or "Statement" not in document:
        return Lost(UNSUPPORTED, "is no policy")
    listed = document["Statement"]
    raw = listed if isinstance(listed, list) else [listed]
    if not all(isinstance(item, dict) and item.get("Effect") in ("Allow", "Deny") for item in raw):
        return Lost(UNSUPPORTED, f"has a statement that is none: {json.dumps(raw)[:80]}")
    return [policies.Statement.of(item) for item in raw]
