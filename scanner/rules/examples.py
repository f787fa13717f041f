"""Examples: a rule's own small estates, and whether the engine judges each as its author says."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

from scanner.errors import RuleError
from scanner.rules.compile import Compiled
from scanner.rules.evaluation import Evaluation, Key, judge
from scanner.rules.rule import Rule
from scanner.rules.sandbox import Timed
from scanner.rules.state import State
from scanner.rules.verdict import Status, Verdict
from scanner.tables import Assignment, Child, Placed, Value, tables

UID = "example"
Cells = dict[str, Value]


class Outcome(NamedTuple):
    """How one example came out."""

    example: str
    expected: object
    found: object
    verdicts: tuple[Verdict, ...]

    @property
    def as_expected(self) -> bool:
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class Case:
    """An example with all that it leaves out."""

    row: Cells
    tables: Mapping[str, tuple[Cells, ...]]
    environment: Cells | str | None  # '' is no environment, None a tie
    parameters: Mapping[str, Value]
    gaps: tuple[Mapping[str, str], ...]
    as_of: int

    @property
    def uid(self) -> str:
        return str(self.row["uid"])


def check(rule: Rule) -> None:
    """The examples come out as they say, there is one of each answer, and the rule is sound. Raises RuleError."""
    from scanner.rules.soundness import check_soundness

    check_examples(rule)
    check_soundness(rule)


def check_examples(rule: Rule) -> None:
    """Raises RuleError."""
    shown: set[object] = set()
    for outcome in try_examples(rule):
        if not outcome.as_expected:
            reasons = "; ".join(sorted({b.detail for v in outcome.verdicts for b in v.because if b.detail}))
            raise _error(
                rule,
                f"example «{outcome.example}» is {_words(outcome.found)}, not {_words(outcome.expected)}"
                + (f" ({reasons})" if reasons else ""),
            )
        shown |= set(outcome.found.values()) if isinstance(outcome.found, dict) else {outcome.found}
    needed = ["pass", "fail", "unknown", *(["not_applicable"] if rule.when else [])]
    if missing := [status for status in needed if status not in shown]:
        raise _error(rule, f"no example gives {' or '.join(missing)}")


def try_examples(rule: Rule) -> Iterator[Outcome]:
    """Each example with what the engine answers. Raises RuleError for one that cannot be set up."""
    with closing(Bench(rule)) as bench:
        for example in rule.examples:
            try:
                case = expand(rule, example)
                verdicts = tuple(v for v in bench.verdicts(case) if v.uid == case.uid)
            except sqlite3.Error as error:
                raise _error(rule, f"example «{example['name']}»: {error}") from error
            found: object = summary(v.status for v in verdicts)
            if isinstance(example["expect"], dict):
                found = {v.discriminator: v.status for v in verdicts}
            yield Outcome(example["name"], example["expect"], found, verdicts)


def summary(statuses: Iterable[Status]) -> Status:
    """The worst of a subject's answers: one failing port is a failing group."""
    found = set(statuses)
    return next((s for s in ("fail", "unknown", "pass") if s in found), "not_applicable")


def expand(rule: Rule, example: Mapping[str, Any]) -> Case:
    """An example with its defaults: columns left out are NULL; uid, name, place and scope are filled in."""
    row = _filled(rule.resource, example["row"], {"uid": UID, "name": UID})
    rows = {
        table: tuple(_beside(table, given, number, str(row["uid"])) for number, given in enumerate(several))
        for table, several in example["tables"].items()
    }
    environment = example["environment"]
    if isinstance(environment, dict):
        environment = {"id": "example", **environment}
    mine = {
        "scope": str(row["scope"]),
        "uid": str(row["uid"]),
        "table": rule.resource,
        "column": "",
        "reason": "denied",
    }
    gaps = tuple({**mine, **gap} for gap in example["gaps"])
    return Case(row, rows, environment, example["parameters"], gaps, example["as_of"])


def _beside(table: str, given: Cells, number: int, uid: str) -> Cells:
    declared = tables()[table]
    if issubclass(declared, Child) or "ordinal" in declared.columns():  # a list, of a source's or derived
        return _filled(table, given, {"uid": uid, "name": UID, "ordinal": number})
    if issubclass(declared, Placed):
        return _filled(table, given, {"uid": f"{table}/{number}", "name": f"{table}/{number}"})
    return dict(given)


def _filled(table: str, given: Mapping[str, Value], identity: Cells) -> Cells:
    """The row with an identity and a place: of AWS one account and region, of Kubernetes one cluster and namespace."""
    kind = table.partition("_")[0]
    place: Cells = {"account": "", "region": "", "cluster": "", "namespace": "", "source": kind, "file": "", "line": 0}
    if kind == "aws":
        place |= {"account": "111111111111", "region": "eu-west-1"}
    if kind == "kubernetes":
        place |= {"cluster": "example", "namespace": "example"}
    row: Cells = {**place, **identity, **given}
    if row["cluster"] and kind == "kubernetes":
        scope = f"kubernetes/{row['cluster']}"
    elif row["account"] is not None and kind == "aws":
        scope = f"aws/{row['account']}/{row['region'] or 'global'}"
    else:
        scope = f"{kind}/example"
    return {"scope": scope, **row}


