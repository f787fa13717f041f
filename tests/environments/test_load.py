"""tierwall.yaml: what it means, and what is said of one that is wrong."""

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.environments import ConfigProblems, Threshold, load_config

# ruff: noqa: E501
DESIGN = """\
organization: Acme
sources:
  aws: {accounts: {prod: {id: "111111111111", role: TierwallRead, external_id_env: TW_EXT}, stage: {id: "222222222222", role: TierwallRead}}}
  kubernetes: {clusters: {prod-eu: {context: prod-eu}, nonprod: {kubeconfig: ./nonprod.kubeconfig}}}
  terraform: {paths: [infra/]}
  manifests: {paths: [deploy/]}
  config: {paths: [config/]}
  evidence: {paths: [evidence/]}
environments:
  production:
    tier: production
    owner: platform@acme.example
    match: [{aws: {accounts: [prod]}}, {kubernetes: {cluster: prod-eu, namespaces: ["*"]}}, {terraform: {workspaces: [prod]}},
            {config: {layers: [config/base.yml, config/production.yml]}}]
    holds: [personal-data, health-data, financial-records]
    frameworks: [gdpr, hipaa, sox]
  staging: {tier: staging, mirrors: production, match: [{aws: {accounts: [stage], tags: {environment: [staging, stg]}}}]}
  integration: {tier: integration, match: [{kubernetes: {cluster: nonprod, namespaces: [integration]}}]}
  shared: {tier: shared, match: [{aws: {accounts: [stage], tags: {environment: [shared]}}}]}
  feature: {tier: feature, each: {kubernetes: {cluster: nonprod, namespaces: ["feature-*"]}}, branch: {from: namespace, strip: feature-}, ttl: 14d}
policy: {production: {backup: {full_every: 24h, incremental_every: 1h, keep: 35d, copy_to_other_region: true}}}
allowed_paths:
  - {from: integration, to: shared, plane: network, ports: [443], reason: artifact registry, ticket: SEC-12, expires: 2027-01-31}
promotion: [feature, integration, staging, production]
governance: {waivers: waivers.yaml, attestations: attestations/, approvers: [ciso@acme.example], duties: duties.yaml, applicability: soa.yaml}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "tierwall.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    """What is said of the file, without its folder."""
    with pytest.raises(ConfigProblems) as caught:
        load_config(written(folder, text))
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_lengths_of_time_become_seconds_and_dates_dates(tmp_path: Path) -> None:
    """Names, numbers and dates mean what they look like; an account id stays text."""
    config = load_config(written(tmp_path, DESIGN))

    assert config.sources.aws is not None
    assert config.sources.aws.accounts["prod"].id == "111111111111"
    assert config.environments["feature"].ttl == 14 * 86400
    assert config.policy["production"].given() == {
        "backup_full_every_seconds": 86400,
        "backup_incremental_every_seconds": 3600,
        "backup_keep_seconds": 35 * 86400,
        "backup_copy_to_other_region": 1,
    }
    assert config.allowed_paths[0].expires == dt.date(2027, 1, 31)
    assert (config.root, config.raw) == (tmp_path, DESIGN)


def test_a_secret_that_somebody_wrote_into_the_file_is_not_stored(tmp_path: Path) -> None:
    """The text goes into the database with the snapshot."""
    config = load_config(written(tmp_path, "organization: Acme\n# key AKIAIOSFODNN7EXAMPLQ\n"))

    assert config.raw == "organization: Acme\n# key (redacted)\n"


def test_a_threshold_says_where_it_comes_from(tmp_path: Path) -> None:
    """The file's own line, the guide's line, or that Tierwall chose it."""
    thresholds = load_config(written(tmp_path, DESIGN)).thresholds("production")

    assert thresholds["backup_keep_seconds"] == Threshold(35 * 86400, "tierwall.yaml:21")
    assert thresholds["session_timeout_seconds"] == Threshold(1800, "line 98")
    assert thresholds["deletion_protection_required"] == Threshold(1, "tierwall default")


def test_an_environment_s_policy_outweighs_its_tier_s(tmp_path: Path) -> None:
    """What is written for one environment is more particular than what is written for all of its kind."""
    text = """\
environments:
  eu: {tier: production}
  us: {tier: production, ttl: 1d}
policy:
  us: {backup: {keep: 10d}}
  production: {backup: {keep: 20d, full_every: 12h}}
