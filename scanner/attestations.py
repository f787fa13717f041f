"""What a person states of a requirement that no rule decides: printed as attested, never as pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


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
