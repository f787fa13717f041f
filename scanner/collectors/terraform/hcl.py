"""Where the resource blocks of Terraform's code stand: file and line, through modules.

Nothing is evaluated. Only as much of the syntax is read as it takes not to mistake a comment, a string or a heredoc
for a block: https://developer.hashicorp.com/terraform/language/syntax/configuration. A parser that builds the whole
tree takes a hundred times as long.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scanner.collectors.terraform.plan import Json, Plan
from scanner.errors import InputError
from scanner.safe import files
from scanner.safe import json as safe_json
from scanner.safe.text import decode

SUFFIXES = (".tf", ".tofu")
_LIMIT = 5_000_000  # bytes of one file
_DEPTH = 50  # modules inside modules
# What ends a stretch of ordinary code: comments, strings, heredocs, braces.
_TOKEN = re.compile(
    r"(?P<comment>#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))"
    r'|(?P<quote>")'
    r"|<<-?(?P<heredoc>[A-Za-z_][\w-]*)[ \t]*\r?\n"
    r"|(?P<open>[{(\[])|(?P<close>[})\]])",
    re.DOTALL,
)
_IN_STRING = re.compile(r'\\.|\$\$\{|%%\{|(?P<template>[$%]\{)|(?P<end>")|(?P<line>\n)', re.DOTALL)
_HEADER = re.compile(r'\bresource\s+"?([\w-]+)"?\s+"?([\w-]+)"?\s*\Z')
_META = re.compile(r"^[ \t]*(?:count|for_each|depends_on)[ \t]*=.*$", re.MULTILINE)  # how many there are, not which
_OWN_INDEX = re.compile(r"\s*\[\s*(?:count\.index|each\.key)\s*\]")
_HEADER_REACH = 1_000  # characters before a brace in which its header stands
_WAIVER = re.compile(r"tierwall:waive[ \t]+([A-Za-z0-9][\w.-]*)")


@dataclass(frozen=True, slots=True)
class Block:
    """A resource block."""

    type: str
    name: str
    file: str
    line: int
    waivers: tuple[str, ...] = ()  # ids that comments in it, or on the line above it, name
    text: str = ""

    def indexes(self, reference: str) -> bool:
        """Whether wherever a resource or a list is named, it is by the block's own index or key, and by nothing that
        is reckoned with it, such as `[count.index + 1]`."""
        text = _META.sub("", self.text)
        ends = [match.end() for match in re.finditer(rf"{re.escape(reference)}(?![\w-])", text)]
        return bool(ends) and all(_OWN_INDEX.match(text, end) for end in ends)


@dataclass(frozen=True, slots=True)
class Sources:
    """The blocks of a plan's code by module path and address within the module."""

    blocks: Mapping[tuple[tuple[str, ...], str], Block] = field(default_factory=dict)

    def find(self, module: tuple[tuple[str, Any], ...], base: str) -> Block | None:
        """The block of an instance; None where the code that was given does not have it."""
        return self.blocks.get((tuple(name for name, _ in module), base))


def sources(folder: Path, plan: Plan) -> Sources:
    """The blocks of the configuration in the folder and of the modules it calls. Raises InputError."""
    found: dict[tuple[tuple[str, ...], str], Block] = {}
    installed = _installed(folder)
    seen: dict[Path, list[Block]] = {}
    todo: list[tuple[tuple[str, ...], Path, Json]] = [((), folder, plan.modules)]
    while todo:
        path, here, module = todo.pop()
        if here not in seen:
            seen[here] = list(_blocks_of(here))
        found.update({(path, f"{block.type}.{block.name}"): block for block in seen[here]})
        calls = module.get("module_calls") if isinstance(module, dict) else None
        for name, call in (calls if isinstance(calls, dict) else {}).items():
            inner = _folder(folder, here, (*path, name), call, installed)
            if inner is not None and len(path) < _DEPTH:
                todo.append(((*path, name), inner, call.get("module")))
    return Sources(found)


def shown(path: Path) -> str:
    """The path as a pipeline's readers know it: relative to where we run, if it lies there."""
    found = os.path.normpath(path)
    here = os.path.relpath(found) if os.path.isabs(found) else found
    return files.shown(found if here.startswith("..") else here)


def has_code(folder: Path) -> bool:
    """Whether Terraform code lies in the folder itself."""
    return folder.is_dir() and any(path.suffix in SUFFIXES for path in folder.iterdir())


