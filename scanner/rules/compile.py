"""A rule becomes SQL, and what it reads becomes known.

Each expression is compiled apart from the others, against empty tables, in a sandbox: names that do not exist are
errors, and SQLite's authorizer tells which columns of which table each reads. The names in the text are compared with
that, for SQLite drops parts of an expression that cannot matter without looking up what they name.
"""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TypeVar

from scanner.errors import RuleError
from scanner.rules import lexical, message
from scanner.rules.lexical import Name, Refused, Text, Token
from scanner.rules.rule import Quantifier, Rule
from scanner.rules.sandbox import DeadlineError, Read, Sandbox
from scanner.rules.verdict import SCOPE
from scanner.tables import Assignment, Column, Derived, Environment, Placed, Resource, Row, tables

T = TypeVar("T")

PASS, FAIL, UNKNOWN, NOT_APPLICABLE, GAP = 1, 0, 2, 3, 4  # what the compiled statement answers
TIE = "?"  # key of the parameters where the environment is not known; no environment may have this name

_PLACES = {
    "": (),
    "resource": ("uid",),
    "account": ("account",),
    "region": ("account", "region"),
    "cluster": ("cluster",),
}
_FORMS = {"any": "{}", "none": "NOT {}", "all": "NOT {}"}
_OWN_QUERY_COLUMNS = ("uid", "ok", "discriminator")


@dataclass(frozen=True, slots=True)
class Other:
    """A table that is read other than through the subject's own row."""

    table: str
    columns: frozenset[str]
    within: str  # one of rule.WITHIN, or '' for everywhere
    cells: str = ""  # the rows that leave a quantifier unknown: the condition on `c` and `r`; '' for a query's table


