"""The one way to open files that others wrote, and to replace files of our own without ever leaving half of one."""

import os
import re
import secrets
import stat
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from scanner.errors import InputError

DEFAULT_LIMIT = 5_000_000  # bytes
MAX_FILES = 20_000
STDIN = "-"
_OPENED = re.compile(r"/dev/(?:stdin|fd/(\d{1,4}))")
# Folders that hold copies, caches or history, never what a team deploys.
SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn", ".terraform", ".venv", "__pycache__", "node_modules"})

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_bytes(path: str | Path, root: str | Path | None = None, limit: int = DEFAULT_LIMIT) -> bytes:
    """A regular file's content, or that of a stream, see `is_stream`; never more than `limit` bytes.

    With `root`, links are followed only while they stay inside it. Without, the user named the path, and a link
    is what they meant. Other pipes, sockets and devices are refused without being opened.
    Raises InputError.
    """
    where = shown(path)
    if root is None and is_stream(path):
        return _read_stream(where, limit)
    real = _resolve(path, root)
    try:
        _require_regular(os.lstat(real).st_mode, where)
        # Neither flag matters for a regular file; both do if the name changed hands since lstat.
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _refusal(where, error) from error
    try:
        state = os.fstat(handle)
        _require_regular(state.st_mode, where)
        if state.st_size > limit:
            raise _too_large(where, limit)
        data = b"".join(_chunks(handle, limit))
    except OSError as error:
        raise _refusal(where, error) from error
    finally:
        os.close(handle)
    if len(data) > limit:  # it grew while it was read
        raise _too_large(where, limit)
    return data


def walk(
    root: str | Path,
    suffixes: Collection[str],
    max_files: int = MAX_FILES,
    *,
    refused: list[InputError] | None = None,
    skip: Collection[str] = SKIPPED_FOLDERS,
) -> list[Path]:
    """Files under `root` whose names end in one of `suffixes` (`.yaml`), sorted; `root` itself if it is a file.

    Links to folders are never followed, so there are no loops: what lies inside `root` is found under its own
    name. A folder that cannot be read, or a link to one outside `root`, goes to `refused`; without such a list the
    first raises. Links to files and special files are listed: `read_bytes(path, root)` is what refuses them.
    Raises InputError, also when there are more than `max_files`.
    """
    start = Path(root)
    real_root = _resolve(start, None)
    if not os.path.isdir(real_root):
        return [start]
    endings = tuple(suffix.lower() for suffix in suffixes)
    found: list[Path] = []
    folders = [start]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            _refuse(_refusal(shown(folder), error), refused)
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in skip:
                    folders.append(Path(entry.path))
            elif entry.is_symlink() and os.path.isdir(entry.path):
                if not _inside(os.path.realpath(entry.path), real_root):
                    _refuse(InputError(shown(entry.path), f"is a link to a folder outside {shown(root)}"), refused)
            elif entry.name.lower().endswith(endings):
                found.append(Path(entry.path))
                if len(found) > max_files:
                    raise InputError(shown(root), f"holds more than {max_files} files (limit {max_files})")
    return sorted(found)


