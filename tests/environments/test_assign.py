"""Which environment a resource is in: the most particular match decides, a tie is a tie, the unread stays unknown."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.environments import Config, assign
from scanner.environments.deciding import Decision, decide
from scanner.environments.matching import Answer, Rank
from scanner.errors import UsageError
from scanner.store.estate import Estate
from scanner.tables import Assignment, Environment, Gap, Requested, Row, Scope
from scanner.tables.aws_account import AwsAccount, AwsRegion, AwsTag
from scanner.tables.aws_compute import AwsInstance
from scanner.tables.aws_iam import AwsIamRole
from scanner.tables.config_value import ConfigValue
from scanner.tables.estate import TierwallAllowedPath, TierwallAssignment, TierwallThreshold
from scanner.tables.kubernetes_access import KubernetesRole
from scanner.tables.kubernetes_cluster import KubernetesCluster, KubernetesNamespace
from scanner.tables.kubernetes_workload import KubernetesWorkload

PROD, STAGE = "111111111111", "222222222222"
SOURCES = {
    "aws": {"accounts": {"prod": {"id": PROD}, "stage": {"id": STAGE}}},
    "kubernetes": {"clusters": {"eu": {}, "nonprod": {}}},
    "config": {"paths": ["config"]},
}


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    with Estate.create(tmp_path / "estate.db") as new:
        yield new


def config(**environments: dict[str, Any]) -> Config:
    """Environments over two accounts and two clusters; a name that is a tier's needs no tier."""
    declared = {name: {"tier": name.split("_")[0], **given} for name, given in environments.items()}
    return Config.model_validate({"sources": SOURCES, "environments": declared})


def row(kind: type[Row], uid: str, **given: Any) -> Row:
    source = "kubernetes" if kind.table.startswith("kubernetes") else "aws"
    return kind(**{"scope": "s", "uid": uid, "name": uid, "source": source, **given})


def instance(uid: str, account: str | None = STAGE, region: str | None = "eu-west-1", **given: Any) -> Row:
    return row(AwsInstance, uid, account=account, region=region, **given)


def tag(uid: str, key: str | None, value: str | None, ordinal: int = 0) -> Row:
    return row(AwsTag, uid, ordinal=ordinal, key_name=key, value=value)


TAGS_READ = (Scope(id="s", source="aws"), Requested(scope="s", table_name="aws_tag"))


def assigned(estate: Estate, config: Config, *rows: Row, **options: Any) -> dict[str, str | None]:
    """The environment of each resource, its tags having been read."""
    estate.insert([*TAGS_READ, *rows])
    assign(estate, config, **options)
    return {one.uid: one.environment for one in estate.rows(Assignment)}


def because(estate: Estate) -> dict[str, tuple[str, str]]:
    return {one.uid: (one.because, one.candidates) for one in estate.rows(Assignment)}


def flags(estate: Estate) -> dict[str, tuple[bool | None, bool | None]]:
    return {one.uid: (one.is_assigned, one.is_ambiguous) for one in estate.rows(TierwallAssignment)}


def aws(**given: Any) -> dict[str, Any]:
    return {"match": [{"aws": given}]}


def kubernetes(**given: Any) -> dict[str, Any]:
    return {"match": [{"kubernetes": given}]}


ALL_RANKS = config(
    production=aws(accounts=["stage"]),
    staging=aws(accounts=["stage"], regions=["eu-west-1"]),
    integration=aws(accounts=["stage"], tags={"environment": ["int*"]}),
    shared=aws(uids=["arn:tools-*"]),
)


def test_uid_outweighs_tag_outweighs_region_outweighs_account(estate: Estate) -> None:
    """The more particular a match, the more somebody meant it."""
    found = assigned(
        estate, ALL_RANKS,
        instance("arn:tools-1"), tag("arn:tools-1", "environment", "integration"),
        instance("arn:2"), tag("arn:2", "environment", "integration"),
        instance("arn:3"), tag("arn:3", "environment", "other"),
        instance("arn:4", region="us-east-1"),
        instance("arn:5", account=PROD),
    )  # fmt: skip

    assert found == {
        "arn:tools-1": "shared", "arn:2": "integration", "arn:3": "staging", "arn:4": "production", "arn:5": "",
    }  # fmt: skip
    assert because(estate) == {
        "arn:tools-1": ("uid", "shared"),
        "arn:2": ("tag environment=integration", "integration"),
        "arn:3": ("account stage, region eu-west-1", "staging"),
        "arn:4": ("account stage", "production"),
        "arn:5": ("", ""),
    }


