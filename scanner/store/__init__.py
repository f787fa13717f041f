"""Snapshots, documents, history, evaluations and runs, in SQLite."""

from scanner.store.estate import Estate
from scanner.store.integrity import examine, verify
from scanner.store.lock import BusyError
from scanner.store.stage import About, Stage
from scanner.store.store import Evaluation, Member, Snapshot, Store

__all__ = ["About", "BusyError", "Estate", "Evaluation", "Member", "Snapshot", "Stage", "Store", "examine", "verify"]
