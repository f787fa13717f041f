"""Where the data that travels with the scanner lies: rules, report templates, the sample organisation."""

from pathlib import Path

from scanner.errors import ScannerError

_PACKAGE = Path(__file__).resolve().parent


class BundledDataError(ScannerError):
    """A file or folder that belongs to the installation is not there."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: this part of the installation is missing; install tierwall again")
        self.path = path


def bundled(*parts: str) -> Path:
    """The file or folder ``parts`` of the bundled data, as in ``bundled("rules", "frameworks")``.

    A wheel carries the data inside the package, as ``scanner/_bundled``; in a checkout, and so in an editable
    install, it lies beside the package. Raises BundledDataError when it is in neither.
    """
    wheel, checkout = _PACKAGE / "_bundled", _PACKAGE.parent
    # Beside an installed package lie other people's packages: only a checkout has the project file there.
    root = checkout if not wheel.is_dir() and (checkout / "pyproject.toml").is_file() else wheel
    path = root.joinpath(*parts)
    if not path.exists():
        raise BundledDataError(path)
    return path
