"""What in tierwall.yaml does not fit together although each part is well formed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import PurePosixPath

from scanner.environments.explain import Complaint, suggestion
from scanner.environments.model import Config, Environment, Match
from scanner.environments.policy import TIERS

_Path = tuple[str | int, ...]


def inconsistencies(config: Config) -> Iterator[Complaint]:
    """Names that are declared nowhere, and declarations that contradict each other."""
    yield from _accounts(config)
    for name, environment in config.environments.items():
        path: _Path = ("environments", name)
        if environment.mirrors is not None:
            yield from _environment(config, environment.mirrors, (*path, "mirrors"))
            if environment.mirrors == name:
                yield Complaint((*path, "mirrors"), f"environments.{name} mirrors itself", "name the other one")
        for number, match in enumerate(environment.match):
            yield from _match(config, match, (*path, "match", number))
        yield from _expansion(config, environment, path)
    yield from _policy(config)
    yield from _allowed_paths(config)
    seen: set[str] = set()
    for number, name in enumerate(config.promotion):
        yield from _environment(config, name, ("promotion", number))
        if name in seen:
            yield Complaint(("promotion", number), f"promotion names {name} twice", "an environment is passed once")
        seen.add(name)


def _accounts(config: Config) -> Iterator[Complaint]:
    declared: dict[str, str] = {}
    for name, account in (config.sources.aws.accounts if config.sources.aws else {}).items():
        if account.id in declared:
            yield Complaint(
                ("sources", "aws", "accounts", name, "id"),
                f"accounts {declared[account.id]} and {name} have the same id",
                "declare each account once; environments may share it",
            )
        declared.setdefault(account.id, name)


def _declared(name: str, known: Iterable[str], path: _Path, what: str, where: str) -> Iterator[Complaint]:
    names = list(known)
    if name not in names:
        hint = suggestion(name, names, "declared are") if names else "add it there"
        yield Complaint(path, f"{what} {name} is not declared below {where}", hint)


def _environment(config: Config, name: str, path: _Path) -> Iterator[Complaint]:
    return _declared(name, config.environments, path, "environment", "environments")


def _match(config: Config, match: Match, path: _Path) -> Iterator[Complaint]:
    sources = config.sources
    if match.aws:
        accounts = sources.aws.accounts if sources.aws else {}
        for number, account in enumerate(match.aws.accounts):
            at = (*path, "aws", "accounts", number)
            yield from _declared(account, accounts, at, "account", "sources.aws.accounts")
    if match.kubernetes:
        clusters = sources.kubernetes.clusters if sources.kubernetes else {}
        at = (*path, "kubernetes", "cluster")
        yield from _declared(match.kubernetes.cluster, clusters, at, "cluster", "sources.kubernetes.clusters")
    if match.config:
        paths = sources.config.paths if sources.config else ()
        for number, layer in enumerate(match.config.layers):
            if not any(PurePosixPath(layer).is_relative_to(path) for path in paths):
                at = (*path, "config", "layers", number)
                yield Complaint(at, f"layer {layer} is not below sources.config.paths", "add its folder there")


def strangers(config: Config, frameworks: Collection[str], rules: Mapping[str, Collection[str]]) -> Iterator[Complaint]:
    """Names of things outside the file that are not there; `rules` has the parameters of each rule there is."""
    for name, environment in config.environments.items():
        for number, framework in enumerate(environment.frameworks):
            if framework not in frameworks:
                at: _Path = ("environments", name, "frameworks", number)
                hint = suggestion(framework, frameworks, "there are")
                yield Complaint(at, f"environments.{name}.frameworks: there is no framework {framework}", hint)
    for name, thresholds in config.policy.items():
        for rule, values in thresholds.parameters.items():
            at = ("policy", name, "parameters", rule)
            if rule not in rules:
                close = get_close_matches(rule, list(rules), n=1)
                hint = f"did you mean {close[0]}?" if close else "`tierwall rules list` names them"
                yield Complaint(at, f"policy.{name}.parameters: there is no rule {rule}", hint)
                continue
            for parameter in values:
                if parameter not in rules[rule]:
                    known = ", ".join(rules[rule])
                    hint = f"it has {known}" if known else "it has none"
                    yield Complaint(
                        (*at, parameter), f"policy.{name}.parameters: {rule} has no parameter {parameter}", hint
                    )


# What `branch.from` may name, by the form of `each`.
_ORIGINS = {"kubernetes": "namespace", "manifests": "namespace", "aws": "tag", "terraform": "workspace"}


def _expansion(config: Config, environment: Environment, path: _Path) -> Iterator[Complaint]:
    where = ".".join(str(part) for part in path)
    if environment.each is None:
        if environment.branch is not None:
            yield Complaint((*path, "branch"), f"{where}: branch needs each", "write `each:` instead of `match:`")
        return
    if environment.match:
        yield Complaint((*path, "match"), f"{where}: match and each exclude each other", "keep one of them")
    yield from _match(config, environment.each, (*path, "each"))
    form = next(iter(environment.each.model_fields_set))
    origin = _ORIGINS.get(form)
    if origin is None:
        yield Complaint((*path, "each"), f"{where}: each cannot follow {form}", f"use {', '.join(_ORIGINS)}")
        return
    if environment.branch is None:
        yield Complaint(path, f"{where}: branch is missing", f"add `branch: {{from: {origin}}}`")
    elif environment.branch.from_ != origin:
        at = (*path, "branch", "from")
        yield Complaint(at, f"{where}: each {form} has no {environment.branch.from_}", f"write `from: {origin}`")
    if not _one_name(environment.each):
        at = (*path, "each", form)
        hint = {"tag": "one tag", "workspace": "workspaces", "namespace": "namespaces"}[origin]
        yield Complaint(at, f"{where}: each needs something to tell its environments apart", f"name {hint}")


def _one_name(each: Match) -> bool:
    if each.aws:
        return len(each.aws.tags) == 1
    if each.terraform:
        return bool(each.terraform.workspaces)
    return each.manifests is None or bool(each.manifests.namespaces)


def _policy(config: Config) -> Iterator[Complaint]:
    for name in config.policy:
        environment = config.environments.get(name)
        if environment is None and name not in TIERS:
            hint = suggestion(name, [*config.environments, *TIERS], "known are")
            yield Complaint(("policy", name), f"policy.{name}: there is no such environment or tier", hint)
        elif environment is not None and name in TIERS and environment.tier != name:
            yield Complaint(
                ("policy", name),
                f"policy.{name} may mean the environment, which is of tier {environment.tier}, or the tier {name}",
                "rename the environment",
            )


def _allowed_paths(config: Config) -> Iterator[Complaint]:
    for number, allowed in enumerate(config.allowed_paths):
        at: _Path = ("allowed_paths", number)
        yield from _environment(config, allowed.from_, (*at, "from"))
        yield from _environment(config, allowed.to, (*at, "to"))
        if allowed.from_ == allowed.to and not _is_expanded(config, allowed.to):
            yield Complaint(at, f"allowed_paths[{number}] leads from {allowed.to} to itself", "name two environments")
        if allowed.ports and allowed.plane != "network":
            yield Complaint((*at, "ports"), f"allowed_paths[{number}]: plane {allowed.plane} has no ports", "drop them")


def _is_expanded(config: Config, name: str) -> bool:
    return name in config.environments and config.environments[name].each is not None
