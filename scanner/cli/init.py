"""tierwall init: write a commented tierwall.yaml from what is found."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.cli import common, scan
from scanner.errors import SourceError, UsageError

if TYPE_CHECKING:
    from scanner.environments import Config


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `init`."""
    parser.description = (
        "Write a commented tierwall.yaml from what is found here: the AWS account of your credentials, the current "
        "context of your kubeconfig, a folder config/, Terraform code and Kubernetes manifests below this folder. The "
        "sources are read once to propose environments; nothing else of that is kept. A file that is there is never "
        "replaced, unless --force says so."
    )
    parser.add_argument(
        "--out", type=Path, default=Path("tierwall.yaml"), metavar="FILE", help="file to write (%(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="replace the file if there is one")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def run(args: argparse.Namespace) -> int:
    """Read once, infer the environments, write the file; keeps nothing else of what was read."""
    from scanner.environments import to_yaml
    from scanner.safe.files import create_atomic, write_atomic
    from scanner.safe.text import many

    if args.out.exists() and not args.force:
        raise _there(args.out)
    base = common.discovered(args.out.parent, code=True)
    config = _inferred(args, base.read_from(args.out, "", lambda _: 0))  # its paths are relative to the file
    for sentence in config.how:
        common.note(sentence)
    text = to_yaml(config).encode()
    if args.force:
        write_atomic(args.out, text)
    elif not create_atomic(args.out, text, mode=0o644):
        raise _there(args.out)  # somebody was quicker
    print(f"{args.out}: {many(len(config.environments), 'environment')}; read it through before you rely on it")
    return common.CLEAN


def _inferred(args: argparse.Namespace, base: Config) -> Config:
    """The sources with environments, as far as what can be read shows them."""
    from scanner.collectors.kinds import all_kinds
    from scanner.environments import infer
    from scanner.store import Store

    args.source, args.hash_key = [], None
    with tempfile.TemporaryDirectory(prefix="tierwall-") as folder, Store.open(Path(folder) / "init.db") as store:
        try:
            snapshot = scan.take(args, store, base)
        except SourceError as e:  # the file is wanted all the more: it says what to mend
            common.note(f"{e}; no environments are proposed, `tierwall doctor` says more")
            return base
        with store.estate(snapshot, all_kinds(), Path(folder)) as estate:
            return infer(estate, base)


def _there(path: Path) -> UsageError:
    return UsageError(f"init: {path} is there already; name another file with --out or replace it with --force")
