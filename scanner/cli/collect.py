"""tierwall collect: read the sources into a new snapshot, and judge nothing."""

from __future__ import annotations

import argparse

from scanner.cli import common, scan


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `collect`."""
    parser.description = (
        "Read the sources that tierwall.yaml declares into a new snapshot and judge nothing; `tierwall evaluate` "
        "judges it. Answers 3 when something was not read, which the snapshot says."
    )
    scan.sources(parser)


def run(args: argparse.Namespace) -> int:
    """Collect; prints the snapshot's number and digest, and how much was not read."""
    from scanner.store import Store
    from scanner.tables import Gap

    config = common.load_config(args) or common.discovered()
    with Store.open(args.db) as store:
        snapshot = scan.take(args, store, config)
        gaps = sum(isinstance(row, Gap) for row in store.ledger(snapshot.id))
    print(f"snapshot {snapshot.id} {snapshot.digest} gaps {gaps}")
    return common.CANNOT_TELL if gaps else common.CLEAN
