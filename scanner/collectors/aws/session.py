"""Getting into an account: credentials, the role, who we are there, and which regions it has."""

from __future__ import annotations

import functools
import ipaddress
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config as BotoConfig
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, ProfileNotFound
from botocore.loaders import Loader, create_loader

from scanner.collectors.aws.answers import OddAnswer, answer_to
from scanner.collectors.aws.api import FAILURES, Api, Once, Sink
from scanner.collectors.aws.arns import arn, partition_in, partition_of
from scanner.collectors.aws.parsing import CheckedParsers
from scanner.collectors.aws.reads import ENTRY, Refused
from scanner.errors import ConfigError, SourceError
from scanner.tables import Call, Scope

if TYPE_CHECKING:
    from scanner.environments import Config
    from scanner.environments.model import AwsAccount

MAX_ATTEMPTS = 8
DETAIL_THREADS = 8
CONNECT_SECONDS, READ_SECONDS = 5, 20
SESSION_NAME = "tierwall"
# Where STS answers when nobody names a region that exists, by partition.
FALLBACK_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_ENABLED = ("opt-in-not-required", "opted-in")


@dataclass(frozen=True, slots=True)
class Declared:
    """An account as tierwall.yaml declares it, or the one that the environment's credentials belong to."""

    name: str
    id: str
    role: str = ""
    external_id_env: str = ""
    profile: str = ""
    regions: tuple[str, ...] = ()
    max_attempts: int = MAX_ATTEMPTS
    where: str = "aws"  # named in errors


def declared_accounts(config: Config) -> list[Declared]:
    """The accounts to read. Without any in the file: the one that the ordinary AWS environment leads to."""
    source = config.sources.aws
    attempts = (source.max_attempts if source else None) or MAX_ATTEMPTS
    regions = tuple((source.regions if source else None) or ())
    where = str(config.path or "aws")
    if source is None or not source.accounts:
        return [Declared("", "", regions=regions, max_attempts=attempts, where=where)]
    return [_declared(name, a, regions, attempts, where) for name, a in source.accounts.items()]


def _declared(name: str, account: AwsAccount, regions: tuple[str, ...], attempts: int, where: str) -> Declared:
    return Declared(
        name, account.id, account.role or "", account.external_id_env or "", account.profile or "",
        tuple(account.regions or regions), attempts, where,
    )  # fmt: skip


class Account:
    """An account that may be asked: clients by service and region, shared by threads."""

    def __init__(self, declared: Declared, session: botocore.session.Session) -> None:
        self.declared = declared
        self.id = declared.id
        self.name = declared.name
        self.regions: tuple[str, ...] = declared.regions
        self.halted: Refused | None = None
        self.unlisted: Refused | None = None  # the regions are neither declared nor known
        self.details = ThreadPoolExecutor(DETAIL_THREADS, thread_name_prefix="aws-detail")
        self.once = Once()
        self._session = session
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], BaseClient] = {}
        self.home = _home(declared.regions, session)
        self.partition = partition_of(self.home)
        self.identity = ""  # the ARN of whoever reads, once STS has told it

    @property
    def scope(self) -> Scope:
        """The account's global part."""
        return Scope(id=f"aws/{self.id}/global", source="aws", account=self.id, identity=self.identity)

    def scope_of(self, region: str) -> Scope:
        return Scope(id=f"aws/{self.id}/{region}", source="aws", account=self.id, region=region, identity=self.identity)

    @property
    def uid(self) -> str:
        return arn("aws_account", account=self.id, partition=self.partition)

    def client(self, service: str, region: str) -> BaseClient:
        """The client of a service in a region. Raises botocore's errors for credentials that cannot be had."""
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._new_client(service, region)
            return self._clients[service, region]

    def _new_client(self, service: str, region: str) -> BaseClient:
        config = BotoConfig(
            retries={"mode": "adaptive", "total_max_attempts": self.declared.max_attempts},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=2 * DETAIL_THREADS,
            user_agent_extra="tierwall",
        )
        try:
            client: BaseClient = self._session.create_client(service, region_name=region, config=config)
        except ValueError as e:
            if isinstance(e, BotoCoreError):  # a region that cannot be one, among others: a matter of gaps
                raise
            raise ConfigError("the AWS endpoint", str(e), "set AWS_ENDPOINT_URL to an address, or to nothing") from e
        if service == "s3control" and _is_address(client.meta.endpoint_url):
            client.meta.events.register("before-call", self._without_account_host)
        return client

    def _without_account_host(self, params: dict[str, Any], **_: Any) -> None:
        """S3 Control puts the account in front of the host, which an endpoint that is an address cannot have."""
        params["url"] = params["url"].replace(f"//{self.id}.", "//", 1)

    def close(self) -> None:
        self.details.shutdown(cancel_futures=True)
        for client in self._clients.values():
            client.close()

    def assume(self, credentials: RefreshableCredentials) -> None:
        """From here on every client has the role's credentials, which refresh themselves."""
        session = new_session()
        session._credentials = credentials  # type: ignore[attr-defined]  # botocore has no other way to set ones that refresh
        with self._lock:
            self._session, self._clients = session, {}