@dataclass(frozen=True, slots=True)
class Compiled:
    """The SQL of a rule, what it reads, and how its message is put together."""

    resource: str
    when: str  # SQL; '' where the rule is for every resource
    ok: str
    when_reads: frozenset[str]  # columns of the subject's own row
    ok_reads: frozenset[str]
    environment: frozenset[str]  # columns read of the subject's environment
    parameters: frozenset[str]
    others: tuple[Other, ...]
    query: str
    query_columns: tuple[str, ...]  # beside uid, ok and discriminator
    discriminated: bool
    message: message.Template
    literals: frozenset[str | int | float]

    @property
    def reads(self) -> frozenset[str]:
        """Columns of the subject's own row that decide the verdict."""
        return self.when_reads | self.ok_reads

    @property
    def tables(self) -> frozenset[str]:
        """Every table that the statements of this rule read."""
        read = {other.table for other in self.others}
        return frozenset({self.resource, "environment", "assignment", *read, *(_tables_in(self.query))})

    def verdicts(self, when_guards: Iterable[str] = (), ok_guards: Iterable[str] = ()) -> str:
        """uid, answer, discriminator of each subject.

        A guard is a condition on `r` that is true where a gap touches what `when` reads, or what the rest reads.
        """
        answer = f"CASE NOT NOT ({self.ok}) WHEN 1 THEN {PASS} WHEN 0 THEN {FAIL} ELSE {UNKNOWN} END"
        if guards := " OR ".join(ok_guards):
            answer = f"CASE WHEN {guards} THEN {GAP} ELSE {answer} END"
        if self.when:
            answer = f"CASE NOT NOT ({self.when}) WHEN 1 THEN {answer} WHEN 0 THEN {NOT_APPLICABLE} ELSE {UNKNOWN} END"
        if guards := " OR ".join(when_guards):
            answer = f"CASE WHEN {guards} THEN {GAP} ELSE {answer} END"
        discriminator = "query._discriminator" if self.discriminated else "''"
        source = f"FROM {self.resource} AS r{self._joins()}"
        return f"{self._with()}SELECT r.uid, {answer}, {discriminator} {source}"

    def values(self, columns: Iterable[str]) -> str:
        """Those SQL columns for the subjects whose uids are bound as `:uids`, with uid and discriminator first."""
        discriminator = "query._discriminator" if self.discriminated else "''"
        shown = ", ".join(["r.uid", discriminator, *columns])
        return f"{self._with(everything=True)}SELECT {shown} {self._bound()}"

    def unknown_cells(self, other: Other) -> str:
        """Of the rows that leave each subject unknown: its uid, theirs, their scope, and whether each column is NULL.

        Its own rows are one line. Of others' rows those are one line that lack the same columns for the same kinds of
        reasons, with the first of them. `:known` has these kinds by uid, and by scope as the engine's uid of it.
        """
        nulls = [f"c.{column} IS NULL" for column in sorted(other.columns)]
        joined = f"{self._bound()} JOIN {other.table} AS c ON {other.cells}"
        if other.within == "resource":
            shown = ", ".join(f"max({null})" for null in nulls)
            return f"{self._with(everything=True)}SELECT r.uid, c.uid, c.scope, {shown} {joined} GROUP BY r.uid"
        known = "known AS MATERIALIZED (SELECT key AS _key, value AS _kinds FROM json_each(:known))"
        # Beside min(), SQLite takes bare columns from the row that has the minimum.
        return (
            f"{self._with(known, everything=True)}SELECT r.uid, min(c.uid), c.scope, {', '.join(nulls)} {joined} "
            "LEFT JOIN known AS of_row ON of_row._key = c.uid "
            f"LEFT JOIN known AS of_scope ON of_scope._key = '{SCOPE}' || c.scope "
            f"GROUP BY r.uid, of_row._kinds, of_scope._kinds, {', '.join(nulls)}"
        )

    def _bound(self) -> str:
        subjects = f"json_each(:uids) AS u JOIN {self.resource} AS r ON r.uid = u.value"
        return f"FROM {subjects}{self._joins(everything=True)}"

    def _with(self, *more: str, everything: bool = False) -> str:
        parts = [*more]
        if self.parameters or (everything and self._shows("parameter")):
            names = sorted(self._parameter_names())
            columns = "".join(f", json_extract(value, '$[{n}]') AS {name}" for n, name in enumerate(names, 1))
            parts.append(
                "parameter AS MATERIALIZED "
                f"(SELECT json_extract(value, '$[0]') AS _environment{columns} FROM json_each(:parameters))"
            )
        if self.query:
            own = ["uid AS _uid", "ok AS _ok", *(["discriminator AS _discriminator"] if self.discriminated else [])]
            parts.append(f"query AS MATERIALIZED (SELECT {', '.join([*own, *self.query_columns])} FROM ({self.query}))")
        return f"WITH {', '.join(parts)} " if parts else ""

    def _joins(self, *, everything: bool = False) -> str:
        assigned = "(SELECT a.environment FROM assignment AS a WHERE a.uid = r.uid)"
        joins = ""
        if everything or self.environment:
            joins += f" LEFT JOIN environment ON environment.id = {assigned}"
        if self.parameters or (everything and self._shows("parameter")):
            joins += f" LEFT JOIN parameter ON parameter._environment = ifnull({assigned}, '{TIE}')"
        if self.query:
            joins += " LEFT JOIN query ON query._uid = r.uid"
        return joins

    def _shows(self, qualifier: str) -> bool:
        return any(reference.qualifier == qualifier for reference in self.message.references)

    def _parameter_names(self) -> frozenset[str]:
        shown = {ref.column for ref in self.message.references if ref.qualifier == "parameter"}
        return self.parameters | shown

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The order in which `:parameters` has the values of an environment, after its id."""
        return tuple(sorted(self._parameter_names()))


def compile_rule(rule: Rule) -> Compiled:
    """The SQL and the lineage of a rule. Raises RuleError."""
    with ExitStack() as databases:
        return _Compiler(rule, databases).compiled()


class _Compiler:
    def __init__(self, rule: Rule, databases: ExitStack) -> None:
        self.rule = rule
        self.databases = databases  # closed when all is compiled
        self.tables = tables()
        self.environment = Environment.columns()
        self.parameters = {name: _column(name, type(p.default)) for name, p in rule.parameters.items()}

    def compiled(self) -> Compiled:
        rule = self.rule
        self.subject = self._subject()
        texts: list[Text] = []
        query_columns: tuple[str, ...] = ()
        discriminated = False
        when = ""
        when_reads: set[str] = set()
        ok_reads: set[str] = set()
        environment: set[str] = set()
        parameters: set[str] = set()
        others: list[Other] = []
        parts: list[str] = []
        self.query: dict[str, Column] = {}

        def note(reads: Iterable[Read], own: set[str]) -> None:
            for read in reads:
                if read.database == "main" and read.column:
                    {rule.resource: own, "environment": environment, "parameter": parameters}.get(
                        read.table, set()
                    ).add(read.column)

        if rule.query:
            text, columns, own, read = self._query()
            texts.append(text)
            discriminated = "discriminator" in columns
            query_columns = tuple(name for name in columns if name not in _OWN_QUERY_COLUMNS)
            self.query = {name: _column(name, object) for name in query_columns}
            ok_reads |= own
            others += read
            parts.append("query._ok")
        if rule.when:
            text, reads = self._expression("when", rule.when)
            when = lexical.qualified(rule.when, text, "r")
            texts.append(text)
            note(reads, when_reads)
        if rule.require:
            text, reads = self._expression("require", rule.require)
            texts.append(text)
            note(reads, ok_reads)
            parts.append(f"({lexical.qualified(rule.require, text, 'r')})")
        for quantifier in rule.quantifiers:
            text, reads = self._quantifier(quantifier)
            texts.append(text)
            note(reads, ok_reads)
            ok_reads |= {column for column in _PLACES[quantifier.within] if column != "uid"}
            place = _place(quantifier.within)
            condition = _condition(quantifier, lexical.qualified(quantifier.where, text, "c"))
            columns_read = frozenset(read.column for read in reads if read.database == "other" and read.column)
            placed = frozenset(_PLACES[quantifier.within]) - {"uid"}
            cells = f"{place} AND ({condition}) IS NULL"
            others.append(Other(quantifier.of, columns_read | placed, quantifier.within, cells))
            parts.append(_aggregate(quantifier, place, condition))
        template = self._message()
        shown = {reference.column for reference in template.references if reference.qualifier == "parameter"}
        if unread := sorted(set(rule.parameters) - parameters - shown):
            raise self._error("parameters", f"parameter.{unread[0]} is not read")
        literals = frozenset(value for text in texts for value in lexical.literals(text))
        return Compiled(
            rule.resource, when, " AND ".join(parts), frozenset(when_reads), frozenset(ok_reads),
            frozenset(environment), frozenset(parameters), tuple(others), rule.query, query_columns, discriminated,
            template, literals,
        )  # fmt: skip

    # The parts of a rule

    def _subject(self) -> Mapping[str, Column]:
        declared = self.tables.get(self.rule.resource)
        if declared is None:
            raise self._error("resource", f"there is no table {self.rule.resource}")
        if not issubclass(declared, (Resource, Derived)) or declared.key != ("uid",):
            raise self._error("resource", f"{self.rule.resource} has no row a resource; use none, any or all")
        return declared.columns()

    def _expression(self, key: str, sql: str) -> tuple[Text, set[Read]]:
        text = self._accept(key, lexical.expression, sql)
        scopes = {"r": self.subject, "environment": self.environment, "parameter": self.parameters}
        if key == "require" and self.query:
            scopes["query"] = self.query
        self._check_names(key, text, scopes, bare="r")
        reads = self._lineage(key, f"SELECT 1 FROM {self._sources()} WHERE ({sql})", self._context)
        names = {(_qualified(name, "r")) for name in text.names}
        self._check_read(key, names, self._qualifiers(reads))
        return text, reads

    def _quantifier(self, quantifier: Quantifier) -> tuple[Text, set[Read]]:
        key = quantifier.kind
        declared = self.tables.get(quantifier.of)
        if declared is None or not issubclass(declared, Placed):
            raise self._error(key, f"there is no table {quantifier.of} of resources")
        text = self._accept(key, lexical.expression, quantifier.where)
        scopes = {
            "c": declared.columns(), "r": self.subject, "environment": self.environment, "parameter": self.parameters,
        }  # fmt: skip
        self._check_names(key, text, scopes, bare="c")
        inner = f"SELECT 1 FROM other.{quantifier.of} AS c WHERE ({quantifier.where})"
        readable = {*self._context, quantifier.of}
        reads = self._lineage(key, f"SELECT 1 FROM {self._sources()} WHERE ({inner})", readable)
        names = {_qualified(name, "c") for name in text.names}
        self._check_read(key, names, self._qualifiers(reads))
        if not any(read.database == "other" and read.column for read in reads):
            raise self._error(key, f"it reads no column of {quantifier.of}")
        return text, reads

    def _query(self) -> tuple[Text, tuple[str, ...], set[str], list[Other]]:
        """The text, its columns, the subject's columns that are read by way of its own row, and other tables."""
        sql = self.rule.query
        text = self._accept("query", lexical.query, sql)
        named = _named_tables(text, self.tables)
        for name in sorted(named):
            if not issubclass(self.tables[name], (Placed, Environment, Assignment)):
                raise self._error("query", f"the table {name} is the engine's own")
        if not named:
            raise self._error("query", "it reads no table")
        box = Sandbox(self._database(named), deadline=5)
        columns = self._query_columns(sql, named, box)
        reads = self._lineage("query", f"SELECT uid, ok FROM ({sql})", named, within=box)
        by_table: dict[str, set[str]] = {name: set() for name in named}
        for read in reads:
            if read.column:
                by_table[read.table].add(read.column)
        for name, read_columns in sorted(by_table.items()):
            if not read_columns:
                raise self._error("query", f"it reads no column of {name}: is a name taken from the SELECT around it?")
        self._check_query_names(text, by_table)
        self._check_query_types(text, named)
        own: set[str] = set()
        if self.rule.resource in by_table and _is_own_row(text, self.rule.resource):
            own = by_table.pop(self.rule.resource)
        read_elsewhere = [
            Other(name, frozenset(read_columns), "")
            for name, read_columns in sorted(by_table.items())
            if issubclass(self.tables[name], Placed)
        ]
        return text, columns, own, read_elsewhere

    def _query_columns(self, sql: str, named: Collection[str], box: Sandbox) -> tuple[str, ...]:
        columns = self._translated("query", lambda: box.columns(f"SELECT * FROM ({sql})", tables=named))
        for needed in ("uid", "ok"):
            if needed not in columns:
                raise self._error("query", f"it must give a column named {needed}")
        for name in columns:
            if columns.count(name) > 1 or not re.fullmatch("[a-z][a-z0-9_]*", name):
                raise self._error("query", f"its column {name} needs a name of its own: write `AS <name>`")
        return columns

    def _check_query_names(self, text: Text, by_table: Mapping[str, set[str]]) -> None:
        """With several tables every column is written with its table's alias, so that none is taken from outside."""
        tokens = text.tokens
        aliases = {tokens[n + 1].text for n, token in enumerate(tokens[:-1]) if token.text == "as"}
        aliases |= {tokens[n].text for n in range(1, len(tokens)) if tokens[n - 1].text in by_table}
        aliases |= {  # WITH x AS (…)
            tokens[n].text for n in range(len(tokens) - 2)
            if tokens[n + 1].text == "as" and tokens[n + 2].text in ("(", "materialized")
        }  # fmt: skip
        read = {column for columns in by_table.values() for column in columns}
        for name in text.names:
            if name.qualifier:
                if name.qualifier not in aliases and name.qualifier not in by_table:
                    raise self._error("query", f"{name}: there is no {name.qualifier}")
                continue
            alone = name.column in read and len(by_table) == 1
            if alone or name.column in by_table or name.column in aliases - read or tokens[name.first - 1].text == "as":
                continue
            if name.column in read:
                raise self._error("query", f"{name.column}: write it with its table's alias")
            raise self._error("query", f"{name.column} is not read: it is misspelt, or SQLite leaves that part out")

    def _check_query_types(self, text: Text, named: Collection[str]) -> None:
        words = [token.text for token in text.tokens]
        aliases = {name: self.tables[name].columns() for name in named}
        for number, word in enumerate(words[:-1]):
            if word in named:
                alias = words[number + 2 : number + 3] if words[number + 1] == "as" else words[number + 1 : number + 2]
                aliases.update(dict.fromkeys(alias, self.tables[word].columns()))
        alone = self.tables[next(iter(named))].columns() if len(named) == 1 else {}
        types = {}
        for name in text.names:
            column = aliases.get(name.qualifier, {}).get(name.column) if name.qualifier else alone.get(name.column)
            if column and text.tokens[name.first - 1].text != "as":
                types[name.first] = types[name.last] = column
        try:
            check_types(text.tokens, types)
        except Refused as error:
            raise self._error("query", str(error)) from error

    def _message(self) -> message.Template:
        try:
            template = message.parse(self.rule.message)
        except ValueError as error:
            raise self._error("message", str(error)) from error
        places = {
            "": self.subject, "environment": self.environment, "parameter": self.parameters, "query": self.query,
        }  # fmt: skip
        for reference in template.references:
            column = places.get(reference.qualifier, {}).get(reference.column)
            shown = f"{reference.qualifier}.{reference.column}".removeprefix(".")
            if column is None:
                raise self._error("message", f"{{{shown}}}: there is no such column")
            if reference.format and column.type not in (*message.FORMATS[reference.format].types, object):
                raise self._error("message", f"{{{shown}:{reference.format}}}: the column is {column.type.__name__}")
        return template

    # What may be written

    def _accept(self, key: str, reader: Callable[[str], Text], sql: str) -> Text:
        try:
            return reader(sql)
        except Refused as error:
            raise self._error(key, str(error)) from error

    def _check_names(self, key: str, text: Text, scopes: Mapping[str, Mapping[str, Column]], bare: str) -> None:
        types: dict[int, Column] = {}
        for name in text.names:
            if name.qualifier:
                if name.qualifier not in scopes:
                    raise self._error(key, f"{name}: columns are those of {', '.join(scopes)}")
                if name.column not in scopes[name.qualifier]:
                    raise self._error(key, f"{name}: there is no such column")
            else:
                having = [scope for scope, columns in scopes.items() if name.column in columns]
                if bare not in having:
                    hint = f"write {having[0]}.{name.column}" if having else "there is no such column"
                    raise self._error(key, f"{name.column}: {hint}")
                if bare == "r" and len(having) > 1:
                    raise self._error(key, f"{name.column}: write {' or '.join(f'{s}.{name.column}' for s in having)}")
            column = scopes[name.qualifier or bare][name.column]
            types[name.first] = types[name.last] = column
        try:
            check_types(text.tokens, types)
        except Refused as error:
            raise self._error(key, str(error)) from error

    def _check_read(self, key: str, names: set[tuple[str, str]], reads: set[tuple[str, str]]) -> None:
        reads = {read for read in reads if read[1]}
        if unread := sorted(names - reads):
            qualifier, column = unread[0]
            raise self._error(key, f"{qualifier}.{column} is not read: SQLite leaves out the part that names it")
        if not reads:
            raise self._error(key, "it reads no column, so its answer is always the same")

    # Compiling

    @property
    def _context(self) -> frozenset[str]:
        return frozenset({self.rule.resource, "environment", "parameter", "query"})

    def _sources(self) -> str:
        parts = [f"main.{self.rule.resource} AS r", "main.environment AS environment"]
        parts += ["main.parameter AS parameter"] if self.parameters else []
        parts += ["main.query AS query"] if self.query else []
        return ", ".join(parts)

    def _qualifiers(self, reads: Iterable[Read]) -> set[tuple[str, str]]:
        names = {self.rule.resource: "r", "environment": "environment", "parameter": "parameter", "query": "query"}
        return {(("c" if read.database == "other" else names[read.table]), read.column) for read in reads}

    def _lineage(self, key: str, sql: str, tables: Collection[str], *, within: Sandbox | None = None) -> set[Read]:
        return self._translated(key, lambda: (within or self.expressions).reads(sql, tables=tables))

    @functools.cached_property
    def expressions(self) -> Sandbox:
        """Empty tables for all expressions: the subject and its context; apart from them, what quantifiers read."""
        connection = self._database({self.rule.resource, "environment"})
        connection.execute("ATTACH ':memory:' AS other")
        for name in {quantifier.of for quantifier in self.rule.quantifiers}:
            connection.execute(self.tables[name].ddl().replace("CREATE TABLE ", "CREATE TABLE other.", 1))
        for name, columns in (("parameter", self.parameters), ("query", self.query)):
            if columns:
                connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        return Sandbox(connection, deadline=5)

    def _database(self, names: Iterable[str]) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)
        self.databases.enter_context(closing(connection))
        for name in names:
            connection.execute(self.tables[name].ddl())
        return connection

    def _translated(self, key: str, use: Callable[[], T]) -> T:
        """What `use` gives; where SQLite refuses, say where in the rule. Raises RuleError."""
        try:
            return use()
        except (sqlite3.Error, DeadlineError) as error:
            raise self._error(key, str(error)) from error

    def _error(self, key: str, problem: str) -> RuleError:
        return RuleError(self.rule.id, f"{self.rule.at(key)}: {key}: {problem}")


