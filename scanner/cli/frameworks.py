"""tierwall frameworks: list frameworks, show their controls, and how far rules decide them."""

from __future__ import annotations

import argparse
import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from scanner.bundled import bundled
from scanner.cli import common
from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.frameworks import Clause, Control, Framework

WIDTH = 100


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `frameworks`."""
    parser.description = (
        "What laws, standards and policies ask for, and how far rules decide it. `list` names the frameworks; `show F` "
        "lists a framework's controls, `show F CONTROL` tells one in full; `coverage` counts the clauses that rules "
        "decide, and `coverage F` names those that people must attest or nobody answers for. What a scan found of the "
        "controls is in its report."
    )
    parser.add_argument("action", choices=("list", "show", "coverage"), nargs="?", default="list")
    parser.add_argument("framework", nargs="?", metavar="F", help="a framework, such as gdpr")
    parser.add_argument("control", nargs="?", metavar="CONTROL", help="one of its controls, as `show F` lists them")


def run(args: argparse.Namespace) -> int:
    """Print frameworks, a framework's controls, one control, or the coverage."""
    from scanner.frameworks import load_frameworks

    frameworks = {f.id: f for f in load_frameworks(bundled("rules", "frameworks"))}
    if args.framework is not None and args.framework not in frameworks:
        raise UsageError(f"framework {args.framework}: unknown; known are {', '.join(frameworks)}")
    chosen = frameworks.get(args.framework)
    if args.action == "list":
        _list([chosen] if chosen else frameworks.values())
    elif args.action == "coverage":
        _coverage([chosen] if chosen else frameworks.values())
        if chosen:
            _undecided(chosen)
    elif chosen is None:
        raise UsageError(f"frameworks show: name one of {', '.join(frameworks)}")
    elif args.control is not None:
        _control(_find(chosen, args.control))
    else:
        for control in chosen.controls:
            rules = ", ".join(_rules(control.checks))
            print(f"{control.id:20} {control.automation:8} {control.title}" + (f"  [{rules}]" if rules else ""))
    return common.CLEAN


def _list(frameworks: Iterable[Framework]) -> None:
    for f in frameworks:
        counted = Counter(c.automation for c in f.controls)
        kinds = ", ".join(f"{counted[kind]} {kind}" for kind in ("full", "partial", "none"))
        print(f"{f.id:24} {len(f.controls):4} controls: {kinds}  {f.title} {f.version}")


def _coverage(frameworks: Iterable[Framework]) -> None:
    """A line a framework: its clauses by who decides them, and how many rules take part."""
    print(f"{'framework':24} {'clauses':>8} {'decided':>8} {'in part':>8} {'attested':>9} {'open':>5} {'rules':>6}")
    for f in frameworks:
        counted = Counter(_decided_by(clause, control) for control in f.controls for clause in control.checks)
        rules = _rules(clause for control in f.controls for clause in control.checks)
        print(
            f"{f.id:24} {counted.total():8} {counted['rules']:8} {counted['rules in part']:8} "
            f"{counted['people']:9} {counted['nobody']:5} {len(rules):6}"
        )


def _undecided(framework: Framework) -> None:
    """The clauses that no rule decides in full, with who answers for them."""
    for control in framework.controls:
        for clause in control.checks:
            who = _decided_by(clause, control)
            if who != "rules":
                print(f"{control.id:20} {who:14} {clause.text}")


def _decided_by(clause: Clause, control: Control) -> str:
    if clause.rules:
        return "rules" if clause.strength == "full" else "rules in part"
    return "people" if control.attestations else "nobody"


def _find(framework: Framework, wanted: str) -> Control:
    for control in framework.controls:
        if control.id == wanted:
            return control
    raise UsageError(
        f"control {wanted}: {framework.id} has none of that name; `tierwall frameworks show {framework.id}` lists them"
    )


def _control(control: Control) -> None:
    print(f"{control.id}  {control.title}\n{control.citation}\n")
    print(textwrap.fill(control.text, WIDTH))
    print(f"\nowner {control.owner}; automation {control.automation}; an auditor would {control.method}")
    if control.tiers:
        print(f"about environments of tier {', '.join(control.tiers)} alone")
    for clause in control.checks:
        print(textwrap.fill(clause.text, WIDTH, initial_indent="\n- ", subsequent_indent="  "))
        for rule in clause.rules:
            print(f"    {rule}" + (" (in part)" if clause.strength == "partial" else ""))
        if not clause.rules:
            print("    no rule decides it")
    for request in control.attestations:
        days = f"every {request.every_days} days"
        print(textwrap.fill(f"to attest, {days}: {request.asks} ({request.id})", WIDTH, initial_indent="\n"))


def _rules(clauses: Iterable[Clause]) -> list[str]:
    return sorted({rule for clause in clauses for rule in clause.rules})
