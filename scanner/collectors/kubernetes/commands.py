"""What is kept of containers' command lines: the settings of the control plane's parts, and whether sudo is used.

The lines themselves are dropped, since they carry secrets in places that no name tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from scanner.collectors.kubernetes.values import sequence, text
from scanner.collectors.kubernetes.workloads import containers
from scanner.tables import Json

COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kubelet", "kube-proxy")
_FLAG = re.compile(r"--?([A-Za-z][A-Za-z0-9.-]*)(?:=(.*))?", re.DOTALL)
_PROGRAM_AT = 8  # words in: `/bin/sh -c exec kube-apiserver`, `hyperkube kube-apiserver`
_SUDO = re.compile(r"(^|[\s;&|(])(?:\S*/)?sudo(\s|$)")


def command_lines(template: Json) -> dict[str, Json]:
    """The parts `component` (name, flags) and `sudo` (names of containers), where there is something to say."""
    parts: dict[str, Json] = {}
    sudo = []
    for _, container in containers(template):
        line = [*_strings(container, "command"), *_strings(container, "args")]
        if any(_SUDO.search(entry) for entry in line):
            sudo.append(text(container, "name"))
        words = [word for entry in line for word in ([entry] if entry.startswith("-") else entry.split())]
        if "component" not in parts and (name := _component(words)):
            parts["component"] = {"name": name, "flags": dict(_flags(words))}
    if sudo:
        parts["sudo"] = {"containers": sudo}
    return parts


def _strings(container: Json, key: str) -> list[str]:
    """The API server accepts strings only; whatever else a manifest has is no word of a command."""
    return [entry for entry in sequence(container, key) if isinstance(entry, str)]


def _component(words: list[str]) -> str:
    for word in words[:_PROGRAM_AT]:
        if (program := word.rpartition("/")[2]) in COMPONENTS:
            return program
    return ""


def _flags(words: list[str]) -> Iterator[tuple[str, str]]:
    """Name and value of each flag: `--name=value`, `--name value`, or `--name`, which is true."""
    for position, word in enumerate(words):
        match = _FLAG.fullmatch(word)
        if match is None:
            continue
        name, value = match.groups()
        if value is None:
            following = words[position + 1] if position + 1 < len(words) else "-"
            value = "true" if following.startswith("-") else following
        yield name, value
