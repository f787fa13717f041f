"""The soundness lint: a rule that is certain must not depend on what it does not know.

With one or two of the values that a rule reads unknown, its answer on each of its examples is either unknown, or no
other value of them may lead to another answer. SQL alone does not see to that: `coalesce(is_public, 0) = 0` passes
where nobody knows. The values tried come from the examples, the rule's constants and their neighbours, 0 and 1.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

from scanner.errors import RuleError
from scanner.rules import lexical
from scanner.rules.evaluation import Key, TwiceError
from scanner.rules.examples import Bench, Case, expand
from scanner.rules.rule import Rule
from scanner.rules.sandbox import DeadlineError
from scanner.rules.verdict import Status
from scanner.tables import Column, Environment, Value, tables

MOST_VALUES = 16  # tried for one cell; the first ones are those that the rule itself is about
_ENGINE_TABLES = ("assignment", "environment")  # a query may read them, and they have no gaps
Answers = dict[Key, Status]
_ELSE = "~"  # a text that no rule asks for


class Cell(NamedTuple):
    """One value that a rule reads in one example."""

    part: str  # row, environment, parameter, or the name of a table
    number: int  # the row of the table
    column: str

    def __str__(self) -> str:
        return self.column if self.part == "row" else f"{self.part}.{self.column}"


def check_soundness(rule: Rule) -> None:
    """Raises RuleError for a rule that is certain where it must not be, unless `null_means` says why it may."""
    with closing(Bench(rule)) as bench:
        _Lint(rule, bench).check()


class _Lint:
    def __init__(self, rule: Rule, bench: Bench) -> None:
        self.rule, self.bench, self.compiled = rule, bench, rule.compiled
        self.cases = [expand(rule, example) for example in rule.examples if not example["gaps"]]
        self.excused = frozenset(rule.null_means)
        self.environments = [case.environment for case in self.cases if isinstance(case.environment, dict)]
        self.columns = self._columns()

    def check(self) -> None:
        readable = {str(Cell(part, 0, column)) for part, columns in self.columns.items() for column in columns}
        for name in sorted(self.excused - readable):
            raise self._error("null_means", f"{name} may not be NULL, or is not read")
        for case in self.cases:
            cells = [cell for cell in self._cells(case) if str(cell) not in self.excused]
            for chosen in (*itertools.combinations(cells, 1), *itertools.combinations(cells, 2)):
                self._compare(case, chosen)
            self._compare_environments(case)
        self._refuse_meanings_of_null()

    def _refuse_meanings_of_null(self) -> None:
        """What gives NULL a meaning is refused even where no value that was tried shows the harm."""
        for key, sql, other in self._texts():
            text = (lexical.query if key == "query" else lexical.expression)(sql)
            for word, name in lexical.swallowed(text):
                if key == "query" and word in lexical.BRANCHES:
                    continue  # branches are how a query tells unknown from false; the values tried tell whether it does
                called = self._called(name, other) if key != "query" else self._called_in_query(name)
                if called and called not in self.excused:
                    raise self._error(
                        key,
                        f"unsound: {word} gives NULL in {called} a meaning; let NULL reach the answer, or say in "
                        "null_means what it means",
                    )

    def _texts(self) -> Iterator[tuple[str, str, str]]:
        """Key, text and, for a quantifier, the table whose rows it is about."""
        rule = self.rule
        yield from ((key, sql, "") for key, sql in (("when", rule.when), ("require", rule.require)) if sql)
        yield from ((quantifier.kind, quantifier.where, quantifier.of) for quantifier in rule.quantifiers)
        if rule.query:
            yield "query", rule.query, ""

    def _called(self, name: lexical.Name, other: str) -> str:
        """A column as null_means would name it; '' for one that cannot be NULL."""
        if name.qualifier in ("environment", "parameter"):
            part = name.qualifier
        else:
            part = other if other and name.qualifier != "r" else "row"
        return str(Cell(part, 0, name.column)) if name.column in self.columns.get(part, ()) else ""

    def _called_in_query(self, name: lexical.Name) -> str:
        """A query may give a table another name, and a column too: then any column of that name is meant, or none."""
        parts = [part for part, columns in self.columns.items() if name.column in columns]
        named = [str(Cell(part, 0, name.column)) for part in parts]
        if named:
            return next((called for called in named if called not in self.excused), "")
        declared = tables()
        of = [declared[table].columns() for table in self.compiled.tables if table in declared]
        return "" if any(name.column in columns for columns in of) else name.column

    def _compare(self, case: Case, chosen: Sequence[Cell]) -> None:
        certain = self._certain(_with(case, dict.fromkeys(chosen)))
        if not certain:
            return
        for values in itertools.product(*(self._domain(cell) for cell in chosen)):
            other = self._certain(_with(case, dict(zip(chosen, values, strict=True))))
            if other and not _same(other, certain):
                named = " and ".join(str(cell) for cell in chosen)
                shown = " and ".join(repr(value) for value in values)
                raise self._unsound(f"{named} NULL", certain, shown, other)

    def _compare_environments(self, case: Case) -> None:
        """A resource that may be in several environments, or is in none, against one in each of the examples'."""
        if not self.compiled.environment and not self.compiled.parameters:
            return
        undecided: list[tuple[str, Case]] = [("no environment known", replace(case, environment=None, parameters={}))]
        if "id" not in self.compiled.environment:
            undecided.append(("no environment", replace(case, environment="", parameters={})))
        for named, unknown in undecided:
            certain = self._certain(unknown)
            for environment in self.environments if certain else ():
                other = self._certain(replace(case, environment=environment))
                excused = {f"environment.{name}" for name in self.compiled.environment - {"id"}} & self.excused
                if other and not excused and not _same(other, certain):
                    raise self._unsound(named, certain, f"environment {environment}", other)

    def _certain(self, case: Case) -> Answers:
        """The answers on a case; nothing where one of them is unknown, or the rule cannot answer."""
        try:
            answers = self.bench.answers(case)
        except TwiceError:
            return {}
        except (sqlite3.Error, DeadlineError) as error:
            raise self._error("examples", f"the lint cannot judge it: {error}") from error
        return {} if "unknown" in answers.values() else answers

    # What is read, and what it may be

    def _columns(self) -> dict[str, dict[str, Column]]:
        """The columns that are read and may be NULL, by part."""
        compiled, declared = self.compiled, tables()
        own = {
            *compiled.reads,
            *(c for other in compiled.others if other.table == compiled.resource for c in other.columns),
        }
        named = {name.column for name in lexical.query(compiled.query).names} if compiled.query else set()
        read: dict[str, Iterable[str]] = {"row": own, "environment": compiled.environment}
        for other in compiled.others:
            read[other.table] = {*read.get(other.table, ()), *other.columns}
        for name in _ENGINE_TABLES:
            if compiled.query and name in compiled.tables and name in named:
                read[f"{name} row"] = named
        found: dict[str, dict[str, Column]] = {}
        for part, columns in read.items():
            table = compiled.resource if part == "row" else part.removesuffix(" row")
            of = Environment.columns() if part == "environment" else declared[table].columns()
            found[part] = {name: of[name] for name in sorted(columns) if name in of and of[name].nullable}
        parameters = self.rule.parameters
        found["parameter"] = {
            name: Column(name, type(parameters[name].default), True, "") for name in sorted(compiled.parameters)
        }
        return found

    def _cells(self, case: Case) -> Iterator[Cell]:
        for part, columns in self.columns.items():
            if part in ("environment", "parameter"):
                numbers = range(1 if isinstance(case.environment, dict) else 0)
            elif part == "row":
                numbers = range(1)
            else:
                numbers = range(len(case.tables.get(part.removesuffix(" row"), ())))
            yield from (Cell(part, number, column) for number in numbers for column in columns)

    def _domain(self, cell: Cell) -> list[Value]:
        column = self.columns[cell.part][cell.column]
        if column.type is bool:
            return [0, 1]
        seen = [value for case in self.cases for value in _seen(case, cell)]
        literals = sorted(self.compiled.literals, key=str)
        if cell.part == "parameter":
            parameter = self.rule.parameters[cell.column]
            seen += [parameter.default, *parameter.by_tier.values()]
        others = [value for case in self.cases for value in _all_values(case)]
        if column.type is str:
            wanted = [*seen, *literals, _ELSE, "", *others]
            texts: list[Value] = [v for v in dict.fromkeys(wanted) if isinstance(v, str)]
            return texts[:MOST_VALUES]
        numbers = [value for value in literals if not isinstance(value, str)]
        around = [number + step for number in numbers for step in (-1, 0, 1)]
        times = [case.as_of + step for case in self.cases for step in (-1, 0, 1) if case.as_of]
        ages = [case.as_of - number for case in self.cases for number in around if case.as_of]
        wanted = [*seen, 0, 1, *around, *times, *ages, *others]
        fitting = [v for v in dict.fromkeys(wanted) if isinstance(v, int | float) and not isinstance(v, bool)]
        if column.type is int:
            fitting = [v for v in fitting if isinstance(v, int)]
        return list(fitting[:MOST_VALUES])

    def _unsound(self, unknown: str, certain: Answers, known: str, other: Answers) -> RuleError:
        return self._error(
            "require" if self.rule.require else "id",
            f"unsound: with {unknown} it answers {_shown(certain)}, with {known} {_shown(other)}; "
            "let NULL reach the answer, or say in null_means why it may not matter",
        )

    def _error(self, key: str, problem: str) -> RuleError:
        return RuleError(self.rule.id, f"{self.rule.at(key)}: {problem}")


