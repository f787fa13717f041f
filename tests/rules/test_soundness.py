"""The lint tells rules that carry NULL through from those that turn it into an answer."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.errors import RuleError
from scanner.rules.soundness import check_soundness
from tests.support.rules import rule

# In words of the columns used: encrypted storage_encrypted, public publicly_accessible, tls ca_certificate.
GOOD = {"storage_encrypted": 1, "publicly_accessible": 0, "port": 30, "ca_certificate": "1.2", "engine": "prod"}
BAD = {"storage_encrypted": 0, "publicly_accessible": 1, "port": 1, "ca_certificate": "1.0", "engine": "dev"}
ROWS = [GOOD, BAD, {**BAD, "engine": "prod"}, {**GOOD, "engine": "dev", "ca_certificate": "1.3"}]
LOGS = "aws_rds_log_export"


def examples(*tables: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows that differ in what matters. What is expected of them does not matter to the lint."""
    return [{"name": "x", "row": row, "tables": other, "expect": "pass"} for row in ROWS for other in tables or [{}]]


@pytest.mark.parametrize(
    "require",
    [
        "not publicly_accessible and storage_encrypted",
        "port >= 7",
        "engine <> 'prod' or storage_encrypted",
        "length(engine) > 0 and port > 0",
        "ca_certificate in ('1.2', '1.3')",
        "ca_certificate not in ('1.0', '1.1')",
        "engine <> 'prod' or (storage_encrypted and not publicly_accessible and port >= 13)",
        "case when engine = 'prod' then storage_encrypted when engine is null then null else 1 end",
        "engine = 'prod' and coalesce(uid, engine) = 'x'",
        "case when scope is null then null else storage_encrypted end",
        "case when max(port, 5) is null then null when port > 5 then 1 else 0 end",
        "min(port, 7) = 7 and abs(port) > 1",
    ],
)
def test_a_sound_rule_is_accepted(require: str) -> None:
    check_soundness(rule(require=require, examples=examples()))


@pytest.mark.parametrize(
    "require",
    [
        "storage_encrypted is true",
        "publicly_accessible is not true",
        "not (publicly_accessible is true)",
        "engine is not 'prod'",
        "coalesce(publicly_accessible, 0) = 0",
        "not ifnull(publicly_accessible, 0)",
        "not iif(publicly_accessible, 1, 0)",
        "case when publicly_accessible then 0 else 1 end",
        "case when storage_encrypted then 1 else 0 end",
        "case when port < 7 then 0 else 1 end",
        "nullif(publicly_accessible, 0) is null",
        "publicly_accessible in (0) or publicly_accessible is null",
        "port is null or port > 7",
        "coalesce(publicly_accessible, 0) = 0 and storage_encrypted",
    ],
)
def test_an_unsound_rule_is_refused(require: str) -> None:
    with pytest.raises(RuleError, match="unsound: with"):
        check_soundness(rule(require=require, examples=examples()))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT i.uid, i.name IN (SELECT b.engine FROM aws_rds_instance AS b) IS TRUE AS ok FROM aws_rds_instance AS i",
        "SELECT i.uid, total(x.ordinal) = 0 AS ok FROM aws_rds_instance AS i "
        f"LEFT JOIN {LOGS} AS x ON x.uid = i.uid AND x.log_name = 'audit' GROUP BY i.uid",
        "SELECT i.uid, max(x.log_name IS 'audit') AS ok FROM aws_rds_instance AS i "
        f"JOIN {LOGS} AS x ON x.uid = i.uid GROUP BY i.uid",
        "SELECT i.uid, min(x.log_name <> 'audit') AS ok FROM aws_rds_instance AS i "
        f"JOIN {LOGS} AS x ON x.uid = i.uid GROUP BY i.uid",
        f"SELECT i.uid, x.log_name <> 'audit' AS ok, x.ordinal AS discriminator FROM aws_rds_instance AS i "
        f"JOIN {LOGS} AS x ON x.uid = i.uid WHERE x.log_name IN ('audit', 'error')",
    ],
)
def test_an_unsound_query_is_refused(query: str) -> None:
    two = {LOGS: [{"ordinal": 1, "log_name": "audit"}, {"ordinal": 2, "log_name": "error"}]}
    tables = [two, {LOGS: [{"ordinal": 1, "log_name": "error"}]}]
    with pytest.raises(RuleError, match="unsound: with"):
        check_soundness(rule(query=query, examples=examples(*tables)))


