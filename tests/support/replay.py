"""An AWS API on loopback that repeats what another one answered, and fails where it is told to.

    with Replay(upstream) as api, tagging():
        scan(api.url)                                     # records
        with api.fault("kms", "ListKeys", DENIED):
            scan(api.url)                                 # the same, but for that call

An answer is found by who asks (the access key tells the account), what, and how. What was never asked goes upstream.
Requests do not say which operation they are; `tagging` has the SDK of this process say so, and a recording remembers.
A fault is of one operation of one service and lasts until its block ends. Those that break a listing add a page: the
first answer gets a token for a next page, which fails, or comes after an empty one.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import botocore
import botocore.session

TAG = "X-Tierwall-Operation"  # service:operation
TOKEN = "tierwall-next-page"
_HOP = {"connection", "content-length", "date", "server", "transfer-encoding", "keep-alive"}
Operation = tuple[str, str]  # service, operation


@dataclass(frozen=True)
class Response:
    """What is answered; a status of 0 closes the connection without an answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request, as far as answers differ by it."""

    who: str
    method: str
    path: str
    target: str
    body: bytes


Fault = Callable[[Operation, Asked, Response], Response]  # what becomes of an answer


class Replay:
    """The server. Entering it starts it; leaving it stops it."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._answers: dict[Asked, tuple[Operation, Response]] = {}
        self._faults: dict[Operation, Fault] = {}
        self._lock = threading.Lock()
        self.struck = 0  # requests that a fault has hit
        self.asked: list[Operation] = []

    def __enter__(self) -> Replay:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextlib.contextmanager
    def fault(self, service: str, operation: str, fault: Fault) -> Iterator[None]:
        """Every call of the operation meets the fault meanwhile."""
        self._faults[service, operation] = fault
        try:
            yield
        finally:
            del self._faults[service, operation]

    def recorded(self, service: str, operation: str) -> list[Response]:
        """What the operation has answered so far, errors left out."""
        known = list(self._answers.values())
        return [r for answered, r in known if answered == (service, operation) and r.status == 200]

    def answer(self, asked: Asked, headers: Mapping[str, str]) -> Response:
        """The recorded answer, else the upstream's, and what a fault makes of it."""
        known = self._answers.get(_without_token(asked))
        if known is None or b"<State>STARTED" in known[1].body:  # a report that is being written is asked for again
            known = (_operation(headers), self._ask(asked, headers))
            self._answers[_without_token(asked)] = known
        operation, response = known
        with self._lock:
            self.asked.append(operation)
        fault = self._faults.get(operation)
        if fault is None:
            return response
        with self._lock:
            self.struck += 1
        return fault(operation, asked, response)

    def _ask(self, asked: Asked, headers: Mapping[str, str]) -> Response:
        connection = http.client.HTTPConnection(self._upstream.hostname or "", self._upstream.port, timeout=60)
        try:
            sent = {k: v for k, v in headers.items() if k.lower() not in ("connection", TAG.lower())}
            connection.request(asked.method, asked.path, asked.body, sent)
            got = connection.getresponse()
            kept = {k: v for k, v in got.getheaders() if k.lower() not in _HOP}
            return Response(got.status, got.read(), kept)
        finally:
            connection.close()


