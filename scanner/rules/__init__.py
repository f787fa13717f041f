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
    from scanner.rules.examples import Outcome, check, try_examples
    from scanner.rules.load import Rules, load_rules, read_rule, rule_files
    from scanner.rules.lock import Lock, write_lock
    from scanner.rules.run import out_of_scope, run

__all__ = [
    "SCOPE", "SEVERITIES", "Because", "Lock", "Outcome", "Parameter", "Quantifier", "Rule", "Rules", "Status",
    "Verdict", "check", "load_rules", "out_of_scope", "read_rule", "rule_files", "run", "try_examples", "write_lock",
]  # fmt: skip

_LATER = {  # imported on first use: the command line starts without them
    "Lock": "lock", "Outcome": "examples", "Rules": "load", "check": "examples", "load_rules": "load",
    "out_of_scope": "run", "read_rule": "load", "rule_files": "load", "run": "run", "try_examples": "examples",
    "write_lock": "lock",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"scanner.rules.{_LATER[name]}"), name)
