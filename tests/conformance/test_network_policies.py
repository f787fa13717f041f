"""Allowed edges of a peer's public tests: the same objects, our own derived table.

`network-policies.yaml` beside this lists what differs, and why ours is right. An entry whose difference is gone fails
too. User-defined networks, network attachments and virtual machines are out of scope.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanner.isolation.kubernetes.ports import difference, union
from tests.kubernetes_network.edges import Said, cut, derived_edges, expected_edges, standing_alone
from tests.kubernetes_network.estates import derived

CORPORA = Path(os.environ.get("TIERWALL_CORPORA", Path(__file__).parents[3] / "shared" / "corpora"))
CORPUS = CORPORA / "network-policies.jsonl"
DIFFERENCES = yaml.safe_load(Path(__file__).with_name("network-policies.yaml").read_text(encoding="utf-8"))
OUT_OF_SCOPE = {"udn", "nad", "vm"}

pytestmark = pytest.mark.slow


def cases() -> list[dict[str, Any]]:
    lines = CORPUS.read_text(encoding="utf-8").splitlines() if CORPUS.exists() else []
    return [case for case in map(json.loads, lines) if not OUT_OF_SCOPE.intersection(case["features"])]


CASES = cases()


def test_the_corpus_is_there() -> None:
    if not CORPUS.exists():
        pytest.skip("the conformance corpora are absent")
    assert len(CASES) > 50


@pytest.mark.needs_corpora
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["test"])
def test_edges_agree_or_differ_for_a_reason(case: dict[str, Any], tmp_path: Path) -> None:
    objects, names = standing_alone(case["inputs"])
    with derived(tmp_path, objects) as estate:
        theirs, ours = cut(expected_edges(case["expected"]), derived_edges(estate, names))

    assert differing(theirs, ours) == sorted(DIFFERENCES["differs"].get(case["test"], {}).get("edges", ()))


def differing(theirs: dict[tuple[str, str], Any], ours: dict[tuple[str, str], Said]) -> list[str]:
    """The edges of which some port is allowed on one side and not on the other, and what ours has there."""
    found = []
    for edge in sorted({*theirs, *ours}):
        allowed, said = theirs.get(edge, ()), ours.get(edge, Said())
        shown = " → ".join(edge)
        if difference(said.allowed, allowed):
            found.append(f"{shown}: allowed")
        if difference(allowed, union(said.allowed, said.unknown)):
            found.append(f"{shown}: denied")
        elif difference(allowed, said.allowed) and not said.why.startswith(tuple(DIFFERENCES["unknown"])):
            found.append(f"{shown}: unknown, {said.why}")
    return found
