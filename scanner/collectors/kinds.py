"""All kinds of documents: what the store needs to shape any snapshot, without any source's client library."""

from __future__ import annotations

import functools
import importlib

from scanner.tables import Kinds

_PACKAGES = ("aws", "kubernetes", "config", "terraform")


@functools.cache
def all_kinds() -> Kinds:
    """Every collector's kinds by name."""
    kinds = Kinds()
    for name in _PACKAGES:
        kinds.add(*importlib.import_module(f"scanner.collectors.{name}").KINDS)
    return kinds
