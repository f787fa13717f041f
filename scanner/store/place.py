"""The place a database is in: SQLite's and the system's errors in our words, kinds of file systems, free space.

SQLite's write-ahead log needs memory that all processes share, which a network file system does not give:
https://www.sqlite.org/wal.html#overview
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from scanner.errors import StoreError

WRITE_WAIT_SECONDS = 60
LEAST_FREE_BYTES = 64_000_000
MOUNTS = Path("/proc/self/mountinfo")  # https://www.kernel.org/doc/html/latest/filesystems/proc.html, 3.5
_NETWORK = frozenset(
    {"afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph", "fuse.davfs", "fuse.davfs2", "fuse.glusterfs",
     "fuse.s3fs", "fuse.sshfs", "fuse.rclone", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2",
     "orangefs", "smb3", "smbfs"}
)  # fmt: skip
_SHARED = frozenset({"9p", "drvfs", "fuse.vmhgfs-fuse", "vboxsf", "virtiofs"})  # of a virtual machine with its host


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors as ours, in words that say what to do."""
    try:
        yield
    except sqlite3.DatabaseError as e:
        text = str(e)
        hint = {
            "database or disk is full": "the disk is full; nothing was changed",
            "database is locked": f"another process has been writing for over {WRITE_WAIT_SECONDS} s; try again",
            "attempt to write a readonly database": (
                "cannot be written; check its permissions and its folder's, or name another with --db"
            ),
            "file is not a database": "is not an SQLite database; name another file with --db",
            "database disk image is malformed": "is damaged; restore it from a backup",
        }.get(text, text)
        raise StoreError(path, hint) from e
    except OSError as e:
        problem = (e.strerror or str(e)).lower()
        hint = "" if e.errno == errno.ENOSPC else "; name one in a folder that you may write to with --db"
        raise StoreError(path, problem + hint) from e


def file_system(path: Path) -> str:
    """The kind of file system the path is on, as the kernel names it: ext4, nfs4. '' where it does not say."""
    try:
        device = os.stat(path if path.exists() else path.absolute().parent).st_dev
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    found = [re.split(r" - ", line, maxsplit=1) for line in mounts.splitlines() if line.split()[2:3] == [wanted]]
    return found[-1][1].split()[0] if found and len(found[-1]) == 2 else ""


def refuse_network(path: Path) -> None:
    """Raises StoreError for a database on a network file system."""
    kind = file_system(path)
    if kind in _NETWORK:
        raise StoreError(
            path, f"is on a network file system ({kind}), which SQLite cannot use safely; name a local --db"
        )


def cautions(path: Path) -> list[str]:
    """What may go wrong with a collection beside this database, a sentence each.

    Raises StoreError on a network file system and when less space is free than any collection needs. A stage
    and the log of publishing it are each at most as large as the database: that holds one snapshot in typed tables,
    and all documents.
    """
    refuse_network(path)
    found = []
    if (kind := file_system(path)) in _SHARED:
        found.append(f"database {path}: is on a shared folder ({kind}); if SQLite reports errors, name a local --db")
    with translated(path):
        free, size = free_bytes(path), path.stat().st_size
    if free < LEAST_FREE_BYTES:
        raise StoreError(
            path, f"only {_megabytes(free)} are free beside it; a scan needs {_megabytes(LEAST_FREE_BYTES)}"
        )
    if free < (enough := 2 * size + LEAST_FREE_BYTES):
        found.append(f"database {path}: {_megabytes(free)} are free beside it; a scan may need {_megabytes(enough)}")
    return found


def free_bytes(path: Path) -> int:
    """Bytes that may still be written beside the path. Raises OSError."""
    where = os.statvfs(path.absolute().parent)
    return where.f_bavail * where.f_frsize


def _megabytes(number: int) -> str:
    return f"{number / 1_000_000:.0f} MB"
