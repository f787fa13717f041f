"""tierwall init: write a commented tierwall.yaml from what is found."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from scanner.cli import common, scan
from scanner.errors import UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `init`."""
    parser.add_argument(
        "--out", type=Path, default=Path("tierwall.yaml"), metavar="FILE", help="file to write (%(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="replace the file if there is one")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def run(args: argparse.Namespace) -> int:
    """Read once, infer the environments, write the file; keeps nothing else of what was read."""
    from scanner.collectors.kinds import all_kinds
    from scanner.environments import infer, to_yaml
    from scanner.safe.files import write_atomic
    from scanner.store import Store

    if args.out.exists() and not args.force:
        raise UsageError(f"init: {args.out} is there already; name another file with --out or replace it with --force")
    base = common.discovered()
    args.source, args.hash_key = [], None
    with tempfile.TemporaryDirectory(prefix="tierwall-") as folder, Store.open(Path(folder) / "init.db") as store:
        snapshot = scan.take(args, store, base)
        with store.estate(snapshot, all_kinds(), Path(folder)) as estate:
            config = infer(estate, base)
    for sentence in config.how:
        common.note(sentence)
    write_atomic(args.out, to_yaml(config).encode())
    print(f"{args.out}: {len(config.environments)} environments; read it through before you rely on it")
    return common.CLEAN
