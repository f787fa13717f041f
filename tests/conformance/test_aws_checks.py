"""The verdicts of a peer's public tests, replayed: the same calls build the estate, our own scan judges it.

`aws-checks.yaml` beside this says which of our resources a peer's placeholder stands for, which checks no rule of ours
claims, and what differs, with the reason why ours is right. An entry whose difference is gone fails too.
"""

from __future__ import annotations

import json
import os
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanner.bundled import bundled
from scanner.collectors.aws import services
from scanner.collectors.aws.reads import Service
from scanner.environments import Config, assign
from scanner.rules import load_rules, run
from scanner.rules.rule import Rule
from scanner.tables import Resource, tables
from tests.support import aws

CORPUS = Path(os.environ.get("TIERWALL_CORPORA", Path(__file__).parents[3] / "shared" / "corpora")) / "aws-checks.jsonl"
DIFFERENCES = yaml.safe_load(Path(__file__).with_name("aws-checks.yaml").read_text(encoding="utf-8"))
AS_OF = 1_800_000_000
SEED = 42  # of the stand-in's identifiers
IDENTIFIER = re.compile(r"((?:\b[a-z]+-)|(?:loadbalancer/\w+/[\w-]+/))([0-9a-f]{16,17})\b")
WORST = ("not_applicable", "pass", "unknown", "fail")

pytestmark = pytest.mark.slow


