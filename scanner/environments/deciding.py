"""From what every match says of a resource to the one environment it is in, or to why that is not known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from scanner.environments.matching import Answer

_TIE, _NONE, _UNNAMED = "=", "", "?"  # outcomes that are no environment; no environment is called so


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a resource is. `environment` is None where that is not known, '' where nothing takes it."""

    environment: str | None
    because: str = ""
    candidates: tuple[str, ...] = ()
    is_ambiguous: bool | None = False
    is_shared: bool = False  # it serves all environments of its place; this is the strictest of them

    @property
    def is_open(self) -> bool:
        """Something that was not read would decide."""
        return self.is_ambiguous is None


def decide(answers: Iterable[Answer]) -> Decision:
    """The most particular match that holds decides. Several of them are a tie.

    A match that may hold leaves it open, unless every way to answer what is open leads to the same environment.
    """
    by_rank: defaultdict[int, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_rank[answer.rank].append(answer)
    outcomes: set[str] = set()
    considered: list[Answer] = []
    for rank in sorted(by_rank, reverse=True):
        considered += by_rank[rank]
        certain = {answer.environment for answer in by_rank[rank] if answer.holds}
        perhaps = {answer.environment or _UNNAMED for answer in by_rank[rank]} - certain
        if len(certain | perhaps) > 1:
            outcomes.add(_TIE)
        if len(certain) < 2:
            outcomes |= certain or perhaps
        if certain:
            break
    else:
        outcomes.add(_NONE)
    names = tuple(sorted({answer.environment for answer in considered if answer.environment}))
    if outcomes == {_NONE}:
        return Decision("")
    if len(outcomes) > 1:
        return Decision(None, _in_words(considered), names, is_ambiguous=None)
    held = [answer for answer in considered if answer.holds]
    if outcomes == {_TIE}:
        return Decision(None, _in_words(held), tuple(sorted({answer.environment for answer in held})), True)
    return Decision(held[0].environment, held[0].because, names)


def _in_words(answers: Iterable[Answer]) -> str:
    return ", ".join(dict.fromkeys(answer.because for answer in answers))
