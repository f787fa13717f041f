"""What an argument refers to: the resources of the plan behind `aws_vpc.main.id`, through modules, count and for_each.

The configuration in a plan lists the references of an expression, not the expression. So an argument that is known
after apply is traced to a resource only where every reference leads to one; `local.x` and data sources are not in the
file, and end the trace.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scanner.collectors.terraform.hcl import Sources
from scanner.collectors.terraform.plan import Instance, Json, Key, Plan

_DEPTH = 32  # hops through variables and outputs
_IGNORED = frozenset({"count", "each", "path", "terraform", "self"})
_ELEMENT = re.compile(r'([^.\[]+)|\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\]|\.')
# Attributes that stand for the resource itself. '' is a reference whose attribute an index hides.
IDENTITY = frozenset({
    "", "id", "arn", "name", "bucket", "key_id", "key_arn", "identifier", "url", "domain_name", "cluster_identifier",
    "function_name",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Traced:
    """The instances an argument refers to; `complete` when nothing else can be in its value."""

    instances: tuple[Instance, ...]
    complete: bool


_NOTHING = Traced((), False)


class References:
    """Traces arguments of one plan."""

    def __init__(self, plan: Plan, code: Sources | None = None) -> None:
        self.root = plan.modules
        self.code = code or Sources()
        self.by_base: defaultdict[tuple[tuple[tuple[str, Key], ...], str], list[Instance]] = defaultdict(list)
        for instance in plan.instances:
            self.by_base[instance.module, instance.base].append(instance)
        self.later: defaultdict[tuple[tuple[tuple[str, Key], ...], str], list[Instance]] = defaultdict(list)
        for instance in plan.read_later:
            self.later[instance.module, instance.base].append(instance)

    def trace(self, instance: Instance, expression: Json) -> Traced:
        """The instances behind an expression of the instance's configuration."""
        return self._references(_names(expression), instance.module, instance, _DEPTH)

    def document(self, instance: Instance, expression: Json) -> Instance | None:
        """The policy document that is all of an expression, where the plan reads it after what it refers to."""
        names = [name for name in _longest(_names(expression)) if name.split(".")[0] not in _IGNORED]
        steps = split(names[0]) if len(names) == 1 else []
        if (
            len(steps) < 4
            or steps[:2] != ["data", "aws_iam_policy_document"]
            or steps[-1] not in ("json", "minified_json")
        ):
            return None
        key = steps[3] if len(steps) == 5 else None
        found = [
            one for one in self.later.get((instance.module, f"{steps[1]}.{steps[2]}"), ())
            if one.key == (str(key) if isinstance(key, _Quoted) else key)
        ]  # fmt: skip
        return found[0] if len(found) == 1 else None

    def _references(self, names: Sequence[str], module: tuple[tuple[str, Key], ...], at: Instance, left: int) -> Traced:
        if left == 0:
            return _NOTHING
        found: dict[str, Instance] = {}
        complete = True
        indexed = any(name.split(".")[0] in {"count", "each"} for name in names)
        for name in _longest(names):
            part = self._reference(name, module, at, left - 1)
            instances = part.instances
            if indexed and len(instances) > 1:
                # The plan says that the index is in the expression, and not what becomes of it there.
                block = self.code.find(at.module, at.base) if module == at.module else None
                same = tuple(i for i in instances if i.key == at.key)
                if same and block and block.indexes(name):
                    instances = same
                else:
                    complete = False
            found.update({i.address: i for i in instances})
            complete = complete and part.complete
        return Traced(tuple(found.values()), complete)

    def _reference(self, name: str, module: tuple[tuple[str, Key], ...], at: Instance, left: int) -> Traced:
        steps = split(name)
        head = steps[0]
        if head == "each" and steps[1:2] == ["value"] and at.module == module:
            inner = _names(at.for_each)
            return self._each(inner, module, at, left) if inner else Traced((), True)
        if head in _IGNORED:
            return Traced((), True)
        if head == "var":
            return self._variable(steps, module, at, left)
        if head == "module":
            return self._output(steps, module, at, left)
        if head in {"local", "data", "ephemeral"} or len(steps) < 2:
            return _NOTHING
        return self._resource(steps, module, at, left)

    def _each(self, names: list[str], module: tuple[tuple[str, Key], ...], at: Instance, left: int) -> Traced:
        """`each.value` of a block that is repeated for other instances: the one of the same key."""
        found = self._references(names, module, at, left)
        same = tuple(i for i in found.instances if i.key == at.key)
        return Traced(same, found.complete) if len(found.instances) > 1 and same else found

    def _variable(self, steps: list[str | int], module: tuple[tuple[str, Key], ...], at: Instance, left: int) -> Traced:
        """A module's variable has the expression of the call; one of the root has a value, which is known."""
        if not module:
            return Traced((), True)
        call = _call(self._module(module[:-1]), module[-1][0])
        expression = _object(_object(call).get("expressions")).get(str(steps[1])) if len(steps) > 1 else None
        if expression is None:
            return Traced((), True)  # left out: the default, a constant
        return self._references(_names(expression), module[:-1], at, left)

    def _output(self, steps: list[str | int], module: tuple[tuple[str, Key], ...], at: Instance, left: int) -> Traced:
        if len(steps) < 3:
            return _NOTHING
        key: Key = steps[2] if len(steps) > 3 and isinstance(steps[2], int | _Quoted) else None
        output = str(steps[3] if key is not None else steps[2])
        name = str(steps[1])
        call = _call(self._module(module), name)
        expression = _object(_object(_object(_object(call).get("module")).get("outputs")).get(output)).get("expression")
        if expression is None:
            return _NOTHING
        inner = (*module, (name, str(key) if isinstance(key, _Quoted) else key))
        return self._references(_names(expression), inner, at, left)

    def _resource(self, steps: list[str | int], module: tuple[tuple[str, Key], ...], at: Instance, left: int) -> Traced:
        base = f"{steps[0]}.{steps[1]}"
        instances = self.by_base.get((module, base), [])
        rest = steps[2:]
        if rest and isinstance(rest[0], int | _Quoted):
            key = str(rest[0]) if isinstance(rest[0], _Quoted) else rest[0]
            instances = [i for i in instances if i.key == key]
            rest = rest[1:]
        if not instances:
            return _NOTHING
        attribute = str(rest[0]) if rest else ""
        if attribute in IDENTITY:
            return Traced(tuple(instances), True)
        onward = [  # aws_subnet.a.vpc_id: what the subnet's argument refers to
            self._references(_names(_object(i.expressions).get(attribute)), i.module, i, left) for i in instances
        ]
        if any(not part.instances for part in onward):
            return _NOTHING
        return Traced(tuple(i for part in onward for i in part.instances), all(part.complete for part in onward))

    def _module(self, path: Iterable[tuple[str, Key]]) -> Json:
        module: Json = self.root
        for name, _ in path:
            module = _object(_call(module, name)).get("module")
        return module


