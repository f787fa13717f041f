"""Gaps: what was not read makes a rule unknown where, and only where, it might have changed the answer."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from scanner.rules import Because
from scanner.rules.verdict import MOST, representative
from scanner.tables import REASONS, Assignment, Environment, Requested, Scope
from tests.support.rules import (
    OTHER,
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

ELSEWHERE = f"aws/{OTHER}/eu-west-1"
NORTH = SCOPE.replace("eu-west-1", "eu-north-1")
GLOBAL = SCOPE.replace("eu-west-1", "global")

ENCRYPTED = rule(require="storage_encrypted")
PUBLIC_MUST_BE_ENCRYPTED = rule(when="publicly_accessible", require="storage_encrypted")
NO_ADMIN = rule("aws_s3_bucket", none={"of": "aws_policy_statement", "where": "is_admin"})
LOGGED = rule(any={"of": "aws_s3_bucket", "where": "versioning_enabled and c.name = r.engine", "within": "account"})


class TestOfTheSubjectItself:
    def test_a_gap_in_a_column_that_is_read_makes_the_rule_unknown_and_names_the_call(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", storage_encrypted=True), gap("aws_rds_instance", "storage_encrypted", uid="a"))

        (verdict,) = verdicts(ENCRYPTED, db)

        assert verdict.status == "unknown"
        assert verdict.because == (Because("denied", "aws_rds_instance", "storage_encrypted", "a", SCOPE, 7),)

    def test_a_gap_in_a_column_that_is_not_read_changes_nothing(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", storage_encrypted=True), gap("aws_rds_instance", "engine", uid="a"))

        assert statuses(ENCRYPTED, db) == {"a": "pass"}

    def test_a_gap_in_a_column_that_only_the_message_shows_changes_nothing(self, tmp_path: Path) -> None:
        shown = rule(require="storage_encrypted", message="{engine} is not encrypted")
        db = estate(tmp_path, rds("a", storage_encrypted=False), gap("aws_rds_instance", "engine", uid="a"))

        assert [(v.status, v.message) for v in verdicts(shown, db)] == [("fail", "unknown is not encrypted")]

    def test_a_stale_row_is_unknown(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", storage_encrypted=True), gap("aws_rds_instance", uid="a", reason="stale"))

        assert statuses(ENCRYPTED, db) == {"a": "unknown"}

    def test_a_resource_without_any_row_is_unknown_not_absent(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", storage_encrypted=True), gap("aws_rds_instance", uid="b"))

        assert statuses(ENCRYPTED, db) == {"a": "pass", "b": "unknown"}

    def test_a_refused_listing_is_one_unknown_and_what_was_listed_is_judged(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", storage_encrypted=True), gap("aws_rds_instance"))

        assert statuses(ENCRYPTED, db) == {"a": "pass", f"scope:{SCOPE}": "unknown"}

    def test_a_column_that_a_whole_scope_lacks_makes_its_rows_unknown(self, tmp_path: Path) -> None:
        rows = rds("a", storage_encrypted=True), rds("b", ELSEWHERE, storage_encrypted=True)
        db = estate(tmp_path, *rows, gap("aws_rds_instance", "storage_encrypted"))

        assert statuses(ENCRYPTED, db) == {"a": "unknown", "b": "pass"}


class TestWhenAgainstRequire:
    """`when` false is certain only where no gap touches what `when` reads."""

    @pytest.mark.parametrize(
        ("public", "column", "expected"),
        [
            (False, "storage_encrypted", "not_applicable"),
            (True, "storage_encrypted", "unknown"),
            (None, "storage_encrypted", "unknown"),
            (False, "publicly_accessible", "unknown"),
            (True, "publicly_accessible", "unknown"),
            (False, "", "unknown"),
        ],
    )
    def test_a_gap_counts_for_the_part_that_reads_it(
        self, tmp_path: Path, public: bool | None, column: str, expected: str
    ) -> None:
        row = rds("a", publicly_accessible=public, storage_encrypted=True)
        db = estate(tmp_path, row, gap("aws_rds_instance", column, uid="a"))

        assert statuses(PUBLIC_MUST_BE_ENCRYPTED, db) == {"a": expected}

    def test_another_tables_gap_leaves_not_applicable_alone(self, tmp_path: Path) -> None:
        only_versioned = rule(
            "aws_s3_bucket", when="versioning_enabled", none={"of": "aws_policy_statement", "where": "is_admin"}
        )
        rows = bucket("plain", versioning_enabled=False), bucket("versioned", versioning_enabled=True)
        db = estate(tmp_path, *rows, *(gap("aws_policy_statement", uid=row.uid) for row in rows))

        assert statuses(only_versioned, db) == {"plain": "not_applicable", "versioned": "unknown"}


class TestOfAResourcesOwnLists:
    def test_rows_that_may_be_missing_make_that_resource_unknown_only(self, tmp_path: Path) -> None:
        db = estate(tmp_path, bucket("refused"), bucket("read"), gap("aws_policy_statement", uid="refused"))

        assert statuses(NO_ADMIN, db) == {"read": "pass", "refused": "unknown"}

    def test_a_list_that_was_refused_for_the_scope_makes_its_resources_unknown(self, tmp_path: Path) -> None:
        db = estate(tmp_path, bucket("here"), bucket("there", ELSEWHERE), gap("aws_policy_statement"))

        assert statuses(NO_ADMIN, db) == {"here": "unknown", "there": "pass"}

    def test_a_cell_that_is_null_is_left_to_three_valued_logic(self, tmp_path: Path) -> None:
        rows = (
            statement("open", 0, is_admin=None), statement("open", 1, is_admin=False),
            statement("bad", 0, is_admin=None), statement("bad", 1, is_admin=True),
        )  # fmt: skip
        gaps = [gap("aws_policy_statement", "is_admin", uid=uid) for uid in ("open", "bad")]
        db = estate(tmp_path, bucket("open"), bucket("bad"), *rows, *gaps)

        assert statuses(NO_ADMIN, db) == {"bad": "fail", "open": "unknown"}
        assert reasons(NO_ADMIN, db, "open") == [("denied", "aws_policy_statement", "is_admin")]

    def test_a_cell_with_a_gap_and_a_value_is_not_believed(self, tmp_path: Path) -> None:
        row = statement("a", is_admin=False)
        db = estate(tmp_path, bucket("a"), row, gap("aws_policy_statement", "is_admin", uid="a"))

        assert statuses(NO_ADMIN, db) == {"a": "unknown"}

    def test_a_stale_cell_is_not_believed_even_beside_one_that_is_null(self, tmp_path: Path) -> None:
        rows = statement("a", 0, is_admin=True), statement("a", 1, is_admin=None)
        db = estate(tmp_path, bucket("a"), *rows, gap("aws_policy_statement", "is_admin", uid="a", reason="stale"))

        assert statuses(NO_ADMIN, db) == {"a": "unknown"}

    def test_a_list_that_was_not_asked_for_is_unknown(self, tmp_path: Path) -> None:
        db = estate(tmp_path, bucket("a"), asked=["aws_s3_bucket"])

        assert reasons(NO_ADMIN, db, "a") == [("not_requested", "aws_policy_statement", "")]


class TestOfAPlace:
    """`within` narrows what must have been read."""

    def test_a_refused_listing_elsewhere_does_not_matter(self, tmp_path: Path) -> None:
        rows = rds("here", engine="x"), rds("there", ELSEWHERE, engine="x")
        db = estate(tmp_path, *rows, bucket("x", versioning_enabled=True), gap("aws_s3_bucket", scope=ELSEWHERE))

        assert statuses(LOGGED, db) == {"here": "pass", "there": "unknown"}

    def test_a_resource_whose_account_is_not_known_may_be_in_any(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", engine="x", account=None), gap("aws_s3_bucket", scope=ELSEWHERE))

        assert statuses(LOGGED, db) == {"a": "unknown"}

    def test_a_row_whose_account_is_not_known_may_be_the_one(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", engine="x"), bucket("x", account=None, versioning_enabled=True))

        assert statuses(LOGGED, db) == {"a": "unknown"}
        assert reasons(LOGGED, db, "a") == [("unsupported", "aws_s3_bucket", "account")]

    def test_a_region_is_read_with_the_accounts_global_part(self, tmp_path: Path) -> None:
        nearby = rule(any={"of": "aws_s3_bucket", "where": "versioning_enabled", "within": "region"})
        rows = rds("west"), rds("north", NORTH), bucket("b", GLOBAL, versioning_enabled=False)
        scopes = [SCOPE, NORTH, GLOBAL]

        assert statuses(nearby, estate(tmp_path, *rows, scopes=scopes)) == {"north": "fail", "west": "fail"}
        refused_west = estate(tmp_path, *rows, gap("aws_s3_bucket"), scopes=scopes)
        assert statuses(nearby, refused_west) == {"north": "fail", "west": "unknown"}
        refused_global = estate(tmp_path, *rows, gap("aws_s3_bucket", scope=GLOBAL), scopes=scopes)
        assert statuses(nearby, refused_global) == {"north": "unknown", "west": "unknown"}

    def test_an_account_that_was_not_asked_is_unknown(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", engine="x"), asked=["aws_rds_instance"])
        db.insert([Scope(id=ELSEWHERE, source="aws", account=OTHER, region="eu-west-1")])
        db.insert([Requested(scope=ELSEWHERE, table_name="aws_s3_bucket")])

        assert reasons(LOGGED, db, "a") == [("not_requested", "aws_s3_bucket", "")]

    def test_a_plan_has_no_account_and_may_hold_rows_of_any(self, tmp_path: Path) -> None:
        plan = "terraform/plan"
        db = estate(tmp_path, asked=())
        db.insert([Scope(id=plan, source="terraform")])
        db.insert(Requested(scope=plan, table_name=table) for table in ("aws_rds_instance", "aws_s3_bucket"))
        row = rds("a", engine="x")
        row.scope = plan
        db.insert([row, Assignment(uid="a", environment="live")])

        assert statuses(LOGGED, db) == {"a": "fail"}
        db.insert([gap("aws_s3_bucket", scope=plan, reason="unsupported")])
        assert statuses(LOGGED, db) == {"a": "unknown"}


class TestOfATableReadAsAWhole:
    ANYWHERE = rule(any={"of": "aws_s3_bucket", "where": "c.name = r.engine"})

    def test_it_must_be_complete_everywhere(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", engine="x"), bucket("x"), gap("aws_s3_bucket", scope=ELSEWHERE))

        assert statuses(self.ANYWHERE, db) == {"a": "unknown"}

    def test_a_missing_row_of_another_account_counts(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", engine="x"), gap("aws_s3_bucket", uid="x", scope=ELSEWHERE))

        assert reasons(self.ANYWHERE, db, "a") == [("denied", "aws_s3_bucket", "")]

    def test_it_must_have_been_asked_for(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", engine="x"), asked=["aws_rds_instance"])

        assert reasons(self.ANYWHERE, db, "a") == [("not_requested", "aws_s3_bucket", "")]

    def test_the_subjects_own_table_counts_when_it_is_read_as_a_whole(self, tmp_path: Path) -> None:
        named_once = rule(none={"of": "aws_rds_instance", "where": "c.name = r.name and c.uid <> r.uid"})
        db = estate(tmp_path, rds("a", name="x"), gap("aws_rds_instance", scope=ELSEWHERE))

        assert statuses(named_once, db) == {"a": "unknown", f"scope:{ELSEWHERE}": "unknown"}


class TestOfAQuery:
    def test_the_subjects_own_row_is_guarded_as_any_subject_is(self, tmp_path: Path) -> None:
        own = rule(query="SELECT i.uid, i.storage_encrypted AS ok FROM aws_rds_instance AS i")
        rows = rds("a", storage_encrypted=True), rds("b", storage_encrypted=True)
        db = estate(tmp_path, *rows, gap("aws_rds_instance", "storage_encrypted", uid="a"), gap("aws_rds_instance"))

        assert statuses(own, db) == {"a": "unknown", "b": "pass", f"scope:{SCOPE}": "unknown"}

    def test_a_self_join_needs_the_whole_table(self, tmp_path: Path) -> None:
        joined = rule(
            query="SELECT a.uid, min(b.storage_encrypted) AS ok FROM aws_rds_instance AS a "
            "JOIN aws_rds_instance AS b ON b.vpc_uid = a.vpc_uid GROUP BY a.uid"
        )
        db = estate(
            tmp_path, rds("a", vpc_uid="v", storage_encrypted=True), gap("aws_rds_instance", uid="b", scope=ELSEWHERE)
        )

        assert statuses(joined, db) == {"a": "unknown", "b": "unknown"}

    def test_other_tables_need_to_be_complete(self, tmp_path: Path) -> None:
        joined = rule(
            "aws_security_group",
            query="SELECT g.uid, max(x.from_port) < 1024 AS ok FROM aws_security_group AS g "
            "JOIN aws_security_group_rule AS x ON x.uid = g.uid GROUP BY g.uid",
        )
        rows = group("g"), group_rule("g", from_port=22)

        assert statuses(joined, estate(tmp_path, *rows)) == {"g": "pass"}
        db = estate(tmp_path, *rows, gap("aws_security_group_rule", uid="elsewhere", scope=ELSEWHERE))
        assert statuses(joined, db) == {"g": "unknown"}


class TestOfTheEnvironment:
    KEPT = rule(require="backup_retention_seconds >= environment.backup_keep_seconds")

    def test_a_resource_in_no_environment_is_unknown_for_that_alone(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", backup_retention_seconds=1), Assignment(uid="a", environment=""))

        (verdict,) = verdicts(self.KEPT, db)

        assert verdict.only_unassigned
        assert verdict.because == (
            Because("unassigned", "assignment", "environment", "a", SCOPE, 0, "it is in no environment"),
        )

    def test_another_unknown_value_is_named_beside_the_missing_environment(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", backup_retention_seconds=None), Assignment(uid="a", environment=""))

        (verdict,) = verdicts(self.KEPT, db)

        assert [b.reason for b in verdict.because] == ["unsupported", "unassigned"]
        assert not verdict.only_unassigned

    def test_a_resource_that_may_be_in_several_is_unknown(self, tmp_path: Path) -> None:
        tie = Assignment(uid="a", environment=None, candidates="live test")
        db = estate(tmp_path, rds("a", backup_retention_seconds=1), tie)

        assert [b.detail for b in verdicts(self.KEPT, db)[0].because] == ["it may be in live test"]

    def test_a_tag_that_was_refused_is_the_reason(self, tmp_path: Path) -> None:
        unread = Assignment(uid="a", environment=None, reason="denied", call=3)
        db = estate(tmp_path, rds("a", backup_retention_seconds=1), unread)

        assert [(b.reason, b.call) for b in verdicts(self.KEPT, db)[0].because] == [("denied", 3)]

    def test_a_threshold_that_no_policy_gives_is_named(self, tmp_path: Path) -> None:
        db = estate(tmp_path, rds("a", backup_retention_seconds=1), Environment(id="live"))

        assert reasons(self.KEPT, db, "a") == [("unsupported", "environment", "backup_keep_seconds")]


class TestOfWhatIsNamed:
    """Whoever decides looks at the kinds of reasons, so however many reasons there are, none of their kinds is lost."""

    NONE_OPEN = rule(none={"of": "aws_security_group_rule", "where": "is_public", "within": "account"})

    @given(st.lists(st.sampled_from(REASONS), max_size=40))
    def test_few_are_kept_and_of_every_kind_one(self, kinds: list[str]) -> None:
        every = [Because(kind, uid=str(number)) for number, kind in enumerate(kinds)]

        kept = representative(every)

        assert {b.reason for b in kept} == set(kinds)
        assert len(kept) == min(len(every), MOST)
        assert [b for b in every if b in kept] == list(kept)

    @pytest.mark.parametrize("many", [0, 1, 3, 12])
    def test_one_cell_that_was_denied_is_named_beside_many_that_wait_for_the_apply(
        self, many: int, tmp_path: Path
    ) -> None:
        waiting = [f"a{number:02}" for number in range(many)]
        rows = [group_rule(uid, is_public=None) for uid in (*waiting, "denied")]
        gaps = [gap("aws_security_group_rule", "is_public", uid=uid, reason="after_apply", call=0) for uid in waiting]
        last = gap("aws_security_group_rule", "is_public", uid="denied")

        (verdict,) = verdicts(self.NONE_OPEN, estate(tmp_path, rds("r"), *rows, *gaps, last))

        assert {b.reason for b in verdict.because} == {*(["after_apply"] if many else []), "denied"}
        assert Because("denied", "aws_security_group_rule", "is_public", "denied", SCOPE, 7) in verdict.because

    def test_missing_rows_that_wait_for_the_apply_do_not_hide_one_that_was_denied(self, tmp_path: Path) -> None:
        gaps = [gap("aws_security_group_rule", uid=f"a{n:02}", reason="after_apply", call=0) for n in range(12)]

        (verdict,) = verdicts(
            self.NONE_OPEN, estate(tmp_path, rds("r"), *gaps, gap("aws_security_group_rule", uid="denied"))
        )

        assert {b.reason for b in verdict.because} == {"after_apply", "denied"}

    def test_missing_rows_do_not_hide_a_cell_that_was_denied(self, tmp_path: Path) -> None:
        missing = gap("aws_security_group_rule", uid="later", reason="after_apply", call=0)
        denied = gap("aws_security_group_rule", "is_public", uid="denied")

        (verdict,) = verdicts(
            self.NONE_OPEN, estate(tmp_path, rds("r"), group_rule("denied", is_public=None), missing, denied)
        )

        assert {b.reason for b in verdict.because} == {"after_apply", "denied"}

    def test_a_column_that_a_whole_scope_does_not_have_is_named_with_the_call_of_that_scope(
        self, tmp_path: Path
    ) -> None:
        north, here = group_rule("n", scope=NORTH, is_public=None), group_rule("h", is_public=None)
        gaps = (
            gap("aws_security_group_rule", "is_public", scope=NORTH, reason="throttled", call=8),
            gap("aws_security_group_rule", "is_public"),
        )

        (verdict,) = verdicts(self.NONE_OPEN, estate(tmp_path, rds("r"), north, here, *gaps))

        assert {(b.reason, b.scope, b.call) for b in verdict.because} == {
            ("throttled", NORTH, 8), ("denied", SCOPE, 7),
        }  # fmt: skip

    def test_a_query_whose_answer_is_unknown_names_every_kind_of_gap_that_it_read(self, tmp_path: Path) -> None:
        joined = rule(
            "aws_security_group",
            query="SELECT g.uid, max(x.from_port) < 1024 AS ok FROM aws_security_group AS g "
            "LEFT JOIN aws_security_group_rule AS x ON x.uid = g.uid GROUP BY g.uid",
        )
        waiting = [gap("aws_security_group_rule", "from_port", uid="a", reason="after_apply", call=0)]
        rows = group("a"), group_rule("a", from_port=None), group("b"), group_rule("b", from_port=None)

        found = verdicts(
            joined, estate(tmp_path, *rows, *waiting, gap("aws_security_group_rule", "from_port", uid="b"))
        )

        assert [{b.reason for b in verdict.because} for verdict in found] == [{"after_apply", "denied"}] * 2
