"""What a newcomer is told: every command explains itself and stands in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scanner.cli import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_what_it_does_and_what_each_option_is_for(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    told = capsys.readouterr().out

    assert ended.value.code == 0
    assert told.startswith(f"usage: tierwall {command} ")
    options = re.split(r"\n(?=  -)", told.partition("\noptions:\n")[2])
    assert [option for option in options if option.strip() and len(option.split("  ")) < 3 and "\n" not in option] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_stands_in_the_documentation(command: str) -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    assert re.search(rf"`?tierwall {command}\b|make {command}\b", text), f"no page tells of `tierwall {command}`"
