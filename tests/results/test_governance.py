"""Frameworks, waivers and attestations as files: what is accepted, and what is refused with file and line."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from scanner.attestations import load_attestations
from scanner.bundled import bundled
from scanner.errors import ConfigError, UsageError
from scanner.frameworks import Clause, Control, Framework, Request, load_frameworks
from scanner.waivers import Waiver, load_waivers

FRAMEWORK = """\
id: mine
title: Mine
version: "1"
source: A paper
controls:
  - id: C1
    citation: page 1
    title: A title
    text: A text.
    owner: security
    automation: partial
    method: test
    checks:
      - clause: Buckets are closed.
        rules: [a-rule]
      - clause: Somebody looks.
    attestations:
      - {id: look, every: 90d, asks: Somebody looked.}
"""
WAIVER = """\
waivers:
  - id: W-1
    rule: a-rule
    scope: {uid: "arn:aws:s3:::assets-*", environment: staging}
    reason: Static files for the public website.
    owner: web@acme.example
    approver: ciso@acme.example
    ticket: SEC-1
    created: 2026-10-01
    expires: 2027-01-31
"""
ATTESTATION = """\
attestations:
  - framework: mine
    control: C1
    attestation: look
    environments: [production]
    statement: I looked at all of them.
    by: jane@acme.example
    role: Head of operations
    date: 2026-11-01
    expires: 2027-01-31
    evidence: {file: notes.txt, sha256: SUM}
