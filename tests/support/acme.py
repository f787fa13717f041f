"""The sample organisation: its servers, its answer key, and scanning it as a user does."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanner.bundled import bundled
from scanner.cli import main

ACME = Path(__file__).resolve().parents[2] / "fixtures" / "acme"
KEY = "ab" * 32
CLUSTERS = ("prod-eu", "nonprod")
Place = tuple[str, str, str]  # rule, account or cluster, name or namespace/name
Json = dict[str, Any]


# --- the answer key ---------------------------------------------------------------------------------------------------


def plants() -> dict[str, list[Place]]:
    """What the answer key expects, by plant."""
    key = yaml.safe_load((ACME / "answer-key.yaml").read_text(encoding="utf-8"))
    return {
        entry["plant"]: [(rule, f["place"], f["resource"]) for f in entry["findings"] for rule in f["rules"]]
        for entry in key
    }


def expected() -> list[Place]:
    """Every finding that the answer key expects."""
    return sorted(place for places in plants().values() for place in places)


def comments() -> list[str]:
    """The plants as the fixtures' comments tell them."""
    found = re.compile(r"^\s*# PLANTED: (.+)$", re.MULTILINE)
    files = sorted(p for p in ACME.rglob("*.y*ml") if p.name != "answer-key.yaml")
    return [text for path in files for text in found.findall(path.read_text(encoding="utf-8"))]


def secrets() -> set[str]:
    """Every secret planted in the fixtures."""
    found = re.compile(r"PLANTED-[\w-]+!?")
    return {text for path in ACME.rglob("*.y*ml") for text in found.findall(path.read_text(encoding="utf-8"))}


def place(finding: Json) -> Place:
    """A finding as the answer key names it."""
    at = finding["resource"]
    name = at["name"] if at["namespace"] in ("", at["name"]) else f"{at['namespace']}/{at['name']}"
    return finding["rule"], at["account"] or at["cluster"] or at["environment"], name


def failed(findings: Json) -> list[Place]:
    """The failing findings of a findings.json as the answer key names them."""
    return sorted(place(f) for f in findings["findings"] if f["status"] == "fail")


def difference(findings: Json, key: list[Place]) -> dict[str, Counter[Place]]:
    """What is missing of the key, and what is found beyond it, each as often as it is."""
    found, wanted = Counter(failed(findings)), Counter(key)
    return {"missing": wanted - found, "beyond": found - wanted}


# --- servers and scans ------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Acme:
    """The running organisation; `folder` has its tierwall.yaml, its layers and the ways to its clusters."""

    folder: Path
    environment: Mapping[str, str]

    def copy(self, to: Path) -> Acme:
        """The same organisation, to be scanned from another folder."""
        shutil.copytree(self.folder, to, dirs_exist_ok=True)
        return dataclasses.replace(self, folder=to)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "scanner", *arguments]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command in a process of its own."""
        return self.execute(self.command(*arguments), **environment)

    def execute(self, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Any program in the folder."""
        return subprocess.run(
            command, cwd=self.folder, env={**self.environment, **environment},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def scan(self, *arguments: str, out: str = "findings.json") -> Json:
        """Scan in this process, in which calls can be broken; answers with what findings.json says."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
                patch.delenv(name, raising=False)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            assert main([*SCAN, "--include-passed", "-o", f"json:{out}", *arguments]) == 0
        found: Json = json.loads((self.folder / out).read_text(encoding="utf-8"))
        return found


SHARED = ("--db", "tierwall.db", "--hash-key", "hash.key")
SCAN = ("scan", "-q", *SHARED)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Acme]:
    """Start the organisation's three servers, prepare the folder, and end the servers."""
    prepare(folder)
    with contextlib.ExitStack() as running:
        aws = running.enter_context(_server("aws_api.py", str(ACME / "aws")))
        clusters = [
            running.enter_context(
                _server(
                    "kubernetes_api.py", "--kubeconfig", str(folder / f"{name}.kubeconfig"), "--context", name,
                    str(ACME / "clusters" / name),
                )
            )
            for name in CLUSTERS
        ]  # fmt: skip
        for server in clusters:
            _address(server)
        yield Acme(folder, environment(_address(aws)))


def prepare(folder: Path) -> None:
    """tierwall.yaml, the configuration's layers and a key for hashes."""
    shutil.copytree(ACME / "config", folder / "config")
    shutil.copyfile(ACME / "tierwall.yaml", folder / "tierwall.yaml")
    (folder / "hash.key").write_text(KEY, encoding="ascii")
    (folder / "hash.key").chmod(0o600)


def environment(url: str) -> dict[str, str]:
    """An environment whose AWS is at the URL and nowhere else."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TIERWALL_"))}
    return kept | {
        "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONPATH": str(ACME.parents[1]),
    }  # fmt: skip


@contextlib.contextmanager
def _server(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    path = bundled("fixtures", "servers", program)
    child = subprocess.Popen(
        [sys.executable, str(path), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield child
    finally:
        child.terminate()
        child.communicate()


def _address(server: subprocess.Popen[str]) -> str:
    assert server.stdout
    line = server.stdout.readline()
    assert line.startswith("ready "), line
    return line.removeprefix("ready ").strip()
