"""Options that several commands share, and what they stand for."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.bundled import bundled
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.environments import Config
    from scanner.results import Exclusion, Result
    from scanner.results.evaluate import Policy
    from scanner.safe.secrets import Redactor
    from scanner.store import Snapshot, Store

SEVERITIES = ("critical", "high", "medium", "low")
CLEAN, VIOLATIONS, CANNOT_TELL = 0, 1, 3
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def database(parser: argparse.ArgumentParser) -> None:
    """`--db`."""
    parser.add_argument("--db", type=Path, default=Path("tierwall.db"), metavar="FILE", help="database (%(default)s)")


def configuration(parser: argparse.ArgumentParser) -> None:
    """`--config`, `--rules` and `--hash-key`."""
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="tierwall.yaml (./tierwall.yaml)")
    parser.add_argument("--rules", type=Path, action="append", default=[], metavar="DIR", help="a rule pack to add")
    parser.add_argument("--hash-key", type=Path, metavar="FILE", help="key for the hashes that stand for secrets")


def judging(parser: argparse.ArgumentParser, *, gate: bool = False) -> None:
    """What is judged, how it is shown, and what fails; `gate` tells what differs there."""
    parser.add_argument(
        "--rule", action="append", default=[], metavar="ID", help="only this rule; a peer's id as prowler:ID"
    )
    parser.add_argument(
        "--framework", action="append", default=[], metavar="F", help="only the rules of this framework"
    )
    parser.add_argument(
        "--environment",
        action="append",
        default=[],
        metavar="E",
        help="judge all code as part of this one" if gate else "show only this one; may be repeated",
    )
    parser.add_argument(
        "--as-of",
        metavar="TIME",
        help=f"judge as of this UTC time ({'now' if gate else 'when the snapshot finished'})",
    )
    outputs(parser)
    parser.add_argument(
        "--fail-on",
        choices=SEVERITIES,
        metavar="SEVERITY",
        help=f"exit 1 for failures from this severity on: {', '.join(SEVERITIES)} ({'high' if gate else 'never'})",
    )
    parser.add_argument(
        "--unknown",
        choices=("refused", "all", "none"),
        help="which unknowns exit 3, from --fail-on's severity on, without it of any severity: refused, which is all "
        "but those that wait for an apply, and the default where there is a threshold; all; none",
    )


def outputs(parser: argparse.ArgumentParser) -> None:
    """`-o`, `--include-passed`."""
    parser.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FORMAT[:PATH]",
        help="table, json, sarif, junit, csv, gitlab, github, markdown; may be repeated",
    )
    parser.add_argument("--include-passed", action="store_true", help="list passes too")


def load_config(args: argparse.Namespace) -> Config | None:
    """tierwall.yaml as named, or the one in this folder, or None when there is none."""
    from scanner.environments import load_config as load

    if args.config is not None:
        return load(args.config)
    here = Path("tierwall.yaml")
    return load(here) if here.exists() else None


def discovered(folder: Path = Path(), *, code: bool = False) -> Config:
    """The sources that can be scanned from here, where no file declares any; see `discover`.

    Raises UsageError when there is none.
    """
    from scanner.collectors.discover import discover
    from scanner.environments import Config

    sources, how = discover(folder, code=code)
    for sentence in how:
        note(sentence)
    if not sources:
        raise UsageError(
            "nothing to scan from here: no AWS credentials, no kubeconfig, no config/ folder, no tierwall.yaml"
        )
    return Config.model_validate({"sources": sources})


def judging_config(args: argparse.Namespace, store: Store, snapshot: Snapshot) -> Config:
    """tierwall.yaml; where there is none, the environments are inferred from the snapshot, and it is said how."""
    import tempfile

    from scanner.collectors.kinds import all_kinds
    from scanner.environments import infer

    declared = load_config(args)
    if declared is not None:
        return declared
    with (
        tempfile.TemporaryDirectory(prefix="tierwall-") as folder,
        store.estate(snapshot, all_kinds(), Path(folder)) as estate,
    ):
        config = infer(estate)
    note("no tierwall.yaml: environments are inferred; `tierwall init` writes them down")
    for sentence in config.how:
        note(sentence)
    return config


def redactor(args: argparse.Namespace) -> Redactor:
    """The redactor with the organisation's key, which cleans what libraries log from now on as well."""
    import logging

    from scanner.safe.secrets import HashKey, RedactingFilter, Redactor

    found = Redactor(HashKey.find(args.hash_key))
    if logging.lastResort:  # prints warnings and errors to stderr where nobody has set anything up, as here
        logging.lastResort.addFilter(RedactingFilter(found))
    return found


