"""Frameworks: the controls of a law, a standard or a policy, and the rules that decide their clauses."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from scanner.errors import ConfigError, UsageError
from scanner.safe.entries import Entry, read_entry
from scanner.safe.files import walk

AUTOMATION = ("full", "partial", "none")
METHODS = ("test", "examine", "interview")
STRENGTHS = ("full", "partial")
LONGEST_DAYS = 1_830  # five years: nothing attested holds longer


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a requirement."""

    text: str
    rules: tuple[str, ...] = ()
    strength: str = "full"  # full: the rules decide the clause; partial: they decide a part of it


@dataclass(frozen=True, slots=True)
class Request:
    """What a person is asked to attest, and how long the answer holds."""

    id: str
    asks: str
    every_days: int


@dataclass(frozen=True, slots=True)
class Control:
    """One requirement."""

    id: str
    citation: str
    title: str
    text: str
    owner: str
    automation: str  # full: rules decide every clause; partial: some; none
    method: str  # test, examine, interview: how an auditor gets to know
    checks: tuple[Clause, ...]
    attestations: tuple[Request, ...] = ()
    tiers: tuple[str, ...] = ()  # it is about environments of these alone; none: about all


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework file."""

    id: str
    title: str
    version: str
    source: str  # the law, standard or document, as one would cite it
    controls: tuple[Control, ...]
    digest: str = ""  # SHA-256 of the file

    @property
    def asked(self) -> frozenset[tuple[str, str]]:
        """What people are asked to attest: (control, request)."""
        return frozenset((control.id, request.id) for control in self.controls for request in control.attestations)


def load_frameworks(
    folder: Path | None = None, names: Sequence[str] = (), rules: Collection[str] | None = None
) -> tuple[Framework, ...]:
    """The frameworks of a folder, the shipped ones without it; `names` picks some, in that order.

    With `rules`, every rule that a clause names must be one of them. Raises ConfigError with file and line, and
    UsageError for a name that no file has.
    """
    if folder is None:
        from scanner.bundled import bundled

        folder = bundled("rules", "frameworks")
    paths = {path.stem: path for path in walk(folder, (".yaml",))}
    for name in names:
        if name not in paths:
            raise UsageError(f"there is no framework {name!r}; choose from {', '.join(paths)}")
    return tuple(_framework(paths[name], rules) for name in names or paths)


def _framework(path: Path, rules: Collection[str] | None) -> Framework:
    document, data = read_entry(path)
    controls: dict[str, Control] = {}
    for entry in document.entries("controls"):
        control = _control(entry, rules)
        if control.id in controls:
            raise entry.wrong(f"the control {control.id} stands in this file twice", key="id")
        controls[control.id] = control
    framework = Framework(
        id=document.text("id"),
        title=document.text("title"),
        version=document.text("version"),
        source=document.text("source"),
        controls=tuple(controls.values()),
        digest=hashlib.sha256(data).hexdigest(),
    )
    document.close()
    if framework.id != path.stem:
        raise document.wrong(f"the id {framework.id!r} is not the file's name", key="id")
    if not controls:
        raise ConfigError(document.where, "has no controls")
    return framework


def _control(entry: Entry, rules: Collection[str] | None) -> Control:
    control = Control(
        id=entry.text("id"),
        citation=entry.text("citation"),
        title=entry.text("title"),
        text=entry.text("text"),
        owner=entry.text("owner"),
        automation=entry.choice("automation", AUTOMATION),
        method=entry.choice("method", METHODS),
        checks=tuple(_clause(clause, rules) for clause in entry.entries("checks")),
        attestations=tuple(_request(request) for request in entry.entries("attestations")),
        tiers=entry.texts("tiers"),
    )
    entry.close()
    if control.tiers:
        _check_tiers(entry, control.tiers)
    if not control.checks:
        raise entry.wrong(f"{control.id} has no checks", "name each clause of the requirement, also without rules")
    decided = [bool(clause.rules) for clause in control.checks]
    whole = all(clause.rules and clause.strength == "full" for clause in control.checks)
    if control.automation == "full" and not whole:
        raise entry.wrong(
            f"{control.id} says full, but not every clause is decided by rules", "write partial or none", "automation"
        )
    if control.automation == "full" and control.attestations:
        raise entry.wrong(f"{control.id} says full, and asks people to attest", "write partial", "automation")
    if (control.automation == "none") == any(decided):
        fitting = "partial or full" if any(decided) else "none"
        raise entry.wrong(
            f"{control.id} says {control.automation}; write {fitting}", "its clauses decide", "automation"
        )
    return control


def _check_tiers(entry: Entry, tiers: Collection[str]) -> None:
    from scanner.environments.policy import TIERS  # brings pydantic, which most readers of frameworks have no use for

    for tier in tiers:
        if tier not in TIERS:
            raise entry.wrong(f"there is no tier {tier!r}", f"write some of {', '.join(TIERS)}", "tiers")


def _clause(entry: Entry, rules: Collection[str] | None) -> Clause:
    clause = Clause(entry.text("clause"), entry.texts("rules"), entry.choice("strength", STRENGTHS, "full"))
    entry.close()
    for rule in clause.rules:
        if rules is not None and rule not in rules:
            raise entry.wrong(f"there is no rule {rule!r}", "`tierwall rules list` names them", "rules")
    return clause


def _request(entry: Entry) -> Request:
    request = Request(entry.text("id"), entry.text("asks"), entry.days("every", LONGEST_DAYS))
    entry.close()
    return request
