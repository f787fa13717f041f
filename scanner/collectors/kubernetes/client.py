"""Talking to an API server: the official client's configuration and credentials, our own requests and retries.

The client's typed models refuse objects that real clusters have and cost six times as much as JSON, so answers are
read as JSON. Nothing is retried behind our back: urllib3's own retries and redirects are off.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from scanner.errors import ConfigError, InputError
from scanner.safe import json, yaml
from scanner.safe.files import read_bytes, shown
from scanner.tables import Json

if TYPE_CHECKING:
    from scanner.tables import Reason

CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
_ANSWER_LIMIT = 256_000_000  # bytes of one page
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_CONTEXT_HINT = "name one that `kubectl config get-contexts` lists"


@dataclass(frozen=True, slots=True)
class Retry:
    """How often one request is sent again, and how long to wait; the server's Retry-After goes first."""

    attempts: int = 5
    first_wait: float = 0.5  # seconds, doubled each time
    longest_wait: float = 30.0  # seconds; also of a Retry-After
    sleep: Callable[[float], None] = time.sleep

    def wait(self, attempt: int, retry_after: str | None) -> None:
        """Wait before the attempt after this one, which is counted from 1."""
        asked = float(retry_after) if retry_after and retry_after.isdecimal() else None
        wait = asked if asked is not None else self.first_wait * 2 ** (attempt - 1)
        self.sleep(min(wait, self.longest_wait))