def write_atomic(path: str | Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace a file in one step: it holds the old content or the new one, also after a crash or on a full disk.

    `mode` is narrowed by the umask; give 0o600 for what only the user may read. Raises InputError.
    """
    target = Path(path)
    temporary = _write_temporary(target, data, mode)
    try:
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _refusal(shown(path), error, verb="written") from error


def check_writable(path: str | Path) -> None:
    """Refuse a file that could not be written as things stand. Raises InputError."""
    folder = Path(path).absolute().parent
    if Path(path).is_dir():
        raise InputError(shown(path), "cannot be written: is a directory")
    if not folder.is_dir():
        raise InputError(shown(path), "cannot be written: its folder does not exist")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(shown(path), "cannot be written: its folder may not be written to")


def make_folder(path: str | Path) -> None:
    """Make a folder, and those above it, that may be written to. Raises InputError."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(shown(path), error, verb="written") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise InputError(shown(path), "cannot be written", "name a folder that you may write to")


def create_atomic(path: str | Path, data: bytes, *, mode: int = 0o600) -> bool:
    """Create a file that must not exist yet; false if another process created it first. Raises InputError."""
    target = Path(path)
    temporary = _write_temporary(target, data, mode)
    try:
        os.link(temporary, target)
        _sync_folder(target.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise _refusal(shown(path), error, verb="written") from error
    finally:
        temporary.unlink(missing_ok=True)
    return True


def shown(path: str | Path) -> str:
    """A path for a message: bytes that are not UTF-8 become U+FFFD."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _write_temporary(target: Path, data: bytes, mode: int) -> Path:
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except OSError as error:
        raise _refusal(shown(target), error, verb="written") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _refusal(shown(target), error, verb="written") from error
    return temporary


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power loss."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _resolve(path: str | Path, root: str | Path | None) -> str:
    where = shown(path)
    try:
        real = os.path.realpath(path, strict=True)
        if root is not None and not _inside(real, os.path.realpath(root, strict=True)):
            raise InputError(where, f"leads out of {shown(root)}", "links are followed only inside the scanned folder")
    except OSError as error:
        raise _refusal(where, error) from error
    except ValueError as error:  # a NUL in the path
        raise InputError(where.replace("\0", "\ufffd"), "is not a valid path") from error
    return real


def _inside(real: str, real_root: str) -> bool:
    return os.path.commonpath((real, real_root)) == real_root


def _require_regular(mode: int, where: str) -> None:
    if stat.S_ISREG(mode):
        return
    kind = next((name for matches, name in _KINDS if matches(mode)), "a special file")
    hint = "give `-` to read from standard input" if stat.S_ISFIFO(mode) else ""
    raise InputError(where, f"is {kind}, not a regular file", hint)


def _chunks(handle: int, limit: int) -> Iterator[bytes]:
    """At most `limit` + 1 bytes, so that the caller sees when there were more."""
    left = limit + 1
    while left > 0:
        chunk = os.read(handle, min(left, 1 << 20))
        if not chunk:
            return
        left -= len(chunk)
        yield chunk


_streams: dict[int, tuple[BinaryIO, bytes]] = {}  # what came of each, by its number


def is_stream(path: str | Path) -> bool:
    """Standard input, `-`, or what the shell handed over already open: /dev/stdin, or `<(…)`, which is /dev/fd/63."""
    return str(path) == STDIN or _OPENED.fullmatch(str(path)) is not None


def _read_stream(name: str, limit: int) -> bytes:
    """A stream comes once: who asks again, as after looking at what it is, gets the same."""
    opened = _OPENED.fullmatch(name)
    number = int(opened[1]) if opened and opened[1] else 0
    where = name if number else "standard input"
    known = _streams.get(number)
    try:
        if known is None or (not number and known[0] is not sys.stdin.buffer):
            stream = os.fdopen(os.dup(number), "rb") if number else sys.stdin.buffer
            known = _streams[number] = stream, stream.read(limit + 1)
    except OSError as error:
        raise _refusal(where, error) from error
    if len(known[1]) > limit:
        raise _too_large(where, limit)
    return known[1]


def _too_large(where: str, limit: int) -> InputError:
    return InputError(where, f"is larger than {limit:,} bytes (limit {limit:,})")


def refusal(path: str | Path, error: OSError) -> InputError:
    """The error to raise where a file cannot be opened."""
    return _refusal(shown(path), error)


def _refusal(where: str, error: OSError, *, verb: str = "read") -> InputError:
    if isinstance(error, FileNotFoundError) and verb == "read":
        return InputError(where, "does not exist")
    return InputError(where, f"cannot be {verb}: {error.strerror or error}")


def _refuse(error: InputError, refused: list[InputError] | None) -> None:
    if refused is None:
        raise error
    refused.append(error)
