"""`--new-since`: where the base of a comparison comes from."""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import scanner
from scanner.errors import InputError, UsageError

if TYPE_CHECKING:
    from scanner.results.baseline import Baseline
    from scanner.results.evaluate import Policy

GIT = "git:"
_DEADLINE = 600  # seconds for git, and for judging the base


def baseline(args: argparse.Namespace, policy: Policy) -> Baseline | None:
    """The base that `--new-since` names: a findings file, a snapshot of the database, or `git:REF`.

    Raises UsageError and InputError.
    """
    wanted: str = args.new_since
    if not wanted:
        return None
    if wanted.startswith(GIT):
        return _git(args, wanted.removeprefix(GIT))
    if Path(wanted).is_file():
        from scanner.results.baseline import read

        return read(Path(wanted))
    if args.db.is_file():
        return _snapshot(args, policy, wanted)
    raise UsageError(f"--new-since {wanted}: there is no such file, and no database {args.db} with such a snapshot")


def _snapshot(args: argparse.Namespace, policy: Policy, wanted: str) -> Baseline:
    """The failures of a stored snapshot, judged by today's rules. Its waivers are those of its last evaluation."""
    from dataclasses import replace

    from scanner.collectors.kinds import all_kinds
    from scanner.results.baseline import of_result
    from scanner.results.evaluate import evaluate
    from scanner.store import Store

    with Store.open(args.db, create=False) as store:
        snapshot = store.snapshot(None if wanted == "latest" else wanted)
        kept = [one for one in store.evaluations() if one.snapshot == snapshot.id]
        result = evaluate(store, snapshot, policy, all_kinds(), keep=False)
    found = of_result(f"snapshot {snapshot.id}", result)
    same = bool(kept) and kept[-1].waivers_digest == policy.digests["waivers"]
    return found if same else replace(found, waivers=frozenset())


def _git(args: argparse.Namespace, ref: str) -> Baseline:
    """The failures that the same files had at a commit, judged by today's rules and configuration in a process of its
    own, and the waivers of that commit."""
    from scanner.results.baseline import read

    commit = _run_git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
    here = Path(_run_git("rev-parse", "--show-prefix").decode().strip())
    with tempfile.TemporaryDirectory(prefix="tierwall-base-") as folder:
        root = Path(folder) / "tree"
        root.mkdir()
        with tarfile.open(fileobj=io.BytesIO(_run_git("archive", "--format=tar", commit, top=True))) as archive:
            archive.extractall(root, filter="data")
        then = root / here
        given = [path for path in (*args.paths, *args.plan) if not path.is_absolute() and (then / path).exists()]
        if not given:
            names = ", ".join(str(path) for path in (*args.paths, *args.plan))
            raise UsageError(
                f"--new-since {GIT}{ref}: git has none of {names} there; "
                "plans are rarely committed: keep the findings of the base with -o json:FILE, and name that file"
            )
        out = Path(folder) / "base.json"
        command = _command(args, root, then, out)
        done = subprocess.run(  # ourselves
            command, cwd=then, capture_output=True, timeout=_DEADLINE, check=False,
            env={**os.environ, "PYTHONPATH": str(Path(scanner.__file__).parents[1])},
        )  # fmt: skip
        if done.returncode not in (0, 1, 3):
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise InputError(f"{GIT}{ref}", f"cannot be judged: {said[-1] if said else 'no reason was given'}")
        return read(out)


def _command(args: argparse.Namespace, root: Path, then: Path, out: Path) -> list[str]:
    """The gate over the same files as they were. Its configuration is today's, but for the waivers.

    `-P`: nothing of the working directory, which holds what somebody committed, is imported.
    """
    command = [
        sys.executable,
        "-P",
        "-m",
        "scanner",
        "gate",
        "-o",
        f"json:{out}",
        "--waivers",
        str(_waivers(args, root, out.parent)),
    ]
    for path in args.paths:
        command += [str(path)] if not path.is_absolute() and (then / path).exists() else []
    for path in args.plan:
        command += ["--plan", str(path)] if not path.is_absolute() and (then / path).exists() else []
    for option, values in (("--environment", args.environment), ("--rule", args.rule)):
        for value in values:
            command += [option, value]
    for folder in args.rules:
        command += ["--rules", str(folder.absolute())]
    config = args.config or (Path("tierwall.yaml") if Path("tierwall.yaml").exists() else None)
    for option, value in (("--config", config), ("--hash-key", args.hash_key)):
        command += [option, str(Path(value).absolute())] if value else []
    return [*command, *(["--account", args.account] if args.account else [])]


def _waivers(args: argparse.Namespace, root: Path, folder: Path) -> Path:
    """The waivers file as it was; an empty one where there was none."""
    from scanner.cli.common import load_config

    config = load_config(args)
    given = args.waivers or (config.root / config.governance.waivers if config and config.governance.waivers else None)
    if given is not None:
        top = Path(_run_git("rev-parse", "--show-toplevel").decode().strip())
        there = Path(os.path.relpath(Path(given).resolve(), top.resolve()))
        if not there.is_absolute() and ".." not in there.parts and (root / there).is_file():
            return root / there
    none = folder / "waivers.yaml"
    none.write_text("waivers: []\n", encoding="utf-8")
    return none


def _run_git(*arguments: str, top: bool = False) -> bytes:
    """What git answers. Nothing that the repository's own configuration names is run. Raises UsageError."""
    command: Sequence[str] = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments)
    try:
        where = _run_git("rev-parse", "--show-toplevel").decode().strip() if top else None
        done = subprocess.run(command, cwd=where, capture_output=True, timeout=_DEADLINE, check=False)
    except FileNotFoundError as error:
        raise UsageError("--new-since git:REF needs git, which is not installed") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(f"--new-since git: {said[-1] if said else 'there is no such commit here'}")
    return done.stdout
