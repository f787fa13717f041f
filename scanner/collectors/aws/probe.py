"""Whether accounts can be read, without reading them: who we are there, the clock, the regions, what is denied."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from scanner.collectors.aws import services
from scanner.collectors.aws.api import FAILURES, Api
from scanner.collectors.aws.reads import Read, Refused, Service
from scanner.collectors.aws.session import Account, Declared, connect, enter
from scanner.collectors.checks import Check, clock
from scanner.errors import ConfigError, SourceError
from scanner.tables import Call, Document, Gap

SECONDS = 60.0  # for one account
_PAGE = 20  # the fewest items that every service lets one ask for
_LIMITS = ("MaxResults", "MaxRecords", "MaxItems", "Limit")
_GRANT = "grant what `tierwall permissions aws` prints"


class _Nothing:
    """Keeps nothing."""

    def call(self, call: Call) -> int:
        return 0

    def gap(self, gap: Gap) -> None:
        pass

    def document(self, document: Document) -> None:
        pass


def probe(declared: Declared) -> Iterator[Check]:
    """A check a line for one account: the way in, the identity, the clock, the regions and what is denied."""
    what = f"aws {declared.name or declared.id or 'account'}"
    try:
        account = connect(declared)
    except ConfigError as e:
        yield Check("wrong", what, e.problem, e.hint)
        return
    except SourceError as e:
        yield Check("unknown", what, f"no way in: {e.problem}", e.hint)
        return
    try:
        yield from _account(what, account)
    finally:
        account.close()


def _account(what: str, account: Account) -> Iterator[Check]:
    _, date = _caller(account)  # also a refusal has a date, and a wrong clock may be why it refuses
    if skew := clock(what, date):
        yield skew
    try:
        refused = enter(account, _Nothing(), time.monotonic() + SECONDS)
    except ConfigError as e:
        yield Check("wrong", what, e.problem, e.hint)
        return
    if refused:
        role = account.declared.role
        todo = f"let the caller assume the role {role}" if role else "see that the credentials are of this account"
        yield Check("unknown", what, f"cannot be entered: {refused.code or refused.reason}: {refused.message}", todo)
        return
    yield Check("ok", what, f"is read as {_caller(account)[0]}")
    if account.unlisted:
        yield Check("unknown", what, f"the regions are not known: {account.unlisted.message}", "declare `regions`")
    elif account.regions:
        yield Check("ok", what, f"regions {', '.join(account.regions)}")
    denied = sorted(_denied(account))
    if denied:
        yield Check("unknown", what, f"not allowed: {', '.join(denied)}", _GRANT)
    else:
        yield Check("ok", what, "every listing is allowed; details show when they are read")


def _caller(account: Account) -> tuple[str, str]:
    """Our ARN, '' where it is not told, and the Date of the answer."""
    client: Any = account.client("sts", account.home)
    try:
        answer = client.get_caller_identity()
    except ClientError as e:
        return "", _date(e.response)
    except FAILURES:
        return "", ""
    return str(answer["Arn"]), _date(answer)


def _date(answer: Any) -> str:
    return str(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", ""))


def _denied(account: Account) -> set[str]:
    """The permissions that are missing, of the calls that need no argument, in the first region."""
    region = account.regions[0] if account.regions else account.home
    places = [(s, account.scope, account.home) for s in services.GLOBAL]
    places += [(s, account.scope_of(region), region) for s in services.REGIONAL]
    asked = [(service, scope, where, read) for service, scope, where in places for read in service.reads]

    def ask(one: tuple[Service, Any, str, Read]) -> str:
        service, scope, where, read = one
        arguments = _arguments(account, read, where)
        if arguments is None:
            return ""
        api = Api(account, scope, where, service.reads, _Nothing(), time.monotonic() + SECONDS)
        answer = api.attempt(read.name, **arguments)
        off = {code for other in service.reads for code in other.absent}  # Security Hub denies all while it is off
        is_denied = isinstance(answer, Refused) and answer.reason == "denied" and answer.code not in off
        return read.permission if is_denied else ""

    return set(account.details.map(ask, asked)) - {""}


def _arguments(account: Account, read: Read, region: str) -> dict[str, Any] | None:
    """What to ask with for one short page; None for a call that needs to be told about what."""
    shape = account.client(read.service, region).meta.service_model.operation_model(read.operation).input_shape
    if shape is None:
        return {}
    if shape.required_members:
        return None
    return {name: _PAGE for name in _LIMITS if name in shape.members}
