"""Outside text in GitHub's workflow commands: `::error file=…,line=…::message`."""

from scanner.safe.text import plain


def data(text: str) -> str:
    """A command's message. Newlines are kept, escaped."""
    text = plain(text, multiline=True)
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def prop(text: str) -> str:
    """A command's property: a file, a title."""
    return data(text).replace(":", "%3A").replace(",", "%2C")
