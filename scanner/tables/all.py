"""Importing this module declares every typed table: each module beside it that declares some."""

import importlib
import pkgutil

import scanner.tables

for _module in pkgutil.iter_modules(scanner.tables.__path__):
    if _module.name != "all":
        importlib.import_module(f"scanner.tables.{_module.name}")
