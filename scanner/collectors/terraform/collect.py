"""From a plan or state file to the stage: a document a resource, with its satellites, and a gap for what is unknown."""

from __future__ import annotations

import codecs
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from scanner.collectors.terraform import (
    backup,
    cloudtrail,
    compute,
    hcl,
    iam,
    kms,
    messaging,
    network,
    rds,
    s3,
    stores,
    watching,
    web,
)  # fmt: skip
from scanner.collectors.terraform.defaults import DEFAULTS, NESTED
from scanner.collectors.terraform.family import META, Family, Satellite
from scanner.collectors.terraform.identity import Places, known_id, name_of, tables_of
from scanner.collectors.terraform.plan import SHOW, Instance, Json, Plan, foreign, parse, recognise, texts
from scanner.collectors.terraform.references import References, has_hidden
from scanner.collectors.terraform.values import Merger, long_enough
from scanner.errors import InputError
from scanner.safe import files
from scanner.safe import json as safe_json
from scanner.tables import Call, Document, Gap, Kind, Row, Scope
from scanner.tables.base import Placed

if TYPE_CHECKING:
    from scanner.safe.secrets import Redactor

FAMILIES: tuple[Family, ...] = (
    *network.FAMILIES, *compute.FAMILIES, *s3.FAMILIES, *rds.FAMILIES, *iam.FAMILIES, *kms.FAMILIES,
    *cloudtrail.FAMILIES, *backup.FAMILIES, *messaging.FAMILIES, *stores.FAMILIES, *web.FAMILIES, *watching.FAMILIES,
)  # fmt: skip
KINDS: tuple[Kind, ...] = tuple(family.kind() for family in FAMILIES)

_FAMILY = {name: family for family in FAMILIES for name in family.types}
_SATELLITES: dict[str, list[tuple[Family, Satellite]]] = defaultdict(list)
for _family in FAMILIES:
    for _type, _satellite in _family.satellites.items():
        _SATELLITES[_type].append((_family, _satellite))
_SHARED = frozenset(name for family in FAMILIES for name in family.shared)
_INDEXED = _FAMILY.keys() | {name for family in FAMILIES for name in family.looks_up}
# Arguments by which other resources name a resource.
_NAMES = (
    "id", "arn", "bucket", "name", "key_id", "identifier", "url", "domain_name", "cluster_identifier", "function_name",
)  # fmt: skip
# Arguments that hold what people call a resource.
_TITLES = (
    "bucket", "identifier", "name", "db_snapshot_identifier", "alarm_name", "function_name", "cluster_identifier",
    "cluster_name", "domain_name", "stage_name",
)  # fmt: skip
# What Terraform does that changes nothing in the real world.
# Of what Terraform prints without `-json`.
_SHOWN = (
    b"Terraform will perform",
    b"OpenTofu will perform",
    b"infrastructure matches",
    b"will be created",
    b"# data.",
)
_NOT_REAL = ("terraform_data", "null_", "random_", "time_", "local_", "tls_")
LIMIT = 512_000_000  # bytes of a plan: about a hundred thousand resources