def _column(name: str, kind: type) -> Column:
    return Column(name, kind, True, "")


def _qualified(name: Name, bare: str) -> tuple[str, str]:
    return (name.qualifier or bare, name.column)


# Quantifiers


def _place(within: str) -> str:
    """Which rows are looked at. A row whose place is NULL may be in any place."""
    match within:
        case "resource":
            return "c.uid = r.uid"
        case "account":
            return "(c.account = r.account) IS NOT 0"
        case "region":
            return "(c.account = r.account AND c.region IN (r.region, '')) IS NOT 0"
        case "cluster":
            return "(c.cluster = r.cluster) IS NOT 0"
    return "1"


def _condition(quantifier: Quantifier, where: str) -> str:
    """What is looked for in each row: NULL where the row, or whether it is in the place at all, is not known."""
    where = f"({where})" if quantifier.kind != "all" else f"NOT ({where})"
    match quantifier.within:
        case "account":
            return f"c.account = r.account AND {where}"
        case "region":
            return f"c.account = r.account AND c.region IN (r.region, '') AND {where}"
        case "cluster":
            return f"c.cluster = r.cluster AND {where}"
    return where


def _aggregate(quantifier: Quantifier, place: str, condition: str) -> str:
    """Whether some row meets the condition: true if one does, else NULL if one may, else false."""
    rows = f"SELECT NOT NOT ({condition}) AS p FROM {quantifier.of} AS c WHERE {place}"
    some = f"(SELECT CASE WHEN max(p) THEN 1 WHEN count(*) > count(p) THEN NULL ELSE 0 END FROM ({rows}))"
    return f"({_FORMS[quantifier.kind].format(some)})"