def has_hidden(plan: Plan) -> bool:
    """Whether the plan depends on an attribute that no expression in its configuration mentions.

    Then a `dynamic` block or a local value does, which the file does not have. So an argument that seems not to be
    set may be.
    """
    seen = {re.sub(r"\[[^\]]*\]", "", name) for name in _names(plan.modules)}
    mentioned = {name[:cut] for name in seen for cut in (*_dots(name), len(name))}
    longer = {name[:cut] for name in seen for cut in _dots(name)}
    return any(
        f"{base}.{attribute}" not in mentioned  # an index may hide the attribute
        and not (base in mentioned and (not attribute or base not in longer))
        for base, attribute in plan.relevant
    )


def _dots(name: str) -> list[int]:
    return [cut for cut, sign in enumerate(name) if sign == "."]


class _Quoted(str):
    """A for_each key in a reference, so that `["0"]` is not taken for `[0]` or a name."""

    __slots__ = ()


def split(reference: str) -> list[str | int]:
    """`aws_subnet.a["x"].id` → ["aws_subnet", "a", _Quoted("x"), "id"]; an index is an int."""
    steps: list[str | int] = []
    for name, text, number in (m.groups() for m in _ELEMENT.finditer(reference)):
        if number is not None:
            steps.append(int(number))
        elif text is not None:
            steps.append(_Quoted(re.sub(r"\\(.)", r"\1", text)))
        elif name is not None:
            steps.append(name)
    return steps or [""]


def _names(expression: Json) -> list[str]:
    """All references of an expression, or of the expressions of a block."""
    names: list[str] = []
    todo = [expression]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            listed = item.get("references")
            names += [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
            todo += [v for k, v in item.items() if k not in {"references", "constant_value"}]
        elif isinstance(item, list):
            todo += item
    return names


def _longest(names: Sequence[str]) -> Iterator[str]:
    """Terraform lists `a.b.id` with its beginnings `a.b`; only the longest says what is meant."""
    listed = dict.fromkeys(names)
    prefixes = {name[:cut] for name in listed for cut, sign in enumerate(name) if sign in ".["}
    return (name for name in listed if name not in prefixes)


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _call(module: Json, name: str) -> Json:
    return _object(_object(module).get("module_calls")).get(name)
