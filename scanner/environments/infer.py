"""Environments without a tierwall.yaml: from what accounts, clusters, namespaces, tags and files are called."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Any

from scanner.environments.aliases import tier_in, tier_of
from scanner.environments.model import Config
from scanner.environments.policy import Tier
from scanner.safe.text import many
from scanner.store.estate import Estate
from scanner.tables.aws_account import AwsAccount, AwsTag
from scanner.tables.config_value import ConfigEnvironment, ConfigLayer
from scanner.tables.kubernetes_cluster import KubernetesNamespace, KubernetesNamespaceLabel

_KEYS = ("environment", "env", "stage", "tier")  # of tags and labels; where several are in use, the commonest counts
_FEATURE = re.compile(r"((?:feature|feat|preview|review|pr)[-_./])(.+)")
_GLOB = re.compile(r"[*?\[]")
# The way up to production, and the mirror of it, as the environment management guide has them.
_PROMOTION: tuple[Tier, ...] = ("feature", "development", "integration", "staging", "production")


def infer(estate: Estate, base: Config | None = None) -> Config:
    """Environments by the words people use for them; `Config.how` says of each how it was found.

    An environment is named after its tier. `base` gives the sources, and so the names of accounts; without it they are
    those of the rows that were read. Nothing found is no environment.
    """
    found = _Findings(estate, base)
    found.by_tags()
    found.by_clusters()
    found.by_accounts()
    found.by_files()
    return found.config()


class _Findings:
    """What is found, as tierwall.yaml would say it."""

    def __init__(self, estate: Estate, base: Config | None) -> None:
        self._estate = estate
        self._base = base.content() if base else {}
        self._sources: dict[str, Any] = self._base.get("sources", {})
        self._accounts = self._named_accounts()  # id → name
        self._matches: defaultdict[Tier, list[dict[str, Any]]] = defaultdict(list)
        self._expanded: dict[str, dict[str, Any]] = {}
        self._how: list[str] = []

    def by_tags(self) -> None:
        """In each account, by the commonest of the usual keys."""
        counts: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)  # account → (key, value)
        for row in self._estate.rows(AwsTag, f"lower(key_name) IN ({', '.join('?' * len(_KEYS))})", *_KEYS):
            if row.key_name and row.value and tier_of(row.value) and not _GLOB.search(row.value):
                counts[row.account or ""][row.key_name.lower(), row.value] += 1
        for account, values in sorted(counts.items()):
            name = self._account(account) if account else ""
            keys: Counter[str] = Counter()
            for (key, _), number in values.items():
                keys[key] += number
            common = min(keys, key=lambda key: (-keys[key], _KEYS.index(key)))
            by_tier: defaultdict[Tier, list[str]] = defaultdict(list)
            for key, value in sorted(values):
                if key == common and (tier := tier_of(value)):
                    by_tier[tier].append(value)
                    number = values[key, value]
                    where = f"in account {name}" if name else "whose account is not known"
                    self._how.append(f"tag {key}={value} of {many(number, 'resource')} {where} says {tier}")
            for tier, meant in by_tier.items():
                accounts = {"accounts": [name]} if name else {}
                self._matches[tier].append({"aws": {**accounts, "tags": {common: meant}}})

    def by_clusters(self) -> None:
        """By the cluster's name, and by the labels and names of the namespaces that say something else."""
        labels: dict[str, Tier] = {}
        for label in self._estate.rows(KubernetesNamespaceLabel, "label IN ('environment', 'env')"):
            if tier := tier_of(label.value or ""):
                labels[label.uid] = tier
        clusters: defaultdict[str, list[KubernetesNamespace]] = defaultdict(list)
        for row in self._estate.rows(KubernetesNamespace, "source <> 'manifests'"):
            clusters[row.cluster or ""].append(row)
        for cluster, namespaces in sorted(clusters.items()):
            whole = tier_in(cluster)
            if whole:
                self._how.append(f"the name of cluster {cluster} says {whole}")
                self._matches[whole].append({"kubernetes": {"cluster": cluster, "namespaces": ["*"]}})
            self._namespaces(cluster, namespaces, labels, whole)

    def _namespaces(
        self, cluster: str, namespaces: list[KubernetesNamespace], labels: dict[str, Tier], whole: Tier | None
    ) -> None:
        by_tier: defaultdict[Tier, list[str]] = defaultdict(list)
        fronts: set[str] = set()
        for row in namespaces:
            name = row.name or ""
            if feature := _FEATURE.fullmatch(name):
                fronts.add(feature[1])
                continue
            tier = labels.get(row.uid) or tier_in(name)
            if tier and tier not in (whole, "feature"):
                by_tier[tier].append(name)
                what = "label" if row.uid in labels else "name"
                self._how.append(f"the {what} of namespace {name} in cluster {cluster} says {tier}")
        for tier, names in by_tier.items():
            self._matches[tier].append({"kubernetes": {"cluster": cluster, "namespaces": sorted(names)}})
        if fronts:
            patterns = [f"{front}*" for front in sorted(fronts)]
            each = {"kubernetes": {"cluster": cluster, "namespaces": patterns}}
            strip = next(iter(fronts)) if len(fronts) == 1 else ""
            name = "feature" if "feature" not in self._expanded else f"feature-{cluster}"
            branch = {"from": "namespace", "strip": strip}
            self._expanded[name] = {"tier": "feature", "each": each, "branch": branch}
            self._how.append(f"namespaces {', '.join(patterns)} in cluster {cluster} are feature environments")

    def by_accounts(self) -> None:
        """By the names that tierwall.yaml or the account's alias gives."""
        for name in sorted(self._accounts.values()):
            if tier := tier_in(name):
                self._how.append(f"the name of account {name} says {tier}")
                self._matches[tier].append({"aws": {"accounts": [name]}})

    def by_files(self) -> None:
        """By the names of configuration files."""
        layers: defaultdict[str, list[str]] = defaultdict(list)
        for layer in self._estate.rows(ConfigLayer):
            layers[layer.uid].append(layer.path or "")
        for row in self._estate.rows(ConfigEnvironment):
            tier = tier_of(row.name or "")
            if tier and tier != "feature":
                self._how.append(f"the name of configuration file {layers[row.uid][-1]} says {tier}")
                self._matches[tier].append({"config": {"layers": layers[row.uid]}})

    def config(self) -> Config:
        """All of it together."""
        environments: dict[str, dict[str, Any]] = {
            tier: {"tier": tier, "match": matches} for tier, matches in sorted(self._matches.items())
        }
        environments |= self._expanded
        if {"staging", "production"} <= environments.keys():
            environments["staging"]["mirrors"] = "production"
        promotion = [tier for tier in _PROMOTION if tier in environments]
        content = {
            **self._base,
            "sources": self._declared(environments),
            "environments": environments,
            "promotion": promotion if len(promotion) > 1 else [],
        }
        nothing = "no tag, account, cluster, namespace or configuration file is named after an environment"
        return Config.model_validate(content).inferred(self._how or [nothing])

    def _named_accounts(self) -> dict[str, str]:
        declared = self._sources.get("aws", {}).get("accounts", {})
        found = {account["id"]: name for name, account in declared.items()}
        for row in self._estate.rows(AwsAccount, "source = 'aws'"):
            if row.account and row.account not in found:
                found[row.account] = self._free(row.alias or row.name or row.account, found.values())
        return found

    def _account(self, account: str) -> str:
        """The name of an account; one that has none is named by its id."""
        return self._accounts.setdefault(account, account)

    @staticmethod
    def _free(name: str, taken: Collection[str]) -> str:
        """A name as tierwall.yaml allows it, that no other account has."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name, flags=re.ASCII).strip("-._")[:50] or "account"
        number = 1
        while (plain if number == 1 else f"{plain}-{number}") in taken:
            number += 1
        return plain if number == 1 else f"{plain}-{number}"

    def _declared(self, environments: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """The sources that the matches speak of."""
        sources = dict(self._sources)
        matches = [
            m for e in environments.values() for m in (*e.get("match", ()), *([e["each"]] if "each" in e else []))
        ]
        if self._accounts:
            known = sources.get("aws", {}).get("accounts", {})
            new = {name: {"id": id_} for id_, name in self._accounts.items() if name not in known}
            sources["aws"] = {**sources.get("aws", {}), "accounts": {**known, **new}}
        clusters: dict[str, Any] = {m["kubernetes"]["cluster"]: {} for m in matches if "kubernetes" in m}
        if clusters:
            known = sources.get("kubernetes", {}).get("clusters", {})
            sources["kubernetes"] = {"clusters": {**clusters, **known}}
        paths = sorted({str(PurePosixPath(p).parent) for m in matches if "config" in m for p in m["config"]["layers"]})
        if paths and "config" not in sources:
            sources["config"] = {"paths": paths}
        return sources
