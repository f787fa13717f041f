"""A run: every rule in scope gives its verdicts, in order, whatever happens to one of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from scanner.rules import Because, Verdict, out_of_scope, run
from scanner.tables import Assignment, Environment, Requested
from tests.support.rules import (
    SCOPE,
    bucket,
    estate,
    gap,
    group,
    group_rule,
    rds,
    reasons,
    rule,
    statement,
    statuses,
    verdicts,
)

ENCRYPTED = rule(id="encrypted", require="storage_encrypted", message="{name} on {engine} is plain")


def test_true_false_and_null_are_pass_fail_and_unknown(tmp_path: Path) -> None:
    db = estate(
        tmp_path,
        rds("yes", storage_encrypted=True),
        rds("no", storage_encrypted=False, engine="mysql"),
        rds("who knows"),
    )

    assert verdicts(ENCRYPTED, db) == [
        Verdict("encrypted", "no", "", "fail", "no on mysql is plain", ()),
        Verdict(
            "encrypted", "who knows", "", "unknown", "",
            (Because("unsupported", "aws_rds_instance", "storage_encrypted", "who knows", SCOPE, 0,
                     "it has no value, and nothing says why"),),
        ),
        Verdict("encrypted", "yes", "", "pass", "", ()),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "rows", "expected"),
    [
        ("none", [], "pass"), ("none", [0], "pass"), ("none", [0, 1], "fail"), ("none", [None], "unknown"),
        ("none", [None, 0], "unknown"), ("none", [None, 1], "fail"),
        ("any", [], "fail"), ("any", [0], "fail"), ("any", [0, 1], "pass"), ("any", [None], "unknown"),
        ("any", [None, 0], "unknown"), ("any", [None, 1], "pass"),
        ("all", [], "pass"), ("all", [1], "pass"), ("all", [0, 1], "fail"), ("all", [None], "unknown"),
        ("all", [None, 1], "unknown"), ("all", [None, 0], "fail"),
    ],
)  # fmt: skip
def test_quantifiers_are_three_valued(tmp_path: Path, kind: str, rows: list[int | None], expected: str) -> None:
    of = rule("aws_s3_bucket", **{kind: {"of": "aws_policy_statement", "where": "is_admin"}})
    given = [statement("b", n, is_admin=None if value is None else bool(value)) for n, value in enumerate(rows)]

    assert statuses(of, estate(tmp_path, bucket("b"), *given)) == {"b": expected}


def test_all_parts_must_hold(tmp_path: Path) -> None:
    of = rule(
        "aws_s3_bucket", require="versioning_enabled",
        none=[{"of": "aws_policy_statement", "where": "is_admin"}, {"of": "aws_policy_statement", "where": "allows"}],
    )  # fmt: skip
    rows = [
        bucket("good", versioning_enabled=True), bucket("plain", versioning_enabled=False),
        bucket("admin", versioning_enabled=True), bucket("allows", versioning_enabled=True),
        statement("good", allows=False, is_admin=False),
        statement("admin", allows=False, is_admin=True), statement("allows", allows=True, is_admin=False),
    ]  # fmt: skip

    assert statuses(of, estate(tmp_path, *rows)) == {"admin": "fail", "allows": "fail", "good": "pass", "plain": "fail"}


def test_a_rule_whose_table_was_not_asked_for_is_out_of_scope(tmp_path: Path) -> None:
    other = rule("aws_s3_bucket", id="other", require="mfa_delete")
    db = estate(tmp_path, rds("a", storage_encrypted=True), asked=["aws_rds_instance"])

    assert out_of_scope(db, [other, ENCRYPTED]) == ("other",)
    assert [v.rule for v in run(db, [other, ENCRYPTED], 0)] == ["encrypted"]


def test_a_retired_rule_is_not_judged(tmp_path: Path) -> None:
    db = estate(tmp_path, rds("a", storage_encrypted=True))

    assert verdicts(rule(require="storage_encrypted", retired="no more"), db) == []


class TestQueries:
    PORTS = rule(
        "aws_security_group",
        query="SELECT x.uid, x.cidr <> '0.0.0.0/0' AS ok, x.from_port AS discriminator, x.protocol AS protocol "
        "FROM aws_security_group_rule AS x",
        message="{query.protocol} is open in {name}",
    )

    def test_each_discriminator_has_a_verdict_of_its_own(self, tmp_path: Path) -> None:
        rows = [
            group("g"), group_rule("g", 0, cidr="0.0.0.0/0", from_port=22, protocol="tcp"),
            group_rule("g", 1, cidr="0.0.0.0/0", from_port=53, protocol="udp"),
            group_rule("g", 2, cidr="10.0.0.0/8", from_port=443),
        ]  # fmt: skip

        found = verdicts(self.PORTS, estate(tmp_path, *rows))

        assert [(v.discriminator, v.status, v.message) for v in found] == [
            ("22", "fail", "tcp is open in g"), ("443", "pass", ""), ("53", "fail", "udp is open in g"),
        ]  # fmt: skip

    def test_a_subject_that_the_query_leaves_out_is_unknown(self, tmp_path: Path) -> None:
        (verdict,) = verdicts(self.PORTS, estate(tmp_path, group("g")))

        assert (verdict.status, [b.detail for b in verdict.because]) == ("unknown", ["the query gives it no answer"])

    def test_one_key_twice_is_an_error_of_the_rule_and_of_no_other(self, tmp_path: Path) -> None:
        rows = [group("g"), group("h"), group_rule("g", 0, from_port=22), group_rule("g", 1, from_port=22)]
        db = estate(tmp_path, *rows, rds("a", storage_encrypted=True))

        found = list(run(db, [self.PORTS, ENCRYPTED], 0))

        because = (Because("error", "aws_security_group", detail="the query gives g with discriminator 22 twice"),)
        assert found == [
            Verdict("encrypted", "a", "", "pass"),
            Verdict("the-rule", "g", "", "unknown", "", because),
            Verdict("the-rule", "h", "", "unknown", "", because),
        ]

    def test_when_still_applies(self, tmp_path: Path) -> None:
        of = rule("aws_security_group", when="is_default", query=self.PORTS.query)
        db = estate(tmp_path, group("g", is_default=False))

        assert statuses(of, db) == {"g": "not_applicable"}

    def test_what_a_query_gives_can_be_required(self, tmp_path: Path) -> None:
        of = rule(
            "aws_security_group",
            query="SELECT x.uid, 1 AS ok, max(x.from_port) AS port FROM aws_security_group_rule AS x GROUP BY x.uid",
            require="query.port < parameter.most",
            parameters={"most": {"default": 100, "description": "d"}},
            message="{query.port} of {parameter.most}",
        )
        db = estate(tmp_path, group("g"), group_rule("g", from_port=443), group("h"), group_rule("h", from_port=22))

        assert [(v.uid, v.status, v.message) for v in verdicts(of, db)] == [
            ("g", "fail", "443 of 100"),
            ("h", "pass", ""),
        ]


class TestParameters:
    YOUNG = rule(
        require="created <= parameter.most",
        parameters={"most": {"default": 10, "production": 5, "description": "d"}},
        message="{parameter.most}",
    )

    def test_the_tier_decides_unless_the_policy_does(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", created=7), rds("b", created=7), Assignment(uid="b", environment="test"))
        db.insert([Environment(id="test", tier="staging")])

        assert statuses(self.YOUNG, db) == {"a": "fail", "b": "pass"}
        by_tier = {"staging": {"the-rule": {"most": 6}}}
        assert statuses(self.YOUNG, db, parameters=by_tier) == {"a": "fail", "b": "fail"}
        by_name = {"test": {"the-rule": {"most": 8}}, **by_tier}
        assert statuses(self.YOUNG, db, parameters=by_name) == {"a": "fail", "b": "pass"}
        assert [v.message for v in verdicts(self.YOUNG, db, parameters=by_tier)] == ["5", "6"]

    def test_where_the_tier_matters_and_is_not_known_nothing_is(self, tmp_path: Path) -> None:
        rows = rds("none", created=1), rds("tie", created=1)
        places = Assignment(uid="none", environment=""), Assignment(uid="tie", environment=None)
        db = estate(tmp_path, *rows, *places)

        assert statuses(self.YOUNG, db) == {"none": "unknown", "tie": "unknown"}
        assert all(v.only_unassigned for v in verdicts(self.YOUNG, db))

    def test_where_all_tiers_have_one_value_it_holds_for_all(self, tmp_path: Path) -> None:
        same = rule(require="created <= parameter.most", parameters={"most": {"default": 5, "description": "d"}})
        rows = rds("none", created=1), rds("tie", created=9)
        db = estate(tmp_path, *rows, Assignment(uid="none", environment=""), Assignment(uid="tie", environment=None))

        assert statuses(same, db) == {"none": "pass", "tie": "fail"}
        override = {"live": {"the-rule": {"most": 1}}}
        assert statuses(same, db, parameters=override) == {"none": "unknown", "tie": "unknown"}


class TestWhatGoesWrong:
    SLOW = rule(id="a-slow-one", none={"of": "aws_rds_instance", "where": "c.name || r.name = 'x'"})

    def test_a_rule_that_takes_too_long_is_unknown_for_all_its_subjects_and_for_them_alone(
        self, tmp_path: Path
    ) -> None:
        db = estate(tmp_path, *(rds(f"{n:04}", storage_encrypted=True) for n in range(300)), gap("aws_rds_instance"))

        found = list(run(db, [self.SLOW], 0, deadline=0))

        assert {v.status for v in found} == {"unknown"}
        assert {v.because[0].reason for v in found if v.uid != f"scope:{SCOPE}"} == {"deadline"}
        assert len(found) == 301

    def test_an_error_of_sqlite_is_unknown_with_its_text(self, tmp_path: Path) -> None:
        of = rule(require="abs(port) > 0")
        db = estate(tmp_path, rds("a", port=-(2**63)), rds("b", port=1))

        assert statuses(of, db) == {"a": "unknown", "b": "unknown"}
        assert verdicts(of, db)[0].because == (Because("error", "aws_rds_instance", detail="integer overflow"),)

    def test_an_expression_without_an_answer_says_so(self, tmp_path: Path) -> None:
        of = rule(require="10 / port > 1")
        db = estate(tmp_path, rds("a", port=0))

        assert reasons(of, db, "a") == [("unsupported", "aws_rds_instance", "")]


def test_outside_text_is_only_data(tmp_path: Path) -> None:
    hostile = "'; DROP TABLE gap; -- {name} %s \u202e"
    of = rule(require="storage_encrypted", message="{name}|{engine}")
    rows = rds(hostile, storage_encrypted=False, engine="{uid}"), rds("ok", storage_encrypted=True)
    db = estate(tmp_path, *rows, gap("aws_rds_instance", "storage_encrypted", uid="'x"))

    assert [(v.uid, v.message) for v in verdicts(of, db)] == [(hostile, f"{hostile}|{{uid}}"), ("'x", ""), ("ok", "")]


def test_verdicts_do_not_depend_on_the_order_of_anything(tmp_path: Path) -> None:
    rows = [rds(f"db-{n}", storage_encrypted=[True, False, None][n % 3]) for n in range(30)]
    rows += [bucket(f"b-{n}", versioning_enabled=None) for n in range(9)]  # type: ignore[list-item]
    gaps = [gap("aws_rds_instance", "storage_encrypted", uid=f"db-{n}", call=n) for n in range(0, 30, 4)]
    gaps += [gap("aws_policy_statement", scope=SCOPE), gap("aws_rds_instance")]
    rules = [
        ENCRYPTED,
        rule(
            "aws_s3_bucket",
            id="policies",
            none={"of": "aws_policy_statement", "where": "is_admin", "within": "account"},
        ),
        rule("aws_s3_bucket", id="named", any={"of": "aws_rds_instance", "where": "c.storage_encrypted"}),
    ]
    found = []
    for seed in range(3):
        shuffled, order = [*rows, *gaps], list(rules)
        random.Random(seed).shuffle(shuffled)
        random.Random(seed).shuffle(order)
        found.append(list(run(estate(tmp_path, *shuffled), order, 0)))

    assert found[0] == found[1] == found[2]
    assert [v[:3] for v in found[0]] == sorted(v[:3] for v in found[0])


def test_what_the_scanner_fills_itself_is_always_in_scope(tmp_path: Path) -> None:
    of = rule("tierwall_assignment", require="is_assigned")
    db = estate(tmp_path, asked=[])

    assert out_of_scope(db, [of]) == ()
    db.insert([Requested(scope=SCOPE, table_name="aws_rds_instance")])
    assert verdicts(of, db) == []
