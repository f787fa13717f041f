"""Examples are small estates of a rule's own, judged by the engine as any estate is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scanner.errors import RuleError
from scanner.rules import check, read_rule, try_examples
from tests.support.rules import rule

DATA = Path(__file__).with_name("data")


@pytest.mark.parametrize("path", sorted(DATA.iterdir()), ids=lambda path: path.stem)
def test_a_rule_is_checked_by_its_examples_and_the_lint(path: Path) -> None:
    check(read_rule(path))


def example(expect: str, **row: Any) -> dict[str, Any]:
    return {"name": f"expects {expect}", "row": row, "expect": expect}


ALL = [
    example("pass", multi_az=1, storage_encrypted=1), example("fail", multi_az=1, storage_encrypted=0),
    example("unknown"), example("not_applicable", multi_az=0),
]  # fmt: skip


@pytest.mark.parametrize("left_out", ["pass", "fail", "unknown", "not_applicable"])
def test_an_answer_without_an_example_is_refused(left_out: str) -> None:
    examples = [one for one in ALL if one["expect"] != left_out]

    with pytest.raises(RuleError, match=f"no example gives {left_out}$"):
        check(rule(when="multi_az", require="storage_encrypted", examples=examples))


def test_a_wrong_expectation_is_said_with_the_examples_name() -> None:
    with pytest.raises(RuleError, match="example «expects pass» is fail, not pass"):
        check(rule(require="storage_encrypted", examples=[example("pass", storage_encrypted=0)]))


def test_what_examples_come_out_as_is_shown_with_its_message() -> None:
    of = rule(
        require="storage_encrypted", message="{engine}", examples=[example("pass", storage_encrypted=0, engine="x")]
    )

    (outcome,) = try_examples(of)

    assert (outcome.as_expected, outcome.found, outcome.verdicts[0].message) == (False, "fail", "x")


def test_an_example_that_is_no_estate_is_refused() -> None:
    twice = {"name": "twice", "expect": "pass", "tables": {"aws_s3_bucket": [{"uid": "a"}, {"uid": "a"}]}}

    with pytest.raises(RuleError, match="example «twice»: UNIQUE constraint failed"):
        check(rule(any={"of": "aws_s3_bucket", "where": "mfa_delete"}, examples=[twice]))
