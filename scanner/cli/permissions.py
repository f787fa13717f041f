"""tierwall permissions: the least privilege to grant, made from what the collectors declare."""

from __future__ import annotations

import argparse

from scanner.cli import common
from scanner.errors import UsageError

# The first one of each is what is printed unless another is asked for.
FORMATS = {"aws": ("json", "cloudformation", "terraform"), "kubernetes": ("yaml", "json")}


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `permissions`."""
    parser.description = (
        "Print the least privilege that a scan needs, made from what the collectors declare they call: a policy for "
        "an AWS role, or a ClusterRole. Nothing is granted; hand it to whoever may."
    )
    parser.add_argument("source", choices=tuple(FORMATS), metavar="|".join(FORMATS), help="which source")
    parser.add_argument(
        "--format",
        choices=sorted({f for formats in FORMATS.values() for f in formats}),
        help="aws: a policy document as json, or the role with its trust as a cloudformation template (for a "
        "StackSet over many accounts) or a terraform module; kubernetes: the ClusterRole as yaml or json",
    )
    parser.add_argument(
        "--secret-values",
        action="store_true",
        help="kubernetes: also what `read_secret_values: true` needs; listing secrets is reading them",
    )


def run(args: argparse.Namespace) -> int:
    """Print what to grant. Raises UsageError for a format or an option that the source does not have."""
    formats = FORMATS[args.source]
    form = args.format or formats[0]
    if form not in formats:
        raise UsageError(f"permissions {args.source}: --format {form} is not among {', '.join(formats)}")
    print(_aws(form, args.secret_values) if args.source == "aws" else _kubernetes(form, args.secret_values), end="")
    return common.CLEAN


def _aws(form: str, secret_values: bool) -> str:
    from scanner.collectors.aws.permissions import FORMS

    if secret_values:
        raise UsageError("permissions aws: --secret-values is of kubernetes only: no value of AWS is read")
    return FORMS[form]() + "\n"


def _kubernetes(form: str, secret_values: bool) -> str:
    import json

    import yaml

    from scanner.collectors.kubernetes import permissions

    role = permissions(secrets=secret_values)
    return json.dumps(role, indent=2) + "\n" if form == "json" else str(yaml.safe_dump(role, sort_keys=False))
