"""Reading accounts: account by account, in each its scopes and services in parallel.

An account that cannot be entered is gaps with the call that was refused, and the others go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from scanner.collectors.aws import services
from scanner.collectors.aws.answers import OddAnswer
from scanner.collectors.aws.api import Api, Sink
from scanner.collectors.aws.reads import Refused, Service, Tables
from scanner.collectors.aws.session import Account, Declared, connect, declared_accounts, enter, no_way_in
from scanner.tables import Gap, Row, Scope

if TYPE_CHECKING:
    from scanner.environments import Config

ACCOUNTS = 4  # at once
SERVICES = 8  # at once in an account
SERVICE_SECONDS = 10 * 60.0  # one service in one scope; what is left then is a gap, `deadline`
Progress = Callable[[str], None]


class Unit(Sink, Protocol):
    def done(self) -> None: ...


class Stage(Sink, Protocol):
    def scope(self, scope: Scope, tables: Iterable[type[Row]]) -> None: ...
    def unit(self, name: str) -> Unit | None: ...


def collect(config: Config, stage: Stage, progress: Progress | None = None) -> None:
    """Read every declared account into the stage.

    Raises SourceError when not one account could be asked anything, for want of credentials or of a connection, and
    ConfigError for a profile, region or variable that tierwall.yaml names and that does not exist.
    """
    declared = declared_accounts(config)
    run = _Run(stage, progress or (lambda _: None))
    with ThreadPoolExecutor(ACCOUNTS, thread_name_prefix="aws-account") as pool:
        try:
            refusals = list(pool.map(run.account, declared))
        except BaseException:
            run.stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if refusals and all(r is not None and r.unreachable for r in refusals):
        names = ", ".join(d.name or d.id for d in declared)
        raise no_way_in(f"aws accounts {names}", next(r.message for r in refusals if r))


class _Run:
    def __init__(self, stage: Stage, progress: Progress) -> None:
        self.stage = stage
        self.progress = progress
        self.stopped = threading.Event()

    def account(self, declared: Declared) -> Refused | None:
        """Read one account; Refused if it could not be entered."""
        if self.stopped.is_set():
            return None
        account = connect(declared)
        try:
            refused = enter(account, self.stage, _deadline())
            self._request(account)
            if refused:
                self._lose(account.scope, services.GLOBAL_TABLES, refused)
                self._lose_regions(account, refused)
                self.progress(f"aws {declared.name or account.id}: cannot be read: {refused.code}")
                return refused
            if account.unlisted:
                self._lose(account.scope, services.REGIONAL_TABLES, account.unlisted)
            self._read(account)
            return None
        finally:
            account.close()

    def _request(self, account: Account) -> None:
        """Say what is asked of which scope. Where the regions are not known, the global scope stands for them."""
        tables = services.GLOBAL_TABLES
        if not account.regions:
            tables = (*tables, *(t for t in services.REGIONAL_TABLES if t not in tables))
        self.stage.scope(account.scope, tables)
        for region in account.regions:
            self.stage.scope(account.scope_of(region), services.REGIONAL_TABLES)

    def _lose_regions(self, account: Account, refused: Refused) -> None:
        for scope in [account.scope_of(r) for r in account.regions] or [account.scope]:
            self._lose(scope, services.REGIONAL_TABLES, refused)

    def _lose(self, scope: Scope, tables: Tables, refused: Refused) -> None:
        for table in tables:
            self.stage.gap(
                Gap(scope=scope.id, table_name=table.table, reason=refused.reason, call=refused.call,
                    detail=refused.message)
            )  # fmt: skip

    def _read(self, account: Account) -> None:
        places = [(s, account.scope, account.home) for s in services.GLOBAL]
        places += [(s, account.scope_of(r), r) for r in account.regions for s in services.REGIONAL]
        with ThreadPoolExecutor(SERVICES, thread_name_prefix="aws-service") as pool:
            try:
                for _ in pool.map(lambda place: self._service(account, *place), places):
                    pass
            except BaseException:
                self.stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _service(self, account: Account, service: Service, scope: Scope, region: str) -> None:
        if self.stopped.is_set():
            return
        unit = self.stage.unit(f"{scope.id}/{service.name}")
        if unit is None:  # an interrupted scan has read it
            return
        api = Api(account, scope, region, service.reads, unit, _deadline())
        try:
            service.fetch(api)
            api.finish()
        except OddAnswer as odd:
            api.finish(odd, service.tables)
        unit.done()
        self.progress(
            f"aws {account.declared.name or account.id} {region if scope.region else 'global'} {service.name}"
        )


def _deadline() -> float:
    return time.monotonic() + SERVICE_SECONDS
