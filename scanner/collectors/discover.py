"""What can be scanned from here, when no tierwall.yaml says: the caller's own account, context and config folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def discover(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """`sources` as tierwall.yaml would declare them, and a sentence for each on how it was found or not."""
    sources: dict[str, Any] = {}
    how: list[str] = []
    for name, find in (("aws", _aws), ("kubernetes", _kubernetes), ("config", _config)):
        found, sentence = find(folder)
        how.append(sentence)
        if found:
            sources[name] = found
    return sources, how


def _aws(_: Path) -> tuple[dict[str, Any] | None, str]:
    """The account of the caller's credentials, by sts:GetCallerIdentity."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.Session()
    try:
        if session.get_credentials() is None:
            return None, "AWS: no credentials"
        settings = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
        region = session.region_name or "us-east-1"
        account = session.client("sts", region_name=region, config=settings).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as e:
        return None, f"AWS: the credentials do not work: {e}"
    return {"accounts": {"default": {"id": account}}}, f"AWS: account {account}, from the caller's credentials"


def _kubernetes(_: Path) -> tuple[dict[str, Any] | None, str]:
    """The current context of the caller's kubeconfig."""
    from kubernetes import config
    from kubernetes.config.config_exception import ConfigException

    try:
        _contexts, active = config.list_kube_config_contexts()  # type: ignore[no-untyped-call]  # it has no types
    except ConfigException:
        return None, "Kubernetes: no kubeconfig with a current context"
    name = str(active["name"])
    return {"clusters": {"default": {"context": name}}}, f"Kubernetes: the current context {name}"


def _config(folder: Path) -> tuple[dict[str, Any] | None, str]:
    """A folder `config/` with a base layer."""
    if any((folder / "config" / f"base.{end}").is_file() for end in ("yml", "yaml", "json", "toml")):
        return {"paths": ["config/"]}, "configuration: config/, since it has a base layer"
    return None, "configuration: no folder config/ with a base layer"
