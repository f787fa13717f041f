"""AWS: what may be called, what it fills, and reading it. Importing this loads no SDK."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from scanner.collectors.aws.permissions import permissions

if TYPE_CHECKING:
    from scanner.collectors.aws.services import KINDS, READS
    from scanner.environments import Config
    from scanner.store.stage import Stage

__all__ = ["KINDS", "READS", "collect", "permissions"]


def __getattr__(name: str) -> Any:
    if name in ("KINDS", "READS"):  # on first use: whoever reads plans needs none of the services
        return getattr(importlib.import_module(f"{__name__}.services"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def collect(config: Config, stage: Stage, progress: Callable[[str], None] | None = None) -> None:
    """Read every declared AWS account into the stage; see `run.collect`."""
    from scanner.collectors.aws import run  # loads the SDK

    run.collect(config, stage, progress)
