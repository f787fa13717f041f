"""Which parameter of a database engine refuses connections without TLS, and what it is by default."""

from __future__ import annotations

import re

# The parameter that refuses connections without TLS, by engine, and from which version on it is on by default.
# Sources, all read 2026-11, below https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/:
# PostgreSQL.Concepts.General.SSL, mysql-ssl-connections.require-ssl, mariadb-ssl-connections.require-ssl,
# SQLServer.Concepts.General.SSL.Using.
# Oracle and Db2 set it elsewhere; Aurora in the cluster's parameter group.
_TLS: dict[str, tuple[str, tuple[int, ...] | None]] = {
    "postgres": ("rds.force_ssl", (15,)),
    "mysql": ("require_secure_transport", (9, 7)),
    "mariadb": ("require_secure_transport", (11, 8)),
    **{f"sqlserver-{edition}": ("rds.force_ssl", None) for edition in ("ee", "se", "ex", "web", "dev-ee")},
}


def tls_parameter(engine: str) -> str:
    """Name of the parameter that refuses connections without TLS; '' for engines that have none."""
    return _TLS[engine][0] if engine in _TLS else ""


def tls_by_default(engine: str, version: str) -> bool | None:
    """Whether the engine's default parameters refuse connections without TLS; None where that is not known."""
    numbers = tuple(int(n) for n in re.findall("[0-9]+", version))
    if engine not in _TLS or not numbers:
        return None
    since = _TLS[engine][1]
    return since is not None and numbers >= since
