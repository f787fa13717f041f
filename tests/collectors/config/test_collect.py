"""From files to rows: effective values, their layer and line, what is not read, and no secret in clear."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.collectors.config import KINDS, collect, effective
from scanner.collectors.config.layers import layers_of
from scanner.collectors.config.merge import overlaid
from scanner.collectors.config.values import uid_of
from scanner.environments import Config, assign, infer, load_config
from scanner.errors import InputError, UsageError
from scanner.safe.secrets import HashKey, Redactor
from scanner.safe.text import storable
from scanner.store import Stage
from scanner.store.estate import Estate
from scanner.tables import Assignment, Call, Gap, Kinds, Requested
from scanner.tables.config_value import ConfigEnvironment, ConfigLayer, ConfigSecret, ConfigValue, ConfigVariable

BASE = """\
# base.yml - Common across all environments
app:
  name: "Enterprise Application"
  version: "${APP_VERSION}"

database:
  pool_size: 10
  timeout: 30000

security:
  session_timeout: 3600
  password_min_length: 8

audit:
  retention_days: 365
"""
PRODUCTION = """\
# production.yml - Production-specific settings
database:
  pool_size: 50
  ssl_mode: require
  backup_enabled: true

security:
  session_timeout: 1800
  mfa_required: true
"""
TIERWALL = """\
sources: {config: {paths: [config]}}
environments:
  production: {tier: production, match: [{config: {layers: [config/base.yml, config/production.yml]}}]}
