"""What a change is compared with: the failures and waivers that were there before it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scanner.errors import InputError
from scanner.results.model import Finding, Result
from scanner.safe import files
from scanner.safe import json as safe_json
from scanner.waivers import INLINE, Waiver

SCHEMA = "tierwall/findings/1"
_LIMIT = 512_000_000  # bytes of a findings file
_HINT = "give what `tierwall gate -o json:FILE` or `tierwall scan -o json:FILE` has written"


@dataclass(frozen=True, slots=True)
class Baseline:
    """Failures and waivers as they were. What was unknown is not part of it: an unknown is never grown used to."""

    name: str  # as it was asked for
    failures: frozenset[str]  # ids of failing findings, waived ones too
    waivers: frozenset[str] = field(default_factory=frozenset)  # digests

    def is_new(self, finding: Finding) -> bool:
        """The failure was not there. Another port or principal is another finding, so what got worse is new too."""
        return finding.id not in self.failures


def of_result(name: str, result: Result) -> Baseline:
    """The failures and waivers of an evaluation."""
    failures = frozenset(f.id for f in result.findings if f.status == "fail")
    return Baseline(name, failures, frozenset(line.digest for line in result.waivers))


def read(path: Path) -> Baseline:
    """The failures and waivers in a findings file. Raises InputError."""
    where = files.shown(path)
    data = safe_json.load(files.read_bytes(path, limit=_LIMIT), where, limit=_LIMIT)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise InputError(where, f"is no findings file: it does not say {SCHEMA!r}", _HINT)
    findings = _listed(data.get("findings"), ("id", "status"), where)
    waivers = _listed(data.get("waivers", []), ("digest",), where)
    failures = frozenset(one["id"] for one in findings if one["status"] == "fail")
    return Baseline(where, failures, frozenset(one["digest"] for one in waivers))


def _listed(listed: Any, keys: tuple[str, ...], where: str) -> list[dict[str, str]]:
    """The elements of a list, each with a text under every key. Raises InputError."""
    if isinstance(listed, list) and all(
        isinstance(one, dict) and all(isinstance(one.get(key), str) for key in keys) for one in listed
    ):
        return listed
    raise InputError(where, "is damaged: a finding or a waiver in it lacks its id", _HINT)


def for_code(
    waivers: Iterable[Waiver],
    base: Baseline | None,
    addresses: Iterable[tuple[str, str]],
    marked: Iterable[tuple[str, Collection[str]]],
    *,
    always: bool = False,
) -> tuple[Waiver, ...]:
    """The waivers as they hold for code: by address too, where it is marked, and only those that the base has.

    `addresses` are uid and address of each resource, `marked` uid and ids of the waivers that its code names. Where a
    change could bring its own waiver along, nobody would need to approve one: `always` says that this may be.
    """
    named, marks = list(addresses), list(marked)
    found = []
    for waiver in waivers:
        covers = {uid for uid, address in named if replace(waiver, environment="*").matches(address, None)}
        if waiver.uid == INLINE:
            covers |= {uid for uid, ids in marks if waiver.id in ids}
        honoured = always or (base is not None and waiver.digest in base.waivers)
        found.append(replace(waiver, covers=tuple(sorted(covers)), is_honoured=honoured))
    return tuple(found)


def marks_without_effect(marked: Iterable[tuple[str, Sequence[str]]], waivers: Sequence[Waiver]) -> Iterator[str]:
    """What is wrong with the ids that code names, in words."""
    by_id = {waiver.id: waiver for waiver in waivers}
    seen = {(name, uid) for uid, names in marked for name in names}
    for name, uid in sorted(seen):
        if name not in by_id:
            yield f"{uid}: its code names the waiver {name}, which no waivers file has"
        elif by_id[name].uid != INLINE and not by_id[name].matches(uid, None) and uid not in by_id[name].covers:
            yield f"{uid}: its code names the waiver {name}, which is for something else"
