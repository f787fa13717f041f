"""The store: snapshots, documents, history, evaluations and runs in one SQLite file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner.errors import ScannerError, StoreError, UsageError
from scanner.safe.json import canonical
from scanner.safe.secrets import Redactor
from scanner.store import journal, schema
from scanner.store.carry import carry_over
from scanner.store.codec import digest, pack, unpack
from scanner.store.estate import Estate, connect, remove_estate
from scanner.store.lock import CollectionLock
from scanner.store.place import WRITE_WAIT_SECONDS, cautions, refuse_network, translated
from scanner.store.stage import About, Stage, read_about, tables_digest, take_out
from scanner.tables import Call, Derived, Document, Gap, Kinds, Requested, Row, Scope, TierwallRun, tables

LEDGER: tuple[type[Row], ...] = (Scope, Requested, Call, Gap)
JUDGED = ("environment", "assignment", "tierwall_assignment", "tierwall_threshold", "tierwall_allowed_path")
# made by an evaluation, not by a collection
RESUME_SECONDS = 3600  # calls of one snapshot are not further apart than that and the rest of the collection


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one collection saw, as a whole."""

    id: int
    started: float
    finished: float
    tool: str
    config: str
    parent: str
    digest: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """Contents of all snapshots up to this one were given up, at that time (UTC seconds)."""

    upto: int
    at: float


