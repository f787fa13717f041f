"""Puts every resource of an estate into its environment, and says why."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from scanner.environments.deciding import Decision, decide
from scanner.environments.matching import Place, Rule, Subject, Tag, rules
from scanner.environments.model import Config
from scanner.environments.policy import Tier
from scanner.errors import UsageError
from scanner.store.estate import Estate
from scanner.tables import Assignment, Environment, Gap, Requested, Resource, Row, tables
from scanner.tables.aws_account import AwsTag
from scanner.tables.estate import TierwallAllowedPath, TierwallAssignment, TierwallThreshold

# What serves every environment of its place is judged as the first of these that is there.
STRICTEST: tuple[Tier, ...] = (
    "production", "staging", "shared", "integration", "development", "feature", "local",
)  # fmt: skip
_ACCOUNT, _REGION = "aws_account", "aws_region"  # the places themselves: no tag marks them
_CODE = frozenset({"terraform", "cloudformation", "manifests"})
_WRITTEN: tuple[type[Row], ...] = (Environment, Assignment, TierwallAssignment, TierwallThreshold, TierwallAllowedPath)
_SCOPE = "tierwall.yaml"  # of the rows that come from there
_DAY = 86400


class _Found(NamedTuple):
    """A resource's row, as far as it matters here."""

    table: str
    uid: str
    scope: str
    name: str | None
    account: str | None
    region: str | None
    cluster: str | None
    namespace: str | None
    source: str | None
    file: str | None
    line: int | None

    @property
    def place(self) -> Place:
        return Place(
            self.table, self.source or "", self.scope, self.account, self.region, self.cluster, self.namespace,
            self.file or "",
        )  # fmt: skip

    @property
    def is_container(self) -> bool:
        """It is an account or a region, or an object of a whole cluster: no environment's own."""
        return self.table in (_ACCOUNT, _REGION) or (self.table.startswith("kubernetes_") and self.namespace == "")

    @property
    def home(self) -> str:
        """The place that it shares with others."""
        if not self.table.startswith("kubernetes_"):
            return f"aws/{self.account}" + (f"/{self.region}" if self.table == _REGION else "")
        return f"kubernetes/{self.cluster}" if self.source != "manifests" else self.scope


def assign(estate: Estate, config: Config, environment: str | None = None, *, folder: Path | None = None) -> None:
    """Fill `environment`, `assignment` and the tables `tierwall_…` that say how the file was understood.

    Every row of every resource table gets its environment: the most particular match decides (uid, tag, namespace or
    file, account and region, account). With `environment`, code (plans and manifests) is put there, whatever matches.
    Files of code with a relative path are in `folder`; without, in that of tierwall.yaml, as a scan names them.
    What an earlier call wrote is replaced. Raises UsageError for an `environment` that is not declared.
    """
    if environment is not None:
        _declared(config, environment)
    asked = rules(config, folder)
    tags = _Tags(estate, asked)
    matches = _Matches(config, tags, asked)
    found = list(_resources(estate))
    decisions: dict[str, Decision] = {}
    for one in found:
        if environment is not None and one.source in _CODE:
            decisions[one.uid] = Decision(environment, "--environment", (environment,))
        else:
            decisions[one.uid] = matches.decide(one)
    reasons = {one.uid: tags.why(one) for one in found if decisions[one.uid].is_open}
    _containers(found, decisions, reasons, matches)
    expanded = {
        name for decision in decisions.values() for name in (decision.environment, *decision.candidates) if name
    }
    declared = [name for name, one in config.environments.items() if one.each is None or name == environment]
    names = sorted({*declared, *expanded})
    with estate.at_once():
        for kind in _WRITTEN:
            estate.connection.execute(f"DELETE FROM {kind.table}")  # noqa: S608  # a declared table
        estate.connection.execute("DELETE FROM gap WHERE table_name = ?", [TierwallAssignment.table])
        estate.insert(_environments(config, names))
        estate.insert(_allowed_paths(config, names))
        estate.insert(row for one in found for row in _written(one, decisions[one.uid], *reasons.get(one.uid, ("", 0))))
        estate.insert(_unlisted(estate))


def environment_of(config: Config, source: str, file: str) -> str | None:
    """The environment of a file by its place alone; '' where nothing takes it, None where several do."""
    place = Place("", source, "", None, None, None, None, file)
    return _decide([rule for rule in rules(config, Path()) if rule.is_static], Subject("", place, ())).environment


def _declared(config: Config, name: str) -> None:
    template = config.environments.get(name.split("/")[0])
    if template is None or ("/" in name and template.each is None):
        known = ", ".join(config.environments) or "none"
        raise UsageError(f"environment {name}: tierwall.yaml does not declare it; it declares {known}")


