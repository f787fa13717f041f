"""Reading clusters: each on its own, all at once; what is refused in one namespace does not hide the others."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from scanner.collectors.kubernetes.client import Api, Refused, Retry, configuration, who
from scanner.collectors.kubernetes.identity import uid
from scanner.collectors.kubernetes.kinds import BY_NAME, KINDS
from scanner.collectors.kubernetes.listing import Listing, list_all
from scanner.collectors.kubernetes.objects import (
    WORKLOADS,
    Place,
    Secrets,
    Seen,
    is_owned,
    see,
    unidentified,
    with_service_account,
)
from scanner.collectors.kubernetes.reads import NAMESPACES, PRESENT, READS, SECRETS, SERVICE_ACCOUNTS, Read
from scanner.collectors.kubernetes.values import dig
from scanner.errors import SourceError
from scanner.tables import Call, Document, Gap, Json, Row, Scope
from scanner.tables.kubernetes_cluster import KubernetesCluster
from scanner.tables.kubernetes_storage import KubernetesSecretValue
from scanner.tables.kubernetes_workload import KubernetesWorkload

if TYPE_CHECKING:
    from scanner.environments import Config
    from scanner.environments.model import Cluster

CLUSTERS = 8  # at once
Progress = Callable[[str], None]


class Sink(Protocol):
    """What a reader writes to."""

    def scope(self, scope: Scope, tables: Iterable[type[Row]]) -> None: ...
    def call(self, call: Call) -> int: ...
    def gap(self, gap: Gap) -> None: ...
    def document(self, document: Document) -> None: ...


class Unit(Sink, Protocol):
    def done(self) -> None: ...


class Stage(Sink, Protocol):
    """What a collection writes to."""

    def unit(self, name: str) -> Unit | None: ...


def collect(config: Config, stage: Stage, progress: Progress | None = None, *, retry: Retry | None = None) -> None:
    """Read every declared cluster into the stage.

    A cluster that cannot be reached, or refuses the credentials, is gaps with the call that failed. Raises SourceError
    when that is so of all of them, and ConfigError for a kubeconfig or context that does not exist.
    """
    source = config.sources.kubernetes
    declared = source.clusters if source else {}
    readers = [
        _Reader(name, cluster, config.root, stage, progress or (lambda _: None), retry or Retry())
        for name, cluster in sorted(declared.items())
    ]
    if not readers:
        return
    with ThreadPoolExecutor(min(CLUSTERS, len(readers)), thread_name_prefix="cluster") as pool:
        refused = list(pool.map(_Reader.read, readers))
    if all(refused):
        first = next(r for r in refused if r)
        names = ", ".join(reader.name for reader in readers)
        hint = "try `kubectl --context … get namespaces` with the same kubeconfig"
        raise SourceError(f"kubernetes {names}", f"cannot be read: {first.code}: {first.message}", hint)


@dataclass(frozen=True, slots=True)
class _Failure:
    """A refusal with the number of its call, so that gaps can name it."""

    refused: Refused
    call: int


class _Reader:
    """Reads one cluster."""

    def __init__(self, name: str, options: Cluster, root: Path, stage: Stage, progress: Progress, retry: Retry) -> None:
        self.name = name
        self.options = options
        self.root = root
        self.whole = stage
        self.stage: Sink = stage  # while it is read: the cluster's part of it
        self.progress = progress
        self.retry = retry
        self.scope = f"kubernetes/{name}"
        self.where = Place(self.scope, name, "kubernetes")
        self.secrets = Secrets()
        self.accounts: dict[tuple[str, str], Json] = {}
        self.accounts_lost: dict[str, _Failure] = {}  # by namespace, '' for all
        self.accounts_odd: dict[tuple[str, str], _Failure] = {}
        self.spaces: list[str] = []  # namespaces that are known to be there
        self.spaces_lost: _Failure | None = None
        self.controllers: set[str] = set()  # uids, as the API server gives them, of the workloads that came
        self.stopped: _Failure | None = None  # nothing more is asked
        globs = options.namespaces or ("*",)
        self.globs = () if "*" in globs else tuple(globs)
        self.literal = [g for g in self.globs if not set("*?[") & set(g)]

    def read(self) -> Refused | None:
        """Read the cluster, unless an interrupted scan has; Refused if it could be asked nothing at all."""
        unit = self.whole.unit(self.scope)
        if unit is None:
            return None
        self.stage = unit
        refused = self._cluster()
        unit.done()
        return refused

    def _cluster(self) -> Refused | None:
        reads = [*READS, *PRESENT, *([SECRETS] if self.options.read_secret_values else [])]
        tables = [t for kind in KINDS for t in kind.tables]
        if not self.options.read_secret_values:
            tables.remove(KubernetesSecretValue)
        started = time.time()
        try:
            api = Api(configuration(self.name, self._kubeconfig(), self.options.context), self.retry)
        except Refused as refused:
            self.stage.scope(self._scope(), tables)
            self._lose_all(tables, self._version_call(started, refused))
            return refused
        self.stage.scope(self._scope(), tables)
        try:
            failure = self._version(api)
            if failure:
                self._lose_all(tables, failure)
                return failure.refused
            for read in reads:
                self.progress(f"kubernetes {self.name}: {read.resource}")
                self._read(api, read)
        finally:
            api.close()
        for document in self.secrets.documents():
            self.stage.document(document)
        return None

    def _kubeconfig(self) -> Path | None:
        return self.root / Path(self.options.kubeconfig).expanduser() if self.options.kubeconfig else None

    def _scope(self) -> Scope:
        return Scope(
            id=self.scope, source="kubernetes", cluster=self.name,
            identity=who(self._kubeconfig(), self.options.context),
        )  # fmt: skip

    # --- the version, which also shows whether an API server is there ---------------------------------------------

    def _version(self, api: Api) -> _Failure | None:
        """Read the version; answers with what makes the rest pointless to ask."""
        started = time.time()
        try:
            answer = api.get("/version")
            if not isinstance(answer.body.get("gitVersion"), str):
                raise Refused("error", "NotKubernetes", "what answers is no Kubernetes API server", status=200)
        except Refused as refused:
            failure = self._version_call(started, refused)
            if refused.status != 403:
                return failure
            self._lose([KubernetesCluster], failure, refused.message)
            return None
        call = Call(
            scope=self.scope, service="version", operation="get version", permission="/version/get",
            request_id=answer.request_id, items=1, attempts=answer.attempts, started=started, finished=time.time(),
        )  # fmt: skip
        self.stage.call(call)
        self.stage.document(
            Document(
                kind=KubernetesCluster.table, uid=uid(self.name, "", "Cluster", self.name), scope=self.scope,
                name=self.name, parts={"object": answer.body}, cluster=self.name, source="kubernetes",
            )
        )  # fmt: skip
        return None

    def _version_call(self, started: float, refused: Refused) -> _Failure:
        call = Call(
            scope=self.scope, service="version", operation="get version", status=refused.reason, code=refused.code,
            permission="/version/get", request_id=refused.request_id, pages=0, attempts=refused.attempts,
            started=started, finished=time.time(),
        )  # fmt: skip
        return _Failure(refused, self.stage.call(call))

    # --- lists -----------------------------------------------------------------------------------------------------

    def _read(self, api: Api, read: Read) -> None:
        """List one resource wherever it is to be read, and keep what came and what did not."""
        for listing in self._listings(api, read):
            for seen in listing.items:
                self._keep(seen, listing)

    def _listings(self, api: Api, read: Read) -> Iterator[Listing[Seen]]:
        if read is NAMESPACES:
            yield from self._namespaces(api)
        elif not read.namespaced:
            yield self._list(api, read)
        elif self.globs:
            if self.spaces_lost and len(self.literal) < len(self.globs):
                self._miss(read, self.spaces_lost, "the namespaces are not known")
            for space in self.spaces:
                yield self._list(api, read, space)
        else:
            wide = self._list(api, read, keep_quiet=bool(self.spaces))
            if not wide.is_forbidden or not self.spaces:
                yield wide
                return
            if self.spaces_lost:
                self._miss(read, self.spaces_lost, "the namespaces are not all known")
            for space in self.spaces:
                yield self._list(api, read, space)

    def _namespaces(self, api: Api) -> Iterator[Listing[Seen]]:
        """The namespaces that are scanned. Where listing them is forbidden, those that are named are read singly."""
        found = self._list(api, NAMESPACES, keep_quiet=bool(self.literal))
        found.items = [s for s in found.items if not s.is_identified or self._is_scanned(s.document.name)]
        self.spaces = [seen.document.name for seen in found.items if seen.is_identified]
        if odd := next((seen for seen in found.items if not seen.is_identified), None):
            self.spaces_lost = _Failure(_malformed(odd), found.call)
        if found.refused:
            self.spaces_lost = _Failure(found.refused, found.call)
        yield found
        if not found.refused:
            return
        self.spaces = sorted({*self.spaces, *self.literal})
        if not found.is_forbidden:
            return
        if self.spaces_lost and len(self.literal) < len(self.globs):
            self._miss(NAMESPACES, self.spaces_lost, "the namespaces are not known")
        for space in self.literal:
            yield self._namespace(api, space)

    def _namespace(self, api: Api, name: str) -> Listing[Seen]:
        out = Listing[Seen](NAMESPACES, "", started=time.time(), pages=1)
        try:
            answer = api.get(f"{NAMESPACES.path()}/{name}")
            out.attempts, out.request_id, out.seen = answer.attempts, answer.request_id, 1
            seen = self._seen(NAMESPACES, {**answer.body, "apiVersion": "v1", "kind": "Namespace"})
            out.items = [seen] if seen else []
        except Refused as refused:
            out.attempts, out.request_id = refused.attempts, refused.request_id
            out.is_absent = refused.status == 404
            out.refused = None if out.is_absent else refused
        out.finished = time.time()
        call = out.as_call(self.scope, uid(self.name, "", "Namespace", name))
        call.operation, call.permission = "get namespaces", NAMESPACES.permission("get")
        out.call = self.stage.call(call)
        if out.refused:
            self._miss(NAMESPACES, _Failure(out.refused, out.call), f"namespace {name}: {out.refused.message}")
        return out

    def _list(self, api: Api, read: Read, space: str = "", *, keep_quiet: bool = False) -> Listing[Seen]:
        """List, keep the call, and the gaps; of a forbidden list `keep_quiet` leaves the gaps to narrower ones."""
        if self.stopped:
            self._miss(read, self.stopped, self.stopped.refused.message)
            return Listing(read, space, refused=self.stopped.refused, call=self.stopped.call)
        listing = list_all(api, read, partial(self._seen, read), space)
        listing.call = self.stage.call(
            listing.as_call(self.scope, uid(self.name, "", "Namespace", space) if space else "")
        )
        if listing.refused and not (keep_quiet and listing.is_forbidden):
            failure = _Failure(listing.refused, listing.call)
            self._miss(
                read, failure, f"namespace {space}: {listing.refused.message}" if space else listing.refused.message
            )
            if read is SERVICE_ACCOUNTS:
                self.accounts_lost[space] = failure
            if listing.refused.status in (0, 401):  # nobody is there any more, or nobody knows us
                self.stopped = failure
        return listing

    def _seen(self, read: Read, obj: dict[str, Json]) -> Seen | None:
        """What is kept of an object as it goes by."""
        if obj.get("kind") in WORKLOADS and isinstance(given := dig(obj, "metadata", "uid"), str):
            self.controllers.add(given)
        if is_owned(obj, self.controllers):
            return None
        seen, lacks = see(obj, self.where), unidentified(obj, namespaced=read.namespaced)
        return replace(seen, problem=lacks, is_identified=False) if lacks else seen

    def _is_scanned(self, space: str) -> bool:
        return not self.globs or any(fnmatch.fnmatchcase(space, glob) for glob in self.globs)

    # --- what came, and what did not --------------------------------------------------------------------------------

    def _keep(self, seen: Seen, listing: Listing[Seen]) -> None:
        document = seen.document
        space, name = document.namespace, document.name
        if seen.problem:
            self._confess(seen, listing)
            if not seen.is_identified:
                return
        if document.kind == SECRETS.document:
            self.secrets.see(document, seen.values)
            return
        self.secrets.refer(document, seen.references)
        if document.kind == SERVICE_ACCOUNTS.document and not seen.problem:
            self.accounts[space, name] = document.parts.get("object")
        if seen.asks_account:
            key = (space, seen.asks_account)
            lost = self.accounts_lost.get("") or self.accounts_lost.get(space) or self.accounts_odd.get(key)
            if key in self.accounts or not lost:
                document = with_service_account(document, self.accounts.get(key))
            else:
                self._lose([KubernetesWorkload], lost, lost.refused.message, document.uid, "automounts_token")
        self.stage.document(document)

    def _confess(self, seen: Seen, listing: Listing[Seen]) -> None:
        """Keep the gaps of an object that is not as the API has it: its own, or the list's where it has no identity."""
        failure, read = _Failure(_malformed(seen), listing.call), listing.read
        own = BY_NAME[seen.document.kind].tables
        if seen.is_identified:
            self._lose(own, failure, seen.problem, seen.document.uid)
            self._lose([t for t in read.fills if t not in own], failure, seen.problem)  # whom it refers to
        else:
            self._miss(read, failure, seen.problem)
        if read is SERVICE_ACCOUNTS:
            self.accounts_odd[seen.document.namespace, seen.document.name] = failure
            if not seen.is_identified:
                self.accounts_lost[listing.namespace] = failure

    def _miss(self, read: Read, failure: _Failure, detail: str) -> None:
        self._lose(read.fills, failure, detail)

    def _lose_all(self, tables: Iterable[type[Row]], failure: _Failure) -> None:
        self.progress(f"kubernetes {self.name}: cannot be read: {failure.refused.code}: {failure.refused.message}")
        self._lose(tables, failure, failure.refused.message)

    def _lose(
        self, tables: Iterable[type[Row]], failure: _Failure, detail: str, uid_: str = "", column: str = ""
    ) -> None:
        for table in tables:
            self.stage.gap(
                Gap(
                    scope=self.scope, uid=uid_, table_name=table.table, column_name=column,
                    reason=failure.refused.reason, call=failure.call, detail=detail,
                )
            )  # fmt: skip


def _malformed(seen: Seen) -> Refused:
    return Refused("error", "Malformed", seen.problem)
