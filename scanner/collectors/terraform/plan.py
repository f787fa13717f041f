"""A Terraform or OpenTofu plan or state, as `terraform show -json` prints it, as a list of resource instances.

The format: https://developer.hashicorp.com/terraform/internals/json-format. Unknown keys are ignored and another
major version is refused, as that page asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from scanner.errors import InputError

Json = Any
Key = str | int | None  # for_each key, count index, or neither

SHOW = "make it with `terraform show -json PLANFILE > plan.json`"
_GONE = frozenset({("delete",), ("forget",)})
_STEP = re.compile(r'module\.([^.\[]+)(?:\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\])?\.?')


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a managed resource, as it is planned to be or as the state has it."""

    address: str
    type: str
    name: str
    key: Key = None
    module: tuple[tuple[str, Key], ...] = ()  # the module instances around it, outermost first
    provider: str = ""  # key of its provider's configuration; '' where the file has no configuration
    actions: tuple[str, ...] = ("no-op",)
    before: Mapping[str, Json] = field(default_factory=dict)
    after: Mapping[str, Json] = field(default_factory=dict)
    unknown: Json = None  # same shape as `after`, true where the value is known after apply
    sensitive: Json = None  # same shape as `after`, true where the value is marked sensitive
    before_sensitive: Json = None  # the same of `before`
    expressions: Mapping[str, Json] | None = None  # None where the file has no configuration
    for_each: Json = None  # the configuration's for_each expression
    before_address: str = ""  # where it was moved from
    importing: str = ""  # the id it is imported by

    @property
    def base(self) -> str:
        """The address within its module, without the index: `aws_subnet.private`."""
        return f"{self.type}.{self.name}"

    @property
    def is_new(self) -> bool:
        """Nothing of what exists is kept: created, or replaced."""
        return "create" in self.actions

    def is_set(self, argument: str) -> bool | None:
        """Whether the configuration gives the argument; None where there is no configuration to ask."""
        return None if self.expressions is None else argument in self.expressions


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider's configuration says of the place: '' where it does not say."""

    name: str
    region: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan or a state. `gone` is what the plan deletes or forgets; it is not among the instances."""

    where: str
    form: Literal["plan", "state"]
    terraform: str
    instances: tuple[Instance, ...]
    gone: tuple[Instance, ...] = ()
    deferred: tuple[Instance, ...] = ()  # planned in a later round, so hardly anything of them is known
    providers: Mapping[str, Provider] = field(default_factory=dict)
    modules: Mapping[str, Json] = field(default_factory=dict)  # the configuration's root module
    relevant: frozenset[tuple[str, str]] = frozenset()  # resources and attributes that the plan depends on
    is_partial: bool = False  # made with -target or -exclude, or with deferred changes
    secrets: frozenset[str] = frozenset()  # values of variables that are declared sensitive
    read_later: tuple[Instance, ...] = ()  # policy documents that are data sources and wait for what they refer to


def recognise(data: Json) -> Literal["plan", "state", ""]:
    """Whether the JSON is a plan, a state, or something else."""
    if not isinstance(data, dict) or not isinstance(data.get("format_version"), str):
        return ""
    if "resource_changes" in data or "planned_values" in data or "configuration" in data:
        return "plan"
    if "values" in data or set(data) <= {"format_version", "terraform_version", "checks"}:
        return "state"
    return ""


def foreign(data: Json, where: str) -> InputError:
    """The error for JSON that is no plan: with what it probably is, and what to do."""
    if isinstance(data, dict) and isinstance(data.get("version"), int) and "lineage" in data:
        return InputError(where, "is a raw state file", "make `terraform show -json > state.json` of it")
    if isinstance(data, dict) and "@level" in data:
        return InputError(where, "is the log of `terraform plan -json`, not the plan", SHOW)
    return InputError(where, "is neither a Terraform plan nor a state in JSON", SHOW)


def parse(data: Json, where: str) -> Plan:
    """The plan or state in the JSON. Raises InputError for what is none, is of another major version, or failed."""
    form = recognise(data)
    if not form:
        raise foreign(data, where)
    version = str(data["format_version"])
    if not re.fullmatch(r"1\.\d+", version):
        raise InputError(where, f"has plan format {version[:20]!r}; formats 1.x are read", "use a newer Tierwall")
    if data.get("errored") is True:
        raise InputError(where, "is of a plan that ended in an error", "plan again until it succeeds")
    try:
        return _plan(data, where) if form == "plan" else _state(data, where)
    except _Malformed as error:
        raise InputError(where, f"is damaged: {error}", SHOW) from None


class _Malformed(Exception):
    """A key holds what the format does not allow there."""


def _typed(owner: Mapping[str, Json], name: str, kind: type, default: Json) -> Json:
    value = owner.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _Malformed(f"{name!r} is not {_WORDS[kind]}")
    return value


_WORDS: Mapping[type, str] = {dict: "an object", list: "a list", str: "a text"}


def _objects(owner: Mapping[str, Json], name: str) -> Sequence[Mapping[str, Json]]:
    items = _typed(owner, name, list, [])
    if not all(isinstance(item, dict) for item in items):
        raise _Malformed(f"{name!r} has an element that is no object")
    return items  # type: ignore[no-any-return]  # checked above


def _plan(data: Mapping[str, Json], where: str) -> Plan:
    configuration = _typed(data, "configuration", dict, {})
    root = _typed(configuration, "root_module", dict, {})
    known = _Configured(root) if "root_module" in configuration else None
    if "resource_changes" in data:
        planned = [_change(entry, known) for entry in _objects(data, "resource_changes") if _is_managed(entry)]
    elif "planned_values" in data and "prior_state" in data:  # -refresh-only: nothing changes, so nothing is listed
        planned = [*_values(_typed(data, "planned_values", dict, {}), known)]
    else:
        planned = []  # a plan without resources leaves the key out
    later = [entry for entry in _objects(data, "resource_changes") if _is_document(entry)]
    deferred = [
        _change(_typed(entry, "resource_change", dict, {}), known) for entry in _objects(data, "deferred_changes")
    ]
    return Plan(
        where=where,
        form="plan",
        terraform=_typed(data, "terraform_version", str, ""),
        instances=tuple(i for i in planned if i.actions not in _GONE),
        gone=tuple(i for i in planned if i.actions in _GONE),
        deferred=tuple(deferred),
        providers=_providers(_typed(configuration, "provider_config", dict, {})),
        modules=root,
        relevant=frozenset(_relevant(data)),
        is_partial=data.get("complete") is False,
        secrets=frozenset(_sensitive_values(data, root)),
        read_later=tuple(_change(entry, None) for entry in later),
    )


def _state(data: Mapping[str, Json], where: str) -> Plan:
    values = _typed(data, "values", dict, {})
    version = _typed(data, "terraform_version", str, "")
    return Plan(where=where, form="state", terraform=version, instances=tuple(_values(values, None)))


def _is_managed(entry: Mapping[str, Json]) -> bool:
    """Not a data source, and not an object that only waits for its destruction."""
    return entry.get("mode", "managed") == "managed" and not entry.get("deposed")


def _is_document(entry: Mapping[str, Json]) -> bool:
    return entry.get("mode") == "data" and entry.get("type") == "aws_iam_policy_document"


def _change(entry: Mapping[str, Json], known: _Configured | None) -> Instance:
    change = _typed(entry, "change", dict, {})
    actions = tuple(_typed(change, "actions", list, []))
    if not actions or not all(isinstance(action, str) for action in actions):
        raise _Malformed("'actions' is not a list of texts")
    after = _typed(change, "after", dict, {})
    if actions not in _GONE and change.get("after") is None:
        raise _Malformed(f"{_typed(entry, 'address', str, '')!r} is kept but has no 'after'")
    return _instance(
        entry,
        known,
        actions=actions,
        before=_typed(change, "before", dict, {}),
        after=after,
        unknown=change.get("after_unknown"),
        sensitive=change.get("after_sensitive"),
        before_sensitive=change.get("before_sensitive"),
        before_address=_typed(entry, "previous_address", str, ""),
        importing=str(_typed(change, "importing", dict, {}).get("id", "")),
    )


def _values(values: Mapping[str, Json], known: _Configured | None) -> Iterator[Instance]:
    """The instances in `values` or `planned_values`, module after module."""
    todo = [_typed(values, "root_module", dict, {})]
    while todo:
        module = todo.pop()
        for entry in _objects(module, "resources"):
            if _is_managed(entry):
                now = _typed(entry, "values", dict, {})
                mask = entry.get("sensitive_values")
                yield _instance(entry, known, before=now, after=now, sensitive=mask, before_sensitive=mask)
        todo += _objects(module, "child_modules")


def _instance(entry: Mapping[str, Json], known: _Configured | None, **rest: Any) -> Instance:
    address, kind = _typed(entry, "address", str, ""), _typed(entry, "type", str, "")
    name, key = _typed(entry, "name", str, ""), entry.get("index")
    if not address or not kind or not name:
        raise _Malformed("a resource has no address, type or name")
    if key is not None and (not isinstance(key, str | int) or isinstance(key, bool)):
        raise _Malformed(f"{address!r} has an index that is neither a text nor a number")
    module = module_path(_typed(entry, "module_address", str, "") or address)
    block = known.block(module, f"{kind}.{name}") if known else None
    return Instance(
        address=address,
        type=kind,
        name=name,
        key=key,
        module=module,
        provider=_typed(block, "provider_config_key", str, "") if block else "",
        expressions=None if block is None else _typed(block, "expressions", dict, {}),
        for_each=block.get("for_each_expression") if block else None,
        **rest,
    )


def module_path(address: str) -> tuple[tuple[str, Key], ...]:
    """The module steps that an address begins with: `module.a["x"].module.b[0].…` → (("a", "x"), ("b", 0))."""
    steps: list[tuple[str, Key]] = []
    position = 0
    while match := _STEP.match(address, position):
        name, text, number = match.groups()
        key: Key = int(number) if number is not None else None if text is None else re.sub(r"\\(.)", r"\1", text)
        steps.append((name, key))
        position = match.end()
    return tuple(steps)


class _Configured:
    """The blocks of the configuration by module and address, none of them with its index."""

    def __init__(self, root: Mapping[str, Json]) -> None:
        self.blocks: dict[tuple[str, ...], Mapping[str, Json]] = {}
        todo: list[tuple[tuple[str, ...], Mapping[str, Json]]] = [((), root)]
        while todo:
            path, module = todo.pop()
            for resource in _objects(module, "resources"):
                self.blocks[*path, str(resource.get("address"))] = resource
            for name, call in _typed(module, "module_calls", dict, {}).items():
                if isinstance(call, dict):
                    todo.append(((*path, name), _typed(call, "module", dict, {})))

    def block(self, module: Iterable[tuple[str, Key]], base: str) -> Mapping[str, Json] | None:
        return self.blocks.get((*(name for name, _ in module), base))


def _providers(configured: Mapping[str, Json]) -> dict[str, Provider]:
    """Regions and accounts that are written as constants. A role's ARN names the account it leads to."""
    found = {}
    for key, entry in configured.items():
        if not isinstance(entry, dict):
            raise _Malformed(f"provider {key!r} is no object")
        expressions = _typed(entry, "expressions", dict, {})
        allowed = _constant(expressions, "allowed_account_ids")
        account = allowed[0] if isinstance(allowed, list) and len(allowed) == 1 else ""
        roles = expressions.get("assume_role")
        for block in roles if isinstance(roles, list) else []:
            arn = _constant(block, "role_arn") if isinstance(block, dict) else None
            if isinstance(arn, str) and (match := re.match(r"arn:[\w-]+:iam::(\d{12}):role/", arn)):
                account = match[1]
        region = _constant(expressions, "region")
        found[key] = Provider(
            name=_typed(entry, "full_name", str, "") or _typed(entry, "name", str, ""),
            region=region if isinstance(region, str) else "",
            account=account if isinstance(account, str) else "",
        )
    return found


def _constant(expressions: Mapping[str, Json], name: str) -> Json:
    expression = expressions.get(name)
    return expression.get("constant_value") if isinstance(expression, dict) else None


def _relevant(data: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """`relevant_attributes`, each as the address within its module and the first attribute."""
    for entry in _objects(data, "relevant_attributes"):
        path = _typed(entry, "attribute", list, [])
        address = re.sub(r"\[[^\]]*\]", "", _typed(entry, "resource", str, ""))
        yield re.sub(r"^(?:module\.[^.]+\.)+", "", address), str(path[0]) if path else ""


def _sensitive_values(data: Mapping[str, Json], root: Mapping[str, Json]) -> Iterator[str]:
    """Values of variables that are declared sensitive: `variables` itself carries no mask."""
    given = _typed(data, "variables", dict, {})
    for name, declared in _typed(root, "variables", dict, {}).items():
        if isinstance(declared, dict) and declared.get("sensitive") is True:
            value = given.get(name)
            yield from texts(value.get("value") if isinstance(value, dict) else None)
            yield from texts(declared.get("default"))


def texts(value: Json) -> Iterator[str]:
    """Every text in a value, at any depth."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            todo += item.values()
        elif isinstance(item, list):
            todo += item
