"""How long the gate takes from start to end, as whole processes, and how much memory: small plans and a large one.

    python -m benchmarks.gate [--runs 5] [--resources 10 2000] [--checkov]

With `--checkov`, Checkov judges the code of the same resources, in turn with the gate, so that both find the machine
equally busy. The plans are made up: buckets with their satellites, groups, volumes, roles, keys and databases. Bytecode
is compiled by a first run that is not counted, as it is when a wheel is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scanner.collectors import checkov

PROVIDER = "registry.terraform.io/hashicorp/aws"
_BUCKET_PARTS: dict[str, dict[str, Any]] = {
    "aws_s3_bucket_versioning": {"versioning_configuration": [{"status": "Enabled", "mfa_delete": None}]},
    "aws_s3_bucket_public_access_block": {
        "block_public_acls": True, "block_public_policy": True, "ignore_public_acls": True,
        "restrict_public_buckets": True,
    },
}  # fmt: skip
_INGRESS = {
    "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/8"], "ipv6_cidr_blocks": [],
    "security_groups": [], "prefix_list_ids": [], "self": False, "description": "",
}  # fmt: skip
_TRUST = json.dumps(
    {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]}
)


class Run(NamedTuple):
    """One whole process."""

    wall: float  # seconds
    cpu: float  # seconds
    memory: float  # megabytes at its largest


def instances() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Type, name and values of resources, without end."""
    number = 0
    while True:
        name = f"r{number}"
        yield "aws_s3_bucket", name, {"bucket": f"bench-{name}", "force_destroy": False}
        for kind, values in _BUCKET_PARTS.items():
            yield kind, name, {"bucket": f"bench-{name}", **values}
        yield "aws_security_group", name, {"name": name, "description": "b", "ingress": [_INGRESS], "egress": []}
        yield "aws_ebs_volume", name, {"availability_zone": "eu-west-1a", "size": 8, "encrypted": number % 2 == 0}
        yield "aws_iam_role", name, {"name": name, "path": "/", "assume_role_policy": _TRUST}
        yield "aws_kms_key", name, {"description": name, "enable_key_rotation": True, "is_enabled": True}
        yield "aws_db_instance", name, {"identifier": name, "engine": "postgres", "storage_encrypted": True}
        number += 1


def plan(resources: int) -> dict[str, Any]:
    """A plan that creates so many resources."""
    changes, blocks = [], []
    for kind, name, values in (one for one, _ in zip(instances(), range(resources), strict=False)):
        head = {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name}
        change = {"actions": ["create"], "before": None, "after": values | {"tags_all": {"environment": "production"}}}
        changes.append({**head, "provider_name": PROVIDER, "change": {**change, "after_unknown": {"id": True}}})
        expressions = {argument: {"constant_value": True} for argument in values}
        blocks.append({**head, "provider_config_key": "aws", "expressions": expressions})
    region = {"constant_value": "eu-west-1"}
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "resource_changes": changes,
        "configuration": {
            "provider_config": {"aws": {"name": "aws", "full_name": PROVIDER, "expressions": {"region": region}}},
            "root_module": {"resources": blocks},
        },
        "complete": True,
        "errored": False,
    }


def code(resources: int) -> str:
    """The Terraform code of the same resources."""
    blocks = []
    for kind, name, values in (one for one, _ in zip(instances(), range(resources), strict=False)):
        blocks.append(f'resource "{kind}" "{name}" {{\n{_arguments(values)}}}\n')
    return "\n".join(blocks)


def _arguments(values: dict[str, Any], indent: str = "  ") -> str:
    lines = ""
    for argument, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines += f"{indent}{argument} {{\n{_arguments(value[0], indent + '  ')}{indent}}}\n"
        elif value is not None:
            lines += f"{indent}{argument} = {json.dumps(value)}\n"
    return lines


def run(command: Sequence[str], environment: dict[str, str], codes: Sequence[int]) -> Run:
    """Run a program whose output nobody reads; one that ends otherwise than with one of the codes is an error."""
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(null, stream)
        os.execvpe(command[0], list(command), environment)  # noqa: S606  # our own command
    _, status, used = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) not in codes:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return Run(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def measured(runs: int, commands: Sequence[Sequence[str]], folder: Path) -> list[Run]:
    """The medians of each command over some rounds, after one that fills the caches."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    rounds = [[run(command, environment, (0, 1, 3)) for command in commands] for _ in range(runs + 1)][1:]
    of_each = zip(*rounds, strict=True)
    return [Run(*(statistics.median(one[n] for one in found) for n in range(3))) for found in of_each]


def gate(file: Path) -> list[str]:
    """The command that judges a plan."""
    return [sys.executable, "-m", "scanner", "gate", "--environment", "production", "--account", "1" * 12, str(file)]


def checkov_on(folder: Path) -> list[str]:
    """The command by which Checkov judges code, offline."""
    program = checkov.find()
    if program is None:
        raise SystemExit("Checkov is not installed: make extras")
    return [str(program), "-d", str(folder), "--framework", "terraform", "--skip-download", "--compact", "-o", "json"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--resources", type=int, nargs="+", default=[10, 2000])
    parser.add_argument("--checkov", action="store_true")
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as name:
        for number in args.resources:
            file, folder = Path(name) / f"plan-{number}.json", Path(name) / f"code-{number}"
            file.write_text(json.dumps(plan(number)))
            folder.mkdir()
            (folder / "main.tf").write_text(code(number))
            commands = [gate(file), *([checkov_on(folder)] if args.checkov else [])]
            for who, took in zip(("gate", "Checkov"), measured(args.runs, commands, Path(name)), strict=False):
                said = f"{took.wall:.2f} s wall, {took.cpu:.2f} s CPU, {took.memory:.0f} MB"
                print(f"{number:6,} resources, {who}: {said}", flush=True)


if __name__ == "__main__":
    main()
