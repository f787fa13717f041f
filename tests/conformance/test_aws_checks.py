"""The verdicts of a peer's public tests, replayed: the same calls build the estate, our own scan judges it.

`aws-checks.yaml` beside this lists what differs, and why ours is right. An entry whose difference is gone fails too.
"""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanner.bundled import bundled
from scanner.environments import Config, assign
from scanner.rules import load_rules, run
from scanner.rules.rule import Rule
from tests.support import aws

CORPUS = Path(os.environ.get("TIERWALL_CORPORA", Path(__file__).parents[3] / "shared" / "corpora")) / "aws-checks.jsonl"
DIFFERENCES = yaml.safe_load(Path(__file__).with_name("aws-checks.yaml").read_text(encoding="utf-8"))
AS_OF = 1_800_000_000
SEED = 42  # of the stand-in's identifiers, which later calls of a case name

pytestmark = pytest.mark.slow


def cases() -> list[dict[str, Any]]:
    if not CORPUS.exists():
        return []
    return [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


CASES = [case for case in cases() if not case["api_patched"] and case["setup"]]


def claims() -> dict[str, list[Rule]]:
    """The rules by the peer's check that they stand for."""
    found: dict[str, list[Rule]] = {}
    for rule in load_rules([bundled("rules")]).values():
        for check in rule.see_also.get("prowler", ()):
            found.setdefault(check, []).append(rule)
    return found


def test_the_corpus_is_there() -> None:
    if not CORPUS.exists():
        pytest.skip("the conformance corpora are absent")
    assert len(CASES) > 50


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["test"].rpartition("::")[2])
def test_verdicts_agree_or_differ_for_a_reason(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = claims()
    judged = [(e["check_id"], ours[e["check_id"]], e["findings"]) for e in case["expect"] if e["check_id"] in ours]
    if not judged:
        assert {e["check_id"] for e in case["expect"]} <= set(DIFFERENCES["not_claimed"])
        return
    regions = tuple(case["provider"].get("regions") or ["us-east-1"])
    build(case, monkeypatch)
    config = estate_config(case["provider"].get("account") or aws.MAIN, regions)
    estate = aws.scan(tmp_path, config)
    assign(estate, config)

    for check, rules, expected in judged:
        found = worst(rules, estate)
        differing = {
            finding["resource_arn"]: (finding["status"], found.get(finding["resource_arn"], "nothing"))
            for finding in expected
            if found.get(finding["resource_arn"], "nothing") != finding["status"].lower()
        }
        listed = DIFFERENCES["differs"].get(case["test"].rpartition("::")[2], {}).get(check, {})
        assert {arn: list(pair) for arn, pair in differing.items()} == listed.get("found", {}), check


def build(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty server, the same identifiers, the case's calls."""
    url = aws.reset()
    aws.environment(monkeypatch, url)
    with urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/seed?a={SEED}", method="POST"), timeout=10):
        for call in case["setup"]:
            client = aws.client(call["service"], call["region"], case["provider"].get("account") or aws.MAIN)
            client._make_api_call(call["op"], call["params"])


def estate_config(account: str, regions: tuple[str, ...]) -> Config:
    """One account, a production environment."""
    return Config.model_validate(
        {
            "sources": {"aws": {"accounts": {"main": {"id": account}}, "regions": list(regions), "max_attempts": 1}},
            "environments": {"production": {"tier": "production", "match": [{"aws": {"accounts": ["main"]}}]}},
        }
    )


def worst(rules: list[Rule], estate: Any) -> dict[str, str]:
    """The worst verdict of each resource."""
    order = ("not_applicable", "pass", "unknown", "fail")
    found: dict[str, str] = {}
    for verdict in run(estate, rules, AS_OF):
        found[verdict.uid] = max(found.get(verdict.uid, "not_applicable"), verdict.status, key=order.index)
    return found


def test_every_listed_difference_names_a_case() -> None:
    if not CORPUS.exists():
        pytest.skip("the conformance corpora are absent")
    names = {case["test"].rpartition("::")[2] for case in CASES}
    assert set(DIFFERENCES["differs"]) <= names
    assert all(d["because"] for of_case in DIFFERENCES["differs"].values() for d in of_case.values())