# Queries


def _named_tables(text: Text, declared: Mapping[str, type[Row]]) -> frozenset[str]:
    """The tables that a query names."""
    return frozenset(name.column for name in text.names if not name.qualifier and name.column in declared)


@functools.cache
def _tables_in(query: str) -> frozenset[str]:
    return _named_tables(lexical.query(query), tables()) if query else frozenset()


def _is_own_row(text: Text, resource: str) -> bool:
    """Whether each row that the query gives comes of that one row of the subject's table which has its uid.

    It does where the table is named once, by the outermost SELECT, whose first column is its uid, and where rows are
    grouped by nothing coarser. All else counts as reading the table as a whole.
    """
    if [token.text for token in text.tokens].count(resource) != 1:
        return False
    words = _outermost(text.tokens)
    if words[0] != "select" or resource not in words or {"union", "except", "intersect"} & set(words):
        return False
    at = words.index(resource)
    alias = words[at + 2] if words[at + 1 : at + 2] == ["as"] else resource
    uid = [alias, ".", "uid"] if words[1:4] == [alias, ".", "uid"] else ["uid"]
    after = words[1 + len(uid) :]
    if words[1 : 1 + len(uid)] != uid or not (after[:1] == [","] or after[:2] == ["as", "uid"]):
        return False
    if "group" in words:
        by = words[words.index("group") + 2 :]
        return by[:3] == [alias, ".", "uid"] or by[:1] == ["uid"]
    return not any(word in lexical.AGGREGATES and words[n + 1 : n + 2] == ["("] for n, word in enumerate(words))


