"""The rule engine: YAML and one SQL expression become pass, fail, unknown or not applicable.

rules = load_rules()                            # compiled; checked where the lock does not know them
for verdict in run(estate, rules.values(), as_of): ...
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from scanner.rules.rule import SEVERITIES, Parameter, Quantifier, Rule
from scanner.rules.verdict import SCOPE, Because, Status, Verdict

if TYPE_CHECKING:
    from scanner.rules.evaluation import out_of_scope, run
    from scanner.rules.examples import Outcome, check, try_examples
    from scanner.rules.load import Rules, load_rules, parse_rule, read_rule, rule_files
    from scanner.rules.lock import Lock, write_lock

__all__ = [
    "SCOPE", "SEVERITIES", "Because", "Lock", "Outcome", "Parameter", "Quantifier", "Rule", "Rules", "Status",
    "Verdict", "check", "load_rules", "out_of_scope", "parse_rule", "read_rule", "rule_files", "run", "try_examples",
    "write_lock",
]  # fmt: skip

_LATER = {  # imported on first use: the command line starts without them
    "evaluation": ("out_of_scope", "run"),
    "examples": ("Outcome", "check", "try_examples"),
    "load": ("Rules", "load_rules", "parse_rule", "read_rule", "rule_files"),
    "lock": ("Lock", "write_lock"),
}


def __getattr__(name: str) -> Any:
    for module, names in _LATER.items():
        if name in names:
            return getattr(importlib.import_module(f"scanner.rules.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
