"""Checkov, as a process of its own: what it finds in code that is not ours to judge, and when not to believe it.

It fails open: code that does not parse, input that is cut off and folders that are not there end with exit code 0. And
its JSON repeats sensitive values in clear. So a run is believed only if it accounts for all that it was given, and
nothing of its output is kept but names, lines and results. It runs on a copy of the files, beside no configuration: a
repository's own could turn checks off, and load code.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from scanner.collectors.terraform import hcl
from scanner.errors import InputError, UsageError
from scanner.safe import files
from scanner.safe.text import decode, plain

COMMAND = "TIERWALL_CHECKOV"  # environment variable: the program, where it is in no usual place
VERSION = "3.3.30"  # the one whose output is known; another is not believed
_CONFIGURATION = frozenset({".checkov.yaml", ".checkov.yml", ".checkov.baseline"})
_MOST = 2_000_000_000  # bytes of memory, and of output
_SECONDS, _SECONDS_A_FILE = 60.0, 0.5

State = Literal["fail", "pass", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one resource."""

    id: str  # CKV_AWS_24
    title: str
    framework: str  # terraform, dockerfile, …
    resource: str
    file: str
    line: int
    state: State
    reason: str = ""  # why code says that it is to be skipped


@dataclass(frozen=True, slots=True)
class Lost:
    """What Checkov gave no account of."""

    what: str  # a file or a framework
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """What a run found, and what it did not account for."""

    checks: tuple[Check, ...] = ()
    lost: tuple[Lost, ...] = ()
    files: int = 0
    notices: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = field(default_factory=tuple)


def find() -> Path | None:
    """The program: as the environment says, beside our own Python, in an environment beside ours, on PATH.

    Raises UsageError where the environment names what is not there.
    """
    named = os.environ.get(COMMAND)
    if named:
        if not os.access(named, os.X_OK):
            raise UsageError(f"{COMMAND}: {named} is no program")
        return Path(named)
    ours = Path(sys.prefix)
    for folder in (ours, ours.with_name(f"{ours.name}-checkov")):
        if os.access(folder / "bin" / "checkov", os.X_OK):
            return folder / "bin" / "checkov"
    found = shutil.which("checkov")
    return Path(found) if found else None


def run(program: Path, paths: Sequence[Path]) -> Run:
    """What Checkov finds in files and folders. Raises InputError for a path that cannot be read."""
    with tempfile.TemporaryDirectory(prefix="tierwall-checkov-") as name:  # 0700
        work = Path(name)
        given = dict(_copied(paths, work / "code"))
        frameworks = _frameworks(given)
        if not frameworks:
            return Run()
        notices = ["Helm charts are not judged: helm is not installed"] if _has_charts(given) and not _helm() else []
        answer = _output(program, work, sorted(frameworks), len(given))
        if isinstance(answer, Lost):
            return Run((), (answer,), len(given), tuple(notices), tuple(sorted(frameworks)))
        checks, lost = _believed(answer, given, frameworks)
    return Run(tuple(checks), tuple(lost), len(given), tuple(notices), tuple(sorted(frameworks)))


# --- What is given to it ---


def _copied(paths: Sequence[Path], to: Path) -> Iterator[tuple[str, Path]]:
    """Copies the files; name in the copy → original. Links, and Checkov's own configuration, stay behind."""
    for number, path in enumerate(paths):
        root = path if path.is_dir() else path.parent
        for file in files.walk(path, ("",)) if path.is_dir() else [path]:
            if file.name in _CONFIGURATION or file.is_symlink() or not file.is_file():
                continue
            inner = f"{number}/{file.relative_to(root).as_posix()}"
            target = to / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files.read_bytes(file, root if path.is_dir() else None, 50_000_000))
            yield inner, file


def _frameworks(given: Mapping[str, Path]) -> dict[str, set[str]]:
    """Framework → files it is expected to account for, by what files are called."""
    found: dict[str, set[str]] = {}
    for inner, file in given.items():
        for framework in _frameworks_of(PurePosixPath(inner), file):
            found.setdefault(framework, set()).add(inner)
    if "helm" in found and not _helm():
        del found["helm"]
    return found


def _frameworks_of(inner: PurePosixPath, file: Path) -> Iterator[str]:
    name = inner.name
    if inner.suffix in hcl.SUFFIXES:
        yield "terraform"
    elif name == "Dockerfile" or name.startswith("Dockerfile.") or inner.suffix == ".dockerfile":
        yield "dockerfile"
    elif inner.suffix == ".bicep":
        yield "bicep"
    elif name == "Chart.yaml":
        yield "helm"
    elif inner.parent.name == "workflows" and inner.parent.parent.name == ".github" and inner.suffix in _YAML:
        yield "github_actions"
    elif name in (".gitlab-ci.yml", ".gitlab-ci.yaml"):
        yield "gitlab_ci"
    elif inner.suffix in (*_YAML, ".json"):
        text = file.read_bytes()
        if b"AWSTemplateFormatVersion" in text or b'"AWS::' in text or b" AWS::" in text:
            yield "cloudformation"
        elif b"schema.management.azure.com" in text and b"deploymentTemplate" in text:
            yield "arm"


_YAML = (".yaml", ".yml")


def _has_charts(given: Mapping[str, Path]) -> bool:
    return any(PurePosixPath(inner).name == "Chart.yaml" for inner in given)


def _helm() -> bool:
    return shutil.which("helm") is not None


# --- Running it ---


