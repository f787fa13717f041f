"""Outside text in HTML: one environment for all templates, which escapes without exception."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scanner.safe.text import plain

if TYPE_CHECKING:
    from jinja2 import BaseLoader
    from jinja2.sandbox import SandboxedEnvironment

SCHEMES = frozenset({"http", "https", "mailto"})

_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*)\s*:")


def environment(loader: BaseLoader) -> SandboxedEnvironment:
    """Templates escape every value, whatever their file is called; an undefined name is an error; no attribute of
    Python's internals is in reach. `{{ link|safe_url }}` is for `href`. Write attributes in quotes, always."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    env = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters["safe_url"] = safe_url
    return env


def safe_url(url: str) -> str:
    """The URL if its scheme is http, https or mailto, or if it has none (a fragment or a relative path); else ''."""
    text = plain(url).strip()
    scheme = _SCHEME.match(text)
    if scheme is None:
        before_path = re.split(r"[/?#]", text, maxsplit=1)[0]
        return "" if ":" in before_path or text.startswith(("//", "\\")) else text
    return text if scheme[1].lower() in SCHEMES else ""


def _finalize(value: Any) -> Any:
    """Controls and bidirectional overrides are no part of a report; markup of our own templates is left alone."""
    return plain(value, multiline=True) if type(value) is str else value
