"""tierwall scan: collect, then evaluate."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import scanner
from scanner.cli import common

if TYPE_CHECKING:
    from scanner.environments import Config
    from scanner.store import Snapshot, Store


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `scan`."""
    sources(parser)
    common.judging(parser)


def sources(parser: argparse.ArgumentParser) -> None:
    """The options of collecting."""
    common.database(parser)
    common.configuration(parser)
    parser.add_argument(
        "--source", action="append", default=[], metavar="SOURCE", help="only aws, kubernetes or config"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def run(args: argparse.Namespace) -> int:
    """Collect and judge; keeps the run as evidence."""
    from scanner.collectors.kinds import all_kinds
    from scanner.environments import Config
    from scanner.results.evaluate import evaluate, record
    from scanner.store import Store

    started = time.time()
    declared = common.load_config(args)
    common.policy(args, declared or Config())  # a broken rule is told before anything is read
    as_of = common.as_of(args)
    with Store.open(args.db) as store:
        snapshot = take(args, store, declared or common.discovered())
        policy = common.policy(args, common.judging_config(args, store, snapshot))
        keep = not args.rule and not args.framework  # a part of the rules is no history of all of them
        result = evaluate(
            store, snapshot, policy, all_kinds(), as_of=as_of, include_passed=args.include_passed, keep=keep
        )
        common.show(args, result)
        code = common.exit_code(args, result)
        record(store, "scan", started, result, code)
    return code


def take(args: argparse.Namespace, store: Store, config: Config) -> Snapshot:
    """A new snapshot of the declared sources."""
    from scanner.collectors import collect
    from scanner.collectors.kinds import all_kinds
    from scanner.store.store import remove_estate

    started = time.time()
    stage = store.stage(common.redactor(args), all_kinds())
    try:
        collect(config, stage, args.source, None if args.quiet else common.note)
        return store.publish(stage, started=started, finished=time.time(), tool=scanner.__version__, config=config.raw)
    finally:
        stage.estate.close()
        remove_estate(stage.estate.path)
