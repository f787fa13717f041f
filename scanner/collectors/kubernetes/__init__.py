"""Kubernetes: what is read of clusters, how it becomes rows, and the permissions that takes.

Importing this package does not import the Kubernetes client; collecting does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.collectors.kubernetes.kinds import KINDS
from scanner.collectors.kubernetes.reads import READS, Read, permissions

if TYPE_CHECKING:
    from scanner.collectors.kubernetes.run import Progress, Stage
    from scanner.environments import Config

__all__ = ["KINDS", "READS", "Read", "collect", "permissions"]


def collect(config: Config, stage: Stage, progress: Progress | None = None) -> None:
    """Read every declared cluster into the stage.

    Raises SourceError when not one of them can be read, and ConfigError for a kubeconfig or context that does not
    exist.
    """
    from scanner.collectors.kubernetes import run

    run.collect(config, stage, progress)
