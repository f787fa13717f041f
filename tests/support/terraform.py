"""Plans for tests: the ones committed under tests/data/plans, ones made by hand, and real Terraform where it is."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from scanner.collectors.terraform import KINDS, Outcome, collect_plan
from scanner.safe.hash_key import HashKey
from scanner.safe.secrets import Redactor
from scanner.store import Estate, Stage
from scanner.tables import Gap, Kinds, Row

PLANS = Path(__file__).parent.parent / "data" / "plans"
KEY = HashKey(b"k" * 32)
ACCOUNT = "111111111111"
R = TypeVar("R", bound=Row)
Json = Any


def kinds() -> Kinds:
    """Terraform's kinds alone."""
    found = Kinds()
    found.add(*KINDS)
    return found


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A stage in a new file of the folder."""
    number = len(list(folder.glob("estate-*.db")))
    with Stage.create(folder / f"estate-{number}.db", Redactor(KEY), kinds()) as made:
        yield made


class Collected:
    """A plan in typed tables."""

    def __init__(
        self, plan: Json, folder: Path, *, account: str = ACCOUNT, where: str = "plan.json", source: Path | None = None
    ) -> None:
        self.folder = folder
        number = len(list(folder.glob("estate-*.db")))
        self.path = folder / f"estate-{number}.db"
        with Stage.create(self.path, Redactor(KEY), kinds()) as made:
            self.outcome: Outcome = collect_plan(where, made, account=account, data=copy.deepcopy(plan), source=source)

    def rows(self, table: type[R], **wanted: object) -> list[R]:
        """The rows of a table whose columns have these values."""
        with Estate.open(self.path) as estate:
            found = estate.rows(table)
        return [row for row in found if all(getattr(row, name) == value for name, value in wanted.items())]

    def one(self, table: type[R], **wanted: object) -> R:
        """The only row that has these values."""
        (row,) = self.rows(table, **wanted)
        return row

    def gap_rows(self, table: str) -> list[Gap]:
        """The gaps that say that rows of a table may be missing."""
        return self.rows(Gap, table_name=table, column_name="")

    def gaps(self, uid: str = "", table: str = "") -> dict[tuple[str, str], str]:
        """(table, column) → reason, of one uid."""
        return {
            (gap.table_name, gap.column_name): gap.reason
            for gap in self.rows(Gap, uid=uid)
            if not table or gap.table_name == table
        }


def plan(name: str) -> Json:
    """A committed plan."""
    return json.loads((PLANS / name / "plan.json").read_text())


def change(
    address: str,
    after: Mapping[str, Json] | None,
    *,
    unknown: Json = None,
    before: Mapping[str, Json] | None = None,
    actions: tuple[str, ...] = ("create",),
    sensitive: Json = None,
    index: str | int | None = None,
    **more: Json,
) -> dict[str, Json]:
    """An entry of `resource_changes`."""
    bare = address.split("[")[0].split(".")
    entry: dict[str, Json] = {
        "address": address,
        "mode": "managed",
        "type": bare[-2],
        "name": bare[-1],
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": {
            "actions": list(actions),
            "before": None if before is None else dict(before),
            "after": None if after is None else dict(after),
            "after_unknown": unknown or {},
            "before_sensitive": {},
            "after_sensitive": sensitive or {},
        },
    }
    if index is not None:
        entry["index"] = index
    return entry | more


def made(*changes: Mapping[str, Json], configured: Mapping[str, Mapping[str, Json]] | None = None) -> dict[str, Json]:
    """A plan of these changes. `configured` maps an address to its expressions; the others have none."""
    blocks = []
    for entry in {f"{c['type']}.{c['name']}": c for c in changes}.values():
        base = f"{entry['type']}.{entry['name']}"
        blocks.append(
            {
                "address": base,
                "mode": "managed",
                "type": entry["type"],
                "name": entry["name"],
                "provider_config_key": "aws",
                "expressions": dict((configured or {}).get(base, {})),
            }
        )
    region = {"constant_value": "eu-west-1"}
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "resource_changes": list(changes),
        "configuration": {
            "provider_config": {"aws": {"name": "aws", "expressions": {"region": region}}},
            "root_module": {"resources": blocks},
        },
        "complete": True,
        "errored": False,
    }


# --- Real Terraform ---

_PROVIDER = "*/hashicorp/aws"  # below the host of the registry that it came from


def mirror() -> Path | None:
    """A folder of providers in Terraform's layout that has the AWS provider: named by the environment, or usual."""
    named = os.environ.get("TIERWALL_TERRAFORM_MIRROR")
    usual = (
        Path.home() / ".terraform.d/plugins",
        Path.home() / ".local/share/terraform/plugins",
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/plugins"),
    )
    candidates = [Path(named)] if named else list(usual)
    return next((folder for folder in candidates if any(folder.glob(_PROVIDER))), None)


