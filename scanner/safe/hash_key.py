"""The organisation's key for hashing secrets: where it comes from, and what makes it unfit."""

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from scanner.errors import InputError
from scanner.safe.files import create_atomic, read_bytes, shown

VARIABLE = "TIERWALL_HASH_KEY"
BYTES = 32

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_URL_SAFE = str.maketrans("-_", "+/")
_MAKE_ONE = "make one with `openssl rand -hex 32`"


@dataclass(frozen=True, slots=True)
class HashKey:
    """A key of 32 bytes or more. It is never written to the database, a log or a report; its id is."""

    secret: bytes = field(repr=False)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        if len(self.secret) < BYTES:
            raise InputError("hash key", f"has {len(self.secret)} bytes; {BYTES} are needed", _MAKE_ONE)
        object.__setattr__(self, "id", hmac.new(self.secret, b"key id\0", hashlib.sha256).hexdigest()[:8])

    @classmethod
    def parse(cls, text: str, where: str) -> Self:
        """A key from hexadecimal digits or base64. Raises InputError, which never quotes the key."""
        body = "".join(text.split())
        if _HEX.fullmatch(body):
            key = bytes.fromhex(body)
        else:
            digits = body.rstrip("=").translate(_URL_SAFE)
            try:
                key = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
            except (binascii.Error, ValueError):
                # Without the cause: its message could quote a part of the key.
                raise InputError(where, "holds a hash key that is neither hexadecimal nor base64", _MAKE_ONE) from None
        if len(key) < BYTES:
            raise InputError(where, f"holds a hash key of {len(key)} bytes; {BYTES} are needed", _MAKE_ONE)
        return cls(key)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """A key from a file that only its owner may read. Raises InputError."""
        data = read_bytes(path, limit=10_000)
        mode = stat.S_IMODE(os.stat(path).st_mode)
        if mode & 0o077:
            raise InputError(shown(path), f"may be read by others (mode {mode:04o})", f"run `chmod 600 {shown(path)}`")
        try:
            text = data.decode("ascii")
        except UnicodeDecodeError:
            raise InputError(
                shown(path), "holds a hash key that is neither hexadecimal nor base64", _MAKE_ONE
            ) from None
        return cls.parse(text, shown(path))

    @classmethod
    def find(cls, file: str | Path | None = None, environ: Mapping[str, str] | None = None) -> Self:
        """The key of `--hash-key FILE`, else of TIERWALL_HASH_KEY, else of the user's state folder, where the first
        run makes one. Raises InputError."""
        variables = os.environ if environ is None else environ
        if file is not None:
            return cls.read(file)
        if VARIABLE in variables:
            return cls.parse(variables[VARIABLE], VARIABLE)
        path = state_file(variables)
        if not path.exists():
            _make(path)
        return cls.read(path)


def state_file(environ: Mapping[str, str]) -> Path:
    """`tierwall/hash.key` in the user's state folder (XDG base directory specification). Raises InputError."""
    state = environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(state):  # the specification: a relative path is invalid and ignored
        return Path(state, "tierwall", "hash.key")
    home = environ.get("HOME", "")
    if not home:
        raise InputError("hash key", "there is no home folder to keep it in", f"set {VARIABLE} or give --hash-key FILE")
    return Path(home, ".local", "state", "tierwall", "hash.key")


def _make(path: Path) -> None:
    """Write a random key. If another process was first, its key stays."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        hint = f"set {VARIABLE} or give --hash-key FILE"
        raise InputError(shown(path), f"cannot be written: {error.strerror}", hint) from error
    create_atomic(path, secrets.token_hex(BYTES).encode() + b"\n", mode=0o600)