def test_keys_and_values_of_tags_match_in_any_case(estate: Estate) -> None:
    """AWS tells `Environment` from `environment`; people do not."""
    given = config(production=aws(tags={"environment": ["prod"]}))

    assert assigned(estate, given, instance("a"), tag("a", "Environment", "Prod")) == {"a": "production"}


def test_two_environments_with_equal_right_are_a_tie_and_a_finding(estate: Estate) -> None:
    """Nobody guesses which of them was meant."""
    given = config(production=aws(tags={"environment": ["prod"]}), staging=aws(tags={"stage": ["uat"]}))
    rows = [instance("a"), tag("a", "environment", "prod"), tag("a", "stage", "uat", 1)]

    assert assigned(estate, given, *rows) == {"a": None}
    assert because(estate) == {"a": ("tag environment=prod, tag stage=uat", "production staging")}
    assert flags(estate) == {"a": (True, True)}


def test_what_nothing_takes_is_in_no_environment(estate: Estate) -> None:
    """A fact, not a gap: '' and not NULL."""
    assert assigned(estate, config(production=aws(accounts=["prod"])), instance("a")) == {"a": ""}
    assert flags(estate) == {"a": (False, False)}
    assert estate.rows(Gap) == []


def test_unread_tags_that_would_decide_leave_the_environment_unknown_and_name_the_call(estate: Estate) -> None:
    """A refused ListTags must not move a resource into another environment."""
    gap = Gap(scope="s", uid="a", table_name="aws_tag", reason="denied", call=7)

    assert assigned(estate, ALL_RANKS, gap, instance("a"), instance("b")) == {"a": None, "b": "staging"}
    assert flags(estate) == {"a": (None, None), "b": (True, False)}
    [one] = estate.rows(Assignment, "uid = 'a'")
    assert (one.reason, one.call, one.candidates) == ("denied", 7, "integration staging")
    [open_] = estate.rows(Gap, "table_name = 'tierwall_assignment'")
    assert (open_.scope, open_.uid, open_.reason, open_.call) == ("s", "a", "denied", 7)


def test_unread_tags_that_nobody_asks_for_change_nothing(estate: Estate) -> None:
    """What cannot change the answer does not make it unknown."""
    gap = Gap(scope="s", table_name="aws_tag", reason="denied", call=7)
    given = config(production=aws(accounts=["prod"]), staging=aws(accounts=["stage"], tags={"environment": ["stg"]}))

    assert assigned(estate, given, gap, instance("a", PROD), instance("b", STAGE)) == {"a": "production", "b": None}


def test_tags_that_were_not_asked_for_are_not_known(estate: Estate) -> None:
    """A scan without tags knows no tags, which is not the same as there being none."""
    estate.insert([instance("a")])
    assign(estate, ALL_RANKS)

    [one] = estate.rows(Assignment)
    assert (one.environment, one.reason) == (None, "not_requested")


def test_a_tag_whose_value_comes_after_apply_is_not_known_and_the_others_are(estate: Estate) -> None:
    """One computed tag does not hide the literal one beside it."""
    gaps = [Gap(scope="s", uid=u, table_name="aws_tag", column_name="value", reason="after_apply") for u in "ab"]
    rows = [
        instance("a"), tag("a", "environment", "int"), tag("a", "owner", None, 1),
        instance("b"), tag("b", "environment", None),
    ]  # fmt: skip

    assert assigned(estate, ALL_RANKS, *gaps, *rows) == {"a": "integration", "b": None}
    assert [one.reason for one in estate.rows(Assignment, "uid = 'b'")] == ["after_apply"]


def test_regions_never_exclude_what_is_global(estate: Estate) -> None:
    """An IAM role of an account that has one environment is in it, whichever regions that names."""
    given = config(production=aws(accounts=["prod"], regions=["eu-west-1"]))
    rows = [row(AwsIamRole, "role", account=PROD, region=""), instance("far", PROD, "us-east-1")]

    assert assigned(estate, given, *rows) == {"role": "production", "far": ""}


def test_an_account_or_region_that_is_not_known_leaves_it_open(estate: Estate) -> None:
    """A plan may not say which account it is for."""
    given = config(production=aws(accounts=["prod"], regions=["eu-west-1"]))
    rows = [instance("a", None), instance("b", PROD, None), instance("c", STAGE, None)]

    assert assigned(estate, given, *rows) == {"a": None, "b": None, "c": ""}


