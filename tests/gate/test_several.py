"""Several plans and manifests at once: each is judged, and none hides another."""

from __future__ import annotations

import io
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.gate.test_gate import FAILS, OPEN, group
from tests.support.gate import judged, statuses, written
from tests.support.terraform import change, made

PUBLIC = "aws-s3-bucket-not-public"
BLOCKED = "aws-s3-bucket-public-access-blocked"


@pytest.mark.parametrize("order", list(itertools.permutations(["closed.json", "open.json", "wide.json"])))
def test_plans_of_the_same_code_are_judged_one_by_one(order: tuple[str, ...], tmp_path: Path) -> None:
    cidrs = {"closed.json": ["10.0.0.0/8"], "open.json": ["0.0.0.0/0"], "wide.json": ["0.0.0.0/1", "128.0.0.0/1"]}
    paths = [written(group(*cidrs[name]), tmp_path, name) for name in order]

    outcome = judged(paths, OPEN)

    found = {Path(f.resource.file).name: f.status for f in (*outcome.result.findings, *outcome.result.passed)}
    assert (outcome.exit_code, found) == (1, {"closed.json": "pass", "open.json": "fail", "wide.json": "fail"})


def bucket(*satellites: Any) -> Any:
    return made(change("aws_s3_bucket.b", {"bucket": "b", "tags_all": {}, "force_destroy": False}), *satellites)


def block(name: str, on: bool) -> Any:
    switches = ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets")
    return change(f"aws_s3_bucket_public_access_block.{name}", {"bucket": "b", **dict.fromkeys(switches, on)})


def policy(name: str, principal: Any) -> Any:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return change(f"aws_s3_bucket_policy.{name}", {"bucket": "b", "policy": text})


def test_of_two_policies_of_one_bucket_nobody_knows_which_holds() -> None:
    friends = {"AWS": "111111111111"}
    two = bucket(block("p", on=False), policy("a", friends), policy("z", "*"))

    assert statuses(bucket(block("p", on=False), policy("z", "*")), PUBLIC)[PUBLIC, "aws_s3_bucket.b"] == "fail"
    assert statuses(two, PUBLIC)[PUBLIC, "aws_s3_bucket.b"] == "unknown"


def test_of_two_public_access_blocks_nobody_knows_which_holds() -> None:
    assert statuses(bucket(block("a", on=True)), BLOCKED)[BLOCKED, "aws_s3_bucket.b"] == "pass"
    assert statuses(bucket(block("a", on=True), block("z", on=False)), BLOCKED)[BLOCKED, "aws_s3_bucket.b"] == "unknown"


def test_two_plans_that_say_different_things_of_one_resource_leave_it_unknown(tmp_path: Path) -> None:
    """Both change the bucket that exists: whichever is applied last holds."""
    arn = "arn:aws:s3:::b"

    def existing(*satellites: Any) -> Any:
        values = {"bucket": "b", "arn": arn, "id": "b", "tags_all": {}, "force_destroy": False}
        return made(change("aws_s3_bucket.b", values, before=values, actions=["update"]), *satellites)

    paths = [
        written(existing(block("x", on=on)), tmp_path, f"{name}.json") for name, on in (("off", False), ("on", True))
    ]
    for order in (paths, paths[::-1]):
        outcome = judged(order, BLOCKED)
        (finding,) = outcome.result.findings
        assert (outcome.exit_code, finding.resource.uid, finding.status) == (3, arn, "unknown")


def test_a_plan_whose_keys_were_sorted_is_still_a_plan(tmp_path: Path) -> None:
    padded = FAILS | {"aaa": "x" * 10_000}
    (tmp_path / "plan.json").write_text(json.dumps(padded, sort_keys=True))

    assert judged([tmp_path], OPEN).exit_code == 1


@pytest.mark.parametrize("form", ["plan", "manifest"])
def test_standard_input_is_a_plan_or_manifests(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}], hostNetwork: true}\n"
    )
    data = json.dumps(FAILS) if form == "plan" else pod
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.encode())))

    outcome = judged([Path("-")], OPEN, "kubernetes-workload-no-host-network")

    assert [f.status for f in outcome.result.findings] == ["fail"]
