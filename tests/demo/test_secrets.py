"""No planted secret is written anywhere, in any spelling; equal secrets are still seen to be equal."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from scanner.store.codec import unpack
from tests.support import acme

if TYPE_CHECKING:
    from tests.demo.conftest import Scanned

pytestmark = pytest.mark.slow


def spellings(secret: str) -> set[bytes]:
    """As it is, as base64 at each offset, and as part of a URL."""
    text = secret.encode()
    shifted = {base64.b64encode(b"x" * n + text)[4 if n else 0 : -4] for n in range(3)}
    return {text, quote(secret, safe="").encode(), base64.b64encode(text), *shifted}


def leaks(content: bytes) -> set[str]:
    return {secret for secret in acme.secrets() if any(form in content for form in spellings(secret))}


def test_a_secret_would_be_seen_in_every_spelling() -> None:
    secret = "PLANTED-shared-database-password"

    assert leaks(secret.encode()) == {secret}
    assert leaks(base64.b64encode(b"password=" + secret.encode() + b";")) == {secret}
    assert leaks(b"postgres://app:" + quote("PLANTED-Console-Password-1!").encode()) == {"PLANTED-Console-Password-1!"}


def test_no_secret_is_in_the_files_or_on_the_terminal(scanned: Scanned, tmp_path: Path) -> None:
    for name in ("tierwall.db", "findings-1.json", "findings-2.json"):
        shutil.copy(scanned.folder / name, tmp_path / name)
    for log in scanned.folder.glob("tierwall.db-*"):
        shutil.copy(log, tmp_path / log.name)
    (tmp_path / "said").write_text("".join(scanned.said))
    done = scanned.organisation.run("report", *acme.SHARED, "--out", str(tmp_path), "--format", "html")
    assert done.returncode == 0, done.stderr

    assert {p.name: leaks(p.read_bytes()) for p in tmp_path.iterdir() if p.is_file() and leaks(p.read_bytes())} == {}
    assert (tmp_path / "tierwall-report.html").stat().st_size > 0


def test_no_secret_is_in_the_documents_once_they_are_unpacked(scanned: Scanned) -> None:
    connection = sqlite3.connect(f"file:{scanned.folder / 'tierwall.db'}?mode=ro", uri=True)
    documents = [json.dumps(unpack(body)).encode() for (body,) in connection.execute("SELECT body FROM document")]
    connection.close()

    assert documents
    assert [d[:200] for d in documents if leaks(d)] == []


@pytest.mark.needs_poppler
def test_no_secret_is_in_the_text_of_the_pdf(scanned: Scanned, tmp_path: Path) -> None:
    done = scanned.organisation.run("report", *acme.SHARED, "--out", str(tmp_path), "--format", "pdf")
    assert done.returncode == 0, done.stderr
    text = subprocess.run(
        ["pdftotext", str(tmp_path / "tierwall-report.pdf"), "-"], capture_output=True, check=True
    ).stdout

    assert b"invoices" in text
    assert leaks(text) == set()


def test_equal_secrets_of_two_environments_have_equal_hashes(scanned: Scanned) -> None:
    """Production's layer, staging's layer and a container's variable hold the same password."""
    connection = sqlite3.connect(f"file:{scanned.folder / 'tierwall.db'}?mode=ro", uri=True)
    hashes = dict(
        connection.execute(
            "SELECT uid, value_hash FROM config_value WHERE key_path = 'database.password' AND kind = 'literal' "
            "UNION ALL SELECT uid, value FROM kubernetes_container_variable "
            "WHERE variable = 'DATABASE_PASSWORD' AND uid LIKE '%/reconciler'"
        )
    )
    connection.close()

    assert sorted(hashes) == [
        "cfg:production/database.password",
        "cfg:staging/database.password",
        "k8s:prod-eu/payments/Deployment/reconciler",
    ]
    assert len(set(hashes.values())) == 1
    assert "" not in hashes.values()
