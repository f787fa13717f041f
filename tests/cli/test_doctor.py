"""tierwall doctor: a line for each thing that is missing, denied or skewed, and the number that says how bad it is."""

from __future__ import annotations

import email.utils
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.servers.kubernetes_api import KubernetesApi
from scanner.cli import doctor, main
from scanner.collectors.checks import Check, clock
from scanner.store import Store
from tests.support import aws, kubernetes
from tests.support.estates import database, publish

CONFIG = """
sources:
  kubernetes: {clusters: {prod: {kubeconfig: kubeconfig}}}
environments:
  production: {tier: production, match: [{kubernetes: {cluster: prod}}]}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without anything, in an environment that leads nowhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "KUBECONFIG", "TIERWALL_HASH_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


@pytest.fixture
def cluster(here: Path) -> Iterator[KubernetesApi]:
    (here / "tierwall.yaml").write_text(CONFIG, encoding="utf-8")
    with kubernetes.server() as api:
        api.write_kubeconfig(here / "kubeconfig")
        yield api


def checks(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """The exit code and the lines."""
    code = main(["doctor", *arguments])
    return code, capsys.readouterr().out.splitlines()


def of(what: str, lines: list[str]) -> list[tuple[str, str]]:
    """State and text of the lines about one thing."""
    split = [(line[:9].strip(), line[9:]) for line in lines]
    return [(state, text.removeprefix(f"{what}: ")) for state, text in split if text.startswith(f"{what}: ")]


def test_a_readable_cluster_is_well_and_nothing_is_made(
    cluster: KubernetesApi, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(here.iterdir())
    code, lines = checks(capsys)

    assert code == 0
    assert [state for state, _ in of("kubernetes prod", lines)] == ["ok", "ok", "ok"]
    assert of("kubernetes prod", lines)[1:] == [
        ("ok", "Kubernetes v1.34.1, read as user test of context test".replace("test", _context(here))),
        ("ok", "every list is allowed"),
    ]
    assert of("tierwall.yaml", lines) == [("ok", "1 environments")]
    assert of("key for hashes", lines)[0][1].startswith("there is none yet: the first scan makes ")
    assert of("database tierwall.db", lines)[1] == ("ok", "there is none yet: the first scan makes it")
    assert sorted(here.iterdir()) == before


def _context(folder: Path) -> str:
    import yaml

    found = yaml.safe_load((folder / "kubeconfig").read_text(encoding="utf-8"))
    return str(found["current-context"])


def test_a_list_that_is_denied_is_named(cluster: KubernetesApi, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.fault(403, resource="pods")
    cluster.fault(403, resource="ingresses")
    code, lines = checks(capsys)

    assert code == 3
    assert of("kubernetes prod", lines)[-1] == (
        "unknown",
        "not allowed: pods/list, ingresses.networking.k8s.io/list; grant what `tierwall permissions kubernetes` prints",
    )


def test_a_cluster_that_nobody_answers_for_is_unknown(
    cluster: KubernetesApi, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = here / "kubeconfig"
    nowhere = re.sub(r"https://127.0.0.1:[0-9]+", "https://127.0.0.1:9", path.read_text(encoding="utf-8"))
    path.write_text(nowhere, encoding="utf-8")
    code, lines = checks(capsys)

    ((state, told),) = of("kubernetes prod", lines)
    assert (code, state) == (3, "unknown")
    assert "cannot be read: Unreachable" in told


@pytest.mark.parametrize(
    ("change", "what", "told"),
    [
        ("  prod: {tier: productoin}\n", "tierwall.yaml:6", "productoin"),
        ("governance: {waivers: nowhere.yaml}\n", "tierwall.yaml", "names nowhere.yaml, which is not there"),
    ],
    ids=["misspelt", "missing file"],
)
def test_a_wrong_configuration_is_2_with_every_problem(
    cluster: KubernetesApi, here: Path, capsys: pytest.CaptureFixture[str], change: str, what: str, told: str
) -> None:
    (here / "tierwall.yaml").write_text(CONFIG + change, encoding="utf-8")
    code, lines = checks(capsys)
    assert (code, [line for line in lines if line.startswith(f"wrong    {what}") and told in line] != []) == (2, True)


def test_a_kubeconfig_that_is_not_there_is_2(
    cluster: KubernetesApi, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "kubeconfig").unlink()
    code, lines = checks(capsys)
    ((state, told),) = of("kubernetes prod", lines)
    assert (code, state) == (2, "wrong")
    assert "does not exist" in told


def test_nothing_to_scan_is_2(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = checks(capsys)
    assert (code, of("sources", lines)) == (
        2, [("wrong", "there is nothing to scan; declare some under `sources` in tierwall.yaml")],
    )  # fmt: skip


def test_a_key_that_others_may_read_is_2(
    here: Path, cluster: KubernetesApi, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "hash.key").write_text("00" * 32, encoding="utf-8")
    (here / "hash.key").chmod(0o644)
    code, lines = checks(capsys, "--hash-key", "hash.key")
    ((state, told),) = of("key for hashes", lines)
    assert (code, state) == (2, "wrong")
    assert "may be read by others" in told
    assert "00000000" not in "".join(lines)


def test_a_sound_database_is_told_with_its_age(
    here: Path, cluster: KubernetesApi, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store.open(here / "tierwall.db") as store:
        publish(store, database("a"), at=time.time() - 3 * 86400)
    code, lines = checks(capsys)
    assert code == 0
    assert ("ok", "schema 3, 1 snapshot, the last 3 days old; sound at a glance") in of("database tierwall.db", lines)


def tampered(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE snapshot SET tool = 'other'")
    connection.close()


def newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def overwritten(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to have a header" * 100)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (tampered, "snapshot 1 is not what was stored; `tierwall verify` tells what else is"),
        (newer, "has schema version 99, newer than this Tierwall's 3; update Tierwall"),
        (overwritten, "is not an SQLite database; name another file with --db"),
    ],
)
def test_a_database_that_cannot_be_relied_on_is_4(
    here: Path, cluster: KubernetesApi, capsys: pytest.CaptureFixture[str], damage: Any, told: str
) -> None:
    with Store.open(here / "tierwall.db") as store:
        publish(store, database("a"))
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for name in ("-wal", "-shm"):
        (here / f"tierwall.db{name}").unlink(missing_ok=True)
    damage(here / "tierwall.db")
    code, lines = checks(capsys)
    assert (code, of("database tierwall.db", lines)[-1]) == (4, ("wrong", told))


def test_the_clock_is_compared_with_what_the_server_says() -> None:
    date = email.utils.formatdate(1_000_000, usegmt=True)
    todo = "set it by NTP: requests are refused from about 300 s on"
    assert clock("aws", date, 1_000_003) == Check("ok", "aws", "the clock agrees within 3 s")
    assert clock("aws", date, 1_000_100) == Check("note", "aws", "the clock is 100 s ahead", todo)
    assert clock("aws", date, 999_700) == Check("unknown", "aws", "the clock is 300 s behind", todo)
    assert clock("aws", "yesterday") is None


# --- AWS --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def account(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    aws.environment(monkeypatch, aws.reset())
    (here / "tierwall.yaml").write_text(
        f"sources: {{aws: {{accounts: {{main: {{id: '{aws.MAIN}'}}}}, regions: [{aws.REGION}]}}}}\n", encoding="utf-8"
    )
    return here


def test_an_account_is_told_with_the_identity_that_reads_it(account: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = checks(capsys)
    assert (code, of("aws main", lines)[1:]) == (
        0,
        [
            ("ok", f"is read as arn:aws:sts::{aws.MAIN}:user/moto"),
            ("ok", f"regions {aws.REGION}"),
            ("ok", "every listing is allowed; details show when they are read"),
        ],
    )


def test_what_an_account_denies_is_named(account: Path, capsys: pytest.CaptureFixture[str]) -> None:
    denied = {("s3", "ListBuckets"), ("rds", "DescribeDBInstances")}
    with aws.intercepting(lambda service, name, _: (403, "AccessDenied") if (service, name) in denied else None):
        code, lines = checks(capsys)
    assert (code, of("aws main", lines)[-1]) == (
        3,
        (
            "unknown",
            "not allowed: rds:DescribeDBInstances, s3:ListAllMyBuckets; grant what `tierwall permissions aws` prints",
        ),
    )


def test_an_account_that_cannot_be_entered_is_unknown(account: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (account / "tierwall.yaml").read_text(encoding="utf-8")
    (account / "tierwall.yaml").write_text(text.replace("id: ", "role: Reader, id: "), encoding="utf-8")
    with aws.intercepting(lambda _, name, __: (403, "AccessDenied") if name == "AssumeRole" else None):
        code, lines = checks(capsys)
    state, told = of("aws main", lines)[-1]
    assert (code, state) == (3, "unknown")
    assert "cannot be entered: AccessDenied" in told
    assert told.endswith("let the caller assume the role Reader")


def test_another_account_than_declared_is_told(account: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (account / "tierwall.yaml").read_text(encoding="utf-8")
    (account / "tierwall.yaml").write_text(text.replace(aws.MAIN, aws.OTHER), encoding="utf-8")
    code, lines = checks(capsys)
    assert (code, of("aws main", lines)[-1]) == (
        3,
        (
            "unknown",
            f"cannot be entered: OtherAccount: the credentials are of account {aws.MAIN}, declared is {aws.OTHER}; "
            "see that the credentials are of this account",
        ),
    )


def test_what_only_some_commands_use_is_a_note(
    here: Path, cluster: KubernetesApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor.ctypes.util, "find_library", lambda name: None if name == "pango-1.0" else name)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    code, lines = checks(capsys)
    assert code == 0
    assert of("PDF report", lines) == [
        ("note", "cannot be drawn for want of pango-1.0; on Debian or Ubuntu: apt install libpango-1.0-0 "
         "libpangoft2-1.0-0 libharfbuzz-subset0"),
    ]  # fmt: skip
    assert of("checkov", lines) == [("note", "is not installed; `gate --with checkov` needs it")]