def _same(one: Answers, other: Answers) -> bool:
    """They say the same. A discriminator that is not known names nothing, so the statuses alone are compared."""
    if any(not discriminator for answers in (one, other) for _, discriminator in answers):
        return sorted(one.values()) == sorted(other.values())
    return one == other


def _with(case: Case, values: Mapping[Cell, Value]) -> Case:
    """The case with other values in some cells."""
    row, environment, parameters = dict(case.row), case.environment, dict(case.parameters)
    beside = {table: [dict(one) for one in rows] for table, rows in case.tables.items()}
    for cell, value in values.items():
        if cell.part == "row":
            row[cell.column] = value
        elif cell.part == "parameter":
            parameters[cell.column] = value
        elif cell.part == "environment" and isinstance(environment, dict):
            environment = {**environment, cell.column: value}
        else:
            beside[cell.part.removesuffix(" row")][cell.number][cell.column] = value
    rows = {table: tuple(several) for table, several in beside.items()}
    return replace(case, row=row, environment=environment, parameters=parameters, tables=rows)


def _seen(case: Case, cell: Cell) -> Iterator[Value]:
    """The values that a case has for the column of a cell."""
    if cell.part == "row":
        rows: Iterable[Mapping[str, Value]] = [case.row, *case.tables.get("", ())]
    elif cell.part == "environment":
        rows = [case.environment] if isinstance(case.environment, dict) else []
    elif cell.part == "parameter":
        rows = [case.parameters]
    else:
        rows = case.tables.get(cell.part.removesuffix(" row"), ())
    for row in rows:
        if row.get(cell.column) is not None:
            yield row[cell.column]


def _all_values(case: Case) -> Iterator[Value]:
    rows = [case.row, *itertools.chain(*case.tables.values())]
    rows += [case.environment] if isinstance(case.environment, dict) else []
    for row in rows:
        for value in row.values():
            if value is not None:
                yield value
                if isinstance(value, int):
                    yield value + 1
                    yield value - 1


def _shown(answers: Answers) -> str:
    found = {discriminator: status for (_, discriminator), status in answers.items()}
    return found[""] if set(found) == {""} else ", ".join(f"{name}: {s}" for name, s in sorted(found.items()))
