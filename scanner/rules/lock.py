"""The lock: what each shipped rule file was when its examples and its soundness were checked.

A rule that is as the lock says needs no second check each time it is loaded. Ids live for ever: a rule under an id
judges the same kind of resource as long as the lock knows the id, and its file stays when it is retired.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from scanner.bundled import BundledDataError, bundled
from scanner.errors import RuleError
from scanner.rules.rule import Rule

NAME = "rules.lock"
_HEADER = "# Written by `tierwall rules lock`: id, resource, SHA-256 of the file\n"
_LINE = re.compile(r"(?P<rule>[a-z0-9-]+) (?P<resource>[a-z0-9_]+) (?P<digest>[0-9a-f]{64})")


class Locked(NamedTuple):
    """What the lock knows of a rule."""

    resource: str
    digest: str


@dataclass(frozen=True)
class Lock:
    """Rules that were checked, by id. `Lock()` knows none, so that every rule is checked."""

    rules: Mapping[str, Locked] = field(default_factory=dict)

    @classmethod
    def shipped(cls) -> Lock:
        """The lock of the rules that travel with the scanner; empty in a checkout that has not written it yet."""
        try:
            return cls.read(bundled("rules", NAME))
        except BundledDataError:
            return cls()

    @classmethod
    def read(cls, path: Path) -> Lock:
        """Raises RuleError for a line that is not understood."""
        rules = {}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("#"):
                continue
            match = _LINE.fullmatch(line)
            if match is None:
                raise RuleError(NAME, f"{path}:{number}: is not understood; write it anew with `tierwall rules lock`")
            rules[match["rule"]] = Locked(match["resource"], match["digest"])
        return cls(rules)

    @property
    def by_digest(self) -> Mapping[str, str]:
        """Ids by the digest of their file."""
        return {locked.digest: name for name, locked in self.rules.items()}

    def has(self, rule: Rule) -> bool:
        """The rule is, byte for byte, the one that was checked."""
        return self.rules.get(rule.id) == Locked(rule.resource, rule.digest)

    def check_resource(self, rule: Rule) -> None:
        """An id never comes to mean another kind of resource. Raises RuleError."""
        known = self.rules.get(rule.id)
        if known and known.resource != rule.resource:
            raise RuleError(
                rule.id,
                f"{rule.at('resource')}: it has always judged {known.resource}; "
                f"retire it, and give the rule for {rule.resource} an id of its own",
            )


def write_lock(folder: Path | None = None) -> Path:
    """Check every rule in the folder, by default of the shipped ones, and write its lock. Raises RuleError."""
    from scanner.rules.load import load_rules
    from scanner.safe.files import write_atomic

    root = folder or bundled("rules")
    path = root / NAME
    before = Lock.read(path) if path.is_file() else Lock()
    rules = load_rules([root], Lock())
    found = {**rules, **rules.retired}
    for name in before.rules:
        if name not in found:
            raise RuleError(name, f"its file is gone from {root}; a retired rule keeps it and says `retired:`")
    for rule in found.values():
        before.check_resource(rule)
    lines = "".join(f"{name} {rule.resource} {rule.digest}\n" for name, rule in sorted(found.items()))
    write_atomic(path, (_HEADER + lines).encode())
    return path
