"""Public test cases for controls, put through manifests, tables and rules as a user's files are."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from scanner.collectors.manifests import collect_manifests
from scanner.environments import Config, assign, infer
from scanner.isolation import derive
from scanner.rules import Rule, load_rules, run
from scanner.store import Stage
from tests.support.kubernetes import REDACTOR, kinds

CORPORA = Path(os.environ.get("TIERWALL_CORPORA") or Path(__file__).resolve().parents[3] / "shared" / "corpora")
CONTROLS = CORPORA / "kubernetes-controls.jsonl"


class Object(NamedTuple):
    """What is found to fail."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Case:
    """Objects in, failing objects out."""

    rule: str  # of the project that the case is from
    test: str
    controls: tuple[str, ...]
    inputs: tuple[dict[str, Any], ...]
    failing: frozenset[Object]

    @property
    def id(self) -> str:
        return f"{self.rule}/{self.test}"


def cases(path: Path = CONTROLS) -> Iterator[Case]:
    """Every case of the file that belongs to a control."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            if one["control_ids"]:
                failing = frozenset(Object(f["kind"], f["namespace"], f["name"]) for f in one["expected_failing"])
                controls, inputs = tuple(one["control_ids"]), tuple(one["inputs"])
                yield Case(one["rule"], one["test"], controls, inputs, failing)


def claims(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """The rules that say of themselves which control they decide."""
    found: defaultdict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        for control in rule.see_also.get("kubescape", ()):
            found[control].append(rule)
    return found


def found_failing(case: Case, claimed: Mapping[str, list[Rule]], folder: Path, config: Config) -> frozenset[Object]:
    """The objects that the rules which claim the case's controls find to fail."""
    manifest = folder / "case.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": case.inputs}), encoding="utf-8")
    database = folder / "case.db"
    database.unlink(missing_ok=True)
    stage = Stage.create(database, REDACTOR, kinds(), sparse=True)
    with closing(stage.estate):
        collect_manifests([manifest], stage)
        estate = stage.flush()
        assign(estate, infer(estate, config))
        derive(estate)
        rules = {rule.id: rule for control in case.controls for rule in claimed.get(control, ())}
        for rule in rules.values():
            estate.need(rule.compiled.tables)
        verdicts = run(estate, rules.values(), 0)
        return frozenset(_named(verdict.uid) for verdict in verdicts if verdict.status == "fail")


def _named(uid: str) -> Object:
    """Kind, namespace and name, from the end: the cluster's name may have slashes in it."""
    rest, kind, name = uid.rsplit("/", 2)
    return Object(kind, rest.rpartition("/")[2], name.replace("%2F", "/"))


def shipped() -> dict[str, list[Rule]]:
    """What the shipped rules claim."""
    return claims(load_rules().values())
