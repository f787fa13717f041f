"""The code that tierwall.yaml declares as sources: Terraform's plans and states, and Kubernetes manifests.

They are read after what runs, into scopes of their own. What a plan or state says of a resource that was just read
where it runs is left out: the resource is judged as it is, and the gate judges what a plan would make of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from scanner.errors import InputError
from scanner.safe import files
from scanner.safe.text import many
from scanner.tables import Call, Document, Gap, Reason, Row, Scope

if TYPE_CHECKING:
    from scanner.collectors.terraform import Outcome
    from scanner.environments import Config
    from scanner.safe.secrets import Redactor
    from scanner.store import Stage
    from scanner.store.stage import Unit

NOT_MODELLED = "pass over"  # operation of the calls that count what was found and has no table; uid is its type
RUNNING = "find running"  # operation of the call that counts what was left out since it was read where it runs
_HCL = (".tf", ".tofu", ".tf.json", ".tofu.json")
_BINARY = (".tfstate", ".tfplan")  # plans and states in Terraform's own formats
_OF_A_PLAN = (b'"format_version"', b'"terraform_version"')
_MODULES = "modules"  # a folder of that name holds parts of others' code, by convention
_HINT = "keep what `terraform show -json` prints of its plan or state there"


def terraform(config: Config, stage: Stage, progress: Callable[[str], None]) -> None:
    """Read every plan and state in JSON below `sources.terraform.paths`.

    A file that cannot be read, and a folder of Terraform code without a plan or state of it, are gaps.
    """
    if config.sources.terraform is None:
        return
    root = config.root.resolve()
    found = _Found()
    for path in config.sources.terraform.paths:
        found.look(root, os.path.normpath(path))
    live = {str(uid) for (uid,) in stage.flush().connection.execute("SELECT uid FROM staged")}
    for where in sorted(found.plans):
        unit = stage.unit(f"terraform/{where}")
        if unit is None:  # an interrupted scan has read it
            continue
        for said in _plan(root, where, _Aside(unit, live)):
            progress(f"terraform: {said}")
        unit.done()
    for where, problem in sorted(found.unread().items()):
        _lose(stage, where, "find plan", "unsupported" if where in found.code else "error", problem)
        progress(f"terraform: {problem}")


def manifests(config: Config, stage: Stage, progress: Callable[[str], None]) -> None:
    """Read the manifests below `sources.manifests.paths`; a file that cannot be read is a gap."""
    from scanner.collectors.manifests import collect_manifests

    unit = stage.unit("manifests")
    if config.sources.manifests is None or unit is None:
        return
    root = config.root.resolve()
    paths = [os.path.normpath(path) for path in config.sources.manifests.paths]
    found = collect_manifests([root / path for path in paths], unit, root=root, keep_going=True)
    for kind, number in sorted(found.other_kinds.items()):
        _count(unit, f"manifests/{paths[0]}", NOT_MODELLED, kind, number)
    others = found.other_kinds.total()
    progress(
        f"manifests: {many(found.objects, 'object')} in {many(found.files, 'file')}"
        + (f", {many(others, 'of a kind', 'of kinds')} that no table takes" if others else "")
    )
    unit.done()


# --- Finding plans ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Found:
    """What lies below the declared paths, each by its path from the folder of tierwall.yaml."""

    plans: set[str] = field(default_factory=set)
    code: set[str] = field(default_factory=set)  # folders that directly hold Terraform code, or a file that is named
    failed: dict[str, str] = field(default_factory=dict)  # what could not be looked into → why

    def look(self, root: Path, path: str) -> None:
        """Sort a declared file, or what a declared folder holds."""
        refused: list[InputError] = []
        try:
            found = files.walk(root / path, (".json", *_HCL, *_BINARY), refused=refused)
        except InputError as error:
            refused.append(error)
            found = []
        for refusal in refused:
            where = _shown(refusal.where, root)
            self.failed[where] = f"{where}: {refusal.problem}"
        for file in found:
            where = _shown(str(file), root)
            if where == path and not file.name.endswith(_HCL):
                self.plans.add(where)  # the reader of plans says what is wrong with anything else
            elif file.name.endswith((*_HCL, *_BINARY)):
                self.code.add(where if where == path else str(PurePosixPath(where).parent))
            elif _says_it_is_a_plan(file, root):
                self.plans.add(where)

    def unread(self) -> dict[str, str]:
        """What was not read, and why: code of which no plan or state lies beside it, above it or below it."""
        out = dict(self.failed)
        covered = {str(PurePosixPath(plan).parent) for plan in self.plans}
        for folder in sorted(self.code):
            path = PurePosixPath(folder)
            if _MODULES in path.parts and (covered or any(_MODULES not in PurePosixPath(f).parts for f in self.code)):
                continue
            if not any(path.is_relative_to(other) or PurePosixPath(other).is_relative_to(path) for other in covered):
                out[folder] = f"{folder}: Terraform code is read by its plan or state, and there is none; {_HINT}"
        return out


def _shown(path: str, root: Path) -> str:
    return files.shown(os.path.relpath(path, root))


def _says_it_is_a_plan(file: Path, root: Path) -> bool:
    """Whether a file has the keys of a plan or state; one that cannot be read is left to whoever reads it next."""
    from scanner.collectors.terraform.collect import LIMIT

    try:
        data = files.read_bytes(file, root, LIMIT)
    except InputError:
        return False
    return all(key in data for key in _OF_A_PLAN)


# --- Reading ----------------------------------------------------------------------------------------------------------


def _plan(root: Path, where: str, sink: _Aside) -> tuple[str, ...]:
    """Read one plan or state; answers with what to say of it."""
    from scanner.collectors.terraform import collect_plan
    from scanner.collectors.terraform.collect import LIMIT, value

    try:
        data = value(files.read_bytes(root / where, root, LIMIT), where)
        outcome: Outcome = collect_plan(where, sink, data=data, label=where)
    except InputError as error:
        problem = f"{where}: {error.problem}" + (f"; {error.hint}" if error.hint else "")
        _lose(sink, where, "terraform show", "error", problem)
        return (problem,)
    for kind, number in outcome.not_modelled.items():
        _count(sink, outcome.scope, NOT_MODELLED, kind, number)
    running = len(sink.left_out)
    said = [many(outcome.resources - running, "resource")]
    if running:
        _count(sink, outcome.scope, RUNNING, "", running)
        said.append(f"{many(running, 'more is', 'more are')} running and read there")
    if others := sum(outcome.not_modelled.values()):
        said.append(f"{many(others, 'of a type', 'of types')} that no table takes")
    return (f"{where}: {', '.join(said)}", *outcome.notices)


class _Aside:
    """A part of a stage that takes of a plan only what was not read where it runs."""

    def __init__(self, unit: Unit, live: Collection[str]) -> None:
        self._unit = unit
        self._live = live
        self.left_out: set[str] = set()

    @property
    def redactor(self) -> Redactor:
        return self._unit.redactor

    def scope(self, scope: Scope, tables: Iterable[type[Row]]) -> None:
        self._unit.scope(scope, tables)

    def call(self, call: Call) -> int:
        return self._unit.call(call)

    def gap(self, gap: Gap) -> None:
        if gap.uid not in self._live:
            self._unit.gap(gap)

    def redacted(self, document: Document) -> Document:
        return self._unit.redacted(document)

    def keep(self, redacted: Document, rows: Iterable[Row]) -> None:
        if redacted.uid in self._live:
            self.left_out.add(redacted.uid)
        else:
            self._unit.keep(redacted, rows)


def _lose(sink: Stage | _Aside, where: str, operation: str, reason: Reason, problem: str) -> None:
    """Keep that a file or folder was not read: it may declare anything."""
    scope = f"terraform/{where}"
    tables = list(_tables())
    sink.scope(Scope(id=scope, source="terraform"), tables)
    now = time.time()
    call = Call(
        scope=scope, service="file", operation=operation, uid=where, status=reason, pages=0, started=now, finished=now
    )
    number = sink.call(call)
    for table in tables:
        sink.gap(Gap(scope=scope, table_name=table.table, reason=reason, call=number, detail=problem))


def _tables() -> Iterator[type[Row]]:
    from scanner.collectors.terraform import KINDS

    yield from dict.fromkeys(table for kind in KINDS for table in kind.tables)


def _count(sink: Unit | _Aside, scope: str, operation: str, what: str, number: int) -> None:
    now = time.time()
    sink.call(Call(scope=scope, service="file", operation=operation, uid=what, items=number, started=now, finished=now))
