"""One estate for all tests that only read, and one full scan of it, whose answers later scans repeat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.store import Estate
from tests.support import aws
from tests.support.replay import Replay, tagging


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    """A server with the estate in it; no answer changes from here on."""
    with pytest.MonkeyPatch.context() as patch:
        url = aws.reset()
        aws.environment(patch, url)
        aws.fill()
        with aws.replaying():
            yield url


@pytest.fixture(scope="module")
def full(cloud: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """The scan that nobody disturbed."""
    with aws.scan(tmp_path_factory.mktemp("full")) as estate:
        yield estate


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Replay, Estate]]:
    """The estate behind a server that repeats its answers and can fail, and the scan that nobody disturbed."""
    with pytest.MonkeyPatch.context() as patch:
        aws.environment(patch, aws.reset())
        aws.fill()
        with Replay(aws.server()) as api, tagging():
            aws.environment(patch, api.url)
            with aws.scan(tmp_path_factory.mktemp("full")) as estate:
                yield api, estate


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> str:
    """A server with nothing in it, for tests that build something themselves."""
    url = aws.reset()
    aws.environment(monkeypatch, url)
    return url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
