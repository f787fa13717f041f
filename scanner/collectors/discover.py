"""What can be scanned from here, when no tierwall.yaml says: the caller's account and context, configuration, code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scanner.errors import InputError
from scanner.safe import files

Found = tuple[dict[str, Any] | None, str]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")  # of accounts and clusters in tierwall.yaml
_MOST_FILES = 5_000
_START_BYTES = 64_000
_MANIFEST = (re.compile(rb"^apiVersion:", re.MULTILINE), re.compile(rb"^kind:", re.MULTILINE))
_TEMPLATE = re.compile(rb"\{\{")
_NO_MANIFEST = re.compile(rb"^kind: *[\"']?(Config|Kustomization)[\"']?\s*$", re.MULTILINE)  # kubeconfig, kustomize


def discover(folder: Path, *, code: bool = False) -> tuple[dict[str, Any], list[str]]:
    """`sources` as tierwall.yaml would declare them, and a sentence for each on how it was found or not.

    With `code`, Terraform and manifests below the folder as well.
    """
    sources: dict[str, Any] = {}
    how: list[str] = []
    finders: list[tuple[str, Callable[[Path], Found]]] = [
        ("aws", _aws), ("kubernetes", _kubernetes), ("config", _config)
    ]  # fmt: skip
    if code:
        finders += [("terraform", _terraform), ("manifests", _manifests)]
    for name, find in finders:
        found, sentence = find(folder)
        how.append(sentence)
        if found:
            sources[name] = found
    return sources, how


def _aws(_: Path) -> Found:
    """The account of the caller's credentials, by sts:GetCallerIdentity, under its alias if it may be read."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    settings = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
    try:
        session = boto3.Session()
        if session.get_credentials() is None:
            return None, "AWS: no credentials"
        region = session.region_name or "us-east-1"
        account = session.client("sts", region_name=region, config=settings).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as e:
        return None, f"AWS: the credentials do not work: {e}"
    try:
        aliases = session.client("iam", region_name=region, config=settings).list_account_aliases()["AccountAliases"]
    except (BotoCoreError, ClientError):  # a name is all that is lost
        aliases = []
    name = next(filter(_NAME.fullmatch, aliases), "default")
    return {"accounts": {name: {"id": account}}}, f"AWS: account {account}, from the caller's credentials"


def _kubernetes(_: Path) -> Found:
    """The current context of the caller's kubeconfig; the others are named, since nobody said to ask them."""
    from kubernetes import config
    from kubernetes.config.config_exception import ConfigException

    try:
        contexts, active = config.list_kube_config_contexts()  # type: ignore[no-untyped-call]  # it has no types
    except ConfigException:
        return None, "Kubernetes: no kubeconfig with a current context"
    context = str(active["name"])
    others = sorted(str(c["name"]) for c in contexts if c["name"] != context)
    more = f"; add others as clusters to have them scanned: {', '.join(others)}" if others else ""
    return {"clusters": {_named(context): {"context": context}}}, f"Kubernetes: the current context {context}{more}"


def _named(context: str) -> str:
    """A cluster's name for its context: the last part of arn:aws:eks:…:cluster/prod or gke_project_zone_prod."""
    last = context.rpartition("/")[2].rpartition("_" if context.startswith("gke_") else "@")[2]
    return last if _NAME.fullmatch(last) else "default"


def _config(folder: Path) -> Found:
    """A folder `config/` with a base layer."""
    if any((folder / "config" / f"base.{end}").is_file() for end in ("yml", "yaml", "json", "toml")):
        return {"paths": ["config/"]}, "configuration: config/, since it has a base layer"
    return None, "configuration: no folder config/ with a base layer"


def _terraform(folder: Path) -> Found:
    """The folders at the top that hold Terraform code, or files of it."""
    places = _places(folder, (".tf", ".tofu"), lambda _: True)
    if not places:
        return None, "Terraform: no *.tf below this folder"
    return {
        "paths": places
    }, f"Terraform: {', '.join(places)}; what `terraform show -json` prints of a plan is read there"


def _manifests(folder: Path) -> Found:
    """The folders at the top that hold Kubernetes manifests, or files of them. Templates are none until rendered."""
    places = _places(folder, (".yaml", ".yml"), _is_manifest)
    if not places:
        return None, "manifests: none below this folder"
    return {"paths": places}, f"manifests: {', '.join(places)}"


def _is_manifest(start: bytes) -> bool:
    return (
        all(key.search(start) for key in _MANIFEST) and not _NO_MANIFEST.search(start) and not _TEMPLATE.search(start)
    )


def _places(folder: Path, endings: tuple[str, ...], fits: Callable[[bytes], bool]) -> list[str]:
    """Where such files are: the folders directly in this one, `infra/`, and the files in it."""
    found = set()
    try:
        for path in files.walk(folder, endings, _MOST_FILES, refused=[]):
            first, *rest = path.relative_to(folder).parts
            place = f"{first}/" if rest else first
            if place not in found and not first.startswith(".") and fits(_start(path, folder)):
                found.add(place)
    except InputError:  # more files than a project has: this is no folder to look for code in
        return []
    return sorted(found)


def _start(path: Path, folder: Path) -> bytes:
    try:
        return files.read_bytes(path, folder)[:_START_BYTES]
    except InputError:
        return b""