def _home(declared: tuple[str, ...], session: botocore.session.Session) -> str:
    """The region that is asked who we are and which regions there are: one that exists, whatever the file says."""
    partition = partition_of(next(iter(declared), ""))
    known = session.get_available_regions("ec2", partition) if declared else ()
    there = next((region for region in declared if region in known), "")
    return there or session.get_config_variable("region") or FALLBACK_REGIONS[partition]


def _is_address(url: str) -> bool:
    try:
        ipaddress.ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return True


@functools.cache
def _loader() -> Loader:
    """The service models, parsed once for all accounts: EC2's alone takes a third of a second."""
    return create_loader()


def new_session(profile: str = "") -> botocore.session.Session:
    """An SDK session of its own. Raises ProfileNotFound."""
    session = botocore.session.Session(profile=profile or None)
    session.register_component("data_loader", _loader())
    session.register_component("response_parser_factory", CheckedParsers())
    session.get_scoped_config()  # else a profile that does not exist goes unnoticed until the first call
    return session


def connect(declared: Declared) -> Account:
    """The account, before anything is asked of it but, where it is not declared, which one it is.

    Raises ConfigError for a profile that does not exist, SourceError when there is no way into an undeclared account.
    """
    try:
        account = Account(declared, new_session(declared.profile))
        if not declared.id:
            account.id = account.client("sts", account.home).get_caller_identity().get("Account", "")  # type: ignore[attr-defined]  # made at run time
    except ProfileNotFound as e:
        raise ConfigError(declared.where, str(e), "name a profile of your AWS configuration") from e
    except FAILURES as e:
        raise no_way_in("aws", str(e)) from e
    if not account.id:
        raise no_way_in("aws", "what answers in place of STS does not say whose credentials these are")
    return account


def no_way_in(who: str, problem: str) -> SourceError:
    """The error for a source that nobody can be asked about."""
    return SourceError(who, problem, "set AWS_PROFILE or other AWS credentials, and see that the endpoint is reachable")


def enter(account: Account, sink: Sink, deadline: float) -> Refused | None:
    """Assume the role, make sure that it is the declared account, find its regions. Refused: it cannot be read at all.

    Raises ConfigError for a region that does not exist.
    """
    try:
        return _enter(account, Api(account, account.scope, account.home, ENTRY, sink, deadline))
    except OddAnswer as odd:
        return Refused("error", odd.call.id, type(odd).__name__, str(odd))


def _enter(account: Account, api: Api) -> Refused | None:
    if account.declared.role:
        refused = _assume(account, api)
        if refused:
            return refused
    who = api.attempt("GetCallerIdentity")
    if isinstance(who, Refused):
        return who
    if who["Account"] != account.id:
        problem = f"the credentials are of account {who['Account']}, declared is {account.id}"
        return Refused("error", 0, "OtherAccount", problem)
    account.identity = who["Arn"]
    account.partition = partition_in(who["Arn"]) or account.partition
    _find_regions(account, api)
    return None


def _assume(account: Account, api: Api) -> Refused | None:
    declared = account.declared
    role = declared.role
    if not role.startswith("arn:"):
        role = arn("aws_iam_role", f"/{role}", account=declared.id, partition=account.partition)
    arguments: dict[str, Any] = {"RoleArn": role, "RoleSessionName": SESSION_NAME}
    if declared.external_id_env:
        external_id = os.environ.get(declared.external_id_env)
        if not external_id:
            raise ConfigError(
                declared.where,
                f"account {declared.name}: the environment variable {declared.external_id_env} is not set",
                "set it to the external id of the role",
            )
        arguments["ExternalId"] = external_id
    answer = api.attempt("AssumeRole", **arguments)
    if isinstance(answer, Refused):
        return answer
    base = account.client("sts", account.home)

    def refresh() -> dict[str, str]:
        again = Call(scope=account.scope.id, service="sts", operation="AssumeRole")
        return _metadata(answer_to(again, base.assume_role(**arguments))["Credentials"])  # type: ignore[attr-defined]  # made at run time

    account.assume(
        RefreshableCredentials.create_from_metadata(_metadata(answer["Credentials"]), refresh, "sts-assume-role")
    )
    return None


def _metadata(credentials: dict[str, Any]) -> dict[str, str]:
    return {
        "access_key": credentials["AccessKeyId"],
        "secret_key": credentials["SecretAccessKey"],
        "token": credentials["SessionToken"],
        "expiry_time": credentials["Expiration"],
    }


def _find_regions(account: Account, api: Api) -> None:
    """The declared regions, or every enabled one. An unanswered question matters only where none is declared."""
    answer = api.attempt("DescribeRegions", AllRegions=True)
    if isinstance(answer, Refused):
        account.unlisted = None if account.regions else answer
        return
    states = {r["RegionName"]: r.get("OptInStatus", "") for r in answer["Regions"]}
    if not states:  # there is no account without a region
        odd = Refused("error", code="OddAnswer", message="ec2 DescribeRegions: the answer names no region")
        account.unlisted = None if account.regions else odd
        return
    unknown = sorted(set(account.regions) - set(states))
    if unknown:
        raise ConfigError(
            account.declared.where,
            f"account {account.declared.name or account.id}: unknown region {', '.join(unknown)}",
            "use region names such as " + ", ".join(sorted(states)[:2]),
        )
    if not account.regions:
        account.regions = tuple(sorted(name for name, state in states.items() if state in _ENABLED))
