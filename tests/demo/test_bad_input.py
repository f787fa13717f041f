"""Whatever is wrong is told in one line, with the right number, and leaves the database as it was."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import acme
from tests.support.acme import Acme

pytestmark = pytest.mark.soak
Break = Callable[[Acme], None]


def edit(name: str, old: str, new: str) -> Break:
    """Replace something in a file of the folder."""

    def change(here: Acme) -> None:
        path = here.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


def only(*sources: str) -> list[str]:
    return [word for source in sources for word in ("--source", source)]


def nobody_listens(here: Acme) -> None:
    """Both clusters' addresses lead nowhere."""
    for name in acme.CLUSTERS:
        path = here.folder / f"{name}.kubeconfig"
        lines = path.read_text(encoding="utf-8").splitlines()
        changed = [
            line.split("server:")[0] + "server: https://127.0.0.1:9" if "server:" in line else line for line in lines
        ]
        path.write_text("\n".join(changed), encoding="utf-8")


def newer(here: Acme) -> None:
    connection = sqlite3.connect(here.folder / "tierwall.db")
    connection.execute("PRAGMA user_version = 9999")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def garbage(here: Acme) -> None:
    (here.folder / "tierwall.db").write_bytes(b"not a database, but long enough to be one" * 100)


def nothing(here: Acme) -> None:
    pass


NO_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
CASES = {
    "no credentials": (nothing, only("aws"), NO_CREDENTIALS, 3, "AWS_PROFILE"),
    "unreachable clusters": (nobody_listens, only("kubernetes"), {}, 3, "cannot be read"),
    "unknown region": (
        edit("tierwall.yaml", "regions: [eu-west-1]", "regions: [eu-wets-1]"), only("aws"), {}, 2, "eu-wets-1",
    ),
    "malformed configuration": (
        edit("tierwall.yaml", "organization: Acme", "organization: [Acme"), only("config"), {}, 2, "tierwall.yaml",
    ),
    "misspelt configuration": (
        edit("tierwall.yaml", "organization: Acme", "organisation: Acme"), only("config"), {}, 2, "organisation",
    ),
    "unknown source": (nothing, only("azure"), {}, 2, "azure"),
    "database of a newer release": (newer, only("config"), {}, 4, "newer"),
    "no database": (garbage, only("config"), {}, 4, "tierwall.db"),
    "hash key that others may read": (
        lambda here: (here.folder / "hash.key").chmod(0o644), only("config"), {}, 2, "hash.key",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def good(organisation: Acme, tmp_path_factory: pytest.TempPathFactory) -> Acme:
    """A folder with a database of one snapshot."""
    here = organisation.copy(tmp_path_factory.mktemp("good") / "acme")
    assert here.run(*acme.SCAN, *only("config"), "-o", "json:findings.json").returncode == 0
    connection = sqlite3.connect(here.folder / "tierwall.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return here


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "tierwall.db").read_bytes()).hexdigest()


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_line_and_changes_nothing(good: Acme, tmp_path: Path, case: str) -> None:
    damage, arguments, environment, code, word = CASES[case]
    here = good.copy(tmp_path / "acme")
    damage(here)
    before = digest(here.folder)

    done = here.run(*acme.SCAN, *arguments, **environment)

    assert (done.returncode, done.stderr.count("\n"), word in done.stderr) == (code, 1, True), done.stderr
    assert done.stdout == ""
    assert digest(here.folder) == before


def test_a_full_disk_is_one_line_and_changes_nothing(good: Acme, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: what is written beyond it fails."""
    here = good.copy(tmp_path / "acme")
    before = digest(here.folder)
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "
        "from scanner.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = here.command(*acme.SCAN, *only("config"))
    done = here.execute([command[0], "-c", program, *command[3:]])

    assert (done.returncode, done.stderr.count("\n"), "tierwall:" in done.stderr) == (4, 1, True), done.stderr
    assert digest(here.folder) == before


def test_a_folder_that_cannot_be_written_is_one_line(good: Acme, tmp_path: Path) -> None:
    here = good.copy(tmp_path / "acme")
    before = digest(here.folder)

    done = here.run("scan", "-q", "--db", "/proc/tierwall.db", "--hash-key", "hash.key", *only("config"))

    assert (done.returncode, done.stderr.count("\n"), "/proc/tierwall.db" in done.stderr) == (4, 1, True), done.stderr
    assert digest(here.folder) == before