def missing() -> str:
    """What real Terraform lacks here; '' if nothing."""
    if shutil.which("terraform") is None:
        return "terraform is not installed"
    if mirror() is None:
        return "the AWS provider is not found: name the folder of providers with TIERWALL_TERRAFORM_MIRROR"
    return ""


class Terraform:
    """Real Terraform on a copy of a folder, without network but for what `variables` name."""

    def __init__(self, source: Path, folder: Path, variables: Mapping[str, str] | None = None) -> None:
        self.folder = folder / source.name
        shutil.copytree(source, self.folder)
        settings = folder / "terraform.rc"
        settings.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\n'
            "disable_checkpoint = true\n"
        )
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TF_CLI_CONFIG_FILE": str(settings),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "AWS_EC2_METADATA_DISABLED": "true",
            **{f"TF_VAR_{name}": value for name, value in (variables or {}).items()},
        }
        self.run("init")

    def run(self, command: str, *arguments: str) -> str:
        """The output of a command; fails the test with what it said when it does not succeed."""
        done = subprocess.run(
            ["terraform", command, "-no-color", *arguments],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"terraform {command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def plan(self, *arguments: str) -> Json:
        """The plan as JSON."""
        self.run("plan", "-out=p.tfplan", *arguments)
        return json.loads(self.run("show", "-json", "p.tfplan"))

    def state(self) -> Json:
        """The state as JSON."""
        return json.loads(self.run("show", "-json"))


# --- Making the committed plans again ---


@contextmanager
def aws_api(folder: Path) -> Iterator[str]:
    """An AWS API on loopback; gives its URL."""
    calls = folder / "calls.yaml"
    calls.write_text("[]\n")
    server = PLANS.parent.parent.parent / "fixtures" / "servers" / "aws_api.py"
    process = subprocess.Popen(
        [sys.executable, str(server), str(calls)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        word, _, url = process.stdout.readline().strip().partition(" ")
        assert word == "ready", "the AWS API did not start"
        yield url
    finally:
        process.communicate(timeout=20)  # closes its standard input, which ends it


def changed(folder: Path, url: str) -> dict[str, Json]:
    """What a plan looks like that changes what exists: `before` is applied, `after` is planned over it."""
    terraform = Terraform(PLANS / "changes" / "before", folder, {"endpoint": url})
    terraform.run("apply", "-auto-approve")
    noop, state = terraform.plan(), terraform.state()
    shutil.copy(PLANS / "changes" / "after" / "main.tf", terraform.folder / "main.tf")
    return {"plan": terraform.plan(), "noop": noop, "state": state}


def make(folder: Path) -> None:
    """Write the committed plans anew: `python -m tests.support.terraform`."""
    for name in ("everything", "services"):
        planned = Terraform(PLANS / name, folder).plan()
        (PLANS / name / "plan.json").write_text(json.dumps(planned) + "\n")
    with aws_api(folder) as url:
        for name, value in changed(folder, url).items():
            text = json.dumps(value).replace(url, "http://127.0.0.1:5000")
            (PLANS / "changes" / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        make(Path(made))
