"""The kinds of values that tierwall.yaml has. Each refusal says how to write it right."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from scanner.environments.duration import format_duration, parse_duration


def wrong(hint: str, problem: str = "") -> PydanticCustomError:
    """A refusal with the fix. Without a problem, what was found is the problem, and whoever reports it says it."""
    return PydanticCustomError("tierwall", "{hint}", {"hint": hint, "problem": problem})


def _duration(value: object) -> object:
    try:
        if value == 0 or isinstance(value, str):
            return parse_duration(str(value))  # str(False) is no length of time either
    except ValueError:
        pass
    raise wrong("write a number and a unit, such as 30m, 24h or 35d; 0 for none")


def _date(value: object) -> dt.date:
    try:
        if isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    raise wrong("write a date as year-month-day, such as 2027-01-31")


def matching(pattern: str, hint: str) -> BeforeValidator:
    expression = re.compile(pattern, re.ASCII)

    def check(value: object) -> object:
        if not isinstance(value, str) or not expression.fullmatch(value):
            raise wrong(hint)
        return value

    return BeforeValidator(check)


def _relative(value: object) -> object:
    """A path below the folder of tierwall.yaml: whoever may edit the file does not choose what else is read."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise wrong("write a path relative to the folder of this file")
    if value.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", value) or ".." in re.split(r"[\\/]", value):
        raise wrong("write a path inside the folder of this file, relative to it; absolute paths and .. are refused")
    return value


def _scalar(value: object) -> object:
    if not isinstance(value, str | int | float):
        raise wrong("write text, a number, true or false")
    return value


Scalar = Annotated[str | int | float | bool, PlainValidator(_scalar)]
Duration = Annotated[int, BeforeValidator(_duration), PlainSerializer(format_duration, return_type=str)]
Date = Annotated[dt.date, BeforeValidator(_date), Field(strict=False)]
Relative = Annotated[str, BeforeValidator(_relative)]
AccountId = Annotated[str, matching(r"\d{12}", 'write the 12 digits in quotes, such as "111111111111"')]
Region = Annotated[str, matching(r"[a-z]{2,3}(-[a-z]+)+-\d{1,2}", "write a region's name, such as eu-west-1")]
Name = Annotated[
    str, matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", "use letters, digits, dots, hyphens and underscores, at most 63")
]
Variable = Annotated[
    str, matching(r"[A-Za-z_][A-Za-z0-9_]*", "write the name of an environment variable, not its value")
]
Text = Annotated[str, Field(min_length=1)]
Glob = Text
T = TypeVar("T")
# A list in the file, a tuple here, so that nothing changes what was read.
Many = Annotated[tuple[T, ...], Field(strict=False)]
Some = Annotated[tuple[T, ...], Field(strict=False, min_length=1)]


class Model(BaseModel):
    """Nothing that is not named here, nothing converted in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