class Bench:
    """A private database to try a rule on. Raises RuleError where the rule cannot be compiled."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.compiled: Compiled = rule.compiled
        # Statements are kept prepared here: the rule's text was authorized when it was compiled.
        self.connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=200)
        beside = (table for example in rule.examples for table in example["tables"])
        self.names = sorted({*self.compiled.tables, *beside})
        for name in {*self.names, "scope", "requested", "call", "gap"}:
            self.connection.execute(tables()[name].ddl())
        self.box = Timed(self.connection, deadline=10)

    def close(self) -> None:
        self.connection.close()

    def verdicts(self, case: Case) -> list[Verdict]:
        """All verdicts of the rule on the case."""
        self.set_up(case)
        return judge(self.rule, self._state(case), self.box, case.as_of)

    def answers(self, case: Case) -> dict[Key, Status]:
        """The subject's status by key, without messages and reasons."""
        self.set_up(case)
        found = Evaluation(self.rule, self._state(case), self.box, case.as_of).answers()
        return {(uid, discriminator): status for uid, discriminator, status in found if uid == case.uid}

    def set_up(self, case: Case) -> None:
        """Make the database hold the case and nothing else."""
        for name in (*self.names, "scope", "requested", "gap"):
            self.connection.execute(f"DELETE FROM {name}")
        for name, several in self._rows(case).items():
            for row in several:
                self._insert(name, row)
        self._read_everywhere(case)
        for gap in case.gaps:
            self._insert("gap", {
                "scope": gap["scope"], "uid": gap["uid"], "table_name": gap["table"], "column_name": gap["column"],
                "reason": gap["reason"], "call": 0, "detail": "",
            })  # fmt: skip

    def _rows(self, case: Case) -> dict[str, Iterable[Cells]]:
        environments: dict[Value, Cells] = {"": {"id": ""}}
        assigned: Value = None
        if isinstance(case.environment, dict):
            assigned = case.environment["id"]
            environments[assigned] = case.environment
        elif case.environment is not None:
            assigned = case.environment
        environments |= {row["id"]: row for row in case.tables.get("environment", ())}
        given = [{"uid": case.uid, "environment": assigned}, *case.tables.get("assignment", ())]
        assignments = {str(row["uid"]): _assignment(row) for row in given}
        return {
            **case.tables,
            self.rule.resource: (case.row, *case.tables.get(self.rule.resource, ())),
            "environment": environments.values(),
            "assignment": assignments.values(),
        }

    def _read_everywhere(self, case: Case) -> None:
        """Every scope of the case was asked for every table."""
        places: dict[str, Cells] = {}
        for row in (case.row, *itertools.chain(*case.tables.values())):
            if "scope" in row:
                places[str(row["scope"])] = row
        for gap in case.gaps:
            places.setdefault(gap["scope"], _place_of(gap["scope"]))
        for scope, row in places.items():
            kind, _, rest = scope.partition("/")
            wholly = rest.endswith("/global")
            self._insert("scope", {
                "id": scope, "source": kind, "account": row.get("account") or "",
                "region": "" if wholly else row.get("region") or "", "cluster": row.get("cluster") or "",
                "identity": "",
            })  # fmt: skip
            for name in self.names:
                self._insert("requested", {"scope": scope, "table_name": name})

    def _state(self, case: Case) -> State:
        if not case.parameters or not isinstance(case.environment, dict):
            return State.read(self.connection)
        return State.read(self.connection, {str(case.environment["id"]): {self.rule.id: case.parameters}})

    def _insert(self, table: str, row: Mapping[str, Value]) -> None:
        marks = ", ".join("?" * len(row))
        self.connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


def _assignment(given: Mapping[str, Value]) -> Cells:
    row = Assignment(uid=str(given["uid"]), environment=None)
    return {**dict(zip(row.columns(), row.values(), strict=True)), **given}


def _place_of(scope: str) -> Cells:
    """The place that a scope's id names."""
    kind, _, rest = scope.partition("/")
    if kind == "aws":
        account, _, region = rest.partition("/")
        return {"account": account, "region": "" if region == "global" else region}
    return {"cluster": rest} if kind == "kubernetes" else {}


def _words(found: object) -> str:
    return ", ".join(f"{k}: {v}" for k, v in sorted(found.items())) if isinstance(found, dict) else str(found)


def _error(rule: Rule, problem: str) -> RuleError:
    return RuleError(rule.id, f"{rule.at('examples')}: {problem}")