def test_a_sound_query_is_accepted() -> None:
    query = (
        "SELECT p.uid, nullif(a.environment, '') = nullif(b.environment, '') AS ok "
        "FROM aws_vpc_peering_connection AS p LEFT JOIN assignment AS a ON a.uid = p.requester_vpc_uid "
        "LEFT JOIN assignment AS b ON b.uid = p.accepter_vpc_uid"
    )
    row = {"requester_vpc_uid": "x", "accepter_vpc_uid": "y"}
    tables = [
        {"assignment": [{"uid": "x", "environment": "one"}, {"uid": "y", "environment": other}]}
        for other in ("one", "two")
    ]
    cases = [{"name": "x", "row": row, "tables": given, "expect": "pass"} for given in tables]

    check_soundness(rule("aws_vpc_peering_connection", query=query, examples=cases))


def test_a_value_that_only_the_assignment_lacks_is_tried_too() -> None:
    query = (
        "SELECT p.uid, coalesce(a.environment, 'one') = 'one' AS ok FROM aws_vpc_peering_connection AS p "
        "LEFT JOIN assignment AS a ON a.uid = p.requester_vpc_uid"
    )
    cases = [
        {
            "name": "x", "row": {"requester_vpc_uid": "x"}, "expect": "pass",
            "tables": {"assignment": [{"uid": "x", "environment": name}]},
        }
        for name in ("one", "two")
    ]  # fmt: skip

    excused = {"requester_vpc_uid": "every peering has one"}
    with pytest.raises(RuleError, match=r"unsound: with assignment row\.environment NULL"):
        check_soundness(rule("aws_vpc_peering_connection", query=query, examples=cases, null_means=excused))


def of_environment(**keys: Any) -> list[dict[str, Any]]:
    return [
        {"name": "x", "row": {"port": port}, "environment": environment, "expect": "pass", **keys}
        for port in (1, 5)
        for environment in (
            {"tier": "production", "password_min_length": 1},
            {"tier": "local", "password_min_length": 9},
        )
    ]


@pytest.mark.parametrize(
    ("require", "named"),
    [
        ("port > coalesce(environment.password_min_length, 0)", "environment.password_min_length NULL"),
        ("environment.tier is not 'production' or port > 3", "environment.tier NULL"),
        ("environment.id is not 'example'", "no environment known"),
    ],
)
def test_the_environment_is_taken_away_too(require: str, named: str) -> None:
    with pytest.raises(RuleError, match=f"unsound: with {named}"):
        check_soundness(rule(require=require, examples=[*of_environment(), *_no_environment()]))


def _no_environment() -> list[dict[str, Any]]:
    return [{"name": "none", "row": {"port": 1}, "environment": None, "expect": "unknown"}]


def test_parameters_are_taken_away_too() -> None:
    parameters = {"most": {"default": 3, "local": 9, "description": "d"}}
    unsound = rule(require="port < coalesce(parameter.most, 4)", parameters=parameters, examples=of_environment())

    with pytest.raises(RuleError, match=r"unsound: with parameter\.most NULL"):
        check_soundness(unsound)


def test_two_values_are_taken_away_together() -> None:
    """Neither alone shows it: with one of them known the answer is open."""
    unsound = rule(
        require="coalesce(port, created) is null or port + created > 5",
        examples=[{"name": "x", "row": {"port": port, "created": 2}, "expect": "pass"} for port in (1, 9)],
    )

    with pytest.raises(RuleError, match="unsound: with created and port NULL"):
        check_soundness(unsound)


def test_other_tables_rows_are_taken_away_too() -> None:
    unsound = rule(
        none={"of": LOGS, "where": "coalesce(log_name, '') = 'audit'"},
        examples=[
            {"name": "x", "tables": {LOGS: [{"log_name": name}]}, "expect": "pass"} for name in ("audit", "error")
        ],
    )

    with pytest.raises(RuleError, match=f"unsound: with {LOGS}.log_name NULL"):
        check_soundness(unsound)