def _blocks_of(folder: Path) -> Iterator[Block]:
    """In the order of the files, of which Terraform reads those that lie in the folder itself."""
    for path in sorted(folder.iterdir()):
        if path.suffix in SUFFIXES and not path.name.startswith("."):
            yield from blocks(decode(files.read_bytes(path, folder, _LIMIT), files.shown(path)), shown(path))


def _folder(root: Path, here: Path, path: tuple[str, ...], call: Json, installed: Mapping[str, str]) -> Path | None:
    """Where a called module lies: beside the code that calls it, or where `terraform init` has put it."""
    source = call.get("source") if isinstance(call, dict) else None
    if isinstance(source, str) and source.startswith(("./", "../")):
        found = here / source
    elif (name := ".".join(path)) in installed:
        found = root / installed[name]
    else:
        return None
    return found if found.is_dir() else None


def _installed(folder: Path) -> dict[str, str]:
    """Module path → folder, as `terraform init` has written it down; empty where it has not run."""
    manifest = folder / ".terraform" / "modules" / "modules.json"
    if not manifest.is_file():
        return {}
    data = safe_json.load(files.read_bytes(manifest), files.shown(manifest))
    listed = data.get("Modules") if isinstance(data, dict) else None
    entries = [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]
    return {
        one["Key"]: one["Dir"]
        for one in entries
        if isinstance(one.get("Key"), str) and isinstance(one.get("Dir"), str) and not Path(one["Dir"]).is_absolute()
    }


def blocks(text: str, file: str) -> Iterator[Block]:
    """The resource blocks of one file. Code that is cut off ends the last one. Raises InputError where brackets do
    not match."""
    lines = _Lines(text)
    depth, at, open_at = 0, 0, 0
    current: tuple[str, str, int] | None = None  # type, name and line of the block that is open
    start = 0  # of its text
    above: list[tuple[int, str]] = []  # waivers that comments outside every block name, with their lines
    inside: list[str] = []
    while match := _TOKEN.search(text, at):
        at = match.end()
        if match["comment"] is not None:
            named = _WAIVER.findall(match["comment"])
            if current:
                inside += named
            elif depth == 0:
                above += [(lines.number(match.end()), name) for name in named]
        elif match["quote"]:
            at = _after_string(text, at)
        elif match["heredoc"]:
            end = re.compile(rf"^[ \t]*{re.escape(match['heredoc'])}[ \t]*\r?$", re.MULTILINE).search(text, at)
            at = end.end() if end else len(text)
        elif match["open"]:
            header = _HEADER.search(text, max(open_at, match.start() - _HEADER_REACH), match.start())
            if depth == 0 and match["open"] == "{" and header:
                current, start = (header[1], header[2], lines.number(header.start())), match.end()
                inside = [name for line, name in above if line >= current[2] - 1]
            depth, open_at = depth + 1, match.end()
        else:
            depth, open_at = depth - 1, match.end()
            if depth < 0:
                raise InputError(f"{file}:{lines.number(match.start())}", "has a bracket that nothing opens")
            if depth == 0 and current:
                yield Block(*current[:2], file, current[2], tuple(inside), text[start : match.start()])
                current, above, inside = None, [], []
    if current:
        yield Block(*current[:2], file, current[2], tuple(inside), text[start:])


def _after_string(text: str, at: int) -> int:
    """The position after a quoted string, whose templates may hold strings of their own."""
    inside = ['"']  # what is open: strings, and the braces of templates in them
    while inside:
        if inside[-1] == '"':
            match = _IN_STRING.search(text, at)
            if match is None:
                return len(text)
            at = match.end()
            if match["end"] or match["line"]:  # a string never goes over a line's end: it is broken there
                inside.pop()
            elif match["template"]:
                inside.append("{")
        else:
            match = re.compile(r'[{}"]').search(text, at)
            if match is None:
                return len(text)
            at = match.end()
            if match[0] == "}":
                inside.pop()
            else:
                inside.append(match[0])
    return at


class _Lines:
    """Line numbers of positions that are asked for in rising order."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.line = text, 0, 1

    def number(self, position: int) -> int:
        """The 1-based line."""
        if position < self.at:
            return self.line - self.text.count("\n", position, self.at)
        self.line += self.text.count("\n", self.at, position)
        self.at = position
        return self.line
