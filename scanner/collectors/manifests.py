"""Kubernetes manifests: files, folders and streams become the same rows as the objects of a cluster would.

Which objects belong together, no file says. Those of a path do, unless two files have different objects of one name:
then they are alternatives, as of two environments, and each folder, or else each file, stands for a cluster of its
own, so that no policy of one is taken for the other's.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scanner.collectors.kubernetes.identity import CLUSTER_SCOPED
from scanner.collectors.kubernetes.kinds import BY_NAME, KINDS
from scanner.collectors.kubernetes.objects import (
    DOCUMENTS,
    Place,
    Secrets,
    Seen,
    see,
    with_service_account,
)
from scanner.collectors.kubernetes.run import Sink
from scanner.collectors.kubernetes.values import dig
from scanner.errors import InputError
from scanner.safe import files, json, yaml
from scanner.tables import Call, Document, Gap, Json, Reason, Row, Scope
from scanner.tables.kubernetes_access import KubernetesRole, KubernetesRoleRule, KubernetesServiceAccount
from scanner.tables.kubernetes_cluster import (
    KubernetesCluster,
    KubernetesNamespace,
    KubernetesNode,
    KubernetesNodeLabel,
    KubernetesNodeTaint,
)
from scanner.tables.kubernetes_storage import KubernetesSecret, KubernetesSecretValue
from scanner.tables.kubernetes_workload import KubernetesWorkload

STDIN = files.STDIN
_KIND = re.compile(rb'^["\']?kind["\']?\s*:', re.MULTILINE)
SUFFIXES = (".yaml", ".yml", ".json")
# What no manifest holds, and what is there only where somebody wrote down what a cluster has.
_NODES: tuple[type[Row], ...] = (KubernetesNode, KubernetesNodeLabel, KubernetesNodeTaint)
_LIVE: tuple[type[Row], ...] = (KubernetesCluster, KubernetesSecretValue, *_NODES)
TABLES: tuple[type[Row], ...] = tuple(t for kind in KINDS for t in kind.tables if t not in _LIVE)
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_RENDERED = "give the rendered output instead"


@dataclass(slots=True)
class Manifests:
    """What was found, for whoever says so to the user."""

    files: int = 0  # with at least one object in them
    objects: int = 0  # of kinds that become rows
    other_kinds: Counter[str] = field(default_factory=Counter)  # objects of kinds that do not
    skipped: list[str] = field(default_factory=list)  # files without any object


@dataclass(frozen=True, slots=True)
class _Object:
    """An object, and where it stands."""

    value: dict[str, Json]
    file: str
    line: int

    def identity(self, namespace: str) -> tuple[str, str, str]:
        """Namespace, kind and name."""
        metadata = self.value.get("metadata")
        given = metadata if isinstance(metadata, dict) else {}
        kind = str(self.value["kind"])
        space = "" if kind in CLUSTER_SCOPED else str(given.get("namespace") or namespace)
        return space, kind, str(given.get("name"))


@dataclass(frozen=True, slots=True)
class _Source:
    """One path as given: its scope, and what is in it."""

    scope: str
    group: str  # the files that belong together
    objects: list[_Object]


def collect_manifests(
    paths: Iterable[str | Path],
    stage: Sink,
    *,
    cluster: str = "",
    namespace: str = "",
    root: Path | None = None,
    keep_going: bool = False,
) -> Manifests:
    """Read manifests into the stage: files, folders, or `-` for standard input.

    `cluster` is the declared name of the cluster they are for; without it their identities are of the path. Objects
    that name no namespace go where they are applied, which is not known here unless `namespace` says it. Paths below
    `root` (the working directory) are named from there, so that identities do not depend on where a checkout lies.

    Raises InputError for a named file that does not parse or holds no object, and for a `cluster` that is to get two
    different objects of one name. With `keep_going` such a file is a gap, as one that was found in a folder would be.
    """
    found = Manifests()
    base = (root or Path()).resolve()
    sources = [_read(str(path), _named(path, base), stage, found, base if keep_going else None) for path in paths]
    placed = _placed(sources, cluster, namespace)
    seen = [one for source in sources for one in _seen(source, placed, stage, found, namespace)]
    accounts = {
        one.document.uid: one.document.parts.get("object")
        for one in seen
        if one.document.kind == KubernetesServiceAccount.table
    }
    secrets = Secrets()
    for one in seen:
        _keep(one, stage, secrets, accounts)
    for document in secrets.documents():
        stage.document(document)
    return found


def _named(path: str | Path, base: Path) -> str:
    if str(path) == STDIN:
        return STDIN
    full = os.path.abspath(path)
    within = os.path.relpath(full, base)
    return files.shown(full if within.startswith("..") else within)


# --- reading ----------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads one path; what it cannot read is a gap of the path's scope, or an error if it was named."""

    def __init__(self, scope: str, stage: Sink, found: Manifests) -> None:
        self.scope = scope
        self.stage = stage
        self.found = found

    def file(self, path: str, shown: str, root: str | None) -> list[_Object]:
        """The objects of a file. One that was found in a folder, `root`, must not lead out of it; without, what is
        wrong with the file is an error.
        """
        started = time.time()
        data = b""
        try:
            data = files.read_bytes(path, root)
            # A key may be written with escapes, so a file with a backslash is read whole.
            if root is not None and b"apiVersion" not in data and b"\\" not in data:
                if _KIND.search(data):
                    self.lose(shown, "error", f"{shown}: has a kind and no apiVersion", started)
                else:
                    self.found.skipped.append(shown)
                return []
            objects = list(_objects(data, shown))
        except InputError as error:
            is_template = b"{{" in data
            if root is None and not is_template:
                raise
            reason: Reason = "unsupported" if is_template else "error"
            problem = f"is a template; {_RENDERED}" if is_template else error.problem
            self.lose(shown, reason, f"{error.where.replace(files.shown(path), shown)}: {problem}", started)
            return []
        if not objects:
            self.found.skipped.append(shown)
            if root is None and data.strip():
                raise InputError(shown, "holds no Kubernetes object")
        else:
            self.found.files += 1
        call = Call(
            scope=self.scope, service="file", operation="read manifest", uid=shown, items=len(objects),
            started=started, finished=time.time(),
        )  # fmt: skip
        self.stage.call(call)
        return objects

    def lose(self, shown: str, reason: Reason, detail: str, started: float) -> None:
        """Keep that a file was not read: any row may be missing."""
        call = Call(
            scope=self.scope, service="file", operation="read manifest", uid=shown, status=reason, pages=0,
            started=started, finished=time.time(),
        )  # fmt: skip
        number = self.stage.call(call)
        for table in TABLES:
            self.stage.gap(
                Gap(scope=self.scope, table_name=table.table, reason=reason, call=number, detail=detail)
            )  # fmt: skip

    def folder(self, path: str, shown: str) -> Iterator[_Object]:
        """The objects of a folder's files, in the order in which kubectl reads them."""
        refused: list[InputError] = []
        every = files.walk(path, SUFFIXES, refused=refused)
        for error in refused:
            self.lose(error.where, "error", str(error), time.time())
        generated = {folder: what for folder in {file.parent for file in every} if (what := _generator(folder, path))}
        for folder, what in sorted(generated.items()):
            self.lose(_inside(folder, path, shown), "unsupported", f"{folder.name} is {what}; {_RENDERED}", time.time())
        for file in every:
            if file.parent not in generated:
                yield from self.file(str(file), _inside(file, path, shown), path)


