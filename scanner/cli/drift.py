"""tierwall drift: what changed between two snapshots."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import TYPE_CHECKING

from scanner.cli import common
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.drift import Drift, Judged
    from scanner.store import Snapshot, Store

LONGEST_VALUE = 60
MOST_UNREAD = 10


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `drift`."""
    parser.description = (
        "What changed between two snapshots: resources that were added, removed or changed and in which values, and "
        "findings that are new or resolved. Values that change by themselves, and what one of the two could not read, "
        "are no change."
    )
    common.database(parser)
    common.configuration(parser)
    parser.add_argument("before", nargs="?", metavar="FROM", help="number, digest or date (the one before TO)")
    parser.add_argument("after", nargs="?", metavar="TO", help="number, digest or date (the newest)")
    parser.set_defaults(snapshot=None)
    parser.add_argument("--at", metavar="TIME", help="instead of TO: the newest snapshot of that UTC time or before")
    parser.add_argument(
        "--as-of",
        metavar="TIME",
        help="judge both by today's rules, as of this UTC time (compare what was judged then)",
    )
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="%(default)s, or json")
    parser.add_argument("--exit-code", action="store_true", help="exit 1 when anything changed")


def run(args: argparse.Namespace) -> int:
    """Print the differences."""
    from scanner.drift import compare
    from scanner.store import Store

    if args.at and args.after:
        raise UsageError("drift: name TO or --at, not both")
    with Store.open(args.db, create=False) as store:
        after = common.named(args.after, "TO", store) if args.after else common.chosen(args, store)
        if args.before is None and after.id == 1:
            raise UsageError("drift: there is no snapshot before the first; scan again, or name two")
        before = common.named(args.before, "FROM", store) if args.before else store.snapshot(after.id - 1)
        judged = (_judged(args, store, before), _judged(args, store, after)) if args.as_of else None
        drift = compare(store, before, after, judged)
    if args.output == "json":
        print(json.dumps({"schema": "tierwall/drift/1", **dataclasses.asdict(drift)}, indent=2, sort_keys=True))
    else:
        _table(drift)
    return common.VIOLATIONS if args.exit_code and not drift.empty else common.CLEAN


def _judged(args: argparse.Namespace, store: Store, snapshot: Snapshot) -> Judged:
    """The verdicts when the snapshot is judged by today's rules at `--as-of`; nothing of it is kept."""
    from scanner.collectors.kinds import all_kinds
    from scanner.results.evaluate import evaluate

    policy = common.policy(args, common.judging_config(args, store, snapshot))
    result = evaluate(store, snapshot, policy, all_kinds(), as_of=common.as_of(args), include_passed=True, keep=False)
    return {
        (f.rule, f.resource.uid, f.discriminator): (f.status, f.message) for f in (*result.findings, *result.passed)
    }


def _table(drift: Drift) -> None:
    from scanner.safe.terminal import clean
    from scanner.safe.text import many

    print(f"snapshot {drift.before.id} → {drift.after.id}")
    signs = {"added": "+", "removed": "-", "changed": "~", "new": "!", "resolved": "✓"}
    for resource in drift.resources:
        print(clean(f"{signs[resource.change]} {resource.uid}"))
        for field in resource.fields:
            print(clean(f"    {field.path}: {_short(field.before)} → {_short(field.after)}"))
    unread = set(drift.not_comparable)
    lost = [f for f in drift.findings if f.after == "unknown" and f.uid in unread]
    for finding in [f for f in drift.findings if f not in lost]:
        became = f"{finding.before or 'no finding'} → {finding.after or 'no finding'}"
        print(clean(f"{signs[finding.change]} {finding.uid}"))
        print(clean(f"    {finding.change}: {finding.rule}, {became}" + f": {finding.message}" * bool(finding.message)))
    if lost:
        found = many(len(lost), "finding is", "findings are")
        print(f"? {found} unknown now since something was not read; -o json lists all")
    for what in drift.not_comparable[:MOST_UNREAD]:
        print(clean(f"? {what} was not read in full by one of the two"))
    if (more := len(drift.not_comparable) - MOST_UNREAD) > 0:
        print(f"? nor were {more:,} more; -o json lists all")
    if drift.judged_by_other and drift.findings:
        changed = " and ".join(drift.judged_by_other)
        print(f"? the {changed} changed between the two, so findings may come of that; --as-of judges both by today's")
    for number in drift.not_judged:
        print(
            f"? snapshot {number} was not judged, so findings are not compared; `tierwall evaluate` judges the newest"
        )
    if drift.empty:
        print("no drift")


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
