"""Synthetic estates: documents as the collectors would hand them over, as many as asked for, always the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from scanner.tables import Document, Scope

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
REGIONS = ("eu-west-1", "eu-central-1")
SCOPES = tuple(
    Scope(id=f"aws/{account}/{region}", source="aws", account=account, region=region)
    for account in ACCOUNTS
    for region in REGIONS
)


def documents(number: int, seed: int = 1) -> Iterator[Document]:
    """Databases and volumes, half each, spread over accounts and regions; one in ten breaks something."""
    rng = random.Random(seed)  # not for secrets: the same estate each time
    for i in range(number):
        scope = SCOPES[i % len(SCOPES)]
        yield _database(i, scope, rng) if i % 2 else _volume(i, scope, rng)


def _place(scope: Scope) -> dict[str, Any]:
    return {"scope": scope.id, "account": scope.account, "region": scope.region, "source": "aws"}


def _database(i: int, scope: Scope, rng: random.Random) -> Document:
    good = rng.random() > 0.1
    arn = f"arn:aws:rds:{scope.region}:{scope.account}:db:db-{i}"
    raw = {
        "DBInstanceArn": arn, "DBInstanceIdentifier": f"db-{i}", "DBInstanceStatus": "available", "Engine": "postgres",
        "EngineVersion": "16.3", "DBInstanceClass": "db.r6g.large", "AllocatedStorage": 100, "StorageEncrypted": good,
        "PubliclyAccessible": not good, "MultiAZ": good, "DeletionProtection": good, "MonitoringInterval": 60,
        "BackupRetentionPeriod": 35 if good else 3, "IAMDatabaseAuthenticationEnabled": True, "DBParameterGroups": [],
        "EnabledCloudwatchLogsExports": ["postgresql"] if good else [],
        "TagList": [{"Key": "team", "Value": f"t{i % 50}"}],
        "Endpoint": {"Address": f"db-{i}.example.{scope.region}.rds.amazonaws.com", "Port": 5432},
    }  # fmt: skip
    return Document(
        kind="aws_rds_instance", uid=arn, name=f"db-{i}", parts={"DescribeDBInstances": raw}, **_place(scope)
    )


def _volume(i: int, scope: Scope, rng: random.Random) -> Document:
    arn = f"arn:aws:ec2:{scope.region}:{scope.account}:volume/vol-{i:017x}"
    raw = {
        "VolumeId": f"vol-{i:017x}", "Encrypted": rng.random() > 0.1, "State": "in-use", "Size": 100,
        "VolumeType": "gp3",
        "AvailabilityZone": f"{scope.region}a", "Attachments": [{"InstanceId": f"i-{i:017x}", "State": "attached"}],
        "Tags": [{"Key": "Name", "Value": f"volume {i}"}],
    }  # fmt: skip
    return Document(kind="aws_ebs_volume", uid=arn, name=f"volume {i}", parts={"DescribeVolumes": raw}, **_place(scope))
