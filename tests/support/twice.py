"""One collection into two databases, an empty one and one that has yesterday's snapshot, and what it takes to judge it.

The law: whatever call is refused, no finding that failed becomes pass or disappears. Each still fails, or is unknown
and names the call; on an empty database the scope's one unknown stands for the resources that could not be listed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from scanner.bundled import bundled
from scanner.collectors import collect
from scanner.collectors.kinds import all_kinds
from scanner.environments import load_config
from scanner.errors import SourceError
from scanner.results import Finding, Result
from scanner.results.evaluate import Policy, evaluate
from scanner.rules import load_rules
from scanner.safe.secrets import HashKey, Redactor
from scanner.store import Snapshot, Stage, Store
from scanner.tables import Call, Document, Gap, Row, Scope

REDACTOR = Redactor(HashKey(b"k" * 32))
Key = tuple[str, str, str]  # rule, uid, discriminator


Word = tuple[str, Any]  # what a stage was told: its method and the argument
Tapes = dict[str, list[Word]]  # by unit


class Both:
    """Two stages, or two units of them, that are told the same in the same order.

    Units that are on tape are not read again: what was said of them is repeated. Others are put on tape.
    """

    def __init__(self, one: Any, other: Any, lock: threading.Lock, tapes: Tapes, tape: list[Word]) -> None:
        self._both = (one, other)
        self._lock = lock
        self._tapes = tapes
        self._tape = tape
        self._known = dict(tapes)

    def scope(self, scope: Scope, tables: Iterable[type[Row]]) -> None:
        tables = list(tables)
        with self._lock:
            for stage in self._both:
                stage.scope(scope, tables)

    def call(self, call: Call) -> int:
        with self._lock:  # so that both number the calls alike
            one, other = (stage.call(dataclasses.replace(call)) for stage in self._both)
            assert one == other
            call.id = one
            self._tape.append(("call", call))
            return call.id

    def gap(self, gap: Gap) -> None:
        with self._lock:
            for stage in self._both:
                stage.gap(dataclasses.replace(gap))
            self._tape.append(("gap", gap))

    def document(self, document: Document) -> None:
        with self._lock:
            for stage in self._both:
                stage.document(document)
            self._tape.append(("document", document))

    def unit(self, name: str) -> Both | None:
        tape: list[Word] = []
        with self._lock:
            unit = Both(*(stage.unit(name) for stage in self._both), self._lock, self._tapes, tape)
        if name in self._known:
            unit.repeat(self._known[name])
            return None
        self._tapes[name] = tape
        return unit

    def repeat(self, tape: Iterable[Word]) -> None:
        """Say again what was said; calls have new numbers."""
        numbers: dict[int, int] = {}
        for method, said in tape:
            if isinstance(said, Call):
                numbers[said.id] = self.call(dataclasses.replace(said))
            elif isinstance(said, Gap):
                self.gap(dataclasses.replace(said, call=numbers.get(said.call, 0)))
            else:
                getattr(self, method)(said)
        self.done()

    def done(self) -> None:
        with self._lock:
            for stage in self._both:
                stage.done()


class Estate:
    """One source of the sample organisation, and what failed when all of it could be read."""

    def __init__(self, folder: Path, config: Path, source: str) -> None:
        self.folder, self.source = folder, source
        self.config = load_config(config)
        self.policy = Policy(self.config, load_rules([bundled("rules")]), ())
        self.yesterday = folder / "yesterday.db"
        self.tapes: Tapes = {}
        first, _ = self._scan(self.yesterday, folder / "other.db", self.tapes)
        self.failed = {key(f) for f in first.findings if f.status == "fail"}
        self.unknown = {key(f) for f in first.findings if f.status == "unknown"}
        assert self.failed
        with contextlib.closing(sqlite3.connect(self.yesterday)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def again(self, units: Callable[[str], bool] = lambda name: True) -> tuple[Result, Result]:
        """Scan as things are now: into an empty database, and into yesterday's. Only these units are read anew."""
        empty, known = self.folder / "empty.db", self.folder / "known.db"
        for path in [*self.folder.glob("empty.db*"), *self.folder.glob("known.db*")]:
            path.unlink()
        shutil.copyfile(self.yesterday, known)
        return self._scan(empty, known, {name: tape for name, tape in self.tapes.items() if not units(name)})

    def _scan(self, one: Path, other: Path, tapes: Tapes) -> tuple[Result, Result]:
        kinds = all_kinds()
        with Store.open(one) as first, Store.open(other) as second:
            with first.collecting(REDACTOR, kinds) as here, second.collecting(REDACTOR, kinds) as there:
                both: Any = Both(here, there, threading.Lock(), tapes, [])
                with contextlib.suppress(SourceError):  # nothing at all could be read: its gaps are written
                    collect(self.config, both, [self.source])
                taken = [(store, self._publish(store, stage)) for store, stage in ((first, here), (second, there))]
            results = [evaluate(s, snapshot, self.policy, kinds, include_passed=True) for s, snapshot in taken]
        return results[0], results[1]

    def _publish(self, store: Store, stage: Stage) -> Snapshot:
        now = time.time()
        return store.publish(stage, started=now, finished=now, tool="test", config=self.config.raw)


def key(finding: Finding) -> Key:
    return finding.rule, finding.resource.uid, finding.discriminator


def lost(estate: Estate, now: Result, operation: str, *, known: bool) -> list[str]:
    """Where the law is broken; `known`: the resources were seen yesterday."""
    status = {key(f): f for f in (*now.findings, *now.passed)}
    of_scopes = [f for f in now.findings if f.status == "unknown" and f.resource.uid.startswith("scope:")]
    problems = []
    for rule, uid, which in sorted(estate.failed):
        # What could not be told apart any more is unknown as a whole.
        found = status.get((rule, uid, which)) or status.get((rule, uid, ""))
        if found is None:
            if known or rule not in {f.rule for f in of_scopes}:
                problems.append(f"{rule} {uid}: gone")
        elif found.status == "unknown":
            if not names(found, operation):
                problems.append(f"{rule} {uid}: unknown, but {operation} is not named: {found.because}")
        elif found.status != "fail":
            problems.append(f"{rule} {uid}: {found.status}")
    new = [f for f in of_scopes if key(f) not in estate.unknown]
    return problems + [f"{key(f)}: {operation} is not named" for f in new if not names(f, operation)]


def names(finding: Finding, operation: str) -> bool:
    """Whether the finding says that it is this call that was refused."""
    return any(cause.call is not None and cause.call.operation == operation for cause in finding.because)
