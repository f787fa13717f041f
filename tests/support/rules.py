"""Small estates and rules for tests of the engine."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scanner.rules import Rule, Verdict, parse_rule, run
from scanner.store.estate import Estate
from scanner.tables import (
    Assignment,
    Environment,
    Gap,
    Placed,
    Requested,
    Row,
    Scope,
)
from scanner.tables.aws_network import AwsSecurityGroup, AwsSecurityGroupRule
from scanner.tables.aws_policy import AwsPolicyStatement
from scanner.tables.aws_rds import AwsRdsInstance
from scanner.tables.aws_s3 import AwsS3Bucket

ACCOUNT, OTHER = "111111111111", "222222222222"
SCOPE = f"aws/{ACCOUNT}/eu-west-1"
TABLES = tuple(
    kind.table for kind in (AwsRdsInstance, AwsS3Bucket, AwsPolicyStatement, AwsSecurityGroup, AwsSecurityGroupRule)
)


def rule(resource: str = "aws_rds_instance", **keys: Any) -> Rule:
    """A rule as its file would declare it; what every rule needs is filled in."""
    texts = {key: f"the {key}" for key in ("title", "why", "fix", "message")}
    given = {"id": "the-rule", **texts, "severity": "high", "resource": resource, **keys}
    return parse_rule(json.dumps(given).encode(), Path("rules/area") / f"{given['id']}.yaml")


def placed(kind: type[Placed], uid: str, scope: str = SCOPE, **columns: Any) -> Any:
    """A row in the account and region that its scope names."""
    _, account, region = scope.split("/")
    place = {"account": account, "region": "" if region == "global" else region, "source": "aws", "name": uid}
    return kind(scope=scope, uid=uid, **{**place, **columns})


def rds(uid: str, scope: str = SCOPE, **columns: Any) -> AwsRdsInstance:
    return placed(AwsRdsInstance, uid, scope, **columns)  # type: ignore[no-any-return]


def bucket(uid: str, scope: str = SCOPE, **columns: Any) -> AwsS3Bucket:
    return placed(AwsS3Bucket, uid, scope, **columns)  # type: ignore[no-any-return]


def statement(uid: str, ordinal: int = 0, scope: str = SCOPE, **columns: Any) -> AwsPolicyStatement:
    return placed(AwsPolicyStatement, uid, scope, ordinal=ordinal, **columns)  # type: ignore[no-any-return]


def group(uid: str, scope: str = SCOPE, **columns: Any) -> AwsSecurityGroup:
    return placed(AwsSecurityGroup, uid, scope, **columns)  # type: ignore[no-any-return]


def group_rule(uid: str, ordinal: int = 0, scope: str = SCOPE, **columns: Any) -> AwsSecurityGroupRule:
    return placed(AwsSecurityGroupRule, uid, scope, ordinal=ordinal, **columns)  # type: ignore[no-any-return]


def gap(
    table: str, column: str = "", *, uid: str = "", scope: str = SCOPE, reason: str = "denied", call: int = 7
) -> Gap:
    return Gap(scope=scope, uid=uid, table_name=table, column_name=column, reason=reason, call=call)


def scope(name: str) -> Scope:
    kind, account, region = name.split("/")
    return Scope(id=name, source=kind, account=account, region="" if region == "global" else region)


@functools.cache
def _empty_estate() -> Path:
    """Creating every table takes longer than a test does, so it is done once."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    with Estate.create(folder / "empty.db"):
        return folder / "empty.db"


def estate(path: Path, *rows: Row, asked: Iterable[str] = TABLES, scopes: Iterable[str] = (SCOPE,)) -> Estate:
    """An estate of these rows. Every scope was asked for the tables; each resource is in the environment `live`,
    unless an assignment says otherwise."""
    made = Estate.open(Path(shutil.copy(_empty_estate(), path / f"estate-{len(list(path.iterdir()))}.db")))
    names = sorted({*scopes, *(row.scope for row in rows if isinstance(row, Placed | Gap))})
    made.insert([Environment(id=""), Environment(id="live", tier="production", is_production=True)])
    made.insert(scope(name) for name in names)
    made.insert(Requested(scope=name, table_name=table) for name in names for table in asked)
    made.insert(Assignment(uid=row.uid, environment="live") for row in rows if isinstance(row, Placed))
    made.insert(rows)
    return made


def verdicts(of: Rule, on: Estate, as_of: int = 0, **options: Any) -> list[Verdict]:
    return list(run(on, [of], as_of, **options))


def statuses(of: Rule, on: Estate, as_of: int = 0, **options: Any) -> dict[str, str]:
    return {verdict.uid: verdict.status for verdict in verdicts(of, on, as_of, **options)}


def reasons(of: Rule, on: Estate, uid: str) -> list[tuple[str, str, str]]:
    """What one unknown comes of: reason, table, column."""
    found = [verdict for verdict in verdicts(of, on) if verdict.uid == uid]
    return [(b.reason, b.table, b.column) for verdict in found for b in verdict.because]
