"""Which matches of tierwall.yaml take a resource, and how particular each of them is.

Every test has three answers: yes, no, and not known (None), for a column that is NULL or a tag that was not read.
"""

from __future__ import annotations

import fnmatch
import functools
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from scanner.environments.model import AwsMatch, Config, Environment, KubernetesMatch, ManifestsMatch, TerraformMatch
from scanner.safe.text import plain

Maybe = bool | None


class Rank(IntEnum):
    """How particular a match is; of those that take a resource the highest decides."""

    ACCOUNT = 1  # or a whole cluster
    REGION = 2
    PLACE = 3  # a namespace, a Terraform workspace, a file, configuration layers
    TAG = 4
    UID = 5


class Place(NamedTuple):
    """Where a resource is: all that a match may ask, but its uid and tags. NULL is not known."""

    table: str
    source: str
    scope: str
    account: str | None
    region: str | None
    cluster: str | None
    namespace: str | None
    file: str


class Tag(NamedTuple):
    key: str | None  # in lower case
    value: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one match says of one resource. `environment` is '' where only the branch's name is not known."""

    environment: str
    rank: Rank
    holds: Maybe
    because: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A resource with what decides about it. `tags` is None where they were not read."""

    uid: str
    place: Place
    tags: Sequence[Tag] | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One match of one environment, ready to be asked."""

    environment: str
    place: Callable[[Place], tuple[Maybe, Rank, str]]  # whether the place fits, how particular that is, and in words
    branch: Callable[[Subject], Iterable[str | None]] | None = None  # what the expanded environments are named by
    tags: tuple[tuple[str, re.Pattern[str], str], ...] = ()  # key in lower case, values, as written
    uids: re.Pattern[str] | None = None
    names: tuple[str, ...] = ()  # `aws/<account id>`, `kubernetes/<cluster>`: the places it names, for what all share

    @property
    def is_static(self) -> bool:
        """Nothing but the place decides."""
        return not self.tags and self.uids is None

    def ask(self, subject: Subject) -> Iterator[Answer]:
        """What the match says of a resource; nothing where it is certain that it does not take it."""
        holds, rank, because = self.place(subject.place)
        for key, pattern, written in self.tags:
            rank, tag, found = Rank.TAG, *_tag(subject.tags, key, pattern)
            because = f"tag {written}={found}" if found is not None else f"tag {written}"
            holds = _and(holds, tag)
        if self.uids is not None:
            rank, because = Rank.UID, "uid"
            # A resource that is only planned may get an ARN that the pattern takes.
            planned = None if subject.uid.startswith("plan:") else False
            holds = _and(holds, True if self.uids.fullmatch(subject.uid) else planned)
        if holds is False:
            return
        if self.branch is None:
            yield Answer(self.environment, rank, holds, because)
            return
        for value in dict.fromkeys(self.branch(subject)):
            name = "" if value is None else self._expanded(value)
            yield Answer(name, rank, holds if name else None, because)

    def _expanded(self, value: str) -> str:
        """Outside text becomes part of a name: one word, printable, of bounded length."""
        return f"{self.environment}/{'-'.join(plain(value).split())[:128] or 'unnamed'}"


@functools.lru_cache(maxsize=4096)
def glob(patterns: tuple[str, ...], *, fold: bool = False) -> re.Pattern[str]:
    """Any of the patterns; `*` and `?` as in a shell, over `/` too. `fold`: upper and lower case are the same."""
    return re.compile("|".join(fnmatch.translate(p) for p in patterns), re.IGNORECASE if fold else 0)


def _and(*answers: Maybe) -> Maybe:
    if False in answers:
        return False
    return None if None in answers else True


def _tag(tags: Sequence[Tag] | None, key: str, pattern: re.Pattern[str]) -> tuple[Maybe, str | None]:
    """Whether a tag of that key has such a value, and the value."""
    if tags is None:
        return None, None
    unknown = False
    for tag in tags:
        if tag.key == key and tag.value is not None and pattern.fullmatch(tag.value):
            return True, tag.value
        unknown |= tag.key is None or (tag.key == key and tag.value is None)
    return (None if unknown else False), None


def rules(config: Config, folder: Path | None = None) -> list[Rule]:
    """Every match of every environment. Files with a relative path are in `folder`; without, in that of the file."""
    found = []
    here = _Here(os.path.abspath(config.root), os.path.abspath(config.root if folder is None else folder))
    for name, environment in config.environments.items():
        for match in (environment.each,) if environment.each else environment.match:
            if match.aws:
                rule = _aws(config, name, match.aws)
            elif match.kubernetes:
                rule = _kubernetes(name, match.kubernetes, expanded=environment.each is not None)
            elif match.terraform:
                rule = _terraform(here, name, match.terraform)
            elif match.manifests:
                rule = _manifests(here, name, match.manifests)
            else:
                rule = _config(config, name, match.config.layers if match.config else ())
            found.append(replace(rule, branch=_branch(environment)) if environment.each else rule)
    return found


def _aws(config: Config, name: str, match: AwsMatch) -> Rule:
    declared = config.sources.aws.accounts if config.sources.aws else {}
    accounts = {declared[account].id: account for account in match.accounts}
    regions = frozenset(match.regions)

    def place(at: Place) -> tuple[Maybe, Rank, str]:
        if not at.table.startswith("aws_"):
            return False, Rank.ACCOUNT, ""
        account = _within(at.account, accounts)
        if not regions or at.region == "":  # regions never exclude what is global
            return account, Rank.ACCOUNT, f"account {_named(at.account, accounts)}"
        because = f"account {_named(at.account, accounts)}, region {at.region}" if accounts else f"region {at.region}"
        return _and(account, _within(at.region, regions)), Rank.REGION, because

    return Rule(
        name,
        place,
        tags=tuple((key.lower(), glob(values, fold=True), key) for key, values in match.tags.items()),
        uids=glob(match.uids) if match.uids else None,
        names=tuple(f"aws/{account}" for account in accounts),
    )


