"""The stage: what a collection writes to. It is an estate in a file of its own, beside the store's database.

Nothing of it is visible in the store before `Store.publish`. A killed collection leaves a stage file, which
`tierwall resume` goes on with and the next scan sweeps away; the store is never touched.

What is taken up again are units: parts of a collection, such as a service in a region, that are kept whole or not at
all. What was written outside a unit, or in one that had not ended, is read again.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner.errors import ScannerError, StoreError
from scanner.safe.secrets import Redactor
from scanner.store.codec import compressed, digest, join, pack, sealed, split, unpack
from scanner.store.estate import BATCH, Estate, from_values
from scanner.store.place import translated
from scanner.tables import Call, Document, Gap, Kinds, Requested, Row, Scope, table, tables

_STAGED = """(
    uid TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, table_name TEXT NOT NULL, scope TEXT NOT NULL,
    sha TEXT NOT NULL, body BLOB NOT NULL, observed BLOB NOT NULL, stale INTEGER NOT NULL, unit INTEGER NOT NULL
) STRICT, WITHOUT ROWID"""
_TABLES = (
    f"CREATE TABLE staged {_STAGED}",
    # What an interrupted collection had read, until this one asks for it.
    f"CREATE TABLE stage_waiting {_STAGED}",
    # AUTOINCREMENT: a number that a dead unit's rows have is never given again.
    """CREATE TABLE stage_unit (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, done INTEGER NOT NULL
    ) STRICT""",
    # The rows of the ledger, with the unit that wrote them (0: none), and their number if they are calls.
    """CREATE TABLE stage_noted (
        unit INTEGER NOT NULL, table_name TEXT NOT NULL, call INTEGER, row TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX stage_noted_unit ON stage_noted (unit)",
    "CREATE INDEX stage_noted_call ON stage_noted (call)",
    """CREATE TABLE stage_about (
        started REAL NOT NULL, tool TEXT NOT NULL, tables TEXT NOT NULL, config TEXT NOT NULL, key TEXT NOT NULL,
        sources TEXT NOT NULL
    ) STRICT""",
)
_PASSING = ("throttled", "expired", "deadline", "error")  # what may be answered when it is asked again


class Halted(ScannerError):
    """Nothing more may be written: the collection was interrupted."""


@dataclass(frozen=True, slots=True)
class About:
    """What a collection is of. Only one that is of the same can be gone on with."""

    started: float  # UTC seconds
    tool: str  # our version
    config: str  # digest of tierwall.yaml
    key: str  # id of the key for hashes
    sources: tuple[str, ...]  # as asked for; none: all that are declared


