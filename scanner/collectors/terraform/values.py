"""The planned values of one instance as one tree: known values, and marks where a value is unknown or sensitive.

A mark is an object with one key that no provider uses, so that the document of a resource shows what the plan showed:
`{"(known after apply)": [{"type": "aws_vpc", "uid": "plan:aws_vpc.main"}]}`, with what it will refer to where that is
clear, or `{"(sensitive)": "<keyed hash>"}`; the sensitive value itself is kept nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from scanner.collectors.terraform.plan import Instance, Json
from scanner.collectors.terraform.references import References
from scanner.safe.json import canonical

UNKNOWN = "(known after apply)"
SENSITIVE = "(sensitive)"
OUTSIDE = "(declared outside this plan)"
TWICE = "(declared twice)"
_SHORTEST = 6  # characters; shorter values of sensitive variables occur by chance, as in «true» or «prod»


class Tokens(Protocol):
    """Makes keyed hashes: the store's redactor."""

    def token(self, value: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Merger:
    """Merges `after` with its masks. `uid` says the identity of an instance."""

    references: References
    uid: Callable[[Instance], str]
    tokens: Tokens
    secrets: Iterable[str] = ()

    def after(self, instance: Instance) -> dict[str, Json]:
        """The values that will hold, with marks."""
        return self._top(
            self._walk(instance, instance.after, instance.unknown, instance.sensitive, instance.expressions)
        )

    def before(self, instance: Instance) -> dict[str, Json]:
        """The values that hold before the change; all of them are known."""
        return self._top(self._walk(instance, instance.before, None, instance.before_sensitive, None))

    @staticmethod
    def _top(merged: Json) -> dict[str, Json]:
        return merged if isinstance(merged, dict) else {}

    def _walk(self, at: Instance, value: Json, unknown: Json, sensitive: Json, expression: Json) -> Json:
        if unknown is True:
            document = self.references.document(at, expression) if expression is not None else None
            text = policy_text(document.after, document.unknown) if document else None
            return {UNKNOWN: self._targets(at, expression)} if text is None else text
        if value is None and not isinstance(unknown, dict | list):
            return None
        if sensitive is True:
            return {SENSITIVE: self._token(value)}
        if isinstance(value, dict) or (value is None and isinstance(unknown, dict)):
            value = value or {}
            masks = unknown if isinstance(unknown, dict) else {}
            marks = sensitive if isinstance(sensitive, dict) else {}
            names = [*value, *(name for name in masks if name not in value and _any(masks[name]))]
            return {
                str(name): self._walk(
                    at, value.get(name), masks.get(name), marks.get(name), _inner(expression, str(name))
                )
                for name in names
            }
        if isinstance(value, list) or (value is None and isinstance(unknown, list)):
            items = value if isinstance(value, list) else [None] * len(unknown)
            return [
                self._walk(at, item, _element(unknown, n), _element(sensitive, n), expression)
                for n, item in enumerate(items)
            ]
        if isinstance(value, str) and any(secret in value for secret in self.secrets):
            return {SENSITIVE: self._token(value)}  # nonsensitive(var.password) carries no mask
        return value

    def _targets(self, at: Instance, expression: Json) -> list[Json]:
        if expression is None:
            return []
        traced = self.references.trace(at, expression)
        return [{"type": i.type, "uid": self.uid(i)} for i in traced.instances] if traced.complete else []

    def _token(self, value: Json) -> str:
        return self.tokens.token(value if isinstance(value, str) else canonical(value).decode())


def policy_text(after: Json, unknown: Json) -> str | None:
    """The policy that `aws_iam_policy_document` will write, with UNKNOWN for each text in it that is not known yet.

    None where more than such texts is open: other documents that are merged in, or blocks nobody can count.
    """
    given, mask = _object(after), _object(unknown)
    sources = ("source_policy_documents", "override_policy_documents", "source_json", "override_json")
    if any(given.get(name) or mask.get(name) for name in sources) or not isinstance(given.get("statement"), list):
        return None
    masks = mask.get("statement")
    if masks is True:
        return None
    statements = [_statement(one, _element(masks, n)) for n, one in enumerate(given["statement"])]
    if any(one is None for one in statements):
        return None
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)


def _statement(given: Json, mask: Json) -> dict[str, Json] | None:
    if not isinstance(given, dict) or mask is True:
        return None
    marks = _object(mask)
    if any(marks.get(name) is True for name in ("principals", "not_principals", "condition")):
        return None
    effect = UNKNOWN if marks.get("effect") is True else given.get("effect") or "Allow"
    out: dict[str, Json] = {"Effect": effect}
    for name, key in (("actions", "Action"), ("not_actions", "NotAction"), ("resources", "Resource"),
                      ("not_resources", "NotResource")):  # fmt: skip
        if found := _texts(given.get(name), marks.get(name)):
            out[key] = found
    for name, key in (("principals", "Principal"), ("not_principals", "NotPrincipal")):
        by_type: dict[str, list[str]] = {}
        for block, at in _blocks(given.get(name), marks.get(name)):
            kind = UNKNOWN if at.get("type") is True else str(block.get("type"))
            by_type.setdefault(kind, []).extend(_texts(block.get("identifiers"), at.get("identifiers")))
        if by_type:
            out[key] = "*" if by_type == {"*": ["*"]} else by_type
    conditions: dict[str, dict[str, list[str]]] = {}
    for block, at in _blocks(given.get("condition"), marks.get("condition")):
        if at.get("test") is True or at.get("variable") is True:
            return None
        values = _texts(block.get("values"), at.get("values"))
        conditions.setdefault(str(block.get("test")), {}).setdefault(str(block.get("variable")), []).extend(values)
    if conditions:
        out["Condition"] = conditions
    return None if UNKNOWN in (effect, *(out.get("Principal", ()))) else out


def _texts(given: Json, mask: Json) -> list[str]:
    """A list with UNKNOWN for what is not known; a list that is unknown as a whole is one such text."""
    if mask is True:
        return [UNKNOWN]
    items = given if isinstance(given, list) else []
    return [UNKNOWN if _element(mask, n) is True else str(item) for n, item in enumerate(items)]


def _blocks(given: Json, mask: Json) -> Iterator[tuple[dict[str, Json], dict[str, Json]]]:
    for number, block in enumerate(given if isinstance(given, list) else []):
        yield _object(block), _object(_element(mask, number))


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def long_enough(secrets: Iterable[str]) -> tuple[str, ...]:
    """Those values of sensitive variables that can be looked for elsewhere in the plan."""
    return tuple(sorted(secret for secret in secrets if len(secret) >= _SHORTEST))


def _any(mask: Json) -> bool:
    if isinstance(mask, dict):
        return any(_any(item) for item in mask.values())
    return any(_any(item) for item in mask) if isinstance(mask, list) else mask is True


def _element(mask: Json, number: int) -> Json:
    """The mask of one element. One mark on a list holds for all its elements."""
    if isinstance(mask, list):
        return mask[number] if number < len(mask) else None
    return mask if mask is True else None


def _inner(expression: Json, name: str) -> Json:
    """The expression one step further in. Blocks of a set have no order, so theirs are taken together."""
    if isinstance(expression, list):
        return [inner for block in expression if (inner := _inner(block, name)) is not None] or None
    if isinstance(expression, dict):
        if "references" in expression or "constant_value" in expression:
            return expression
        return expression.get(name)
    return None
