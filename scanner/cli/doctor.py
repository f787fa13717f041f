"""tierwall doctor: what is missing, denied or skewed, a line each, and what to do."""

from __future__ import annotations

import argparse
import ctypes.util
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.cli import common
from scanner.errors import InputError, StoreError
from scanner.safe.text import many

if TYPE_CHECKING:
    from scanner.collectors.checks import Check
    from scanner.environments import Config

WRONG, DAMAGED = 2, 4
LIBRARIES = ("gobject-2.0", "pango-1.0", "pangoft2-1.0", "harfbuzz", "harfbuzz-subset", "fontconfig")
PROGRAMS = {
    "git": "`gate --new-since git:REF` needs it",
    "terraform": "it makes the plan that `gate --plan` reads",
    "checkov": "`gate --with checkov` needs it",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `doctor`."""
    parser.description = (
        "Look at everything that a scan needs and say in a line each whether it is well and, if not, what to do: "
        "tierwall.yaml, the key for hashes, the database and its disk, every account and cluster (who we are there, "
        "the clock, what is denied), and what reports and the gate use. Reads only; answers 0, 2 where the "
        "configuration is wrong, 3 where results would be unknown, 4 where the database is damaged."
    )
    common.database(parser)
    common.configuration(parser)


def run(args: argparse.Namespace) -> int:
    """Print the checks; answers with the worst of them."""
    from scanner.safe.terminal import clean

    states: set[str] = set()
    for check in _checks(args):
        states.add(check.state)
        line = f"{check.state:8} {check.what}: {check.found}" + (f"; {check.todo}" if check.todo else "")
        print(clean(line).replace("\n", " "), flush=True)
        if check.state == "wrong" and check.what.startswith("database"):
            states.add("damaged")
    codes = {"damaged": DAMAGED, "wrong": WRONG, "unknown": common.CANNOT_TELL}
    return next((code for state, code in codes.items() if state in states), common.CLEAN)


def _checks(args: argparse.Namespace) -> Iterator[Check]:
    from scanner.collectors.checks import Check

    if sys.version_info < (3, 11) or sqlite3.sqlite_version_info < (3, 37):  # STRICT tables
        yield Check(
            "wrong", "python", f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}", "update them"
        )
    config = None
    try:
        config = common.load_config(args)
    except InputError as e:
        for problem in getattr(e, "problems", (e,)):
            yield Check("wrong", problem.where, problem.problem, problem.hint)
    else:
        yield from _declared(config)
    yield from _hash_key(args)
    yield from _database(args.db)
    if config is not None:
        yield from _sources(config)
    elif args.config is None and not Path("tierwall.yaml").exists():
        yield from _found()
    yield from _reports()
    yield from _programs()


# --- what is ours -----------------------------------------------------------------------------------------------------


def _declared(config: Config | None) -> Iterator[Check]:
    """tierwall.yaml, and that the files it names are there."""
    from scanner.collectors.checks import Check

    if config is None:
        yield Check("note", "tierwall.yaml", "there is none: environments are inferred", "`tierwall init` writes one")
        return
    name = str(config.path)
    yield Check("ok", name, f"{len(config.environments)} environments")
    sources, governance = config.sources, config.governance
    named = [p for s in (sources.config, sources.terraform, sources.manifests, sources.evidence) if s for p in s.paths]
    for path in [*named, governance.waivers, governance.attestations, governance.duties, governance.applicability]:
        if path and not config.resolve(path).exists():
            yield Check("wrong", name, f"names {path}, which is not there", "make it or take it out")


def _hash_key(args: argparse.Namespace) -> Iterator[Check]:
    """The key, without making one."""
    from scanner.collectors.checks import Check
    from scanner.safe.hash_key import VARIABLE, HashKey, state_file

    what = "key for hashes"
    try:
        if args.hash_key is None and VARIABLE not in os.environ and not (path := state_file(os.environ)).exists():
            yield Check("ok", what, f"there is none yet: the first scan makes {path}", "keep it: others need the same")
            return
        yield Check("ok", what, f"id {HashKey.find(args.hash_key).id}")
    except InputError as e:
        yield Check("wrong", what, f"{e.where}: {e.problem}", e.hint)


def _database(path: Path) -> Iterator[Check]:
    """The place of the database and the database, which is neither made nor migrated."""
    from scanner.collectors.checks import Check
    from scanner.store import examine, place

    what = f"database {path}"
    try:
        place.refuse_network(path)
        free = place.free_bytes(path) // 1_000_000
        yield Check("ok", what, f"{free} MB free on {place.file_system(path) or 'an unknown file system'}")
        if not path.exists():
            yield Check("ok", what, "there is none yet: the first scan makes it")
            return
        yield from (Check("note", what, sentence.split(": ", 1)[1]) for sentence in place.cautions(path))
        found = examine(path)
    except StoreError as e:
        yield Check("wrong", what, e.problem)
        return
    except OSError as e:
        yield Check(
            "wrong", what, f"its folder cannot be used: {(e.strerror or str(e)).lower()}", "name another with --db"
        )
        return
    if found.last is None:
        yield Check("ok", what, f"schema {found.version}, holds no snapshot yet")
    else:
        hours = (time.time() - found.last) / 3600
        age = f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
        yield Check(
            "ok",
            what,
            f"schema {found.version}, {many(found.snapshots, 'snapshot')}, the last {age} old; sound at a glance",
        )
    if found.scanning:
        yield Check("note", what, f"a scan is writing to it (process {found.scanning})")
    elif found.is_interrupted:
        yield Check("note", what, "a scan of it was interrupted", "`tierwall resume` goes on with it within the hour")


# --- what is scanned --------------------------------------------------------------------------------------------------


def _found() -> Iterator[Check]:
    """What would be scanned, where no file says."""
    from scanner.collectors.checks import Check
    from scanner.collectors.discover import discover
    from scanner.environments import Config

    sources, how = discover(Path())
    for sentence in how:
        what, _, found = sentence.partition(": ")
        yield Check("note", what, found)
    yield from _sources(Config.model_validate({"sources": sources}))


def _sources(config: Config) -> Iterator[Check]:
    """Every account and cluster, all at once, told in the order of the file."""
    from concurrent.futures import ThreadPoolExecutor

    from scanner.collectors.checks import Check

    if not config.sources.model_dump(exclude_none=True):
        yield Check("wrong", "sources", "there is nothing to scan", "declare some under `sources` in tierwall.yaml")
    probes: list[Callable[[], Iterable[Check]]] = []
    if config.sources.aws is not None:
        from scanner.collectors.aws import probe as aws
        from scanner.collectors.aws.session import declared_accounts

        probes += [lambda d=d: list(aws.probe(d)) for d in declared_accounts(config)]  # type: ignore[misc]  # d is this one
    if config.sources.kubernetes is not None:
        from scanner.collectors.kubernetes import probe as kubernetes

        clusters = config.sources.kubernetes.clusters.items()
        probes += [lambda n=n, c=c: list(kubernetes.probe(n, c, config.root)) for n, c in clusters]  # type: ignore[misc]  # these
    if probes:
        with ThreadPoolExecutor(len(probes), thread_name_prefix="probe") as pool:
            for checks in pool.map(lambda probe: probe(), probes):
                yield from checks


# --- what else may be used --------------------------------------------------------------------------------------------


def _reports() -> Iterator[Check]:
    """The system libraries that WeasyPrint loads; without them there is no PDF, and all else works."""
    from scanner.collectors.checks import Check

    missing = [name for name in LIBRARIES if ctypes.util.find_library(name) is None]
    if missing:
        todo = "on Debian or Ubuntu: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        yield Check("note", "PDF report", f"cannot be drawn for want of {', '.join(missing)}", todo)
    else:
        yield Check("ok", "PDF report", "its libraries are there")


def _programs() -> Iterator[Check]:
    from scanner.collectors.checks import Check

    for name, use in PROGRAMS.items():
        if shutil.which(name):
            yield Check("ok", name, "is there")
        else:
            yield Check("note", name, "is not installed", use)