class Stage:
    """Takes scopes, calls, gaps and documents from several threads at once. Close it to write the last batch."""

    def __init__(self, estate: Estate, redactor: Redactor, kinds: Kinds, about: About | None = None) -> None:
        self.estate = estate
        self.redactor = redactor
        self.kinds = kinds
        self.about = about
        self._lock = threading.Lock()
        self._clean = functools.lru_cache(maxsize=10_000)(redactor.text)  # many gaps say the same
        self._calls = 0
        self._rows: list[Row] = []
        self._staged: list[tuple[Any, ...]] = []
        self._noted: list[tuple[Any, ...]] = []
        self._waiting: dict[str, int] = {}  # units that an interrupted collection had ended, by name
        self._is_halted = False
        self._is_sparse = False  # nobody will take documents out of it again

    @classmethod
    def create(
        cls, path: Path, redactor: Redactor, kinds: Kinds, about: About | None = None, *, sparse: bool = False
    ) -> Stage:
        """A new stage at a path that does not exist yet; see `Estate.create` for a sparse one.

        With `about`, it can be taken up after an interruption.
        """
        estate = Estate.create(path, sparse=sparse)
        connection = estate.connection
        connection.execute("BEGIN")
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute("COMMIT")
        if about:
            connection.execute("PRAGMA synchronous = NORMAL")  # what is left after a power cut is consistent
            connection.execute(
                "INSERT INTO stage_about VALUES (?, ?, ?, ?, ?, ?)",
                [about.started, about.tool, tables_digest(), about.config, about.key, json.dumps(about.sources)],
            )
        stage = cls(estate, redactor, kinds, about)
        stage._is_sparse = sparse
        return stage

    @classmethod
    def take_up(cls, path: Path, redactor: Redactor, kinds: Kinds) -> Stage:
        """The stage that an interrupted collection left at the path; its ended units wait to be asked for.

        Raises StoreError when it is damaged.
        """
        estate = Estate.open(path)
        try:
            with translated(path):
                connection = estate.connection
                connection.execute("PRAGMA synchronous = NORMAL")
                if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
                    raise StoreError(path, "the interrupted scan is damaged; run `tierwall scan`")
                stage = cls(estate, redactor, kinds, read_about(connection))
                connection.execute("BEGIN")
                connection.execute(
                    """INSERT OR REPLACE INTO stage_waiting
                       SELECT s.* FROM staged AS s JOIN stage_unit AS u ON u.id = s.unit WHERE u.done"""
                )
                for name in ("staged", *tables()):
                    connection.execute(f"DELETE FROM {name}")
                connection.execute("COMMIT")
                stage._waiting = dict(connection.execute("SELECT name, id FROM stage_unit WHERE done"))
                (stage._calls,) = connection.execute("SELECT coalesce(max(call), 0) FROM stage_noted").fetchone()
        except (StoreError, sqlite3.Error):
            estate.close()
            raise
        return stage

    @property
    def waiting(self) -> int:
        """How many units of an interrupted collection nobody has asked for yet."""
        return len(self._waiting)

    def unit(self, name: str) -> Unit | None:
        """Begin a part that is kept whole or not at all; None for one that an interrupted collection had ended."""
        with self._lock:
            self._check()
            if name in self._waiting:
                self._claim(self._waiting.pop(name))
                return None
            with translated(self.estate.path):
                cursor = self.estate.connection.execute(
                    "INSERT OR REPLACE INTO stage_unit (name, done) VALUES (?, 0)", [name]
                )
            return Unit(self, int(cursor.lastrowid or 0))

    def _claim(self, number: int) -> None:
        """Bring in what a unit of the interrupted collection had read, with the calls its gaps name."""
        connection = self.estate.connection
        with translated(self.estate.path):
            noted = connection.execute("SELECT table_name, row FROM stage_noted WHERE unit = ?", [number]).fetchall()
            rows = [from_values(table(name), json.loads(row)) for name, row in noted]
            for asked in sorted(
                {r.call for r in rows if isinstance(r, Gap)} - {r.id for r in rows if isinstance(r, Call)}
            ):
                # several units may rest on one refusal: the call that met it is another's
                found = connection.execute("SELECT row FROM stage_noted WHERE call = ?", [asked]).fetchone()
                rows += [from_values(Call, json.loads(found[0]))] if found else []
            self._add(*rows)
            for record in connection.execute("SELECT * FROM stage_waiting WHERE unit = ?", [number]).fetchall():
                _, kind, _, scope, sha, body, observed, *_ = record
                try:
                    is_sound = digest(unpack(body)) == sha
                    seen = unpack(observed) if observed else {}
                except ValueError:
                    is_sound, seen = False, {}
                if not is_sound:
                    raise StoreError(self.estate.path, "the interrupted scan is damaged; run `tierwall scan`")
                document = take_out(scope, body, seen)
                self._staged.append(record)
                self._add(*self.kinds[kind].shape(document))
            self._flush()

    def scope(self, scope: Scope, tables: Iterable[type[Row]], unit: int = 0) -> None:
        """Say that this run asks the scope for these tables."""
        asked = [Requested(scope=scope.id, table_name=t.table) for t in tables]
        with self._lock:
            self._note(unit, scope, *asked)

    def call(self, call: Call, unit: int = 0) -> int:
        """Keep a logical call; answers with its number within the snapshot."""
        with self._lock:
            self._calls += 1
            call.id = self._calls
            self._note(unit, call)
            return call.id

    def gap(self, gap: Gap, unit: int = 0) -> None:
        """Keep what was to be read and was not."""
        gap.detail = self._clean(gap.detail)
        with self._lock:
            self._note(unit, gap)

    def document(self, document: Document, unit: int = 0) -> None:
        """Redact a document, split off what is volatile, shape it and keep it."""
        redacted = self.redacted(document)
        self.keep(redacted, self.kinds[document.kind].shape(redacted), unit)

    def redacted(self, document: Document) -> Document:
        """The document as it may be kept."""
        kind = self.kinds[document.kind]
        parts = self.redactor.parts(
            dict(document.parts), secret=kind.secret, settings=kind.settings, base64=kind.base64
        )
        return dataclasses.replace(document, parts=parts)

    def keep(self, redacted: Document, rows: Iterable[Row], unit: int = 0) -> None:
        """Keep a redacted document with its rows, for a caller who needs more of its shape than the rows."""
        self._keep(redacted, rows, stale=False, unit=unit)

    def carry_over(self, document: Document, refused: Gap) -> None:
        """Keep a resource of an earlier snapshot that this one could not list again: stale, hence unknown."""
        self._keep(document, self.kinds[document.kind].shape(document), stale=True)
        table = self.kinds[document.kind].tables[0].table
        self.gap(
            Gap(
                scope=document.scope, uid=document.uid, table_name=table, reason="stale", call=refused.call,
                detail=refused.detail,
            )
        )  # fmt: skip

    def _keep(self, document: Document, rows: Iterable[Row], *, stale: bool, unit: int = 0) -> None:
        kind = self.kinds[document.kind]
        shaped = list(rows)
        record = lay_down(document, kind.volatile, packed=not self._is_sparse)
        with self._lock:
            self._staged.append(
                (document.uid, kind.name, kind.tables[0].table, document.scope, *record, int(stale), unit)
            )
            self._add(*shaped)

    def _note(self, unit: int, *rows: Row) -> None:
        """Keep rows of the ledger, and which unit they are of where that may matter."""
        if self.about:
            self._noted += (_noted(unit, row) for row in rows)
        self._add(*rows)

    def _add(self, *rows: Row) -> None:
        self._check()
        self._rows += rows
        if len(self._rows) + len(self._staged) >= BATCH:
            self._flush()

    def _check(self) -> None:
        if self._is_halted:
            raise Halted("the collection was interrupted")

    def _flush(self, ended: int = 0) -> None:
        connection = self.estate.connection
        with translated(self.estate.path):
            connection.execute("BEGIN")
            try:
                self.estate.insert(self._rows)
                contradicted = self._contradicted()
                self.estate.insert(gap for _, gap in contradicted)
                connection.executemany("INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", self._staged)
                if self.about:
                    self._noted += (_noted(unit, gap) for unit, gap in contradicted)
                connection.executemany("INSERT INTO stage_noted VALUES (?, ?, ?, ?)", self._noted)
                connection.execute("UPDATE stage_unit SET done = 1 WHERE id = ?", [ended])
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:  # on a full disk SQLite has rolled back by itself
                    connection.execute("ROLLBACK")
        self._rows.clear()
        self._staged.clear()
        self._noted.clear()

    def _contradicted(self) -> list[tuple[int, Gap]]:
        """Gaps of the resources that two documents say different things of: which of the two holds is not known.

        Each is of both units, for after an interruption the one may be read again and the other not.
        """
        uids = json.dumps([record[0] for record in self._staged])
        kept = self.estate.connection.execute(
            "SELECT uid, kind, scope, sha, unit FROM staged WHERE uid IN (SELECT value FROM json_each(?))", [uids]
        )
        seen = {uid: rest for uid, *rest in kept}
        found = []
        for uid, kind, _, scope, sha, _, _, _, unit in self._staged:
            other, elsewhere, told, first = seen.setdefault(uid, [kind, scope, sha, unit])
            if told != sha:
                detail = f"described twice, differently: in {elsewhere} and in {scope}"
                found += [
                    (whose, Gap(scope=place, uid=uid, table_name=t.table, reason="error", detail=detail))
                    for whose in sorted({first, unit})
                    for place in sorted({elsewhere, scope})
                    for t in dict.fromkeys((*self.kinds[other].tables, *self.kinds[kind].tables))
                ]
        return found

    def end(self, unit: int) -> None:
        """Write what is held back and mark the unit as ended, in one step."""
        with self._lock:
            self._check()
            self._flush(unit)

    def flush(self) -> Estate:
        """Write what is held back; answers with the estate, complete up to now."""
        with self._lock:
            self._flush()
        return self.estate

    def discard(self) -> None:
        """Close the file as it is. Threads that still write to it fail from here on."""
        with self._lock:
            self._is_halted = True
            self.estate.close()

    def close(self) -> None:
        """Write what is held back and close the file."""
        self.flush()
        self.estate.close()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.flush()
        self.estate.close()


