"""What every test may rely on: reproducible properties, the markers, the corpora, and no silent skips."""

import os
import shutil
from pathlib import Path

import hypothesis
import pytest

from scanner.collectors.checkov import find as find_checkov
from tests.strict_skips import StrictSkips

ROOT = Path(__file__).resolve().parent.parent

# Any one of the programs serves the marker.
PROGRAMS = {
    "needs_terraform": ("terraform",),
    "needs_chromium": ("chromium", "chromium-browser", "google-chrome"),
    "needs_poppler": ("pdftotext",),
    "needs_java": ("java",),
}

# A shared machine may be slow at any moment, so time is no reason to fail. HYPOTHESIS_PROFILE=explore looks further.
SLOW_MACHINE = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=SLOW_MACHINE)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000, suppress_health_check=SLOW_MACHINE)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--strict-skips",
        action="store_true",
        help="fail when a test was skipped that tests/allowed-skips.txt does not list",
    )


def pytest_configure(config: pytest.Config) -> None:
    # With xdist the workers' reports reach the controller, which alone judges them.
    if config.getoption("--strict-skips") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(StrictSkips(ROOT / "tests" / "allowed-skips.txt"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("needs_checkov") and find_checkov() is None:
        pytest.skip("Checkov is not installed: make extras")
    for marker, programs in PROGRAMS.items():
        if item.get_closest_marker(marker) and not any(map(shutil.which, programs)):
            pytest.skip(f"{' or '.join(programs)} is not installed")


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the conformance corpora, which are published apart from this repository."""
    folder = Path(os.environ.get("TIERWALL_CORPORA") or ROOT.parent / "shared" / "corpora")
    if not folder.is_dir():
        pytest.skip("the conformance corpora are absent")
    return folder
