"""tierwall gate: judge code before it is deployed."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.cli import common

if TYPE_CHECKING:
    from scanner.environments import Config
    from scanner.gate import GateOutcome, Live
    from scanner.results import Finding
    from scanner.safe.secrets import Redactor

HELP = "judge code before it is deployed"
ACCOUNT = re.compile("[0-9]{12}")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `gate`."""
    parser.description = (
        "Judge code before it is deployed, by the rules that judge what runs: Terraform plans and states in JSON and "
        "Kubernetes manifests, as files, folders or, with -, standard input. Nothing is stored. Exit codes: 0 nothing "
        "in the way; 1 failures from --fail-on's severity on, high unless said otherwise; 2 used wrongly, or a file "
        "that does not parse; 3 something that counts could not be told, or there was nothing to judge; 4 internal "
        "error. What only the apply can tell is counted in a note, and listed by -o and by --unknown all."
    )
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="plans, states, manifests, folders of them; - reads stdin"
    )
    parser.add_argument(
        "--plan", action="append", default=[], type=Path, metavar="FILE", help="a plan: `terraform show -json`"
    )
    parser.add_argument("--account", default="", metavar="ID", help="AWS account of what a plan does not place")
    parser.add_argument(
        "--source", type=Path, metavar="DIR", help="the plan's code, for file and line (beside the plan)"
    )
    parser.add_argument(
        "--new-since", default="", metavar="BASE",
        help="fail only for what is not in BASE: a findings file, git:REF, or a snapshot (its id, or latest)",
    )  # fmt: skip
    parser.add_argument(
        "--over",
        default="",
        metavar="SNAPSHOT",
        help="lay the plan over this snapshot (an id, or latest); judge the whole",
    )
    parser.add_argument(
        "--soft-fail", action="append", default=[], metavar="RULE", help="a rule whose failures have no consequences"
    )
    parser.add_argument("--waivers", type=Path, metavar="FILE", help="waivers, in place of those tierwall.yaml names")
    parser.add_argument(
        "--with", dest="others", action="append", default=[], choices=("checkov",), metavar="TOOL",
        help="checkov: let it judge what is not ours to judge, such as HCL without a plan, Dockerfiles, Bicep",
    )  # fmt: skip
    common.database(parser)
    common.configuration(parser)
    common.judging(parser, gate=True)
    parser.set_defaults(fail_on="high")


def run(args: argparse.Namespace) -> int:
    """Judge; with no output asked for, say for each finding that counts where it is and what to do."""
    from scanner.cli.since import baseline
    from scanner.errors import UsageError
    from scanner.gate import gate

    if not args.paths and not args.plan:
        raise UsageError("gate: name a plan, a manifest or a folder, as in `tierwall gate plan.json`")
    if args.account and not ACCOUNT.fullmatch(args.account):
        raise UsageError(f"gate: --account {args.account}: is no account id; write its 12 digits")
    if len(args.environment) > 1:
        raise UsageError("gate: --environment can be given once: code is judged as part of one environment")
    environment = args.environment[0] if args.environment else None
    config = _config(args, environment)
    policy = common.policy(args, config, brief=not args.over)
    soft = {rule.id for name in args.soft_fail for rule in policy.rules.only([name]).values()}
    with _over(args) as live:
        outcome = gate(
            args.paths,
            policy,
            _redactor(args),
            plans=args.plan,
            environment=environment,
            fail_on=args.fail_on,
            unknown=args.unknown or "refused",
            as_of=common.as_of(args),
            account=args.account,
            source=args.source,
            include_passed=args.include_passed,
            base=baseline(args, policy),
            soft_fail=soft,
            with_checkov="checkov" in args.others,
            over=live,
            brief=not args.output,
        )
    _show(args, outcome)
    return outcome.exit_code


@contextlib.contextmanager
def _over(args: argparse.Namespace) -> Iterator[Live | None]:
    """The snapshot that `--over` names, in an estate of its own; None without."""
    from scanner.collectors.kinds import all_kinds
    from scanner.gate import Live
    from scanner.store import Store

    if not args.over:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="tierwall-over-") as folder, Store.open(args.db, create=False) as store:
        snapshot = store.snapshot(None if args.over == "latest" else args.over)
        with store.estate(snapshot, all_kinds(), Path(folder)) as estate:
            yield Live(estate, {uid: member.sha for uid, member in store.members(snapshot.id).items()})


def _config(args: argparse.Namespace, environment: str | None) -> Config:
    """tierwall.yaml; without one, the environment that was named, whose name must then say its tier, or none."""
    from scanner.environments import Config, Environment
    from scanner.environments.aliases import tier_of
    from scanner.errors import UsageError

    config = common.load_config(args)
    if config is not None:
        return config
    if environment is None:
        return Config()  # then they are inferred
    tier = tier_of(environment)
    if tier is None:
        raise UsageError(f"gate: no tierwall.yaml here says what {environment} is; try --environment production")
    return Config(environments={environment: Environment(tier=tier)})


def _redactor(args: argparse.Namespace) -> Redactor:
    """The organisation's key where it is given; else one for this run, since nothing of it is kept."""
    from scanner.safe.hash_key import BYTES, VARIABLE, HashKey
    from scanner.safe.secrets import Redactor

    if args.hash_key is not None or VARIABLE in os.environ:
        return common.redactor(args)
    return Redactor(HashKey(os.urandom(BYTES)))


def _show(args: argparse.Namespace, outcome: GateOutcome) -> None:
    from scanner.outputs import write_all
    from scanner.safe.terminal import clean

    write_all(outcome.result, args.output, include_passed=args.include_passed)
    # Standard output belongs to the output that was asked for there.
    stream = sys.stderr if args.output else sys.stdout
    for line in _lines(args, outcome):
        print(clean(line), file=stream)
    for notice in outcome.result.notices:
        print(clean(f"note: {notice}"), file=sys.stderr)
    if outcome.after_apply:
        listed = "" if args.unknown == "all" else "; --unknown all lists them"
        print(f"note: checks that can only be made after the apply: {outcome.after_apply}{listed}", file=sys.stderr)
    judged = f"resources: {outcome.result.summary.resources}, rules: {outcome.result.summary.rules}"
    print(f"gate: {'; '.join(outcome.why) or 'nothing in the way'} ({judged})", file=sys.stderr)


def _lines(args: argparse.Namespace, outcome: GateOutcome) -> Iterator[str]:
    """One for each finding that counts; where one stands for others, one for all of them."""
    waiting = Counter(f.behind for f in outcome.blocking if f.behind)
    alone = [f for f in outcome.blocking if not f.behind and f.id not in waiting]
    yield from (_line(finding) for finding in alone)
    for finding in outcome.result.findings:
        if number := waiting[finding.id]:
            checks = "1 check" if number == 1 else f"{number} checks"
            yield f"{_line(finding)}: {checks} at or above {args.fail_on} wait for it"


def _line(finding: Finding) -> str:
    """File, address, severity, rule, what was found or why it is not known, and what to do."""
    from scanner.results.texts import said

    subject = finding.resource
    where = subject.file + (f":{subject.line}" if subject.line else "")
    found = said(finding) + (f"; {finding.fix}" if finding.status == "fail" else "")
    return ": ".join(part for part in (where, subject.shown, finding.severity, finding.rule, found) if part)
