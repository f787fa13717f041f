"""Public cases of controls: the rules that claim a control find the objects to fail that its cases name."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from scanner.environments import Config
from tests.support.conformance import CONTROLS, cases, found_failing, shipped

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CONTROLS.is_file(), reason="the conformance corpora are absent"),
]
KNOWN = yaml.safe_load((Path(__file__).parent / "kubernetes-controls.yaml").read_text(encoding="utf-8"))


def test_rules_agree_with_the_public_cases_of_the_controls_they_claim(tmp_path: Path) -> None:
    """Every disagreement is listed with the reason why ours is right, and nothing else is listed."""
    claimed = shipped()
    total: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    differing = {}
    for case in cases():
        mine = [control for control in case.controls if control in claimed]
        if not mine:
            continue
        found = found_failing(case, claimed, tmp_path, Config())
        total.update(mine)
        if found == case.failing:
            agreed.update(mine)
        else:
            differing[case.id] = {"beyond": found - case.failing, "missing": case.failing - found}

    sys.stdout.write(table(total, agreed))
    assert {case: found for case, found in differing.items() if case not in KNOWN} == {}
    assert sorted(differing) == sorted(KNOWN)


def test_rules_claim_most_of_the_controls_that_have_cases() -> None:
    every = {control for case in cases() for control in case.controls}

    assert len(every & shipped().keys()) >= 90


def table(total: Counter[str], agreed: Counter[str]) -> str:
    """The coverage, a line a control that is claimed."""
    lines = [f"{control}  {agreed[control]:3} of {total[control]:3}" for control in sorted(total)]
    share = sum(agreed.values()) / sum(total.values())
    return "\n".join([*lines, f"{len(total)} controls claimed; {share:.1%} of their cases agree"])
