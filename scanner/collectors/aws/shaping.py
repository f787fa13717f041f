"""Small pure helpers that shapers share. Each lets None through: what was not read stays unknown."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scanner.tables import Document, Json
from scanner.tables.aws_account import AwsTag

DAY = 86_400


def plain(value: Any) -> Json:
    """An SDK's answer as JSON: times as UTC text, bytes as base64, the envelope left out."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k != "ResponseMetadata"}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dt.datetime):
        moment = value.replace(tzinfo=value.tzinfo or dt.UTC).astimezone(dt.UTC)
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def seconds(moment: str | None, *, absent: int | None = None) -> int | None:
    """UTC seconds of a time as `plain` writes it; `absent` where there is none."""
    return absent if moment is None else int(dt.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp())


def field(part: Mapping[str, Any] | None, key: str, absent: Any) -> Any:
    """A value of a part that was read: `absent` where the service left the key out. None where there is no part."""
    return None if part is None else part.get(key, absent)


def days(number: float | None) -> int | None:
    """Days as seconds."""
    return None if number is None else int(number * DAY)


def both(*truths: bool | None) -> bool | None:
    """Three-valued AND."""
    return False if False in truths else None if None in truths else True


def either(*truths: bool | None) -> bool | None:
    """Three-valued OR."""
    return True if True in truths else None if None in truths else False


def negate(truth: bool | None) -> bool | None:
    """Three-valued NOT."""
    return None if truth is None else not truth


def tag_map(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags in any of AWS's spellings, as a map."""
    return {t.get("Key", t.get("TagKey", "")): t.get("Value", t.get("TagValue", "")) or "" for t in tags}


def tag_rows(document: Document, tags: Mapping[str, str] | None, place: Mapping[str, Any]) -> Iterator[AwsTag]:
    """A row a tag, in the order of the keys; none where the tags were not read, which has a gap."""
    for number, (key, value) in enumerate(sorted((tags or {}).items())):
        yield AwsTag(**place, ordinal=number, key_name=key, value=value)


def name_of(tags: Iterable[Mapping[str, str]] | None, fallback: str) -> str:
    """The Name tag, else the id."""
    return tag_map(tags or ()).get("Name") or fallback
