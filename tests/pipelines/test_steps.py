"""What pipelines are told to run is run, step by step, by the wheel that they would install."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scanner.safe.yaml import Dialect, load
from tests.gate.test_gate import CLEAN, FAILS
from tests.support.gate import written

pytestmark = pytest.mark.slow  # a wheel is built

ROOT = Path(__file__).resolve().parents[2]
INPUT = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH with the command of the built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", *build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    (folder / "bin").mkdir()
    command = folder / "bin" / "tierwall"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={folder / "installed"} exec {sys.executable} -P -m scanner "$@"\n')
    command.chmod(0o755)
    return folder / "bin"


def read(name: str) -> Any:
    (document,) = load((ROOT / name).read_bytes(), name, Dialect.CORE)
    return document.value


def run(script: str, programs: Path, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A script as a pipeline's shell runs it."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder), **environment},
    )


def action(programs: Path, folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """The steps of the GitHub action but the installation, with these inputs."""
    declared = read("action.yml")
    inputs = {name: one["default"] for name, one in declared["inputs"].items()} | {
        name.replace("_", "-"): value for name, value in given.items()
    }
    (step,) = [one for one in declared["runs"]["steps"] if one["name"] != "Install"]
    assert "${{" not in step["run"], "an input in the text of a script could be code"
    environment = {name: INPUT.sub(lambda m: inputs[m[1]], value) for name, value in step["env"].items()}
    runner = {"GITHUB_ACTION_PATH": str(ROOT), "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    return run(step["run"], programs, folder, environment | runner)


@pytest.mark.parametrize(("plan", "code"), [(CLEAN, 0), (FAILS, 1)])
def test_the_github_action_annotates_and_writes_sarif_and_summary(
    plan: Any, code: int, programs: Path, tmp_path: Path
) -> None:
    written(plan, tmp_path)

    done = action(programs, tmp_path, paths="plan.json", environment="production", account="111111111111")

    assert done.returncode == code, done.stderr
    assert ("::error" in done.stdout) == (code == 1)
    assert json.loads((tmp_path / "tierwall.sarif").read_text())["version"] == "2.1.0"
    assert (tmp_path / "summary.md").read_text() == (tmp_path / "tierwall.md").read_text()


def test_an_input_of_the_action_is_data(programs: Path, tmp_path: Path) -> None:
    written(CLEAN, tmp_path)

    done = action(programs, tmp_path, paths='plan.json\n"; touch owned #\n--help', environment="production")

    assert done.returncode == 2
    assert not (tmp_path / "owned").exists()
    assert "usage:" not in done.stdout


def test_the_action_compares_with_what_was_there(programs: Path, tmp_path: Path) -> None:
    written(FAILS, tmp_path)
    given = {"paths": "plan.json", "environment": "production", "account": "111111111111"}
    assert run("tierwall gate plan.json --environment production --account 111111111111 -o json:base.json", programs,
               tmp_path, {}).returncode == 1  # fmt: skip

    assert action(programs, tmp_path, new_since="base.json", **given).returncode == 0


def test_every_input_of_the_action_reaches_the_gate() -> None:
    declared = read("action.yml")
    used = set(INPUT.findall(json.dumps(declared["runs"])))

    assert set(declared["inputs"]) == used
    (step,) = [one for one in declared["runs"]["steps"] if one["name"] == "Gate"]
    script = (ROOT / "ci" / "gate.sh").read_text()
    assert [name for name in step["env"] if name not in script] == []


@pytest.mark.parametrize(("plan", "code"), [(CLEAN, 0), (FAILS, 1)])
def test_the_gitlab_job_writes_the_reports_that_it_names(plan: Any, code: int, programs: Path, tmp_path: Path) -> None:
    written(plan, tmp_path)
    job = read("ci/gitlab.yml")["tierwall"]

    done = run("\n".join(job["script"]), programs, tmp_path, job["variables"])

    assert done.returncode == code, done.stderr
    named = [*job["artifacts"]["reports"].values(), *job["artifacts"]["paths"]]
    assert [name for name in named if not (tmp_path / name).is_file()] == []
    assert bool(json.loads((tmp_path / "gl-code-quality-report.json").read_text())) == (code == 1)


@pytest.mark.parametrize(("plan", "code"), [(CLEAN, 0), (FAILS, 1)])
def test_the_jenkins_stage_writes_what_its_post_steps_read(
    plan: Any, code: int, programs: Path, tmp_path: Path
) -> None:
    written(plan, tmp_path)
    text = (ROOT / "ci" / "Jenkinsfile").read_text()
    _, gate = re.findall(r"^\s*sh '(.*)'$", text, re.MULTILINE)

    done = run(gate, programs, tmp_path, {})

    assert done.returncode == code, done.stderr
    assert all((tmp_path / name).is_file() for name in re.findall(r"'(tierwall\.\w+)'", text))


def test_the_pre_commit_hooks_run_what_they_name(programs: Path, tmp_path: Path) -> None:
    hooks = {hook["id"]: hook for hook in read(".pre-commit-hooks.yaml")}
    written(FAILS, tmp_path)
    (tmp_path / "tierwall.yaml").write_text(
        "environments: {production: {tier: production, match: [{terraform: {paths: ['.']}}]}}\n"
    )
    shipped = (ROOT / "rules" / "encryption" / "aws-efs-file-system-encrypted.yaml").read_text()
    own = tmp_path / "rules" / "encryption" / "acme-files-encrypted.yaml"  # a pack may not take a shipped rule's id
    own.parent.mkdir(parents=True)
    own.write_text(shipped.replace("id: aws-efs-file-system-encrypted", "id: acme-files-encrypted"))

    gate = run(hooks["tierwall-gate"]["entry"], programs, tmp_path, {})
    rules = run(hooks["tierwall-rules"]["entry"], programs, tmp_path, {})

    assert (gate.returncode, rules.returncode) == (1, 0), gate.stderr + rules.stderr
    for hook in hooks.values():
        assert hook["pass_filenames"] is False
        assert re.search(hook["files"], {"tierwall-gate": "infra/plan.json"}.get(hook["id"], "rules/access/x.yaml"))


def test_the_container_runs_the_command_as_somebody_without_rights() -> None:
    """It cannot be built here; what can be read of it is."""
    lines = (ROOT / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    said = {line.split()[0]: line for line in lines if line and not line.startswith("#")}

    assert said["USER"] == "USER tierwall"
    assert json.loads(said["ENTRYPOINT"].removeprefix("ENTRYPOINT ")) == ["tierwall"]
    assert all((ROOT / shlex.split(line)[1]).exists() for line in lines if re.match("COPY [^-]", line))