class Sink(Protocol):
    """What a plan is written to: a stage, or a part of one."""

    @property
    def redactor(self) -> Redactor: ...
    def scope(self, scope: Scope, tables: Iterable[type[Row]]) -> None: ...
    def call(self, call: Call) -> int: ...
    def gap(self, gap: Gap) -> None: ...
    def redacted(self, document: Document) -> Document: ...
    def keep(self, redacted: Document, rows: Iterable[Row]) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a plan held, for the gate to report."""

    scope: str
    form: str  # plan or state
    resources: int  # documents written
    gone: tuple[str, ...] = ()  # addresses that the plan deletes or forgets
    not_modelled: Mapping[str, int] = field(default_factory=dict)  # type → instances that no table takes
    notices: tuple[str, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)  # uid → address
    waivers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # uid → ids that its code names
    changed: frozenset[str] = frozenset()  # uids that the plan does something to, or to a satellite of theirs
    new: frozenset[str] = frozenset()  # uids of which nothing is kept: created or replaced
    deleted: frozenset[str] = frozenset()  # uids that are there no more


def looks_like_plan(data: Json) -> bool:
    """Whether JSON is a Terraform plan or state."""
    return recognise(data) != ""


def collect_plan(
    path: str | Path,
    stage: Sink,
    *,
    account: str = "",
    data: Json = None,
    label: str = "",
    source: Path | None = None,
) -> Outcome:
    """Read a plan or state in JSON into the stage; `data` is the file's value where the caller has read it already.

    `account` is the AWS account of resources whose account the file does not tell. `label` tells the plan from others
    that are read with it: those of the same code for several environments name the same addresses. `source` is the
    folder of the code it is the plan of.

    Raises InputError for a file that is no such JSON, is of another major version, or is of a plan that failed.
    """
    started = time.time()
    where = files.shown(path)
    if data is None:
        data = read(path)
    plan = parse(data, where)
    code = hcl.sources(source, plan) if source else hcl.Sources()
    writer = _Writer(plan, stage, account, where, code, label)
    tables = writer.tables()
    stage.scope(Scope(id=writer.scope, source="terraform"), tables)
    writer.call = stage.call(
        Call(
            scope=writer.scope,
            service="file",
            operation=f"terraform show ({plan.form})",
            items=len(plan.instances),
            started=started,
            finished=time.time(),
        )
    )
    return writer.write()


def read(path: str | Path) -> Json:
    """The JSON value in a file. Raises InputError, with what to do about files that are a plan in another form."""
    return value(files.read_bytes(path, limit=LIMIT), files.shown(path))


def value(raw: bytes, where: str) -> Json:
    """The JSON value in the bytes of a file. Raises InputError as `read` does."""
    if raw[:4] == b"PK\x03\x04":
        raise InputError(
            where, "is a plan in Terraform's own format", "give the output of `terraform show -json` for it"
        )
    if raw[:200].lstrip().startswith(b'{"@level"'):
        raise foreign({"@level": ""}, where)
    if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise InputError(where, "is UTF-16 text, as PowerShell's `>` writes it", "save it as UTF-8")
    if b"\0" in raw[:1000]:
        raise InputError(where, "is a binary file, no plan in JSON", SHOW)
    if raw.removeprefix(codecs.BOM_UTF8).lstrip()[:1] not in (b"{", b"[", b""):
        is_shown = any(sentence in raw for sentence in _SHOWN)
        what = "is the text that `terraform plan` or `terraform show` prints for people" if is_shown else "is not JSON"
        raise InputError(where, what, SHOW)
    return safe_json.load(raw, where, limit=LIMIT)


class _Writer:
    """Joins satellites to their resources, and hands documents and gaps to the stage."""

    def __init__(self, plan: Plan, stage: Sink, account: str, where: str, code: hcl.Sources, label: str) -> None:
        self.plan, self.stage, self.where, self.code = plan, stage, where, code
        self.scope = f"terraform/{where}"
        self.call = 0
        self.places = Places(plan, account, label)
        self.uids = {i.address: self.places.uid(i) for i in plan.instances}
        self.references = References(plan, code)
        # This is the one exception to "collectors do not tokenise": the mask of sensitive values is another one in
        # each document, so that no path pattern of a kind can name them.
        self.merger = Merger(self.references, lambda i: self.uids[i.address], stage.redactor, long_enough(plan.secrets))
        self.has_hidden = has_hidden(plan)
        self.by_address = {i.address: i for i in plan.instances}
        self.mains = {i.address: i for i in plan.instances if i.type in _FAMILY}
        self.by_name: defaultdict[tuple[str, str], list[Instance]] = defaultdict(list)
        for instance in plan.instances:
            if instance.type not in _INDEXED:
                continue
            for name in {v for n in _NAMES if isinstance(v := instance.after.get(n) or instance.before.get(n), str)}:
                self.by_name[_kind_of(instance.type), name].append(instance)
        # Families with a resource whose name is given but not known yet: a name that fits none may be that one's.
        self.nameless = {
            _FAMILY[i.type].kind_name
            for i in self.mains.values()
            if (name := name_of(i.type)) and _is_unknown(i.unknown, name) and i.is_set(name) is not False
        }
        self.parts: defaultdict[str, dict[str, dict[str, Json]]] = defaultdict(dict)  # uid → type → address → values
        self.before: defaultdict[str, dict[str, dict[str, Json]]] = defaultdict(dict)
        self.gone: defaultdict[str, set[str]] = defaultdict(set)
        self.changed: set[str] = set()
        self.outside: dict[str, tuple[Family, Instance, str]] = {}  # uid → family, a satellite of it, name
        self.defaults: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self.loose: dict[tuple[str, str], str] = {}  # table, column → the satellite whose resource is not known

    def tables(self) -> list[type[Placed]]:
        """The tables of every family that the plan has or deletes something of: of others it says nothing."""
        present = {i.type for i in (*self.plan.instances, *self.plan.deferred, *self.plan.gone)}
        found: dict[type[Placed], None] = {}
        for family in FAMILIES:
            if present & {*family.types, *family.satellites}:
                found.update(dict.fromkeys(family.tables))
        return list(found)

    def write(self) -> Outcome:
        """Everything in the plan, in the order of the addresses."""
        for instance in sorted(self.plan.instances, key=lambda i: i.address):
            if instance.type in _FAMILY:
                uid = self.uids[instance.address]
                if instance.actions != ("no-op",):
                    self.changed.add(uid)
                self.parts[uid].setdefault(instance.type, {})[instance.address] = self._values(instance, uid)
            if instance.type in _SATELLITES:
                self._join(instance)
        for instance in self.plan.gone:
            if instance.type in _SATELLITES:
                self._join_gone(instance)
        self._share()
        for address in sorted(self.mains):
            self._document(_FAMILY[self.mains[address].type], self.mains[address], self.uids[address])
        for uid, (family, satellite, name) in sorted(self.outside.items()):
            self._document(family, satellite, uid, outside=name)
        self._loose_gaps()
        return Outcome(
            scope=self.scope,
            form=self.plan.form,
            resources=len(self.mains) + len(self.outside),
            gone=tuple(sorted(i.address for i in self.plan.gone)),
            not_modelled=self._not_modelled(),
            notices=tuple(self._notices()),
            addresses={uid: address for address, uid in self.uids.items() if address in self.mains},
            waivers=dict(self._waivers()),
            changed=frozenset(self.changed),
            new=frozenset(self.uids[address] for address, i in self.mains.items() if i.is_new),
            deleted=self._deleted(),
        )

    def _deleted(self) -> frozenset[str]:
        """What is deleted for good; what Terraform only forgets goes on running."""
        gone = [i for i in self.plan.gone if i.type in _FAMILY and i.actions == ("delete",)]
        return frozenset(self.places.uid(i) for i in gone) - set(self.uids.values())

    def _waivers(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What the code of a resource and of its satellites says is waived."""
        for uid in {self.uids[address] for address in self.mains} | self.outside.keys():
            addresses = [address for part in self.parts[uid].values() for address in part]
            found = [block.waivers for a in addresses if (block := self._block(self.by_address.get(a)))]
            if named := dict.fromkeys(name for names in found for name in names):
                yield uid, tuple(named)

    def _block(self, instance: Instance | None) -> hcl.Block | None:
        return self.code.find(instance.module, instance.base) if instance else None

    # --- Joining ---

    def _join(self, instance: Instance) -> None:
        values: dict[str, dict[str, Json]] = {}
        for family, satellite in _SATELLITES[instance.type]:
            parents, known = self._parents(instance, family, satellite.argument)
            for uid, name in parents:
                if uid not in values:
                    values[uid] = self._values(instance, uid)
                if instance.actions != ("no-op",):
                    self.changed.add(uid)
                self.parts[uid].setdefault(instance.type, {})[instance.address] = values[uid]
                if name:
                    self.outside.setdefault(uid, (family, instance, name))
                if instance.type not in _FAMILY and not instance.is_new and instance.actions != ("no-op",):
                    self._keep_before(uid, instance)
            if not known:
                self.loose.update({(table.table, column): instance.address for table, column in satellite.adds})

    def _join_gone(self, instance: Instance) -> None:
        for family, satellite in _SATELLITES[instance.type]:
            for uid, name in self._named(instance, family, instance.before.get(satellite.argument)):
                self.changed.add(uid)
                if not name:
                    self.gone[uid].add(instance.type)
                    self._keep_before(uid, instance)

    def _keep_before(self, uid: str, instance: Instance) -> None:
        """What a satellite said before: the plan's refreshed resource may still repeat it."""
        values = self.merger.before(instance)
        self.before[uid].setdefault(instance.type, {})[instance.address] = values

    def _parents(self, instance: Instance, family: Family, argument: str) -> tuple[list[tuple[str, str]], bool]:
        """The resources that a satellite belongs to, as uid and, for those outside the plan, name; and whether
        these are all."""
        value = instance.after.get(argument)
        is_unknown = _is_unknown(instance.unknown, argument)
        if not is_unknown:
            named = self._named(instance, family, value)
            is_outside = any(name for _, name in named)
            return named, not (is_outside and family.kind_name in self.nameless)
        known = self._named(instance, family, [v for v in value if v is not None] if isinstance(value, list) else None)
        if instance.is_set(argument) is False:
            return known, True  # computed, so it names nothing
        expression = (instance.expressions or {}).get(argument)
        traced = self.references.trace(instance, expression)
        found = [i for i in traced.instances if i.type in family.types]
        single = len(found) == 1 or isinstance(value, list)
        if not traced.complete or not found or not single:
            return known, False
        return [*known, *((self.uids[i.address], "") for i in found)], True

    def _named(self, instance: Instance, family: Family, value: Json) -> list[tuple[str, str]]:
        """The resources that have these names: of the plan, else outside it."""
        names = [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str) and v]
        found = []
        for name in names:
            candidates = self.by_name.get((family.kind_name, name), [])
            same = [i for i in candidates if i.provider == instance.provider] or candidates
            if len(same) == 1:
                found.append((self.uids[same[0].address], ""))
            else:
                found.append((self._outside_uid(instance, family, name), name))
        return found

    def _outside_uid(self, instance: Instance, family: Family, name: str) -> str:
        """The uid of a resource that the plan does not have, as far as its name leads to it."""
        table, is_path = tables_of(family.types[0])
        place = Document(
            kind="", uid="", scope="", name="", parts={}, account=self.places.account(instance),
            region=self.places.region(instance),
        )  # fmt: skip
        uid = known_id(place, table)(f"/{name}" if is_path else name) if table else name
        return uid if uid.startswith("arn:") else self.places.planned(f"outside/{family.types[0]}/{name}")

    def _share(self) -> None:
        """Parts that several resources name, such as a parameter group."""
        shared = [i for i in self.plan.instances if i.type in _SHARED]
        if not shared:
            return
        values = {i.address: self._values(i, "") for i in shared}
        for main in self.mains.values():
            for kind, arguments in _FAMILY[main.type].shared.items():
                for argument in arguments:
                    for instance in self._shared_with(main, argument, [i for i in shared if i.type == kind]):
                        parts = self.parts[self.uids[main.address]]
                        parts.setdefault(kind, {})[instance.address] = values[instance.address]

    def _shared_with(self, main: Instance, argument: str, candidates: list[Instance]) -> Iterable[Instance]:
        name = main.after.get(argument)
        if isinstance(name, str):
            return [i for i in candidates if name in (i.after.get("name"), i.after.get("id"))]
        traced = self.references.trace(main, (main.expressions or {}).get(argument))
        found = [i for i in traced.instances if i in candidates]
        return found if traced.complete and len(found) == 1 else []

    # --- Documents ---

    def _values(self, instance: Instance, uid: str) -> dict[str, Json]:
        """The values that will hold, with the service's default where an argument is known not to be set."""
        values = self.merger.after(instance)
        if not instance.is_new:
            return values
        for name, default in DEFAULTS.get(instance.type, {}).items():
            unset = instance.is_set(name)
            is_unknown = _is_unknown(instance.unknown, name) and name not in instance.after
            if is_unknown and (unset is not False or (default.block and self.has_hidden)):
                continue
            if not is_unknown and instance.after.get(name) is not None:
                continue
            if not is_unknown and name not in instance.after:
                continue  # the provider's schema does not have it
            if any(instance.after.get(other) or instance.is_set(other) for other in default.unless):
                continue
            values[name] = default.value
            self.defaults[uid][f"{instance.address}.{name}"] = default.shown
        for (block, name), default in NESTED.get(instance.type, {}).items():
            written = (instance.expressions or {}).get(block)
            blocks = values.get(block)
            if not isinstance(written, list) or any(name in inner for inner in written) or self.has_hidden:
                continue
            for inner in blocks if isinstance(blocks, list) else []:
                if isinstance(inner, dict) and isinstance(inner.get(name), dict):
                    inner[name] = default.value
                    self.defaults[uid][f"{instance.address}.{block}.{name}"] = default.shown
        return values

    def _document(self, family: Family, instance: Instance, uid: str, outside: str = "") -> None:
        region = "" if family.is_global else self.places.region(instance)
        parts: dict[str, Json] = dict(self.parts[uid])
        parts[META] = self._meta(instance, uid, parts, outside)
        if self.before[uid]:
            parts["before"] = dict(self.before[uid])
        if not family.is_global and not region:
            parts["place"] = {"region": None}
        block = self._block(instance)
        document = Document(
            kind=family.kind_name,
            uid=uid,
            scope=self.scope,
            name=outside or _shown_name(instance),
            parts=parts,
            account=self.places.account(instance),
            region=region,
            source="terraform",
            file=block.file if block else self.where,
            line=block.line if block else 0,
        )
        kept = self.stage.redacted(document)
        shape = family.shape(kept)
        self.stage.keep(kept, shape.rows())
        for gap in shape.gaps.values():
            self.stage.gap(_numbered(gap, self.call))

    def _meta(self, instance: Instance, uid: str, parts: Mapping[str, Json], outside: str) -> dict[str, Json]:
        if outside:
            satellites: dict[str, Json] = {f"@ {a}": self.uids[a] for p in parts.values() for a in p if a in self.uids}
            return {"new": False, "address": "", "gone": [], "uids": satellites}
        family = _FAMILY[instance.type]
        meta: dict[str, Json] = {
            "address": instance.address,
            "actions": list(instance.actions),
            "new": instance.is_new,
            "gone": sorted(self.gone[uid]),
        }
        if instance.before_address:
            meta["moved_from"] = instance.before_address
        if instance.importing:
            meta["imported_by"] = instance.importing
        if self.defaults[uid]:
            meta["service_defaults"] = self.defaults[uid]
        uids = {f"@ {a}": self.uids[a] for part in parts.values() for a in part if a in self.uids}
        if family.looks_up:
            for text in set(texts([part for part in parts.values()])):
                for kind in family.looks_up:
                    for other in self.by_name.get((_kind_of(kind), text), []):
                        uids[f"{kind} {text}"] = self.uids[other.address]
        meta["uids"] = uids
        return meta

    # --- What is not known of the whole ---

    def _loose_gaps(self) -> None:
        for (name, column), address in sorted(self.loose.items()):
            self._gap(name, column, "after_apply", f"{address} does not say yet which resource it is for")
        for instance in self.plan.deferred:
            for table in self._fills(instance.type):
                self._gap(table.table, "", "after_apply", f"{instance.address} is deferred to a later plan")
        if self.plan.is_partial:
            for table in self.tables():
                self._gap(table.table, "", "unsupported", "the plan is partial: made with -target, or deferred")

    def _fills(self, kind: str) -> list[type[Placed]]:
        own = [table for table in _FAMILY[kind].tables] if kind in _FAMILY else []
        return own + [table for _, satellite in _SATELLITES.get(kind, []) for table, _ in satellite.adds]

    def _gap(self, table: str, column: str, reason: str, detail: str) -> None:
        self.stage.gap(
            Gap(
                scope=self.scope, table_name=table, column_name=column, reason=reason, call=self.call, detail=detail
            )
        )  # fmt: skip

    def _not_modelled(self) -> dict[str, int]:
        taken = _FAMILY.keys() | _SATELLITES.keys() | _SHARED
        others = Counter(i.type for i in self.plan.instances if i.type not in taken)
        return {name: n for name, n in sorted(others.items()) if not name.startswith(_NOT_REAL)}

    def _notices(self) -> Iterator[str]:
        if self.plan.is_partial:
            yield f"{self.where}: the plan is partial, so what it leaves out is not judged"
        places = {self.places.account(i) for i in self.mains.values()}
        if "" in places:
            yield (
                f"{self.where}: the plan does not tell the AWS account of new resources; "
                "name it with `allowed_account_ids` of the provider, or to the gate with --account"
            )


def _kind_of(name: str) -> str:
    return _FAMILY[name].kind_name if name in _FAMILY else name


def _numbered(gap: Gap, call: int) -> Gap:
    gap.call = call
    return gap


def _is_unknown(mask: Json, argument: str) -> bool:
    """Whether any of an argument is known after apply."""
    if not isinstance(mask, Mapping):
        return mask is True
    todo = [mask.get(argument)]
    while todo:
        item = todo.pop()
        if item is True:
            return True
        if isinstance(item, Mapping):
            todo += item.values()
        elif isinstance(item, list):
            todo += item
    return False


def _shown_name(instance: Instance) -> str:
    """A name as people use it: the Name tag, a name argument, else the address."""
    tags = instance.after.get("tags_all") or instance.after.get("tags")
    tagged = tags.get("Name") if isinstance(tags, Mapping) else None
    for value in (tagged, *(instance.after.get(name) for name in _TITLES)):
        if isinstance(value, str) and value:
            return value
    return instance.address
