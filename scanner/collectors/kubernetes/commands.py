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
_FLAGS = re.compile(r"\s+(?=--)")  # several flags in one argument, as a shell would be given them
_PROGRAM_AT = 8  # words in: `/bin/sh -c exec kube-apiserver`, `hyperkube kube-apiserver`
_KNOWN = frozenset({
    "anonymous-auth", "audit-log-maxage", "audit-log-maxbackup", "audit-log-maxsize", "authorization-mode",
    "auto-tls", "bind-address", "client-cert-auth", "disable-admission-plugins", "enable-admission-plugins",
    "feature-gates", "insecure-port", "peer-auto-tls", "peer-client-cert-auth", "profiling", "request-timeout",
    "service-account-extend-token-expiration", "service-account-lookup", "terminated-pod-gc-threshold",
    "tls-cipher-suites", "tls-min-version", "use-service-account-credentials",
    "encryption-provider-config", "kubelet-certificate-authority",
})  # fmt: skip
_WORDS = re.compile(r"[A-Za-z0-9_,.:=/<>-]{0,4000}")
_SUDO = re.compile(r"(^|[\s;&|(])(?:\S*/)?sudo(\s|$)")


def command_lines(template: Json) -> dict[str, Json]:
    """The parts `component` (name, known flags, others) and `sudo` (names of containers), each if it says something."""
    parts: dict[str, Json] = {}
    sudo = []
    for _, container in containers(template):
        line = [*_strings(container, "command"), *_strings(container, "args")]
        if any(_SUDO.search(entry) for entry in line):
            sudo.append(text(container, "name"))
        words = [word for entry in line for word in (_FLAGS.split(entry) if entry.startswith("-") else entry.split())]
        at = _component(words)
        if "component" not in parts and at is not None:
            name, flags = words[at].rpartition("/")[2], dict(_flags(words[at + 1 :]))
            known = {flag: value for flag, value in flags.items() if _is_known(flag, value)}
            judged = {flag: value for flag, value in flags.items() if flag not in known}
            parts["component"] = {"name": name, "known": known, "flags": judged}
    if sudo:
        parts["sudo"] = {"containers": sudo}
    return parts


def _is_known(flag: str, value: str) -> bool:
    """A switch, a number, a list of words that Kubernetes itself defines, or the path of a file: no secret."""
    return (flag in _KNOWN or flag.endswith(("file", "path"))) and _WORDS.fullmatch(value) is not None


def _strings(container: Json, key: str) -> list[str]:
    """The API server accepts strings only; whatever else a manifest has is no word of a command."""
    return [entry for entry in sequence(container, key) if isinstance(entry, str)]


def _component(words: list[str]) -> int | None:
    """Where the name of a part of the control plane stands; None where there is none."""
    return next((n for n, word in enumerate(words[:_PROGRAM_AT]) if word.rpartition("/")[2] in COMPONENTS), None)


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
