"""tierwall init, run whole: it writes a file that is read again, from whatever is there, and never over one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.cli import main
from scanner.collectors.discover import _named
from scanner.environments import load_config
from tests.support import aws, kubernetes

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "config/base.yml": "debug: false\n",
    "config/production.yml": "pool: 20\n",
    "config/staging.yml": "pool: 5\n",
    "infra/main.tf": 'resource "aws_s3_bucket" "logs" {}\n',
    "infra/modules/net/main.tf": 'resource "aws_vpc" "main" {}\n',
    "deploy/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n",
    "chart/templates/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Values.name }}}\n",
    "overlays/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
    "pipeline.yml": "on: push\n",
    "node_modules/x/k8s.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n",
}


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TIERWALL_", "KUBE", "XDG_"))}
    return kept | {
        "HOME": str(home), "PYTHONPATH": str(ROOT), "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true", **more,
    }  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder as a team has it."""
    folder = tmp_path / "project"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def init(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scanner", "init", "-q", *arguments], cwd=folder, capture_output=True, text=True,
        env=environment(folder.parent / "home", **variables), timeout=300, check=False,
    )  # fmt: skip


def test_a_folder_of_files_gives_sources_and_environments(project: Path) -> None:
    done = init(project)

    assert (done.returncode, done.stdout) == (
        0, "tierwall.yaml: 2 environments; read it through before you rely on it\n",
    )  # fmt: skip
    config = load_config(project / "tierwall.yaml")
    assert config.content()["sources"] == {
        "config": {"paths": ["config/"]}, "terraform": {"paths": ["infra/"]}, "manifests": {"paths": ["deploy/"]},
    }  # fmt: skip
    assert {name: e["match"] for name, e in config.content()["environments"].items()} == {
        "production": [{"config": {"layers": ["config/base.yml", "config/production.yml"]}}],
        "staging": [{"config": {"layers": ["config/base.yml", "config/staging.yml"]}}],
    }
    comments = [line for line in (project / "tierwall.yaml").read_text().splitlines() if line.startswith("#")]
    assert "# the name of configuration file config/production.yml says production" in comments
    assert sorted(p.name for p in project.iterdir()) == sorted([*{n.split("/")[0] for n in FILES}, "tierwall.yaml"])


def test_what_it_wrote_is_what_a_scan_goes_by(project: Path) -> None:
    assert init(project).returncode == 0
    done = subprocess.run(
        [sys.executable, "-m", "scanner", "scan", "-q", "--source", "config", "-o", "json"], cwd=project,
        capture_output=True, text=True, env=environment(project.parent / "home"), timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow  # nobody has named regions yet, so all are read
def test_accounts_and_clusters_are_found_by_the_ordinary_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = aws.reset()
    aws.environment(monkeypatch, url)
    aws.client("iam").create_account_alias(AccountAlias="acme-production")
    with kubernetes.server() as api:
        kubeconfig = api.write_kubeconfig(project.parent / "kubeconfig")
        done = init(
            project, KUBECONFIG=str(kubeconfig), AWS_ENDPOINT_URL=url, AWS_ACCESS_KEY_ID="testing",
            AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION=aws.REGION,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    content = load_config(project / "tierwall.yaml").content()
    assert content["sources"]["aws"] == {"accounts": {"acme-production": {"id": aws.MAIN}}}
    (cluster,) = content["sources"]["kubernetes"]["clusters"]
    matches = content["environments"]["production"]["match"]
    assert {"aws": {"accounts": ["acme-production"]}} in matches
    assert {"kubernetes": {"cluster": cluster, "namespaces": ["production"]}} in matches
    assert {"config": {"layers": ["config/base.yml", "config/production.yml"]}} in matches


def test_a_cluster_that_is_out_of_reach_is_written_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    with kubernetes.server() as api:
        kubeconfig = api.write_kubeconfig(tmp_path / "kubeconfig")
    done = init(tmp_path / "project", KUBECONFIG=str(kubeconfig))

    assert done.returncode == 0, done.stderr
    assert "no environments are proposed, `tierwall doctor` says more" in done.stderr
    config = load_config(tmp_path / "project" / "tierwall.yaml")
    assert (list(config.content()["sources"]), config.environments) == (["kubernetes"], {})


def test_a_file_that_is_there_is_never_replaced_unasked(project: Path) -> None:
    (project / "tierwall.yaml").write_text("organization: Mine\n", encoding="utf-8")
    done = init(project)
    assert (done.returncode, done.stderr) == (
        2,
        "tierwall: init: tierwall.yaml is there already; name another file with --out or replace it with --force\n",
    )
    assert (project / "tierwall.yaml").read_text(encoding="utf-8") == "organization: Mine\n"
    assert init(project, "--force").returncode == 0
    assert load_config(project / "tierwall.yaml").organization is None


def test_a_file_that_appears_meanwhile_is_not_replaced(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scanner.cli import init as command

    monkeypatch.chdir(project)
    for name, value in environment(project.parent / "home").items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    infer = command._inferred

    def slow(*arguments: object) -> object:
        Path("tierwall.yaml").write_text("organization: Quicker\n", encoding="utf-8")
        return infer(*arguments)  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(command, "_inferred", slow)
    assert main(["init", "-q"]) == 2
    assert Path("tierwall.yaml").read_text(encoding="utf-8") == "organization: Quicker\n"


def test_paths_are_those_of_the_files_folder(project: Path) -> None:
    elsewhere = project.parent / "elsewhere"
    elsewhere.mkdir()
    assert init(elsewhere, "--out", str(project / "tierwall.yaml")).returncode == 0
    assert sorted(load_config(project / "tierwall.yaml").environments) == ["production", "staging"]


def test_an_empty_folder_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    done = init(tmp_path / "project")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("tierwall: nothing to scan from here: ")
    assert list((tmp_path / "project").iterdir()) == []


@pytest.mark.parametrize(
    ("context", "name"),
    [
        ("prod-eu", "prod-eu"),
        ("arn:aws:eks:eu-west-1:111111111111:cluster/prod", "prod"),
        ("gke_acme_europe-west1_staging", "staging"),
        ("admin@prod", "prod"),
        ("my_cluster", "my_cluster"),
        ("Ω", "default"),
    ],
)
def test_a_cluster_is_named_after_its_context(context: str, name: str) -> None:
    assert _named(context) == name
