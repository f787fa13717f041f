"""Outside text in a CSV cell, which a spreadsheet may take for a formula (CWE-1236)."""

from scanner.safe.text import plain

# Excel and LibreOffice start a formula at these, the full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_TRIGGERS = (*_FORMULA, "\t", "\r")


def cell(value: object) -> str | int | float:
    """One cell for csv.writer: numbers stay numbers, None is empty, text that a spreadsheet would calculate gets a
    leading apostrophe, controls are removed and newlines are spaces."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    raw = str(value)
    text = plain(raw)
    return f"'{text}" if raw.startswith(_TRIGGERS) or text.lstrip().startswith(_FORMULA) else text
