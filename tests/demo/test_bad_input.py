"""Whatever is wrong is told in one line, with the right number, and leaves the database as it was."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import acme
from tests.support.acme import Acme

if TYPE_CHECKING:
    from fixtures.servers.kubernetes_api import KubernetesApi

pytestmark = pytest.mark.slow
Break = Callable[[Acme], object]
NOWHERE = "http://127.0.0.1:9"  # the port of «discard»: nobody listens


# --- what is broken ---------------------------------------------------------------------------------------------------


def edit(name: str, old: str, new: str) -> Break:
    """Replace something in a file of the folder."""

    def change(here: Acme) -> None:
        path = here.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


def write(name: str, content: str) -> Break:
    """Put a file into the folder."""

    def change(here: Acme) -> None:
        path = here.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")

    return change


def nothing(here: Acme) -> None:
    """What is asked for is wrong by itself."""


def nobody_listens(here: Acme) -> None:
    """Both clusters' addresses lead nowhere."""
    for name in acme.CLUSTERS:
        path = here.folder / f"{name}.kubeconfig"
        lines = path.read_text(encoding="utf-8").splitlines()
        changed = [
            line.split('"server"')[0] + '"server": "https://127.0.0.1:9",' if '"server"' in line else line
            for line in lines
        ]
        path.write_text("\n".join(changed), encoding="utf-8")


def newer(here: Acme) -> None:
    connection = sqlite3.connect(here.folder / "tierwall.db")
    connection.execute("PRAGMA user_version = 9999")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def of_another_program(here: Acme) -> None:
    (here.folder / "tierwall.db").unlink()
    connection = sqlite3.connect(here.folder / "tierwall.db")
    connection.execute("CREATE TABLE song (title)")
    connection.commit()
    connection.close()


def a_folder(here: Acme) -> None:
    (here.folder / "tierwall.db").unlink()
    (here.folder / "tierwall.db").mkdir()


def damaged(here: Acme) -> None:
    """Half of its pages are not what they were."""
    path = here.folder / "tierwall.db"
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 8192):
        content[start : start + 4096] = b"\xa5" * len(content[start : start + 4096])
    path.write_bytes(content)


# --- the table: what is broken, the command, its environment, the exit code, a word of the line -----------------------

SCAN = ["scan", "-q", *acme.SHARED]


def only(source: str) -> list[str]:
    return [*SCAN, "--source", source]


CONFIG = only("config")
NO_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
CASES: dict[str, tuple[Break, list[str], dict[str, str], int, str]] = {
    "no credentials": (nothing, only("aws"), NO_CREDENTIALS, 3, "AWS_PROFILE"),
    "an AWS endpoint where nobody is": (nothing, only("aws"), {"AWS_ENDPOINT_URL": NOWHERE}, 3, "127.0.0.1:9"),
    "an AWS endpoint that is no address": (nothing, only("aws"), {"AWS_ENDPOINT_URL": "acme"}, 2, "AWS_ENDPOINT_URL"),
    "an AWS profile that does not exist": (nothing, only("aws"), {"AWS_PROFILE": "nobody"}, 2, "nobody"),
    "unknown region": (
        edit("tierwall.yaml", "regions: [eu-west-1]", "regions: [eu-wets-1]"), only("aws"), {}, 2, "eu-wets-1",
    ),
    "an external id that nobody set": (
        edit("tierwall.yaml", 'prod: {id: "111111111111"', 'prod: {external_id_env: NO_ID, id: "111111111111"'),
        only("aws"), {}, 2, "NO_ID",
    ),
    "unreachable clusters": (nobody_listens, only("kubernetes"), {}, 3, "cannot be read"),
    "a kubeconfig that is not there": (
        edit("tierwall.yaml", "./nonprod.kubeconfig", "./none.kubeconfig"), only("kubernetes"), {}, 2,
        "none.kubeconfig",
    ),
    "a kubeconfig of another format": (
        write("nonprod.kubeconfig", "[clusters]\n"), only("kubernetes"), {}, 2, "nonprod.kubeconfig",
    ),
    "malformed configuration": (
        edit("tierwall.yaml", "organization: Acme", "organization: [Acme"), CONFIG, {}, 2, "tierwall.yaml",
    ),
    "misspelt configuration": (
        edit("tierwall.yaml", "organization: Acme", "organisation: Acme"), CONFIG, {}, 2, "organisation",
    ),
    "no configuration of that name": (nothing, [*CONFIG, "-c", "none.yaml"], {}, 2, "none.yaml"),
    "unknown source": (nothing, only("azure"), {}, 2, "azure"),
    "unknown rule": (nothing, [*CONFIG, "--rule", "no-such-rule"], {}, 2, "no-such-rule"),
    "unknown framework": (nothing, [*CONFIG, "--framework", "no-such"], {}, 2, "no-such"),
    "a time that is none": (nothing, [*CONFIG, "--as-of", "tomorrow"], {}, 2, "tomorrow"),
    "unknown output": (nothing, [*CONFIG, "-o", "parchment"], {}, 2, "parchment"),
    "an output that cannot be written": (nothing, [*CONFIG, "-o", "json:no/such/place.json"], {}, 2, "no/such/place"),
    "a rule that is not YAML": (write("pack/a.yaml", "id: ["), [*CONFIG, "--rules", "pack"], {}, 2, "pack/a.yaml"),
    "hash key that others may read": (
        lambda here: (here.folder / "hash.key").chmod(0o644), CONFIG, {}, 2, "hash.key",
    ),
    "hash key that is none": (write("hash.key", "short"), CONFIG, {}, 2, "hash.key"),
    "database of a newer release": (newer, CONFIG, {}, 4, "newer"),
    "database that is none": (write("tierwall.db", "not a database\n" * 500), CONFIG, {}, 4, "not an SQLite database"),
    "database of another program": (of_another_program, CONFIG, {}, 4, "not a Tierwall database"),
    "database that is a folder": (a_folder, CONFIG, {}, 4, "tierwall.db"),
    "damaged database": (damaged, CONFIG, {}, 4, "tierwall"),
    "snapshot that does not exist": (nothing, ["evaluate", *acme.SHARED, "--snapshot", "99"], {}, 2, "99"),
    "query that is no SQL": (nothing, ["query", "--db", "tierwall.db", "SELEC"], {}, 2, "SELEC"),
    "plan of another tool": (write("plan.json", '{"resources": {}}'), ["gate", "plan.json"], {}, 2, "plan.json"),
    "plan that is cut off": (write("plan.json", '{"format_version"'), ["gate", "plan.json"], {}, 2, "plan.json"),
    "manifest that is not YAML": (write("web.yaml", "kind: [Pod\n"), ["gate", "web.yaml"], {}, 2, "web.yaml"),
    "manifest that is not there": (nothing, ["gate", "none.yaml"], {}, 2, "none.yaml"),
    "no command": (nothing, [], {}, 2, "--help"),
    "unknown option": (nothing, [*CONFIG, "--azure"], {}, 2, "--azure"),
}  # fmt: skip


