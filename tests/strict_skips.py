"""Fails a run in which a test was skipped that the list of allowed skips does not name."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Allowed:
    """One line of the list."""

    node: str
    reason: str
    why: str

    def covers(self, node: str, reason: str) -> bool:
        return _matches(self.node, node) and _matches(self.reason, reason)


def _matches(pattern: str, text: str) -> bool:
    # Not fnmatch: brackets are part of a parametrized test's id.
    wild = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, text, re.DOTALL) is not None


def read_allowed(path: Path) -> list[Allowed]:
    """The list's lines. Raises pytest.UsageError for a line without its three parts."""
    allowed = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split(" | ")]
        if len(parts) != 3 or not all(parts):
            raise pytest.UsageError(f"{path}:{number}: write: node id | reason given | why that is right")
        allowed.append(Allowed(*parts))
    return allowed


class StrictSkips:
    """Collects skips, of tests and of whole modules, and turns those not allowed into a failed run."""

    def __init__(self, path: Path) -> None:
        self.allowed = read_allowed(path)
        self.refused: list[tuple[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not hasattr(report, "wasxfail"):  # an expected failure ran
            self._judge(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._judge(report)

    def _judge(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped:
            return
        # A skip's longrepr is (file, line, "Skipped: reason").
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        skip = (report.nodeid, reason.removeprefix("Skipped: "))
        if skip not in self.refused and not any(line.covers(*skip) for line in self.allowed):
            self.refused.append(skip)

    # Before the terminal's own summary, which prints the exit status.
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.refused:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.refused:
            terminalreporter.section("skipped, and not on the list of allowed skips", red=True)
            for node, reason in self.refused:
                terminalreporter.line(f"{node}: {reason}")
