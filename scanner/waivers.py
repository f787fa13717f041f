"""Accepted failures: who accepts what, why, and until when."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from datetime import UTC, date, datetime

LONGEST_DAYS = 180


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

    def state(self, as_of: float) -> str:
        """active, expired, or pending before the day it was created."""
        today = datetime.fromtimestamp(as_of, UTC).date()
        if today > self.expires:
            return "expired"
        return "pending" if today < self.created else "active"

    def matches(self, uid: str, environment: str | None) -> bool:
        """Whether it covers the resource. One whose environment could not be told is covered by `*` alone."""
        if not fnmatch.fnmatchcase(uid, self.uid):
            return False
        return self.environment == "*" if environment is None else fnmatch.fnmatchcase(environment, self.environment)