class Unit:
    """A part of a collection that is kept whole or not at all. Takes what a stage takes; `done` ends it."""

    def __init__(self, stage: Stage, number: int) -> None:
        self._stage = stage
        self._number = number
        self._is_settled = True

    def scope(self, scope: Scope, tables: Iterable[type[Row]]) -> None:
        """As `Stage.scope`."""
        self._stage.scope(scope, tables, self._number)

    def call(self, call: Call) -> int:
        """As `Stage.call`."""
        return self._stage.call(call, self._number)

    def gap(self, gap: Gap) -> None:
        """As `Stage.gap`. What another attempt may read is reason to read the unit again after an interruption."""
        if gap.reason in _PASSING:
            self._is_settled = False
        self._stage.gap(gap, self._number)

    def document(self, document: Document) -> None:
        """As `Stage.document`."""
        self._stage.document(document, self._number)

    @property
    def redactor(self) -> Redactor:
        """As `Stage.redactor`."""
        return self._stage.redactor

    def redacted(self, document: Document) -> Document:
        """As `Stage.redacted`."""
        return self._stage.redacted(document)

    def keep(self, redacted: Document, rows: Iterable[Row]) -> None:
        """As `Stage.keep`."""
        self._stage.keep(redacted, rows, self._number)

    def done(self) -> None:
        """Everything of the unit has been handed in."""
        if self._is_settled:
            self._stage.end(self._number)


