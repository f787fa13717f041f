"""The demo finds what was planted, all of it, and nothing else."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from scanner.bundled import bundled
from scanner.rules import load_rules
from tests.support import acme

if TYPE_CHECKING:
    from tests.demo.conftest import Scanned

PLANTS = acme.plants()


def rules() -> list[str]:
    return sorted(rule.id for rule in load_rules([bundled("rules")]).values())


def test_the_answer_key_lists_the_plants_that_the_fixtures_mark() -> None:
    assert sorted(acme.comments()) == sorted(PLANTS)


def test_no_violation_is_expected_twice() -> None:
    assert [place for place, times in Counter(acme.expected()).items() if times > 1] == []


def test_every_rule_has_a_violation_in_the_sample() -> None:
    assert {rule for rule, _, _ in acme.expected()} == set(rules())


@pytest.mark.slow
def test_the_demo_finds_every_plant_and_nothing_else(scanned: Scanned) -> None:
    assert acme.difference(scanned.first, acme.expected()) == {"missing": Counter(), "beyond": Counter()}


@pytest.mark.slow
def test_all_of_the_sample_could_be_read_and_judged(scanned: Scanned) -> None:
    assert scanned.first["gaps"] == []
    assert [f for f in scanned.first["findings"] if f["status"] == "unknown"] == []


@pytest.mark.slow
@pytest.mark.parametrize("rule", rules())
def test_without_a_rule_its_findings_are_missing(scanned: Scanned, rule: str) -> None:
    less = {"findings": [f for f in scanned.first["findings"] if f["rule"] != rule]}

    missing = Counter(place for place in acme.expected() if place[0] == rule)
    assert acme.difference(less, acme.expected()) == {"missing": missing, "beyond": Counter()}


@pytest.mark.slow
@pytest.mark.parametrize("plant", [plant for plant, places in PLANTS.items() if places])
def test_without_a_plant_the_key_is_broken(scanned: Scanned, plant: str) -> None:
    """Each entry is matched by one finding, so that no other plant can stand in for it."""
    found = Counter(acme.failed(scanned.first))

    assert {place: found[place] for place in PLANTS[plant]} == dict.fromkeys(PLANTS[plant], 1)
