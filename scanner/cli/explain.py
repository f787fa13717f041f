"""tierwall explain: from a finding to the rule, its SQL, the values it read, the document, the call and the time."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

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
    """Lines that fit any terminal; what is empty is left out."""
    from scanner.safe.terminal import clean

    for heading, value in told.items():
        if value in ("", [], {}):
            continue
        if not isinstance(value, (dict, list)):
            print(f"{heading}: {clean(str(value))}")
            continue
        print(f"\n{heading}:")
        for line in _lines(value, "  "):
            print(clean(line))


def _lines(value: object, indent: str) -> Iterator[str]:
    """As YAML would lay it out: a line a value, the parts of a list set off by a dash. Absence is a value too."""
    if isinstance(value, dict):
        for name, below in value.items():
            if isinstance(below, (dict, list)) and below:
                yield f"{indent}{name}:"
                yield from _lines(below, f"{indent}  ")
            else:
                yield f"{indent}{name}: {_plain(below)}"
    elif isinstance(value, list):
        for below in value:
            first, *rest = list(_lines(below, f"{indent}  ")) or [f"{indent}  {_plain(below)}"]
            yield f"{indent}- {first.removeprefix(f'{indent}  ')}"
            yield from rest
    else:
        yield f"{indent}{_plain(value)}"


def _plain(value: object) -> str:
    """A scalar, with the words of JSON for what is no text, and quotes around no text at all."""
    return value if isinstance(value, str) and value else json.dumps(value)
