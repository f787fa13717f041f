"""Collectors: each source is a package that talks to it and hands documents, calls and gaps to the stage."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from scanner.errors import SourceError, UsageError

if TYPE_CHECKING:
    from scanner.environments import Config
    from scanner.store import Stage

Progress = Callable[[str], None]
LIVE = ("aws", "kubernetes", "config")  # the sources that `scan` reads; plans and manifests are the gate's


def collect(config: Config, stage: Stage, sources: Iterable[str] = (), progress: Progress | None = None) -> None:
    """Read the sources that tierwall.yaml declares, or those named, all at once, into the stage.

    Raises UsageError for a source that is not declared; SourceError when none of them can be
    used at all: one that cannot beside others that can is a matter of gaps.
    """
    declared = [name for name in LIVE if getattr(config.sources, name) is not None]
    wanted = list(dict.fromkeys(sources)) or declared
    for name in wanted:
        if name not in declared:
            has = ", ".join(declared) or "none"
            raise UsageError(f"source {name}: tierwall.yaml does not declare it under `sources`; it declares {has}")
    if not wanted:
        raise UsageError("tierwall.yaml declares no source to scan; add aws, kubernetes or config under `sources`")
    say = progress or _silent
    failed: dict[str, SourceError] = {}
    pool = ThreadPoolExecutor(max_workers=len(wanted), thread_name_prefix="source")
    try:
        running = {
            pool.submit(importlib.import_module(f"scanner.collectors.{name}").collect, config, stage, say): name
            for name in wanted
        }
        for one in as_completed(running):
            try:
                one.result()
            except SourceError as e:  # its gaps are written: the other sources are still worth keeping
                failed[running[one]] = e
                say(str(e))
    finally:  # whatever ends this early ends it at once: nobody waits for what the others still read
        pool.shutdown(wait=False, cancel_futures=True)
    if len(failed) == len(wanted):
        raise failed[wanted[0]]


def _silent(_: str) -> None:
    """Say nothing."""