@pytest.fixture(scope="module")
def good(
    organisation: Acme, servers: tuple[Path, list[KubernetesApi]], tmp_path_factory: pytest.TempPathFactory
) -> Acme:
    """A folder with a database of one snapshot, in one file."""
    here = organisation.copy(tmp_path_factory.mktemp("good") / "acme")
    for name in acme.CLUSTERS:
        shutil.copyfile(servers[0] / f"{name}.kubeconfig", here.folder / f"{name}.kubeconfig")
    done = here.run(*CONFIG, "-o", "json:findings.json")
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(here.folder / "tierwall.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return here


def digests(folder: Path) -> dict[str, str]:
    """Of the database and all that belongs to it. A log that is empty is none."""
    found = {p.name: p.read_bytes() if p.is_file() else b"" for p in folder.glob("tierwall.db*")}
    found = {name: content for name, content in found.items() if content or name == "tierwall.db"}
    return {name: hashlib.sha256(c).hexdigest() for name, c in found.items() if not name.endswith("-shm")}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_line_and_changes_nothing(good: Acme, tmp_path: Path, case: str) -> None:
    damage, arguments, environment, code, word = CASES[case]
    here = good.copy(tmp_path / "acme")
    damage(here)
    before = digests(here.folder)

    done = here.run(*arguments, **environment)

    assert (done.returncode, done.stderr.count("\n"), word in done.stderr) == (code, 1, True), done.stderr
    assert done.stderr.startswith("tierwall: ")
    assert done.stdout == ""
    assert digests(here.folder) == before


@pytest.mark.parametrize("size", [4096, 100_000, 1_000_000, 2_000_000])
def test_a_full_disk_is_one_line_and_leaves_nothing_half_done(good: Acme, tmp_path: Path, size: int) -> None:
    """A limit on the size of files stands for the disk: what is written beyond it fails.

    Where the snapshot still had room but its judgement had not, the snapshot stays.
    """
    here = good.copy(tmp_path / "acme")
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); "
        "from scanner.__main__ import run; run()"
    )
    before = digests(here.folder)
    done = here.execute([here.command()[0], "-c", program, *CONFIG, "-o", "json:findings.json"])

    if done.returncode:
        assert (done.returncode, done.stderr.count("\n"), "tierwall: " in done.stderr) == (4, 1, True), done.stderr
    assert done.returncode or size > 100_000
    assert digests(here.folder) == before or size > 100_000
    assert here.run("verify", "--db", "tierwall.db").returncode == 0


def test_a_database_that_may_only_be_read_is_one_line_and_changes_nothing(good: Acme, tmp_path: Path) -> None:
    here = good.copy(tmp_path / "acme")
    (here.folder / "tierwall.db").chmod(0o444)
    before = digests(here.folder)
    # root may write all the same, unless the capability for it is taken away
    mortal = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    done = here.execute([*mortal, *here.command(*CONFIG)])

    assert (done.returncode, done.stderr) == (
        4,
        "tierwall: database tierwall.db: cannot be written; check its permissions and its folder's, or name another "
        "with --db\n",
    )
    assert digests(here.folder) == before


def test_a_folder_that_cannot_be_written_is_one_line(good: Acme, tmp_path: Path) -> None:
    here = good.copy(tmp_path / "acme")

    done = here.run("scan", "-q", "--db", "/proc/tierwall.db", "--hash-key", "hash.key", "--source", "config")

    assert (done.returncode, done.stderr.count("\n"), "/proc/tierwall.db" in done.stderr) == (4, 1, True), done.stderr
