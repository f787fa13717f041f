"""The services that are read: each module here, once an account or once a region as its `PER` says."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace

from scanner.collectors.aws.answers import noticing
from scanner.collectors.aws.reads import ENTRY, Read, Service, Tables
from scanner.tables import Kind

_MODULES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
GLOBAL: tuple[Service, ...] = tuple(Service.of(m) for m in _MODULES if m.PER == "account")
REGIONAL: tuple[Service, ...] = tuple(Service.of(m) for m in _MODULES if m.PER == "region")

GLOBAL_TABLES: Tables = tuple(dict.fromkeys(t for s in GLOBAL for t in s.tables))
REGIONAL_TABLES: Tables = tuple(dict.fromkeys(t for s in REGIONAL for t in s.tables))
READS: tuple[Read, ...] = tuple(
    {(r.service, r.operation): r for r in (*ENTRY, *(r for s in (*GLOBAL, *REGIONAL) for r in s.reads))}.values()
)
KINDS: tuple[Kind, ...] = tuple(
    replace(noticing(kind), sources={r.name: f"{r.service}:{r.operation}" for r in s.reads})
    for s in (*GLOBAL, *REGIONAL)
    for kind in s.kinds
)