def _within(value: str | None, allowed: Collection[str]) -> Maybe:
    """Whether the value is one of those allowed; nothing allowed is no condition."""
    if not allowed:
        return True
    return None if value is None else value in allowed


def _named(account: str | None, accounts: Mapping[str, str]) -> str:
    return accounts.get(account or "", account or "unknown")


def _kubernetes(name: str, match: KubernetesMatch, *, expanded: bool) -> Rule:
    whole = match.namespaces == ("*",) and not expanded
    namespaces = glob(match.namespaces)

    def place(at: Place) -> tuple[Maybe, Rank, str]:
        if (
            not at.table.startswith("kubernetes_")
            or at.source == "manifests"
            or at.cluster not in (match.cluster, None)
        ):
            return False, Rank.PLACE, ""
        cluster: Maybe = None if at.cluster is None else True
        if whole:
            return cluster, Rank.ACCOUNT, f"cluster {match.cluster}"
        return _and(cluster, _in_namespace(at, namespaces)), Rank.PLACE, f"namespace {at.namespace}"

    return Rule(name, place, names=(f"kubernetes/{match.cluster}",))


def _in_namespace(at: Place, namespaces: re.Pattern[str]) -> Maybe:
    """What has no namespace is in none, whatever the pattern."""
    if at.namespace is None:
        return None
    return at.namespace != "" and bool(namespaces.fullmatch(at.namespace))


class _Here(NamedTuple):
    """Folders: of tierwall.yaml, and of files with a relative path."""

    root: str
    folder: str

    def path(self, file: str) -> PurePosixPath:
        """The path as tierwall.yaml would write it: relative to its folder, if it is in there."""
        relative = os.path.relpath(os.path.join(self.folder, file), self.root)
        return PurePosixPath(file if relative.startswith("..") else relative)


def _terraform(here: _Here, name: str, match: TerraformMatch) -> Rule:
    workspaces = glob(match.workspaces) if match.workspaces else None

    def place(at: Place) -> tuple[Maybe, Rank, str]:
        if at.source != "terraform":
            return False, Rank.PLACE, ""
        path = here.path(at.file)
        workspace = True if workspaces is None else _workspace(path, workspaces)
        within = True if not match.paths else _under(path, match.paths)
        return _and(workspace, within), Rank.PLACE, f"file {path}"

    return Rule(name, place)


def _workspace(path: PurePosixPath, pattern: re.Pattern[str]) -> bool:
    """Plans and states do not hold their workspace: a folder of the path, or the file, is named after it."""
    return any(pattern.fullmatch(part) for part in (*path.parts[:-1], path.name, path.name.split(".")[0]))


def _manifests(here: _Here, name: str, match: ManifestsMatch) -> Rule:
    namespaces = glob(match.namespaces) if match.namespaces else None

    def place(at: Place) -> tuple[Maybe, Rank, str]:
        if at.source != "manifests":
            return False, Rank.PLACE, ""
        path = here.path(at.file)
        within = True if not match.paths else _under(path, match.paths)
        because = f"file {path}" if match.paths else f"namespace {at.namespace}"
        return _and(within, True if namespaces is None else _in_namespace(at, namespaces)), Rank.PLACE, because

    return Rule(name, place)


def _config(config: Config, name: str, layers: Sequence[str]) -> Rule:
    scope = config_scope(layers)
    rule = Rule(name, lambda at: (at.source == "config" and at.scope == scope, Rank.PLACE, "layers"))
    others = [
        match.config.layers
        for other, environment in config.environments.items()
        for match in environment.match
        if match.config and other != name
    ]
    if any(config_scope(other) == scope for other in others):  # the same files twice: then it is the name that tells
        return replace(rule, uids=re.compile(re.escape(f"cfg:{name}") + "(/.*)?", re.DOTALL))
    return rule


def config_scope(layers: Sequence[str]) -> str:
    """The scope of an environment's configuration: which files it is made of, whatever the environment is called."""
    return "config/" + ",".join(str(PurePosixPath(layer)) for layer in layers)


def _under(path: PurePosixPath, folders: Sequence[str]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _branch(environment: Environment) -> Callable[[Subject], Iterable[str | None]]:
    """The values that tell the expanded environments apart; None for one that is not known."""
    each, branch = environment.each, environment.branch
    if each is None or branch is None:
        raise ValueError("only an environment with `each` and `branch` is expanded")  # consistency sees to it
    strip = branch.strip

    def cut(value: str | None) -> str | None:
        return value if value is None else value.removeprefix(strip) or value

    if each.aws:
        ((key, patterns),) = each.aws.tags.items()
        wanted, pattern = key.lower(), glob(patterns, fold=True)

        def by_tag(subject: Subject) -> Iterable[str | None]:
            if subject.tags is None:
                return [None]
            values = [tag.value for tag in subject.tags if tag.key in (wanted, None)]
            return [cut(value) for value in values if value is None or pattern.fullmatch(value)]

        return by_tag
    if each.terraform:
        workspaces = glob(each.terraform.workspaces)

        def by_workspace(subject: Subject) -> Iterable[str | None]:
            parts = PurePosixPath(subject.place.file)
            names = (*parts.parts[:-1], parts.name.split(".")[0])
            return [cut(part) for part in reversed(names) if workspaces.fullmatch(part)][:1]

        return by_workspace
    return lambda subject: [cut(subject.place.namespace)]
