"""Who is told, and of what: each finding once, when it is new or has become worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.errors import ScannerError, UsageError
from scanner.results import SEVERITIES, Finding, Result
from scanner.store import Store

MOST_LINES = 20
_RANK = {"": 0, "unknown": 1, "fail": 2}


class AlertError(ScannerError):
    """A notification was not delivered. The findings stay untold, and go out with the next scan."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class News:
    """What to tell, and what may be forgotten since it is good again."""

    worse: tuple[Finding, ...]
    good_again: tuple[tuple[str, str, str], ...]


def news(store: Store, result: Result, at_least: str = "low") -> News:
    """The findings that were not alerted yet with a status as bad as today's. Waived failures are no news."""
    told = store.alerted()
    rank = SEVERITIES.index(at_least)
    open_now = {_key(f): f for f in result.findings if not f.waived}
    worse = tuple(
        f
        for key, f in open_now.items()
        if SEVERITIES.index(f.severity) <= rank and _RANK[f.status] > _RANK[told.get(key, "")]
    )
    return News(worse, tuple(sorted(told.keys() - open_now.keys())))


def notify(store: Store, found: News, urls: Sequence[str], organization: str) -> int:
    """Send one message about all news to every URL; answers with how many findings it told of.

    They count as told only when every URL took the message. Raises AlertError.
    """
    if found.worse:
        _send(urls, *message(found.worse, organization))
    store.keep_alerted([(*_key(f), f.status) for f in found.worse], found.good_again)
    return len(found.worse)


def check(urls: Sequence[str]) -> None:
    """Refuse URLs that no notifier understands, before there is something to tell. Raises UsageError."""
    import apprise

    for number, url in enumerate(urls, 1):
        if not apprise.Apprise().add(url):
            raise UsageError(
                f"notification URL {number}: no notifier understands it; write one such as mailtos://… or slack://…, "
                "as apprise's list of services shows"
            )


def message(worse: Sequence[Finding], organization: str) -> tuple[str, str]:
    """Title and text of the message, worst first."""
    title = (
        f"Tierwall: {len(worse)} new or worse finding{'s' if len(worse) > 1 else ''} in {organization or 'the estate'}"
    )
    lines = [f"{f.severity} {f.status} [{f.resource.environment or 'no environment'}] {f.title}: "
             f"{f.resource.name or f.resource.uid}: {f.message} ({f.id[:12]})" for f in worse[:MOST_LINES]]  # fmt: skip
    if len(worse) > MOST_LINES:
        lines.append(f"and {len(worse) - MOST_LINES} more; see the report")
    return title, "\n".join(lines)


def _send(urls: Sequence[str], title: str, body: str) -> None:
    import apprise

    from scanner.safe.terminal import clean

    for number, url in enumerate(urls, 1):
        target = apprise.Apprise()
        if not target.add(url):
            raise AlertError(f"notification URL {number}: no notifier understands it; see apprise's list of services")
        if not target.notify(
            title=clean(title), body=clean(body, multiline=True), body_format=apprise.NotifyFormat.TEXT
        ):
            raise AlertError(f"notification URL {number}: the message was not taken; it goes out with the next scan")


def _key(finding: Finding) -> tuple[str, str, str]:
    return (finding.rule, finding.resource.uid, finding.discriminator)
