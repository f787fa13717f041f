"""The words people use for the kinds of environment, as they stand in tags, names of accounts, namespaces and files."""

import re

from scanner.environments.policy import Tier

_WORDS: dict[Tier, tuple[str, ...]] = {
    "production": ("production", "prod", "prd", "live"),
    "staging": ("staging", "stage", "stg", "preprod", "preproduction", "uat"),
    "development": ("development", "develop", "dev"),
    "integration": ("integration", "int", "ci", "test", "testing", "tst", "qa", "sit"),
    "feature": ("feature", "feat", "preview", "review"),
    "local": ("local", "localhost"),
    "shared": ("shared", "tools", "tooling"),
}
_TIER: dict[str, Tier] = {word: tier for tier, words in _WORDS.items() for word in words}
_SEPARATORS = re.compile(r"[^a-z0-9]+")


def tier_of(word: str) -> Tier | None:
    """The tier that the word names all by itself: `prd` → production. None where it names none."""
    return _TIER.get(word.strip().lower()) or _TIER.get(re.sub("[-_. ]", "", word.strip().lower()))


def tier_in(name: str) -> Tier | None:
    """The tier that a part of the name says: `acme-prod-eu` → production. None where no part or several tiers do.

    `pre-prod` and `non-prod` are not production: the first is staging, the second may be anything.
    """
    parts = [part for part in _SEPARATORS.split(name.lower()) if part]
    tiers: set[Tier] = set()
    for part, before in zip(parts, ["", *parts], strict=False):
        tier = _TIER.get(part)
        if tier == "production" and before in ("pre", "non", "not", "no"):
            if before != "pre":
                return None
            tier = "staging"
        if tier:
            tiers.add(tier)
    return tiers.pop() if len(tiers) == 1 else None
