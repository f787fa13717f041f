"""A small kind of document for tests of the store: one table with a child, one volatile and one secret value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scanner.safe.secrets import HashKey, Redactor
from scanner.store import Snapshot, Store
from scanner.tables import Call, Document, Gap, Kind, Kinds, Placed, Scope
from scanner.tables.aws_account import AwsAccount
from scanner.tables.aws_rds import AwsRdsInstance, AwsRdsLogExport

SCOPE = Scope(id="aws/111111111111/eu-west-1", source="aws", account="111111111111", region="eu-west-1")
OTHER = Scope(id="aws/222222222222/eu-west-1", source="aws", account="222222222222", region="eu-west-1")
TABLES = (AwsRdsInstance, AwsRdsLogExport)


def shape(document: Document) -> Iterator[Placed]:
    """One database with its log exports."""
    raw = document.parts.get("Describe") or {}
    yield AwsRdsInstance(
        **document.place, storage_encrypted=raw.get("Encrypted"), endpoint=raw.get("Password"),
        latest_restorable_time=raw.get("Latest"),
    )  # fmt: skip
    for number, name in enumerate(raw.get("Logs", ())):
        yield AwsRdsLogExport(**document.place, ordinal=number, log_name=name)


KIND = Kind("test_database", TABLES, shape, volatile=("Describe.Latest",), secret=("Describe.Password",))


def kinds() -> Kinds:
    """The one kind."""
    found = Kinds()
    found.add(KIND)
    return found


def redactor() -> Redactor:
    """A redactor with a key of its own."""
    return Redactor(HashKey(bytes(range(32))))


def database(name: str, scope: Scope = SCOPE, **raw: object) -> Document:
    """A document of a database."""
    return Document(
        kind=KIND.name, uid=f"arn:aws:rds:{scope.region}:{scope.account}:db:{name}", scope=scope.id, name=name,
        parts={"Describe": {"Encrypted": True, "Logs": ["audit"], **raw}}, account=scope.account, region=scope.region,
        source="aws",
    )  # fmt: skip


def publish(store: Store, *documents: Document, refused: Scope | None = None, at: float = 1.0) -> Snapshot:
    """One snapshot of both scopes. The listing of a `refused` scope was denied."""
    with store.collecting(redactor(), kinds()) as stage:
        for scope in (SCOPE, OTHER):
            stage.scope(scope, (*TABLES, AwsAccount))
            status = "denied" if scope is refused else "ok"
            call = stage.call(Call(scope=scope.id, service="rds", operation="Describe", status=status, started=at))
            if scope is refused:
                for table in TABLES:
                    stage.gap(Gap(scope=scope.id, table_name=table.table, reason="denied", call=call))
        for document in documents:
            stage.document(document)
        return store.publish(stage, started=at, finished=at + 1, tool="test", config="organization: Test\n")


def open_store(folder: Path) -> Store:
    """A new or present store in the folder."""
    return Store.open(folder / "tierwall.db")
