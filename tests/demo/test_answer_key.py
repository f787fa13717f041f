"""The demo finds what was planted, all of it, and nothing else."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scanner.collectors.kinds import all_kinds
from scanner.environments import assign, load_config
from scanner.isolation import derive
from scanner.rules import load_rules, run
from scanner.store import Estate, Store
from scanner.tables import Placed, tables
from tests.support import acme

if TYPE_CHECKING:
    from tests.demo.conftest import Scanned

PLANTS = acme.plants()
RULES = load_rules()


def test_the_answer_key_lists_the_plants_that_the_fixtures_mark() -> None:
    assert sorted(acme.comments()) == sorted(PLANTS)


def test_no_violation_is_expected_twice() -> None:
    assert [place for place, times in Counter(acme.expected()).items() if times > 1] == []


def test_every_rule_has_a_violation_in_the_sample() -> None:
    assert {rule for rule, _, _ in acme.expected()} == set(RULES)


@pytest.mark.slow
def test_the_demo_finds_every_plant_and_nothing_else(scanned: Scanned) -> None:
    assert acme.difference(scanned.first, acme.expected()) == {"missing": Counter(), "beyond": Counter()}


@pytest.mark.slow
def test_all_of_the_sample_could_be_read_and_judged(scanned: Scanned) -> None:
    assert scanned.first["gaps"] == []
    assert [f for f in scanned.first["findings"] if f["status"] == "unknown"] == []


@pytest.fixture(scope="module")
def estate(scanned: Scanned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first snapshot as it was judged: typed tables, environments and what is derived, in a file to be copied."""
    path = tmp_path_factory.mktemp("judged") / "estate.db"
    with Store.open(scanned.folder / "tierwall.db") as store:
        judged = store.project(store.snapshot(1), all_kinds(), path)
    with judged:
        assign(judged, load_config(scanned.folder / "tierwall.yaml"))
        derive(judged)
        judged.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("plant", [plant for plant, places in PLANTS.items() if places])
def test_a_plant_that_is_taken_away_takes_its_findings_along_and_no_others(
    scanned: Scanned, estate: Path, plant: str, tmp_path: Path
) -> None:
    """The sample is judged again without what was planted, so that nothing else can stand in for it.

    A rule that compares resources may say less of others too, since what it compared them with is gone.
    """
    named = sorted({rule for rule, _, _ in PLANTS[plant]})
    found = [f for f in scanned.first["findings"] if f["status"] == "fail" and f["rule"] in named]
    planted = {key(f) for f in found if acme.place(f) in PLANTS[plant]}
    assert len(planted) == len(PLANTS[plant])

    with Estate.open(shutil.copy(estate, tmp_path / "without.db")) as without:
        for name, kind in tables().items():
            if issubclass(kind, Placed):
                marks = ", ".join("?" * len(planted))
                uids = [uid for _, uid, _ in planted]
                without.connection.execute(f"DELETE FROM {name} WHERE uid IN ({marks})", uids)
        as_of = int(datetime.fromisoformat(scanned.first["as_of"]).timestamp())
        verdicts = list(run(without, RULES.only(named).values(), as_of))

    left = {(v.rule, v.uid, v.discriminator) for v in verdicts if v.status == "fail"}
    others = {key(f) for f in found} - planted
    assert left <= others
    assert not [rule for rule, _, _ in others - left if not RULES[rule].compiled.others], "lost without reading it"


def key(finding: acme.Json) -> tuple[str, str, str]:
    return finding["rule"], finding["resource"]["uid"], finding["discriminator"]
