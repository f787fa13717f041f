"""The stage: what a collection writes to. It is an estate in a file of its own, beside the store's database.

Nothing of it is visible in the store before `Store.publish`. A killed collection leaves a stage file, which
the next run takes up or sweeps away; the store is never touched.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scanner.safe.secrets import Redactor
from scanner.store.codec import digest, pack, split
from scanner.store.estate import BATCH, Estate
from scanner.tables import Call, Document, Gap, Kinds, Requested, Row, Scope

DOCUMENT = """CREATE TABLE staged (
    uid TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, table_name TEXT NOT NULL, scope TEXT NOT NULL,
    sha TEXT NOT NULL, body BLOB NOT NULL, observed BLOB NOT NULL, stale INTEGER NOT NULL
) STRICT, WITHOUT ROWID"""


class Stage:
    """Takes scopes, calls, gaps and documents from several threads at once. Close it to write the last batch."""

    def __init__(self, estate: Estate, redactor: Redactor, kinds: Kinds) -> None:
        self.estate = estate
        self.redactor = redactor
        self.kinds = kinds
        self._lock = threading.Lock()
        self._calls = 0
        self._rows: list[Row] = []
        self._staged: list[tuple[Any, ...]] = []

    @classmethod
    def create(cls, path: Path, redactor: Redactor, kinds: Kinds) -> Stage:
        """A new stage at a path that does not exist yet."""
        estate = Estate.create(path)
        estate.connection.execute(DOCUMENT)
        return cls(estate, redactor, kinds)

    def scope(self, scope: Scope, tables: Iterable[type[Row]]) -> None:
        """Say that this run asks the scope for these tables."""
        asked = [Requested(scope=scope.id, table_name=t.table) for t in tables]
        with self._lock:
            self._add(scope, *asked)

    def call(self, call: Call) -> int:
        """Keep a logical call; answers with its number within the snapshot."""
        with self._lock:
            self._calls += 1
            call.id = self._calls
            self._add(call)
            return call.id

    def gap(self, gap: Gap) -> None:
        """Keep what was to be read and was not."""
        gap.detail = self.redactor.text(gap.detail)
        with self._lock:
            self._add(gap)

    def document(self, document: Document) -> None:
        """Redact a document, split off what is volatile, shape it and keep it."""
        kind = self.kinds[document.kind]
        redacted = self.redactor.parts(
            dict(document.parts), secret=kind.secret, settings=kind.settings, base64=kind.base64
        )
        self._keep(dataclasses.replace(document, parts=redacted), stale=False)

    def carry_over(self, document: Document, refused: Gap) -> None:
        """Keep a resource of an earlier snapshot that this one could not list again: stale, hence unknown."""
        self._keep(document, stale=True)
        table = self.kinds[document.kind].tables[0].table
        self.gap(Gap(scope=document.scope, uid=document.uid, table_name=table, reason="stale", call=refused.call))

    def _keep(self, document: Document, *, stale: bool) -> None:
        kind = self.kinds[document.kind]
        rows = list(kind.shape(document))
        record = lay_down(document, kind.volatile)
        with self._lock:
            self._staged.append((document.uid, kind.name, kind.tables[0].table, document.scope, *record, int(stale)))
            self._add(*rows)

    def _add(self, *rows: Row) -> None:
        self._rows += rows
        if len(self._rows) + len(self._staged) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        connection = self.estate.connection
        connection.execute("BEGIN")
        self.estate.insert(self._rows)
        connection.executemany("INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._staged)
        connection.execute("COMMIT")
        self._rows.clear()
        self._staged.clear()

    def flush(self) -> Estate:
        """Write what is held back; answers with the estate, complete up to now."""
        with self._lock:
            self._flush()
        return self.estate

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


def lay_down(document: Document, volatile: Iterable[str]) -> tuple[str, bytes, bytes]:
    """SHA-256, body and volatile values of a document. File and line are volatile: a shifted line is no change."""
    parts, observed = split(document.parts, volatile)
    place = {k: getattr(document, k) for k in ("name", "account", "region", "cluster", "namespace", "source")}
    body = {"kind": document.kind, "uid": document.uid, "place": place, "parts": parts}
    seen: dict[str, Any] = {"parts": observed} if observed else {}
    if document.file:
        seen |= {"file": document.file, "line": document.line}
    return digest(body), pack(body), pack(seen) if seen else b""