"""
REDACTOR = Redactor(HashKey(b"k" * 32))

Collected = Callable[..., Estate]


@pytest.fixture
def collected(tmp_path: Path) -> Collected:
    """Writes files, collects them, and gives the estate."""

    def run(tierwall: str = TIERWALL, said: list[str] | None = None, **files: str) -> Estate:
        config = written(tmp_path, tierwall, **files)
        kinds = Kinds()
        kinds.add(*KINDS)
        stage = Stage.create(tmp_path / f"stage-{len(list(tmp_path.iterdir()))}.db", REDACTOR, kinds)
        collect(config, stage, (said if said is not None else []).append)
        return stage.flush()

    return run


def written(folder: Path, tierwall: str = TIERWALL, **files: str) -> Config:
    """`base_yml="…"` is config/base.yml."""
    (folder / "config").mkdir(exist_ok=True)
    (folder / "tierwall.yaml").write_text(tierwall)
    for name, text in files.items():
        (folder / "config" / name.replace("_", ".")).write_text(text)
    return load_config(folder / "tierwall.yaml")


def values(estate: Estate, *names: str) -> dict[str, Any]:
    """Columns by key."""
    found = {}
    for row in estate.rows(ConfigValue):
        seen = tuple(getattr(row, name) for name in names)
        found[row.key_path] = seen if len(seen) > 1 else seen[0]
    return found


def test_the_guide_s_example_comes_to_one_value_a_key(collected: Collected) -> None:
    """Value, number, layer and line, as an auditor would look them up."""
    estate = collected(base_yml=BASE, production_yml=PRODUCTION)

    assert values(estate, "value", "value_number", "file", "line") == {
        "app.name": (None, None, "config/base.yml", 3),
        "app.version": (None, None, "config/base.yml", 4),
        "audit.retention_days": ("365", 365.0, "config/base.yml", 15),
        "database.backup_enabled": ("true", None, "config/production.yml", 5),
        "database.pool_size": ("50", 50.0, "config/production.yml", 3),
        "database.ssl_mode": ("require", None, "config/production.yml", 4),
        "database.timeout": ("30000", 30000.0, "config/base.yml", 8),
        "security.mfa_required": ("true", None, "config/production.yml", 9),
        "security.password_min_length": ("8", 8.0, "config/base.yml", 12),
        "security.session_timeout": ("1800", 1800.0, "config/production.yml", 8),
    }
    [pool] = estate.rows(ConfigValue, "key_path = 'database.pool_size'")
    assert (pool.uid, pool.name, pool.source, pool.layer) == (
        "cfg:production/database.pool_size", "pool_size", "config", "config/production.yml",
    )  # fmt: skip
    assert (pool.is_overridden, pool.overridden_layer, pool.overridden_value, pool.overridden_number) == (
        True, "config/base.yml", "10", 10.0,
    )  # fmt: skip
    [environment] = estate.rows(ConfigEnvironment)
    assert (environment.uid, environment.layers, environment.is_complete, environment.keys) == (
        "cfg:production", 2, True, 10,
    )  # fmt: skip
    assert (environment.variables, environment.variables_without_default) == (1, 1)
    layers = estate.rows(ConfigLayer)
    assert [(layer.ordinal, layer.path, layer.is_read, layer.keys, layer.overrides) for layer in layers] == [
        (0, "config/base.yml", True, 7, 0),
        (1, "config/production.yml", True, 5, 2),
    ]  # fmt: skip
    assert estate.rows(Gap) == []
    assert [(c.service, c.operation, c.status, c.uid) for c in estate.rows(Call)] == [
        ("file", "yaml", "ok", "cfg:production"), ("file", "yaml", "ok", "cfg:production"),
    ]  # fmt: skip


def test_the_environment_of_a_value_is_the_one_that_declares_its_layers(collected: Collected, tmp_path: Path) -> None:
    """Also where two environments declare the same files."""
    match = "match: [{config: {layers: [config/base.yml, config/production.yml]}}]"
    text = TIERWALL.replace("  production:", "  live:") + f"  dr: {{tier: production, {match}}}\n"
    estate = collected(text, base_yml="a: 1", production_yml="")
    assign(estate, load_config(tmp_path / "tierwall.yaml"))

    assert {row.uid: row.environment for row in estate.rows(Assignment)} == {
        "cfg:dr": "dr", "cfg:dr/a": "dr", "cfg:live": "live", "cfg:live/a": "live",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind", "value", "expression", "default", "variables"),
    [
        ("plain: prefer", "literal", "prefer", "", "", []),
        ("plain: ${HOST}", "reference", None, "${HOST}", "", [("HOST", False)]),
        ("plain: ${MODE:-require}", "reference", None, "${MODE:-require}", "require", [("MODE", True)]),
        ("plain: http://${HOST}:80/${PATH_}", "reference", None, "http://${HOST}:80/${PATH_}", "",
         [("HOST", False), ("PATH_", False)]),
        ("plain: $HOME", "reference", None, "$HOME", "", [("HOME", False)]),
        ("plain: '{{ db_host }}'", "reference", None, "{{ db_host }}", "", [("db_host", False)]),
        ("plain: arn:aws:sqs:eu-west-1:111111111111:q", "reference", "arn:aws:sqs:eu-west-1:111111111111:q",
         "arn:aws:sqs:eu-west-1:111111111111:q", "", []),
        ("plain: ''", "empty", "", "", "", []),
        ("plain: null", "empty", "", "", "", []),
        ("plain: []", "empty", "", "", "", []),
        ("plain: {}", "empty", "", "", "", []),
        ("plain: yes", "literal", "true", "", "", []),
        ("plain: '25'", "literal", "25", "", "", []),
        ("password: changeme", "placeholder", None, "", "", []),
    ],
)  # fmt: skip
def test_what_a_value_is(
    collected: Collected, text: str, kind: str, value: str | None, expression: str, default: str, variables: list[Any]
) -> None:
    """What a variable decides is not known before it is deployed; the rest is."""
    estate = collected(base_yml=text, production_yml="")
    [row] = estate.rows(ConfigValue)

    assert (row.kind, row.value, row.expression, row.default_value) == (kind, value, expression, default)
    assert [(v.variable, v.has_default) for v in estate.rows(ConfigVariable)] == variables


def test_dots_in_keys_and_elements_of_lists_have_a_path_of_their_own(collected: Collected) -> None:
    """No two keys have one uid."""
    estate = collected(
        base_yml="{a.b: 1, a: {b: 2}, 'c\\d': 3, list: [x.example.com, {deep: 4}], 5: 6}", production_yml=""
    )

    assert values(estate, "uid", "value") == {
        "a.b": ("cfg:production/a.b", "2"),
        "a\\.b": ("cfg:production/a\\.b", "1"),
        "c\\\\d": ("cfg:production/c\\\\d", "3"),
        "list.0": ("cfg:production/list.0", "x.example.com"),
        "list.1.deep": ("cfg:production/list.1.deep", "4"),
        "5": ("cfg:production/5", "6"),
    }


@given(
    one=st.recursive(
        st.just(1), lambda inner: st.dictionaries(st.text(".\\ab/", max_size=3), inner, min_size=1, max_size=3)
    )
)
def test_every_key_has_a_uid_of_its_own(one: Any) -> None:
    """Whatever dots and backslashes stand in keys."""
    uids = [uid_of("e", value.path) for value in overlaid([{"root": one}])]
    assert len(uids) == len(set(uids))


def test_json_and_toml_are_layers_too(collected: Collected) -> None:
    """Lines are told for JSON; the TOML reader knows none."""
    text = TIERWALL.replace("base.yml", "base.json").replace("production.yml", "production.toml")
    estate = collected(text, base_json='{\n  "a": {"b": true}\n}', production_toml="[a]\nc = 2.5\n")

    assert values(estate, "value", "line", "layer") == {
        "a.b": ("true", 2, "config/base.json"), "a.c": ("2.5", 0, "config/production.toml"),
    }  # fmt: skip


BROKEN = [
    ("", "config/production.yml: does not exist"),
    ("a: 1\na: 2\n", "config/production.yml:2: the key 'a' was already given on line 1; keep one of them"),
    ("- a\n", "config/production.yml: is no mapping of keys to values"),
    ("a: 1\n---\nb: 2\n", "config/production.yml:3: begins a second document; keep one document a file"),
]


@pytest.mark.parametrize(("text", "problem"), BROKEN)
def test_a_layer_that_is_not_read_is_a_gap_and_opens_what_it_could_give(
    collected: Collected, text: str, problem: str
) -> None:
    """Every key may be overridden in the lost file, so no value of the base is certain."""
    said: list[str] = []
    files = {"production_yml": text} if text else {}
    estate = collected(said=said, base_yml="a: 1\nb: 2\n", **files)

    assert estate.rows(ConfigValue) == []
    [environment] = estate.rows(ConfigEnvironment)
    assert (environment.is_complete, environment.keys, environment.variables) == (False, None, None)
    gaps = estate.rows(Gap)
    assert {(gap.uid, gap.table_name, gap.column_name, gap.reason, gap.call, gap.detail) for gap in gaps} == {
        ("", "config_value", "", "error", 2, problem),
        ("", "config_secret", "", "error", 2, problem),
        ("", "config_variable", "", "error", 2, problem),
        ("cfg:production", "config_environment", "keys", "error", 2, problem),
        ("cfg:production", "config_environment", "variables", "error", 2, problem),
        ("cfg:production", "config_environment", "variables_without_default", "error", 2, problem),
        ("cfg:production", "config_layer", "keys", "error", 2, problem),
        ("cfg:production", "config_layer", "overrides", "error", 2, problem),
    }  # fmt: skip
    assert [(call.status, call.operation) for call in estate.rows(Call)] == [("ok", "yaml"), ("error", "yaml")]
    assert said == ["config: production: 0 keys", f"config: production: not read: {problem}"]


def test_what_an_override_gives_is_certain_although_the_base_is_lost(collected: Collected) -> None:
    """Only whether it overrides something is not known."""
    estate = collected(base_yml="a: [", production_yml="b: 2\n")

    assert values(estate, "value", "is_overridden", "overridden_value") == {"b": ("2", None, None)}
    open_ = {gap.column_name for gap in estate.rows(Gap, "uid = 'cfg:production/b'")}
    assert open_ == {"is_overridden", "overridden_layer", "overridden_value", "overridden_number"}


def test_a_link_out_of_the_folder_is_not_followed(collected: Collected, tmp_path: Path) -> None:
    """A repository does not choose which other files are read."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "production.yml").symlink_to("/etc/hostname")
    estate = collected(base_yml="a: 1")

    assert {gap.detail.partition(": ")[2].partition(" /")[0] for gap in estate.rows(Gap)} == {"leads out of"}


