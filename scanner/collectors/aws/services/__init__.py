"""The services that are read: those of a region, and those of an account as a whole, which are read once."""

from __future__ import annotations

from scanner.collectors.aws.reads import ENTRY, Read, Service, Tables
from scanner.collectors.aws.services import (
    account,
    backup,
    cloudtrail,
    compute,
    iam,
    kms,
    network,
    rds,
    region,
    s3,
)
from scanner.tables import Kind

GLOBAL: tuple[Service, ...] = tuple(Service.of(m) for m in (account, iam, s3))
REGIONAL: tuple[Service, ...] = tuple(Service.of(m) for m in (region, network, compute, rds, kms, cloudtrail, backup))

GLOBAL_TABLES: Tables = tuple(dict.fromkeys(t for s in GLOBAL for t in s.tables))
REGIONAL_TABLES: Tables = tuple(dict.fromkeys(t for s in REGIONAL for t in s.tables))
READS: tuple[Read, ...] = ENTRY + tuple(read for s in (*GLOBAL, *REGIONAL) for read in s.reads)
KINDS: tuple[Kind, ...] = tuple(kind for s in (*GLOBAL, *REGIONAL) for kind in s.kinds)
