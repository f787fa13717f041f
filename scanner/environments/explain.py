"""What pydantic finds wrong with tierwall.yaml, in words that say what was found and how to write it right."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from scanner.environments.aliases import tier_of
from scanner.environments.model import Config
from scanner.safe.text import joined, plain

_SYNONYMS = {"arns": "uids", "arn": "uids", "env": "environments", "envs": "environments", "type": "tier"}
_UNSHOWN = "external_id_env"  # whoever writes the id itself there should not find it in a log
_HOW = {
    "string_type": "write text, in quotes if it looks like a number",
    "string_too_short": "write something there or leave the key out",
    "tuple_type": "write a list, such as [{example}]",
    "dict_type": "write keys and values below it, indented",
    "model_type": "write keys and values below it, indented",
    "bool_type": "write true or false",
    "int_type": "write a whole number",
    "too_short": "name at least one or leave the key out",
    "greater_than_equal": "write a whole number from {ge}",
    "less_than_equal": "write a whole number up to {le}",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something wrong, and the key it stands at."""

    path: tuple[str | int, ...]
    problem: str
    hint: str = ""


def explain(detail: ErrorDetails) -> Complaint:
    """One of pydantic's errors as a complaint."""
    path = tuple(part for part in detail["loc"] if part != "[key]")  # pydantic's mark for «the key itself»
    at, found, context = joined(path), detail["input"], detail.get("ctx", {})
    kind = detail["type"]
    if kind == "missing":
        return Complaint(path[:-1], f"{joined(path[:-1])}: {path[-1]} is missing", f"add `{path[-1]}: …` there")
    if kind == "extra_forbidden":
        known = keys_at(path[:-1])
        return Complaint(path, f"{at}: there is no such key", suggestion(str(path[-1]), known, "known here"))
    if kind == "literal_error":
        choices = _choices(str(context["expected"]))
        return Complaint(path, f"{at}: {_shown(found)} is not known", suggestion(str(found), choices, "write"))
    if kind == "tierwall":
        if path[-1:] == (_UNSHOWN,):
            return Complaint(path, f"{at}: what stands there is not the name of a variable", context["hint"])
        return Complaint(path, f"{at}: {context['problem'] or _described(found) + ' is not accepted'}", context["hint"])
    hint = _HOW[kind].format(example=found if isinstance(found, str) else "…", **context)
    return Complaint(path, f"{at}: {_described(found)} is not accepted", hint)


def suggestion(found: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean staging?`, or all that is known where nothing is near."""
    names = list(known)
    near = difflib.get_close_matches(found.lower(), names, n=1, cutoff=0.6)
    meant = _SYNONYMS.get(found.lower()) or tier_of(found) or (near[0] if near else None)
    if meant in names:
        return f"did you mean {meant}?"
    return f"{otherwise}: {', '.join(names)}" if names else "nothing may stand there"


def keys_at(path: Iterable[str | int]) -> list[str]:
    """The keys that tierwall.yaml may have at a path; empty where any name may stand."""
    hint: object = Config
    for part in path:
        hint = _step(hint, part)
    model = _bare(hint)
    return _names(model) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _step(hint: object, part: str | int) -> object:
    """The type of what stands one key or one place of a list further down."""
    hint = _bare(hint)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        fields = dict(zip(_names(hint), hint.model_fields.values(), strict=True))
        return fields[str(part)].annotation if part in fields else None
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is dict:
        return arguments[1]
    return arguments[0] if arguments else None  # an element of a tuple


def _bare(hint: object) -> object:
    """Without Annotated and without None."""
    while typing.get_origin(hint) in (typing.Annotated, typing.Union, types.UnionType):
        hint = next(argument for argument in typing.get_args(hint) if argument is not type(None))
    return hint


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _choices(expected: str) -> list[str]:
    """Of pydantic's `'a', 'b' or 'c'`."""
    return expected.replace(" or ", ", ").replace("'", "").split(", ")


def _shown(value: object) -> str:
    text = plain(str(value))
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'


def _described(value: object) -> str:
    match value:
        case None:
            return "an empty value"
        case bool():
            return f"{str(value).lower()}"
        case int() | float():
            return f"the number {value}"
        case str():
            return _shown(value) if value else "an empty text"
        case dict():
            return "a mapping"
        case _:
            return "a list" if value else "an empty list"
