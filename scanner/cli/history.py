"""tierwall history: what a resource or a finding was, snapshot by snapshot."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from scanner.cli import common
from scanner.errors import UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `history`."""
    parser.description = (
        "Every change of a resource's document or of a finding, oldest first: when, in which snapshot, and what it "
        "was. `tierwall explain` and the outputs show uids and ids."
    )
    common.database(parser)
    parser.add_argument(
        "what", metavar="UID|FINDING", help="a resource's uid, or a finding's id or its first characters"
    )


def run(args: argparse.Namespace) -> int:
    """Print one line a change."""
    from scanner.results import finding_id
    from scanner.safe.terminal import clean
    from scanner.store import Store

    with Store.open(args.db, create=False) as store:
        store.snapshot()
        lines = [
            f"{_time(since)}  snapshot {first}  {f'until {until}' if until else 'still'}  document {sha[:12]}"
            for first, until, sha, since in store.resource_history(args.what)
        ]
        if not lines:
            for rule, uid, discriminator in store.verdict_keys():
                if finding_id(rule, uid, discriminator).startswith(args.what) and len(args.what) >= 8:
                    lines += [
                        f"{_time(since)}  snapshot {snapshot}  {status}  {rule}  {uid}  {message}"
                        for snapshot, since, status, message in store.verdict_history(rule, uid, discriminator)
                    ]
    if not lines:
        raise UsageError(f"history: no resource and no finding {args.what}; a finding needs 8 characters of its id")
    for line in lines:
        print(clean(line))
    return common.CLEAN


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