def test_what_null_means_may_be_said() -> None:
    keys = {"require": "coalesce(publicly_accessible, 0) = 0 and storage_encrypted", "examples": examples()}

    check_soundness(rule(**keys, null_means={"publicly_accessible": "the engine has no public endpoints"}))
    with pytest.raises(RuleError, match="engine may not be NULL, or is not read"):
        check_soundness(rule(**keys, null_means={"engine": "x"}))


PUBLIC = "not publicly_accessible and "


@pytest.mark.parametrize(
    ("require", "column"),
    [
        ("substr(coalesce(endpoint, ''), 3, 1) <> 'q'", "endpoint"),
        ("coalesce(port, 0) * 2 <> 6666", "port"),
        ("ifnull(nullif(port, 1), 0) * 2 <> 6666", "port"),
        ("not coalesce(endpoint, '') glob '[p]*.public'", "endpoint"),
        ("coalesce(endpoint, '') not like '%' || 'corp.internal'", "endpoint"),
        ("port * 2 is not 6666", "port"),
        ("(port * 2 = 6666) is not true", "port"),
        ("port isnull or port * 2 <> 6666", "port"),
        ("port is null or port * 2 <> 6666", "port"),
        ("not (port notnull and port * 2 = 6666)", "port"),
        ("not (port not null and port * 2 = 6666)", "port"),
        ("not iif(port * 2 = 6666, 1, 0)", "port"),
        ("case when port * 2 = 6666 then 0 else 1 end", "port"),
        ("case port * 2 when 6666 then 0 else 1 end", "port"),
        ("case when port is null and engine = 'x' then null when port * 2 = 6666 then 0 else 1 end", "port"),
        ("coalesce(parameter.most, 0) * 2 <> 6666", "parameter.most"),
        ("coalesce(environment.password_min_length, 0) * 2 <> 6666", "environment.password_min_length"),
    ],
)
def test_no_value_that_was_not_tried_hides_what_null_is_taken_for(require: str, column: str) -> None:
    """The lint tries some values. Whatever gives NULL a meaning is refused, whether a value shows the harm or not."""
    keys = {
        "require": PUBLIC + require, "examples": examples(), "parameters": {"most": {"default": 1, "description": "x"}}
    }  # fmt: skip
    keys |= {} if "parameter." in require else {"parameters": {}}

    with pytest.raises(RuleError, match=rf"unsound: .*{column.replace('.', '[.]')}.* null_means"):
        check_soundness(rule(**keys))
    also = {"engine": "it has none"} if "engine" in require else {}
    check_soundness(rule(**keys, null_means={column: "it has none"} | also))


@pytest.mark.parametrize(
    ("where", "column"),
    [
        ("coalesce(log_name, '') || 'x' = 'qx'", f"{LOGS}.log_name"),
        ("log_name = 'q' and coalesce(r.port, 0) * 2 = 6666", "port"),
    ],
)
def test_what_a_quantifier_takes_null_for_is_refused_too(where: str, column: str) -> None:
    keys = {"require": "storage_encrypted", "none": {"of": LOGS, "where": where},
            "examples": examples({LOGS: [{"ordinal": 0, "log_name": "a"}]})}  # fmt: skip

    with pytest.raises(RuleError, match=rf"unsound: .*{column.replace('.', '[.]')}.* null_means"):
        check_soundness(rule(**keys))
    check_soundness(rule(**keys, null_means={column: "it has none"}))


@pytest.mark.parametrize("value", ["x.log_name", "x.said"])
def test_what_a_query_takes_null_for_is_refused_too(value: str) -> None:
    """Also where a column has another name by then: what it is made of may be NULL."""
    table = f"(SELECT l.uid, l.log_name, l.log_name AS said FROM {LOGS} AS l)"
    query = (
        f"SELECT i.uid, i.storage_encrypted AND total(coalesce({value}, '') || 'x' = 'qx') = 0 AS ok "
        f"FROM aws_rds_instance AS i LEFT JOIN {table} AS x ON x.uid = i.uid GROUP BY i.uid"
    )
    keys = {"query": query, "examples": examples({LOGS: [{"ordinal": 0, "log_name": "a"}]})}

    with pytest.raises(RuleError, match=f"unsound: .*{value[2:]}"):
        check_soundness(rule(**keys))
