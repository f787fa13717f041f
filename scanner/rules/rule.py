"""A rule as its file declares it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scanner.tables import Value

if TYPE_CHECKING:
    from scanner.rules.compile import Compiled

SEVERITIES = ("critical", "high", "medium", "low")
QUANTIFIERS = ("none", "any", "all")
WITHIN = ("resource", "account", "region", "cluster")  # '' beside these: everywhere

Within = Literal["", "resource", "account", "region", "cluster"]


@dataclass(frozen=True, slots=True)
class Quantifier:
    """`none`, `any` or `all` rows of a table, in a place, for which an expression holds."""

    kind: str
    of: str
    where: str
    within: str  # one of WITHIN, or '' for everywhere


@dataclass(frozen=True, slots=True)
class Parameter:
    """A threshold that the rule brings along, with a default for each tier that differs."""

    name: str
    default: Value
    by_tier: Mapping[str, Value] = field(default_factory=dict)
    unit: str = ""
    description: str = ""

    def value(self, tier: str | None) -> Value:
        """The default for a tier. None, which is «not known», where no tier is known and it would matter."""
        if tier is None and any(other != self.default for other in self.by_tier.values()):
            return None
        return self.by_tier.get(tier or "", self.default)


@dataclass(frozen=True, eq=False)
class Rule:
    """One requirement on one kind of resource. Two rules are the same when their `digest` is."""

    id: str
    title: str
    severity: str
    why: str
    fix: str
    resource: str
    message: str
    when: str = ""
    require: str = ""
    quantifiers: tuple[Quantifier, ...] = ()
    query: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    see_also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    null_means: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[Mapping[str, Any], ...] = ()
    retired: str = ""  # why it is judged no more; '' for a rule in force
    path: Path = Path()
    digest: str = ""  # SHA-256 of the file
    lines: Mapping[str, int] = field(default_factory=dict)  # key → line in the file

    @property
    def area(self) -> str:
        """The folder it lies in: isolation, access, backup, …"""
        return self.path.parent.name

    def at(self, key: str) -> str:
        """`file:line` of a key, for messages."""
        return f"{self.path}:{self.lines.get(key, 1)}"

    @functools.cached_property
    def compiled(self) -> Compiled:
        """Its SQL and lineage. Raises RuleError."""
        from scanner.rules.compile import compile_rule

        return compile_rule(self)