def test_without_declared_layers_files_named_after_environments_are_found(tmp_path: Path) -> None:
    """A base beside them is their first layer; other files are nobody's."""
    files = {"base_yml": "", "production_yml": "", "stg_yaml": "", "notes_yml": "", "dev_toml": ""}
    config = written(tmp_path, "sources: {config: {paths: [config]}}", **files)

    assert {name: found.paths for name, found in layers_of(config).items()} == {
        "dev": ("config/base.yml", "config/dev.toml"),
        "production": ("config/base.yml", "config/production.yml"),
        "stg": ("config/base.yml", "config/stg.yaml"),
    }


def test_a_folder_that_is_missing_is_a_gap_and_an_empty_one_is_not(collected: Collected, tmp_path: Path) -> None:
    """Nothing found is a fact; not having looked is none."""
    assert collected("sources: {config: {paths: [config]}}").rows(Gap) == []
    estate = collected("sources: {config: {paths: [other]}}")

    assert [gap.table_name for gap in estate.rows(Gap)] == [
        "config_environment", "config_layer", "config_secret", "config_value", "config_variable",
    ]  # fmt: skip
    assert [(call.operation, call.status) for call in estate.rows(Call)] == [("list", "error")]
    assert {row.scope for row in estate.rows(Requested)} == {"config/other"}


