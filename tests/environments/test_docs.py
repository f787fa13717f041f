"""The reference of tierwall.yaml says what is so: its examples load, and its thresholds are the shipped ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scanner.environments import TIERS, load_config
from scanner.environments.duration import format_duration
from scanner.environments.policy import COLUMNS, Threshold, shipped
from scanner.rules import load_rules
from scanner.tables import Environment

DOCS = Path(__file__).parents[2] / "docs" / "environments.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


def shown(column: str, threshold: Threshold) -> str:
    """A threshold as the reference writes it: value and line, or `*`."""
    if Environment.columns()[column].type is bool:
        value = "yes" if threshold.value else "no"
    elif column.endswith("_seconds"):
        value = format_duration(threshold.value)
    else:
        value = str(threshold.value)
    return f"{value} *" if threshold.origin == "tierwall default" else f"{value} ({threshold.origin.split()[1]})"


def thresholds() -> str:
    """The table of the shipped thresholds."""
    rows = [["", *TIERS], ["---"] * (len(TIERS) + 1)]
    for (group, field), column in [*COLUMNS.items(), (("", "ttl"), "ttl_seconds")]:
        name = f"`{group}.{field}`" if group else "`ttl` of the environment"
        rows.append([name, *(shown(column, shipped(tier)[column]) for tier in TIERS)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def test_the_reference_has_the_shipped_thresholds() -> None:
    """Where this fails, put in what it prints."""
    text = DOCS.read_text(encoding="utf-8")
    found = re.search(r"<!-- thresholds: .*? -->\n(.*?)\n?<!-- end -->", text, re.DOTALL)

    assert found is not None
    assert found[1] == thresholds(), thresholds()


def test_the_reference_says_which_thresholds_no_rule_reads() -> None:
    """Where this fails, put in what it prints: nobody should rely on a threshold that decides nothing."""
    read = {column for rule in load_rules().values() for column in rule.compiled.environment}
    unread = ", ".join(f"`{'.'.join(key)}`" for key, column in COLUMNS.items() if column not in read)
    found = re.search(r"<!-- unread: .*? -->\n(.*?)\n<!-- end -->", DOCS.read_text(encoding="utf-8"), re.DOTALL)

    assert found is not None
    assert found[1] == unread, unread


@pytest.mark.parametrize("text", EXAMPLES, ids=[str(number) for number in range(len(EXAMPLES))])
def test_the_examples_of_the_reference_load(tmp_path: Path, text: str) -> None:
    """Whoever copies one gets no error."""
    path = tmp_path / "tierwall.yaml"
    path.write_text(text, encoding="utf-8")

    assert load_config(path).content()
