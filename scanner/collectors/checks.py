"""What `tierwall doctor` found about one thing: how it is, and what to do."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "unknown", "wrong"]
NOTED_SECONDS, REFUSED_SECONDS = 60, 240  # AWS refuses requests from five minutes on


@dataclass(frozen=True, slots=True)
class Check:
    """One line. `note` is of no harm to results, `unknown` makes some of them so, `wrong` is the configuration."""

    state: State
    what: str
    found: str
    todo: str = ""


def clock(what: str, date: str, now: float | None = None) -> Check | None:
    """Our clock against a Date header (RFC 9110, 5.6.7: whole seconds); None where there is none to compare."""
    parsed = email.utils.parsedate_tz(date)
    if parsed is None:
        return None
    skew = (time.time() if now is None else now) - email.utils.mktime_tz(parsed)
    if abs(skew) <= NOTED_SECONDS:
        return Check("ok", what, f"the clock agrees within {max(1, round(abs(skew)))} s")
    found = f"the clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    state: State = "note" if abs(skew) <= REFUSED_SECONDS else "unknown"
    return Check(state, what, found, "set it by NTP: requests are refused from about 300 s on")
