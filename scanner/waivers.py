"""Accepted failures: who accepts what, why, and until when."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from scanner.safe.entries import Entry, read_entry

LONGEST_DAYS = 180
SHORTEST_REASON = 20  # characters
STATES = ("active", "not_honoured", "expired")  # of waivers that a failure shows, the one that counts most first
FOREIGN = ("checkov:",)  # begins the names of other tools' checks, which no list of ours has
INLINE = "inline"  # in place of the uid: it covers what code marks with `tierwall:waive <id>`, and nothing else


@dataclass(frozen=True, slots=True)
class Waiver:
    """One entry of waivers.yaml. It covers failures only: what is unknown cannot be accepted."""

    id: str
    rule: str
    uid: str  # glob on the resource's uid
    environment: str  # glob on the environment's id; a resource in no environment has the id ''
    reason: str
    owner: str
    approver: str
    ticket: str
    created: date
    expires: date  # the last day on which it holds, UTC
    where: str = ""  # file and line
    is_honoured: bool = True  # False where the gate may not take it from the change that it judges
    covers: tuple[str, ...] = ()  # uids that it covers beside those of the glob: what code marks or calls so

    @property
    def digest(self) -> str:
        """SHA-256 of what it accepts and who accepts it, wherever it stands."""
        said = [self.id, self.rule, self.uid, self.environment, self.reason, self.owner, self.approver, self.ticket]
        return hashlib.sha256(json.dumps([*said, f"{self.created}", f"{self.expires}"]).encode()).hexdigest()

    def state(self, as_of: float) -> str:
        """active, expired, pending before the day it was created, or not_honoured."""
        today = datetime.fromtimestamp(as_of, UTC).date()
        if today > self.expires:
            return "expired"
        if today < self.created:
            return "pending"
        return "active" if self.is_honoured else "not_honoured"

    def matches(self, uid: str, environment: str | None) -> bool:
        """Whether it covers the resource. One whose environment could not be told is covered by `*` alone."""
        if uid not in self.covers and not fnmatch.fnmatchcase(uid, self.uid):
            return False
        return self.environment == "*" if environment is None else fnmatch.fnmatchcase(environment, self.environment)


def load_waivers(path: Path, rules: Collection[str], approvers: Collection[str] = ()) -> tuple[Waiver, ...]:
    """waivers.yaml, checked. `rules` are all rules there are; `approvers`, where given, all who may approve.

    Raises ConfigError for an unknown rule or approver, an id used twice, or one that holds too long.
    """
    document, _ = read_entry(path)
    waivers: dict[str, Waiver] = {}
    for entry in document.entries("waivers"):
        waiver = _waiver(entry, rules, approvers)
        if waiver.id in waivers:
            raise entry.wrong(f"the id {waiver.id} was already given at {waivers[waiver.id].where}", key="id")
        waivers[waiver.id] = waiver
    document.close()
    return tuple(waivers.values())


def _waiver(entry: Entry, rules: Collection[str], approvers: Collection[str]) -> Waiver:
    scope = entry.entry("scope")
    if scope is None:
        raise entry.wrong("scope is missing", "add `scope: {uid: …, environment: …}`")
    waiver = Waiver(
        id=entry.text("id"),
        rule=entry.text("rule"),
        uid=scope.text("uid"),
        environment=scope.text("environment", "*"),
        reason=entry.text("reason", shortest=SHORTEST_REASON),
        owner=entry.text("owner"),
        approver=entry.text("approver"),
        ticket=entry.text("ticket"),
        created=entry.day("created"),
        expires=entry.day("expires"),
        where=entry.where,
    )
    scope.close()
    entry.close()
    if waiver.rule not in rules and not waiver.rule.startswith(FOREIGN):
        raise entry.wrong(f"there is no rule {waiver.rule!r}", "`tierwall rules list` names them", "rule")
    if approvers and waiver.approver not in approvers:
        raise entry.wrong(
            f"{waiver.approver} may not approve", f"approvers are {', '.join(sorted(approvers))}", "approver"
        )
    if waiver.expires < waiver.created:
        raise entry.wrong("expires before it was created", key="expires")
    if waiver.expires - waiver.created > timedelta(days=LONGEST_DAYS):
        last = waiver.created + timedelta(days=LONGEST_DAYS)
        raise entry.wrong(
            f"holds for more than {LONGEST_DAYS} days", f"write {last} or earlier, and renew it then", "expires"
        )
    return waiver