"""
SUM = hashlib.sha256(b"seen").hexdigest()


def framework(tmp_path: Path, text: str) -> Framework:
    (tmp_path / "mine.yaml").write_text(text)
    return load_frameworks(tmp_path, rules={"a-rule"})[0]


def waivers(tmp_path: Path, text: str) -> tuple[Waiver, ...]:
    (tmp_path / "waivers.yaml").write_text(text)
    return load_waivers(tmp_path / "waivers.yaml", {"a-rule"}, ["ciso@acme.example"])


def test_a_framework_is_read_as_it_is_written(tmp_path: Path) -> None:
    found = framework(tmp_path, FRAMEWORK)

    assert found == Framework(
        "mine", "Mine", "1", "A paper",
        (
            Control(
                "C1", "page 1", "A title", "A text.", "security", "partial", "test",
                (Clause("Buckets are closed.", ("a-rule",)), Clause("Somebody looks.")),
                (Request("look", "Somebody looked.", 90),),
            ),
        ),
        hashlib.sha256(FRAMEWORK.encode()).hexdigest(),
    )  # fmt: skip
    assert found.asked == {("C1", "look")}


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("automation: partial", "automation: full", 11, "C1 says full, but not every clause is decided by rules"),
        ("automation: partial", "automation: none", 11, "C1 says none; write partial or full"),
        ("automation: partial", "automation: most", 11, "automation: 'most' is not known"),
        ("[a-rule]", "[no-rule]", 15, "there is no rule 'no-rule'"),
        ("[a-rule]", "a-rule", 15, "rules is no list of texts"),
        ("rules: [a-rule]", "rule: [a-rule]", 15, "rule: there is no such key; did you mean rules?"),
        ("every: 90d", "every: 90", 18, "every is no text"),
        ("every: 90d", "every: soon", 18, "every: 'soon' is no number of days"),
        ("    owner: security\n", "", 6, "owner is missing"),
        ("id: mine", "id: yours", 1, "the id 'yours' is not the file's name"),
    ],
)
def test_a_wrong_framework_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, problem: str
) -> None:
    with pytest.raises(ConfigError) as error:
        framework(tmp_path, FRAMEWORK.replace(old, new, 1))

    assert str(error.value).startswith(f"{tmp_path}/mine.yaml:{line}: {problem}")


def test_a_control_may_not_stand_in_a_framework_twice(tmp_path: Path) -> None:
    control = FRAMEWORK.partition("controls:\n")[2]

    with pytest.raises(ConfigError, match=r"mine.yaml:19: the control C1 stands in this file twice"):
        framework(tmp_path, FRAMEWORK + control)


def test_a_framework_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(FRAMEWORK)

    with pytest.raises(UsageError, match="there is no framework 'pci'; choose from mine"):
        load_frameworks(tmp_path, ["pci"])


def test_every_rule_that_a_shipped_framework_names_exists() -> None:
    rules = {path.stem for path in bundled("rules").glob("*/*.yaml")}

    found = load_frameworks(rules=rules)

    assert {f.id for f in found} >= {"environment-management", "gdpr", "hipaa", "sox"}
    assert {f.id for f in found if any(c.automation != "none" for c in f.controls)} == {f.id for f in found}


def test_a_control_that_asks_people_is_not_fully_automated(tmp_path: Path) -> None:
    full = FRAMEWORK.replace("partial", "full").replace("      - clause: Somebody looks.\n", "")
    with pytest.raises(ConfigError, match="C1 says full, and asks people to attest; write partial"):
        framework(tmp_path, full)


def test_a_control_is_about_tiers_that_there_are(tmp_path: Path) -> None:
    about = FRAMEWORK.replace("    owner:", "    tiers: [production]\n    owner:")
    assert framework(tmp_path, about).controls[0].tiers == ("production",)
    with pytest.raises(ConfigError, match="there is no tier 'prod'; write some of local, "):
        framework(tmp_path, about.replace("[production]", "[prod]"))


def test_environment_management_has_a_control_for_each_line_of_the_guide() -> None:
    (found,) = load_frameworks(names=["environment-management"])
    lines = [int(control.citation.removeprefix("line ").partition(",")[0]) for control in found.controls]

    assert len(lines) == 169
    assert lines == sorted(set(lines))


def test_a_waiver_is_read_as_it_is_written(tmp_path: Path) -> None:
    (found,) = waivers(tmp_path, WAIVER)

    assert found == Waiver(
        "W-1", "a-rule", "arn:aws:s3:::assets-*", "staging", "Static files for the public website.",
        "web@acme.example", "ciso@acme.example", "SEC-1", date(2026, 10, 1), date(2027, 1, 31),
        f"{tmp_path}/waivers.yaml:2",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("rule: a-rule", "rule: other", 3, "there is no rule 'other'"),
        ("Static files for the public website.", "because", 5, "reason is too short; write at least 20 characters"),
        ("    expires: 2027-01-31\n", "", 2, "expires is missing"),
        ("2027-01-31", "2027-04-01", 10, "holds for more than 180 days; write 2027-03-30 or earlier"),
        ("2027-01-31", "2026-09-01", 10, "expires before it was created"),
        ("2027-01-31", "soon", 10, "expires: 'soon' is no date"),
        ("2027-01-31", "2027-02-30", 10, "expires: '2027-02-30' is no date"),
        ("ciso@acme.example", "me@acme.example", 7, "me@acme.example may not approve"),
        ("scope: {", "scopes: {", 2, "scope is missing"),
        ("ticket: SEC-1", "tickets: SEC-1", 2, "ticket is missing"),
    ],
)
def test_a_wrong_waiver_is_refused_with_its_line(tmp_path: Path, old: str, new: str, line: int, problem: str) -> None:
    with pytest.raises(ConfigError) as error:
        waivers(tmp_path, WAIVER.replace(old, new, 1))

    assert str(error.value).startswith(f"{tmp_path}/waivers.yaml:{line}: {problem}")


def test_two_waivers_may_not_have_one_id(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"waivers.yaml:11: the id W-1 was already given at .*waivers.yaml:2"):
        waivers(tmp_path, WAIVER + WAIVER.partition("\n")[2])


@pytest.mark.parametrize(
    ("day", "state"),
    [("2026-09-30", "pending"), ("2026-10-01", "active"), ("2027-01-31", "active"), ("2027-02-01", "expired")],
)
def test_a_waiver_holds_from_its_first_day_to_the_end_of_its_last(tmp_path: Path, day: str, state: str) -> None:
    (waiver,) = waivers(tmp_path, WAIVER)
    end_of_day = datetime.fromisoformat(f"{day}T23:59:59").replace(tzinfo=UTC).timestamp()

    assert waiver.state(end_of_day) == state


@pytest.mark.parametrize(
    ("uid", "environment", "covered"),
    [
        ("arn:aws:s3:::assets-1", "staging", True),
        ("arn:aws:s3:::other", "staging", False),
        ("arn:aws:s3:::assets-1", "production", False),
        ("arn:aws:s3:::assets-1", "", False),
        ("arn:aws:s3:::assets-1", None, False),
    ],
)
def test_a_waiver_covers_what_its_globs_match(tmp_path: Path, uid: str, environment: str | None, covered: bool) -> None:
    (waiver,) = waivers(tmp_path, WAIVER)

    assert waiver.matches(uid, environment) is covered


def attestations(tmp_path: Path, text: str, evidence: bytes = b"seen") -> list[tuple[str, tuple[str, ...], date]]:
    folder = tmp_path / "attestations"
    folder.mkdir()
    (folder / "notes.txt").write_bytes(evidence)
    (folder / "2026.yaml").write_text(text.replace("SUM", SUM))
    found = load_attestations(folder, {"mine": {("C1", "look")}})
    return [(a.request, a.environments, a.made) for a in found]


def test_an_attestation_is_read_with_its_evidence(tmp_path: Path) -> None:
    assert attestations(tmp_path, ATTESTATION) == [("look", ("production",), date(2026, 11, 1))]


def test_evidence_that_was_changed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"2026.yaml:11: notes.txt has the SHA-256 .*, not the one attested"):
        attestations(tmp_path, ATTESTATION, b"changed")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("attestation: look", "attestation: other", "mine C1 asks for no attestation 'other'"),
        ("notes.txt", "../../secret", "does not exist|leads out"),
        ("SUM", "123", "sha256 is no text|sha256 is no SHA-256"),
        ("2027-01-31", "2026-01-31", "expires before it was made"),
        ("by: jane@acme.example", "by: ''", "by is too short"),
    ],
)
def test_a_wrong_attestation_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        attestations(tmp_path, ATTESTATION.replace(old, new, 1))
