"""Rule files become rules. Whatever a file says is checked here, and each refusal names the file and the line."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.bundled import bundled
from scanner.errors import InputError, RuleError
from scanner.rules.rule import QUANTIFIERS, SEVERITIES, WITHIN, Parameter, Quantifier, Rule
from scanner.tables import REASONS, Child, Value, tables

if TYPE_CHECKING:
    from scanner.rules.lock import Lock
    from scanner.safe.yaml import YamlDocument

TIERS = ("local", "feature", "integration", "development", "staging", "production", "shared")
NOT_RULES = frozenset({"frameworks"})  # folders beside those of the rules that hold something else

# Keys at the left edge of a file, where YAML cannot have a text of its own.
_EXAMPLES = re.compile(rb"^examples:.*\n(?:(?:[ \-#].*)?\n)*", re.MULTILINE)
_RETIRED = re.compile(rb"^retired:", re.MULTILINE)
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TEXTS = ("id", "title", "severity", "why", "fix", "resource", "message")
_OPTIONAL: dict[str, type | tuple[type, ...]] = {
    "when": str, "require": str, "query": str, "retired": str, "none": (dict, list), "any": (dict, list),
    "all": (dict, list), "parameters": dict, "see_also": dict, "null_means": dict, "examples": list,
}  # fmt: skip
_EXAMPLE = {"name", "row", "tables", "environment", "parameters", "gaps", "as_of", "expect"}
_GAP = {"scope", "uid", "table", "column", "reason"}
_STATUSES = ("pass", "fail", "unknown", "not_applicable")
_WANTED = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class Unread:
    """The file of a rule that the lock knows, byte for byte: it is read, without its examples, when it is asked for."""

    id: str
    resource: str
    digest: str
    data: bytes
    path: Path

    @functools.cached_property
    def rule(self) -> Rule:
        """Raises RuleError and InputError, which cannot happen to what was checked when it was locked."""
        return parse_rule(_EXAMPLES.sub(b"", self.data), self.path, self.digest)


@dataclass(frozen=True)
class Rules(Mapping[str, Rule]):
    """Rules in force by id, in the order of their ids; retired ones apart."""

    _rules: Mapping[str, Rule | Unread] = field(default_factory=dict)
    _retired: Mapping[str, Rule | Unread] = field(default_factory=dict)

    def __getitem__(self, rule: str) -> Rule:
        found = self._rules[rule]
        return found.rule if isinstance(found, Unread) else found

    def __contains__(self, rule: object) -> bool:
        return rule in self._rules

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    @property
    def retired(self) -> Mapping[str, Rule]:
        """Those that are judged no more."""
        return Rules(self._retired)

    @property
    def digest(self) -> str:
        """SHA-256 over the ids and files of the rules in force."""
        listed = "".join(f"{rule.id} {rule.digest}\n" for rule in self._rules.values())
        return hashlib.sha256(listed.encode()).hexdigest()

    @property
    def resources(self) -> frozenset[str]:
        """The tables that they judge."""
        return frozenset(rule.resource for rule in self._rules.values())

    def about(self, tables: Collection[str]) -> Rules:
        """Those that judge one of the tables."""
        return Rules({name: rule for name, rule in self._rules.items() if rule.resource in tables}, self._retired)

    def find(self, name: str) -> tuple[Rule, ...]:
        """The rules of that id, or of what another tool calls it: `prowler:rds_instance_backup_enabled`."""
        if name in self._rules:
            return (self[name],)
        tool, _, other = name.partition(":")
        return tuple(rule for rule in self.values() if other and other in rule.see_also.get(tool, ()))

    def only(self, names: Iterable[str]) -> Rules:
        """Those that `find` finds for any of the names. Raises RuleError for a name that finds none."""
        chosen = {}
        for name in names:
            found = self.find(name)
            if not found:
                raise RuleError(name, "there is no such rule; `tierwall rules list` shows all")
            chosen.update({rule.id: rule for rule in found})
        return Rules(dict(sorted(chosen.items())), self._retired)


def load_rules(paths: Iterable[Path] | None = None, locked: Lock | None = None, *, brief: bool = False) -> Rules:
    """The rules of the files and folders, by default those shipped.

    Every rule is compiled. One whose file is not what the lock says has its examples and its soundness checked as
    well; without `locked`, the shipped lock counts. `brief` is for whoever judges few tables: rules that the lock knows
    are neither read nor compiled until they are asked for, and have no examples. Raises RuleError and InputError.
    """
    from scanner.rules.lock import Lock
    from scanner.safe.files import read_bytes

    lock = Lock.shipped() if locked is None else locked
    known = lock.by_digest if brief else {}
    rules: dict[str, Rule | Unread] = {}
    retired: dict[str, Rule | Unread] = {}
    for path in sorted(set(rule_files(paths))):
        data = read_bytes(path)
        digest = hashlib.sha256(data).hexdigest()
        found: Rule | Unread
        if (name := known.get(digest)) and path.stem == name:
            found = Unread(name, lock.rules[name].resource, digest, data, path)
        else:
            found = parse_rule(data, path, digest)
            lock.check_resource(found)
        if other := rules.get(found.id) or retired.get(found.id):
            raise RuleError(found.id, f"{path}: {other.path} has the same id")
        is_retired = _RETIRED.search(data) is not None if isinstance(found, Unread) else found.retired != ""
        (retired if is_retired else rules)[found.id] = found
    for rule in rules.values():
        if isinstance(rule, Rule):
            _ = rule.compiled
            if not lock.has(rule):
                from scanner.rules.examples import check

                check(rule)
    return Rules(dict(sorted(rules.items())), dict(sorted(retired.items())))


def rule_files(paths: Iterable[Path] | None = None) -> Iterator[Path]:
    """The rule files below the paths, by default those shipped."""
    from scanner.safe.files import walk

    for path in [bundled("rules")] if paths is None else paths:
        for found in walk(path, (".yaml", ".yml")):
            if not NOT_RULES & set(found.relative_to(path).parts[:-1]):
                yield found


def read_rule(path: Path) -> Rule:
    """The rule of one file, neither compiled nor checked by its examples. Raises RuleError and InputError."""
    from scanner.safe.files import read_bytes

    return parse_rule(read_bytes(path), path)


def parse_rule(data: bytes, path: Path, digest: str = "") -> Rule:
    """The rule that a file's content declares; `digest` is the whole file's where this is a part of it.

    Raises RuleError and InputError.
    """
    from scanner.safe.yaml import Dialect, Limits, load

    documents = load(data, str(path), Dialect.CORE, Limits(size=200_000, depth=20, aliases=100, nodes=20_000))
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        raise InputError(str(path), "a rule is one mapping", "see docs/rules.md")
    return _Reader(path, documents[0], digest or hashlib.sha256(data).hexdigest()).rule()


class _Reader:
    def __init__(self, path: Path, document: YamlDocument, digest: str) -> None:
        self.path = path
        self.document = document
        self.given: dict[str, Any] = document.value
        self.digest = digest

    def rule(self) -> Rule:
        given = self.given
        self._keys((), given, {*_TEXTS, *_OPTIONAL})
        for key in _TEXTS:
            if key not in given:
                raise self._error((), f"`{key}` is missing")
            self._text((key,))
        for key, kind in _OPTIONAL.items():
            if key in given and not isinstance(given[key], kind):
                raise self._error((key,), "is of the wrong kind; a text that looks like a number goes in quotes")
        if not _ID.fullmatch(given["id"]) or self.path.stem != given["id"]:
            raise self._error(("id",), "an id has small letters, digits and hyphens, and is the file's name")
        if given["severity"] not in SEVERITIES:
            raise self._error(("severity",), f"one of {', '.join(SEVERITIES)}")
        if given["resource"] not in tables():
            raise self._error(("resource",), f"there is no table {given['resource']}")
        for key in ("when", "require", "query", "retired"):
            if key in given:
                self._text((key,))
        if not {"require", "query", *QUANTIFIERS} & set(given):
            raise self._error((), "it requires nothing: give require, none, any, all or query")
        parameters = {name: self._parameter(name) for name in given.get("parameters", {})}
        return Rule(
            **{key: given[key] for key in _TEXTS},
            when=given.get("when", ""),
            require=given.get("require", ""),
            quantifiers=tuple(self._quantifiers()),
            query=given.get("query", ""),
            parameters=parameters,
            see_also={tool: self._see_also(tool) for tool in given.get("see_also", {})},
            null_means={name: self._text(("null_means", name)) for name in given.get("null_means", {})},
            examples=tuple(self._example(n, parameters) for n in range(len(given.get("examples", [])))),
            retired=given.get("retired", ""),
            path=self.path,
            digest=self.digest,
            lines={key: self.document.line((key,)) for key in given},
        )

    def _quantifiers(self) -> Iterator[Quantifier]:
        for kind in QUANTIFIERS:
            given = self.given.get(kind, [])
            several = isinstance(given, list)
            for number, one in enumerate(given if several else [given]):
                at = (kind, number) if several else (kind,)
                if not isinstance(one, dict):
                    raise self._error(at, "a mapping with `of` and `where`")
                self._keys(at, one, {"of", "where", "within"})
                for key in ("of", "where"):
                    if key not in one:
                        raise self._error(at, f"`{key}` is missing")
                of, where = self._text((*at, "of")), self._text((*at, "where"))
                if of not in tables():
                    raise self._error((*at, "of"), f"there is no table {of}")
                within = one.get("within", "resource" if issubclass(tables()[of], Child) else "")
                if within not in ("", *WITHIN):
                    raise self._error((*at, "within"), f"one of {', '.join(WITHIN)}; left out for everywhere")
                yield Quantifier(kind, of, where, within)

    def _parameter(self, name: str) -> Parameter:
        at = ("parameters", name)
        given = self.given["parameters"][name]
        if not isinstance(given, dict) or not _NAME.fullmatch(name):
            raise self._error(at, "a parameter is a name (small letters, digits, _) and a mapping with `default`")
        self._keys(at, given, {"default", "unit", "description", *TIERS})
        for key in ("default", "description"):
            if key not in given:
                raise self._error(at, f"`{key}` is missing")
        values = {key: self._plain((*at, key), value) for key, value in given.items() if key in ("default", *TIERS)}
        default = values.pop("default")
        if default is None or any(type(value) is not type(default) for value in values.values()):
            raise self._error(at, "all its values are of one type, and none is null")
        unit = self._text((*at, "unit")) if "unit" in given else ""
        return Parameter(name, default, values, unit, self._text((*at, "description")))

    def _see_also(self, tool: str) -> tuple[str, ...]:
        names = self.given["see_also"][tool]
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise self._error(("see_also", tool), "a list of names")
        return tuple(names)

    # Examples

    def _example(self, number: int, parameters: Mapping[str, Parameter]) -> Mapping[str, Any]:
        at: tuple[str | int, ...] = ("examples", number)
        given = self.given["examples"][number]
        if not isinstance(given, dict):
            raise self._error(at, "an example is a mapping")
        self._keys(at, given, _EXAMPLE)
        self._text((*at, "name"))
        self._expect((*at, "expect"), given.get("expect"))
        example: dict[str, Any] = {"name": given["name"], "expect": given["expect"]}
        example["row"] = self._row((*at, "row"), self.given["resource"], given.get("row", {}))
        example["tables"] = {}
        for name, rows in self._mapping((*at, "tables"), given.get("tables", {})).items():
            if name not in tables() or not isinstance(rows, list):
                raise self._error((*at, "tables", name), "tables of this name with a list of rows")
            example["tables"][name] = tuple(
                self._row((*at, "tables", name, n), name, row) for n, row in enumerate(rows)
            )
        environment = given.get("environment", {})
        if environment is not None and environment != "":
            environment = self._row((*at, "environment"), "environment", environment)
        example["environment"] = environment
        overridden = self._mapping((*at, "parameters"), given.get("parameters", {}))
        self._keys((*at, "parameters"), overridden, set(parameters))
        example["parameters"] = {
            name: self._plain((*at, "parameters", name), value) for name, value in overridden.items()
        }
        gaps = given.get("gaps", [])
        if not isinstance(gaps, list):
            raise self._error((*at, "gaps"), "a list of gaps")
        example["gaps"] = tuple(self._gap((*at, "gaps", n), gap) for n, gap in enumerate(gaps))
        example["as_of"] = self._time((*at, "as_of"), given.get("as_of", 0))
        return example

    def _expect(self, at: tuple[str | int, ...], expect: object) -> None:
        """A status, or for a query with discriminators a status each."""
        statuses = list(expect.values()) if isinstance(expect, dict) and "query" in self.given else [expect]
        if not statuses or not all(isinstance(status, str) and status in _STATUSES for status in statuses):
            raise self._error(at, f"`expect` is one of {', '.join(_STATUSES)}")

    def _row(self, at: tuple[str | int, ...], table: str, given: object) -> dict[str, Value]:
        columns = tables()[table].columns()
        row = self._mapping(at, given)
        self._keys(at, row, set(columns))
        out: dict[str, Value] = {}
        for name, value in row.items():
            kind = columns[name].type
            if kind is int and isinstance(value, str) and columns[name].unit == "UTC seconds":
                out[name] = self._time((*at, name), value)
            elif kind is bool and value in (0, 1) and isinstance(value, int):
                out[name] = int(value)
            elif value is None and columns[name].nullable:
                out[name] = None
            elif isinstance(value, str | int | float) and (
                type(value) is kind or (kind is float and type(value) is int)
            ):
                out[name] = value
            else:
                raise self._error((*at, name), f"{table}.{name} is {_WANTED[kind]}")
        return out

    def _gap(self, at: tuple[str | int, ...], given: object) -> Mapping[str, str]:
        gap = self._mapping(at, given)
        self._keys(at, gap, _GAP)
        for key, value in gap.items():
            if not isinstance(value, str):
                raise self._error((*at, key), "a text")
        table = gap.get("table", self.given["resource"])
        if table not in tables() or gap.get("column", "") not in ("", *tables()[table].columns()):
            raise self._error(at, f"there is no {table}.{gap.get('column', '')}")
        if gap.get("reason", "denied") not in REASONS:
            raise self._error((*at, "reason"), f"one of {', '.join(REASONS)}")
        return dict(gap)

    def _time(self, at: tuple[str | int, ...], value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        try:
            moment = dt.datetime.fromisoformat(str(value))
        except ValueError as error:
            raise self._error(at, "a time is UTC seconds or such as 2026-01-31T12:00:00Z") from error
        return int(moment.replace(tzinfo=moment.tzinfo or dt.UTC).timestamp())

    # Small checks

    def _keys(self, at: tuple[str | int, ...], given: Mapping[str, Any], known: set[str]) -> None:
        for key in given:
            if key not in known:
                raise self._error((*at, key), f"unknown key `{key}`; known are {', '.join(sorted(known)) or 'none'}")

    def _mapping(self, at: tuple[str | int, ...], given: object) -> Mapping[str, Any]:
        if not isinstance(given, dict):
            raise self._error(at, "a mapping")
        return given

    def _text(self, at: tuple[str | int, ...]) -> str:
        value: Any = self.given
        for part in at:
            value = value.get(part) if isinstance(value, dict) else value[part]
        if not isinstance(value, str) or not value.strip():
            raise self._error(at, "a text; one that looks like a number goes in quotes")
        return value.strip()

    def _plain(self, at: tuple[str | int, ...], value: object) -> Value:
        if isinstance(value, bool):
            return int(value)
        if value is None or isinstance(value, str | int | float):
            return value
        raise self._error(at, "a number, a text, or true or false")

    def _error(self, at: tuple[str | int, ...], problem: str) -> RuleError:
        where = ".".join(str(part) for part in at)
        name = self.given.get("id")
        return RuleError(
            name if isinstance(name, str) else self.path.stem,
            f"{self.document.at(at)}: {f'{where}: ' if where else ''}{problem}",
        )
