"""tierwall rules: list, show, test and lock rules."""

from __future__ import annotations

import argparse
import fnmatch
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.bundled import bundled
from scanner.cli import common
from scanner.errors import RuleError, UsageError

if TYPE_CHECKING:
    from scanner.rules import Rules
    from scanner.rules.rule import Rule


ACTIONS = ("list", "show", "test", "lock")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rules`."""
    parser.description = (
        "The rules that judge. `list` names them, or those of an id, a pattern such as 'aws-s3-*', or what another "
        "scanner calls it, such as prowler:ID or checkov:ID; `show ID` prints the rule, the controls it decides and "
        "its SQL; `test` runs the examples and the soundness check of all, of one, of a file or a folder; `lock` "
        "records the rules as they are."
    )
    parser.add_argument("action", choices=ACTIONS, metavar="|".join(ACTIONS), help="what to do")
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

        if args.rules or args.rule:
            raise UsageError(
                "rules lock: it records all rules that are shipped; a pack has no lock, it is checked whenever it is "
                "used"
            )
        print(write_lock(bundled("rules")))
        return common.CLEAN
    rules = load_rules([bundled("rules"), *args.rules])
    if args.action == "list":
        for rule in _matching(rules, args.rule) if args.rule else rules.values():
            print(f"{rule.severity:9} {rule.id:60} {rule.title}")
        return common.CLEAN
    if not args.rule:
        raise UsageError("rules show: name a rule; `tierwall rules list` lists them")
    for rule in rules.only([args.rule]).values():
        print(rule.path.read_text(encoding="utf-8"))
        for line in _decided(rule.id):
            print(f"# decides {line}")
        print("# compiled, where nothing was refused\n" + textwrap.indent(rule.compiled.verdicts(), "# "))
    return common.CLEAN


def _matching(rules: Rules, wanted: str) -> list[Rule]:
    """The rules of an id, a peer's id or a pattern. Raises RuleError when there is none."""
    return [rules[name] for name in fnmatch.filter(rules, wanted)] or list(rules.only([wanted]).values())


def _decided(rule: str) -> list[str]:
    """The controls that the rule takes part in deciding."""
    from scanner.frameworks import load_frameworks

    return [
        f"{framework.id} {control.id}: {control.title}" + (" (in part)" if clause.strength == "partial" else "")
        for framework in load_frameworks()
        for control in framework.controls
        for clause in control.checks
        if rule in clause.rules
    ]


def _test(args: argparse.Namespace) -> int:
    """Run examples and the soundness lint, whatever the lock says."""
    from scanner.rules import check, load_rules, read_rule, rule_files
    from scanner.safe.text import many

    target = Path(args.rule) if args.rule else None
    if target is not None and not target.exists():
        found = list(load_rules([bundled("rules"), *args.rules]).only([args.rule]).values())
    elif target is not None and target.is_file():
        found = [read_rule(target)]
    else:
        found = [
            read_rule(path) for path in sorted(rule_files([target] if target else [bundled("rules"), *args.rules]))
        ]
    shipped = {path.stem: path for path in rule_files([bundled("rules")])}
    failed = 0
    for rule in found:
        try:
            if rule.id in shipped and rule.path.resolve() != shipped[rule.id].resolve():
                raise RuleError(rule.id, f"{rule.path}: a rule of that id is shipped; give this one another")
            check(rule)
        except RuleError as e:
            failed += 1
            print(f"FAIL {e}")
        else:
            print(f"ok   {rule.id}: {many(len(rule.examples), 'example')}, sound")
    print(f"{len(found) - failed} passed, {failed} failed")
    return common.VIOLATIONS if failed else common.CLEAN
