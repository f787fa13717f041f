"""What the AWS collectors may call, declared: each read with its permission and what is lost when it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING

from scanner.tables import Kind, Placed, Reason

if TYPE_CHECKING:
    from scanner.collectors.aws.api import Api

Tables = tuple[type[Placed], ...]


@dataclass(frozen=True, slots=True)
class Read:
    """An operation of a service. Refused, it becomes gaps: of `rows`, which may be missing, and of `columns`.

    A detail is asked for one resource and its gaps name it; a listing is not, and its gaps are the scope's.
    """

    service: str  # as the SDK names its client
    operation: str  # as the service names it
    permission: str  # the IAM action it needs; '' for none
    rows: Tables = ()
    columns: Mapping[type[Placed], tuple[str, ...]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()  # error codes that mean «known not to be set»; every other one is a gap
    gives: tuple[str, ...] = ()  # every answer has one of these, dotted; one without would seem to tell of absence
    part: str = ""  # name of the answer in a document, where two services have an operation of that name

    @property
    def name(self) -> str:
        return self.part or self.operation


ENTRY = (  # what it takes to get into an account
    Read("sts", "AssumeRole", "sts:AssumeRole", gives=("Credentials",)),
    Read("sts", "GetCallerIdentity", "sts:GetCallerIdentity", gives=("Account",)),
    Read("ec2", "DescribeRegions", "ec2:DescribeRegions", gives=("Regions",)),
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that gave no answer: a gap's reason, the number of the call and the code the service answered."""

    reason: Reason
    call: int = 0
    code: str = ""
    message: str = ""
    unreachable: bool = False  # nobody answered: no credentials, no such profile, no connection


@dataclass(frozen=True, slots=True)
class Service:
    """One module of collectors: what it may call, which tables it fills, how it reads a scope."""

    name: str
    reads: tuple[Read, ...]
    kinds: tuple[Kind, ...]
    fetch: Callable[[Api], None]

    @classmethod
    def of(cls, module: ModuleType) -> Service:
        name = module.__name__.rsplit(".", 1)[-1]
        return cls(name, module.READS, module.KINDS, module.fetch)

    @property
    def tables(self) -> Tables:
        """Every table that it fills."""
        return tuple(dict.fromkeys(t for kind in self.kinds for t in kind.tables))
