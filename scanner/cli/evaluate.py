"""tierwall evaluate: judge a snapshot that is already stored."""

from __future__ import annotations

import argparse
import time

from scanner.cli import common


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `evaluate`."""
    parser.description = (
        "Judge a snapshot that is stored, by the rules, tierwall.yaml, waivers and attestations of today. Nothing is "
        "read anew. Judgements of the newest snapshot by all rules become its history; others are only shown."
    )
    common.database(parser)
    common.configuration(parser)
    common.choosing(parser)
    common.judging(parser)


def run(args: argparse.Namespace) -> int:
    """Judge; only a judgement of the newest snapshot by all rules becomes history."""
    from scanner.collectors.kinds import all_kinds
    from scanner.results.evaluate import evaluate, record
    from scanner.store import Store

    started = time.time()
    with Store.open(args.db, create=False) as store:
        snapshot = common.chosen(args, store)
        policy = common.policy(args, common.judging_config(args, store, snapshot))
        keep = snapshot == store.snapshot() and not args.rule and not args.framework
        result = evaluate(
            store,
            snapshot,
            policy,
            all_kinds(),
            as_of=common.as_of(args),
            include_passed=args.include_passed,
            keep=keep,
            environments=args.environment,
        )
        common.show(args, result)
        code = common.exit_code(args, result)
        record(store, "evaluate", started, result, code)
    return code