def test_a_planned_resource_may_get_an_arn_that_a_pattern_takes(estate: Estate) -> None:
    """Its uid is no ARN yet, so the pattern can neither take it nor pass it over."""
    found = assigned(estate, ALL_RANKS, instance("plan:aws_instance.a"))

    assert found == {"plan:aws_instance.a": None}


def test_an_account_is_judged_as_the_strictest_environment_in_it(estate: Estate) -> None:
    """Its password policy holds for all of them; nobody can tag an account."""
    given = config(
        staging=aws(accounts=["stage"], tags={"environment": ["stg"]}),
        integration=aws(accounts=["stage"], tags={"environment": ["int"]}),
    )
    rows = [
        row(AwsAccount, "account", account=STAGE, region=""),
        row(AwsRegion, "region", account=STAGE, region="eu-west-1"),
        instance("a"), tag("a", "environment", "int"),
    ]  # fmt: skip

    assert assigned(estate, given, *rows) == {"account": "staging", "region": "staging", "a": "integration"}
    assert because(estate)["account"] == ("shared by staging, integration", "staging integration")
    assert [(one.uid, one.is_shared) for one in estate.rows(TierwallAssignment)] == [
        ("a", False), ("account", True), ("region", True),
    ]  # fmt: skip


def test_an_account_of_one_environment_is_that_environment_s(estate: Estate) -> None:
    """A match that names the account alone takes all of it."""
    found = assigned(estate, config(production=aws(accounts=["prod"])), row(AwsAccount, "a", account=PROD, region=""))

    assert found == {"a": "production"}


def test_namespaces_outweigh_the_whole_cluster(estate: Estate) -> None:
    """A cluster may belong to one environment but for some namespaces."""
    given = config(
        development=kubernetes(cluster="nonprod"), integration=kubernetes(cluster="nonprod", namespaces=["int-*"])
    )
    rows = [
        row(KubernetesWorkload, "w1", cluster="nonprod", namespace="int-api"),
        row(KubernetesWorkload, "w2", cluster="nonprod", namespace="other"),
        row(KubernetesWorkload, "w3", cluster="eu", namespace="int-api"),
        row(KubernetesRole, "clusterrole", cluster="nonprod", namespace=""),
    ]

    assert assigned(estate, given, *rows) == {
        "w1": "integration", "w2": "development", "w3": "", "clusterrole": "development",
    }  # fmt: skip
    assert because(estate)["w1"] == ("namespace int-api", "integration")
    assert because(estate)["w2"] == ("cluster nonprod", "development")


def test_what_a_shared_cluster_has_in_common_is_judged_as_its_strictest_environment(estate: Estate) -> None:
    """A cluster role reaches every namespace; and a hundred of them must not be a hundred findings."""
    given = config(
        staging=kubernetes(cluster="nonprod", namespaces=["stg"]),
        feature={
            "each": {"kubernetes": {"cluster": "nonprod", "namespaces": ["feature-*"]}},
            "branch": {"from": "namespace", "strip": "feature-"},
        },
    )
    rows = [
        row(KubernetesCluster, "cluster", cluster="nonprod"),
        row(KubernetesRole, "clusterrole", cluster="nonprod", namespace=""),
        row(KubernetesNamespace, "ns", cluster="nonprod", namespace="feature-x"),
        row(KubernetesRole, "elsewhere", cluster="eu", namespace=""),
    ]

    assert assigned(estate, given, *rows) == {
        "cluster": "staging", "clusterrole": "staging", "ns": "feature/x", "elsewhere": "",
    }  # fmt: skip
    assert because(estate)["clusterrole"] == ("shared by staging, feature/x", "staging feature/x")


def test_each_makes_an_environment_of_every_namespace_it_finds(estate: Estate) -> None:
    """With the template's tier and thresholds, and the branch it belongs to."""
    given = config(
        feature={
            "each": {"kubernetes": {"cluster": "nonprod", "namespaces": ["feature-*"]}},
            "branch": {"from": "namespace", "strip": "feature-"},
            "ttl": "2d",
        }
    )
    rows = [
        row(KubernetesWorkload, f"w{n}", cluster="nonprod", namespace=name)
        for n, name in enumerate(["feature-login", "feature-cart", "feature-login", "feature-"])
    ]

    assert assigned(estate, given, *rows) == {
        "w0": "feature/login", "w1": "feature/cart", "w2": "feature/login", "w3": "feature/feature-",
    }  # fmt: skip
    assert [(e.id, e.tier, e.branch, e.ttl_seconds) for e in estate.rows(Environment)] == [
        ("", None, None, None),
        ("feature/cart", "feature", "cart", 172800),
        ("feature/feature-", "feature", "feature-", 172800),
        ("feature/login", "feature", "login", 172800),
    ]


