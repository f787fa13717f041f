"""tierwall report: the audit report in HTML and PDF."""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.cli import common
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.results import Result
    from scanner.results.evaluate import Policy
    from scanner.store import Snapshot, Store

FORMATS = ("html", "pdf")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `report`."""
    parser.description = (
        "Judge a snapshot and write the audit report, HTML and PDF: controls by framework, findings with their "
        "evidence, what could not be read. Its frameworks are those that tierwall.yaml names for its environments, all "
        "where it names none. Needs a snapshot: run `tierwall scan` first."
    )
    common.database(parser)
    common.configuration(parser)
    common.choosing(parser)
    parser.add_argument(
        "--framework", action="append", default=[], metavar="F", help="only this framework; may be repeated"
    )
    parser.add_argument("--environment", action="append", default=[], metavar="E", help="only this environment")
    parser.add_argument("--as-of", metavar="TIME", help="judge as of this UTC time (when the snapshot finished)")
    parser.add_argument("--format", default="html,pdf", metavar="LIST", help="html, pdf or both (%(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("report"), metavar="DIR", help="folder to write to (%(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the files; prints their paths."""
    from scanner.collectors.kinds import all_kinds
    from scanner.results import Exclusion
    from scanner.results.evaluate import evaluate, record
    from scanner.safe.files import make_folder
    from scanner.store import Store

    formats = [f.strip() for f in args.format.split(",")]
    for wanted in formats:
        if wanted not in FORMATS:
            raise UsageError(f"--format {wanted}: unknown; known are {', '.join(FORMATS)}")
    started = time.time()
    args.rule = []
    with Store.open(args.db, create=False) as store:
        snapshot = common.chosen(args, store)
        make_folder(args.out)  # told before anything is judged
        config = common.judging_config(args, store, snapshot)
        policy = common.policy(args, config)
        if lost := [] if args.framework else _not_loaded(store, snapshot, policy):
            left_out = Exclusion(f"rules {', '.join(lost)}", "judged this snapshot before and are not loaded now")
            common.note(f"{left_out.what}: {left_out.why}; name their pack with --rules or in tierwall.yaml")
            policy = dataclasses.replace(policy, excluded=(*policy.excluded, left_out))
        result = evaluate(
            store, snapshot, policy, all_kinds(), as_of=common.as_of(args), include_passed=True,
            keep=False, environments=args.environment,
        )  # fmt: skip
        for path in write(result, config.organization or "", formats, args.out):
            print(path)
        record(store, "report", started, result, common.CLEAN)
    return common.CLEAN


def _not_loaded(store: Store, snapshot: Snapshot, policy: Policy) -> list[str]:
    """The rules of the snapshot's last evaluation that are not there any more."""
    last = [evaluation.id for evaluation in store.evaluations() if evaluation.snapshot == snapshot.id][-1:]
    judged = {verdict[0] for number in last for verdict in store.verdicts(number)}
    return sorted(judged - set(policy.rules) - set(policy.rules.retired))


def write(result: Result, organization: str, formats: list[str], folder: Path) -> list[Path]:
    """The report's files in `folder`; each replaced in one step."""
    from scanner.report import render_html, render_pdf
    from scanner.safe.files import write_atomic

    html = render_html(result, organization)
    written = []
    for name in formats:
        path = folder / f"tierwall-report.{name}"
        write_atomic(path, html.encode() if name == "html" else render_pdf(html))
        written.append(path)
    return written
