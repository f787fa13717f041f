"""requirements.lock says what is installed, never where it comes from."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def names(requirements: list[str]) -> set[str]:
    """The normalized names of distributions, without versions, extras and the project itself."""
    found = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", text)[0]).lower() for text in requirements}
    return found - {"tierwall"}


def entries() -> list[str]:
    """One text a requirement, its continuation lines joined, without comments."""
    lines = [line for line in TEXT.splitlines() if not line.lstrip().startswith("#")]
    return [entry for entry in "\n".join(lines).replace("\\\n", " ").splitlines() if entry.strip()]


def test_the_lock_names_no_place() -> None:
    """A mirror or a folder of one machine would otherwise become everybody's."""
    lines = TEXT.splitlines()

    assert [line for line in lines if re.search(r"://|file:|@ |\.whl|\.tar|/", line)] == []
    assert [line for line in lines if line.startswith("-")] == []


def test_every_requirement_has_one_exact_version_and_its_hashes() -> None:
    shape = re.compile(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!+]+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+")

    assert entries()
    assert [entry for entry in entries() if not shape.fullmatch(entry.strip())] == []


def test_the_lock_holds_all_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = names(project["build-system"]["requires"] + project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        asked |= names(extra)

    assert asked - names(entries()) == set()


def test_other_scanners_run_as_programs_and_are_never_installed() -> None:
    assert {"checkov", "prowler"} & names(entries()) == set()
