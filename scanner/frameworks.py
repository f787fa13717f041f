"""Frameworks: the controls of a law, a standard or a policy, and the rules that decide their clauses."""

from __future__ import annotations

from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework file."""

    id: str
    title: str
    version: str
    source: str  # the law, standard or document, as one would cite it
    controls: tuple[Control, ...]
    digest: str = ""  # SHA-256 of the file
