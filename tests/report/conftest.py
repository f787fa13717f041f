"""One report for all tests that only look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.frameworks import load_frameworks
from scanner.report import render_html, render_pdf
from scanner.results import Result
from tests.report.pages import Element, read
from tests.support.results import FRAMEWORKS, result

ORGANISATION = 'Acme <Health> & "Sons"'


@pytest.fixture(scope="session")
def view() -> Result:
    """Small frameworks, which reach every status, beside one that is shipped."""
    return result(2, frameworks=(*FRAMEWORKS, *load_frameworks(names=["sox"])))


@pytest.fixture(scope="session")
def html(view: Result) -> str:
    return render_html(view, ORGANISATION)


@pytest.fixture(scope="session")
def page(html: str) -> Element:
    return read(html)


@pytest.fixture(scope="session")
def small() -> Result:
    """Fewer pages, for laying out a page costs more than writing it."""
    return result(1)


@pytest.fixture(scope="session")
def pdf(small: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.pdf"
    path.write_bytes(render_pdf(render_html(small, ORGANISATION)))
    return path
