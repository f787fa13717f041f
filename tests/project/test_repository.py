"""The repository stands alone: nothing in it speaks of the machine it was written on."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# Folders of one machine, and hosts of package registries. Written in pieces, so that this file is not among the finds.
MACHINE = [
    "/work" + "/",
    "/opt" + "/(wheels|pypi)",
    "/root" + r"/\.",
    "/home" + r"/(?!(app|user|appuser|nonroot|node)\b)[a-z]",
    r"\.pyenv" + "/",
    "files" + r"\.pythonhosted\.",
    "pypi" + r"\.org",
    "registry" + r"\.npmjs\.",
    "deb" + r"\.debian\.org",
]


def test_no_file_names_a_path_or_a_registry_of_one_machine() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pattern = re.compile("|".join(MACHINE))
    finds = []
    for name in filter(None, tracked.split("\0")):
        path = ROOT / name
        if not path.is_file() or path.is_symlink():  # deleted, and not yet committed
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        finds += [f"{name}:{n}: {line.strip()}" for n, line in enumerate(text.splitlines(), 1) if pattern.search(line)]

    assert finds == []
