"""The data travels with the package: in a wheel, in a checkout, and in an editable install of it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scanner.bundled import BundledDataError, bundled

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ["rules", "reports", "fixtures/acme", "fixtures/servers"]


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """What the command prints; its errors are the test's."""
    ran = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def python(code: str, path: Path, cwd: Path) -> str:
    """What ``code`` prints in an interpreter that finds the scanner in ``path``."""
    environment = {**os.environ, "PYTHONPATH": str(path)}
    return run(sys.executable, "-c", code, cwd=cwd, env=environment).strip()


def files(folder: Path) -> set[str]:
    """The data files below ``folder``; bytecode is made by whoever imports first."""
    paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix() for path in paths}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree by what is installed: nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder]
    run(sys.executable, "-m", "pip", *build, ROOT)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, as an installer would lay it."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_brings_one_package_and_nothing_beside_it(installed: Path) -> None:
    """A top-level `rules` or `reports` would overwrite other people's packages."""
    from scanner import __version__

    assert sorted(path.name for path in installed.iterdir()) == ["scanner", f"tierwall-{__version__}.dist-info"]


def test_the_wheel_carries_the_code_with_its_type_marker_and_the_licence(installed: Path) -> None:
    code = {name for name in files(ROOT / "scanner") if name.endswith((".py", ".typed"))}

    assert code - files(installed / "scanner") == set()
    assert [path.name for path in installed.glob("*.dist-info/licenses/*")] == ["LICENSE"]


@pytest.mark.parametrize("name", DATA)
def test_the_wheel_carries_the_data_as_it_is_in_the_checkout(installed: Path, name: str) -> None:
    expected = {Path(line).relative_to(name).as_posix() for line in run("git", "ls-files", name).splitlines()}

    assert expected
    assert expected - files(installed / "scanner" / "_bundled" / name) == set()


@pytest.mark.parametrize("name", DATA)
def test_data_is_found_in_a_wheel(installed: Path, tmp_path: Path, name: str) -> None:
    code = f"from scanner.bundled import bundled; print(bundled(*{name.split('/')}))"

    assert python(code, path=installed, cwd=tmp_path) == str(installed / "scanner" / "_bundled" / name)


@pytest.mark.parametrize("name", DATA)
def test_data_is_found_in_a_checkout(tmp_path: Path, name: str) -> None:
    code = f"from scanner.bundled import bundled; print(bundled(*{name.split('/')}))"

    assert python(code, path=ROOT, cwd=tmp_path) == str(ROOT / name)


def test_data_that_is_missing_is_named() -> None:
    with pytest.raises(BundledDataError) as raised:
        bundled("rules", "no-such-area")

    path = ROOT / "rules" / "no-such-area"
    assert str(raised.value) == f"{path}: this part of the installation is missing; install tierwall again"


def test_packages_beside_an_installed_scanner_are_not_taken_for_its_data(installed: Path, tmp_path: Path) -> None:
    """Somebody else's `rules` in site-packages are not ours, even when our own data is gone."""
    package = tmp_path / "scanner"
    package.mkdir()
    for name in ("__init__.py", "errors.py", "bundled.py"):
        (package / name).write_bytes((installed / "scanner" / name).read_bytes())
    (tmp_path / "rules").mkdir()
    code = (
        "from scanner.bundled import BundledDataError, bundled\n"
        "try: print('found', bundled('rules'))\n"
        "except BundledDataError as error: print('missing', error.path)"
    )

    assert python(code, path=tmp_path, cwd=tmp_path) == f"missing {package / '_bundled' / 'rules'}"


@pytest.mark.slow
def test_an_installed_wheel_brings_a_command_that_answers(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own; the libraries are lent by the running one."""
    lent = next(path for path in sys.path if path.endswith("site-packages"))
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path)
    python_there = tmp_path / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python_there, "install", "--quiet", "--no-deps", "--no-index", wheel)
    [packages] = tmp_path.glob("lib/python*/site-packages")
    (packages / "lent.pth").write_text(lent + "\n")

    assert "usage: tierwall" in run(tmp_path / "bin" / "tierwall", "--help", cwd=tmp_path)
