"""The lock: what was checked once is only compiled, and ids keep their meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.errors import RuleError
from scanner.rules import Lock, load_rules, write_lock
from tests.rules.test_load import RULE, changed, write

UNSOUND = changed("require: storage_encrypted", "require: coalesce(storage_encrypted, 0)").replace(
    "expect: unknown", "expect: fail"
)


def test_a_rule_that_is_as_the_lock_says_is_not_checked_again(tmp_path: Path) -> None:
    write(tmp_path)
    lock = Lock.read(write_lock(tmp_path))

    rules = load_rules([tmp_path], lock)

    assert lock.has(rules["database-encrypted"])


def test_a_changed_rule_is_checked(tmp_path: Path) -> None:
    write(tmp_path)
    lock = Lock.read(write_lock(tmp_path))
    write(tmp_path, UNSOUND)

    with pytest.raises(RuleError, match="no example gives unknown"):
        load_rules([tmp_path], lock)


def test_a_rule_that_the_lock_does_not_know_is_checked(tmp_path: Path) -> None:
    write(tmp_path, UNSOUND)

    with pytest.raises(RuleError, match="no example gives unknown"):
        load_rules([tmp_path])


def test_a_locked_rule_is_compiled_all_the_same(tmp_path: Path) -> None:
    """A table may have lost the column that it reads."""
    write(tmp_path)
    digest = load_rules([tmp_path], Lock())["database-encrypted"].digest
    text = changed("require: storage_encrypted", "require: storage_encripted")
    path = write(tmp_path, text)
    lock_file = tmp_path / "rules.lock"
    lock_file.write_text(f"database-encrypted aws_rds_instance {digest}\n")

    with pytest.raises(RuleError, match="there is no such column"):
        load_rules([path], Lock.read(lock_file))


def test_an_id_never_comes_to_judge_another_resource(tmp_path: Path) -> None:
    write(tmp_path)
    write_lock(tmp_path)
    write(tmp_path, changed("aws_rds_instance", "aws_rds_snapshot").replace("storage_encrypted", "is_encrypted"))

    with pytest.raises(RuleError, match="it has always judged aws_rds_instance"):
        write_lock(tmp_path)
    with pytest.raises(RuleError, match="it has always judged aws_rds_instance"):
        load_rules([tmp_path], Lock.read(tmp_path / "rules.lock"))


def test_a_rule_file_never_goes_away(tmp_path: Path) -> None:
    path = write(tmp_path)
    write_lock(tmp_path)
    path.unlink()

    with pytest.raises(RuleError, match="a retired rule keeps it"):
        write_lock(tmp_path)


def test_the_lock_is_written_in_the_order_of_ids(tmp_path: Path) -> None:
    second = RULE.replace("database-encrypted", "a-database-encrypted")
    write(tmp_path)
    write(tmp_path, second, "a-database-encrypted")

    lines = write_lock(tmp_path).read_text().splitlines()

    assert [line.split()[:2] for line in lines[1:]] == [
        ["a-database-encrypted", "aws_rds_instance"],
        ["database-encrypted", "aws_rds_instance"],
    ]


def test_a_lock_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rules.lock").write_text("database-encrypted aws_rds_instance\n")

    with pytest.raises(RuleError, match=r"rules\.lock:1: is not understood"):
        Lock.read(tmp_path / "rules.lock")
