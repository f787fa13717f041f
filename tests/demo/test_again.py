"""What has not changed is stored once and is no drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.demo.conftest import Scanned

pytestmark = pytest.mark.slow


def test_a_second_scan_adds_less_than_a_twentieth_to_the_database(scanned: Scanned) -> None:
    first, second = scanned.sizes

    assert second < first * 1.05


def test_a_second_scan_is_no_drift(scanned: Scanned) -> None:
    done = scanned.organisation.run("drift", "--db", "tierwall.db", "--exit-code")

    assert (done.returncode, done.stdout.splitlines()) == (0, ["snapshot 1 → 2", "no drift"])


def test_the_database_verifies(scanned: Scanned) -> None:
    done = scanned.organisation.run("verify", "--db", "tierwall.db")

    assert (done.returncode, "2 snapshots and 2 evaluations" in done.stdout) == (0, True)