def lay_down(document: Document, volatile: Iterable[str], *, packed: bool = True) -> tuple[str, bytes, bytes]:
    """SHA-256, body and volatile values of a document. File and line are volatile: a shifted line is no change.

    The latter two are empty where nobody will ask for them again.
    """
    parts, observed = split(document.parts, volatile)
    place = {k: getattr(document, k) for k in ("name", "account", "region", "cluster", "namespace", "source")}
    body = {"kind": document.kind, "uid": document.uid, "place": place, "parts": parts}
    seen: dict[str, Any] = {"parts": observed} if observed else {}
    if document.file:
        seen |= {"file": document.file, "line": document.line}
    sha, raw = sealed(body)
    if not packed:
        return sha, b"", b""
    return sha, compressed(raw), pack(seen) if seen else b""


def _noted(unit: int, row: Row) -> tuple[int, str, int | None, str]:
    return unit, row.table, row.id if isinstance(row, Call) else None, json.dumps(row.values())


def take_out(scope: str, packed: bytes, seen: Mapping[str, Any]) -> Document:
    """The document that was laid down as this body, with the volatile values that were seen with it."""
    body = unpack(packed)
    return Document(
        kind=body["kind"], uid=body["uid"], scope=scope, parts=join(body["parts"], seen.get("parts", ())),
        file=seen.get("file", ""), line=seen.get("line", 0), **body["place"],
    )  # fmt: skip


def read_about(connection: sqlite3.Connection) -> About | None:
    """What the stage is of; None where it cannot be taken up: of other tables than ours, or made for one run."""
    found = connection.execute("SELECT started, tool, config, key, sources, tables FROM stage_about").fetchone()
    if found is None or found[-1] != tables_digest():
        return None
    started, tool, config, key, sources, _ = found
    return About(started, tool, config, key, tuple(json.loads(sources)))


def tables_digest() -> str:
    """SHA-256 over the DDL of all typed tables: tells whether stored ones are of today's declarations."""
    return digest([kind.ddl() for kind in tables().values()])
