"""Judging: rules over an estate give verdicts, in the order of rule, uid and discriminator."""

from __future__ import annotations

import functools
import itertools
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from scanner.rules.compile import FAIL, GAP, NOT_APPLICABLE, PASS, UNKNOWN, Compiled
from scanner.rules.guard import Guard, Subject, guard
from scanner.rules.rule import Rule
from scanner.rules.sandbox import DEADLINE, DeadlineError, Sandbox, Timed
from scanner.rules.state import Overrides, State
from scanner.rules.verdict import SCOPE, Because, Status, Verdict, representative

if TYPE_CHECKING:
    from scanner.store.estate import Estate

_STATUSES: dict[object, Status] = {
    PASS: "pass", FAIL: "fail", UNKNOWN: "unknown", NOT_APPLICABLE: "not_applicable", GAP: "unknown",
}  # fmt: skip
_CHUNK = 10_000  # uids bound at once
_PLACE = ("r.scope", "r.account", "r.region", "r.cluster")
_ASSIGNMENT = ("environment", "candidates", "reason", "call")

Key = tuple[str, str]  # uid, discriminator
Answer = tuple[str, str, Status]


def run(
    estate: Estate,
    rules: Iterable[Rule],
    as_of: int,
    parameters: Overrides | None = None,
    deadline: float = DEADLINE,
) -> Iterator[Verdict]:
    """The verdicts of every rule in scope, on the estate as it is assigned to environments now.

    `as_of` is the time of judging, in UTC seconds. `parameters` sets those of rules, by environment or tier, rule and
    name. `deadline` is in seconds for each rule; a rule that takes longer, or fails, is unknown for all its subjects.
    """
    with closing(estate.reader()) as plain, closing(estate.reader()) as locked:
        state, box = State.read(plain, parameters), Sandbox(locked, deadline=deadline)
        for rule in sorted(rules, key=lambda rule: rule.id):
            if not rule.retired and state.in_scope(rule.resource):
                yield from judge(rule, state, box, as_of)


def out_of_scope(estate: Estate, rules: Iterable[Rule]) -> tuple[str, ...]:
    """The ids of the rules whose table no scope was asked for: they give no verdict."""
    with closing(estate.reader()) as connection:
        state = State.read(connection)
    return tuple(sorted(rule.id for rule in rules if not rule.retired and not state.in_scope(rule.resource)))


def judge(rule: Rule, state: State, box: Timed, as_of: int) -> list[Verdict]:
    """The verdicts of one rule, in order. Whatever goes wrong in its SQL is an unknown of each of its subjects."""
    evaluation = Evaluation(rule, state, box, as_of)
    try:
        verdicts = evaluation.verdicts()
    except DeadlineError as error:
        verdicts = evaluation.nothing("deadline", str(error))
    except sqlite3.Error as error:
        verdicts = evaluation.nothing("error", str(error))
    except TwiceError as error:
        verdicts = evaluation.nothing("error", str(error))
    verdicts.sort()  # their keys differ, so nothing else of them is compared
    return verdicts


class TwiceError(Exception):
    """A query gave two rows with one key."""


