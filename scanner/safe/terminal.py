"""Outside text on a terminal and in plain logs."""

from scanner.safe.text import plain


def clean(text: str, *, multiline: bool = False) -> str:
    """Text that cannot move the cursor, set a title, hide or reorder anything: no escape sequences (CSI, OSC and the
    rest), C0 and C1 controls, or bidirectional controls. Newlines become spaces unless `multiline`."""
    return plain(text, multiline=multiline)
