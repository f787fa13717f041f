"""Files that others wrote: only regular ones, only inside the root, never more than the limit."""

import os
import socket
import stat
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from scanner.errors import InputError
from scanner.safe.files import create_atomic, read_bytes, walk, write_atomic


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def refusal(path: Path | str, root: Path | None = None, limit: int = 100) -> str:
    with pytest.raises(InputError) as caught:
        read_bytes(path, root, limit)
    return caught.value.problem


def test_a_regular_file_is_read_whole(root: Path) -> None:
    (root / "a.yaml").write_bytes(b"x" * 100)

    assert read_bytes(root / "a.yaml", root, 100) == b"x" * 100


def test_a_file_over_the_limit_is_refused_with_the_limit(root: Path) -> None:
    (root / "a.yaml").write_bytes(b"x" * 101)

    assert refusal(root / "a.yaml") == "is larger than 100 bytes (limit 100)"


def test_a_link_out_of_the_root_is_refused(root: Path) -> None:
    (root / "passwd.yaml").symlink_to("/etc/passwd")

    assert refusal(root / "passwd.yaml", root) == f"leads out of {root}"


def test_a_folder_whose_name_only_begins_like_the_root_is_outside_it(root: Path) -> None:
    sibling = root.with_name("root-of-others")
    sibling.mkdir()
    (sibling / "a.yaml").write_text("x")
    (root / "a.yaml").symlink_to(sibling / "a.yaml")

    assert refusal(root / "a.yaml", root) == f"leads out of {root}"


def test_a_link_inside_the_root_is_followed(root: Path) -> None:
    (root / "real.yaml").write_bytes(b"a: 1")
    (root / "link.yaml").symlink_to("real.yaml")

    assert read_bytes(root / "link.yaml", root) == b"a: 1"


def test_a_link_that_the_user_named_is_followed_anywhere(root: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(b"{}")
    (root / "latest.json").symlink_to(tmp_path / "plan.json")

    assert read_bytes(root / "latest.json") == b"{}"


def test_links_that_lead_to_each_other_are_refused(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")

    assert refusal(root / "a") == "cannot be read: Too many levels of symbolic links"


def test_a_named_pipe_is_refused_without_waiting_for_a_writer(root: Path) -> None:
    os.mkfifo(root / "pipe.yaml")

    assert refusal(root / "pipe.yaml") == "is a named pipe, not a regular file"


def test_a_pipe_that_takes_a_files_place_after_the_check_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lstat saw a regular file; what is opened is a pipe."""
    (root / "a.yaml").write_text("x")
    before = os.lstat(root / "a.yaml")
    (root / "a.yaml").unlink()
    os.mkfifo(root / "a.yaml")
    real = os.lstat
    monkeypatch.setattr(os, "lstat", lambda path, **kw: before if str(path).endswith("a.yaml") else real(path, **kw))

    with pytest.raises(InputError, match="is a named pipe"):
        # realpath uses lstat too, and sees the same regular file
        read_bytes(root / "a.yaml")


def test_sockets_devices_and_folders_are_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)  # a socket's path has at most 108 characters
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.sock")

        assert {name: refusal(name) for name in ("s.sock", "/dev/null", "/dev/zero", ".")} == {
            "s.sock": "is a socket, not a regular file",
            "/dev/null": "is a device, not a regular file",
            "/dev/zero": "is a device, not a regular file",
            ".": "is a directory, not a regular file",
        }


def test_missing_unreadable_and_impossible_paths_are_input_errors(root: Path) -> None:
    assert refusal(root / "none") == "does not exist"
    assert refusal("a\0b") == "is not a valid path"
    assert refusal("x" * 5000) == "cannot be read: File name too long"


@pytest.mark.parametrize(("data", "limit", "expected"), [(b"a: 1", 4, b"a: 1"), (b"a: 12", 4, None)])
def test_a_dash_is_standard_input_with_the_same_limit(
    data: bytes, limit: int, expected: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data)))

    if expected is None:
        assert refusal("-", limit=limit) == "is larger than 4 bytes (limit 4)"
    else:
        assert read_bytes("-", limit=limit) == expected


def test_walking_is_sorted_and_keeps_to_the_suffixes(root: Path) -> None:
    for name in ("b/z.yaml", "b/a.YML", "a.yaml", "c.txt", ".git/x.yaml", "node_modules/y.yaml"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("")

    assert walk(root, {".yaml", ".yml"}) == [root / "a.yaml", root / "b/a.YML", root / "b/z.yaml"]


def test_walking_never_follows_links_to_folders(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/secret.yaml").write_text("")
    (root / "sub").mkdir()
    (root / "sub/a.yaml").write_text("")
    (root / "sub/loop").symlink_to(root)
    (root / "twice").symlink_to("sub")
    (root / "out").symlink_to(tmp_path / "elsewhere")
    refused: list[InputError] = []

    assert walk(root, {".yaml"}, refused=refused) == [root / "sub/a.yaml"]
    assert [str(error) for error in refused] == [f"{root / 'out'}: is a link to a folder outside {root}"]
    with pytest.raises(InputError, match="outside"):
        walk(root, {".yaml"})


def test_walking_lists_special_files_so_that_reading_names_them(root: Path) -> None:
    os.mkfifo(root / "pipe.yaml")
    (root / "passwd.yaml").symlink_to("/etc/passwd")

    assert walk(root, {".yaml"}) == [root / "passwd.yaml", root / "pipe.yaml"]


def test_walking_stops_at_the_limit_of_files(root: Path) -> None:
    for number in range(4):
        (root / f"{number}.yaml").write_text("")

    with pytest.raises(InputError, match=r"holds more than 3 files \(limit 3\)"):
        walk(root, {".yaml"}, max_files=3)


def test_walking_a_file_gives_the_file(root: Path) -> None:
    (root / "a.txt").write_text("")

    assert walk(root / "a.txt", {".yaml"}) == [root / "a.txt"]


def test_a_file_is_replaced_whole_and_with_its_mode(root: Path) -> None:
    (root / "key").write_bytes(b"old")

    write_atomic(root / "key", b"new", mode=0o600)

    assert (root / "key").read_bytes() == b"new"
    assert stat.S_IMODE((root / "key").stat().st_mode) == 0o600
    assert [path.name for path in root.iterdir()] == ["key"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_the_old_file_stays_when_writing_fails(root: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    (root / "report").write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)

    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        write_atomic(root / "report", b"new")
    assert {path.name: path.read_bytes() for path in root.iterdir()} == {"report": b"old"}


def test_only_the_first_to_create_a_file_creates_it(root: Path) -> None:
    assert create_atomic(root / "key", b"first")
    assert not create_atomic(root / "key", b"second")
    assert {path.name: path.read_bytes() for path in root.iterdir()} == {"key": b"first"}