def test_the_effective_values_can_be_shown_without_a_scan(tmp_path: Path) -> None:
    """For `tierwall config show`: in the order of the files, secrets replaced."""
    config = written(tmp_path, base_yml=BASE, production_yml=PRODUCTION + "  api_token: s3cr3t-value\n")
    shown = effective(config, "production", REDACTOR)

    assert [row.key_path for row in shown][:3] == ["app.name", "app.version", "database.pool_size"]
    assert [row.value_hash for row in shown if row.key_name == "api_token"] == [REDACTOR.token("s3cr3t-value")]
    with pytest.raises(UsageError, match="known are production"):
        effective(config, "staging", REDACTOR)


def test_a_broken_layer_cannot_be_shown(tmp_path: Path) -> None:
    """Half a configuration looks like a whole one."""
    with pytest.raises(InputError, match=r"its configuration is incomplete: config/base\.yml: does not exist"):
        effective(written(tmp_path, production_yml=""), "production", REDACTOR)


SECRETS = [
    ("database: {password: %s}", "hunter2-and-more"),
    ("database: {url: 'postgres://app:%s@db.internal:5432/app'}", "p4ssw0rdInUrl"),
    ("smtp: {auth: {user: x, pass: %s}}", "qwertz12345"),
    ("aws: {note: %s}", "AKIAIOSFODNN7EXAMPLQ"),
    ("list: [{name: api, client_secret: %s}]", "aaaaBBBBcccc1111"),
    ("motd: %s", "some unlisted text of somebody"),
    ("database: {password: '${DB_PASSWORD:-%s}'}", "fallback-secret-1"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_no_secret_is_kept_in_clear(collected: Collected, tmp_path: Path, text: str, secret: str) -> None:
    """Neither the effective value nor the one it replaces, nowhere in the file; equality is kept."""
    estate = collected(base_yml=text % secret, production_yml=text % (secret + "-2"))
    estate.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    assert secret.encode() not in estate.path.read_bytes()
    assert all(secret not in str(row.values()) for row in estate.rows(ConfigValue))


def test_equal_secrets_of_two_environments_are_seen_to_be_equal(collected: Collected) -> None:
    """By their keyed hash, which is all that is kept."""
    text = """\
sources: {config: {paths: [config]}}
environments:
  production: {tier: production, match: [{config: {layers: [config/production.yml]}}]}
  staging: {tier: staging, match: [{config: {layers: [config/staging.yml]}}]}
"""
    secret = "database: {password: hunter2-and-more}"
    estate = collected(text, production_yml=secret, staging_yml=secret)

    found = {row.uid: (row.value, row.value_hash, row.is_secret) for row in estate.rows(ConfigValue)}
    expected = (None, REDACTOR.token("hunter2-and-more"), True)
    assert found == {f"cfg:{name}/database.password": expected for name in ("production", "staging")}


@given(value=st.text(min_size=12, max_size=40).filter(lambda text: text.strip() == text and "$" not in text))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_under_a_secret_s_name_is_hashed(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    """No form of text is let through where the name says secret."""
    folder = tmp_path_factory.mktemp("secret")
    text = TIERWALL.replace(".yml", ".json")
    config = written(folder, text, base_json=json.dumps({"db": {"password": value}}), production_json="{}")
    [row] = effective(config, "production", REDACTOR)

    assert row.kind == "reference" or (row.value is None and row.value_hash == REDACTOR.token(storable(value)))


def applications(folder: Path, tierwall: str, **files: str) -> Config:
    """`a__production_yml="…"` is a/config/production.yml."""
    for name, text in files.items():
        place, _, file = name.partition("__")
        path = folder / place / "config" / file.replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "tierwall.yaml").write_text(tierwall)
    return load_config(folder / "tierwall.yaml")


def gathered(config: Config, folder: Path) -> Estate:
    kinds = Kinds()
    kinds.add(*KINDS)
    stage = Stage.create(folder / "stage.db", REDACTOR, kinds)
    collect(config, stage, [].append)
    return stage.flush()


TWO = "sources: {config: {paths: [a/config, b/config]}}\n"
DECLARED = TWO + (
    "environments: {live: {tier: production, match: "
    "[{config: {layers: [a/config/production.yml]}}, {config: {layers: [b/config/production.yml]}}]}}\n"
)


@pytest.mark.parametrize(("tierwall", "name"), [(TWO, "production"), (DECLARED, "live")], ids=["found", "declared"])
def test_the_configurations_of_two_applications_are_both_read(tierwall: str, name: str, tmp_path: Path) -> None:
    """Neither overrides the other: debugging that one of them allows is not hidden by the other's refusal."""
    config = applications(tmp_path, tierwall, a__production_yml="debug: false", b__production_yml="debug: true")
    with gathered(config, tmp_path) as estate:
        found = {row.uid: (row.value, row.is_overridden) for row in estate.rows(ConfigValue)}
        names = {row.name for row in estate.rows(ConfigEnvironment)}
        assign(estate, infer(estate, config) if tierwall is TWO else config)
        placed = {row.environment for row in estate.rows(Assignment)}

    assert found == {
        f"cfg:{name}/a/config/production.yml/debug": ("false", False),
        f"cfg:{name}/b/config/production.yml/debug": ("true", False),
    }
    assert (names, placed) == ({name}, {name})


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("password: hunter2hunter2", {"hunter2hunter2"}),
        ("address: postgres://app:hunter2hunter2@db.example.com/app", {"hunter2hunter2"}),
        ("address: amqp://a:hunter2hunter2@one.example.com amqp://a:otherother9@two.example.com",
         {"hunter2hunter2", "otherother9"}),
        ("pin: 48151623", {"48151623"}),
        ("password: ${PASSWORD:-hunter2hunter2}", {"hunter2hunter2"}),
        ("address: postgres://app:hunter2hunter2@${HOST}/app", {"hunter2hunter2"}),
        ("password: ${PASSWORD}", set()),
        ("password: ''", set()),
        ("name: Enterprise Application", set()),
        ("host: db.example.com", set()),
    ],
)  # fmt: skip
def test_every_secret_that_a_value_is_or_holds_has_a_row(collected: Collected, text: str, secrets: set[str]) -> None:
    """So that a password is known again wherever it stands, whatever stands around it."""
    estate = collected(base_yml=text, production_yml="")

    [row] = estate.rows(ConfigValue)
    rows = estate.rows(ConfigSecret)
    assert {one.token for one in rows} == {REDACTOR.token(secret) for secret in secrets}
    assert (row.secrets, {one.uid for one in rows}) == (len(secrets), {row.uid} if secrets else set())


def test_of_two_bases_in_a_folder_nobody_knows_which_comes_first(tmp_path: Path) -> None:
    """What the environment's own file gives holds all the same."""
    config = applications(
        tmp_path, TWO.replace(", b/config", ""),
        a__base_yml="{debug: false, port: 1}", a__common_yml="debug: true", a__production_yml="port: 2",
    )  # fmt: skip
    with gathered(config, tmp_path) as estate:
        found = {row.key_path: row.value for row in estate.rows(ConfigValue)}
        layers = [(row.path, row.is_read) for row in estate.rows(ConfigLayer)]
        gaps = {(gap.table_name, gap.column_name, gap.detail) for gap in estate.rows(Gap, "uid = ''")}

    why = "a/config/common.yml: may come before or after a/config/base.yml; declare the layers in tierwall.yaml"
    assert found == {"port": "2"}
    assert layers == [
        ("a/config/base.yml", True), ("a/config/common.yml", False), ("a/config/production.yml", True),
    ]  # fmt: skip
    assert gaps == {(table, "", why) for table in ("config_value", "config_secret", "config_variable")}
