"""Where an environment may have resources that nobody could list, and who states its thresholds."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.environments import Config, load_config
from scanner.results.places import may_hold, threshold_sources
from scanner.tables import Scope

TEXT = """\
sources:
  aws: {accounts: {prod: {id: "111111111111"}, stage: {id: "222222222222"}}}
  kubernetes: {clusters: {nonprod: {}}}
  config: {paths: [config/]}
environments:
  production: {tier: production, match: [{aws: {accounts: [prod]}}, {config: {layers: [config/base.yml]}}]}
  staging: {tier: staging, match: [{aws: {accounts: [stage], regions: [eu-west-1], tags: {environment: [staging]}}}]}
  shared: {tier: shared, match: [{aws: {tags: {environment: [shared]}}}]}
  feature:
    tier: feature
    each: {kubernetes: {cluster: nonprod, namespaces: ["feature-*"]}}
    branch: {from: namespace, strip: feature-}
    ttl: 14d
policy: {production: {backup: {keep: 40d}}}
"""
NAMES = ("production", "staging", "shared", "feature/login")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "base.yml").write_text("a: 1\n")
    (tmp_path / "tierwall.yaml").write_text(TEXT)
    return load_config(tmp_path / "tierwall.yaml")


@pytest.mark.parametrize(
    ("scope", "environments"),
    [
        (Scope(id="s", source="aws", account="111111111111", region="eu-west-1"), ["production", "shared"]),
        (Scope(id="s", source="aws", account="222222222222", region="eu-west-1"), ["staging", "shared"]),
        (Scope(id="s", source="aws", account="222222222222", region="us-east-1"), ["shared"]),
        (Scope(id="s", source="aws", account="222222222222"), ["staging", "shared"]),  # global is never excluded
        (Scope(id="s", source="kubernetes", cluster="nonprod"), ["feature/login"]),
        (Scope(id="s", source="kubernetes", cluster="other"), []),
        (Scope(id="s", source="config"), ["production"]),
        (Scope(id="s", source="terraform"), list(NAMES)),
    ],
)
def test_a_scope_may_hold_what_its_environments_match(config: Config, scope: Scope, environments: list[str]) -> None:
    assert may_hold(config, [scope], NAMES) == {"s": environments}


def test_an_environment_that_nobody_declared_may_be_anywhere(config: Config) -> None:
    assert may_hold(config, [Scope(id="s", source="kubernetes", cluster="other")], ["made-up"]) == {"s": ["made-up"]}


def test_thresholds_name_the_line_that_states_them(config: Config) -> None:
    sources = threshold_sources(config, NAMES)

    assert sources["production", "backup_keep_seconds"] == "tierwall.yaml:14"
    assert sources["feature/login", "ttl_seconds"] == "tierwall.yaml:13"
    assert sources["production", "backup_full_every_seconds"].startswith("line 252")
