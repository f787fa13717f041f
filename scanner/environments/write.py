"""A tierwall.yaml for people to read and go on with, from a configuration that was inferred or read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from scanner.environments.model import Config
from scanner.safe.text import plain
from scanner.safe.yaml_dialects import Dialect, resolve

# What stands above each part; where the part is empty, the example stands there instead, as a comment.
_PARTS: dict[str, tuple[str, str]] = {
    "organization": ("Whose environments these are; it heads the reports.", "organization: Acme"),
    "sources": (
        "What is scanned. Paths are relative to this file and stay inside its folder.",
        'sources:\n  aws: {accounts: {prod: {id: "111111111111", role: TierwallRead}}}\n'
        "  kubernetes: {clusters: {prod-eu: {context: prod-eu}}}\n  config: {paths: [config/]}",
    ),
    "environments": (
        "What belongs together. The most particular match decides: uid, tag, namespace or file, account and region,\n"
        "account. Tiers: local, feature, integration, development, staging, production, shared.",
        "environments:\n  production: {tier: production, match: [{aws: {accounts: [prod]}}]}",
    ),
    "policy": (
        "What environments must keep to, by environment or by tier, where it is not what is shipped.",
        "policy: {production: {backup: {full_every: 24h, incremental_every: 1h, keep: 35d}}}",
    ),
    "allowed_paths": (
        "Ways from one environment into another that somebody accepted, and until when.",
        "allowed_paths:\n  - {from: integration, to: shared, plane: network, ports: [443], reason: artifact registry}",
    ),
    "promotion": ("The way a release takes.", "promotion: [integration, staging, production]"),
    "rules": ("Rules of your own, files and folders, beside those that are shipped.", "rules: {packs: [rules/]}"),
    "governance": (
        "Where waivers and attestations are, and who may approve them.",
        "governance: {waivers: waivers.yaml, attestations: attestations/, approvers: [ciso@acme.example]}",
    ),
}
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/@+-]*(?: [A-Za-z0-9._/@+-]+)*")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def to_yaml(config: Config) -> str:
    """The file's text, with comments; `load_config` reads the same configuration from it."""
    content = config.content()
    lines = [f"# {plain(sentence)}" for sentence in ("How the environments were found:", *config.how) if config.how]
    for name, (comment, example) in _PARTS.items():
        lines += ["", *(f"# {line}" for line in comment.split("\n"))] if lines else [f"# {comment}"]
        if name in content:
            lines += _block(name, content[name], 0)
        else:
            lines += [f"# {line}" for line in example.split("\n")]
    return "\n".join(lines) + "\n"


def _block(name: str, value: Any, depth: int) -> Iterator[str]:
    """A key and its value, opened up as far as it helps: environments a line each key, matches a line each."""
    front = "  " * depth + _scalar(name) + ":"
    if isinstance(value, dict) and value and depth < 3 and len(_flow(value)) > 60:
        yield front
        for key, item in value.items():
            yield from _block(key, item, depth + 1)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        yield front
        yield from ("  " * (depth + 1) + f"- {_flow(item)}" for item in value)
    else:
        yield f"{front} {_flow(value)}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: str | int | float | bool) -> str:
    """Plain where YAML reads just that text, else in quotes."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and resolve(value, Dialect.CORE) == value:
        return value
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