def _resources(estate: Estate) -> Iterator[_Found]:
    columns = ", ".join(_Found._fields[1:])
    for name, kind in tables().items():
        if issubclass(kind, Resource) and not name.startswith("tierwall_") and name not in estate.absent:
            for record in estate.connection.execute(f"SELECT {columns} FROM {name} ORDER BY uid"):  # noqa: S608
                yield _Found(name, *record)


class _Tags:
    """The tags that some match asks for, and where they were not read."""

    def __init__(self, estate: Estate, asked: Iterable[Rule]) -> None:
        keys = sorted({key for rule in asked for key, _, _ in rule.tags})
        self._of: defaultdict[str, list[Tag]] = defaultdict(list)
        if keys and AwsTag.table not in estate.absent:
            marks = ", ".join("?" * len(keys))
            wanted = f"key_name IS NULL OR lower(key_name) IN ({marks})"
            query = f"SELECT uid, lower(key_name), value FROM aws_tag WHERE {wanted} ORDER BY uid, ordinal"  # noqa: S608
            for uid, key, value in estate.connection.execute(query, keys):
                self._of[uid].append(Tag(key, value))
        self._requested = {row.scope for row in estate.rows(Requested, "table_name = ?", AwsTag.table)}
        self._missing: dict[tuple[str, str], tuple[str, int]] = {}  # (scope, uid or '') → reason, call
        self._unclear: dict[tuple[str, str], tuple[str, int]] = {}  # the tag is there, its key or value is NULL
        for gap in estate.rows(Gap, "table_name = ?", AwsTag.table):
            kept = self._unclear if gap.column_name else self._missing
            if (gap.scope, gap.uid) not in kept or gap.call:  # one that names a call tells more
                kept[gap.scope, gap.uid] = gap.reason, gap.call

    def of(self, one: _Found) -> list[Tag] | None:
        """The tags; None where they were not read."""
        return None if self._not_read(one) else self._of.get(one.uid, [])

    def why(self, one: _Found) -> tuple[str, int]:
        """Why the tags, or one of them, are not known, and the call; ('', 0) where they are."""
        unclear = self._unclear.get((one.scope, one.uid)) or self._unclear.get((one.scope, ""))
        return self._not_read(one) or unclear or ("", 0)

    def _not_read(self, one: _Found) -> tuple[str, int] | None:
        found = self._missing.get((one.scope, one.uid)) or self._missing.get((one.scope, ""))
        return found or (None if one.scope in self._requested else ("not_requested", 0))


class _Matches:
    """All matches, asked once a place as far as nothing but the place decides."""

    def __init__(self, config: Config, tags: _Tags, asked: list[Rule]) -> None:
        self._config = config
        self._tags = tags
        self._rules = asked
        self._relevant: dict[Place, list[Rule]] = {}
        self._static: dict[Place, Decision] = {}

    def decide(self, one: _Found) -> Decision:
        """What the matches say of the resource by itself."""
        place = one.place
        if place not in self._relevant:
            relevant = [rule for rule in self._rules if rule.place(place)[0] is not False]
            # No tag marks an account or a region, and none is asked of it.
            static = [rule for rule in relevant if rule.is_static]
            self._relevant[place] = static if one.table in (_ACCOUNT, _REGION) else relevant
            self._static[place] = _decide(static, Subject("", place, ()))
        relevant = self._relevant[place]
        if all(rule.is_static for rule in relevant):
            return self._static[place]
        return _decide(relevant, Subject(one.uid, place, self._tags.of(one)))

    def tier(self, name: str) -> Tier:
        """The tier of a declared or expanded environment."""
        return self._config.environments[name.split("/")[0]].tier

    def named(self, one: _Found) -> set[str]:
        """The declared environments whose matches name the account or the cluster."""
        home = one.home
        return {
            rule.environment
            for rule in self._rules
            for name in rule.names
            if self._config.environments[rule.environment].each is None
            and (home == name or (home.startswith(f"{name}/") and rule.place(one.place)[0]))
        }


def _decide(asked: Iterable[Rule], subject: Subject) -> Decision:
    return decide(answer for rule in asked for answer in rule.ask(subject))


