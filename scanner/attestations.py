"""What a person states of a requirement that no rule decides: printed as attested, never as pass."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from scanner.errors import InputError
from scanner.safe.entries import Entry, read_entry
from scanner.safe.files import read_bytes, walk

_SHA256 = re.compile("[0-9a-f]{64}")
_LARGEST = 200_000_000  # bytes of an evidence file


@dataclass(frozen=True, slots=True)
class Attestation:
    """One statement, with who made it and the evidence it rests on."""

    framework: str
    control: str
    request: str  # id of the attestation that the control asks for
    environments: tuple[str, ...]  # empty: all of them
    statement: str
    by: str
    role: str
    made: date
    expires: date  # the last day on which it holds, UTC
    evidence_file: str
    evidence_sha256: str
    where: str = ""  # file and line

    def valid(self, as_of: float, every_days: int) -> bool:
        """Made, not expired, and not older than the control lets it become."""
        today = datetime.fromtimestamp(as_of, UTC).date()
        return self.made <= today <= min(self.expires, self.made + timedelta(days=every_days))

    def covers(self, environment: str | None) -> bool:
        """Whether it speaks for that environment; for None, whether it speaks for all."""
        return not self.environments or environment in self.environments


def load_attestations(folder: Path, asked: Mapping[str, Collection[tuple[str, str]]]) -> tuple[Attestation, ...]:
    """Every `*.yaml` below the folder, checked. Evidence files lie in the folder and must have the stated SHA-256.

    `asked` is what each framework in use asks for, `Framework.asked`; attestations for other frameworks are kept as
    they are. Raises ConfigError.
    """
    found: list[Attestation] = []
    for path in walk(folder, (".yaml", ".yml")):
        document, _ = read_entry(path, folder)
        entries = document.entries("attestations")
        document.close()
        found.extend(_attestation(entry, folder, asked) for entry in entries)
    return tuple(found)


def _attestation(entry: Entry, folder: Path, asked: Mapping[str, Collection[tuple[str, str]]]) -> Attestation:
    evidence = entry.entry("evidence")
    if evidence is None:
        raise entry.wrong("evidence is missing", "add `evidence: {file: …, sha256: …}`")
    record = Attestation(
        framework=entry.text("framework"),
        control=entry.text("control"),
        request=entry.text("attestation"),
        environments=entry.texts("environments"),
        statement=entry.text("statement", shortest=10),
        by=entry.text("by"),
        role=entry.text("role"),
        made=entry.day("date"),
        expires=entry.day("expires"),
        evidence_file=evidence.text("file"),
        evidence_sha256=evidence.text("sha256"),
        where=entry.where,
    )
    evidence.close()
    entry.close()
    if record.framework in asked and (record.control, record.request) not in asked[record.framework]:
        problem = f"{record.framework} {record.control} asks for no attestation {record.request!r}"
        raise entry.wrong(problem, "`tierwall frameworks show` names them", "attestation")
    if record.expires < record.made:
        raise entry.wrong("expires before it was made", key="expires")
    _check(evidence, record, folder)
    return record


def _check(evidence: Entry, record: Attestation, folder: Path) -> None:
    """The evidence is there and is what was attested."""
    if not _SHA256.fullmatch(record.evidence_sha256):
        raise evidence.wrong(
            "sha256 is no SHA-256", "write its 64 hexadecimal digits, as sha256sum prints them", "sha256"
        )
    try:
        data = read_bytes(folder / record.evidence_file, folder, _LARGEST)
    except InputError as error:
        raise evidence.wrong(f"{record.evidence_file} {error.problem}", error.hint, "file") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != record.evidence_sha256:
        raise evidence.wrong(f"{record.evidence_file} has the SHA-256 {digest}, not the one attested", key="sha256")