def _outermost(tokens: tuple[Token, ...]) -> list[str]:
    """The words of the outermost SELECT: what stands in a SELECT of its own in parentheses is left out."""
    words: list[str] = []
    inside = 0  # parentheses open since an inner SELECT began
    for number, token in enumerate(tokens):
        if inside:
            inside += (token.text == "(") - (token.text == ")")
        elif token.text == "(" and number + 1 < len(tokens) and tokens[number + 1].text in ("select", "with"):
            inside = 1
        else:
            words.append(token.text)
    return words


# Types

_TRUTH_BEFORE = frozenset({"", "(", "and", "or", "not", "when"})
_TRUTH_AFTER = frozenset({"", ")", "and", "or", "then"})


def check_types(tokens: tuple[Token, ...], columns: Mapping[int, Column]) -> None:
    """Refuse a comparison of texts with numbers, and a text taken for true or false. Raises Refused.

    SQLite compares them without complaint: a text is greater than every number, and 'true' is false.
    """

    def kind(number: int) -> str:
        token = tokens[number] if 0 <= number < len(tokens) else None
        if token is None:
            return ""
        if number in columns:
            declared = columns[number].type
            return "" if declared is object else "text" if declared is str else "number"
        return {"string": "text", "number": "number", "parameter": "number"}.get(token.kind, "")

    def text(number: int) -> str:
        return tokens[number].text if 0 <= number < len(tokens) else ""

    between = 0
    for number, token in enumerate(tokens):
        if token.text == "between":
            between += 1
        if token.text in lexical.COMPARISONS and token.kind in ("operator", "word"):
            right = number + 1 + (text(number + 1) == "not")
            left_kind, right_kind = kind(number - 1), kind(right)
            if token.text in ("like", "glob"):
                if "number" in (left_kind, right_kind):
                    raise Refused(f"{token.text.upper()} compares texts, {_shown(tokens, number)} has a number")
            elif left_kind and right_kind and left_kind != right_kind:
                raise Refused(f"{_shown(tokens, number)} compares a text with a number")
        if token.text == "in" and text(number + 1) == "(":
            left = number - 1 - (text(number - 1) == "not")
            end = number + 2
            while text(end) not in (")", "") and text(end) != "select":
                if kind(left) and kind(end) and kind(left) != kind(end) and text(end + 1) in (",", ")"):
                    raise Refused(f"IN compares {text(left)} with {text(end)}, a text with a number")
                end += 1
        if number in columns and columns[number].type is str and text(number - 1) != ".":
            last = number + 2 if text(number + 1) == "." else number
            before, after = text(number - 1), text(last + 1)
            grouped = before != "(" or text(number - 2) not in lexical.SCALARS | lexical.AGGREGATES | {"in"}
            if before == "and" and between:
                between -= 1
            elif before in _TRUTH_BEFORE and after in _TRUTH_AFTER and grouped:
                raise Refused(f"{columns[number].name} is a text, neither true nor false")


def _shown(tokens: tuple[Token, ...], number: int) -> str:
    return " ".join(token.text for token in tokens[max(0, number - 1) : number + 2])
