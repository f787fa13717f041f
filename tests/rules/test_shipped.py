"""Every shipped rule is checked in full, whatever the lock says, and the lock knows every one."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.rules import Lock, check, load_rules, read_rule, rule_files

pytestmark = pytest.mark.slow

FILES = sorted(rule_files())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_rule_is_sound_and_its_examples_hold(path: Path) -> None:
    rule = read_rule(path)
    if not rule.retired:
        check(rule)


def test_the_lock_knows_every_shipped_rule_as_it_is() -> None:
    """Otherwise each scan would check it again: run `tierwall rules lock`."""
    rules = load_rules()

    unlocked = [rule.id for rule in (*rules.values(), *rules.retired.values()) if not Lock.shipped().has(rule)]
    assert unlocked == []


def test_each_rule_lies_in_the_folder_of_its_area() -> None:
    areas = {"isolation", "access", "backup", "encryption", "logging", "configuration", "lifecycle", "availability",
             "provenance"}  # fmt: skip

    assert {path.parent.name for path in FILES} <= areas
