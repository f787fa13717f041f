"""Reads tierwall.yaml. Whatever is wrong with it is said with file, line, what was found and how to write it right."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from scanner.environments.consistency import inconsistencies, strangers
from scanner.environments.explain import Complaint, explain
from scanner.environments.model import Config
from scanner.errors import ConfigError, InputError
from scanner.safe import detectors
from scanner.safe.files import read_bytes, shown
from scanner.safe.text import decode
from scanner.safe.yaml import Dialect, YamlDocument, load


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with tierwall.yaml."""

    where: str  # file:line
    problem: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}" + (f"; {self.hint}" if self.hint else "")


class ConfigProblems(ConfigError):
    """Everything that is wrong with tierwall.yaml; the message is the first problem and how many more there are."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        first, more = self.problems[0], len(self.problems) - 1
        super().__init__(first.where, first.problem, first.hint + (f" (and {more} more)" if more else ""))

    @property
    def lines(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(str(problem) for problem in self.problems)


def load_config(path: str | Path) -> Config:
    """tierwall.yaml, checked.

    Paths in it are relative to its folder and stay inside it. Raises ConfigProblems with every problem at once, each
    with its line; an unreadable file, or one that is no YAML, has just one.
    """
    name = shown(path)
    try:
        data = read_bytes(path)
        documents = load(data, name, Dialect.CORE)
    except InputError as error:
        raise ConfigProblems([Problem(error.where, error.problem, error.hint)]) from error
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        problem = "is not one document of keys and values" if documents else "is empty"
        raise ConfigProblems([Problem(name, problem, "`tierwall init` writes one from what is found")])
    document = documents[0]
    try:
        config = Config.model_validate(document.value)
    except ValidationError as error:
        raise ConfigProblems(_located(document, _explained(error))) from None
    if complaints := list(inconsistencies(config)):
        raise ConfigProblems(_located(document, complaints))
    # Nothing in the file is meant to be secret; what somebody put there all the same is not stored.
    text = detectors.redact(decode(data, name), lambda _: "(redacted)")
    return config.read_from(Path(path), text, document.line)


def check_names(config: Config, frameworks: Collection[str], rules: Mapping[str, Collection[str]]) -> None:
    """Refuse frameworks, rules and parameters that are not there. `rules` has the parameters of each rule there is.

    Raises ConfigProblems with all of them.
    """
    if complaints := list(strangers(config, frameworks, rules)):
        raise ConfigProblems([Problem(config.at(*c.path), c.problem, c.hint) for c in complaints])


def _explained(error: ValidationError) -> list[Complaint]:
    """One complaint a cause: a list whose only element is refused is not too short as well."""
    details = error.errors()
    deeper = {detail["loc"][:-1] for detail in details}
    return [explain(detail) for detail in details if detail["type"] != "too_short" or detail["loc"] not in deeper]


def _located(document: YamlDocument, complaints: Iterable[Complaint]) -> list[Problem]:
    """With their lines and in the order of the file, which is how somebody goes through them."""
    ordered = sorted(complaints, key=lambda complaint: (document.line(complaint.path), complaint.problem))
    return [Problem(document.at(complaint.path), complaint.problem, complaint.hint) for complaint in ordered]
