"""Outside text in XML, such as JUnit reports. Escaping is ElementTree's; what XML cannot hold at all is removed."""

import re

from scanner.safe.text import plain

_FORBIDDEN = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")  # not characters (XML 1.0, section 2.2)


def clean(text: str, *, multiline: bool = True) -> str:
    """Text of characters that XML 1.0 allows."""
    return _FORBIDDEN.sub("", plain(text, multiline=multiline))
