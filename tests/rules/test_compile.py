"""What a rule's SQL may say, and that SQLite's leniency does not let a mistake through."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.errors import RuleError
from tests.support.rules import rule

PARAMETER = {"days": {"default": 1, "description": "d"}}


@pytest.mark.parametrize(
    ("require", "problem"),
    [
        ("\"storage_encrypted\" = 'x'", "texts take single quotes, names take none"),
        ("`storage_encrypted`", "names take none"),
        ("[storage_encrypted]", "names take none"),
        ("storage_encrypted -- x", "comments are refused"),
        ("storage_encrypted /* x */", "comments are refused"),
        ("storage_encrypted; SELECT 1", "';' is refused"),
        ("1) OR (1", "parentheses do not match"),
        ("(storage_encrypted", "parentheses do not match"),
        ("storage_encripted", "storage_encripted: there is no such column"),
        ("r.storage_encripted", "r.storage_encripted: there is no such column"),
        ("x.storage_encrypted", "x.storage_encrypted: columns are those of r, environment, parameter"),
        ("main.r.storage_encrypted", "wants the name of one column"),
        ("aws_rds_instance.storage_encrypted", "columns are those of r, environment, parameter"),
        ("environment.nom = 'x'", "environment.nom: there is no such column"),
        ("backup_keep_seconds > 0", "write environment.backup_keep_seconds"),
        ("days > 0", "write parameter.days"),
        ("tls_required", "write r.tls_required or environment.tls_required"),
        ("rowid > 0", "rowid: there is no such column"),
        ("_rowid_ > 0", "_rowid_: there is no such column"),
        ("'a' = 'a'", "it reads no column"),
        (":as_of > 0", "it reads no column"),
        ("storage_encrypted AND 0", "0 beside AND or OR is refused"),
        ("missing AND 0", "0 beside AND or OR is refused"),
        ("(0) AND storage_encrypted", "0 beside AND or OR is refused"),
        ("CASE WHEN multi_az THEN missing AND 0 END", "0 beside AND or OR is refused"),
        ("iif(missing AND 0, 1, 0)", "0 beside AND or OR is refused"),
        ("((storage_encrypted)) AND (NOT 0)", "0 beside AND or OR is refused"),
        ("storage_encrypted OR true", "true beside AND or OR is refused"),
        ("name IN ()", "IN () is refused"),
        ("name IN (SELECT name FROM aws_s3_bucket)", "SELECT is refused here"),
        ("name IN aws_s3_bucket", "IN takes a list"),
        ("NOT EXISTS (SELECT 1)", "EXISTS is refused here"),
        ("count(storage_encrypted) > 0", "count() is refused"),
        ("max(storage_encrypted)", "misuse of aggregate"),
        ("storage_encrypted AND max(multi_az)", "misuse of aggregate"),
        ("date('now') > name", "date() is refused"),
        ("current_timestamp > name", "current_timestamp: there is no such column"),
        ("random() > 0", "random() is refused"),
        ("cast(name AS integer) > 0", "cast() is refused"),
        ("name COLLATE nocase = 'x'", "collate: there is no such column"),
        ("name REGEXP 'x'", "regexp: there is no such column"),
        ("name = :name", ":name is refused"),
        ("name = ?1", "?1 is refused"),
        ("name = x'00'", "neither a number nor a name"),
        ("port = 1_000", "neither a number nor a name"),
        ("port = 0x10", "neither a number nor a name"),
        ("port & 1", "'&' is refused"),
        ("storage_encrypted = 'true'", "compares a text with a number"),
        ("port > '1024'", "compares a text with a number"),
        ("'5432' = r.port", "compares a text with a number"),
        ("engine = 5", "compares a text with a number"),
        ("engine < port", "compares a text with a number"),
        ("port IN (22, '3389')", "IN compares"),
        ("engine NOT IN (1)", "IN compares"),
        ("port LIKE '5%'", "LIKE compares texts"),
        ("engine", "engine is a text, neither true nor false"),
        ("storage_encrypted AND NOT engine", "engine is a text"),
        ("multi_az OR (r.engine)", "engine is a text"),
        ("CASE WHEN engine THEN 1 END", "engine is a text"),
        ("a" * 20_001, "longer than 20,000 characters"),
        ("storage_encrypted = ", "syntax error"),
        ("größe > 0", "'ö' is refused"),
        ("query.x", "columns are those of r, environment, parameter"),
    ],
)
def test_an_expression_is_refused(require: str, problem: str) -> None:
    with pytest.raises(RuleError) as caught:
        _ = rule(require=require, parameters=PARAMETER).compiled

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "require",
    [
        "storage_encrypted",
        "not publicly_accessible and storage_encrypted",
        "port in (0) and storage_encrypted",
        "port between 1 and 1023 or engine in ('a', 'b')",
        "engine between 'a' and name and multi_az",
        "case when engine = 'x' then 1 else 0 end and multi_az",
        "r.tls_required or lower(engine) like 'aurora%'",
        "coalesce(port, 0) = 0 and 'a' || engine <> 'ab'",
        "environment.id = '' or environment.tier <> 'production'",
        "created > :as_of - 86400 * 1.5",
        "min(port, 5) = 5 and iif(multi_az, 1, 0)",
        "name = 'it''s \"quoted\"; -- no comment'",
        "port is not null and port isnull = 0",
    ],
)
def test_an_expression_is_accepted(require: str) -> None:
    assert rule(require=require).compiled.ok


def test_what_is_read_is_known_by_part() -> None:
    compiled = rule(
        when="environment.is_production and multi_az",
        require="r.port > parameter.days and storage_encrypted",
        none={"of": "aws_s3_bucket", "where": "c.name = r.engine and mfa_delete", "within": "account"},
        parameters=PARAMETER,
        message="{status}",
    ).compiled

    assert compiled.when_reads == {"multi_az"}
    assert compiled.ok_reads == {"port", "storage_encrypted", "engine", "account"}
    assert compiled.environment == {"is_production"}
    assert compiled.parameters == {"days"}
    assert [(o.table, o.columns, o.within) for o in compiled.others] == [
        ("aws_s3_bucket", {"name", "mfa_delete", "account"}, "account")
    ]


def test_a_table_compared_with_itself_keeps_both_sides_apart() -> None:
    compiled = rule(none={"of": "aws_rds_instance", "where": "c.name = r.engine"}).compiled

    assert compiled.ok_reads == {"engine"}
    assert [o.columns for o in compiled.others] == [{"name"}]


@pytest.mark.parametrize(
    ("quantifier", "problem"),
    [
        ({"of": "aws_policy_statement", "where": "storage_encrypted"}, "write r.storage_encrypted"),
        ({"of": "aws_policy_statement", "where": "is_production"}, "write environment.is_production"),
        ({"of": "aws_policy_statement", "where": "r.storage_encrypted"}, "it reads no column of aws_policy_statement"),
        ({"of": "environment", "where": "is_production"}, "there is no table environment of resources"),
        ({"of": "aws_policy_statement", "where": "max(is_admin)"}, "misuse of aggregate"),
        ({"of": "aws_policy_statement", "where": "max(c.is_admin, r.port) and max(r.port)"}, "misuse of aggregate"),
        ({"of": "aws_policy_statement", "where": "sid"}, "sid is a text"),
    ],
)
def test_a_quantifier_is_refused(quantifier: dict[str, str], problem: str) -> None:
    with pytest.raises(RuleError) as caught:
        _ = rule(none=quantifier).compiled

    assert problem in str(caught.value)


def test_a_bare_name_in_where_is_the_rows_even_where_the_subject_has_it_too() -> None:
    compiled = rule(none={"of": "aws_s3_bucket", "where": "name = 'x' and kms_key_uid = ''"}).compiled

    assert compiled.ok_reads == set()
    assert "c.name = 'x' and c.kms_key_uid = ''" in compiled.ok


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("DELETE FROM aws_rds_instance", "begins with SELECT or WITH"),
        ("SELECT i.uid FROM aws_rds_instance AS i", "must give a column named ok"),
        ("SELECT i.multi_az AS ok FROM aws_rds_instance AS i", "must give a column named uid"),
        ("SELECT i.uid, i.multi_az FROM aws_rds_instance AS i", "must give a column named ok"),
        ("SELECT i.uid, i.multi_az AS ok, i.port + 1 FROM aws_rds_instance AS i", "needs a name of its own"),
        ("SELECT 'x' AS uid, 1 AS ok", "it reads no table"),
        ("SELECT uid, multi_az AS ok FROM aws_rds_instance WHERE EXISTS (SELECT 1)", "EXISTS is refused"),
        ("SELECT uid, count(*) AS ok FROM aws_rds_instance GROUP BY uid", "COUNT is refused"),
        (
            "SELECT i.uid, i.name NOT IN (SELECT b.name FROM aws_s3_bucket AS b) AS ok FROM aws_rds_instance AS i",
            "NOT IN (SELECT …) is refused",
        ),
        (
            "SELECT i.uid, b.mfa_delete AS ok FROM aws_rds_instance AS i NATURAL JOIN aws_s3_bucket AS b",
            "NATURAL is refused",
        ),
        (
            "SELECT i.uid, b.mfa_delete AS ok FROM aws_rds_instance AS i JOIN aws_s3_bucket AS b USING (uid)",
            "USING is refused",
        ),
        ("SELECT uid, multi_az AS ok FROM aws_rds_instance LIMIT 1", "LIMIT is refused"),
        ("WITH RECURSIVE x AS (SELECT 1) SELECT uid, 1 AS ok FROM aws_rds_instance", "RECURSIVE is refused"),
        ("SELECT i.uid, i.multi_az AS ok FROM sqlite_schema AS i", "it reads no table"),
        ("SELECT g.scope AS uid, g.call = 0 AS ok FROM gap AS g", "the table gap is the engine's own"),
        (
            "SELECT i.uid, i.name IN (SELECT name FROM aws_s3_bucket) AS ok FROM aws_rds_instance AS i",
            "name: write it with its table's alias",
        ),
        (
            "SELECT i.uid, i.name IN (SELECT i.engine FROM aws_s3_bucket AS b) AS ok FROM aws_rds_instance AS i",
            "it reads no column of aws_s3_bucket",
        ),
        ("SELECT uid, multi_az = 'yes' AS ok FROM aws_rds_instance", "compares a text with a number"),
        (
            "SELECT i.uid, b.mfa_delete = i.engine AS ok FROM aws_rds_instance i JOIN aws_s3_bucket b ON b.uid = i.uid",
            "compares a text with a number",
        ),
        ("SELECT uid, multi_az AND missing AND 0 AS ok FROM aws_rds_instance", "0 beside AND or OR is refused"),
        ("SELECT uid, multi_az AS ok FROM aws_rds_instance WHERE name IN (", "parentheses do not match"),
        ("SELECT uid, strftime('%s') AS ok FROM aws_rds_instance", "strftime() is refused"),
        ("SELECT uid, multi_az AS ok FROM aws_rds_instance AS parameter, parameter", "no such table: parameter"),
    ],
)
def test_a_query_is_refused(query: str, problem: str) -> None:
    with pytest.raises(RuleError) as caught:
        _ = rule(query=query).compiled

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("query", "own"),
    [
        ("SELECT uid, multi_az AS ok FROM aws_rds_instance", True),
        ("SELECT i.uid AS uid, i.multi_az AS ok FROM aws_rds_instance AS i", True),
        (
            "SELECT i.uid, (SELECT max(b.created) FROM aws_s3_bucket AS b WHERE b.name = i.name) > 0 AS ok "
            "FROM aws_rds_instance AS i",
            True,
        ),
        (
            "SELECT i.uid, min(s.is_admin) AS ok FROM aws_rds_instance AS i "
            "JOIN aws_policy_statement AS s ON s.uid = i.uid GROUP BY i.uid",
            True,
        ),
        ("SELECT i.uid, max(i.multi_az) AS ok FROM aws_rds_instance AS i", False),
        ("SELECT i.uid, max(i.multi_az) AS ok FROM aws_rds_instance AS i GROUP BY i.vpc_uid", False),
        ("SELECT i.name AS uid, i.multi_az AS ok FROM aws_rds_instance AS i", False),
        ("SELECT i.uid AS x, i.name AS uid, i.multi_az AS ok FROM aws_rds_instance AS i", False),
        (
            "WITH x AS (SELECT i.uid, i.multi_az FROM aws_rds_instance AS i) SELECT x.uid, x.multi_az AS ok FROM x",
            False,
        ),
        (
            "SELECT a.uid, b.multi_az AS ok FROM aws_rds_instance AS a JOIN aws_rds_instance AS b ON a.name = b.engine",
            False,
        ),
        ("SELECT b.uid, (SELECT max(i.port) FROM aws_rds_instance AS i) > 1 AS ok FROM aws_s3_bucket AS b", False),
    ],
)
def test_a_query_reads_its_subjects_own_row_or_the_table_as_a_whole(query: str, own: bool) -> None:
    compiled = rule(query=query).compiled

    assert ("aws_rds_instance" not in {other.table for other in compiled.others}) is own
    assert bool(compiled.ok_reads) is own


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"resource": "aws_policy_statement", "require": "is_admin"}, "has no row a resource"),
        ({"resource": "gap", "require": "call = 0"}, "has no row a resource"),
        ({"require": "multi_az", "message": "{nothing}"}, "{nothing}: there is no such column"),
        ({"require": "multi_az", "message": "{environment.nothing}"}, "there is no such column"),
        ({"require": "multi_az", "message": "{name!r}"}, "is not a column"),
        ({"require": "multi_az", "message": "{name.__class__}"}, "there is no such column"),
        ({"require": "multi_az", "message": "{0}"}, "is not a column"),
        ({"require": "multi_az", "message": "{name:>10}"}, "is not a column"),
        ({"require": "multi_az", "message": "{name:fraction}"}, "the formats are"),
        ({"require": "multi_az", "message": "{name:days}"}, "the column is str"),
        ({"require": "multi_az", "message": "{port:list}"}, "the column is int"),
        ({"require": "multi_az", "message": "{name"}, "a brace stands alone"),
        ({"require": "multi_az", "parameters": PARAMETER}, "parameter.days is not read"),
        ({"when": "multi_az and missing", "require": "multi_az"}, "when: missing: there is no such column"),
    ],
)
def test_a_rule_is_refused(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(RuleError) as caught:
        _ = rule(**keys).compiled

    assert problem in str(caught.value)


def test_a_refusal_names_the_file_and_the_line() -> None:
    with pytest.raises(RuleError, match=r"^rule the-rule: rules/area/the-rule\.yaml:1: require: nothing: there is no"):
        _ = rule(require="nothing").compiled
