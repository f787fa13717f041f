"""The services that are read: those of a region, and those of an account as a whole, which are read once."""

from __future__ import annotations

import scanner.collectors.aws.services.account as account
import scanner.collectors.aws.services.backup as backup
import scanner.collectors.aws.services.cloudtrail as cloudtrail
import scanner.collectors.aws.services.compute as compute
import scanner.collectors.aws.services.iam as iam
import scanner.collectors.aws.services.kms as kms
import scanner.collectors.aws.services.network as network
import scanner.collectors.aws.services.rds as rds
import scanner.collectors.aws.services.region as region
import scanner.collectors.aws.services.s3 as s3
from scanner.collectors.aws.reads import ENTRY, Read, Service, Tables
from scanner.tables import Kind

GLOBAL: tuple[Service, ...] = tuple(Service.of(m) for m in (account, iam, s3))
REGIONAL: tuple[Service, ...] = tuple(Service.of(m) for m in (region, network, compute, rds, kms, cloudtrail, backup))

GLOBAL_TABLES: Tables = tuple(dict.fromkeys(t for s in GLOBAL for t in s.tables))
REGIONAL_TABLES: Tables = tuple(dict.fromkeys(t for s in REGIONAL for t in s.tables))
READS: tuple[Read, ...] = tuple(
    {(r.service, r.operation): r for r in (*ENTRY, *(r for s in (*GLOBAL, *REGIONAL) for r in s.reads))}.values()
)
KINDS: tuple[Kind, ...] = tuple(kind for s in (*GLOBAL, *REGIONAL) for kind in s.kinds)
