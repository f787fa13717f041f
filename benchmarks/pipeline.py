"""From documents to a report: how long each step takes beside a plain-Python evaluation of the same rules.

    python -m benchmarks.pipeline [--resources 100000]

The plain evaluation walks the typed rows, already in memory, with one function a rule and the same three values. It
is the floor that the SQL engine is measured against; reading the rows into memory is not counted against it.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.estates import ACCOUNTS, SCOPES, documents
from scanner.bundled import bundled
from scanner.collectors.kinds import all_kinds
from scanner.environments import assign, load_config
from scanner.report import render_html
from scanner.results import build
from scanner.rules import load_rules, run
from scanner.safe.secrets import HashKey, Redactor
from scanner.store import Estate, Store, verify
from scanner.tables import Assignment, Environment, Row
from scanner.tables.aws_compute import AwsEbsVolume
from scanner.tables.aws_rds import AwsRdsInstance

CONFIG = "sources: {aws: {accounts: {a: {id: '111111111111'}, b: {id: '222222222222'}, c: {id: '333333333333'}}}}\n" + (
    "environments:\n"
    "  production: {tier: production, match: [{aws: {accounts: [a]}}]}\n"
    "  staging: {tier: staging, match: [{aws: {accounts: [b]}}]}\n"
    "  integration: {tier: integration, match: [{aws: {accounts: [c]}}]}\n"
)
Judge = Callable[[Row, Environment], bool | None]


def _asked(column: str, value: str) -> Judge:
    """A rule of the form: where the environment asks for it, the value holds."""

    def judge(row: Row, environment: Environment) -> bool | None:
        wanted = getattr(environment, column)
        return True if wanted is False else None if wanted is None else getattr(row, value)

    return judge


def _retention(row: Row, environment: Environment) -> bool | None:
    kept, wanted = getattr(row, "backup_retention_seconds"), environment.backup_keep_seconds  # noqa: B009
    return None if kept is None or wanted is None else not wanted or kept >= wanted


PLAIN: dict[str, tuple[type[Row], Judge]] = {
    "aws-rds-backup-retention": (AwsRdsInstance, _retention),
    "aws-rds-storage-encrypted": (AwsRdsInstance, _asked("encryption_at_rest_required", "storage_encrypted")),
    "aws-rds-multi-az": (AwsRdsInstance, _asked("high_availability_required", "multi_az")),
    "aws-rds-deletion-protection": (AwsRdsInstance, _asked("deletion_protection_required", "deletion_protection")),
    "aws-ebs-volume-encrypted": (AwsEbsVolume, _asked("encryption_at_rest_required", "is_encrypted")),
}


@contextmanager
def timed(name: str, found: dict[str, float]) -> Iterator[None]:
    """CPU seconds of this process, which other processes on the machine disturb least."""
    began = time.process_time()
    yield
    found[name] = time.process_time() - began


def plain(estate: Estate) -> tuple[dict[str, int], float]:
    """Failures a rule, by walking rows, and the CPU seconds of the walk alone."""
    environments = {e.id: e for e in estate.rows(Environment)}
    where = {a.uid: environments[a.environment or ""] for a in estate.rows(Assignment)}
    rows = {kind: estate.rows(kind) for kind, _ in PLAIN.values()}
    began = time.process_time()
    failed = {
        rule: sum(judge(row, where[_uid(row)]) is False for row in rows[kind]) for rule, (kind, judge) in PLAIN.items()
    }
    return failed, time.process_time() - began


def _uid(row: Row) -> str:
    return str(getattr(row, "uid"))  # noqa: B009  # every kind judged here has one


def measure(number: int, folder: Path) -> dict[str, float]:
    """CPU seconds of each step."""
    found: dict[str, float] = {}
    kinds, redactor = all_kinds(), Redactor(HashKey(bytes(range(32))))
    (folder / "tierwall.yaml").write_text(CONFIG, encoding="utf-8")
    config, rules = load_config(folder / "tierwall.yaml"), load_rules([bundled("rules")]).only(PLAIN)
    with Store.open(folder / "tierwall.db") as store:
        for name in ("first snapshot", "second snapshot, unchanged"):
            with timed(name, found), store.collecting(redactor, kinds) as stage:
                for scope in SCOPES:
                    stage.scope(scope, [t for k in ("aws_rds_instance", "aws_ebs_volume") for t in kinds[k].tables])
                for document in documents(number):
                    stage.document(document)
                store.publish(stage, started=1.0, finished=2.0, tool="benchmark", config=CONFIG)
            store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            found[f"bytes after {name}"] = store.path.stat().st_size
        snapshot = store.snapshot()
        with store.estate(snapshot, kinds, folder) as estate:
            with timed("assign environments", found):
                assign(estate, config)
            with timed("judge by SQL", found):
                verdicts = list(run(estate, rules.values(), 2))
            expected, found["judge in plain Python"] = plain(estate)
            failed = {rule: sum(v.rule == rule and v.status == "fail" for v in verdicts) for rule in PLAIN}
            if failed != expected:
                raise SystemExit(f"the two evaluations disagree: {failed} and {expected}")
            with timed("result", found):
                result = build(estate, verdicts, list(rules.values()), [], snapshot, 2)
            with timed("report, HTML", found):
                render_html(result, "Synthetic")
        with store.writing():
            store.seal_projection(snapshot.id)
        with timed("verify", found):
            problems = verify(store)
        if problems:
            raise SystemExit("; ".join(problems))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=100_000)
    number = parser.parse_args().resources
    with tempfile.TemporaryDirectory(prefix="tierwall-benchmark-") as folder:
        found = measure(number, Path(folder))
    floor = found["judge in plain Python"]
    rules = f"{len(PLAIN)} rules; CPU seconds, and times the plain evaluation"
    print(f"{number} resources in {len(ACCOUNTS)} accounts, {rules}")
    for name, value in found.items():
        shown = f"{value:12.0f}" if "bytes" in name else f"{value:9.2f} s {value / floor:9.1f}×"
        print(f"  {name:45} {shown}")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
