"""Environments without a file: by the words people use; and the file that is written of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.environments import Config, assign, infer, load_config, to_yaml
from scanner.environments.aliases import tier_in, tier_of
from scanner.store.estate import Estate
from scanner.tables import Assignment, Requested, Row
from scanner.tables.aws_account import AwsAccount, AwsTag
from scanner.tables.aws_compute import AwsInstance
from scanner.tables.config_value import ConfigEnvironment, ConfigLayer
from scanner.tables.kubernetes_cluster import KubernetesNamespace, KubernetesNamespaceLabel
from scanner.tables.kubernetes_workload import KubernetesWorkload

PROD, STAGE = "111111111111", "222222222222"


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    with Estate.create(tmp_path / "estate.db") as new:
        new.insert([Requested(scope="s", table_name="aws_tag")])
        yield new


def row(kind: type[Row], uid: str, **given: Any) -> Row:
    source = "kubernetes" if kind.table.startswith("kubernetes") else "aws"
    return kind(**{"scope": "s", "uid": uid, "name": uid, "source": source, **given})


def tagged(uid: str, account: str, **tags: str) -> list[Row]:
    rows = [row(AwsInstance, uid, account=account, region="eu-west-1")]
    return rows + [
        row(AwsTag, uid, account=account, ordinal=number, key_name=key, value=value)
        for number, (key, value) in enumerate(tags.items())
    ]


def namespace(cluster: str, name: str, **labels: str) -> list[Row]:
    uid = f"k8s:{cluster}/{name}"
    place = {"cluster": cluster, "namespace": name, "name": name}
    rows = [row(KubernetesNamespace, uid, **place), row(KubernetesWorkload, f"{uid}/w", **place)]
    return rows + [
        row(KubernetesNamespaceLabel, uid, ordinal=number, label=key, value=value, **place)
        for number, (key, value) in enumerate(labels.items())
    ]


def environments(config: Config) -> dict[str, Any]:
    found: dict[str, Any] = config.content().get("environments", {})
    return found


@pytest.mark.parametrize(
    ("word", "tier"),
    [
        ("production", "production"), ("Prod", "production"), ("prd", "production"), ("LIVE", "production"),
        ("stage", "staging"), ("stg", "staging"), ("staging", "staging"), ("pre-prod", "staging"),
        ("preprod", "staging"), ("uat", "staging"), ("dev", "development"), ("int", "integration"),
        ("integration", "integration"), ("ci", "integration"), ("test", "integration"), ("qa", "integration"),
        ("feature", "feature"), ("local", "local"), ("shared", "shared"), ("tools", "shared"),
        ("web", None), ("", None), ("product", None), ("pro\nd", None),
    ],
)  # fmt: skip
def test_a_word_names_a_tier(word: str, tier: str | None) -> None:
    """As people write them in tags."""
    assert tier_of(word) == tier


@pytest.mark.parametrize(
    ("name", "tier"),
    [
        ("acme-prod", "production"), ("prod-eu", "production"), ("payments_stg_2", "staging"),
        ("pre-prod-1", "staging"),
        ("nonprod", None), ("non-prod", None), ("dev-and-test", None), ("kube-system", None), ("productivity", None),
    ],
)  # fmt: skip
def test_a_part_of_a_name_names_a_tier(name: str, tier: str | None) -> None:
    """What names two, or only sounds like one, names none."""
    assert tier_in(name) == tier


def test_environments_are_found_by_the_commonest_tag(estate: Estate) -> None:
    """And the report says of how many resources."""
    estate.insert(
        [
            *tagged("a", STAGE, Env="Staging", tier="web"),
            *tagged("b", STAGE, Env="stg"),
            *tagged("c", STAGE, env="tools", stage="prod"),
        ]
    )
    config = infer(estate)
    assign(estate, config)

    match = {"aws": {"accounts": [STAGE], "tags": {"env": ["Staging", "stg"]}}}
    assert environments(config) == {
        "shared": {"tier": "shared", "match": [{"aws": {"accounts": [STAGE], "tags": {"env": ["tools"]}}}]},
        "staging": {"tier": "staging", "match": [match]},
    }
    assert config.how == (
        f"tag env=Staging of 1 resource in account {STAGE} says staging",
        f"tag env=stg of 1 resource in account {STAGE} says staging",
        f"tag env=tools of 1 resource in account {STAGE} says shared",
    )
    assert {one.uid: one.environment for one in estate.rows(Assignment)} == {
        "a": "staging", "b": "staging", "c": "shared",
    }  # fmt: skip


def test_environments_are_found_by_the_names_of_accounts(estate: Estate) -> None:
    """Those of the file where there is one, else the aliases."""
    estate.insert([row(AwsAccount, "account", account=PROD, region="", alias="acme prod"), *tagged("a", PROD)])
    config = infer(estate)
    assign(estate, config)

    assert environments(config) == {
        "production": {"tier": "production", "match": [{"aws": {"accounts": ["acme-prod"]}}]}
    }
    assert config.content()["sources"] == {"aws": {"accounts": {"acme-prod": {"id": PROD}}}}
    assert {one.uid: one.environment for one in estate.rows(Assignment)} == {"a": "production", "account": "production"}


def test_environments_are_found_by_clusters_namespaces_and_labels(estate: Estate) -> None:
    """A namespace may say otherwise than its cluster; feature namespaces are an environment each."""
    estate.insert(
        [
            *namespace("prod-eu", "shop"), *namespace("prod-eu", "kube-system"),
            *namespace("nonprod", "integration"), *namespace("nonprod", "blue", environment="uat"),
            *namespace("nonprod", "feature-login"), *namespace("nonprod", "other"),
        ]
    )  # fmt: skip
    config = infer(estate)
    assign(estate, config)

    assert {one.uid.removeprefix("k8s:"): one.environment for one in estate.rows(Assignment, "uid LIKE '%/w'")} == {
        "prod-eu/shop/w": "production",
        "prod-eu/kube-system/w": "production",
        "nonprod/integration/w": "integration",
        "nonprod/blue/w": "staging",
        "nonprod/feature-login/w": "feature/login",
        "nonprod/other/w": "",
    }
    assert config.promotion == ("feature", "integration", "staging", "production")
    assert config.environments["staging"].mirrors == "production"
    assert config.how == (
        "the label of namespace blue in cluster nonprod says staging",
        "the name of namespace integration in cluster nonprod says integration",
        "namespaces feature-* in cluster nonprod are feature environments",
        "the name of cluster prod-eu says production",
    )


def test_environments_are_found_by_the_names_of_configuration_files(estate: Estate) -> None:
    """The layers come with them."""
    estate.insert(
        [
            ConfigEnvironment(**{"scope": "c", "uid": "cfg:prd", "name": "prd"}),
            *(
                ConfigLayer(**{"scope": "c", "uid": "cfg:prd", "ordinal": number, "path": f"config/{name}.yml"})
                for number, name in enumerate(["base", "prd"])
            ),
        ]
    )

    assert environments(infer(estate)) == {
        "production": {
            "tier": "production", "match": [{"config": {"layers": ["config/base.yml", "config/prd.yml"]}}],
        }
    }  # fmt: skip


def test_where_nothing_is_named_after_an_environment_none_is_invented(estate: Estate) -> None:
    """And the report says that."""
    estate.insert(tagged("a", PROD, team="web"))
    config = infer(estate)

    assert environments(config) == {}
    assert config.how == ("no tag, account, cluster, namespace or configuration file is named after an environment",)


def test_the_file_that_is_written_says_how_and_reads_back(estate: Estate, tmp_path: Path) -> None:
    """`tierwall init` gives something to go on with."""
    estate.insert([*tagged("a", STAGE, env="stg"), *namespace("nonprod", "feature-x"), *namespace("prod", "shop")])
    config = infer(estate)
    path = tmp_path / "tierwall.yaml"
    path.write_text(to_yaml(config))

    assert load_config(path).content() == config.content()
    assert path.read_text().startswith("# How the environments were found:\n# tag env=stg of 1 resource in account")


def test_hostile_text_cannot_leave_its_place(estate: Estate, tmp_path: Path) -> None:
    """A tag's value that looks like YAML is a tag's value."""
    estate.insert(tagged("a", STAGE, env="prod ") + tagged("b", STAGE, env="p.r.o-d"))
    estate.insert([row(AwsAccount, "x", account=STAGE, region="", alias='prod"]}\n# evil: [')])
    config = infer(estate)
    path = tmp_path / "tierwall.yaml"
    path.write_text(to_yaml(config))

    assert load_config(path).content() == config.content()


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
NAMES = st.sampled_from(["a", "b", "true", "null", "1e3", "x-y", "No"])
PATHS = st.sampled_from(["config", "a b/c", "./x", "ü", "#x", "- x", "x: y", "{a}", "'q'", "nul\u2028l"])
SECONDS = st.integers(0, 10**7).map(lambda seconds: f"{seconds}s")


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    """Whatever tierwall.yaml may say, as far as texts, numbers and nesting go."""
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    match = st.one_of(
        st.builds(lambda t, v: {"aws": {"tags": {t: v}}}, TEXT, st.lists(TEXT, min_size=1, max_size=3)),
        st.builds(lambda u: {"aws": {"uids": u}}, st.lists(TEXT, min_size=1, max_size=2)),
        st.builds(lambda p: {"terraform": {"paths": p}}, st.lists(PATHS, min_size=1, max_size=2)),
        st.builds(lambda n: {"kubernetes": {"cluster": "c", "namespaces": n}}, st.lists(TEXT, min_size=1, max_size=2)),
    )
    environment = st.fixed_dictionaries(
        {"tier": st.sampled_from(["local", "staging", "production"])},
        optional={"owner": TEXT, "match": st.lists(match, max_size=3), "ttl": SECONDS},
    )
    return {
        **draw(st.fixed_dictionaries({}, optional={"organization": TEXT})),
        "sources": {"kubernetes": {"clusters": {"c": draw(st.fixed_dictionaries({}, optional={"context": TEXT}))}}},
        "environments": {name: draw(environment) for name in names},
        "policy": {names[0]: {"backup": {"keep": draw(SECONDS)}, "parameters": {draw(TEXT): {draw(TEXT): draw(TEXT)}}}},
        "allowed_paths": draw(
            st.lists(
                st.fixed_dictionaries(
                    {"from": st.just(names[0]), "to": st.just(names[-1]), "plane": st.just("network"), "reason": TEXT},
                    optional={"ports": st.lists(st.integers(0, 65535), max_size=2), "expires": st.just("2027-01-31")},
                ),
                max_size=2 if len(names) > 1 else 0,
            )
        ),
        "promotion": names,
        "governance": {"approvers": draw(st.lists(TEXT, max_size=2))},
    }


@given(content=contents())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back_unchanged(tmp_path: Path, content: dict[str, Any]) -> None:
    """Whatever text stands in it."""
    config = Config.model_validate(content)
    path = tmp_path / "tierwall.yaml"
    path.write_text(to_yaml(config), encoding="utf-8")
    read = load_config(path)

    assert (read.content(), read.digest) == (config.content(), config.digest)