def policy(args: argparse.Namespace, config: Config, *, brief: bool = False) -> Policy:
    """Rules, frameworks and governance, narrowed to what the command asks for.

    `brief` leaves frameworks and attestations out where no output shows them, and rules unread until they are judged.
    """
    from scanner.attestations import load_attestations
    from scanner.environments import check_names
    from scanner.frameworks import load_frameworks
    from scanner.results.evaluate import Policy
    from scanner.rules import load_rules
    from scanner.waivers import load_waivers

    packs = [config.root / path for path in config.rules.packs]
    every = rules = load_rules([bundled("rules"), *packs, *args.rules], brief=brief)
    set_ = {rule for thresholds in config.policy.values() for rule in thresholds.parameters}
    parameters = {rule: every[rule].parameters if rule in set_ else () for rule in every}
    check_names(config, _shipped_frameworks(), parameters)
    shown = not brief or args.output or args.framework
    names = getattr(args, "framework", None) or config.frameworks
    frameworks = load_frameworks(names=names, rules=rules) if shown else ()
    if getattr(args, "framework", None):
        rules = rules.only(
            sorted({r for f in frameworks for c in f.controls for clause in c.checks for r in clause.rules})
        )
    if getattr(args, "rule", None):
        rules = rules.only(args.rule)
    governance, asked = config.governance, {f.id: f.asked for f in frameworks}
    named = getattr(args, "waivers", None)
    waivers = named or (config.root / governance.waivers if governance.waivers else None)
    return Policy(
        config=config,
        rules=rules,
        frameworks=frameworks,
        waivers=load_waivers(waivers, every, governance.approvers) if waivers else (),
        attestations=load_attestations(config.root / governance.attestations, asked)
        if governance.attestations and shown
        else (),
        applies={name: e.frameworks for name, e in config.environments.items()},
        excluded=tuple(_left_out(args, config, every, rules)),
    )


def _shipped_frameworks() -> list[str]:
    return sorted(path.stem for path in bundled("rules", "frameworks").glob("*.yaml"))


def _left_out(
    args: argparse.Namespace, config: Config, every: Collection[str], kept: Collection[str]
) -> Iterator[Exclusion]:
    """What `--rule`, `--framework` and tierwall.yaml left out, so that whoever reads the result knows."""
    from scanner.results import Exclusion

    frameworks, rules = getattr(args, "framework", None) or (), getattr(args, "rule", None) or ()
    asked = " ".join([*(f"--framework {name}" for name in frameworks), *(f"--rule {name}" for name in rules)])
    why = f"asked: {asked}" if frameworks else "no environment in tierwall.yaml is assessed by it"
    wanted = frameworks or config.frameworks
    if wanted and (others := [name for name in _shipped_frameworks() if name not in wanted]):
        yield Exclusion(f"{'framework' if len(others) == 1 else 'frameworks'} {', '.join(others)}", why)
    if missing := [name for name in every if name not in kept]:
        why = f"asked: {asked}; not judged: {', '.join(missing)}"
        yield Exclusion(f"{len(missing)} of {len(every)} rules", why)


def as_of(args: argparse.Namespace) -> int | None:
    """`--as-of` in UTC seconds. Raises UsageError."""
    return int(moment(args.as_of, "--as-of")) if args.as_of else None


def moment(text: str, what: str, *, last: bool = False) -> float:
    """A time in UTC seconds. A date alone is its first moment, or with `last` its last. Raises UsageError."""
    from datetime import UTC, datetime, timedelta

    try:
        time = datetime.fromisoformat(text)
    except ValueError as e:
        raise UsageError(f"{what} {text}: is not a time; write 2026-11-25 or 2026-11-25T12:00:00Z") from e
    if last and DATE.fullmatch(text):
        time += timedelta(days=1, microseconds=-1)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def choosing(parser: argparse.ArgumentParser) -> None:
    """`--snapshot` and `--at`: which snapshot, where not the newest."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--snapshot", metavar="ID", help="number or digest (the newest)")
    which.add_argument(
        "--at", metavar="TIME", help="the newest snapshot of that UTC time or before; a date alone means its end"
    )


def chosen(args: argparse.Namespace, store: Store) -> Snapshot:
    """The snapshot that `choosing` was told, else the newest. Raises UsageError."""
    return store.snapshot_at(moment(args.at, "--at", last=True)) if args.at else store.snapshot(args.snapshot)


def named(text: str, what: str, store: Store) -> Snapshot:
    """The snapshot of a number, a digest's first characters, or a date or time. Raises UsageError."""
    if DATE.match(text):
        return store.snapshot_at(moment(text, what, last=True))
    return store.snapshot(text)


def check(args: argparse.Namespace, declared: Config | None) -> None:
    """Refuse what could be told only after long work. Raises UsageError and InputError."""
    from scanner.collectors import chosen as sources
    from scanner.outputs import check as check_outputs

    check_outputs(args.output)
    if declared is None:
        return
    sources(declared, args.source)
    for wanted in args.environment:
        environment = declared.environments.get(wanted.partition("/")[0])
        if environment is None or ("/" in wanted) != (environment.each is not None):
            known = ", ".join(f"{n}/…" if e.each else n for n, e in sorted(declared.environments.items()))
            raise UsageError(f"environment {wanted}: unknown; known are {known or 'none'}")


def show(args: argparse.Namespace, result: Result) -> None:
    """Write the result to every output that was asked for; to the terminal when none was."""
    from scanner.outputs import write_all

    write_all(result, args.output or ["table"], include_passed=args.include_passed)


def exit_code(args: argparse.Namespace, result: Result) -> int:
    """1 for failures, else 3 for unknowns, at or above `--fail-on`. Without it failures do not count, and unknowns
    only if `--unknown` says so.
    """
    from scanner.gate import decide, undecided

    if args.fail_on is not None:
        return decide(result, args.fail_on, args.unknown or "refused")
    return CANNOT_TELL if args.unknown and any(undecided(result, SEVERITIES[-1], args.unknown)) else CLEAN


def note(text: str) -> None:
    """Progress and diagnostics, on stderr."""
    from scanner.safe.terminal import clean

    print(clean(text) + "\n", end="", file=sys.stderr, flush=True)  # one write: threads do not mix their lines
