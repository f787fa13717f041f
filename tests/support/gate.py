"""Judging plans in tests: statuses by rule and Terraform address."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scanner.environments import Config, Environment
from scanner.gate import GateOutcome, gate
from scanner.results.evaluate import Policy
from scanner.rules import Rules, load_rules
from scanner.safe.secrets import Redactor
from tests.support.terraform import ACCOUNT, KEY

AS_OF = 1_800_000_000


@functools.cache
def shipped() -> Rules:
    """The rules as shipped."""
    return load_rules()


def policy(*rules: str, tier: Any = "production") -> Policy:
    """The shipped rules, or those named, for one environment `production`."""
    chosen = shipped().only(rules) if rules else shipped()
    return Policy(config=Config(environments={"production": Environment(tier=tier)}), rules=chosen, frameworks=())


def written(plan: Any, folder: Path, name: str = "plan.json") -> Path:
    """The plan in a file."""
    path = folder / name
    path.write_text(json.dumps(plan))
    return path


def judged(paths: Iterable[Path], *rules: str, **options: Any) -> GateOutcome:
    """What the gate says of files, for production."""
    given = {"environment": "production", "account": ACCOUNT, "as_of": AS_OF, "include_passed": True} | options
    return gate(list(paths), policy(*rules), Redactor(KEY), **given)


def statuses(plan: Any, *rules: str) -> dict[tuple[str, str], str]:
    """(rule, address) → status; the address is the uid where no resource of the plan has it."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = judged([written(plan, Path(folder))], *rules)
    addresses = {uid: address for one in outcome.plans for uid, address in one.addresses.items()}
    found = (*outcome.result.findings, *outcome.result.passed)
    return {(f.rule, addresses.get(f.resource.uid, f.resource.uid)): f.status for f in found}