@dataclass(frozen=True, slots=True)
class Member:
    """One resource of a snapshot: its kind, its table, its scope and the SHA-256 of its document."""

    kind: str
    table_name: str
    scope: str
    sha: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one judging of a snapshot rested on."""

    snapshot: int
    as_of: int
    rules_digest: str
    policy_digest: str
    waivers_digest: str
    attestations_digest: str
    tool: str
    id: int = 0


class Store:
    """One database file. `open` creates it where there is none; close it after use."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Store:
        """Open, migrate and check the file.

        Raises UsageError when it is missing and `create` is false; StoreError when it is of a newer schema, damaged,
        of another program, or cannot be written.
        """
        if not path.exists():
            if not create:
                raise UsageError(f"database {path}: there is none; run `tierwall scan` first or name one with --db")
            refuse_network(path)
            with contextlib.suppress(FileExistsError), translated(path):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with translated(path):
            connection = connect(path)
            try:
                connection.execute(f"PRAGMA busy_timeout = {WRITE_WAIT_SECONDS * 1000}")
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("PRAGMA synchronous = FULL")
                if path.stat().st_size == 0:
                    schema.create(connection)
                schema.bring_up(connection, path)
            except (sqlite3.Error, StoreError, OSError):
                connection.close()  # with what a migration had begun
                raise
        store = cls(path, connection)
        held = connection.execute("SELECT tables_digest FROM projection").fetchone()
        if held and held[0] != tables_digest():
            with store.writing():
                schema.recreate_typed_tables(connection)
        return store

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One short write transaction; everything in it is kept, or nothing."""
        with translated(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            finally:
                if self.connection.in_transaction:  # on a full disk SQLite has rolled back by itself
                    self.connection.execute("ROLLBACK")

    # ---- snapshots

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, oldest first."""
        with translated(self.path):
            found = self.connection.execute(
                "SELECT id, started, finished, tool, config, parent, digest FROM snapshot ORDER BY id"
            ).fetchall()
        return [
            Snapshot(i, s, f, tool, unpack(config) if config else "", p, d) for i, s, f, tool, config, p, d in found
        ]

    def pruned(self) -> Pruned | None:
        """Up to which snapshot contents were given up; None where none were."""
        with translated(self.path):
            found = self.connection.execute("SELECT upto, at FROM prune ORDER BY id DESC LIMIT 1").fetchone()
        return Pruned(*found) if found else None

    def snapshot(self, wanted: str | int | None = None) -> Snapshot:
        """The snapshot of that number or of a digest's first characters; the last one if none is named.

        Raises UsageError when there is none, or when its contents were pruned.
        """
        all_ = self.snapshots()
        if not all_:
            raise UsageError(f"database {self.path}: holds no snapshot yet; run `tierwall scan` first")
        if wanted is None:
            return all_[-1]
        text = str(wanted)
        for snapshot in all_:
            if text == str(snapshot.id) or (len(text) >= 8 and snapshot.digest.startswith(text)):
                self._require_contents(snapshot, all_[-1])
                return snapshot
        raise UsageError(f"database {self.path}: holds no snapshot {text}; it has 1 to {all_[-1].id}")

    def snapshot_at(self, time_: float) -> Snapshot:
        """The last snapshot that had finished by then, UTC seconds. Raises UsageError as `snapshot` does."""
        newest = self.snapshot()
        for snapshot in reversed(self.snapshots()):
            if snapshot.finished <= time_:
                self._require_contents(snapshot, newest)
                return snapshot
        raise UsageError(
            f"database {self.path}: holds no snapshot that had finished by {clock(time_)}; "
            f"the first is of {clock(self.snapshots()[0].finished)}"
        )

    def _require_contents(self, snapshot: Snapshot, newest: Snapshot) -> None:
        pruned = self.pruned()
        if pruned and snapshot.id <= pruned.upto:
            left = f"{pruned.upto + 1} to {newest.id}" if pruned.upto + 1 < newest.id else str(newest.id)
            raise UsageError(
                f"database {self.path}: snapshot {snapshot.id} was pruned on {clock(pruned.at)}: its digest is kept, "
                f"its contents are gone; there are {left}"
            )

    @property
    def stage_path(self) -> Path:
        """Where a collection stages what it reads."""
        return self.path.with_name(f"{self.path.name}-stage")

    @contextlib.contextmanager
    def collecting(self, redactor: Redactor, kinds: Kinds, about: About | None = None) -> Iterator[Stage]:
        """A stage beside the database, for one collection; what an interrupted one left there is swept away.

        With `about`, the stage is left to be taken up when the collection is interrupted, not when it fails.
        Raises StoreError when another process collects.
        """
        lock = CollectionLock.take(self.path)
        try:
            remove_estate(self.stage_path)
            try:
                with translated(self.path):
                    stage = Stage.create(self.stage_path, redactor, kinds, about)
            except StoreError:
                remove_estate(self.stage_path)  # half made, as on a full disk
                raise
            yield from self._staged(stage)
        finally:
            lock.release()

    @contextlib.contextmanager
    def resuming(self, redactor: Redactor, kinds: Kinds, about: About) -> Iterator[Stage]:
        """The stage of an interrupted collection, to be gone on with. `about` is what would be collected now.

        Raises UsageError when there is none that may be, StoreError when another process collects.
        """
        lock = CollectionLock.take(self.path)
        try:
            left = self.interrupted()
            if not self.stage_path.exists():
                raise UsageError(f"database {self.path}: no scan of it was interrupted; run `tierwall scan`")
            problem = self._not_resumable(left, about)
            if problem:
                raise UsageError(f"database {self.path}: the interrupted scan {problem}; run `tierwall scan`")
            yield from self._staged(Stage.take_up(self.stage_path, redactor, kinds))
        finally:
            lock.release()

    def _staged(self, stage: Stage) -> Iterator[Stage]:
        """Hand the stage out; it stays only where the collection was interrupted and may be gone on with."""
        keep = False
        try:
            yield stage
        except ScannerError:
            raise
        except BaseException:
            keep = stage.about is not None
            raise
        finally:
            stage.discard()
            if not keep:
                remove_estate(stage.estate.path)

    def cautions(self) -> list[str]:
        """What the place of the database may do to a collection, a sentence each. Raises StoreError; see `place`."""
        return cautions(self.path)

    def interrupted(self) -> About | None:
        """What an interrupted collection left to be gone on with; None if there is nothing of use."""
        if not self.stage_path.exists():
            return None
        try:
            with contextlib.closing(connect(self.stage_path)) as connection:
                return read_about(connection)
        except (StoreError, sqlite3.Error):  # killed before it was ready, or damaged by a power cut
            return None

    def is_resumable(self, left: About, now: About) -> bool:
        """Whether `resuming` would go on with what was left."""
        return not self._not_resumable(left, now)

    def _not_resumable(self, left: About | None, now: About) -> str:
        """Why it may not be gone on with; '' if it may."""
        if left is None:
            return "is of another version of Tierwall, or is damaged"
        if left.tool != now.tool:
            return f"is of Tierwall {left.tool}"
        if not 0 <= now.started - left.started <= RESUME_SECONDS:
            return f"began more than {RESUME_SECONDS // 60} minutes ago"
        if left.config != now.config:
            return "had another tierwall.yaml"
        return "had another key for hashes" if left.key != now.key else ""

    def publish(self, stage: Stage, *, started: float, finished: float, tool: str, config: str) -> Snapshot:
        """Make what the stage holds the newest snapshot, in one step."""
        carry_over(self, stage)
        estate = stage.flush()
        packed = {
            "config": pack(config),
            "ledger": pack({t.table: [list(r.values()) for r in estate.rows(t)] for t in LEDGER}),
            "observed": pack(_observed_in(estate)),
        }
        estate.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with translated(self.path):
            self.connection.execute("ATTACH ? AS stage", [str(stage.estate.path)])
        try:
            with self.writing() as connection:
                last = connection.execute("SELECT id, digest FROM snapshot ORDER BY id DESC LIMIT 1").fetchone()
                number, parent = (last[0] + 1, last[1]) if last else (1, "")
                connection.execute(
                    "INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?, ?, ?, '')",
                    [number, started, finished, tool, *packed.values(), parent],
                )
                connection.execute(
                    """INSERT INTO document SELECT sha, body FROM stage.staged WHERE true
                       ON CONFLICT (sha) DO UPDATE SET body = excluded.body WHERE length(document.body) = 0"""
                )
                self._move_history(number)
                sum_ = snapshot_digest(connection, number)
                connection.execute("UPDATE snapshot SET digest = ? WHERE id = ?", [sum_, number])
                journal.enter(connection, "snapshot", sum_)
                self._take_typed_tables(number)
        finally:
            self.connection.execute("DETACH stage")
        return self.snapshot(number)

    def _move_history(self, number: int) -> None:
        """Close what changed or is gone from a scope that was read; open what is new or changed."""
        same = "s.sha = resource.sha AND s.scope = resource.scope AND s.kind = resource.kind"
        self.connection.execute(
            f"""UPDATE resource SET until = ? WHERE until IS NULL
                AND EXISTS (SELECT 1 FROM stage.requested AS q
                            WHERE q.scope = resource.scope AND q.table_name = resource.table_name)
                AND NOT EXISTS (SELECT 1 FROM stage.staged AS s WHERE s.uid = resource.uid AND {same})""",
            [number],
        )
        # a resource that another scope now answers for is closed there and opened here
        self.connection.execute(
            f"""UPDATE resource SET until = ? WHERE until IS NULL
                AND EXISTS (SELECT 1 FROM stage.staged AS s WHERE s.uid = resource.uid AND NOT ({same}))""",
            [number],
        )
        self.connection.execute(
            """INSERT INTO resource (uid, first, until, kind, table_name, scope, sha)
               SELECT s.uid, ?, NULL, s.kind, s.table_name, s.scope, s.sha FROM stage.staged AS s
               WHERE NOT EXISTS (SELECT 1 FROM resource AS r WHERE r.uid = s.uid AND r.until IS NULL)""",
            [number],
        )

    def _take_typed_tables(self, number: int) -> None:
        for name in tables():
            if name not in (*JUDGED, TierwallRun.table):
                self.connection.execute(f"DELETE FROM {name}")  # a declared table
                self.connection.execute(f"INSERT INTO {name} SELECT * FROM stage.{name}")
        for name in JUDGED:
            if name in tables():
                self.connection.execute(f"DELETE FROM {name}")
        self.seal_projection(number)

    def seal_projection(self, number: int) -> None:
        """Record which snapshot the typed tables hold, with a digest over all their rows. Call inside `writing`."""
        self.connection.execute(
            "INSERT OR REPLACE INTO projection VALUES (1, ?, ?, ?)",
            [number, tables_digest(), projection_digest(self.connection)],
        )

    # ---- reading a snapshot back

    def reader(self) -> sqlite3.Connection:
        """A new read-only connection."""
        return connect(self.path, read_only=True)

    def estate(self, snapshot: Snapshot, kinds: Kinds, folder: Path) -> Estate:
        """The snapshot in typed tables of a new file in `folder`, so that what others write meanwhile is not in it."""
        path = folder / f"snapshot-{snapshot.id}.db"
        return self._copied(snapshot, path) or self.project(snapshot, kinds, path)

    def _copied(self, snapshot: Snapshot, path: Path) -> Estate | None:
        """Copied from the store's own typed tables as they are at one moment; None where they hold another snapshot."""
        with translated(self.path):
            estate = Estate.create(path)
            connection = estate.connection
            connection.execute("ATTACH ? AS store", [f"{self.path.absolute().as_uri()}?mode=ro"])
            connection.execute("BEGIN")
            is_held = self._holds(snapshot.id, connection)
            for name in tables() if is_held else ():
                then = f"finished <= {snapshot.finished!r}" if name == TierwallRun.table else "true"
                connection.execute(f"INSERT INTO {name} SELECT * FROM store.{name} WHERE {then}")
            connection.execute("COMMIT")
            connection.execute("DETACH store")
        if is_held:
            return estate
        estate.close()
        remove_estate(path)
        return None

    def _holds(self, number: int, connection: sqlite3.Connection) -> bool:
        """Whether the typed tables hold the snapshot."""
        held = connection.execute("SELECT snapshot, tables_digest FROM projection").fetchone()
        return bool(held == (number, tables_digest()))

    def show(self, snapshot: Snapshot, judged: Estate) -> None:
        """Let the store's typed tables show what an evaluation of the newest snapshot filled in."""
        derived = [name for name, kind in tables().items() if issubclass(kind, Derived)]
        with translated(self.path):
            self.connection.execute("ATTACH ? AS judged", [str(judged.path)])
        try:
            with self.writing() as connection:
                (newest,) = connection.execute("SELECT max(id) FROM snapshot").fetchone()
                if snapshot.id == newest:
                    names = [*JUDGED, Gap.table, *derived] if self._holds(newest, connection) else tables()
                    for name in dict.fromkeys(names):
                        if name != TierwallRun.table:
                            connection.execute(f"DELETE FROM main.{name}")
                            connection.execute(f"INSERT INTO main.{name} SELECT * FROM judged.{name}")
                    self.seal_projection(newest)
        finally:
            self.connection.execute("DETACH judged")

    def project(self, snapshot: Snapshot, kinds: Kinds, path: Path) -> Estate:
        """The snapshot in typed tables of a new file, shaped again from its documents."""
        with translated(path):
            estate = Estate.create(path)
            estate.connection.execute("BEGIN")
            estate.insert(self.ledger(snapshot.id))
            for document in self.documents(snapshot.id):
                estate.insert(kinds[document.kind].shape(document))
            estate.insert(Estate(self.path, self.connection).rows(TierwallRun, "finished <= ?", snapshot.finished))
            estate.connection.execute("COMMIT")
        return estate

    def ledger(self, number: int) -> list[Row]:
        """Scopes, requests, calls and gaps of a snapshot. A column younger than the snapshot has its default."""
        (packed,) = self.connection.execute("SELECT ledger FROM snapshot WHERE id = ?", [number]).fetchone()
        ledger = unpack(packed)
        return [
            kind(**dict(zip(kind.columns(), values, strict=False))) for kind in LEDGER for values in ledger[kind.table]
        ]

    def documents(self, number: int, uids: Collection[str] | None = None) -> Iterator[Document]:
        """The documents of a snapshot, stale ones included, or those of them that are named, by uid in order."""
        seen = self._observed(number)
        for uid, member in self.members(number).items():
            if uids is None or uid in uids:
                yield self._document(member.scope, member.sha, seen.get(uid, {}))

    def members(self, number: int) -> dict[str, Member]:
        """What a snapshot holds, stale resources included, by uid in order."""
        asked = {(r.scope, r.table_name) for r in self.ledger(number) if isinstance(r, Requested)}
        found = self.connection.execute(
            """SELECT uid, kind, table_name, scope, sha FROM resource
               WHERE first <= :number AND (until IS NULL OR until > :number) ORDER BY uid""",
            {"number": number},
        )
        return {uid: Member(*rest) for uid, *rest in found if (rest[2], rest[1]) in asked}

    def left_behind(self, number: int) -> list[str]:
        """The scopes whose resources earlier snapshots read, and of which this one was asked nothing."""
        asked = {scope.id for scope in self.ledger(number) if isinstance(scope, Scope)}
        found = self.connection.execute(
            "SELECT DISTINCT scope FROM resource WHERE first <= ? AND (until IS NULL OR until > ?) ORDER BY scope",
            [number, number],
        )
        return [scope for (scope,) in found if scope not in asked]

    def document(self, number: int, uid: str, member: Member) -> Document:
        """The document of one member of a snapshot, volatile values included."""
        return self._document(member.scope, member.sha, self._observed(number).get(uid, {}))

    def parts(self, sha: str) -> tuple[str, ...]:
        """The names of a document's parts: the operations that answered for it."""
        return tuple(self._body(sha)["parts"])

    def _document(self, scope: str, sha: str, seen: dict[str, Any]) -> Document:
        found = self.connection.execute("SELECT body FROM document WHERE sha = ?", [sha]).fetchone()
        if found is None:
            raise StoreError(self.path, f"document {sha[:12]} is missing; `tierwall verify` tells what else is")
        return take_out(scope, found[0], seen)

    def _body(self, sha: str) -> dict[str, Any]:
        found = self.connection.execute("SELECT body FROM document WHERE sha = ?", [sha]).fetchone()
        if found is None:
            raise StoreError(self.path, f"document {sha[:12]} is missing; `tierwall verify` tells what else is")
        body: dict[str, Any] = unpack(found[0])
        return body

    def open_resources(self) -> dict[str, tuple[str, str]]:
        """Scope and table of every resource that is not known to be gone, by uid."""
        found = self.connection.execute("SELECT uid, scope, table_name FROM resource WHERE until IS NULL ORDER BY uid")
        return {uid: (scope, table_name) for uid, scope, table_name in found}

    def unpruned(self) -> list[int]:
        """The numbers of the snapshots whose contents are there, oldest first."""
        found = self.connection.execute(
            "SELECT id FROM snapshot WHERE id > (SELECT coalesce(max(upto), 0) FROM prune) ORDER BY id"
        )
        return [number for (number,) in found]

    def _observed(self, number: int) -> dict[str, Any]:
        (packed,) = self.connection.execute("SELECT observed FROM snapshot WHERE id = ?", [number]).fetchone()
        seen: dict[str, Any] = unpack(packed)
        return seen

    # ---- evaluations and runs

    def keep_evaluation(self, evaluation: Evaluation, verdicts: Iterable[tuple[str, ...]]) -> int | None:
        """Keep the verdicts (rule, uid, discriminator, status, message, because) as history; answers with its number.

        None where a newer snapshot has been judged meanwhile: history does not go back.
        """
        with self.writing() as connection:
            (newest,) = connection.execute("SELECT max(snapshot) FROM evaluation").fetchone()
            if newest is not None and newest > evaluation.snapshot:
                return None
            last = connection.execute("SELECT id, digest FROM evaluation ORDER BY id DESC LIMIT 1").fetchone()
            number, parent = (last[0] + 1, last[1]) if last else (1, "")
            connection.execute(
                """CREATE TEMP TABLE fresh AS
                   SELECT rule, uid, discriminator, status, message, because FROM verdict LIMIT 0"""
            )
            connection.executemany("INSERT INTO fresh VALUES (?, ?, ?, ?, ?, ?)", verdicts)
            connection.execute("CREATE UNIQUE INDEX temp.fresh_key ON fresh (rule, uid, discriminator)")
            key = "f.rule = v.rule AND f.uid = v.uid AND f.discriminator = v.discriminator"
            same = f"{key} AND f.status = v.status AND f.message = v.message AND f.because = v.because"
            connection.execute(
                f"""UPDATE verdict AS v SET until = ? WHERE until IS NULL
                    AND NOT EXISTS (SELECT 1 FROM fresh AS f WHERE {same})""",
                [number],
            )
            connection.execute(
                f"""INSERT INTO verdict SELECT f.rule, f.uid, f.discriminator, ?, NULL, f.status, f.message, f.because
                    FROM fresh AS f WHERE NOT EXISTS (SELECT 1 FROM verdict AS v WHERE v.until IS NULL AND {key})""",
                [number],
            )
            connection.execute("DROP TABLE fresh")
            e = evaluation
            connection.execute(
                "INSERT INTO evaluation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
                [number, e.snapshot, e.as_of, e.rules_digest, e.policy_digest, e.waivers_digest, e.attestations_digest,
                 e.tool, parent],
            )  # fmt: skip
            sum_ = evaluation_digest(connection, number)
            connection.execute("UPDATE evaluation SET digest = ? WHERE id = ?", [sum_, number])
            journal.enter(connection, "evaluation", sum_)
        return int(number)

    def evaluations(self) -> list[Evaluation]:
        """All evaluations, oldest first."""
        found = self.connection.execute(
            """SELECT snapshot, as_of, rules_digest, policy_digest, waivers_digest, attestations_digest, tool, id
               FROM evaluation ORDER BY id"""
        )
        return [Evaluation(*record) for record in found]

    def verdicts(self, evaluation: int) -> list[tuple[str, ...]]:
        """(rule, uid, discriminator, status, message, because) as that evaluation had them, in order."""
        return self.connection.execute(
            """SELECT rule, uid, discriminator, status, message, because FROM verdict
               WHERE first <= :number AND (until IS NULL OR until > :number) ORDER BY rule, uid, discriminator""",
            {"number": evaluation},
        ).fetchall()

    def first_failed(self) -> dict[tuple[str, str, str], float]:
        """Since when each verdict has been fail or unknown: the finish of that snapshot, UTC seconds."""
        history = self.connection.execute(
            """SELECT v.rule, v.uid, v.discriminator, v.status, s.finished FROM verdict AS v
               JOIN evaluation AS e ON e.id = v.first JOIN snapshot AS s ON s.id = e.snapshot
               ORDER BY v.rule, v.uid, v.discriminator, v.first"""
        )
        since: dict[tuple[str, str, str], float] = {}
        for rule, uid, discriminator, status, finished in history:
            if status in ("fail", "unknown"):
                since.setdefault((rule, uid, discriminator), finished)
            else:
                since.pop((rule, uid, discriminator), None)
        return since

    def alerted(self) -> dict[tuple[str, str, str], str]:
        """The status that each verdict (rule, uid, discriminator) was last alerted with."""
        found = self.connection.execute("SELECT rule, uid, discriminator, status FROM alerted")
        return {(rule, uid, discriminator): status for rule, uid, discriminator, status in found}

    def keep_alerted(self, told: Iterable[tuple[str, str, str, str]], forget: Iterable[tuple[str, str, str]]) -> None:
        """Record (rule, uid, discriminator, status) as alerted now, and forget what is good again."""
        at = time.time()
        with self.writing() as connection:
            connection.executemany("DELETE FROM alerted WHERE rule = ? AND uid = ? AND discriminator = ?", list(forget))
            connection.executemany(
                "INSERT OR REPLACE INTO alerted VALUES (?, ?, ?, ?, ?, ?)",
                [(*record, at, digest([*record, at])) for record in told],
            )

    def resource_history(self, uid: str) -> list[tuple[int, int | None, str, float]]:
        """(first snapshot, snapshot it ended with or None, SHA-256 of the document, UTC seconds), oldest first."""
        return self.connection.execute(
            """SELECT r.first, r.until, r.sha, s.finished FROM resource AS r JOIN snapshot AS s ON s.id = r.first
               WHERE r.uid = ? ORDER BY r.first""",
            [uid],
        ).fetchall()

    def verdict_keys(self) -> list[tuple[str, str, str]]:
        """(rule, uid, discriminator) of every verdict there ever was."""
        return self.connection.execute(
            "SELECT DISTINCT rule, uid, discriminator FROM verdict ORDER BY rule, uid, discriminator"
        ).fetchall()

    def verdict_history(self, rule: str, uid: str, discriminator: str) -> list[tuple[int, float, str, str]]:
        """(snapshot, UTC seconds, status, message) of each change of a verdict, oldest first."""
        return self.connection.execute(
            """SELECT s.id, s.finished, v.status, v.message FROM verdict AS v
               JOIN evaluation AS e ON e.id = v.first JOIN snapshot AS s ON s.id = e.snapshot
               WHERE v.rule = ? AND v.uid = ? AND v.discriminator = ? ORDER BY v.first""",
            [rule, uid, discriminator],
        ).fetchall()

    def keep_run(self, run: TierwallRun) -> None:
        """Keep a run of ours as evidence, chained to the one before. `uid` is given here."""
        with self.writing() as connection:
            last = connection.execute("SELECT id, digest FROM run_chain ORDER BY id DESC LIMIT 1").fetchone()
            number, parent = (last[0] + 1, last[1]) if last else (1, "")
            run.uid = run.name = f"run:{number}"
            Estate(self.path, connection).insert([run])
            sum_ = digest([number, parent, list(run.values())])
            connection.execute("INSERT INTO run_chain VALUES (?, ?, ?)", [number, run.uid, sum_])
            journal.enter(connection, "run", sum_)

    def head(self) -> str:
        """The digest of the last link of the journal: it stands for all that was kept."""
        with translated(self.path):
            return journal.head(self.connection)


