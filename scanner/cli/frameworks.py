"""tierwall frameworks: list frameworks, show their controls and what decides them."""

from __future__ import annotations

import argparse
from collections import Counter

from scanner.bundled import bundled
from scanner.cli import common
from scanner.errors import UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `frameworks`."""
    parser.add_argument("action", choices=("list", "show"), nargs="?", default="list")
    parser.add_argument("framework", nargs="?", metavar="F", help="the framework to show")


def run(args: argparse.Namespace) -> int:
    """Print one line a framework, or a control."""
    from scanner.frameworks import load_frameworks

    frameworks = {f.id: f for f in load_frameworks(bundled("rules", "frameworks"))}
    if args.action == "list":
        for f in frameworks.values():
            counted = Counter(c.automation for c in f.controls)
            kinds = ", ".join(f"{counted[kind]} {kind}" for kind in ("full", "partial", "none"))
            print(f"{f.id:24} {len(f.controls):4} controls: {kinds}  {f.title}")
        return common.CLEAN
    if args.framework not in frameworks:
        raise UsageError(f"framework {args.framework}: unknown; known are {', '.join(frameworks)}")
    for control in frameworks[args.framework].controls:
        rules = sorted({rule for clause in control.checks for rule in clause.rules})
        print(f"{control.id:20} {control.automation:8} {control.title}" + (f"  [{', '.join(rules)}]" if rules else ""))
    return common.CLEAN
