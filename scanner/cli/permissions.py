"""tierwall permissions: the least privilege to grant, made from what the collectors declare."""

from __future__ import annotations

import argparse
import importlib
import json

from scanner.cli import common


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `permissions`."""
    parser.add_argument("source", choices=("aws", "kubernetes"))
    parser.add_argument("--format", choices=("json", "yaml"), help="json for aws, yaml for kubernetes")


def run(args: argparse.Namespace) -> int:
    """Print an IAM policy document, or a ClusterRole."""
    document = importlib.import_module(f"scanner.collectors.{args.source}").permissions()
    if (args.format or ("yaml" if args.source == "kubernetes" else "json")) == "json":
        print(json.dumps(document, indent=2))
    else:
        import yaml

        print(yaml.safe_dump(document, sort_keys=False), end="")
    return common.CLEAN
