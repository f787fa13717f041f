"""What the engine answers: one verdict for each subject of a rule, and for an unknown what it comes of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Status = Literal["pass", "fail", "unknown", "not_applicable"]
SCOPE = "scope:"  # begins the uid of the one unknown that stands for all resources of a scope that was not listed


MOST = 10  # reasons kept with one verdict; a thousand refused calls are one story


class Because(NamedTuple):
    """One thing that was not known."""

    reason: str  # one of scanner.tables.REASONS
    table: str = ""
    column: str = ""  # '' where rows may be missing
    uid: str = ""  # '' where a whole scope is meant
    scope: str = ""
    call: int = 0  # `call.id` of the refused call, 0 when none was made
    detail: str = ""


def representative(reasons: Iterable[Because]) -> tuple[Because, ...]:
    """MOST of them, each once and in their order, of every kind at least one: who decides by kinds may trust it."""
    every = list(dict.fromkeys(reasons))
    first = {because.reason: because for because in reversed(every)}.values()
    kept = set(list(dict.fromkeys([*first, *every]))[: max(MOST, len(first))])
    return tuple(because for because in every if because in kept)


class Verdict(NamedTuple):
    """(rule, uid, discriminator) is its key. `because` is empty unless the status is unknown, and never then.

    Of many reasons it has some, of every kind at least one: where `reason` is `unassigned` in all of them, nothing but
    the resource's missing environment is in the way.
    """

    rule: str
    uid: str
    discriminator: str
    status: Status
    message: str = ""  # what was found; '' unless the status is fail
    because: tuple[Because, ...] = ()

    @property
    def only_unassigned(self) -> bool:
        """Nothing is unknown but the environment: outputs may fold it into the finding that says so."""
        return bool(self.because) and all(because.reason == "unassigned" for because in self.because)