def _output(program: Path, work: Path, frameworks: Sequence[str], number: int) -> Any | Lost:
    """The JSON it writes, which is never on disk; or why there is none."""
    home = work / "home"
    empty = work / "empty"
    for folder in (home, empty):
        folder.mkdir()
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LOG_LEVEL": "ERROR",
        "CKV_PARSE_ERROR_FAIL": "true",
        "CHECKOV_PARALLELIZATION_TYPE": "none",
        "PYTHONNOUSERSITE": "1",
    }
    command = [
        str(program.absolute()), "-d", str(work / "code"), "--framework", *frameworks, "--skip-download",
        "--download-external-modules", "false", "--compact", "-o", "json",
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        cwd=empty,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        if hasattr(resource, "prlimit"):  # Linux
            resource.prlimit(process.pid, resource.RLIMIT_AS, (_MOST, _MOST))
        out, _ = process.communicate(timeout=_SECONDS + _SECONDS_A_FILE * number)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return Lost("checkov", "it took too long")
    except ProcessLookupError:
        out, _ = process.communicate()
    if process.returncode not in (0, 1):
        return Lost("checkov", f"it ended with exit code {process.returncode}")
    try:
        return json.loads(out)
    except ValueError:
        return Lost("checkov", "what it wrote is no JSON")


# --- What of its answer is believed ---


def _believed(
    answer: Any, given: Mapping[str, Path], expected: Mapping[str, set[str]]
) -> tuple[list[Check], list[Lost]]:
    """Checks, and what of the input it does not account for."""
    reports = [one for one in (answer if isinstance(answer, list) else [answer]) if isinstance(one, dict)]
    by_type = {one["check_type"]: one for one in reports if isinstance(one.get("check_type"), str)}
    checks: list[Check] = []
    lost: list[Lost] = []
    for framework, inputs in sorted(expected.items()):
        report = by_type.get(framework)
        if report is None:
            lost += [Lost(_shown(given, one), f"it says nothing of {framework}") for one in _with_blocks(inputs, given)]
            continue
        summary, results = report.get("summary"), report.get("results")
        if not isinstance(summary, dict) or not isinstance(results, dict):
            lost.append(Lost(framework, "its report has no summary"))
        elif summary.get("checkov_version") != VERSION:
            shown = plain(str(summary.get("checkov_version")))[:20]
            lost.append(Lost(framework, f"it is version {shown}, and {VERSION} is the one whose reports are known"))
        else:
            found = list(_checks(framework, results, given))
            checks += found
            lost += _unaccounted(framework, inputs, summary, results, found, given)
    return checks, lost


def _unaccounted(
    framework: str,
    inputs: set[str],
    summary: Mapping[str, Any],
    results: Mapping[str, Any],
    found: Sequence[Check],
    given: Mapping[str, Path],
) -> Iterator[Lost]:
    broken = results.get("parsing_errors")
    for name in broken if isinstance(broken, list) else []:
        yield Lost(_shown(given, _inner(str(name))), "it cannot read the file")
    if summary.get("parsing_errors") and not broken:
        yield Lost(framework, f"{summary['parsing_errors']} files cannot be read")
    seen = {check.file for check in found} | {_shown(given, _inner(str(name))) for name in broken or ()}
    here = _with_blocks(inputs, given)
    if not any(here.values()):
        return
    counted = summary.get("resource_count")
    if isinstance(counted, int) and counted >= sum(here.values()):
        return  # it has seen them all; of some types it knows no check
    for inner, number in sorted(here.items()):
        if number and _shown(given, inner) not in seen:
            yield Lost(_shown(given, inner), "it does not say that it has seen the file")


def _with_blocks(inputs: set[str], given: Mapping[str, Path]) -> dict[str, int]:
    """How many resources each file holds at least, as we read it."""
    counts: Counter[str] = Counter()
    for inner in inputs:
        if PurePosixPath(inner).suffix in hcl.SUFFIXES:
            try:
                text = decode(given[inner].read_bytes(), inner)
                counts[inner] = sum(1 for _ in hcl.blocks(text, inner))
            except InputError:
                counts[inner] = 1  # broken: it has to say so
        else:
            counts[inner] = 1
    return {inner: number for inner, number in counts.items() if number}


def _checks(framework: str, results: Mapping[str, Any], given: Mapping[str, Path]) -> Iterator[Check]:
    """Names, lines and results alone: entities and code blocks repeat what is sensitive."""
    for key, state in _STATES.items():
        listed = results.get(key)
        for one in listed if isinstance(listed, list) else []:
            if not isinstance(one, dict) or not isinstance(one.get("check_id"), str):
                continue
            lines = one.get("file_line_range")
            line = lines[0] if isinstance(lines, list) and lines and isinstance(lines[0], int) else 0
            outcome = one.get("check_result")
            reason = outcome.get("suppress_comment") if isinstance(outcome, dict) else None
            yield Check(
                id=plain(one["check_id"]),
                title=plain(str(one.get("check_name") or one["check_id"])),
                framework=framework,
                resource=plain(str(one.get("resource") or "")),
                file=_shown(given, _inner(str(one.get("repo_file_path") or one.get("file_path") or ""))),
                line=max(0, line),
                state=state,
                reason=plain(str(reason)) if state == "skipped" and reason else "",
            )


_STATES: Mapping[str, State] = {"failed_checks": "fail", "passed_checks": "pass", "skipped_checks": "skipped"}


def _inner(name: str) -> str:
    """The name in the copy, of a path as Checkov writes it: absolute, or from the copy's root."""
    return name.rpartition("/code/")[2] if "/code/" in name else name.lstrip("/")


def _shown(given: Mapping[str, Path], inner: str) -> str:
    """The file as it was given."""
    return hcl.shown(given[inner]) if inner in given else plain(inner)
