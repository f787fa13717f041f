"""tierwall explain: from a finding to the rule, its SQL, the values it read, the document, the call and the time."""

from __future__ import annotations

import argparse
import json

from scanner.cli import common
from scanner.errors import UsageError

SHORTEST_ID = 8


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `explain`."""
    parser.description = (
        "Why a finding is what it is: the rule and its SQL, the values it read, the document they came from, the call "
        "that gave it, and when. The id is in every output; its first 8 characters will do."
    )
    common.database(parser)
    common.configuration(parser)
    parser.add_argument("finding", metavar="FINDING", help="a finding's id, or its first 8 characters or more")
    common.choosing(parser)
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="%(default)s, or json")


def run(args: argparse.Namespace) -> int:
    """Print the whole way back to what the source answered."""
    from scanner.collectors.kinds import all_kinds
    from scanner.explain import explain
    from scanner.store import Store

    if len(args.finding) < SHORTEST_ID:
        raise UsageError(f"explain {args.finding}: give {SHORTEST_ID} characters of the finding's id or more")
    args.rule, args.framework = [], []
    with Store.open(args.db, create=False) as store:
        snapshot = common.chosen(args, store)
        policy = common.policy(args, common.judging_config(args, store, snapshot))
        told = explain(store, snapshot, policy, all_kinds(), args.finding)
    if args.output == "json":
        print(json.dumps(told, indent=2, ensure_ascii=True))
    else:
        _text(told)
    return common.CLEAN


def _text(told: dict[str, object]) -> None:
    from scanner.safe.terminal import clean

    for heading, value in told.items():
        print(f"\n{heading}" if isinstance(value, (dict, list)) else f"{heading}: {clean(str(value))}")
        if isinstance(value, (dict, list)):
            for line in json.dumps(value, indent=2, ensure_ascii=False).splitlines():
                print(clean(f"  {line}"))