def test_each_makes_an_environment_of_every_value_of_a_tag(estate: Estate) -> None:
    """Outside text becomes one printable word of the name."""
    given = config(
        feature={"each": {"aws": {"tags": {"branch": ["*"]}}}, "branch": {"from": "tag", "strip": "feature/"}}
    )
    rows = [
        instance("a"), tag("a", "Branch", "feature/login"),
        instance("b"), tag("b", "branch", "my \x1b[31mbranch\n"),
        instance("c"),
        instance("d"), tag("d", "branch", None),
    ]  # fmt: skip

    assert assigned(estate, given, *rows) == {"a": "feature/login", "b": "feature/my-branch", "c": "", "d": None}


def test_configuration_follows_its_layers_whatever_the_environment_is_called(estate: Estate) -> None:
    """An old snapshot keeps its place when an environment is renamed."""
    given = config(production={"match": [{"config": {"layers": ["./config/base.yml", "config/prod.yml"]}}]})
    scope = "config/config/base.yml,config/prod.yml"
    rows = [row(ConfigValue, "cfg:live/a", scope=scope, source="config"), row(ConfigValue, "cfg:x/a", source="config")]

    assert assigned(estate, given, *rows) == {"cfg:live/a": "production", "cfg:x/a": ""}


def test_plans_and_manifests_match_by_path_workspace_and_namespace(estate: Estate, tmp_path: Path) -> None:
    """Code is placed by where it lies; its tags and account still count."""
    given = config(
        production={"match": [{"terraform": {"workspaces": ["prod"]}}, {"manifests": {"paths": ["deploy/prod"]}}]},
        staging={"match": [{"terraform": {"paths": ["infra/stage"]}}, {"manifests": {"namespaces": ["stg"]}}]},
        shared=aws(tags={"environment": ["shared"]}),
    )
    rows = [
        instance("t1", None, source="terraform", file="plans/prod.json"),
        instance("t2", None, source="terraform", file="infra/stage/plan.json"),
        instance("t3", None, source="terraform", file="infra/other/plan.json"),
        instance("t4", None, source="terraform", file="plans/prod.json"), tag("t4", "environment", "shared"),
        row(KubernetesWorkload, "m1", source="manifests", namespace="x", file="deploy/prod/app.yaml"),
        row(KubernetesWorkload, "m2", source="manifests", namespace="stg", file="deploy/app.yaml"),
        row(KubernetesWorkload, "m3", source="manifests", namespace="x", file="deploy/production/app.yaml"),
    ]  # fmt: skip

    assert assigned(estate, given, *rows) == {
        "t1": "production", "t2": "staging", "t3": "", "t4": "shared", "m1": "production", "m2": "staging", "m3": "",
    }  # fmt: skip


def test_a_gate_may_be_told_the_environment_of_the_code(estate: Estate) -> None:
    """`--environment` outweighs every match of code, and touches nothing that is live."""
    given = config(production=aws(accounts=["prod"]), staging=aws(accounts=["stage"]))
    rows = [instance("plan", PROD, source="terraform"), instance("live", PROD)]

    assert assigned(estate, given, *rows, environment="staging") == {"plan": "staging", "live": "production"}
    with pytest.raises(UsageError, match="it declares production, staging"):
        assign(estate, given, environment="stagin")


def test_thresholds_are_rows_with_their_origin(estate: Estate) -> None:
    """A report can say who asks for what."""
    assign(estate, config(production={}))
    [one] = estate.rows(Environment, "id = 'production'")

    assert (one.backup_full_every_seconds, one.session_timeout_seconds, one.mfa_required) == (86400, 1800, True)
    assert [(t.value, t.origin) for t in estate.rows(TierwallThreshold, "column_name LIKE 'backup_full%'")] == [
        (86400, "line 252")
    ]


def test_allowed_paths_are_rows_that_end_after_their_last_day(estate: Estate) -> None:
    """An environment with `each` stands for all that it became."""
    given = Config.model_validate(
        {
            "sources": SOURCES,
            "environments": {
                "shared": {"tier": "shared"},
                "feature": {
                    "tier": "feature",
                    "each": {"kubernetes": {"cluster": "nonprod", "namespaces": ["f-*"]}},
                    "branch": {"from": "namespace", "strip": "f-"},
                },
            },
            "allowed_paths": [
                {"from": "feature", "to": "shared", "plane": "network", "ports": [443], "reason": "r",
                 "expires": "1970-01-02"},
                {"from": "shared", "to": "feature", "plane": "data", "reason": "r"},
            ],
        }
    )  # fmt: skip
    assigned(estate, given, row(KubernetesWorkload, "w", cluster="nonprod", namespace="f-x"))

    assert [
        (p.from_environment, p.to_environment, p.plane, p.port, p.expires) for p in estate.rows(TierwallAllowedPath)
    ] == [("feature/x", "shared", "network", 443, 172800), ("shared", "feature/x", "data", -1, 0)]


