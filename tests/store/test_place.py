"""Where a database may be, and what is said of places where it may fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scanner.errors import StoreError
from scanner.store import Store, place


def mounted(monkeypatch: pytest.MonkeyPatch, folder: Path, kind: str) -> None:
    """A mount table in which the folder is on a file system of this kind."""
    device = os.stat(folder).st_dev
    table = folder.parent / "mountinfo"
    table.write_text(
        "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
        f"27 1 {os.major(device)}:{os.minor(device)} / /srv\\040data rw shared:1 master:2 - {kind} host:/x rw\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(place, "MOUNTS", table)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_database_on_a_network_file_system_is_refused_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    (tmp_path / "share").mkdir()
    mounted(monkeypatch, tmp_path / "share", kind)
    with pytest.raises(StoreError, match=rf"is on a network file system \({kind}\).*name a local --db"):
        Store.open(tmp_path / "share" / "tierwall.db")
    assert list((tmp_path / "share").iterdir()) == []


def test_a_present_database_on_a_network_file_system_is_not_collected_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "share").mkdir()
    with Store.open(tmp_path / "share" / "tierwall.db") as store:
        mounted(monkeypatch, tmp_path / "share", "nfs")
        with pytest.raises(StoreError, match="network file system"):
            store.cautions()


def test_a_shared_folder_of_a_virtual_machine_is_a_caution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "share").mkdir()
    mounted(monkeypatch, tmp_path / "share", "9p")
    with Store.open(tmp_path / "share" / "tierwall.db") as store:
        (said,) = store.cautions()
    assert "is on a shared folder (9p)" in said


def test_where_the_kernel_does_not_say_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "MOUNTS", tmp_path / "none")
    assert place.file_system(tmp_path) == ""
    with Store.open(tmp_path / "tierwall.db") as store:
        assert store.cautions() == []


@pytest.mark.parametrize(("free", "told"), [(1_000_000, "only 1 MB are free"), (64_000_001, "a scan may need")])
def test_a_disk_without_room_is_told_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, told: str
) -> None:
    with Store.open(tmp_path / "tierwall.db") as store:
        monkeypatch.setattr(place, "free_bytes", lambda _: free)
        if free < place.LEAST_FREE_BYTES:
            with pytest.raises(StoreError, match=told):
                store.cautions()
        else:
            (said,) = store.cautions()
            assert told in said