@dataclass(eq=False)
class Refused(Exception):
    """A request that got no usable answer: why, with the server's code and words."""

    reason: Reason
    code: str
    message: str
    status: int = 0  # of HTTP; 0 where no answer came
    attempts: int = 1
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered."""

    body: dict[str, Json]
    attempts: int
    request_id: str
    date: str = ""  # of the Date header


class Api:
    """One API server. Safe to use from several threads."""

    def __init__(self, configuration: Any, retry: Retry) -> None:
        from kubernetes.client import ApiClient

        self._configuration = configuration
        self._retry = retry
        self._client = ApiClient(configuration)
        self._pool = self._client.rest_client.pool_manager

    def get(self, path: str, **parameters: str | int) -> Answer:
        """Ask for a path; raises Refused."""
        url = f"{self._configuration.host}{path}"
        if parameters:
            url = f"{url}?{urlencode(parameters)}"
        attempt = 1
        while True:
            refused, retry_after = None, None
            try:
                response = self._send(url)
            except Refused as error:
                refused = error
            else:
                if response.status == 200:
                    return Answer(_parsed(response, path), attempt, _request_id(response), _date(response))
                refused, retry_after = _refusal(response), response.headers.get("Retry-After")
            refused.attempts = attempt
            # A certificate or a credential is as wrong the second time; a lost connection or a busy server is not.
            if attempt >= self._retry.attempts or not _is_transient(refused):
                raise refused
            self._retry.wait(attempt, retry_after)
            attempt += 1

    def _send(self, url: str) -> Any:
        import urllib3

        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        try:
            return self._pool.request(
                "GET", url, headers=self._headers(url), timeout=timeout, retries=False, redirect=False
            )
        except urllib3.exceptions.SSLError as error:
            raise Refused("error", "TLS", f"the connection is not trusted: {_short(error)}") from error
        except urllib3.exceptions.NewConnectionError as error:  # which urllib3 takes for a timeout
            raise Refused("error", "Unreachable", _short(error)) from error
        except urllib3.exceptions.ConnectTimeoutError as error:
            raise Refused("deadline", "ConnectTimeout", f"no connection in {CONNECT_SECONDS:.0f} s") from error
        except urllib3.exceptions.ReadTimeoutError as error:
            raise Refused("deadline", "ReadTimeout", f"no answer in {READ_SECONDS:.0f} s") from error
        except urllib3.exceptions.ProtocolError as error:
            raise Refused("error", "ConnectionLost", _short(error)) from error
        except urllib3.exceptions.HTTPError as error:
            raise Refused("error", "Unreachable", _short(error)) from error

    def _headers(self, url: str) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "tierwall"}
        if url.startswith("https:"):  # a token never travels in clear
            with credentials_log() as problems:
                settings = self._configuration.auth_settings()  # renews a token that has expired
            if problems:
                raise Refused("expired", "CredentialPlugin", problems[0])
            headers |= {s["key"]: s["value"] for s in settings.values() if s["in"] == "header"}
        return headers

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def _is_transient(refused: Refused) -> bool:
    return refused.status in _TRANSIENT or refused.code == "ConnectionLost"


def _parsed(response: Any, path: str) -> dict[str, Json]:
    try:
        body = json.load(response.data, path, limit=_ANSWER_LIMIT, duplicates="last")
    except InputError as error:
        raise Refused("error", "NotJson", f"the answer is no JSON: {error}", status=200) from error
    if not isinstance(body, dict):
        raise Refused("error", "NotJson", "the answer is no JSON object", status=200)
    return body


def _refusal(response: Any) -> Refused:
    """What an error answer says. The body should be a Status object, but a proxy may have answered."""
    status = int(response.status)
    code, message = f"HTTP {status}", ""
    try:
        body = json.load(response.data, "answer", limit=1_000_000, duplicates="last")
    except InputError:
        body = None
    if isinstance(body, dict) and body.get("kind") == "Status":
        code, message = str(body.get("reason") or code), str(body.get("message") or "")
    reasons: dict[int, Reason] = {401: "denied", 403: "denied", 429: "throttled", 504: "deadline"}
    return Refused(
        reasons.get(status, "error"), code, message or f"HTTP {status}", status, request_id=_request_id(response)
    )


def _request_id(response: Any) -> str:
    return str(response.headers.get("Audit-Id") or "")


def _date(response: Any) -> str:
    return str(response.headers.get("Date") or "")


def _short(error: Exception) -> str:
    """The last cause in words, without addresses of objects in memory."""
    cause: BaseException = error
    while cause.__cause__ or getattr(cause, "reason", None):
        below = cause.__cause__ or getattr(cause, "reason", None)
        if not isinstance(below, BaseException):
            break
        cause = below
    return str(cause).rpartition(">: ")[2] or type(cause).__name__


@contextmanager
def credentials_log() -> Iterator[list[str]]:
    """What fails while the client gets credentials: it logs a plug-in's failure and goes on without any.

    What the plug-in itself wrote is not kept, for it may have written anything.
    """
    mine, lines = threading.get_ident(), list[str]()

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == mine and record.levelno >= logging.ERROR:
                ended = re.search(r"process returned (-?[0-9]+)", record.getMessage())
                how = f"ended with {ended[1]}" if ended else "failed"
                lines.append(f"the credential plug-in {how}; run it by hand to see why")

    handler = Keep()
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)


def configuration(name: str, kubeconfig: Path | None, context: str | None) -> Any:
    """How to reach the cluster of that name: of a kubeconfig, or from inside the cluster where there is none.

    Raises ConfigError for a file or a context that is not there, and Refused when the credentials' plug-in fails.
    """
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, load_incluster_config, load_kube_config

    out = Configuration()
    where = f"cluster {name}"
    path, files = _kubeconfigs(kubeconfig)
    is_inside = not files and kubeconfig is None and context is None and "KUBERNETES_SERVICE_HOST" in os.environ
    if not files and not is_inside:
        raise ConfigError(where, f"kubeconfig {path} does not exist", "set `kubeconfig`, or KUBECONFIG")
    if not is_inside:
        _check_context(where, path, files, context)
    with credentials_log() as problems:
        try:
            if is_inside:
                load_incluster_config(client_configuration=out)  # type: ignore[no-untyped-call]  # has no types here
            else:
                # Nothing is ever written to the kubeconfig.
                options = {"config_file": path, "context": context, "persist_config": False}
                load_kube_config(client_configuration=out, **options)  # type: ignore[no-untyped-call]  # nor here
        except (ConfigException, OSError, ValueError) as error:
            source = "the service account's files" if is_inside else f"kubeconfig {path}"
            raise ConfigError(where, f"{source}: {_line(error)}") from error
    if problems:
        raise Refused("denied", "CredentialPlugin", problems[0])
    return out


def who(kubeconfig: Path | None, context: str | None) -> str:
    """Who reads the cluster that `configuration` leads to, as the kubeconfig names it. The cluster is not asked."""
    path, files = _kubeconfigs(kubeconfig)
    if not files:
        return "service account of the pod"
    users, current = _contexts("kubeconfig", path, files)
    name = context or current
    return f"user {users.get(name) or 'none'} of context {name}"


def _kubeconfigs(kubeconfig: Path | None) -> tuple[str, list[Path]]:
    """Where kubeconfigs are looked for, and those that are there."""
    path = str(kubeconfig) if kubeconfig else os.environ.get("KUBECONFIG") or "~/.kube/config"
    return path, [file for part in path.split(os.pathsep) if part and (file := Path(part).expanduser()).exists()]


def _check_context(where: str, path: str, files: list[Path], context: str | None) -> None:
    """That the files are kubeconfigs and have the context. The client takes files apart without looking."""
    users, current = _contexts(where, path, files)
    if context and context not in users:
        raise ConfigError(where, f"kubeconfig {path} has no context {context}", _CONTEXT_HINT)
    if not context and current not in users:
        raise ConfigError(where, f"kubeconfig {path} has no current context", "set `context`")


def _contexts(where: str, path: str, files: list[Path]) -> tuple[dict[str, str], str]:
    """The user of each context, by its name, and the name of the current one."""
    users: dict[str, str] = {}
    current = ""
    for file in files:
        try:
            documents = yaml.load(read_bytes(file), shown(file), yaml.Dialect.KUBECTL)
        except InputError as error:
            raise ConfigError(where, f"kubeconfig {error.where}: {error.problem}") from error
        content = documents[0].value if len(documents) == 1 else None
        if not isinstance(content, dict) or not all(_is_section(content, name) for name in _SECTIONS):
            raise ConfigError(where, f"kubeconfig {shown(file)} is no kubeconfig")
        for entry in content.get("contexts") or ():
            users.setdefault(entry["name"], str((entry.get("context") or {}).get("user") or ""))  # the first file wins
        current = str(current or content.get("current-context") or "")
    return users, current


_SECTIONS = ("clusters", "contexts", "users")


def _is_section(content: dict[str, Any], name: str) -> bool:
    """A list of {name: …, cluster: {…}}, or nothing."""
    entries = content.get(name)
    body = name.removesuffix("s")
    return entries is None or (
        isinstance(entries, list)
        and all(isinstance(e, dict) and isinstance(e.get("name"), str) for e in entries)
        and all(isinstance(e.get(body), dict | None) for e in entries)
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
