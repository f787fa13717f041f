"""A rule file is taken word for word or refused with its file and line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from scanner.errors import InputError, RuleError
from scanner.rules import Lock, Parameter, Quantifier, Rule, load_rules, read_rule, write_lock

RULE = """\
id: database-encrypted
title: Databases are encrypted
severity: high
why: A stolen disk is readable.
fix: Encrypt it.
resource: aws_rds_instance
require: storage_encrypted
message: "{name} is not encrypted"
see_also: {prowler: [rds_instance_storage_encrypted], checkov: [CKV_AWS_16]}
examples:
  - {name: encrypted, row: {storage_encrypted: true}, expect: pass}
  - {name: plain, row: {storage_encrypted: 0}, expect: fail}
  - {name: not read, row: {storage_encrypted: null}, expect: unknown}
"""


def write(folder: Path, text: str = RULE, name: str = "database-encrypted", area: str = "encryption") -> Path:
    (folder / area).mkdir(exist_ok=True)
    path = folder / area / f"{name}.yaml"
    path.write_text(text)
    return path


def changed(old: str, new: str) -> str:
    assert old in RULE
    return RULE.replace(old, new)


def test_a_rule_is_what_its_file_says(tmp_path: Path) -> None:
    path = write(tmp_path)

    rules = load_rules([tmp_path], Lock())

    rule = rules["database-encrypted"]
    assert (rule.title, rule.severity, rule.resource, rule.area) == (
        "Databases are encrypted", "high", "aws_rds_instance", "encryption",
    )  # fmt: skip
    assert rule.see_also == {"prowler": ("rds_instance_storage_encrypted",), "checkov": ("CKV_AWS_16",)}
    assert rule.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert rule.at("require") == f"{path}:7"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (changed("fix:", "fixx:"), 5, "unknown key `fixx`"),
        (changed("fix: Encrypt it.\n", ""), 1, "`fix` is missing"),
        (changed("id: database-encrypted", "id: Database_Encrypted"), 1, "small letters, digits and hyphens"),
        (changed("id: database-encrypted", "id: another"), 1, "is the file's name"),
        (changed("severity: high", "severity: severe"), 3, "one of critical, high, medium, low"),
        (changed("resource: aws_rds_instance", "resource: aws_rds"), 6, "there is no table aws_rds"),
        (changed("require: storage_encrypted", "require: 1"), 7, "of the wrong kind"),
        (changed("require: storage_encrypted\n", ""), 1, "it requires nothing"),
        (changed("title: Databases are encrypted", "title: ''"), 2, "a text"),
        (changed("title: Databases are encrypted", "title: 5"), 2, "in quotes"),
        (changed("[CKV_AWS_16]", "CKV_AWS_16"), 9, "a list of names"),
        (changed("row: {storage_encrypted: 0}", "row: {storage_encrypted: 2}"), 12, "is true or false"),
        (changed("row: {storage_encrypted: 0}", "row: {storage_encripted: 0}"), 12, "unknown key `storage_encripted`"),
        (changed("row: {storage_encrypted: 0}", "row: {account: 111111111111}"), 12, "account is a text"),
        (changed("row: {storage_encrypted: 0}", "row: {port: high}"), 12, "aws_rds_instance.port is a whole number"),
        (changed("row: {storage_encrypted: 0}", "row: {created: yesterday}"), 12, "a time is UTC seconds"),
        (changed("row: {storage_encrypted: 0}", "row: {uid: null}"), 12, "aws_rds_instance.uid is a text"),
        (changed("row: {storage_encrypted: 0}", "tables: {aws_rds: []}"), 12, "tables of this name"),
        (changed("row: {storage_encrypted: 0}", "environment: test"), 12, "a mapping"),
        (changed("row: {storage_encrypted: 0}", "gaps: [{column: nothing}]"), 12, "no aws_rds_instance.nothing"),
        (changed("row: {storage_encrypted: 0}", "gaps: [{reason: lost}]"), 12, "one of denied,"),
        (changed("row: {storage_encrypted: 0}", "parameters: {x: 1}"), 12, "unknown key `x`; known are none"),
        (changed("expect: fail", "expect: failed"), 12, "`expect` is one of"),
        (changed("expect: fail", "expect: {a: fail}"), 12, "`expect` is one of"),
        (changed("name: plain, ", ""), 12, "a text"),
        (RULE + "none: {of: aws_rds_log_export}\n", 14, "`where` is missing"),
        (RULE + "none: {of: aws_rds_log, where: x}\n", 14, "there is no table aws_rds_log"),
        (RULE + "none: {of: aws_rds_log_export, where: x, in: account}\n", 14, "unknown key `in`"),
        (RULE + "none: {of: aws_rds_log_export, where: x, within: city}\n", 14, "one of resource, account"),
        (RULE + "parameters: {days: {default: 1}}\n", 14, "`description` is missing"),
        (RULE + "parameters: {days: {default: 1, prod: 2, description: d}}\n", 14, "unknown key `prod`"),
        (RULE + "parameters: {days: {default: 1, staging: x, description: d}}\n", 14, "all its values are of one type"),
        (RULE + "parameters: {Days: {default: 1, description: d}}\n", 14, "a parameter is a name"),
        (RULE + "when: nothing\n", 14, "when: nothing: there is no such column"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_and_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises(RuleError) as caught:
        load_rules([tmp_path], Lock())

    assert f"{path}:{line}: " in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a list", "a: 1\n---\nb: 2\n", "a: [", "a: &x 1\nb: !!python/object:x y\n"])
def test_what_is_no_rule_at_all_is_refused(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises((InputError, RuleError), match=str(path)):
        load_rules([tmp_path], Lock())


def test_quantifiers_default_to_the_resources_own_rows_and_may_be_several(tmp_path: Path) -> None:
    text = RULE + (
        "none: {of: aws_rds_log_export, where: log_name = 'a'}\n"
        "any:\n"
        "  - {of: aws_s3_bucket, where: mfa_delete}\n"
        "  - {of: aws_s3_bucket, where: mfa_delete, within: account}\n"
    )

    assert read_rule(write(tmp_path, text)).quantifiers == (
        Quantifier("none", "aws_rds_log_export", "log_name = 'a'", "resource"),
        Quantifier("any", "aws_s3_bucket", "mfa_delete", ""),
        Quantifier("any", "aws_s3_bucket", "mfa_delete", "account"),
    )


def test_a_parameter_has_a_default_for_each_tier() -> None:
    parameter = Parameter("days", 90, {"production": 30})

    assert [parameter.value(tier) for tier in ("production", "staging", None)] == [30, 90, None]
    assert Parameter("days", 90, {"production": 90}).value(None) == 90


def test_rules_are_found_by_what_other_tools_call_them(tmp_path: Path) -> None:
    write(tmp_path)
    rules = load_rules([tmp_path], Lock())

    assert [r.id for r in rules.find("prowler:rds_instance_storage_encrypted")] == ["database-encrypted"]
    assert [r.id for r in rules.find("database-encrypted")] == ["database-encrypted"]
    assert rules.find("prowler:other") == rules.find("rds_instance_storage_encrypted") == ()
    assert list(rules.only(["checkov:CKV_AWS_16"])) == ["database-encrypted"]
    with pytest.raises(RuleError, match="there is no such rule"):
        rules.only(["database-encrypted", "other"])


def test_two_rules_with_one_id_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, area="backup")

    with pytest.raises(RuleError, match="has the same id"):
        load_rules([tmp_path], Lock())


def test_a_retired_rule_keeps_its_file_and_is_not_judged(tmp_path: Path) -> None:
    write(tmp_path, RULE + "retired: Replaced by another.\n")

    rules = load_rules([tmp_path], Lock())

    assert (list(rules), list(rules.retired)) == ([], ["database-encrypted"])


def test_frameworks_beside_the_rules_are_no_rules(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "id: gdpr\n", "gdpr", "frameworks")

    assert list(load_rules([tmp_path], Lock())) == ["database-encrypted"]


def test_the_digest_of_a_set_follows_its_rules(tmp_path: Path) -> None:
    path = write(tmp_path)
    before = load_rules([tmp_path], Lock())
    write(tmp_path, changed("A stolen disk", "A lost disk"))
    after = load_rules([path], Lock())

    assert before.digest != after.digest


def test_a_rule_that_the_lock_knows_may_be_read_without_its_examples(tmp_path: Path) -> None:
    """Wherever they stand in the file, and only then."""
    start, _, examples = RULE.partition("see_also:")
    also, _, listed = ("see_also:" + examples).partition("examples:")
    write(tmp_path, f"{start}examples:{listed}# as peers call it\n\n{also}")
    lock = Lock.read(write_lock(tmp_path))

    rules = load_rules([tmp_path], lock, brief=True)
    whole = load_rules([tmp_path], lock)

    assert set(rules.about({"aws_rds_instance"})) == {"database-encrypted"}
    assert set(rules.about({"aws_s3_bucket"})) == set()
    assert rules.digest == whole.digest
    assert rules["database-encrypted"].examples == ()
    assert set(load_rules([tmp_path], Lock(), brief=True)["database-encrypted"].examples[0]) >= {"row", "expect"}
    assert plain(rules["database-encrypted"]) == plain(whole["database-encrypted"])


def test_every_shipped_rule_is_the_same_with_and_without_its_examples() -> None:
    brief, whole = load_rules(brief=True), load_rules()

    assert {name: plain(rule) for name, rule in brief.items()} == {name: plain(rule) for name, rule in whole.items()}
    assert list(brief.retired) == list(whole.retired)


def plain(rule: Rule) -> dict[str, object]:
    """What a rule says, without its examples and the lines that these shift."""
    return {name: value for name, value in vars(rule).items() if name not in ("examples", "lines", "compiled")}
