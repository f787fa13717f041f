"""Keys and values of a file that people write: taken one by one, each with its type, and none left over.

Whatever is wrong is a ConfigError with file and line. For files of a few shapes; tierwall.yaml has models of its own.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from scanner.errors import ConfigError, InputError
from scanner.safe.files import read_bytes, shown
from scanner.safe.yaml import Dialect, YamlDocument, load

_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(slots=True)
class Entry:
    """A mapping in a document. Take what it may hold, then call `close`."""

    document: YamlDocument
    path: tuple[str | int, ...]
    values: dict[str, object]
    taken: set[str] = field(default_factory=set)

    @property
    def where(self) -> str:
        """`file:line`."""
        return self.document.at(self.path)

    def wrong(self, problem: str, hint: str = "", key: str = "") -> ConfigError:
        """The error to raise for something that stands at `key`, or for the entry as a whole."""
        return ConfigError(self.document.at((*self.path, key) if key else self.path), problem, hint)

    def text(self, key: str, default: str | None = None, *, shortest: int = 1) -> str:
        """Text that is not blank. Without a default it must be there."""
        value = self._take(key)
        if value is None and default is not None:
            return default
        if value is None:
            raise self.wrong(f"{key} is missing", f"add `{key}: …`")
        if not isinstance(value, str):
            raise self.wrong(f"{key} is no text", "put it in quotes", key)
        if len(value.strip()) < shortest:
            hint = f"write at least {shortest} characters" if shortest > 1 else "write something there"
            raise self.wrong(f"{key} is too short", hint, key)
        return " ".join(value.split())

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """One of a few words."""
        value = self.text(key, default)
        if value not in allowed:
            raise self.wrong(f"{key}: {value!r} is not known", f"write one of {', '.join(allowed)}", key)
        return value

    def day(self, key: str) -> date:
        """A date, written 2027-01-31."""
        value = self.text(key)
        try:
            if _DATE.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise self.wrong(f"{key}: {value!r} is no date", "write year-month-day, such as 2027-01-31", key)

    def days(self, key: str, longest: int) -> int:
        """A number of days, written 90d."""
        value = self.text(key)
        number = value.removesuffix("d")
        if not value.endswith("d") or not number.isascii() or not number.isdigit() or not 0 < int(number) <= longest:
            raise self.wrong(f"{key}: {value!r} is no number of days", f"write 1d to {longest}d", key)
        return int(number)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; left out it is empty."""
        value = self._take(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self.wrong(f"{key} is no list of texts", f"write `{key}: [one, two]`", key)
        return tuple(value)

    def entry(self, key: str) -> Entry | None:
        """The mapping below `key`; None when it is left out."""
        value = self._take(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(f"{key} has no keys and values", "write them below it, indented", key)
        return Entry(self.document, (*self.path, key), value)

    def entries(self, key: str) -> list[Entry]:
        """A list of mappings; left out it is empty."""
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(f"{key} is no list", "begin each item with a dash", key)
        found = []
        for number, item in enumerate(value):
            path = (*self.path, key, number)
            if not isinstance(item, dict):
                raise ConfigError(self.document.at(path), f"an item of {key} has no keys and values")
            found.append(Entry(self.document, path, item))
        return found

    def close(self) -> None:
        """Raises ConfigError for the first key that nobody took."""
        for key in self.values:
            if key not in self.taken:
                close = difflib.get_close_matches(key, self.taken, 1)
                hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(sorted(self.taken))}"
                raise self.wrong(f"{key}: there is no such key", hint, key)

    def _take(self, key: str) -> object:
        self.taken.add(key)
        return self.values.get(key)


def read_entry(path: Path, root: Path | None = None) -> tuple[Entry, bytes]:
    """The one document of a YAML file, and the file's bytes. Raises ConfigError."""
    name = shown(path)
    try:
        data = read_bytes(path, root)
        documents = load(data, name, Dialect.CORE)
    except InputError as error:
        raise ConfigError(error.where, error.problem, error.hint) from error
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        raise ConfigError(name, "is not one document of keys and values" if documents else "is empty")
    return Entry(documents[0], (), documents[0].value), data
