"""Commands that look back: drift, report, evaluate and explain at a date, and pruning what is old."""

from __future__ import annotations

import json
import re
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scanner.bundled import bundled
from scanner.cli import main

DAYS = ("2026-11-01", "2026-11-08", "2026-11-15")  # a scan at noon of each
SHARED = "PLANTED-shared-database-password"


def command(folder: Path, name: str, *rest: str) -> list[str]:
    config = [] if name in ("verify", "prune", "query") else ["-c", str(folder / "tierwall.yaml")]
    key = ["--hash-key", str(folder / "hash.key")] if name in ("scan", "collect") else []
    return [name, "--db", str(folder / "tierwall.db"), *config, *key, *rest]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three snapshots a week apart: in the second production's password is a reference, the third was not judged."""
    folder = tmp_path_factory.mktemp("acme")
    shutil.copytree(bundled("fixtures", "acme", "config"), folder / "config")
    shutil.copyfile(bundled("fixtures", "acme", "tierwall.yaml"), folder / "tierwall.yaml")
    (folder / "hash.key").write_text("00" * 32, encoding="utf-8")
    (folder / "hash.key").chmod(0o600)
    layer = folder / "config" / "production.yml"
    planted = layer.read_text(encoding="utf-8")
    assert SHARED in planted
    for day, text, name in zip(
        DAYS, (planted, planted.replace(SHARED, "${SECRET}"), planted), ("scan", "scan", "collect"), strict=True
    ):
        layer.write_text(text, encoding="utf-8")
        noon = datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time", lambda noon=noon: noon)
            assert main(command(folder, name, "-q", "--source", "config")) == 0
    return folder


@pytest.fixture
def copy(three: Path, tmp_path: Path) -> Path:
    return shutil.copytree(three, tmp_path / "acme")


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def drift(folder: Path, capsys: pytest.CaptureFixture[str], *rest: str) -> tuple[tuple[int, int], set[tuple[str, str]]]:
    """Which two snapshots were compared, and the findings that changed: how, and of what."""
    told = json.loads(output(capsys, *command(folder, "drift", "-o", "json", *rest)))
    return (told["before"]["id"], told["after"]["id"]), {(f["change"], f["uid"]) for f in told["findings"]}


def test_drift_takes_a_date_for_a_snapshot(three: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert drift(three, capsys)[0] == (2, 3)
    assert drift(three, capsys, "2026-11-01", "2026-11-14")[0] == (1, 2)
    assert drift(three, capsys, "1", "2026-11-15T12:00:00Z")[0] == (1, 3)
    assert drift(three, capsys, "--at", "2026-11-08")[0] == (1, 2)


def test_a_finding_that_was_resolved_is_told(three: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, findings = drift(three, capsys, "1", "2")
    assert ("resolved", "cfg:production/database.password") in findings


def test_a_snapshot_that_was_not_judged_has_not_resolved_its_findings(
    three: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a judgement nothing is known of the findings: they have not gone away."""
    assert drift(three, capsys, "1", "3")[1] == set()
    assert "? snapshot 3 was not judged, so findings are not compared" in output(
        capsys, *command(three, "drift", "1", "3")
    )


def test_as_of_judges_both_anew(three: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, findings = drift(three, capsys, "2", "3", "--as-of", "2026-11-20")
    assert ("new", "cfg:production/database.password") in findings
    assert drift(three, capsys, "1", "3", "--as-of", "2026-11-20")[1] == set()


def test_evaluate_and_report_and_explain_look_at_the_snapshot_of_a_date(
    three: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = json.loads(
        output(capsys, *command(three, "evaluate", "--at", "2026-11-10", "--as-of", "2026-11-20", "-o", "json"))
    )
    assert (judged["snapshot"]["id"], judged["as_of"][:10]) == ("2", "2026-11-20")
    output(capsys, *command(three, "report", "--at", "2026-11-02", "--format", "html", "--out", str(tmp_path)))
    assert "2026-11-01" in (tmp_path / "tierwall-report.html").read_text(encoding="utf-8")
    found = json.loads(output(capsys, *command(three, "evaluate", "--at", "2026-11-02", "-o", "json")))["findings"]
    first = next(f["id"] for f in found if f["resource"]["uid"] == "cfg:production/database.password")
    assert first[:12] in output(capsys, *command(three, "explain", first[:12], "--at", "2026-11-02"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["drift", "--at", "2026-10-31"],
            "holds no snapshot that had finished by 2026-10-31 23:59 UTC; the first is of",
        ),
        (["evaluate", "--at", "yesterday"], "--at yesterday: is not a time; write 2026-11-25"),
        (["drift", "2026-13-01"], "FROM 2026-13-01: is not a time"),
        (["drift", "1", "2", "--at", "2026-11-02"], "name TO or --at, not both"),
        (["drift", "--at", "2026-11-02"], "there is no snapshot before the first"),
        (["prune"], "say what to keep: --keep N, --older-than TIME, or both"),
        (["prune", "--keep", "0"], "--keep 0: keep 1 or more"),
        (["prune", "--older-than", "long"], "--older-than long: is no length of time; write 90d or 12w"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(
    three: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(command(three, *arguments)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_pruning_only_says_what_it_would_do_until_it_is_told_to(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = output(capsys, *command(copy, "verify"))
    said = output(capsys, *command(copy, "prune", "--keep", "1"))

    assert [line[:34] for line in said.splitlines()[:-1]] == [
        "snapshot 1  2026-11-01 12:00 UTC  ", "snapshot 2  2026-11-08 12:00 UTC  ",
    ]  # fmt: skip
    assert re.fullmatch(
        r"2 snapshots, \d+ documents? \(\d+ bytes\) would be pruned; --yes does it", said.splitlines()[-1]
    )
    assert output(capsys, *command(copy, "verify")) == before


def test_after_pruning_the_rest_verifies_and_what_went_is_said(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert " pruned; the record's digest is " in output(
        capsys, *command(copy, "prune", "--older-than", "1d", "--keep", "2", "--yes")
    )

    assert "intact: 3 snapshots, the first 1 of them without contents (pruned)," in output(
        capsys, *command(copy, "verify")
    )
    assert output(capsys, *command(copy, "prune", "--keep", "2")) == "nothing to prune\n"
    (run,) = [
        json.loads(line)
        for line in output(capsys, *command(copy, "query", "SELECT operation, snapshot FROM tierwall_run")).splitlines()
        if "prune" in line
    ]
    assert run == {"operation": "prune", "snapshot": "1"}
    for asked in (
        ["drift", "1"],
        ["drift", "--at", "2026-11-08"],
        ["report", "--snapshot", "1"],
        ["evaluate", "--at", "2026-11-01"],
    ):
        assert main(command(copy, *asked)) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "snapshot 1 was pruned on " in line
        assert line.endswith("its digest is kept, its contents are gone; there are 2 to 3")
    assert drift(copy, capsys, "2", "3")[0] == (2, 3)


def test_a_finding_keeps_its_first_day_when_that_snapshot_is_pruned(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def first_seen() -> dict[str, str]:
        found = json.loads(output(capsys, *command(copy, "evaluate", "--snapshot", "3", "-o", "json")))["findings"]
        return {f["id"]: f["first_seen"] for f in found}

    before = first_seen()
    output(capsys, *command(copy, "prune", "--keep", "1", "--yes"))
    assert first_seen() == before
    assert datetime(2026, 11, 1, 12, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ") in before.values()