def cases() -> list[dict[str, Any]]:
    if not CORPUS.exists():
        return []
    return [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def name_of(case: dict[str, Any]) -> str:
    return str(case["test"].rpartition("::")[2])


CASES = [case for case in cases() if not case["api_patched"] and case["setup"]]


def claims() -> dict[str, list[Rule]]:
    """The rules by the peer's check that they stand for."""
    found: dict[str, list[Rule]] = {}
    for rule in load_rules([bundled("rules")]).values():
        for check in rule.see_also.get("prowler", ()):
            found.setdefault(check, []).append(rule)
    return found


CLAIMS = claims()


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_verdicts_agree_or_differ_for_a_reason(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = [(e["check_id"], CLAIMS[e["check_id"]], e["findings"]) for e in case["expect"] if e["check_id"] in CLAIMS]
    assert {e["check_id"] for e in case["expect"]} <= {*CLAIMS, *DIFFERENCES["not_claimed"]}
    if not judged:
        return
    replay = Replay()
    build(case, replay, monkeypatch)
    read_only_for(monkeypatch, [rule for _, rules, _ in judged for rule in rules])
    config = estate_config(case["provider"].get("account") or aws.MAIN, case["provider"].get("regions"))
    estate = aws.scan(tmp_path, config)
    assign(estate, config)

    for check, rules, findings in judged:
        listed = DIFFERENCES["differs"].get(name_of(case), {}).get(check, {})
        assert differing(replay, findings, worst(rules, estate)) == listed.get("found", {}), check


class Replay:
    """A case names identifiers that the server gave when it was recorded. Now it gives others.

    The first of a kind that a case names is the first of that kind that an answer showed, and so on.
    """

    def __init__(self) -> None:
        self._shown: dict[str, list[str]] = {}
        self._now: dict[str, str] = {}

    def saw(self, answer: Any) -> None:
        for kind, number in IDENTIFIER.findall(json.dumps(answer, default=str)):
            of_kind = self._shown.setdefault(kind, [])
            if number not in of_kind:
                of_kind.append(number)

    def now(self, text: str) -> str:
        """The text with the identifiers of now; those that no answer has shown stay as they are."""
        return IDENTIFIER.sub(lambda found: found[1] + self._number(found[1], found[2]), text)

    def _number(self, kind: str, recorded: str) -> str:
        key = kind + recorded
        if key not in self._now:
            left = [n for n in self._shown.get(kind, ()) if n not in self._now.values()]
            if not left:
                return recorded
            self._now[key] = left[0]
        return self._now[key]

    def uid(self, arn: str, found: dict[str, str]) -> str:
        """The uid of ours that an ARN of a case stands for; the ARN itself where there is none."""
        known = IDENTIFIER.sub(lambda of: of[1] + self._now.get(of[0], of[2]), arn)
        if known in found:
            return known
        for place in DIFFERENCES["places"]:
            if re.fullmatch(place["theirs"], known):
                return re.sub(place["theirs"], place["ours"], known)
        # No call has named it: the only one of its kind there that none has named, else the next that an answer showed.
        stem = IDENTIFIER.sub(r"\1", known)
        left = [u for u in found if IDENTIFIER.sub(r"\1", u) == stem != u and not self._is_named(u)]
        return left[0] if len(left) == 1 else self.now(arn)

    def _is_named(self, uid: str) -> bool:
        return any(number in self._now.values() for _, number in IDENTIFIER.findall(uid))


def differing(replay: Replay, findings: list[dict[str, Any]], found: dict[str, str]) -> dict[str, list[str]]:
    """Theirs and ours where they are not the same, by the first ARN of theirs.

    They may report a resource more than once, for each of its policies or regions: the worst counts, as it does for us.
    What a rule does not apply to is nothing that fails: theirs call it a pass.
    """
    theirs: dict[str, tuple[str, str]] = {}  # by our uid: the ARN, the status
    for finding in findings:
        uid = replay.uid(finding["resource_arn"], found)
        arn, status = theirs.get(uid, (finding["resource_arn"], "PASS"))
        theirs[uid] = (arn, "FAIL" if "FAIL" in (status, finding["status"]) else finding["status"])
    return {
        arn: [status, found.get(uid, "nothing")]
        for uid, (arn, status) in theirs.items()
        if found.get(uid, "nothing") not in ({"pass", "not_applicable"} if status == "PASS" else {status.lower()})
    }


def build(case: dict[str, Any], replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty server and the case's calls."""
    url = aws.reset()
    aws.environment(monkeypatch, url)
    with urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/seed?a={SEED}", method="POST"), timeout=10):
        for call in case["setup"]:
            client = aws.client(call["service"], call["region"], case["provider"].get("account") or aws.MAIN)
            params = json.loads(replay.now(json.dumps(call["params"])))
            replay.saw(client._make_api_call(call["op"], params))


def read_only_for(monkeypatch: pytest.MonkeyPatch, rules: list[Rule]) -> None:
    """Run the collectors that fill what the rules read, and no others: half a second a case instead of five."""
    known = tables()
    wanted = {known[name] for rule in rules for name in rule.compiled.tables if issubclass(known[name], Resource)}

    def chosen(given: tuple[Service, ...]) -> Iterator[Service]:
        return (service for service in given if wanted & set(service.tables))

    for scope in ("GLOBAL", "REGIONAL"):
        kept = tuple(chosen(getattr(services, scope)))
        monkeypatch.setattr(services, scope, kept)
        monkeypatch.setattr(services, f"{scope}_TABLES", tuple(dict.fromkeys(t for s in kept for t in s.tables)))


def estate_config(account: str, regions: list[str] | None) -> Config:
    """One account, a production environment, with the peer's threshold where ours is a setting."""
    return Config.model_validate(
        {
            "sources": {
                "aws": {
                    "accounts": {"main": {"id": account}}, "regions": regions or ["us-east-1"], "max_attempts": 1,
                }
            },
            "environments": {"production": {"tier": "production", "match": [{"aws": {"accounts": ["main"]}}]}},
            "policy": {"production": {"access": {"password_min_length": 14}}},
        }
    )  # fmt: skip


def worst(rules: list[Rule], estate: Any) -> dict[str, str]:
    """The worst verdict of each resource."""
    found: dict[str, str] = {}
    for verdict in run(estate, rules, AS_OF):
        found[verdict.uid] = max(found.get(verdict.uid, "not_applicable"), verdict.status, key=WORST.index)
    return found


def test_the_corpus_is_there() -> None:
    if not CORPUS.exists():
        pytest.skip("the conformance corpora are absent")
    assert len(CASES) > 50


def test_every_listed_difference_names_a_case() -> None:
    if not CORPUS.exists():
        pytest.skip("the conformance corpora are absent")
    expected = {(name_of(case), e["check_id"]) for case in CASES for e in case["expect"]}
    listed = {(name, check): d for name, of_case in DIFFERENCES["differs"].items() for check, d in of_case.items()}
    assert set(listed) <= expected
    assert all(d["because"] and d["found"] for d in listed.values())


def test_what_no_rule_claims_is_in_the_corpus_and_has_a_reason() -> None:
    if not CORPUS.exists():
        pytest.skip("the conformance corpora are absent")
    assert set(DIFFERENCES["not_claimed"]) <= {e["check_id"] for case in CASES for e in case["expect"]} - set(CLAIMS)
    assert all(DIFFERENCES["not_claimed"].values())
