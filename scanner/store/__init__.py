"""Snapshots, documents, history, evaluations and runs, in SQLite."""

from scanner.store.estate import Estate
from scanner.store.integrity import verify
from scanner.store.stage import About, Stage
from scanner.store.store import Evaluation, Snapshot, Store

__all__ = ["About", "Estate", "Evaluation", "Snapshot", "Stage", "Store", "verify"]
