"""The permissions asked for are those that are used, no more and no less."""

from __future__ import annotations

import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import botocore.session
import pytest

from scanner.collectors.aws import READS, permissions
from scanner.collectors.aws.permissions import NEVER
from tests.support import aws


def test_the_calls_that_are_made_are_the_calls_that_are_declared(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.fill(aws.OTHER)
    other = {"other": {"id": aws.OTHER, "role": "TierwallRead"}}
    with aws.counting() as made, aws.scan(tmp_path, aws.config(other)):
        assert set(made) == set(aws.declared_calls())


def test_the_policy_grants_what_is_declared_and_nothing_else() -> None:
    allow, deny = permissions()["Statement"]

    assert allow["Action"] == sorted({read.permission for read in READS} - {"sts:AssumeRole"})
    assert (allow["Effect"], deny["Effect"], deny["Action"]) == ("Allow", "Deny", list(NEVER))
    assert json.loads(json.dumps(permissions())) == permissions()


def test_nothing_that_is_needed_is_denied_and_nothing_writes() -> None:
    (allow, _) = permissions()["Statement"]

    assert [a for a in allow["Action"] if any(fnmatchcase(a, pattern) for pattern in NEVER)] == []
    verbs = ("Get", "List", "Describe", "GenerateCredentialReport")
    assert [a for a in allow["Action"] if not a.split(":")[1].startswith(verbs)] == []


def test_every_operation_exists_and_reads() -> None:
    session = botocore.session.Session()
    for read in READS:
        model = session.get_service_model(read.service).operation_model(read.operation)
        assert read.operation in model.service_model.operation_names
        assert read.operation.startswith(("Get", "List", "Describe", "Generate", "AssumeRole")), read.operation


def test_importing_the_package_loads_no_sdk() -> None:
    program = "import scanner.collectors.aws, sys; print([m for m in sys.modules if m.startswith('boto')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
