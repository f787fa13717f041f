"""From verdicts to what people are shown: findings, controls, environments, gaps, the scanner's own footprint."""

from scanner.results.build import Context, build, finding_id
from scanner.results.evidence import DocumentRef
from scanner.results.model import (
    CONTROL_STATUSES,
    SEVERITIES,
    TIERS,
    ApiCall,
    AttestationLine,
    CallLine,
    Cause,
    ClauseLine,
    ControlLine,
    ControlRef,
    Counts,
    EnvironmentLine,
    Evidence,
    Exclusion,
    Finding,
    FrameworkLine,
    GapLine,
    Refusal,
    Result,
    RuleLine,
    ScopeLine,
    Snapshot,
    Subject,
    Summary,
    Threshold,
    Tool,
    WaiverLine,
    WaiverRef,
)

__all__ = [
    "CONTROL_STATUSES", "SEVERITIES", "TIERS", "ApiCall", "AttestationLine", "CallLine", "Cause", "ClauseLine",
    "Context", "ControlLine", "ControlRef", "Counts", "DocumentRef", "EnvironmentLine", "Evidence", "Exclusion",
    "Finding", "FrameworkLine", "GapLine", "Refusal", "Result", "RuleLine", "ScopeLine", "Snapshot", "Subject",
    "Summary", "Threshold", "Tool", "WaiverLine", "WaiverRef", "build", "finding_id",
]  # fmt: skip
