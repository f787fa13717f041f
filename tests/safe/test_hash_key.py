"""The key for hashing secrets: where it is found, and when it is refused."""

import base64
import stat
from pathlib import Path

import pytest

from scanner.errors import InputError
from scanner.safe.secrets import HashKey

KEY = bytes(range(32))


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        HashKey.parse(text, "TIERWALL_HASH_KEY")
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        f"{KEY.hex().upper()}\n",
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode().rstrip("="),
    ],
)
def test_a_key_is_hexadecimal_or_base64(text: str) -> None:
    assert HashKey.parse(text, "x") == HashKey(KEY)


def test_short_and_malformed_keys_are_refused_without_being_quoted() -> None:
    hint = "make one with `openssl rand -hex 32`"
    assert refusal("abcd" * 5) == f"TIERWALL_HASH_KEY: holds a hash key of 10 bytes; 32 are needed; {hint}"
    assert refusal("hunter2!") == f"TIERWALL_HASH_KEY: holds a hash key that is neither hexadecimal nor base64; {hint}"
    assert refusal("") == f"TIERWALL_HASH_KEY: holds a hash key of 0 bytes; 32 are needed; {hint}"


def test_the_key_shows_its_id_and_never_itself() -> None:
    key = HashKey(KEY)

    assert repr(key) == f"HashKey(id='{key.id}')"
    assert len(key.id) == 8
    assert key.id not in KEY.hex()
    assert key.id != HashKey(KEY[::-1]).id


def test_the_named_file_comes_before_the_variable_and_the_variable_before_the_state_folder(tmp_path: Path) -> None:
    named = tmp_path / "named.key"
    named.write_text("11" * 32)
    named.chmod(0o600)
    environ = {"TIERWALL_HASH_KEY": "22" * 32, "XDG_STATE_HOME": str(tmp_path)}

    assert HashKey.find(named, environ) == HashKey(b"\x11" * 32)
    assert HashKey.find(None, environ) == HashKey(b"\x22" * 32)
    assert not (tmp_path / "tierwall").exists()


@pytest.mark.parametrize(("variable", "folder"), [("XDG_STATE_HOME", "tierwall"), ("HOME", ".local/state/tierwall")])
def test_the_first_run_makes_a_key_for_the_user_alone_and_later_runs_find_it(
    tmp_path: Path, variable: str, folder: str
) -> None:
    environ = {variable: str(tmp_path)}
    first = HashKey.find(environ=environ)
    path = tmp_path / folder / "hash.key"

    assert HashKey.find(environ=environ) == first
    assert len(first.secret) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["hash.key"]


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hash.key"
    path.write_text("11" * 32)
    path.chmod(0o640)

    with pytest.raises(InputError) as caught:
        HashKey.read(path)
    assert str(caught.value) == f"{path}: may be read by others (mode 0640); run `chmod 600 {path}`"


def test_without_any_place_for_a_key_the_user_is_told_what_to_do() -> None:
    with pytest.raises(InputError, match="set TIERWALL_HASH_KEY or give --hash-key FILE"):
        HashKey.find(environ={})


def test_a_key_of_fewer_than_32_bytes_cannot_be_made() -> None:
    with pytest.raises(InputError, match="has 31 bytes; 32 are needed"):
        HashKey(KEY[:31])
