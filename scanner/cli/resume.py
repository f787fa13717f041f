"""tierwall resume: go on with a scan that was interrupted, then judge as `scan` does."""

from __future__ import annotations

import argparse

from scanner.cli import common, scan


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `resume`: those of `scan`, but for the sources, which are the interrupted scan's."""
    parser.description = (
        "Go on with a scan that was interrupted within the last hour. What it had read, an AWS service in a region, a "
        "whole cluster, a plan or the manifests, is not read again and keeps its times; configuration is read anew. "
        "tierwall.yaml and the key for hashes must be the same."
    )
    common.database(parser)
    common.configuration(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")
    common.judging(parser)
    parser.set_defaults(source=[])


def run(args: argparse.Namespace) -> int:
    """Finish the collection and judge; keeps the run as evidence."""
    return scan.collect_and_judge(args, scan.go_on, create=False)
