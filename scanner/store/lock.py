"""One collection at a time for a database. The kernel gives the lock back however its process ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from scanner.errors import StoreError
from scanner.store.place import translated


class BusyError(StoreError):
    """Another process collects into the database: later is soon enough."""


class CollectionLock:
    """Held from `take` to `release`. Its file says which process holds it, and is gone when nobody does."""

    def __init__(self, path: Path, handle: int) -> None:
        self._path = path
        self._handle = handle

    @classmethod
    def take(cls, database: Path) -> CollectionLock:
        """Raises BusyError when another process holds it, StoreError where there are no locks."""
        path = _path(database)
        while True:
            with translated(database):
                handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                holder = _number(handle)
                os.close(handle)
                by = f" (process {holder})" if holder else ""
                raise BusyError(
                    database, f"another scan is writing to it{by}; wait for it, or name another --db"
                ) from e
            except OSError as e:  # a file system without locks
                os.close(handle)
                raise StoreError(database, f"cannot be locked: {(e.strerror or str(e)).lower()}") from e
            if _is_at(path, handle):
                os.ftruncate(handle, 0)
                os.pwrite(handle, str(os.getpid()).encode(), 0)
                return cls(path, handle)
            os.close(handle)  # its last holder removed the file between our two calls

    @classmethod
    def holder(cls, database: Path) -> str:
        """The number of the process that holds it, '' if none does."""
        try:
            handle = os.open(_path(database), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return ""
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _number(handle)
        else:
            return ""
        finally:
            os.close(handle)

    def release(self) -> None:
        """Give it back."""
        self._path.unlink(missing_ok=True)  # while it is still held: whoever waits sees that the file is another
        os.close(self._handle)


def _path(database: Path) -> Path:
    return database.with_name(f"{database.name}-lock")


def _number(handle: int) -> str:
    return os.pread(handle, 20, 0).decode("ascii", "replace").strip()


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False
