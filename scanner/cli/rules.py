"""tierwall rules: list, show, test and lock rules."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

from scanner.bundled import bundled
from scanner.cli import common
from scanner.errors import RuleError, UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rules`."""
    parser.add_argument("action", choices=("list", "show", "test", "lock"))
    parser.add_argument(
        "rule", nargs="?", metavar="ID|FILE|DIR", help="a rule's id, a peer's as prowler:ID, a file or a folder"
    )
    parser.add_argument("--rules", type=Path, action="append", default=[], metavar="DIR", help="a rule pack to add")


def run(args: argparse.Namespace) -> int:
    """Do the action; `test` exits 1 when a rule's examples or its soundness do not hold."""
    from scanner.rules import load_rules

    if args.action == "test":
        return _test(args)
    if args.action == "lock":
        from scanner.rules import write_lock

        print(write_lock(bundled("rules")))
        return common.CLEAN
    rules = load_rules([bundled("rules"), *args.rules])
    if args.action == "list":
        for rule in rules.values():
            print(f"{rule.severity:9} {rule.id:60} {rule.title}")
        return common.CLEAN
    if not args.rule:
        raise UsageError("rules show: name a rule; `tierwall rules list` lists them")
    for rule in rules.only([args.rule]).values():
        print(rule.path.read_text(encoding="utf-8"))
        print("# compiled, where nothing was refused\n" + textwrap.indent(rule.compiled.verdicts(), "# "))
    return common.CLEAN


def _test(args: argparse.Namespace) -> int:
    """Run examples and the soundness lint, whatever the lock says."""
    from scanner.rules import check, load_rules, read_rule, rule_files

    target = Path(args.rule) if args.rule else None
    if target is not None and not target.exists():
        found = list(load_rules([bundled("rules"), *args.rules]).only([args.rule]).values())
    elif target is not None and target.is_file():
        found = [read_rule(target)]
    else:
        found = [
            read_rule(path) for path in sorted(rule_files([target] if target else [bundled("rules"), *args.rules]))
        ]
    failed = 0
    for rule in found:
        try:
            check(rule)
        except RuleError as e:
            failed += 1
            print(f"FAIL {e}")
        else:
            print(f"ok   {rule.id}: {len(rule.examples)} examples, sound")
    print(f"{len(found) - failed} passed, {failed} failed")
    return common.VIOLATIONS if failed else common.CLEAN