def _read(path: str, shown: str, stage: Sink, found: Manifests, root: Path | None) -> _Source:
    scope = f"manifests/{shown}"
    stage.scope(Scope(id=scope, source="manifests"), TABLES)
    reader = _Reader(scope, stage, found)
    if path != STDIN and os.path.isdir(path):
        return _Source(scope, shown, list(reader.folder(path, shown)))
    group = STDIN if path == STDIN else os.path.dirname(shown) or "."
    return _Source(scope, group, reader.file(path, shown, str(root) if root else None))


def _inside(file: Path, path: str, shown: str) -> str:
    within = file.relative_to(path)
    return files.shown(os.path.normpath(os.path.join(shown, within)))


def _generator(folder: Path, root: str) -> str:
    """What makes the folder's files into something else before they are applied; '' if nothing does."""
    if any((folder / name).is_file() for name in _KUSTOMIZATIONS):
        return "put together by Kustomize"
    while True:
        if folder.name == "templates" and (folder.parent / "Chart.yaml").is_file():
            return "the templates of a Helm chart"
        if folder == Path(root) or folder == folder.parent:
            return ""
        folder = folder.parent


def _objects(data: bytes, shown: str) -> Iterator[_Object]:
    """The Kubernetes objects of a file, lists unfolded. Raises InputError."""
    if data.lstrip()[:1] == b"{":
        yield from _unfolded(json.load(data, shown), shown, lambda _: 1)
        return
    for document in yaml.load(data, shown, yaml.Dialect.KUBECTL):
        yield from _unfolded(document.value, shown, document.line)


def _unfolded(
    value: Json, shown: str, line: Callable[[tuple[str | int, ...]], int], at: tuple[str | int, ...] = ()
) -> Iterator[_Object]:
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in ("apiVersion", "kind")):
        return
    if not (value["kind"].endswith("List") and isinstance(value.get("items"), list)):
        yield _Object(value, shown, line(at))
        return
    # In a typed list (PodList) the items may leave out what they are.
    typed = {} if value["kind"] == "List" else {"apiVersion": value["apiVersion"], "kind": value["kind"][:-4]}
    for number, item in enumerate(value["items"]):
        if isinstance(item, dict):
            yield from _unfolded({**typed, **item}, shown, line, (*at, "items", number))


# --- what belongs together --------------------------------------------------------------------------------------------