"""
    config = load_config(written(tmp_path, text))

    def kept(name: str) -> tuple[Threshold, Threshold, Threshold]:
        found = config.thresholds(name)
        return found["backup_keep_seconds"], found["backup_full_every_seconds"], found["ttl_seconds"]

    assert kept("us") == (
        Threshold(10 * 86400, "tierwall.yaml:5"),
        Threshold(43200, "tierwall.yaml:6"),
        Threshold(86400, "tierwall.yaml:3"),
    )
    assert kept("eu") == (
        Threshold(20 * 86400, "tierwall.yaml:6"),
        Threshold(43200, "tierwall.yaml:6"),
        Threshold(0, "tierwall default"),
    )


def test_comments_and_order_do_not_change_the_digest_but_meaning_does(tmp_path: Path) -> None:
    """A reformatted file is the same policy."""
    one = load_config(written(tmp_path, "organization: Acme\nenvironments: {a: {tier: shared, ttl: 24h}}\n")).digest
    same = load_config(written(tmp_path, "# ours\nenvironments: {a: {ttl: 1d, tier: shared}}\norganization: Acme\n"))
    other = load_config(written(tmp_path, "organization: Acme\nenvironments: {a: {tier: shared, ttl: 25h}}\n"))

    assert same.digest == one != other.digest


ENVIRONMENT = "environments:\n  production:\n    tier: production\n"
WRONG: list[tuple[str, list[str]]] = [
    (
        '',
        [
            'tierwall.yaml: is empty; `tierwall init` writes one from what is found',
        ],
    ),
    (
        'a: [',
        [
            'tierwall.yaml:2: is not YAML: while parsing a flow node did not find expected node content',
        ],
    ),
    (
        '- a',
        [
            'tierwall.yaml: is not one document of keys and values; `tierwall init` writes one from what is found',
        ],
    ),
    (
        'environment: {}',
        [
            'tierwall.yaml:1: environment: there is no such key; did you mean environments?',
        ],
    ),
    (
        'sources: {aws: {account: {}}}',
        [
            'tierwall.yaml:1: sources.aws.account: there is no such key; did you mean accounts?',
        ],
    ),
    (
        'sources: {gcp: {}}',
        [
            'tierwall.yaml:1: sources.gcp: there is no such key; known here: aws, kubernetes, terraform, manifests, config, evidence',
        ],
    ),
    (
        'sources:\n  aws:\n    accounts:\n      prod: {id: 111111111111}',
        [
            'tierwall.yaml:4: sources.aws.accounts.prod.id: the number 111111111111 is not accepted; write the 12 digits in quotes, such as "111111111111"',
        ],
    ),
    (
        'sources:\n  aws:\n    accounts:\n      prod: {role: x}',
        [
            'tierwall.yaml:4: sources.aws.accounts.prod: id is missing; add `id: …` there',
        ],
    ),
    (
        'sources:\n  aws:\n    accounts:\n      prod: {id: "1111"}',
        [
            'tierwall.yaml:4: sources.aws.accounts.prod.id: "1111" is not accepted; write the 12 digits in quotes, such as "111111111111"',
        ],
    ),
    (
        'sources:\n  aws:\n    accounts:\n      prod: {id: "111111111111", external_id_env: "s3cr3t-id"}',
        [
            'tierwall.yaml:4: sources.aws.accounts.prod.external_id_env: what stands there is not the name of a variable; write the name of an environment variable, not its value',
        ],
    ),
    (
        'sources:\n  aws:\n    accounts:\n      "a b": {id: "111111111111"}',
        [
            'tierwall.yaml:4: sources.aws.accounts.a b: "a b" is not accepted; use letters, digits, dots, hyphens and underscores, at most 63',
        ],
    ),
    (
        'sources:\n  aws:\n    regions: [europe]',
        [
            'tierwall.yaml:3: sources.aws.regions[0]: "europe" is not accepted; write a region\'s name, such as eu-west-1',
        ],
    ),
    (
        'sources:\n  aws:\n    max_attempts: 0',
        [
            'tierwall.yaml:3: sources.aws.max_attempts: the number 0 is not accepted; write a whole number from 1',
        ],
    ),
    (
        'sources:\n  aws:\n    max_attempts: 99',
        [
            'tierwall.yaml:3: sources.aws.max_attempts: the number 99 is not accepted; write a whole number up to 20',
        ],
    ),
    (
        'sources:\n  aws:\n    max_attempts: often',
        [
            'tierwall.yaml:3: sources.aws.max_attempts: "often" is not accepted; write a whole number',
        ],
    ),
    (
        'sources:\n  aws:\n    regions: []',
        [
            'tierwall.yaml:3: sources.aws.regions: an empty list is not accepted; name at least one or leave the key out',
        ],
    ),
    (
        'sources:\n  aws:\n    regions: eu-west-1',
        [
            'tierwall.yaml:3: sources.aws.regions: "eu-west-1" is not accepted; write a list, such as [eu-west-1]',
        ],
    ),
    (
        'sources:\n  aws: [prod]',
        [
            'tierwall.yaml:2: sources.aws: a list is not accepted; write keys and values below it, indented',
        ],
    ),
    (
        'sources:\n  aws:\n    accounts: [prod]',
        [
            'tierwall.yaml:3: sources.aws.accounts: a list is not accepted; write keys and values below it, indented',
        ],
    ),
    (
        'sources:\n  kubernetes: {clusters: {c: {read_secret_values: yes}}}',
        [
            'tierwall.yaml:2: sources.kubernetes.clusters.c.read_secret_values: "yes" is not accepted; write true or false',
        ],
    ),
    (
        'sources:\n  kubernetes: {clusters: {c: {context: 7}}}',
        [
            'tierwall.yaml:2: sources.kubernetes.clusters.c.context: the number 7 is not accepted; write text, in quotes if it looks like a number',
        ],
    ),
    (
        'sources:\n  kubernetes: {clusters: {c: {context: ""}}}',
        [
            'tierwall.yaml:2: sources.kubernetes.clusters.c.context: an empty text is not accepted; write something there or leave the key out',
        ],
    ),
    (
        'sources:\n  kubernetes: {clusters: {c: }}',
        [
            'tierwall.yaml:2: sources.kubernetes.clusters.c: an empty value is not accepted; write keys and values below it, indented',
        ],
    ),
    (
        'sources:\n  config: {paths: [/etc]}',
        [
            'tierwall.yaml:2: sources.config.paths[0]: "/etc" is not accepted; write a path inside the folder of this file, relative to it; absolute paths and .. are refused',
        ],
    ),
    (
        'sources:\n  config: {paths: [../other]}',
        [
            'tierwall.yaml:2: sources.config.paths[0]: "../other" is not accepted; write a path inside the folder of this file, relative to it; absolute paths and .. are refused',
        ],
    ),
    (
        'sources:\n  config: {}',
        [
            'tierwall.yaml:2: sources.config: paths is missing; add `paths: …` there',
        ],
    ),
    (
        'environments:\n  p: {tier: prod}',
        [
            'tierwall.yaml:2: environments.p.tier: "prod" is not known; did you mean production?',
        ],
    ),
    (
        'environments:\n  p: {tier: galaxy}',
        [
            'tierwall.yaml:2: environments.p.tier: "galaxy" is not known; write: local, feature, integration, development, staging, production, shared',
        ],
    ),
    (
        'environments:\n  p: {}',
        [
            'tierwall.yaml:2: environments.p: tier is missing; add `tier: …` there',
        ],
    ),
    (
        ENVIRONMENT + '    ttl: 14',
        [
            'tierwall.yaml:4: environments.production.ttl: the number 14 is not accepted; write a number and a unit, such as 30m, 24h or 35d; 0 for none',
        ],
    ),
    (
        ENVIRONMENT + '    holds: [health]',
        [
            'tierwall.yaml:4: environments.production.holds[0]: "health" is not known; did you mean health-data?',
        ],
    ),
    (
        ENVIRONMENT + '    match: [{aws: {}}]',
        [
            'tierwall.yaml:4: environments.production.match[0].aws: would match everything; name accounts, regions, tags or uids',
        ],
    ),
    (
        ENVIRONMENT + '    match: [{}]',
        [
            'tierwall.yaml:4: environments.production.match[0]: holds nothing; write one of aws, kubernetes, terraform, manifests, config an item',
        ],
    ),
    (
        ENVIRONMENT + "    match: [{aws: {arns: ['x']}}]",
        [
            'tierwall.yaml:4: environments.production.match[0].aws.arns: there is no such key; did you mean uids?',
        ],
    ),
    (
        ENVIRONMENT + '    match: [{aws: {tags: {environment: prod}}}]',
        [
            'tierwall.yaml:4: environments.production.match[0].aws.tags.environment: "prod" is not accepted; write a list, such as [prod]',
        ],
    ),
    (
        ENVIRONMENT + "    match: [{aws: {uids: ['x']}, kubernetes: {cluster: c}}]",
        [
            'tierwall.yaml:4: environments.production.match[0]: holds aws and kubernetes; write one of aws, kubernetes, terraform, manifests, config an item',
        ],
    ),
    (
        ENVIRONMENT + '    match: [{terraform: {}}]',
        [
            'tierwall.yaml:4: environments.production.match[0].terraform: would match everything; name workspaces or paths',
        ],
    ),
    (
        ENVIRONMENT + '    match: [{manifests: {}}]',
        [
            'tierwall.yaml:4: environments.production.match[0].manifests: would match everything; name paths or namespaces',
        ],
    ),
    (
        ENVIRONMENT + '    match: [{config: {layers: []}}]',
        [
            'tierwall.yaml:4: environments.production.match[0].config.layers: an empty list is not accepted; name at least one or leave the key out',
        ],
    ),
    (
        ENVIRONMENT + '    match: [{config: {layers: [config/base.yml]}}]',
        [
            'tierwall.yaml:4: layer config/base.yml is not below sources.config.paths; add its folder there',
        ],
    ),
    (
        ENVIRONMENT + '    match: [{aws: {accounts: [prod]}}]',
        [
            'tierwall.yaml:4: account prod is not declared below sources.aws.accounts; add it there',
        ],
    ),
    (
        ENVIRONMENT + '    match: [{kubernetes: {cluster: c}}]',
        [
            'tierwall.yaml:4: cluster c is not declared below sources.kubernetes.clusters; add it there',
        ],
    ),
    (
        ENVIRONMENT + '    mirrors: production',
        [
            'tierwall.yaml:4: environments.production mirrors itself; name the other one',
        ],
    ),
    (
        ENVIRONMENT + '    mirrors: staging',
        [
            'tierwall.yaml:4: environment staging is not declared below environments; declared are: production',
        ],
    ),
    (
        ENVIRONMENT + '    branch: {from: namespace}',
        [
            'tierwall.yaml:4: environments.production: branch needs each; write `each:` instead of `match:`',
        ],
    ),
    (
        ENVIRONMENT + '    branch: {from: label}',
        [
            'tierwall.yaml:4: environments.production.branch.from: "label" is not known; write: namespace, tag, workspace',
        ],
    ),
    (
        ENVIRONMENT + '    each: {aws: {tags: {a: [x]}}}',
        [
            'tierwall.yaml:2: environments.production: branch is missing; add `branch: {from: tag}`',
        ],
    ),
    (
        ENVIRONMENT + '    each: {aws: {uids: [x]}}\n    branch: {from: tag}',
        [
            'tierwall.yaml:4: environments.production: each needs something to tell its environments apart; name one tag',
        ],
    ),
    (
        ENVIRONMENT + '    each: {aws: {tags: {a: [x]}}}\n    branch: {from: namespace}',
        [
            'tierwall.yaml:5: environments.production: each aws has no namespace; write `from: tag`',
        ],
    ),
    (
        ENVIRONMENT + '    each: {aws: {tags: {a: [x]}}}\n    branch: {from: tag}\n    match: [{aws: {uids: [x]}}]',
        [
            'tierwall.yaml:6: environments.production: match and each exclude each other; keep one of them',
        ],
    ),
    (
        ENVIRONMENT + '    each: {config: {layers: [a]}}\n    branch: {from: tag}',
        [
            'tierwall.yaml:4: environments.production: each cannot follow config; use kubernetes, manifests, aws, terraform',
            'tierwall.yaml:4: layer a is not below sources.config.paths; add its folder there',
        ],
    ),
    (
        ENVIRONMENT + 'policy: {prodction: {}}',
        [
            'tierwall.yaml:4: policy.prodction: there is no such environment or tier; did you mean production?',
        ],
    ),
    (
        ENVIRONMENT + 'policy: {production: {backup: {full_every: daily}}}',
        [
            'tierwall.yaml:4: policy.production.backup.full_every: "daily" is not accepted; write a number and a unit, such as 30m, 24h or 35d; 0 for none',
        ],
    ),
    (
        ENVIRONMENT + 'policy: {production: {backup: {every: 24h}}}',
        [
            'tierwall.yaml:4: policy.production.backup.every: there is no such key; did you mean full_every?',
        ],
    ),
    (
        ENVIRONMENT + 'policy: {production: {access: {mfa_required: on}}}',
        [
            'tierwall.yaml:4: policy.production.access.mfa_required: "on" is not accepted; write true or false',
        ],
    ),
    (
        'environments: {staging: {tier: production}}\npolicy: {staging: {}}',
        [
            'tierwall.yaml:2: policy.staging may mean the environment, which is of tier production, or the tier staging; rename the environment',
        ],
    ),
    (
        ENVIRONMENT + 'promotion: [staging, production, production]',
        [
            'tierwall.yaml:4: environment staging is not declared below environments; declared are: production',
            'tierwall.yaml:4: promotion names production twice; an environment is passed once',
        ],
    ),
    (
        ENVIRONMENT + 'allowed_paths:\n  - {from: production, to: production, plane: network, reason: x}',
        [
            'tierwall.yaml:5: allowed_paths[0] leads from production to itself; name two environments',
        ],
    ),
    (
        ENVIRONMENT + '  b: {tier: shared}\nallowed_paths:\n  - {from: production, to: b, plane: data, ports: [1], reason: x}',
        [
            'tierwall.yaml:6: allowed_paths[0]: plane data has no ports; drop them',
        ],
    ),
    (
        ENVIRONMENT + 'allowed_paths:\n  - {from: production, to: b, plane: netwrk, ports: [70000], expires: soon}',
        [
            'tierwall.yaml:5: allowed_paths[0].expires: "soon" is not accepted; write a date as year-month-day, such as 2027-01-31',
            'tierwall.yaml:5: allowed_paths[0].plane: "netwrk" is not known; did you mean network?',
            'tierwall.yaml:5: allowed_paths[0].ports[0]: the number 70000 is not accepted; write a whole number up to 65535',
            'tierwall.yaml:5: allowed_paths[0]: reason is missing; add `reason: …` there',
        ],
    ),
    (
        'sources:\n  aws:\n    accounts: {a: {id: "111111111111"}, b: {id: "111111111111"}}',
        [
            'tierwall.yaml:3: accounts a and b have the same id; declare each account once; environments may share it',
        ],
    ),
    (
        "policy:\n  production: {parameters: {some-rule: {days: [1], hours: 3}}}",
        [
            "tierwall.yaml:2: policy.production.parameters.some-rule.days: a list is not accepted; write text, a number, true or false",
        ],
    ),
    (
        'a: 1\na: 2',
        [
            "tierwall.yaml:2: the key 'a' was already given on line 1; keep one of them",
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_every_mistake_is_named_with_its_line_and_the_fix(tmp_path: Path, text: str, expected: list[str]) -> None:
    """Nobody should have to look for the line or guess what would be right."""
    assert problems(tmp_path, text) == expected


def test_the_message_is_the_first_problem_and_how_many_more_there_are(tmp_path: Path) -> None:
    """One line for the terminal; the rest is kept."""
    path = written(tmp_path, "environments:\n  a: {tier: stagin}\n  b: {}\n")
    with pytest.raises(ConfigProblems) as caught:
        load_config(path)

    expected = f'{path}:2: environments.a.tier: "stagin" is not known; did you mean staging? (and 1 more)'
    assert str(caught.value) == expected


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    """No traceback for a wrong path."""
    with pytest.raises(ConfigProblems, match="does not exist"):
        load_config(tmp_path / "tierwall.yaml")


KEYS = st.sampled_from(
    [
        "organization",
        "sources",
        "environments",
        "policy",
        "promotion",
        "governance",
        "allowed_paths",
        "aws",
        "kubernetes",
        "accounts",
        "clusters",
        "id",
        "tier",
        "match",
        "each",
        "branch",
        "from",
        "to",
        "tags",
        "uids",
        "regions",
        "namespaces",
        "cluster",
        "config",
        "layers",
        "paths",
        "production",
        "backup",
        "keep",
        "full_every",
        "ttl",
        "holds",
        "ports",
        "plane",
        "expires",
        "reason",
        "waivers",
        "approvers",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | KEYS
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=25
)


@given(value=st.dictionaries(KEYS, ANYTHING, max_size=4))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_written_is_understood_or_explained(tmp_path: Path, value: object) -> None:
    """There is no third way: every problem has a line and a text."""
    path = written(tmp_path, json.dumps(value))
    try:
        load_config(path)
    except ConfigProblems as error:
        assert all(problem.where.startswith(f"{path}:") and problem.problem for problem in error.problems)  # noqa: PT017
