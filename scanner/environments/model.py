"""What tierwall.yaml may say: the names, the types and the shapes. How it is read is in `load`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from scanner.environments.fields import (
    AccountId,
    Date,
    Duration,
    Glob,
    Many,
    Model,
    Name,
    Region,
    Relative,
    Scalar,
    Some,
    Text,
    Variable,
    matching,
    wrong,
)
from scanner.environments.policy import COLUMNS, Threshold, Thresholds, Tier, defaults_digest, shipped
from scanner.safe.files import shown
from scanner.safe.text import joined, plain

Plane = Literal["network", "identity", "data", "configuration"]


# --- sources: what is scanned -----------------------------------------------------------------------------------------


class AwsAccount(Model):
    """One account, and how to get into it."""

    id: AccountId
    role: Text | None = None  # name or ARN of the role to assume; without it the caller's own credentials are used
    external_id_env: Variable | None = None  # the environment variable with the external id of that role
    profile: Text | None = None  # a profile of the AWS configuration to start from
    regions: Some[Region] | None = None  # instead of those of `aws.regions`


class AwsSource(Model):
    accounts: dict[Name, AwsAccount] = Field(default_factory=dict)
    regions: Some[Region] | None = None  # without: every region that the account has enabled
    max_attempts: Annotated[int, Field(ge=1, le=20)] | None = None  # requests for one call, retries included
    read_secret_values: bool = False  # SSM parameters: read them, to keep keyed hashes of them


class Cluster(Model):
    """One cluster, and how to reach it: a context of a kubeconfig, by default the current one."""

    context: Text | None = None
    kubeconfig: Text | None = None  # relative to the file; may be absolute or start with ~, since it holds credentials
    namespaces: Some[Glob] | None = None  # only these are scanned
    read_secret_values: bool = False  # Secrets: read them, to keep keyed hashes of their values


class KubernetesSource(Model):
    clusters: dict[Name, Cluster] = Field(default_factory=dict)


class Paths(Model):
    """Files and folders, relative to tierwall.yaml."""

    paths: Some[Relative]


class Sources(Model):
    aws: AwsSource | None = None
    kubernetes: KubernetesSource | None = None
    terraform: Paths | None = None
    manifests: Paths | None = None
    config: Paths | None = None
    evidence: Paths | None = None


# --- environments: what belongs together ------------------------------------------------------------------------------


class AwsMatch(Model):
    """All that is given must hold: one of the accounts, one of the regions, every tag, one of the uids."""

    accounts: Many[Name] = ()
    regions: Many[Region] = ()
    tags: dict[Text, Some[Glob]] = Field(default_factory=dict)
    uids: Many[Glob] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.accounts or self.regions or self.tags or self.uids):
            raise wrong("name accounts, regions, tags or uids", "would match everything")
        return self


class KubernetesMatch(Model):
    cluster: Name
    namespaces: Some[Glob] = ("*",)  # "*" alone is the whole cluster


class TerraformMatch(Model):
    workspaces: Many[Glob] = ()
    paths: Many[Relative] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.workspaces or self.paths):
            raise wrong("name workspaces or paths", "would match everything")
        return self


class ManifestsMatch(Model):
    paths: Many[Relative] = ()
    namespaces: Many[Glob] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.paths or self.namespaces):
            raise wrong("name paths or namespaces", "would match everything")
        return self


class ConfigMatch(Model):
    """Configuration files, the base first; a later one overrides an earlier one."""

    layers: Some[Relative]


class Match(Model):
    """Exactly one of these; an environment has what any of its matches says."""

    aws: AwsMatch | None = None
    kubernetes: KubernetesMatch | None = None
    terraform: TerraformMatch | None = None
    manifests: ManifestsMatch | None = None
    config: ConfigMatch | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            found = " and ".join(sorted(self.model_fields_set)) or "nothing"
            raise wrong("write one of aws, kubernetes, terraform, manifests, config an item", f"holds {found}")
        return self


class Branch(Model):
    """Where the git branch of an expanded environment is read from, and what to take off its front."""

    from_: Annotated[Literal["namespace", "tag", "workspace"], Field(alias="from")]
    strip: str = ""


class Environment(Model):
    """A place where software runs. With `each`, one environment for every value found, named `<name>/<branch>`."""

    tier: Tier
    owner: Text | None = None
    mirrors: Name | None = None
    match: Many[Match] = ()
    each: Match | None = None
    branch: Branch | None = None
    ttl: Duration | None = None
    holds: Many[Literal["personal-data", "health-data", "financial-records"]] = ()
    frameworks: Many[Annotated[str, matching(r"[a-z0-9][a-z0-9.-]*", "write a framework's id, such as gdpr")]] = ()


# --- the rest -------------------------------------------------------------------------------------------------------


class AllowedPath(Model):
    """A way from one environment into another that somebody accepted, and until when."""

    from_: Annotated[Name, Field(alias="from")]
    to: Name
    plane: Plane
    ports: Many[Annotated[int, Field(ge=0, le=65535)]] = ()  # none: every port
    reason: Text
    ticket: Text | None = None
    expires: Date | None = None  # the last day it holds, UTC


class Governance(Model):
    waivers: Relative | None = None
    attestations: Relative | None = None
    approvers: Many[Text] = ()
    waivers_in_gate: Literal["base", "always"] = "base"  # base: those that the code it is compared with has already
    duties: Relative | None = None
    applicability: Relative | None = None


class RulePacks(Model):
    """Rules beside those that are shipped."""

    packs: Many[Relative] = ()  # files and folders of rules


class Config(Model):
    """tierwall.yaml as read, or as inferred where there is none."""

    organization: Text | None = None
    sources: Sources = Sources()
    environments: dict[Name, Environment] = Field(default_factory=dict)
    policy: dict[Name, Thresholds] = Field(default_factory=dict)  # by environment or by tier
    allowed_paths: Many[AllowedPath] = ()
    promotion: Many[Name] = ()
    rules: RulePacks = RulePacks()
    governance: Governance = Governance()

    _path: Path | None = PrivateAttr(default=None)
    _raw: str = PrivateAttr(default="")
    _lines: dict[tuple[str, str], int] = PrivateAttr(default_factory=dict)
    _line: Callable[[tuple[str | int, ...]], int] | None = PrivateAttr(default=None)
    _how: tuple[str, ...] = PrivateAttr(default=())

    def read_from(self, path: Path, text: str, line: Callable[[tuple[str | int, ...]], int]) -> Self:
        """The same, that knows the file it comes from."""
        self._path, self._raw, self._line = path, text, line
        self._lines = {
            (name, column): line(("policy", name, *key))
            for name, thresholds in self.policy.items()
            for key, column in COLUMNS.items()
            if column in thresholds.given()
        } | {
            (name, "ttl_seconds"): line(("environments", name, "ttl"))
            for name, environment in self.environments.items()
            if environment.ttl is not None
        }
        return self

    def inferred(self, how: Iterable[str]) -> Self:
        """The same, that knows how its environments were found."""
        self._how = tuple(plain(sentence) for sentence in how)
        return self

    @property
    def path(self) -> Path | None:
        """The file; None where the environments were inferred."""
        return self._path

    def at(self, *key: str | int) -> str:
        """Where a key stands in the file, `tierwall.yaml:12`; the key itself where nobody wrote a file."""
        return f"{shown(self._path)}:{self._line(key)}" if self._path and self._line else joined(key)

    @property
    def root(self) -> Path:
        """The folder that paths in the file are relative to; without a file, the working directory."""
        return self._path.parent if self._path else Path()

    @property
    def raw(self) -> str:
        """The file's text as it is stored with the snapshot; secrets in it are replaced. '' where inferred."""
        return self._raw

    @property
    def how(self) -> tuple[str, ...]:
        """How the environments were found, a sentence each; empty where a file declares them."""
        return self._how

    @property
    def frameworks(self) -> tuple[str, ...]:
        """The frameworks that any environment is assessed by, in the order of the file."""
        return tuple(dict.fromkeys(f for environment in self.environments.values() for f in environment.frameworks))

    def resolve(self, path: str) -> Path:
        """Where a path in the file leads. A leading `~` is the home folder, for kubeconfigs alone."""
        return self.root / Path(path).expanduser()

    def thresholds(self, name: str) -> dict[str, Threshold]:
        """What the environment must keep to, by column of the table `environment`, and where each value comes from.

        The environment's own entry of `policy` outweighs its tier's, and that what is shipped for the tier.
        """
        environment = self.environments[name]
        found = dict(shipped(environment.tier))
        for key in dict.fromkeys((environment.tier, name)):
            for column, value in self.policy.get(key, Thresholds()).given().items():
                found[column] = Threshold(value, self._origin(key, column))
        if environment.ttl is not None:
            found["ttl_seconds"] = Threshold(environment.ttl, self._origin(name, "ttl_seconds"))
        return found

    def overrides(self, environments: Iterable[str]) -> dict[str, dict[str, dict[str, Scalar]]]:
        """What `policy` sets of rules' parameters: environment or tier → rule → parameter → value.

        `environments` are those there are: what is set for one with `each` holds for all that it became.
        """
        found = {key: thresholds.parameters for key, thresholds in self.policy.items() if thresholds.parameters}
        for name in environments:
            declared = name.split("/")[0]
            if declared != name and declared in self.environments and declared in found:
                found[name] = found[declared]
        return found

    def _origin(self, key: str, column: str) -> str:
        line = self._lines.get((key, column))
        return f"{self._path.name}:{line}" if self._path and line else "tierwall.yaml"

    @property
    def digest(self) -> str:
        """SHA-256 of all that judging depends on: what the file means and the thresholds that hold by default.

        Comments and the order of keys do not count; a new release with another default does.
        """
        meaning = json.dumps([self.content(), defaults_digest()], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(meaning.encode()).hexdigest()

    def content(self) -> dict[str, Any]:
        """What the file says, as JSON values, without what it leaves out."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
