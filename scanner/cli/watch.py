"""tierwall watch: scan on an interval and tell once of what is new or worse."""

from __future__ import annotations

import argparse
import time

from scanner.cli import common, scan
from scanner.errors import ScannerError, StoreError, UsageError

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SHORTEST_SECONDS = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `watch`."""
    parser.description = (
        "Scan on an interval and tell of each finding once: when it is new or has become worse, and again when it "
        "comes back. A message that nobody took goes out with the next scan. Runs until it is stopped."
    )
    scan.sources(parser)
    parser.add_argument(
        "--every", default="1h", metavar="TIME", help="time between scans, such as 30m or 1h (%(default)s)"
    )
    parser.add_argument(
        "--notify", action="append", default=[], metavar="URL", help="where to tell: an apprise URL; may be repeated"
    )
    parser.add_argument(
        "--at-least",
        choices=common.SEVERITIES,
        default="high",
        help="tell of findings from this severity on (%(default)s)",
    )
    parser.add_argument("--count", type=int, default=0, metavar="N", help="stop after N scans (never)")


def run(args: argparse.Namespace) -> int:
    """Scan, tell, wait; a scan that fails is said and the next one tries again."""
    from scanner.alerts import check, news, notify
    from scanner.collectors.kinds import all_kinds
    from scanner.results.evaluate import evaluate, record
    from scanner.store import BusyError, Store

    every = interval(args.every)
    if not args.notify:
        raise UsageError("watch: name at least one --notify URL, such as mailtos://… or slack://…")
    check(args.notify)
    done = 0
    code = common.CLEAN
    while True:
        started = time.time()
        try:
            config = common.load_config(args) or common.discovered()  # read anew: edits count without a restart
            with Store.open(args.db) as store:
                snapshot = scan.take(args, store, config)
                policy = common.policy(args, common.judging_config(args, store, snapshot))
                result = evaluate(store, snapshot, policy, all_kinds())
                record(store, "watch", started, result, common.CLEAN)
                told = notify(store, news(store, result, args.at_least), args.notify, config.organization or "")
            common.note(f"snapshot {result.snapshot.id}: told of {told} findings")
            code = common.CLEAN
        except ScannerError as e:
            if isinstance(e, StoreError) and not isinstance(e, BusyError):
                raise
            common.note(f"tierwall: {e}")
            code = e.exit_code
        done += 1
        if done == args.count:
            return code
        time.sleep(max(0.0, started + every - time.time()))


def interval(text: str) -> int:
    """Seconds of `30m`, `1h`. Raises UsageError."""
    number, unit = text[:-1], text[-1:]
    if unit not in SECONDS or not number.isdigit() or int(number) * SECONDS[unit] < SHORTEST_SECONDS:
        raise UsageError(f"--every {text}: is no time; write a whole number and s, m, h or d, such as 30m")
    return int(number) * SECONDS[unit]
