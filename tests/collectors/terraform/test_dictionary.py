"""The page of Terraform types is what the code says."""

from __future__ import annotations

from pathlib import Path

from scanner.collectors.terraform.dictionary import markdown, types

PAGE = Path(__file__).resolve().parents[3] / "docs" / "terraform.md"


def test_the_page_is_written_anew() -> None:
    """Run `make documents`."""
    assert PAGE.read_text() == markdown()


def test_every_default_has_its_source() -> None:
    rows = [line for line in markdown().partition("## Defaults")[2].splitlines() if line.startswith("| `")]

    assert len(rows) > 30
    assert all(" | https://" in row for row in rows)


def test_every_type_is_on_the_page() -> None:
    assert [name for name in types() if f"`{name}`" not in markdown()] == []
