"""Where outputs go: files replaced in one step, at most one on standard output."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from scanner import outputs
from scanner.errors import UsageError
from scanner.results import Result
from tests.support.results import result


@pytest.fixture(scope="module")
def view() -> Result:
    return result(1)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_shipped_formats_are_found_by_their_modules() -> None:
    assert outputs.OUTPUTS == ("csv", "github", "gitlab", "json", "junit", "markdown", "sarif", "table")
    assert all(outputs.describe(name).endswith(".") for name in outputs.OUTPUTS)


def test_a_format_with_a_path_goes_to_the_file(view: Result, tmp_path: Path) -> None:
    stdout = io.StringIO()

    outputs.write(view, f"json:{tmp_path / 'out.json'}", stdout)

    assert json.loads((tmp_path / "out.json").read_text())["schema"] == "tierwall/findings/1"
    assert stdout.getvalue() == ""
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_a_format_without_a_path_goes_to_standard_output(view: Result) -> None:
    stdout = io.StringIO()

    outputs.write_all(view, ["json"], stdout)

    assert json.loads(stdout.getvalue())["findings"]


def test_two_outputs_on_standard_output_are_refused_before_anything_is_written(view: Result, tmp_path: Path) -> None:
    stdout = io.StringIO()

    with pytest.raises(UsageError, match="table and json would both be written to standard output"):
        outputs.write_all(view, [f"csv:{tmp_path / 'out.csv'}", "table", "json:-"], stdout)

    assert stdout.getvalue() == ""
    assert list(tmp_path.iterdir()) == []


def test_two_outputs_to_one_file_are_refused(view: Result, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two outputs would be written to"):
        outputs.write_all(view, [f"csv:{tmp_path / 'out'}", f"json:{tmp_path / 'out'}"])


def test_an_unknown_format_is_refused_with_those_there_are(view: Result) -> None:
    with pytest.raises(
        UsageError,
        match="there is no output 'xml'; choose one of csv, github, gitlab, json, junit, markdown, sarif, table",
    ):
        outputs.write(view, "xml:out")


def test_colour_is_for_terminals_that_want_it(view: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, quiet, plain = Terminal(), Terminal(), io.StringIO()
    outputs.write(view, "table", coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    outputs.write(view, "table", quiet)
    outputs.write(view, "table", plain)

    assert ["\x1b[" in stream.getvalue() for stream in (coloured, quiet, plain)] == [True, False, False]


SCRIPT = """
import hashlib
from scanner import outputs
from tests.support.results import result
view = result(2)
for name in outputs.OUTPUTS:
    for passed in (False, True):
        text = outputs.render(name, view, include_passed=passed, width=120)
        print(name, hashlib.sha256(text.encode()).hexdigest())
"""


def test_equal_results_are_written_byte_for_byte_alike_by_every_process() -> None:
    runs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland"))
    }  # fmt: skip

    assert len(runs) == 1
    assert runs.pop().count("\n") == 2 * len(outputs.OUTPUTS)


def test_results_and_outputs_are_imported_without_heavy_libraries() -> None:
    script = "import sys, scanner.results, scanner.outputs; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert {"pydantic", "rich", "jinja2", "weasyprint", "boto3", "kubernetes"} & set(modules) == set()
