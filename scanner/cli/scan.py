"""tierwall scan: collect, then evaluate."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import scanner
from scanner.cli import common

if TYPE_CHECKING:
    from scanner.environments import Config
    from scanner.safe.secrets import Redactor
    from scanner.store import About, Snapshot, Stage, Store


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `scan`."""
    parser.description = (
        "Read the sources that tierwall.yaml declares, or those found here where there is none, into a new snapshot, "
        "and judge it. What runs is read first, then code. Without --fail-on findings do not change the exit code. "
        "Exit codes: 0 done, nothing at or above the threshold; 1 violations; 2 used wrongly, or the configuration is; "
        "3 could not tell, also where a source answered nothing at all; 4 internal error or damaged database."
    )
    sources(parser)
    common.judging(parser)


def sources(parser: argparse.ArgumentParser) -> None:
    """The options of collecting."""
    common.database(parser)
    common.configuration(parser)
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="SOURCE",
        help="only this one: aws, kubernetes, config, terraform, manifests",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def run(args: argparse.Namespace) -> int:
    """Collect and judge; keeps the run as evidence."""
    return collect_and_judge(args, take)


def collect_and_judge(
    args: argparse.Namespace,
    collect: Callable[[argparse.Namespace, Store, Config], Snapshot],
    *,
    create: bool = True,
) -> int:
    """Judge what `collect` makes of the sources, show it, and keep the run as evidence."""
    from scanner.collectors.kinds import all_kinds
    from scanner.environments import Config
    from scanner.results.evaluate import evaluate, record
    from scanner.store import Store

    started = time.time()
    declared = common.load_config(args)
    common.policy(args, declared or Config())  # a broken rule is told before anything is read
    as_of = common.as_of(args)
    common.check(args, declared)
    with Store.open(args.db, create=create) as store:
        snapshot = collect(args, store, declared or common.discovered())
        policy = common.policy(args, common.judging_config(args, store, snapshot))
        keep = not args.rule and not args.framework  # a part of the rules is no history of all of them
        result = evaluate(
            store, snapshot, policy, all_kinds(), as_of=as_of, include_passed=args.include_passed, keep=keep,
            environments=args.environment,
        )  # fmt: skip
        common.show(args, result)
        code = common.exit_code(args, result)
        for source in _silent(store, snapshot):
            common.note(f"nothing could be read of {source}: what it would have shown is unknown")
            code = code or common.CANNOT_TELL
        record(store, "scan", started, result, code)
    return code


def take(args: argparse.Namespace, store: Store, config: Config) -> Snapshot:
    """A new snapshot of the declared sources, read from the start."""
    from scanner.collectors.kinds import all_kinds

    redactor = common.redactor(args)
    about = _about(args, config, redactor)
    left = store.interrupted()
    with store.collecting(redactor, all_kinds(), about) as stage:
        if left and store.is_resumable(left, about):
            common.note(
                f"a scan that began at {_clock(left.started)} was interrupted; this one starts anew, "
                "`tierwall resume` would have gone on with it"
            )
        return _read(args, store, config, stage, about)


def go_on(args: argparse.Namespace, store: Store, config: Config) -> Snapshot:
    """The snapshot that an interrupted scan had begun; only what that one had not read is read."""
    from scanner.collectors.kinds import all_kinds

    redactor = common.redactor(args)
    with store.resuming(redactor, all_kinds(), _about(args, config, redactor)) as stage:
        about = cast("About", stage.about)
        common.note(f"going on with the scan that began at {_clock(about.started)}: {stage.waiting} parts are read")
        return _read(args, store, config, stage, about)


def _about(args: argparse.Namespace, config: Config, redactor: Redactor) -> About:
    from scanner.store import About

    return About(time.time(), scanner.__version__, config.digest, redactor.key.id, tuple(args.source))


def _read(args: argparse.Namespace, store: Store, config: Config, stage: Stage, about: About) -> Snapshot:
    from scanner.collectors import collect

    for sentence in store.cautions():
        common.note(sentence)
    try:
        collect(config, stage, about.sources, None if args.quiet else common.note)
    except KeyboardInterrupt:
        if store.path == getattr(args, "db", None):  # not one that is thrown away, as init's
            common.note("`tierwall resume` goes on from here within the hour")
        raise
    return store.publish(
        stage, started=about.started, finished=time.time(), tool=scanner.__version__, config=config.raw
    )


def _silent(store: Store, snapshot: Snapshot) -> list[str]:
    """The sources of which not one call was answered."""
    from scanner.tables import Call, Scope

    ledger = store.ledger(snapshot.id)
    source = {row.id: row.source for row in ledger if isinstance(row, Scope)}
    calls = [row for row in ledger if isinstance(row, Call)]
    answered = {source[call.scope] for call in calls if call.status in ("ok", "absent")}
    return sorted({source[call.scope] for call in calls} - answered)


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M UTC", time.gmtime(seconds))
