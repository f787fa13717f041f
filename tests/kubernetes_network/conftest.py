"""Fixtures of the tests that scan a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kubernetes import Scanner, scanning


@pytest.fixture
def scan(tmp_path: Path) -> Iterator[Scanner]:
    """Scan a running server into a stage of its own."""
    yield from scanning(tmp_path)
