"""Collectors: each source is a package that talks to it and hands documents, calls and gaps to the stage."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from scanner.errors import SourceError, UsageError

if TYPE_CHECKING:
    from scanner.environments import Config
    from scanner.store import Stage

Progress = Callable[[str], None]
_LIVE = {name: (f"scanner.collectors.{name}", "collect") for name in ("aws", "kubernetes", "config")}
_CODE = {name: ("scanner.collectors.code", name) for name in ("terraform", "manifests")}  # read after what runs
SOURCES = (*_LIVE, *_CODE)


def collect(config: Config, stage: Stage, sources: Iterable[str] = (), progress: Progress | None = None) -> None:
    """Read the sources that tierwall.yaml declares, or those named, into the stage: what runs, then code.

    Raises UsageError for a source that is not declared; SourceError when none of them can be
    used at all: one that cannot beside others that can is a matter of gaps.
    """
    wanted = chosen(config, sources)
    say = progress or _silent
    failed: dict[str, SourceError] = {}
    for together in (_LIVE, _CODE):
        failed |= _at_once({name: together[name] for name in wanted if name in together}, config, stage, say)
    if len(failed) == len(wanted):
        raise failed[wanted[0]]
    for error in failed.values():  # their gaps are written: the other sources are still worth keeping
        say(str(error))


def chosen(config: Config, sources: Iterable[str] = ()) -> list[str]:
    """The sources that a collection would read. Raises UsageError for one that is not declared."""
    declared = [name for name in SOURCES if getattr(config.sources, name) is not None]
    wanted = list(dict.fromkeys(sources)) or declared
    for name in wanted:
        if name not in SOURCES:
            raise UsageError(f"source {name}: there is no such source; there are {', '.join(SOURCES)}")
        if name not in declared:
            has = ", ".join(declared) or "none"
            raise UsageError(f"source {name}: tierwall.yaml does not declare it under `sources`; it declares {has}")
    if not wanted:
        raise UsageError(f"tierwall.yaml declares no source to scan; add one under `sources`: {', '.join(SOURCES)}")
    return wanted


def _at_once(
    collectors: Mapping[str, tuple[str, str]], config: Config, stage: Stage, say: Progress
) -> dict[str, SourceError]:
    """Run collectors side by side; answers with those of sources that cannot be used at all."""
    failed: dict[str, SourceError] = {}
    pool = ThreadPoolExecutor(max_workers=len(collectors) or 1, thread_name_prefix="source")
    try:
        running = {
            pool.submit(getattr(importlib.import_module(module), function), config, stage, say): name
            for name, (module, function) in collectors.items()
        }
        for one in as_completed(running):
            try:
                one.result()
            except SourceError as e:
                failed[running[one]] = e
    finally:  # whatever ends this early ends it at once: nobody waits for what the others still read
        pool.shutdown(wait=False, cancel_futures=True)
    return failed


def _silent(_: str) -> None:
    """Say nothing."""
