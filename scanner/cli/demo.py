"""tierwall demo: the sample organisation, scanned the ordinary way. No account, no network.

The bundled servers run as child processes on loopback ports of their own choosing. Each ends when its standard input
closes, so none outlives this process, however it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from scanner.bundled import bundled
from scanner.cli import common
from scanner.errors import ScannerError, UsageError

CLUSTERS = ("prod-eu", "nonprod")
NEEDED = ("moto", "flask", "cryptography")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `demo`."""
    parser.description = (
        "Scan the sample organisation, three AWS accounts and two clusters on servers of this machine's own, the "
        "ordinary way, and write what came of it: database, findings, and the report. No account and no network are "
        "needed; nothing is written but the folder."
    )
    parser.add_argument(
        "--out", type=Path, default=Path("tierwall-demo"), metavar="DIR", help="folder to write to (%(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Start the servers, scan them, write the reports, and say what to open."""
    from scanner.safe.files import make_folder

    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        raise UsageError("the demo needs an AWS API to talk to: pip install 'tierwall[demo]'")
    out: Path = args.out
    make_folder(out)
    acme = bundled("fixtures", "acme")
    shutil.copytree(acme / "config", out / "config", dirs_exist_ok=True)
    shutil.copyfile(acme / "tierwall.yaml", out / "tierwall.yaml")
    with contextlib.ExitStack() as running:
        common.note("starting the sample organisation: three AWS accounts, two clusters")
        aws = running.enter_context(_server("aws_api.py", str(acme / "aws")))
        clusters = [
            running.enter_context(
                _server(
                    "kubernetes_api.py",
                    "--kubeconfig", str((out / f"{name}.kubeconfig").absolute()), "--context", name,
                    str(acme / "clusters" / name),
                )
            )
            for name in CLUSTERS
        ]  # fmt: skip
        for server in clusters:
            _ready(server)
        url = _ready(aws)
        environment = {
            **os.environ, "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }  # fmt: skip
        environment.pop("AWS_PROFILE", None)
        shared = ["--db", "tierwall.db", "--hash-key", "hash.key"]
        _key(out / "hash.key")
        _tierwall(out, environment, "scan", *shared, "--include-passed", "-o", "json:findings.json")
        _tierwall(out, environment, "report", *shared, "--out", ".")
    _say(out)
    return common.CLEAN


@contextlib.contextmanager
def _server(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A bundled server as a child process; ended on leaving."""
    path = bundled("fixtures", "servers", program)
    child = subprocess.Popen(
        [sys.executable, str(path), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield child
    finally:
        child.terminate()
        child.communicate()


def _ready(server: subprocess.Popen[str]) -> str:
    """The server's address, once it has said that it is ready."""
    line = server.stdout.readline() if server.stdout else ""
    if not line.startswith("ready "):
        raise ScannerError(f"demo: a bundled server did not start: {line.strip() or 'see above'}")
    return line.removeprefix("ready ").strip()


def _key(path: Path) -> None:
    """A key of the demo's own, so that the user's is not made or touched."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(os.urandom(32).hex())


def _tierwall(folder: Path, environment: dict[str, str], *arguments: str) -> None:
    """Run the ordinary command in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "scanner", *arguments], cwd=folder, env=environment, check=False)
    if done.returncode != common.CLEAN:
        raise ScannerError(f"demo: `tierwall {arguments[0]}` ended with {done.returncode}")


def _say(out: Path) -> None:
    """What was found, and what to open."""
    found = json.loads((out / "findings.json").read_text(encoding="utf-8"))
    summary = found["summary"]
    print(
        f"{summary['resources']} resources judged by {summary['rules']} rules: {summary['fail']} fail, "
        f"{summary['unknown']} unknown, {summary['pass']} pass"
    )
    for severity in common.SEVERITIES:
        failing = [f for f in found["findings"] if f["severity"] == severity and f["status"] == "fail"]
        if failing:
            print(f"  {severity:8} {len(failing):3}  such as {failing[0]['resource']['name']}: {failing[0]['message']}")
    print(f"open {out / 'tierwall-report.html'} or {out / 'tierwall-report.pdf'}; the data: {out / 'findings.json'}")
    first = next((f for f in found["findings"] if f["status"] == "fail"), None)
    if first:
        print(f"then: cd {shlex.quote(str(out))} && {_command()} explain {first['id'][:12]}")


def _command() -> str:
    """How this command is run from anywhere: by its name if that is on the path, else by its file."""
    if shutil.which("tierwall"):
        return "tierwall"
    script = Path(sys.argv[0]).absolute()
    if script.name == "tierwall" and os.access(script, os.X_OK):
        return shlex.quote(str(script))
    return f"{shlex.quote(sys.executable)} -m scanner"