def _containers(
    found: Iterable[_Found], decisions: dict[str, Decision], reasons: dict[str, tuple[str, int]], matches: _Matches
) -> None:
    """Decide on accounts, regions and clusters, and on what they share, where no match takes them as a whole.

    They serve every environment that is in there or that a match puts there, so the strictest of these must be content.
    """
    residents: defaultdict[str, set[str]] = defaultdict(set)
    perhaps: defaultdict[str, dict[str, tuple[str, int]]] = defaultdict(dict)  # and why that is not known
    shared = []
    for one in found:
        decision = decisions[one.uid]
        if one.is_container:
            if decision.environment == "" or decision.is_ambiguous:
                shared.append(one)
            continue
        homes = [one.home] if one.table.startswith("kubernetes_") else [one.home, f"{one.home}/{one.region}"]
        for home in homes:
            if decision.environment:
                residents[home].add(decision.environment)
            else:
                perhaps[home] |= dict.fromkeys(decision.candidates, reasons.get(one.uid, ("", 0)))
    for one in shared:
        here = residents[one.home] | matches.named(one)
        order = sorted(here | set(perhaps[one.home]), key=lambda name: (STRICTEST.index(matches.tier(name)), name))
        if not order:
            continue
        because, names = f"shared by {', '.join(order)}", tuple(order)
        if order[0] in here:
            decisions[one.uid] = Decision(order[0], because, names, is_shared=True)
        else:
            decisions[one.uid] = Decision(None, because, names, is_ambiguous=None, is_shared=True)
            reasons[one.uid] = perhaps[one.home][order[0]]


def _written(one: _Found, decision: Decision, reason: str, call: int) -> Iterator[Row]:
    """What is kept of a decision."""
    candidates = " ".join(decision.candidates)
    yield Assignment(
        uid=one.uid, environment=decision.environment, because=decision.because, candidates=candidates,
        reason=reason, call=call,
    )  # fmt: skip
    row: dict[str, Any] = {name: value for name, value in one._asdict().items() if name != "table"}
    row |= {"resource_table": one.table, "is_shared": decision.is_shared}
    row |= {"candidates": candidates, "because": decision.because}
    if not decision.is_open:
        row |= {"is_assigned": decision.environment != "", "is_ambiguous": decision.is_ambiguous}
    yield TierwallAssignment(**row)
    if reason:
        yield Gap(
            scope=one.scope, uid=one.uid, table_name=TierwallAssignment.table, reason=reason, call=call,
            detail=f"would decide: {decision.because}",
        )  # fmt: skip


def _unlisted(estate: Estate) -> list[Gap]:
    """Where resources could not be listed, nobody can tell what belongs to no environment: a gap a scope."""
    listed = {name for name, kind in tables().items() if issubclass(kind, Resource)}
    first: dict[str, Gap] = {}
    for gap in estate.rows(Gap, "uid = '' AND column_name = ''"):
        if gap.table_name in listed and gap.scope not in first:
            first[gap.scope] = Gap(
                scope=gap.scope,
                table_name=TierwallAssignment.table,
                reason=gap.reason,
                call=gap.call,
                detail=gap.detail,
            )
    return list(first.values())


def _environments(config: Config, names: Iterable[str]) -> Iterator[Row]:
    """The environments there are, and one row for none."""
    kinds = Environment.columns()
    nowhere: dict[str, Any] = {"id": ""}
    yield Environment(**nowhere)
    for name in names:
        declared, _, branch = name.partition("/")
        environment = config.environments[declared]
        thresholds = config.thresholds(declared)
        row: dict[str, Any] = {
            "id": name,
            "tier": environment.tier,
            "is_production": environment.tier == "production",
            "owner": environment.owner or "",
            "mirrors": environment.mirrors or "",
            "branch": branch,
            "holds_personal_data": "personal-data" in environment.holds,
            "holds_health_data": "health-data" in environment.holds,
            "holds_financial_records": "financial-records" in environment.holds,
        }
        for column, threshold in thresholds.items():
            row[column] = bool(threshold.value) if kinds[column].type is bool else threshold.value
        yield Environment(**row)
        for column, threshold in thresholds.items():
            yield TierwallThreshold(
                scope=_SCOPE, uid=f"threshold:{name}/{column}", name=column, environment=name, column_name=column,
                value=threshold.value, origin=threshold.origin,
            )  # fmt: skip


def _allowed_paths(config: Config, names: Iterable[str]) -> Iterator[Row]:
    """One row a port and pair; an environment with `each` stands for all that it became."""
    all_names = list(names)
    for number, allowed in enumerate(config.allowed_paths):
        # It holds to the end of its last day.
        expires = 0
        if allowed.expires:
            midnight = dt.datetime.combine(allowed.expires, dt.time(), dt.UTC)
            expires = int(midnight.timestamp()) + _DAY
        for origin in _meant(allowed.from_, all_names):
            for to in _meant(allowed.to, all_names):
                for port in allowed.ports or (-1,):
                    yield TierwallAllowedPath(
                        scope=_SCOPE, uid=f"allowed:{number}/{origin}/{to}/{port}", from_environment=origin,
                        to_environment=to, plane=allowed.plane, port=port, reason=allowed.reason,
                        ticket=allowed.ticket or "", expires=expires,
                    )  # fmt: skip


def _meant(name: str, names: Iterable[str]) -> list[str]:
    return [one for one in names if one == name or one.startswith(f"{name}/")]
