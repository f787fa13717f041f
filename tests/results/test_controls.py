"""The status of a control: as bad as its worst part, and never better than what is known."""

from __future__ import annotations

from datetime import UTC, date, datetime

import hypothesis.strategies as st
import pytest
from hypothesis import given

from scanner.attestations import Attestation
from scanner.frameworks import Clause, Control, Framework, Request
from scanner.results.controls import framework_line, worst
from scanner.results.model import CONTROL_STATUSES, ControlLine, Counts, RuleLine

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
ENVIRONMENTS = ("production", "staging")
STATED = Attestation(
    "f", "C1", "drill", (), "It was exercised.", "jane", "lead", date(2026, 11, 1), date(2027, 11, 1), "e.pdf", "0" * 64
)


def rule(
    counts: dict[str | None, Counts], *, asked: bool = True, unsure: frozenset[str] = frozenset(), id: str = "r"
) -> RuleLine:
    total = sum(counts.values(), Counts())
    return RuleLine(id, "t", "high", "w", "f", "table", "area", {}, total, counts, (), asked, unsure)


def judge(
    *clauses: Clause,
    rules: tuple[RuleLine, ...] = (),
    requests: tuple[Request, ...] = (),
    attestations: tuple[Attestation, ...] = (),
    environments: tuple[str, ...] = ENVIRONMENTS,
) -> ControlLine:
    control = Control("C1", "c", "t", "text", "owner", "partial", "test", clauses, requests)
    framework = Framework("f", "F", "1", "s", (control,))
    line = framework_line(framework, {r.id: r for r in rules}, environments, attestations, NOW)
    return line.controls[0]


TIERS = {"production": "production", "staging": "staging"}


def about(*tiers: str, counts: dict[str | None, Counts], environments: tuple[str, ...] = ENVIRONMENTS) -> ControlLine:
    """A control that is about environments of these tiers."""
    control = Control("C1", "c", "t", "text", "owner", "full", "test", (DECIDED,), (), tiers)
    framework = Framework("f", "F", "1", "s", (control,))
    return framework_line(framework, {"r": rule(counts)}, environments, (), NOW, TIERS).controls[0]


def test_a_control_about_one_tier_is_not_judged_by_the_others() -> None:
    """The session timeout of production says nothing when staging's is too long."""
    line = about("production", counts={"production": Counts(passed=1), "staging": Counts(failed=1)})
    assert (statuses(line), line.counts) == (("pass", "pass", "not_applicable"), Counts(passed=1))


def test_what_is_in_no_environment_counts_for_a_tier_that_there_is() -> None:
    loose = {"production": Counts(passed=1), None: Counts(failed=1)}
    assert about("production", counts=loose).status == "fail"
    assert about("production", counts=loose, environments=("staging",)).status == "not_applicable"


DECIDED = Clause("It holds.", ("r",))
PARTLY = Clause("It holds.", ("r",), "partial")
OPEN = Clause("Somebody looks.")
DRILL = Request("drill", "It was exercised.", 365)


def statuses(line: ControlLine) -> tuple[str, str, str]:
    return (line.status, line.by_environment["production"], line.by_environment["staging"])


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        (Counts(passed=3), "pass"),
        (Counts(passed=3, failed=1), "fail"),
        (Counts(passed=3, unknown=1), "not_assessed"),
        (Counts(failed=1, unknown=1), "fail"),
        (Counts(passed=1, failed=1, waived=1), "waived"),
        (Counts(failed=2, waived=1), "fail"),
        (Counts(failed=1, waived=1, unknown=1), "not_assessed"),
        (Counts(not_applicable=4), "not_applicable"),
        (Counts(passed=1, not_applicable=4), "pass"),
        (Counts(), "not_applicable"),
    ],
)
def test_a_clause_that_a_rule_decides_is_as_bad_as_its_worst_verdict(counts: Counts, status: str) -> None:
    line = judge(DECIDED, rules=(rule({"production": counts}),))

    assert line.by_environment == {"production": status, "staging": "not_applicable"}


def test_a_control_is_as_bad_as_its_worst_environment() -> None:
    line = judge(DECIDED, rules=(rule({"production": Counts(passed=1), "staging": Counts(failed=1)}),))

    assert statuses(line) == ("fail", "pass", "fail")


def test_a_failure_in_no_environment_does_not_vanish() -> None:
    line = judge(DECIDED, rules=(rule({"production": Counts(passed=1), "": Counts(failed=1)}),))

    assert statuses(line) == ("fail", "pass", "not_applicable")


