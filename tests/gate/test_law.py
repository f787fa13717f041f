"""The law of the gate: knowing less never turns a failure into a pass."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.gate import statuses
from tests.support.terraform import plan

Leaf = tuple[int, tuple[str | int, ...]]  # which change, and the path into its `after`
_KINDS = ("aws_security_group", "aws_vpc_security_group", "aws_s3", "aws_db", "aws_ebs", "aws_kms", "aws_backup",
          "aws_cloudtrail", "aws_iam_role", "aws_vpc", "aws_subnet", "aws_instance")  # fmt: skip


@functools.cache
def base() -> dict[str, Any]:
    """A real plan, without what no rule looks at here."""
    data: dict[str, Any] = plan("everything")
    data["resource_changes"] = [
        c for c in data["resource_changes"] if c["type"].startswith(_KINDS) and "green" not in c["address"]
    ]
    return data


@functools.cache
def before() -> dict[tuple[str, str], str]:
    return statuses(base())


def leaves() -> list[Leaf]:
    """Every value that the plan knows."""
    found: list[Leaf] = []
    for number, entry in enumerate(base()["resource_changes"]):
        found += [(number, path) for path in _paths(entry["change"]["after"])]
    return found


def _paths(value: Any) -> Iterator[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (key,)
        yield from ((key, *rest) for rest in _paths(item))


def unknown(data: dict[str, Any], leaf: Leaf) -> None:
    """Move a leaf into `after_unknown`, and let the configuration give it by something that is not in the plan."""
    number, path = leaf
    entry = data["resource_changes"][number]
    value, mask = entry["change"]["after"], entry["change"]["after_unknown"]
    for step in path[:-1]:
        if not isinstance(value, dict | list) or (isinstance(value, list) and step >= len(value)):
            return
        value = value.get(step) if isinstance(value, dict) else value[step]
        mask = _mask(mask, step)
    last = path[-1]
    if isinstance(value, dict):
        value.pop(last, None)
        mask[last] = True
    elif isinstance(value, list) and isinstance(last, int) and last < len(value):
        value[last] = None
        _mask(mask, last)
        mask[last] = True
    for block in _blocks(data["configuration"]["root_module"], entry["type"], entry["name"]):
        block.setdefault("expressions", {})[path[0]] = {"references": ["local.hidden"]}


def _mask(mask: Any, step: str | int) -> Any:
    """The mask one step further in, made where it is not there."""
    if isinstance(mask, list):
        mask += [{} for _ in range(int(step) + 1 - len(mask))]
        if not isinstance(mask[int(step)], dict | list):
            mask[int(step)] = {}
        return mask[int(step)]
    if not isinstance(mask.get(step), dict | list):
        mask[step] = {}
    return mask[step]


def _blocks(module: Any, kind: str, name: str) -> Iterator[dict[str, Any]]:
    yield from (r for r in module.get("resources", []) if (r["type"], r["name"]) == (kind, name))
    for call in module.get("module_calls", {}).values():
        yield from _blocks(call["module"], kind, name)


def all_leaves_of(address: str) -> list[Leaf]:
    return [leaf for leaf in leaves() if base()["resource_changes"][leaf[0]]["address"] == address]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(leaves()), min_size=1, max_size=4))
@example(all_leaves_of("aws_security_group.web"))
@example(all_leaves_of("aws_s3_bucket_public_access_block.logs"))
@example(all_leaves_of("aws_vpc_security_group_ingress_rule.db_open"))
@example(all_leaves_of("aws_db_instance.main"))
@example(all_leaves_of('aws_s3_bucket.this["logs"]'))
def test_knowing_less_never_turns_a_failure_into_a_pass(hidden: list[Leaf]) -> None:
    data = copy.deepcopy(base())
    for leaf in hidden:
        unknown(data, leaf)

    after = statuses(data)

    worse = {key: after.get(key) for key, status in before().items() if status == "fail" and after.get(key) == "pass"}
    assert worse == {}
    lost = {key for key, status in before().items() if status == "fail" and key not in after}
    # A failure may only disappear behind the one unknown that stands for its table in this plan.
    scoped = {rule for (rule, uid), status in after.items() if uid.startswith("scope:") and status == "unknown"}
    assert {rule for rule, _ in lost} <= scoped


def test_the_law_has_something_to_hold_for() -> None:
    assert sum(status == "fail" for status in before().values()) > 10
    assert len(leaves()) > 300
