"""tierwall drift: what changed between two snapshots."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import TYPE_CHECKING

from scanner.cli import common
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.drift import Drift

LONGEST_VALUE = 60


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `drift`."""
    common.database(parser)
    parser.add_argument("before", nargs="?", metavar="FROM", help="number or digest (the one before the last)")
    parser.add_argument("after", nargs="?", metavar="TO", help="number or digest (the last)")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="%(default)s, or json")
    parser.add_argument("--exit-code", action="store_true", help="exit 1 when anything changed")


def run(args: argparse.Namespace) -> int:
    """Print the differences."""
    from scanner.drift import compare
    from scanner.store import Store

    with Store.open(args.db, create=False) as store:
        after = store.snapshot(args.after)
        if args.before is None and after.id == 1:
            raise UsageError("drift: there is only one snapshot; scan again, or name two")
        before = store.snapshot(args.before if args.before is not None else after.id - 1)
        drift = compare(store, before, after)
    if args.output == "json":
        print(json.dumps({"schema": "tierwall/drift/1", **dataclasses.asdict(drift)}, indent=2, sort_keys=True))
    else:
        _table(drift)
    return common.VIOLATIONS if args.exit_code and not drift.empty else common.CLEAN


def _table(drift: Drift) -> None:
    from scanner.safe.terminal import clean

    print(f"snapshot {drift.before.id} → {drift.after.id}")
    signs = {"added": "+", "removed": "-", "changed": "~", "new": "!", "resolved": "✓"}
    for resource in drift.resources:
        print(clean(f"{signs[resource.change]} {resource.uid}"))
        for field in resource.fields:
            print(clean(f"    {field.path}: {_short(field.before)} → {_short(field.after)}"))
    for finding in drift.findings:
        became = f"{finding.before or 'none'} → {finding.after or 'none'}"
        print(clean(f"{signs[finding.change]} {finding.rule} {finding.uid} {became}: {finding.message}"))
    for unread in drift.not_comparable:
        print(clean(f"? {unread} was not read in full by one of the two"))
    if drift.empty:
        print("no drift")


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