def _handler(replay: Replay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 1 << 16

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            who = re.search(r"Credential=([^/]+)/\d+/([^,]+)", self.headers.get("Authorization", ""))
            asked = Asked(
                " ".join(who.groups()) if who else "",
                self.command,
                self.path,
                self.headers.get("X-Amz-Target", ""),
                body,
            )
            response = replay.answer(asked, dict(self.headers))
            if not response.status:
                self.close_connection = True
                return
            self.send_response_only(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)

        do_POST = do_PUT = do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _operation(headers: Mapping[str, str]) -> Operation:
    tag = next((v for k, v in headers.items() if k.lower() == TAG.lower()), "")
    service, _, operation = tag.partition(":")
    return service, operation


@contextlib.contextmanager
def tagging() -> Iterator[None]:
    """Have the SDK of this process name the operation in every request."""

    def name(model: Any, params: dict[str, Any], **_: Any) -> None:
        params["headers"][TAG] = f"{model.service_model.service_name}:{model.name}"

    def initialize(session: botocore.session.Session) -> None:
        session.get_component("event_emitter").register_first("before-call", name)

    botocore.register_initializer(initialize)
    try:
        yield
    finally:
        botocore.unregister_initializer(initialize)


# --- odd answers ------------------------------------------------------------------------------------------------------


def keys(response: Response) -> set[str]:
    """The keys of an answer, at any depth."""
    if _is_json(response):
        return {key for object_ in _objects(json.loads(response.body)) for key in object_}
    if not response.body.strip():
        return set()
    root = _parsed(response)
    # What a list holds is no key: an answer without it has an empty list.
    of_lists = {_local(child) for parent in root.iter() for child in parent if len({_local(c) for c in parent}) == 1}
    found = {_local(element) for element in root.iter() if element is not root}
    return found - of_lists - {"RequestId", "ResponseMetadata"}


def without(key: str) -> Fault:
    """A success that lacks a key, wherever it had it."""
    return _changed(lambda object_: object_.pop(key, None), lambda parent, child: parent.remove(child), key)


def mistyped(key: str) -> Fault:
    """A success in which the key has a value of another type: text for what is not, an object for all else."""

    def in_json(object_: dict[str, Any]) -> None:
        if key in object_:
            object_[key] = "odd" if isinstance(object_[key], (dict, list)) else {"odd": [None]}

    def in_xml(_: ElementTree.Element, child: ElementTree.Element) -> None:
        child.clear()
        child.text = "odd"

    return _changed(in_json, in_xml, key)


def _changed(
    in_json: Callable[[dict[str, Any]], Any],
    in_xml: Callable[[ElementTree.Element, ElementTree.Element], Any],
    key: str,
) -> Fault:
    def fault(_: Operation, __: Asked, response: Response) -> Response:
        if _is_json(response):
            answer = json.loads(response.body)
            for object_ in list(_objects(answer)):
                in_json(object_)
            return Response(response.status, json.dumps(answer).encode(), response.headers)
        if not response.body.strip():
            return response
        root = _parsed(response)
        for parent in list(root.iter()):
            for child in [c for c in parent if _local(c) == key]:
                in_xml(parent, child)
        return Response(response.status, ElementTree.tostring(root), response.headers)

    return fault


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(below)


def _is_json(response: Response) -> bool:
    return response.body.lstrip().startswith(b"{")


def _parsed(response: Response) -> ElementTree.Element:
    return ElementTree.fromstring(response.body)  # noqa: S314  # our own server wrote it


# --- faults -----------------------------------------------------------------------------------------------------------


@functools.cache
def _model(operation: Operation) -> Any:
    session = botocore.session.get_session()
    return session.get_service_model(operation[0]).operation_model(operation[1])


@functools.cache
def _paginator(operation: Operation) -> Mapping[str, Any]:
    session = botocore.session.get_session()
    try:
        found: Mapping[str, Any] = session.get_paginator_model(operation[0]).get_paginator(operation[1])
    except (ValueError, botocore.exceptions.UnknownServiceError, botocore.exceptions.DataNotFoundError):
        return {}
    return found


def error(status: int, code: str) -> Fault:
    """An error in the words of the service's protocol."""

    def fault(operation: Operation, asked: Asked, response: Response) -> Response:
        protocol = _model(operation).service_model.resolved_protocol
        text = f"{operation[1]} is refused"
        if protocol in ("json", "rest-json"):
            body = json.dumps({"__type": code, "message": text}).encode()
            return Response(status, body, {"Content-Type": "application/json", "x-amzn-errortype": code})
        bare = f"<Code>{code}</Code><Message>{text}</Message>"
        about = {
            "ec2": f"<Response><Errors><Error>{bare}</Error></Errors><RequestID>refused-1</RequestID></Response>",
            "rest-xml": f"<Error>{bare}<RequestId>refused-1</RequestId></Error>",
        }
        if operation[0] == "s3control":  # whose errors are wrapped
            about["rest-xml"] = f"<ErrorResponse><Error>{bare}</Error><RequestId>refused-1</RequestId></ErrorResponse>"
        wrapped = f"<ErrorResponse><Error>{bare}</Error><RequestId>refused-1</RequestId></ErrorResponse>"
        return Response(status, about.get(protocol, wrapped).encode(), {"Content-Type": "text/xml"})

    return fault


def hang_up(operation: Operation, asked: Asked, response: Response) -> Response:
    """Close the connection without an answer."""
    return Response(0, b"")


def hollow(operation: Operation, asked: Asked, response: Response) -> Response:
    """A success that says nothing."""
    if _is_json(response):
        return Response(200, b"{}", response.headers)
    root = re.search(rb"<([\w:]+)([^>]*)>", response.body.split(b"?>", 1)[-1])
    return Response(200, b"<%s%s></%s>" % (root[1], root[2], root[1]) if root else b"<empty/>", response.headers)


def cut(operation: Operation, asked: Asked, response: Response) -> Response:
    """One page, and a token for a next one, which fails. What has no pages fails at once."""
    if _is_next(asked) or not is_listing(operation):
        return error(500, "InternalError")(operation, asked, response)
    return _with_token(operation, response)


def empty_page(operation: Operation, asked: Asked, response: Response) -> Response:
    """An empty page with a token for the next one, which has everything."""
    if _is_next(asked) or not is_listing(operation):
        return response
    return _with_token(operation, _emptied(operation, response))


DENIED: Fault = lambda operation, asked, response: error(  # noqa: E731  # a fault like the others
    403, {"ec2": "UnauthorizedOperation", "s3": "AccessDenied", "iam": "AccessDenied"}.get(
        operation[0], "AccessDeniedException"
    )
)(operation, asked, response)  # fmt: skip
THROTTLED: Fault = error(400, "ThrottlingException")
MODES: dict[str, Fault] = {
    "denied": DENIED, "throttled": THROTTLED, "hang-up": hang_up, "hollow": hollow, "cut": cut,
    "empty-page": empty_page,
}  # fmt: skip


def is_listing(operation: Operation) -> bool:
    """Whether the SDK asks for further pages of it."""
    return bool(_paginator(operation)) and _root_of_lists(operation) is not None


def _root_of_lists(operation: Operation) -> str | None:
    """The token's name where it and the lists are at the top of the answer."""
    token = _paginator(operation).get("output_token")
    return token if isinstance(token, str) and token in _model(operation).output_shape.members else None


def _is_next(asked: Asked) -> bool:
    return TOKEN in asked.path or TOKEN.encode() in asked.body


def _without_token(asked: Asked) -> Asked:
    """The request for the first page, whose answer is known."""
    if not _is_next(asked):
        return asked
    path = re.sub(rf"[&?][\w-]+={TOKEN}", lambda m: "?" if m[0][0] == "?" else "", asked.path)
    path = path.replace("?&", "?").rstrip("?")
    body = re.sub(rb"&[\w.]+=" + TOKEN.encode(), b"", asked.body)
    body = re.sub(rb'(, )?"\w+": "' + TOKEN.encode() + rb'"', b"", body)
    return Asked(asked.who, asked.method, path, asked.target, body.replace(b"{, ", b"{"))


def _names(operation: Operation) -> tuple[str, str, list[str]]:
    """As they are on the wire: the token, the flag for more pages ('' for none), the lists."""
    model, paginator = _model(operation), _paginator(operation)

    def wire(name: str) -> str:
        return str(model.output_shape.members[name].serialization.get("name", name))

    lists = [name for name, shape in model.output_shape.members.items() if shape.type_name == "list"]
    more = paginator.get("more_results", "")
    return wire(_root_of_lists(operation) or ""), wire(more) if more else "", [wire(name) for name in lists]


def _with_token(operation: Operation, response: Response) -> Response:
    token, more, _ = _names(operation)
    if _is_json(response):
        answer = json.loads(response.body) | {token: TOKEN} | ({more: True} if more else {})
        return Response(response.status, json.dumps(answer).encode(), response.headers)
    root, lists = _tree(operation, response)
    for name, text in ((token, TOKEN), (more, "true")):
        if name:
            for old in [e for e in lists if _local(e) == name]:
                lists.remove(old)
            ElementTree.SubElement(lists, _like(lists, name)).text = text
    return Response(response.status, ElementTree.tostring(root), response.headers)


def _emptied(operation: Operation, response: Response) -> Response:
    _, _, names = _names(operation)
    if _is_json(response):
        answer = json.loads(response.body)
        return Response(
            response.status, json.dumps(answer | {n: [] for n in names if n in answer}).encode(), response.headers
        )
    root, lists = _tree(operation, response)
    for found in lists:
        if _local(found) in names:
            found.clear()
    return Response(response.status, ElementTree.tostring(root), response.headers)


def _tree(operation: Operation, response: Response) -> tuple[ElementTree.Element, ElementTree.Element]:
    """The root of an XML answer, and the element that holds its lists."""
    root = _parsed(response)
    wrapper = _model(operation).output_shape.serialization.get("resultWrapper")
    inner = next((e for e in root if _local(e) == wrapper), root) if wrapper else root
    return root, inner


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _like(element: ElementTree.Element, name: str) -> str:
    """The name in the element's namespace."""
    return element.tag.rpartition("}")[0] + "}" + name if element.tag.startswith("{") else name
