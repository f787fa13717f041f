"""Outside text in Markdown: pull request comments, job summaries."""

import re

from scanner.safe.text import plain

_BREAK = "\u200b"  # a zero-width space: what it splits is no mention, reference or link any more

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_PUNCTUATION = re.compile(r"[\\`*_{}\[\]()!|~$]")
_AT_START = re.compile(r"^(\s*)([-+=#]|\d+[.)])")
_REFERENCE = re.compile(r"([@#])(?=\w)|\b(GH-)(?=\d)")
_LINK = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*:)(?=//)|(\bwww)(?=\.)|(\bmailto:|\bxmpp:)")


def inline(text: str) -> str:
    """Text that renders as itself, in a line or in a table's cell: no formatting, HTML, link, image, mention or
    issue reference. Newlines are spaces."""
    text = plain(text).replace(_BREAK, "")
    text = _LINK.sub(lambda match: f"{match[0]}{_BREAK}", text)
    text = _REFERENCE.sub(lambda match: f"{match[0]}{_BREAK}", text)
    text = "".join(_ENTITIES.get(char, char) for char in text)
    text = _PUNCTUATION.sub(r"\\\g<0>", text)
    return _AT_START.sub(lambda match: f"{match[1]}{_escaped_start(match[2])}", text)


def cell(text: str) -> str:
    """Text for a cell of a table: as `inline`, never empty, so that the row keeps its shape."""
    return inline(text).strip() or " "


def _escaped_start(marker: str) -> str:
    """A list, heading or rule begins with these; `1.` is broken before its point."""
    return f"\\{marker}" if len(marker) == 1 else f"{marker[:-1]}\\{marker[-1]}"