class Evaluation:
    """One rule on one estate."""

    def __init__(self, rule: Rule, state: State, box: Timed, as_of: int) -> None:
        self.rule, self.state, self.box = rule, state, box
        self.compiled: Compiled = rule.compiled
        self.guard: Guard = guard(self.compiled, state)
        self.bound = {"as_of": as_of, "parameters": state.parameters(rule, self.compiled), **self.guard.values}

    def verdicts(self) -> list[Verdict]:
        """Raises DeadlineError, TwiceError and sqlite3.Error."""
        answers = self.answers()
        messages = self._messages([(uid, discriminator) for uid, discriminator, status in answers if status == "fail"])
        reasons = self._reasons([(uid, discriminator) for uid, discriminator, status in answers if status == "unknown"])
        name, nothing = self.rule.id, ()
        judged = []
        for uid, discriminator, status in answers:
            if status == "fail":
                judged.append(Verdict(name, uid, discriminator, status, messages[uid, discriminator], nothing))
            elif status == "unknown":
                judged.append(Verdict(name, uid, discriminator, status, "", reasons[uid, discriminator]))
            else:
                judged.append(Verdict(name, uid, discriminator, status, "", nothing))
        return judged + self._not_read()

    def answers(self) -> list[Answer]:
        """The status of every row of the subject's table. Raises as `verdicts` does."""
        sql = self.compiled.verdicts(self.guard.when_terms, self.guard.ok_terms)
        rows = self.box.rows(sql, self.bound, tables=self.compiled.tables)
        if not self.compiled.query:
            return [(uid, "", _STATUSES[answer]) for uid, answer, _ in rows]  # type: ignore[misc]  # uid is TEXT
        answers = [(str(uid), _text(discriminator), _STATUSES[answer]) for uid, answer, discriminator in rows]
        if len({answer[:2] for answer in answers}) < len(answers):
            raise TwiceError(_twice(answers))
        return answers

    def nothing(self, reason: str, problem: str) -> list[Verdict]:
        """An unknown for each subject, since the rule itself did not get through."""
        because = (Because(reason, self.compiled.resource, detail=problem),)
        rows = self.state.connection.execute(f"SELECT uid FROM {self.compiled.resource}")
        return [Verdict(self.rule.id, uid, "", "unknown", "", because) for (uid,) in rows] + self._not_read()

    def _not_read(self) -> list[Verdict]:
        """One unknown for each scope that was not listed, and for each resource of which there is no row."""
        listings = {f"{SCOPE}{scope}": reasons for scope, reasons in self.guard.listings.items()}
        return [
            Verdict(self.rule.id, uid, "", "unknown", "", representative(reasons))
            for uid, reasons in {**listings, **self.guard.missing}.items()
        ]

    # What was found

    def _messages(self, keys: Sequence[Key]) -> dict[Key, str]:
        template = self.compiled.message
        columns = [f"{ref.qualifier or 'r'}.{ref.column}" for ref in template.references]
        if not columns:
            return dict.fromkeys(keys, template.fill(()))
        wanted = set(keys)
        return {
            key: template.fill(values)  # type: ignore[arg-type]  # columns of STRICT tables: str, int, float, None
            for key, values in self._rows(keys, columns)
            if key in wanted
        }

    def _rows(self, keys: Sequence[Key], columns: Sequence[str]) -> Iterator[tuple[Key, tuple[object, ...]]]:
        """Columns of those subjects. One with several discriminators has a row each."""
        sql = self.compiled.values(columns)
        for bound in self._chunks(keys):
            for uid, discriminator, *values in self.box.rows(sql, bound, tables=self.compiled.tables):
                yield (str(uid), _text(discriminator)), tuple(values)

    def _chunks(self, keys: Iterable[Key]) -> Iterator[dict[str, object]]:
        uids = sorted({uid for uid, _ in keys})
        for start in range(0, len(uids), _CHUNK):
            yield {**self.bound, "uids": json.dumps(uids[start : start + _CHUNK])}

    # What was not known

    def _reasons(self, keys: Sequence[Key]) -> dict[Key, tuple[Because, ...]]:
        """Why each is unknown: the gaps that touch it, then what is NULL without a gap that would say why."""
        if not keys:
            return {}
        compiled = self.compiled
        own, environment = sorted(compiled.reads), sorted(compiled.environment)
        parameters = sorted(compiled.parameters)
        columns = [*_PLACE, *(f"(SELECT a.{name} FROM assignment AS a WHERE a.uid = r.uid)" for name in _ASSIGNMENT)]
        columns += [f"r.{name} IS NULL" for name in own]
        columns += [f"environment.{name} IS NULL" for name in environment]
        columns += [f"parameter.{name} IS NULL" for name in parameters]
        cells = self._cells(keys)
        wanted = set(keys)
        found: dict[Key, tuple[Because, ...]] = {}
        for key, values in self._rows(keys, columns):
            if key not in wanted:
                continue
            uid = key[0]
            subject = Subject(uid, *values[:4])  # type: ignore[arg-type]  # text columns
            assignment, nulls = values[4:8], values[8:]
            reasons = list(self.guard.reasons(subject))
            named = {(reason.table, reason.column) for reason in reasons if reason.uid in ("", uid)}
            for name, is_null in zip(own, nulls, strict=False):
                if is_null and (compiled.resource, name) not in named:
                    reasons.append(_null(compiled.resource, name, uid, subject.scope))
            beside = nulls[len(own) :]
            missing = [name for name, is_null in zip([*environment, *parameters], beside, strict=True) if is_null]
            if missing:
                reasons.append(_no_environment(subject, missing[0], *assignment))
            reasons += cells.get(uid, ())
            if compiled.query:
                reasons += self._cells_of_query
            found[key] = representative(reasons or [self._unexplained(subject)])
        return found

    def _cells(self, keys: Sequence[Key]) -> dict[str, list[Because]]:
        """By subject, the cells of other tables' rows that leave a quantifier unknown: of each kind the first."""
        found: dict[str, list[Because]] = defaultdict(list)
        for other in self.compiled.others:
            if not other.cells:
                continue
            gaps: dict[tuple[str, str, str], list[Because]] = defaultdict(list)  # scope where no uid, uid, column
            said: dict[str, list[str]] = defaultdict(list)  # kinds of gaps by uid or scope, to tell rows apart by
            for gap in self.state.gaps.get(other.table, ()):
                if gap.column in other.columns:
                    gaps["" if gap.uid else gap.scope, gap.uid, gap.column].append(gap)
                    said[gap.uid or SCOPE + gap.scope].append(f"{gap.column} {gap.reason}")
            columns = sorted(other.columns)
            sql = self.compiled.unknown_cells(other)
            known = json.dumps({key: ", ".join(kinds) for key, kinds in said.items()})
            for bound in self._chunks(keys):
                rows = self.box.rows(sql, {**bound, "known": known}, tables=self.compiled.tables)
                for subject, uid, scope, *nulls in rows:
                    for name in itertools.compress(columns, nulls):
                        uid_, scope_ = str(uid), str(scope)
                        found[str(subject)] += (
                            gaps.get(("", uid_, name))
                            or gaps.get((scope_, "", name))
                            or [_null(other.table, name, uid_, scope_)]
                        )
        return found

    @functools.cached_property
    def _cells_of_query(self) -> tuple[Because, ...]:
        """Gaps in the cells that a query reads. Which of them its answer turns on is not known, so all count."""
        return representative(
            gap
            for other in self.compiled.others
            for gap in self.state.gaps.get(other.table, ())
            if gap.column in other.columns
        )

    def _unexplained(self, subject: Subject) -> Because:
        """NULL although every column has a value: a division by 0, or a query that leaves the subject out."""
        detail = "the query gives it no answer" if self.compiled.query else "the expression gives no answer"
        table = self.compiled.others[0].table if self.compiled.others else self.compiled.resource
        return Because("unsupported", table, "", subject.uid, subject.scope, 0, detail)


def _null(table: str, column: str, uid: str, scope: str) -> Because:
    return Because("unsupported", table, column, uid, scope, 0, "it has no value, and nothing says why")


def _no_environment(
    subject: Subject, column: str, assigned: object, candidates: object, reason: object, call: object
) -> Because:
    """NULL in the environment's columns: in none, in one of several, or in one whose policy does not say."""
    if assigned:
        detail = f"{assigned} does not say"
        return Because("unsupported", "environment", column, subject.uid, subject.scope, 0, detail)
    if assigned == "":
        detail = "it is in no environment"
    else:
        detail = f"it may be in {candidates}" if candidates else "its environment is not known"
    why, number = (str(reason), int(str(call))) if reason else ("unassigned", 0)
    return Because(why, "assignment", "environment", subject.uid, subject.scope, number, detail)


def _text(discriminator: object) -> str:
    return "" if discriminator is None else str(discriminator)


def _twice(answers: Sequence[Answer]) -> str:
    (uid, discriminator), _ = Counter(answer[:2] for answer in answers).most_common(1)[0]
    return f"the query gives {uid}{f' with discriminator {discriminator}' if discriminator else ''} twice"
