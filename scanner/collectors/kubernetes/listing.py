"""Listing one resource: all pages of one consistent list, or what there is of it and why the rest is missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from scanner.collectors.kubernetes.client import Answer, Api, Refused
from scanner.collectors.kubernetes.reads import Read
from scanner.tables import Call, Json

PAGE = 500  # items
MAX_PAGES = 100_000  # more than any list has; a server that never ends is an error, not a hang
_GONE = 410  # a continue token is too old
T = TypeVar("T")
Keep = Callable[[dict[str, Json]], T | None]


@dataclass(slots=True)
class Listing(Generic[T]):
    """What a list gave. With `refused`, the items are those of the pages before."""

    read: Read
    namespace: str  # '' for all
    items: list[T] = field(default_factory=list)
    refused: Refused | None = None
    is_absent: bool = False  # the API server does not have this API group
    pages: int = 0
    seen: int = 0  # items in the answers
    attempts: int = 0
    request_id: str = ""
    started: float = 0.0
    finished: float = 0.0
    call: int = 0  # the number the stage gave it

    @property
    def is_forbidden(self) -> bool:
        """Refused for want of a permission, which a narrower question may not need."""
        return self.refused is not None and self.refused.status == 403

    def as_call(self, scope: str, uid: str = "") -> Call:
        """The call as a row."""
        status = self.refused.reason if self.refused else "absent" if self.is_absent else "ok"
        return Call(
            scope=scope, service=self.read.service, operation=f"list {self.read.resource}", uid=uid, status=status,
            code=self.refused.code if self.refused else "", permission=self.read.permission(),
            request_id=self.request_id, pages=self.pages, items=self.seen, attempts=self.attempts,
            started=self.started, finished=self.finished,
        )  # fmt: skip


def list_all(api: Api, read: Read, keep: Keep[T], namespace: str = "") -> Listing[T]:
    """List a resource in one namespace, or in all. What `keep` makes of each object is kept, if anything.

    A list whose continue token has expired is begun again, once: its pages would not be of one moment.
    """
    out = Listing[T](read, namespace, started=time.time())
    for last in (False, True):
        try:
            _pages(api, out, keep)
        except Refused as refused:
            _count(out, refused)
            if refused.status == _GONE and not last:
                out.items.clear()
                out.pages = out.seen = 0
                continue
            if other := _judge(api, out, refused):
                return list_all(api, replace(read, version=other, also=()), keep, namespace)
        break
    out.finished = time.time()
    return out


def _pages(api: Api, out: Listing[T], keep: Keep[T]) -> None:
    token = ""
    for _ in range(MAX_PAGES):
        more = {"continue": token} if token else {}
        answer = api.get(out.read.path(out.namespace), limit=PAGE, **more)
        _count(out, answer)
        items, metadata = answer.body.get("items"), answer.body.get("metadata")
        if not isinstance(metadata, dict) or "items" not in answer.body or not _are_objects(items):
            raise Refused("error", "NotAList", "the answer is no list", status=200, attempts=0)
        out.pages += 1
        out.seen += len(items or ())
        for item in items or ():
            # The API server leaves version and kind out of the items of a list.
            kept = keep({**item, "apiVersion": out.read.version, "kind": out.read.kind})
            if kept is not None:
                out.items.append(kept)
        before, token = token, metadata.get("continue") or ""
        if not token:
            return
        if token == before:
            break
    raise Refused("error", "EndlessList", "the list does not end", status=200, attempts=0)


def _are_objects(items: Json) -> bool:
    return items is None or (isinstance(items, list) and all(isinstance(item, dict) for item in items))


def _count(out: Listing[T], answer: Answer | Refused) -> None:
    out.attempts += answer.attempts
    out.request_id = answer.request_id or out.request_id


def _judge(api: Api, out: Listing[T], refused: Refused) -> str:
    """Tell «not found» apart: what no version of its API group serves has no objects, another version of it may.

    An add-on's group is asked about where listing was forbidden, too: access is denied before anything is looked for.
    Answers with a version that is served and to be read instead; '' if there is none.
    """
    out.refused = refused
    if not out.read.group or not (refused.status == 404 or (refused.status == 403 and out.read.is_added)):
        return ""
    try:
        versions = _serving(api, out.read)
    except Refused:
        return ""
    if not versions:
        out.refused, out.is_absent = None, True
    elif refused.status == 404:
        others = ", ".join(versions)
        problem = f"{out.read.resource} are not in {out.read.version}; the API server has {others}"
        out.refused = Refused("unsupported", refused.code, problem, status=404)
        return next((version for version in versions if version in out.read.also), "")
    return ""


def _serving(api: Api, read: Read) -> list[str]:
    """The versions of the read's group that have its resource; none where there is no such group. Raises Refused."""
    try:
        group = api.get(f"/apis/{read.group}")
    except Refused as error:
        if error.status == 404:
            return []
        raise
    listed = group.body.get("versions")
    versions = [str(v.get("groupVersion")) for v in listed if isinstance(v, dict)] if isinstance(listed, list) else []
    return [version for version in versions if _has(api.get(f"/apis/{version}").body, read.resource)]


def _has(body: Json, resource: str) -> bool:
    """Whether a version's list of resources names this one. A list that is not as the API has it may name anything."""
    resources = body.get("resources")
    return not _are_objects(resources) or any(one.get("name") == resource for one in resources or ())
