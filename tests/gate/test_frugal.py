"""A small plan costs what it needs: rules and tables of other resources are neither read nor made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scanner.environments import Config, Environment
from scanner.gate import gate
from scanner.results.evaluate import Policy
from scanner.rules import load
from scanner.safe.secrets import Redactor
from scanner.store import Estate
from scanner.tables.aws_compute import AwsEbsVolume
from scanner.tables.aws_s3 import AwsS3Bucket
from tests.gate.test_gate import volume
from tests.support.gate import AS_OF, written
from tests.support.terraform import KEY


def test_only_rules_on_what_the_plan_has_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    parse = load.parse_rule

    def noted(*given: Any) -> Any:
        rule = parse(*given)
        read.append(rule.resource)
        return rule

    monkeypatch.setattr(load, "parse_rule", noted)
    rules = load.load_rules(brief=True)
    policy = Policy(Config(environments={"production": Environment(tier="production")}), rules, ())

    outcome = gate([written(volume(encrypted=False), tmp_path)], policy, Redactor(KEY), environment="production",
                   as_of=AS_OF, brief=True)  # fmt: skip

    assert {name for name in read if not name.startswith("tierwall_")} == {"aws_ebs_volume"}
    assert {f.resource.table for f in outcome.result.findings} >= {"aws_ebs_volume"}
    assert outcome.result.summary.rules == len(outcome.result.rules) < len(rules)


def test_a_sparse_estate_has_the_tables_that_are_asked_for(tmp_path: Path) -> None:
    with Estate.create(tmp_path / "x.db", sparse=True) as estate:
        estate.insert([AwsEbsVolume(scope="s", uid="v", name="v")])

        assert [row.uid for row in estate.rows(AwsEbsVolume)] == ["v"]
        assert (estate.rows(AwsS3Bucket), estate.count(AwsS3Bucket)) == ([], 0)
        assert AwsS3Bucket.table in estate.absent
        estate.need([AwsS3Bucket.table])
        assert estate.connection.execute("SELECT count(*) FROM aws_s3_bucket").fetchone() == (0,)


def test_a_plan_is_judged_without_the_clients_and_the_collectors_of_live_sources(tmp_path: Path) -> None:
    """Importing these takes longer than to judge a small plan."""
    path = written(volume(encrypted=False), tmp_path)
    code = (
        "import sys; from scanner.cli import main\n"
        f"code = main(['gate', '--environment', 'production', {str(path)!r}])\n"
        "heavy = ('boto3', 'kubernetes', 'jinja2', 'weasyprint', 'rich', 'scanner.collectors.aws.services',\n"
        "         'scanner.collectors.kubernetes', 'scanner.collectors.manifests', 'scanner.rules.examples')\n"
        "print(code, [name for name in heavy if name in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr.splitlines()[-1] == "1 []"
