"""tierwall verify: check that the database still holds what was stored."""

from __future__ import annotations

import argparse

from scanner.cli import common

DAMAGED = 4


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `verify`."""
    parser.description = (
        "Compute every digest again and compare: pages, documents, the chains of snapshots, judgements, runs and "
        "prunings, the journal through all of them, and the typed tables. Prints the last snapshot's digest and the "
        "journal's head, which are worth keeping elsewhere: whoever has them can tell that nothing before was changed "
        "or taken away. Answers 4 when anything does not hold."
    )
    common.database(parser)


def run(args: argparse.Namespace) -> int:
    """Print what does not hold; 4 when anything does not."""
    from scanner.safe.terminal import clean
    from scanner.store import Store, verify

    with Store.open(args.db, create=False) as store:
        problems = verify(store)
        for problem in problems:
            print(clean(problem))
        if problems:
            return DAMAGED
        snapshots, pruned = store.snapshots(), store.pruned()
        last = f"; the last is {snapshots[-1].id}, digest {snapshots[-1].digest}" if snapshots else ""
        without = f", the first {pruned.upto} of them without contents (pruned)," if pruned else ""
        print(
            f"{args.db}: intact: {len(snapshots)} snapshots{without} and {len(store.evaluations())} evaluations{last}"
            + (f"; the journal's head is {head}" if (head := store.head()) else "")
        )
    return common.CLEAN