def test_what_could_not_be_listed_counts_wherever_it_may_lie() -> None:
    blind = rule({"production": Counts(passed=1), None: Counts(unknown=1)}, unsure=frozenset({"production"}))

    assert statuses(judge(DECIDED, rules=(blind,))) == ("not_assessed", "not_assessed", "not_applicable")


def test_a_rule_that_did_not_run_or_was_not_asked_for_decides_nothing() -> None:
    assert judge(DECIDED).status == "not_assessed"
    assert judge(DECIDED, rules=(rule({}, asked=False),)).status == "not_assessed"


def test_a_clause_without_rules_is_not_assessed() -> None:
    line = judge(DECIDED, OPEN, rules=(rule({"production": Counts(passed=1)}),))

    assert statuses(line) == ("not_assessed", "not_assessed", "not_assessed")
    assert [clause.status for clause in line.clauses] == ["pass", "not_assessed"]


def test_a_clause_that_rules_decide_in_part_does_not_pass_by_them_alone() -> None:
    passing = (rule({"production": Counts(passed=1)}),)

    assert judge(PARTLY, rules=passing).status == "not_assessed"
    assert judge(PARTLY, rules=passing, requests=(DRILL,)).status == "needs_attestation"
    assert judge(PARTLY, rules=passing, requests=(DRILL,), attestations=(STATED,)).status == "attested"


def test_what_is_attested_is_attested_and_never_pass() -> None:
    assert statuses(judge(OPEN, requests=(DRILL,))) == ("needs_attestation",) * 3
    assert statuses(judge(OPEN, requests=(DRILL,), attestations=(STATED,))) == ("attested",) * 3


def test_an_attestation_does_not_hide_a_failure() -> None:
    line = judge(
        DECIDED, rules=(rule({"production": Counts(failed=1)}),), requests=(DRILL,), attestations=(STATED,)
    )  # fmt: skip

    assert statuses(line) == ("fail", "fail", "attested")


def test_an_attestation_for_one_environment_speaks_for_no_other() -> None:
    only = Attestation(
        "f", "C1", "drill", ("staging",), "It was exercised.", "jane", "lead", date(2026, 11, 1), date(2027, 11, 1),
        "e.pdf", "0" * 64,
    )  # fmt: skip

    assert statuses(judge(OPEN, requests=(DRILL,), attestations=(only,))) == (
        "needs_attestation", "needs_attestation", "attested",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("made", "expires", "every"),
    [
        (date(2025, 1, 1), date(2026, 11, 24), 1000),  # it ran out
        (date(2026, 1, 1), date(2027, 11, 24), 90),  # older than the control lets it become
        (date(2026, 12, 1), date(2027, 11, 24), 90),  # made in the future
    ],
)
def test_an_attestation_out_of_date_is_asked_for_again(made: date, expires: date, every: int) -> None:
    old = Attestation("f", "C1", "drill", (), "It was exercised.", "jane", "lead", made, expires, "e.pdf", "0" * 64)

    line = judge(OPEN, requests=(Request("drill", "asks", every),), attestations=(old,))

    assert (line.status, line.attestations[0].state, line.attestations[0].by) == (
        "needs_attestation",
        "expired",
        "jane",
    )


def test_a_framework_is_judged_where_it_applies_and_nowhere_else() -> None:
    line = judge(
        DECIDED, rules=(rule({"production": Counts(passed=2), "staging": Counts(failed=5)}),),
        environments=("production",),
    )  # fmt: skip

    assert (line.status, line.by_environment, line.counts) == ("pass", {"production": "pass"}, Counts(passed=2))


@given(st.lists(st.sampled_from(CONTROL_STATUSES), min_size=1), st.sampled_from(CONTROL_STATUSES))
def test_adding_a_part_never_makes_a_control_better(parts: list[str], another: str) -> None:
    assert CONTROL_STATUSES.index(worst([*parts, another])) <= CONTROL_STATUSES.index(worst(parts))


counts = st.builds(Counts, *[st.integers(0, 3)] * 4).flatmap(
    lambda c: st.integers(0, c.failed).map(lambda w: Counts(c.passed, c.failed, c.unknown, c.not_applicable, w))
)


@given(counts, counts, st.sampled_from(["full", "partial"]))
def test_an_unknown_more_never_turns_a_control_into_a_pass(here: Counts, there: Counts, strength: str) -> None:
    more = Counts(here.passed, here.failed, here.unknown + 1, here.not_applicable, here.waived)
    clause = Clause("It holds.", ("r",), strength)

    line = judge(clause, rules=(rule({"production": more, "staging": there}),))

    assert line.by_environment["production"] in ("fail", "not_assessed")
    assert line.status in ("fail", "not_assessed")
