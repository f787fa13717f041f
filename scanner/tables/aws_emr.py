"""EMR clusters."""

from __future__ import annotations

from scanner.tables.base import Resource, column


class AwsEmrCluster(Resource, title="An EMR cluster that is running"):
    state: str | None = column("STARTING, BOOTSTRAPPING, RUNNING or WAITING.", volatile=True)
    security_configuration: str | None = column("Name of its security configuration; '' if none.")
    log_uri: str | None = column("Where it logs to; '' if nowhere.")
    public_nodes: int | None = column("Primary nodes with a public address.")
    termination_protected: bool | None = column("Cannot be ended in one call.")