def clock(seconds: float) -> str:
    """A time as people read it: 2026-11-25 14:05 UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def snapshot_digest(connection: sqlite3.Connection, number: int) -> str:
    """SHA-256 over the snapshot's own columns, its parent's digest, and every history row it opened or closed."""
    sum_ = hashlib.sha256()
    header = connection.execute(
        """SELECT id, started, finished, tool, hex(config), hex(ledger), hex(observed), parent
           FROM snapshot WHERE id = ?""",
        [number],
    ).fetchone()
    sum_.update(canonical(list(header)))
    for column in ("first", "until"):
        for record in connection.execute(
            f"SELECT uid, first, kind, table_name, scope, sha FROM resource WHERE {column} = ? ORDER BY uid, first",
            [number],
        ):
            sum_.update(canonical([column, *record]))
    return sum_.hexdigest()


def evaluation_digest(connection: sqlite3.Connection, number: int) -> str:
    """SHA-256 over the evaluation's own columns, its parent's digest, and every verdict it opened or closed."""
    sum_ = hashlib.sha256()
    header = connection.execute("SELECT * FROM evaluation WHERE id = ?", [number]).fetchone()
    sum_.update(canonical(list(header[:-1])))
    for column in ("first", "until"):
        for record in connection.execute(
            f"""SELECT rule, uid, discriminator, first, status, message, because FROM verdict
                WHERE {column} = ? ORDER BY rule, uid, discriminator, first""",
            [number],
        ):
            sum_.update(canonical([column, *record]))
    return sum_.hexdigest()


def projection_digest(connection: sqlite3.Connection) -> str:
    """SHA-256 over every row of every typed table but tierwall_run, which has a chain of its own."""
    sum_ = hashlib.sha256()
    for name, kind in tables().items():
        if name != TierwallRun.table:
            for record in connection.execute(f"SELECT * FROM {name} ORDER BY {', '.join(kind.key)}"):
                sum_.update(json.dumps([name, *record], ensure_ascii=False).encode())
    return sum_.hexdigest()


def _observed_in(estate: Estate) -> dict[str, Any]:
    found = estate.connection.execute("SELECT uid, observed FROM staged WHERE length(observed) > 0 ORDER BY uid")
    return {uid: unpack(packed) for uid, packed in found}