def _placed(sources: Sequence[_Source], cluster: str, namespace: str) -> dict[tuple[str, str], str]:
    """The cluster of each file, by its group."""
    groups: dict[str, list[_Object]] = {}
    for source in sources:
        groups.setdefault(source.group, []).extend(source.objects)
    out: dict[tuple[str, str], str] = {}
    for group, objects in groups.items():
        names = {one.file for one in objects}
        if cluster:
            clusters = dict.fromkeys(names, cluster)
            if clash := _clash(objects, namespace, clusters):
                first, second = clash
                problem = f"has another object of the same name as {first.file}:{first.line}"
                raise InputError(f"{second.file}:{second.line}", problem, f"give what is applied to {cluster} only")
        else:
            levels = (
                {file: f"manifests/{group}" for file in names},
                {file: f"manifests/{os.path.dirname(file) or '.'}" for file in names},
                {file: f"manifests/{file}" for file in names},
            )
            clusters = next((level for level in levels if not _clash(objects, namespace, level)), levels[-1])
        out |= {(group, file): clusters[file] for file in names}
    return out


def _clash(objects: Iterable[_Object], namespace: str, clusters: Mapping[str, str]) -> tuple[_Object, _Object] | None:
    """Two different objects of one name in two files that would be of one cluster."""
    seen: dict[tuple[str, tuple[str, str, str]], _Object] = {}
    for one in objects:
        other = seen.setdefault((clusters[one.file], one.identity(namespace)), one)
        if other.file != one.file and other.value != one.value:
            return other, one
    return None


# --- writing ----------------------------------------------------------------------------------------------------------


def _seen(
    source: _Source, placed: Mapping[tuple[str, str], str], stage: Sink, found: Manifests, namespace: str
) -> list[Seen]:
    """The objects of kinds that become rows, each once."""
    kept: dict[str, Seen] = {}
    for one in source.objects:
        version, kind = str(one.value["apiVersion"]), str(one.value["kind"])
        if (version, kind) not in DOCUMENTS:
            found.other_kinds[kind] += 1
            _lose_old_version(stage, source.scope, one)
        else:  # whatever it says of an owner: nobody but the API server can tell
            where = Place(source.scope, placed[source.group, one.file], "manifests", one.file, one.line)
            seen = see(one.value, where, namespace)
            uid = seen.document.uid
            if uid in kept and not dig(one.value, "metadata", "name"):  # each that gets its name made is another one
                uid = f"{uid}#{len(kept)}"
                seen = replace(seen, document=replace(seen.document, uid=uid))
            # Of one object written twice, the API server keeps what is applied last.
            kept[uid] = seen
    if any(seen.document.kind == KubernetesNode.table for seen in kept.values()):
        stage.scope(Scope(id=source.scope, source="manifests"), _NODES)
    found.objects += len(kept)
    return list(kept.values())


def _lose_old_version(stage: Sink, scope: str, one: _Object) -> None:
    """Keep that an object of a kind that is read is of an API version that is not."""
    version, kind = str(one.value["apiVersion"]), str(one.value["kind"])
    group = version.rpartition("/")[0]
    if "." in group and not group.endswith(".k8s.io"):
        return  # somebody's own kind of that name
    for name in sorted({document for (_, known), document in DOCUMENTS.items() if known == kind}):
        for table in BY_NAME[name].tables:
            if table in TABLES:
                detail = f"{one.file}:{one.line}: {version} {kind} is not read"
                stage.gap(Gap(scope=scope, table_name=table.table, reason="unsupported", detail=detail))


def _keep(seen: Seen, stage: Sink, secrets: Secrets, accounts: Mapping[str, Json]) -> None:
    document = seen.document
    if document.kind == KubernetesSecret.table:
        secrets.see(document)  # never its values
        return
    secrets.refer(document, seen.references)
    if seen.problem:
        for table in BY_NAME[document.kind].tables:
            _lose(stage, document, table, "", "error", seen.problem)
    if seen.asks_account:
        account = document.uid.rsplit("/", 2)[0] + f"/ServiceAccount/{seen.asks_account}"
        if account in accounts:
            document = with_service_account(document, accounts[account])
        else:
            detail = f"service account {seen.asks_account} is not in the manifests"
            _lose(stage, document, KubernetesWorkload, "automounts_token", "after_apply", detail)
    if document.kind == KubernetesNamespace.table:
        _lose(stage, document, KubernetesNamespace, "created", "after_apply", "it is made when it is applied")
    obj = document.parts.get("object")
    if isinstance(obj, dict) and obj.get("aggregationRule") is not None:
        detail = "its rules are collected from other roles once it is applied"
        _lose(stage, document, KubernetesRole, "grants_everything", "after_apply", detail)
        _lose(stage, document, KubernetesRoleRule, "", "after_apply", detail)
    stage.document(document)


def _lose(stage: Sink, document: Document, table: type[Row], column: str, reason: Reason, detail: str) -> None:
    stage.gap(
        Gap(
            scope=document.scope, uid=document.uid, table_name=table.table, column_name=column, reason=reason,
            detail=detail,
        )
    )  # fmt: skip
