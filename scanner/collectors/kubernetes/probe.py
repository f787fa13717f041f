"""Whether clusters can be read, without reading them: the way in, the clock, and which lists are denied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.collectors.checks import Check, clock
from scanner.collectors.kubernetes.client import Api, Refused, Retry, configuration
from scanner.collectors.kubernetes.reads import READS, SECRETS, Read
from scanner.errors import ConfigError

if TYPE_CHECKING:
    from scanner.environments.model import Cluster

_GRANT = "grant what `tierwall permissions kubernetes` prints"


def probe(name: str, options: Cluster, root: Path) -> Iterator[Check]:
    """A check a line for one cluster: the way in, the clock, the version and what is denied."""
    what = f"kubernetes {name}"
    kubeconfig = root / Path(options.kubeconfig).expanduser() if options.kubeconfig else None
    try:
        api = Api(configuration(name, kubeconfig, options.context), Retry(attempts=1))
    except ConfigError as e:
        yield Check("wrong", what, e.problem, e.hint)
        return
    except Refused as refused:
        yield Check("unknown", what, f"no credentials: {refused.message}", "run the credentials' plug-in by hand")
        return
    try:
        yield from _cluster(what, api, options, _user(kubeconfig, options.context))
    finally:
        api.close()


def _cluster(what: str, api: Api, options: Cluster, user: str) -> Iterator[Check]:
    try:
        answer = api.get("/version")
    except Refused as refused:
        todo = f"try `kubectl --context {options.context or '…'} version` with the same kubeconfig"
        yield Check("unknown", what, f"cannot be read: {refused.code}: {refused.message}", todo)
        return
    if skew := clock(what, answer.date):
        yield skew
    yield Check("ok", what, f"Kubernetes {answer.body.get('gitVersion', 'of unknown version')}, read as {user}")
    reads = [*READS, SECRETS] if options.read_secret_values else READS
    denied = [read.permission() for read in reads if _is_denied(api, read, options)]
    if denied:
        yield Check("unknown", what, f"not allowed: {', '.join(denied)}", _GRANT)
    else:
        yield Check("ok", what, "every list is allowed")


def _is_denied(api: Api, read: Read, options: Cluster) -> bool:
    """Whether the list is denied in all namespaces and, where some are named, in the first of those as well."""
    named = [glob for glob in options.namespaces or () if not set("*?[") & set(glob)]
    paths = [read.path(), *([read.path(named[0])] if read.namespaced and named else [])]
    for path in paths:
        try:
            api.get(path, limit=1)
        except Refused as refused:
            if refused.status not in (401, 403):
                return False  # a server without this API, or a passing error: no matter of permissions
        else:
            return False
    return True


def _user(kubeconfig: Path | None, context: str | None) -> str:
    """The user that the kubeconfig names for the context; what the API server takes us for may be another name."""
    from kubernetes.config import ConfigException, list_kube_config_contexts

    try:
        contexts, active = list_kube_config_contexts(config_file=str(kubeconfig) if kubeconfig else None)  # type: ignore[no-untyped-call]  # it has no types
    except ConfigException:
        return "the pod's service account"
    chosen = next((c for c in contexts if c["name"] == context), active)
    return f"user {chosen['context'].get('user', '')} of context {chosen['name']}"
