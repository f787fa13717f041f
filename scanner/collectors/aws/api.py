"""One place, asked by one module of collectors: every logical call is kept, every refusal becomes gaps."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from botocore import xform_name
from botocore.client import BaseClient
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
)
from botocore.parsers import ResponseParserError

from scanner.collectors.aws.answers import Answer, OddAnswer, answer_to
from scanner.collectors.aws.reads import Read, Refused, Tables
from scanner.errors import ScannerError
from scanner.tables import Call, Document, Gap, Json, Placed, Reason, Scope

FAILURES = (ClientError, BotoCoreError, ResponseParserError)
MAX_PAGES = 100_000  # more than any listing has; a service that never ends is an error, not a hang

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_THROTTLED = {
    "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException",
    "SlowDown", "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException",
}  # fmt: skip
_DENIED = {
    "AccessDenied", "AccessDeniedException", "AuthFailure", "AuthorizationError", "AuthorizationErrorException",
    "Client.UnauthorizedOperation", "Forbidden", "InvalidClientTokenId", "NotAuthorized", "OptInRequired",
    "SignatureDoesNotMatch", "UnauthorizedAccess", "UnauthorizedOperation", "UnrecognizedClientException",
}  # fmt: skip
_UNREACHABLE = (NoCredentialsError, PartialCredentialsError, ProfileNotFound, ConnectionError, SSOError)


class Sink(Protocol):
    """What collectors write to: the stage."""

    def call(self, call: Call) -> int: ...
    def gap(self, gap: Gap) -> None: ...
    def document(self, document: Document) -> None: ...


class Clients(Protocol):
    """What an account gives to those who ask it."""

    id: str
    name: str
    partition: str
    regions: tuple[str, ...]
    details: ThreadPoolExecutor
    halted: Refused | None  # why nothing more is asked of the account

    def client(self, service: str, region: str) -> BaseClient: ...
    def once(self, key: tuple[str, ...], ask: Callable[[], Json | Refused]) -> Json | Refused: ...


class Api:
    """The declared reads of one module in one scope. A call that is not declared is a programming error."""

    def __init__(
        self, account: Clients, scope: Scope, region: str, reads: Iterable[Read], sink: Sink, deadline: float
    ) -> None:
        self.account = account
        self.scope = scope
        self.region = region  # where clients ask; a global scope has one too
        self._reads = {read.name: read for read in reads}
        self._sink = sink
        self._deadline = deadline  # time.monotonic()
        self._odd: dict[tuple[str, Tables], OddAnswer] = {}  # the first of each listing and its tables

    # --- asking -------------------------------------------------------------------------------------------------------

    def pages(self, name: str, /, *, uid: str = "", region: str = "", **arguments: Any) -> Iterator[Json]:
        """The pages of a listing. A refused page ends it with gaps; what came before it is kept."""
        read = self._read(name)
        return self._pages(read, uid, region, arguments, read.gives)

    def items(self, name: str, key: str, *, uid: str = "", region: str = "", **arguments: Any) -> Iterator[Json]:
        """The elements of a listing. A page without the key is no page: an empty listing has it too."""
        for page in self._pages(self._read(name), uid, region, arguments, (key,)):
            yield from page[key]

    def _pages(
        self, read: Read, uid: str, region: str, arguments: dict[str, Any], keys: tuple[str, ...]
    ) -> Iterator[Json]:
        refused = yield from self._ask(read, uid, region, arguments, keys)
        if refused:
            self.lose(read, refused, uid)

    def in_batches(self, name: str, key: str, argument: str, values: Sequence[Json], size: int) -> Iterator[Json]:
        """The elements of a listing that takes so many names at once."""
        for start in range(0, len(values), size):
            batch: dict[str, Any] = {argument: values[start : start + size]}
            yield from self.items(name, key, **batch)

    def gather(self, name: str, key: str, **arguments: Any) -> list[Json] | None:
        """A whole listing at once; None when a page of it was refused, for then no absence can be told from it."""
        found = self.listing(name, key, **arguments)
        if isinstance(found, Refused):
            self.lose(self._read(name), found, "")
            return None
        return found

    def listing(self, name: str, key: str, **arguments: Any) -> list[Json] | Refused:
        """As `gather`, but the caller says with `lost` whose gaps a refusal makes."""
        found: list[Json] = []
        asking = self._ask(self._read(name), "", "", arguments, (key,))
        while True:
            try:
                found += next(asking)[key]
            except StopIteration as end:
                return found if end.value is None else end.value

    def lost(self, name: str, refused: Refused, uid: str, detail: str = "") -> None:
        """Keep gaps of one resource for an answer that was not had."""
        self.lose(self._read(name), refused, uid, detail)

    def attempt(self, name: str, /, *, uid: str = "", region: str = "", **arguments: Any) -> Json | Refused:
        """One answer; None where it is known to be absent; Refused, with its gaps kept, where it is not known."""
        read = self._read(name)
        answer = self._attempt(read, uid, region, arguments)
        if isinstance(answer, Refused):
            self.lose(read, answer, uid)
        return answer

    def shared(self, name: str, /, **arguments: Any) -> Json | Refused:
        """As `attempt`, of the scope as a whole, and asked only once whichever modules need the answer."""
        read = self._read(name)
        key = (self.scope.id, read.service, read.operation)
        answer = self.account.once(key, lambda: self._attempt(read, "", "", arguments))
        if isinstance(answer, Refused):
            self.lose(read, answer, "")
        return answer

    def detail(self, parts: dict[str, Json], name: str, /, *, uid: str, region: str = "", **arguments: Any) -> bool:
        """Put one answer into a document's parts; False, and no part, where it was refused."""
        answer = self.attempt(name, uid=uid, region=region, **arguments)
        if isinstance(answer, Refused):
            return False
        parts[name] = answer
        return True

    def each(self, do: Callable[[Json], None], things: Iterable[Json]) -> None:
        """Do it for each element in the account's pool of threads; for details, which ask nobody in turn."""
        for _ in self.account.details.map(lambda thing: self._guarded(do, thing), things):
            pass

    def in_turn(self, do: Callable[[Json], None], things: Iterable[Json], tables: Tables = ()) -> None:
        """Do it for each element, one after the other; for those that need no question of their own.

        The tables are those that an element fills, where they are fewer than its listing's.
        """
        for thing in things:
            self._guarded(do, thing, tables)

    def _guarded(self, do: Callable[[Json], None], thing: Json, tables: Tables = ()) -> None:
        """An odd answer costs the element that it is about, and no other."""
        try:
            do(thing)
        except OddAnswer as odd:
            listing = thing.call if isinstance(thing, Answer) else odd.call
            self._odd.setdefault((listing.operation, tables), odd)

    # --- keeping ------------------------------------------------------------------------------------------------------

    def document(self, kind: str, uid: str, name: str, parts: Mapping[str, Json], region: str | None = None) -> None:
        """Hand a resource to the stage. A region is given only where it is not the scope's."""
        self._sink.document(
            Document(
                kind=kind, uid=uid, scope=self.scope.id, name=name, parts=parts, account=self.account.id,
                region=self.scope.region if region is None else region, source="aws",
            )
        )  # fmt: skip

    def lose(self, read: Read, refused: Refused, uid: str, detail: str = "") -> None:
        """Keep what the read would have filled as gaps: of the resource, or of the scope where uid is ''."""
        if refused.reason == "error":  # the call's code alone seldom says what happened
            detail = detail or refused.message
        for table in read.rows:
            self.gap(table, "", refused.reason, uid=uid, call=refused.call, detail=detail)
        for table, columns in read.columns.items():
            for column in columns:
                self.gap(table, column, refused.reason, uid=uid, call=refused.call, detail=detail)

    def gap(
        self, table: type[Placed], column: str, reason: Reason, *, uid: str = "", call: int = 0, detail: str = ""
    ) -> None:
        self._sink.gap(
            Gap(
                scope=self.scope.id, uid=uid, table_name=table.table, column_name=column, reason=reason, call=call,
                detail=detail,
            )
        )  # fmt: skip

    def finish(self, odd: OddAnswer | None = None, tables: Iterable[type[Placed]] = ()) -> None:
        """Keep the gaps of what odd answers spoilt; of all of these tables for one that no element is to blame for."""
        for (operation, of_element), found in self._odd.items():
            for read in self._reads.values():
                if read.operation == operation and not of_element:
                    self.lose(read, _refusal(found), "")
            self._lose_tables(of_element, found)
        if odd:
            self._lose_tables(tables, odd)

    def _lose_tables(self, tables: Iterable[type[Placed]], odd: OddAnswer) -> None:
        for table in tables:
            self.gap(table, "", "error", call=odd.call.id, detail=str(odd))

    # --- the call itself ----------------------------------------------------------------------------------------------

    def _read(self, name: str) -> Read:
        if name not in self._reads:
            raise ScannerError(f"aws: {name} is called but not declared")
        return self._reads[name]

    def _attempt(self, read: Read, uid: str, region: str, arguments: dict[str, Any]) -> Json | Refused:
        """All pages as one answer."""
        whole: Json = None
        asking = self._ask(read, uid, region, arguments, read.gives)
        while True:
            try:
                page = next(asking)
            except StopIteration as end:
                return whole if end.value is None else end.value
            if whole is None:
                whole = page
                continue
            for key, value in page.items():
                have = whole.get(key)
                whole[key] = [*have, *value] if isinstance(have, list) else value

    def _ask(
        self, read: Read, uid: str, region: str, arguments: dict[str, Any], keys: tuple[str, ...]
    ) -> Generator[Json, None, Refused | None]:
        """The answers to one logical call, which is kept when it ends; returns Refused unless it ended well."""
        if self.account.halted:
            return self.account.halted
        if time.monotonic() > self._deadline:
            return Refused("deadline")
        call = Call(
            scope=self.scope.id, service=read.service, operation=read.operation, uid=uid, permission=read.permission,
            pages=0, attempts=0, started=time.time(),
        )  # fmt: skip
        refused: Refused | None = None
        try:
            for answer in self._answers(read, region, arguments):
                _count(call, answer)
                if call.pages > 1 and time.monotonic() > self._deadline:
                    refused = Refused("deadline")
                    break
                if keys and not any(_has(answer, key) for key in keys):
                    refused = _refusal(OddAnswer(call, f"the answer has no {' or '.join(keys)}"))
                    call.code = refused.code
                    break
                yield answer_to(call, answer)
        except FAILURES as e:
            refused = self._judge(read, call, e)
        call.finished = time.time()
        if refused:
            call.status = refused.reason
        number = self._sink.call(call)
        if not refused:
            return None
        refused = dataclasses.replace(refused, call=number)
        if refused.reason == "expired":
            self.account.halted = refused
        return refused

    def _answers(self, read: Read, region: str, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        client = self.account.client(read.service, region or self.region)
        method = xform_name(read.operation)
        if not client.can_paginate(method):
            yield getattr(client, method)(**arguments)
            return
        for number, page in enumerate(client.get_paginator(method).paginate(**arguments), 1):
            if number > MAX_PAGES:
                raise EndlessListing
            yield page

    def _judge(self, read: Read, call: Call, error: Exception) -> Refused | None:
        """What a failure means: None for one that is declared to mean absence."""
        answered = error.response if isinstance(error, ClientError) else {}
        about = answered.get("ResponseMetadata", {})
        call.code = answered.get("Error", {}).get("Code") or type(error).__name__
        call.request_id = about.get("RequestId", "")
        call.attempts += about.get("RetryAttempts", 0) + 1
        if call.code in read.absent:
            call.status = "absent"
            return None
        reason = _reason(call.code, about.get("HTTPStatusCode", 0), error)
        return Refused(reason, 0, call.code, str(error), isinstance(error, _UNREACHABLE))


def _has(answer: Any, path: str) -> bool:
    """Whether there is something at the dotted path."""
    key, _, below = path.partition(".")
    return isinstance(answer, dict) and key in answer and (not below or _has(answer[key], below))


def _refusal(odd: OddAnswer) -> Refused:
    return Refused("error", odd.call.id, type(odd).__name__, str(odd))


class EndlessListing(BotoCoreError):
    """A listing that has more pages than any can have."""

    fmt = "the listing does not end"


def _reason(code: str, status: int, error: Exception) -> Reason:
    if code in _EXPIRED or isinstance(error, SSOError):
        return "expired"
    if code in _THROTTLED or status == 429:
        return "throttled"
    if code in _DENIED or status in (401, 403):  # without credentials nobody was asked, so nobody refused
        return "denied"
    return "error"


def _count(call: Call, answer: Mapping[str, Any]) -> None:
    """Add one answer to the account of its call."""
    about = answer.get("ResponseMetadata", {})
    lists = [len(v) for v in answer.values() if isinstance(v, list)]
    call.pages += 1
    call.items += sum(lists) if lists else 1
    call.attempts += about.get("RetryAttempts", 0) + 1
    call.request_id = about.get("RequestId", "")


class Once:
    """Answers that several modules need, asked for once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, ...], Json | Refused] = {}

    def __call__(self, key: tuple[str, ...], ask: Callable[[], Json | Refused]) -> Json | Refused:
        with self._lock:
            if key not in self._answers:
                self._answers[key] = ask()
            return self._answers[key]
