"""What the configuration says before anything is read: where each environment may have resources, whose word its
thresholds are, and what is left out on purpose. Needed where the estate cannot tell, as for a scope not listed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from scanner.collectors import code
from scanner.results.model import Exclusion
from scanner.safe.text import many

if TYPE_CHECKING:
    from scanner.environments import Config
    from scanner.environments.model import AwsMatch, Match
    from scanner.tables import Call, Scope


def declared(environment: str) -> str:
    """The declared environment that an expanded one, `feature/login`, comes from."""
    return environment.partition("/")[0]


def may_hold(config: Config, scopes: Iterable[Scope], environments: Iterable[str]) -> dict[str, list[str]]:
    """For each scope the environments that resources in it can be matched to. Too many is safe, too few is not."""
    names = list(environments)
    found: dict[str, list[str]] = {}
    for scope in scopes:
        found[scope.id] = []
        for name in names:
            own = config.environments.get(declared(name))
            matches = [*own.match, *([own.each] if own.each else [])] if own else []
            if own is None or any(_may_match(match, scope, config) for match in matches):
                found[scope.id].append(name)
    return found


def threshold_sources(config: Config, environments: Iterable[str]) -> dict[tuple[str, str], str]:
    """(environment, column of the table `environment`) → the line that states the value, or `tierwall default`."""
    return {
        (name, column): threshold.origin
        for name in environments
        if declared(name) in config.environments
        for column, threshold in config.thresholds(declared(name)).items()
    }


def not_read(config: Config, scopes: Iterable[Scope]) -> list[Exclusion]:
    """What the configuration, or the command line of the scan, left out of the snapshot."""
    read = {scope.source for scope in scopes}
    declared_sources = config.sources
    out = [
        Exclusion(f"source {name}", "tierwall.yaml declares it; the scan was asked for other sources alone")
        for name in ("aws", "kubernetes", "config", "terraform", "manifests")
        if getattr(declared_sources, name) is not None and name not in read
    ]
    if declared_sources.aws is not None and "aws" in read:
        accounts = declared_sources.aws.accounts or {}
        for name, account in accounts.items():
            if regions := account.regions or declared_sources.aws.regions:
                what = f"AWS account {name}, regions other than {', '.join(regions)}"
                out.append(Exclusion(what, "tierwall.yaml names the regions to read"))
    if declared_sources.kubernetes is not None and "kubernetes" in read:
        for name, cluster in declared_sources.kubernetes.clusters.items():
            if cluster.namespaces and "*" not in cluster.namespaces:
                what = f"cluster {name}, namespaces other than {', '.join(cluster.namespaces)}"
                out.append(Exclusion(what, "tierwall.yaml names the namespaces to read"))
            if not cluster.read_secret_values:
                why = "read_secret_values is not set: what needs them is unknown"
                out.append(Exclusion(f"cluster {name}, values of Secrets", why))
    return out


def passed_over(calls: Iterable[Call]) -> list[Exclusion]:
    """What files of code hold that is not judged."""
    out = []
    for call in calls:
        if call.operation == code.NOT_MODELLED:
            out.append(Exclusion(f"{call.scope}: {call.uid}", f"{call.items} of a type that no table takes"))
        elif call.operation == code.RUNNING:
            what = f"{call.scope}: {many(call.items, 'resource that is', 'resources that are')} running"
            out.append(Exclusion(what, "judged as they run; `tierwall gate` judges what the plan makes of them"))
    return out


def _may_match(match: Match, scope: Scope, config: Config) -> bool:
    if scope.source == "aws":
        return match.aws is not None and _may_match_aws(match.aws, scope, config)
    if scope.source == "kubernetes":
        return match.kubernetes is not None and match.kubernetes.cluster == scope.cluster
    return match.config is not None or scope.source != "config"  # code declares resources of any place


def _may_match_aws(match: AwsMatch, scope: Scope, config: Config) -> bool:
    """Regions narrow what is regional; tags and uids say nothing of the place."""
    accounts = config.sources.aws.accounts if config.sources.aws else {}
    ids = {accounts[name].id for name in match.accounts if name in accounts}
    unknown = any(name not in accounts for name in match.accounts)
    here = not match.accounts or unknown or scope.account in ids
    return here and (not match.regions or not scope.region or scope.region in match.regions)
