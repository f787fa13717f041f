"""The typed tables: the contract between collectors and rules."""

from scanner.tables.base import Child, Column, Derived, Placed, Resource, Row, Value, column, numbered, required
from scanner.tables.base import table as table
from scanner.tables.base import tables as tables
from scanner.tables.document import Document, Json, Kind, Kinds
from scanner.tables.estate import REASONS, Assignment, Call, Environment, Gap, Reason, Requested, Scope, TierwallRun

__all__ = [
    "REASONS", "Assignment", "Call", "Child", "Column", "Derived", "Document", "Environment", "Gap", "Json", "Kind",
    "Kinds", "Placed", "Reason", "Requested", "Resource", "Row", "Scope", "TierwallRun", "Value", "column",
    "numbered", "required", "table", "tables",
]  # fmt: skip
