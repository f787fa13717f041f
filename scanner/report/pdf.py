"""The PDF, made from the HTML and from nothing else."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from scanner.errors import ScannerError


class ForbiddenFetch(ScannerError):
    """The report asked for something outside itself: a template of ours is wrong."""

    def __init__(self, url: str) -> None:
        super().__init__(f"the report asks for {url[:200]!r}; a report holds all it needs")
        self.url = url


def render_pdf(html: str) -> bytes:
    """The report as a tagged PDF with bookmarks and page numbers. Equal HTML gives equal bytes.

    Only `data:` addresses are resolved. Raises ForbiddenFetch for any other.
    """
    from weasyprint import HTML
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    class Refusal(FatalURLFetchingError):  # type: ignore[misc]  # WeasyPrint has no types
        """The one family that WeasyPrint passes on; all others it logs and forgets."""

    class DataOnly(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
        def fetch(self, url: str, headers: object = None) -> object:
            if not url.startswith("data:"):
                raise Refusal(url)
            return super().fetch(url, headers)

    try:
        with _uncollected():
            document = HTML(string=html, url_fetcher=DataOnly(allowed_protocols=("data",), allow_redirects=False))
            pdf: bytes = document.write_pdf(pdf_tags=True)
    except Refusal as refused:
        raise ForbiddenFetch(str(refused)) from refused
    return pdf


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles: millions of boxes that all stay alive are looked through again and again, for a
    fifth of the time and hardly any memory."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
