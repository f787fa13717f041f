"""The commands that read a stored snapshot, on the configuration layers alone: no server is needed."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
from pathlib import Path

import pytest

from scanner.bundled import bundled
from scanner.cli import common, main


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tierwall.yaml, its layers, and one snapshot of them."""
    folder = tmp_path_factory.mktemp("acme")
    shutil.copytree(bundled("fixtures", "acme", "config"), folder / "config")
    shutil.copyfile(bundled("fixtures", "acme", "tierwall.yaml"), folder / "tierwall.yaml")
    (folder / "hash.key").write_text("00" * 32, encoding="utf-8")
    (folder / "hash.key").chmod(0o600)
    assert main(command(folder, "scan", "-q", "--source", "config", "-o", f"json:{folder / 'findings.json'}")) == 0
    return folder


def command(folder: Path, name: str, *rest: str) -> list[str]:
    options = {"scan": ["--hash-key", str(folder / "hash.key")]}.get(name, [])
    config = [] if name in ("verify", "query", "history", "drift") else ["-c", str(folder / "tierwall.yaml")]
    return [name, "--db", str(folder / "tierwall.db"), *config, *options, *rest]


def shared_secret(folder: Path) -> dict[str, object]:
    findings = json.loads((folder / "findings.json").read_text(encoding="utf-8"))["findings"]
    return next(f for f in findings if f["resource"]["uid"] == "cfg:staging/database.password")


def test_explain_leads_from_a_finding_to_its_file_and_hash(scanned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finding = shared_secret(scanned)
    assert main(command(scanned, "explain", str(finding["id"])[:12], "-o", "json")) == 0
    told = json.loads(capsys.readouterr().out)

    assert (told["finding"], told["status"], told["resource"]) == (
        finding["id"], "fail", "cfg:staging/database.password",
    )  # fmt: skip
    assert told["document"]["file"].endswith("config/staging.yml")
    assert "PLANTED" not in json.dumps(told)


def test_explain_of_no_finding_is_one_line(scanned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(scanned, "explain", "0" * 12)) == 2
    assert capsys.readouterr().err == "tierwall: explain 000000000000: snapshot 1 has no such finding\n"


def test_history_tells_when_a_finding_began(scanned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finding = shared_secret(scanned)
    assert main(command(scanned, "history", str(finding["id"])[:12])) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert f"snapshot 1  fail  {finding['rule']}  cfg:staging/database.password" in line


def test_a_query_reads_and_never_writes(scanned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(scanned, "query", "SELECT count(*) AS n FROM config_environment")) == 0
    assert json.loads(capsys.readouterr().out) == {"n": 4}
    assert main(command(scanned, "query", "DELETE FROM config_value")) == 2
    assert "is not allowed" in capsys.readouterr().err


def test_verify_says_what_it_checked(scanned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(scanned, "verify")) == 0
    assert "intact: 1 snapshots" in capsys.readouterr().out


def test_drift_needs_two_snapshots(scanned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(scanned, "drift")) == 2
    assert "there is no snapshot before the first" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["evaluate", "verify", "drift", "report", "history"])
def test_a_missing_database_is_one_line_and_makes_no_file(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = ["cfg:x"] if name == "history" else []
    assert main([name, "--db", str(tmp_path / "none.db"), *rest]) == 2
    assert "there is none; run `tierwall scan` first" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "code", "found"),
    [([], 1, {"live", "test"}), (["live"], 1, {"live"}), (["test"], 3, {"test"}), (["spare"], 0, set())],
)
def test_the_exit_code_is_that_of_the_environments_asked_for(
    environment: list[str], code: int, found: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipeline of one environment does not fail for another's faults."""
    (tmp_path / "config").mkdir()
    lines = ["sources: {config: {paths: [config]}}", "environments:"]
    for name, text in (("live", "debug: true"), ("test", "debug: ${DEBUG}"), ("spare", "debug: false")):
        (tmp_path / "config" / f"{name}.yml").write_text(text)
        lines.append(f"  {name}: {{tier: production, match: [{{config: {{layers: [config/{name}.yml]}}}}]}}")
    (tmp_path / "tierwall.yaml").write_text("\n".join(lines))
    (tmp_path / "hash.key").write_text("00" * 32)
    (tmp_path / "hash.key").chmod(0o600)
    chosen = [word for name in environment for word in ("--environment", name)]
    given = command(tmp_path, "scan", "-q", "--rule", "config-debug-off", "--fail-on", "low", "-o", "json", *chosen)

    assert main(given) == code
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {finding["resource"]["environment"] for finding in findings} == found


def test_what_libraries_log_has_no_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "hash.key"
    key.write_text("00" * 32, encoding="utf-8")
    key.chmod(0o600)
    assert logging.lastResort
    before = list(logging.lastResort.filters)
    try:
        common.redactor(argparse.Namespace(hash_key=key))
        url = "https://u:Tr0ub4dor-Zx9@h/"
        record = logging.LogRecord("urllib3", logging.WARNING, "", 0, "retrying %s", (url,), None)
        logging.lastResort.handle(record)
    finally:
        for added in [f for f in logging.lastResort.filters if f not in before]:
            logging.lastResort.removeFilter(added)

    told = capsys.readouterr().err
    assert "Tr0ub4dor" not in told
    assert "retrying https://u:hm1:" in told
