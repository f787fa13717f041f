"""Of command lines the control plane's settings and the use of sudo are kept, and no secret."""

from __future__ import annotations

import pytest

from scanner.collectors.kubernetes.backups import duration_seconds, interval_seconds
from scanner.collectors.kubernetes.commands import command_lines
from scanner.collectors.kubernetes.values import is_digest
from tests.support.kubernetes import pod_spec


def lines(command: list[str], args: list[str] | None = None) -> dict[str, object]:
    return command_lines({"spec": pod_spec(command=command, args=args or [])})


@pytest.mark.parametrize(
    ("command", "args"),
    [
        (["kube-apiserver", "--profiling=false", "--audit-log-path=/var/log/audit.log"], []),
        (["/usr/local/bin/kube-apiserver"], ["--profiling", "false", "--audit-log-path=/var/log/audit.log"]),
        (["/bin/sh", "-c", "exec kube-apiserver --profiling=false --audit-log-path=/var/log/audit.log"], []),
        (["kube-apiserver", "--profiling=false --audit-log-path=/var/log/audit.log"], []),
    ],
)
def test_flags_are_read_however_they_are_spelt(command: list[str], args: list[str]) -> None:
    known = {"profiling": "false", "audit-log-path": "/var/log/audit.log"}

    assert lines(command, args) == {"component": {"name": "kube-apiserver", "known": known, "flags": {}}}


def test_a_flag_that_is_not_known_to_be_harmless_is_left_to_the_redactor() -> None:
    component = lines(["etcd", "--initial-cluster-token=hunter2", "--auto-tls"])["component"]

    assert component == {"name": "etcd", "known": {"auto-tls": "true"}, "flags": {"initial-cluster-token": "hunter2"}}


def test_a_secret_in_place_of_a_path_is_left_to_the_redactor() -> None:
    component = lines(["kube-apiserver", "--token-auth-file=p@ss word!"])["component"]

    assert component == {"name": "kube-apiserver", "known": {}, "flags": {"token-auth-file": "p@ss word!"}}


def test_other_programs_leave_nothing() -> None:
    assert lines(["/bin/web", "--admin-password=Sw0rdfish!x9"]) == {}


@pytest.mark.parametrize(
    ("command", "uses"),
    [(["sudo", "cat"], True), (["sudo cat"], True), (["sh", "-c", "cd /x && sudo ls"], True), (["pseudo"], False),
     (["/usr/bin/sudo"], True), (["echo", "sudoku"], False)],
)  # fmt: skip
def test_sudo_is_seen_as_a_word_of_its_own(command: list[str], uses: bool) -> None:
    assert ("sudo" in lines(command)) is uses


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("0 2 * * *", 86400), ("0 */6 * * *", 21600), ("@daily", 86400), ("@every 1h30m", 5400), ("0 3 * * 0", 604800),
     ("0 3 * * 7", 604800), ("0 3 * * 1-5", 259200), ("CRON_TZ=UTC 0 2 * * *", 86400), ("often", None),
     ("0 0 1 * 1", None)],
)  # fmt: skip
def test_the_longest_time_between_two_backups_is_told(expression: str, seconds: int | None) -> None:
    assert interval_seconds(expression) == seconds


@pytest.mark.parametrize(("spelt", "seconds"), [("720h0m0s", 2592000), ("1h30m", 5400), ("1d", None), ("", None)])
def test_durations_are_those_of_go(spelt: str, seconds: int | None) -> None:
    assert duration_seconds(spelt) == seconds


@pytest.mark.parametrize(
    ("spelt", "expected"),
    [("sha256:" + "a" * 64, True), ("sha256:" + "a" * 63, False), ("sha256:" + "A" * 64, False), ("", False),
     ("sha512:" + "0" * 128, True), ("made-up:abc", True), ("sha256", False)],
)  # fmt: skip
def test_a_digest_is_complete_or_none(spelt: str, expected: bool) -> None:
    assert is_digest(spelt) is expected
