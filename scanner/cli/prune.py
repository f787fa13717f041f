"""tierwall prune: give up the contents of old snapshots; what is left can still be proved."""

from __future__ import annotations

import argparse
import time

import scanner
from scanner.cli import common
from scanner.errors import StoreError, UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `prune`."""
    parser.description = (
        "Give up what old snapshots hold, to save space or to keep a retention period. Their numbers, times and "
        "digests stay, and so do all judgements; a chained record says what went, and `tierwall verify` still proves "
        "the rest. Without --yes it only says what would go. The newest snapshot always stays."
    )
    common.database(parser)
    parser.add_argument("--keep", type=int, metavar="N", help="keep the newest N snapshots")
    parser.add_argument("--older-than", metavar="TIME", help="prune only what is older than, such as 90d or 12w")
    parser.add_argument("--yes", action="store_true", help="do it")


def run(args: argparse.Namespace) -> int:
    """Say what would go, or let it go; keeps the run as evidence."""
    from scanner.store import Store
    from scanner.store.prune import compact, plan, prune
    from scanner.store.store import clock
    from scanner.tables import TierwallRun

    started = time.time()
    older_than = _age(args, started)
    with Store.open(args.db, create=False) as store:
        going = plan(store, older_than=older_than, keep=args.keep or 1)
        if going is None:
            print("nothing to prune")
            return common.CLEAN
        for snapshot in going.snapshots:
            print(f"snapshot {snapshot.id}  {clock(snapshot.finished)}  {snapshot.digest}")
        documents = f"{_counted(going.documents, 'document')} ({going.bytes} bytes)"
        gone = f"{_counted(len(going.snapshots), 'snapshot')}, {documents}"
        if not args.yes:
            print(f"{gone} would be pruned; --yes does it")
            return common.CLEAN
        policy = " ".join(
            f"{name} {value}" for name, value in (("keep", args.keep), ("older than", args.older_than)) if value
        )
        digest = prune(store, going.upto, policy)
        store.keep_run(
            TierwallRun(
                scope="tierwall", uid="", source="tierwall", operation="prune", started=int(started),
                finished=int(time.time()), snapshot=str(going.upto), tool_version=scanner.__version__, rules_digest="",
                policy_digest="", result_digest=digest, exit_code=common.CLEAN, failed=0, unknown=0,
            )
        )  # fmt: skip
        print(f"{gone} pruned; the record's digest is {digest}")
        try:
            compact(store)
        except StoreError as e:  # the contents are gone all the same; SQLite uses the space for what comes
            common.note(f"the file keeps its size: {e.problem}")
    return common.CLEAN


def _age(args: argparse.Namespace, now: float) -> float | None:
    """Before when a snapshot is old enough, UTC seconds; None where age does not count. Raises UsageError."""
    from scanner.environments.duration import parse_duration

    if args.keep is None and args.older_than is None:
        raise UsageError("prune: say what to keep: --keep N, --older-than TIME, or both")
    if args.keep is not None and args.keep < 1:
        raise UsageError(f"prune: --keep {args.keep}: keep 1 or more")
    if args.older_than is None:
        return None
    try:
        return now - parse_duration(args.older_than)
    except ValueError as e:
        raise UsageError(f"prune: --older-than {args.older_than}: is no length of time; write 90d or 12w") from e


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