def test_assigning_again_replaces_what_another_policy_said(estate: Estate) -> None:
    """An old snapshot is judged by a new policy."""
    gap = Gap(scope="s", uid="a", table_name="aws_tag", reason="denied", call=7)
    assert assigned(estate, ALL_RANKS, gap, instance("a")) == {"a": None}
    assert assigned(estate, config(development=aws(accounts=["stage"]))) == {"a": "development"}
    assert [one.id for one in estate.rows(Environment)] == ["", "development"]
    assert [one.table_name for one in estate.rows(Gap)] == ["aws_tag"]


ENVIRONMENTS = ("a", "b", "c")
ANSWERS = st.lists(
    st.builds(
        Answer,
        st.sampled_from(ENVIRONMENTS),
        st.sampled_from([Rank.ACCOUNT, Rank.TAG, Rank.UID]),
        st.sampled_from([True, None]),
        st.just("w"),
    ),
    max_size=5,
)


def oracle(answers: tuple[Answer, ...]) -> str | None:
    """The precedence as the documentation says it, for answers that are all known."""
    holding = [answer for answer in answers if answer.holds]
    if not holding:
        return ""
    best = max(answer.rank for answer in holding)
    names = {answer.environment for answer in holding if answer.rank == best}
    return names.pop() if len(names) == 1 else None


@given(answers=ANSWERS)
@settings(deadline=None)
def test_an_open_answer_is_unknown_exactly_where_it_could_change_the_outcome(answers: list[Answer]) -> None:
    """Whatever is not known is tried both ways: one outcome is an answer, several are none."""
    ways = itertools.product(
        *(
            [answer] if answer.holds else [answer, Answer(answer.environment, answer.rank, True, "w")]
            for answer in answers
        )
    )
    outcomes = {oracle(way) for way in ways}
    decision = decide(answers)

    assert decision.environment == (outcomes.pop() if len(outcomes) == 1 else None)


@given(answers=ANSWERS.map(lambda answers: [Answer(a.environment, a.rank, True, "w") for a in answers]))
@settings(deadline=None)
def test_the_order_of_matches_does_not_matter(answers: list[Answer]) -> None:
    """Two people who sort their file differently get the same environments."""
    assert decide(answers).environment == decide(reversed(answers)).environment == oracle(tuple(answers))


@given(
    accounts=st.sampled_from([[], ["prod"], ["stage"], ["prod", "stage"]]),
    regions=st.sampled_from([[], ["eu-west-1"], ["us-east-1"]]),
    values=st.sampled_from([[], ["x"], ["x", "y"]]),
    where=st.tuples(st.sampled_from([PROD, STAGE]), st.sampled_from(["", "eu-west-1", "us-east-1"])),
    tagged=st.sampled_from(["", "x", "y"]),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_match_takes_what_all_its_conditions_take(
    tmp_path_factory: pytest.TempPathFactory,
    accounts: list[str],
    regions: list[str],
    values: list[str],
    where: tuple[str, str],
    tagged: str,
) -> None:
    """Conditions of one match narrow each other."""
    conditions = {"accounts": accounts, "regions": regions, "tags": {"t": values} if values else {}}
    given_ = {name: value for name, value in conditions.items() if value}
    account, region = where
    expected = (
        (not accounts or {PROD: "prod", STAGE: "stage"}[account] in accounts)
        and (not regions or not region or region in regions)
        and (not values or tagged in values)
    )
    if not given_:
        return
    with Estate.create(tmp_path_factory.mktemp("estate") / "estate.db") as estate:
        rows = [instance("i", account, region), *([tag("i", "t", tagged)] if tagged else [])]
        assert assigned(estate, config(production=aws(**given_)), *rows) == {"i": "production" if expected else ""}


def test_a_decision_names_what_made_it() -> None:
    """The match that held, not one that merely might have."""
    answers = [Answer("a", Rank.TAG, None, "tag t"), Answer("a", Rank.ACCOUNT, True, "account x")]

    assert decide(answers) == Decision("a", "account x", ("a",))
