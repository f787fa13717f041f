"""`--strict-skips`: what is not run is either on the list or an error."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.strict_skips import Allowed, read_allowed

TESTS = Path(__file__).resolve().parent.parent

MODULE = """
import pytest

def test_that_runs() -> None:
    pass

@pytest.mark.parametrize("place", ["a", "b"])
def test_that_is_skipped(place: str) -> None:
    pytest.skip("the weather is bad")

@pytest.mark.xfail(strict=True)
def test_that_is_known_to_fail() -> None:
    raise ValueError
"""


def run(folder: Path, allowed: str, *options: str, module: str = MODULE) -> subprocess.CompletedProcess[str]:
    """A project of its own with one test module, this project's conftest and the list ``allowed``."""
    tests = folder / "tests"
    tests.mkdir()
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\npythonpath = ['.']\n")
    for name in ("conftest.py", "strict_skips.py"):
        (tests / name).write_text((TESTS / name).read_text())
    (tests / "allowed-skips.txt").write_text(allowed)
    (tests / "test_sample.py").write_text(module)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "tests"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_skip_passes_without_the_option(tmp_path: Path) -> None:
    assert run(tmp_path, "").returncode == 0


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_skip_that_is_not_listed_fails_the_run_and_is_named(tmp_path: Path, workers: str) -> None:
    allowed = "*[a] | the weather is * | nobody can change it\n"

    ran = run(tmp_path, allowed, "--strict-skips", "-n", workers)

    assert ran.returncode == 1
    assert "test_sample.py::test_that_is_skipped[b]: the weather is bad" in ran.stdout
    assert "test_that_is_skipped[a]: the weather" not in ran.stdout


def test_listed_skips_pass(tmp_path: Path) -> None:
    allowed = "# why\n\n*::test_that_is_skipped* | the weather is bad | nobody can change it\n"

    assert run(tmp_path, allowed, "--strict-skips").returncode == 0


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_module_that_skips_itself_fails_the_run_too(tmp_path: Path, workers: str) -> None:
    module = "import pytest\npytest.importorskip('no_such_module')\ndef test_nothing() -> None: ...\n"

    ran = run(tmp_path, "", "--strict-skips", "-n", workers, module=module)

    assert ran.returncode == 1
    assert "test_sample.py: could not import 'no_such_module'" in ran.stdout


def test_a_line_without_its_three_parts_is_refused(tmp_path: Path) -> None:
    ran = run(tmp_path, "test_that_is_skipped\n", "--strict-skips")

    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "allowed-skips.txt:1: write: node id | reason given | why that is right" in ran.stderr


def test_the_shipped_list_lets_only_absent_corpora_be_skipped() -> None:
    listed = [(line.node, line.reason) for line in read_allowed(TESTS / "allowed-skips.txt")]

    assert listed == [("*", "the conformance corpora are absent")]


def test_brackets_of_a_parametrized_test_are_taken_literally() -> None:
    line = Allowed("test_x[a-*]", "*", "why")

    assert [line.covers(node, "") for node in ("test_x[a-1]", "test_xa", "test_x[b-1]")] == [True, False, False]
