"""AWS: what may be called, what it fills, and reading it. Importing this loads no SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from scanner.collectors.aws.permissions import permissions
from scanner.collectors.aws.services import KINDS, READS

if TYPE_CHECKING:
    from scanner.environments import Config
    from scanner.store.stage import Stage

__all__ = ["KINDS", "READS", "collect", "permissions"]


def collect(config: Config, stage: Stage, progress: Callable[[str], None] | None = None) -> None:
    """Read every declared AWS account into the stage; see `run.collect`."""
    from scanner.collectors.aws import run  # loads the SDK

    run.collect(config, stage, progress)
