"""Secrets are replaced before anything is written: by keyed hashes, so that equality can still be judged.

A token is `hm1:<key id>:<128 bits of HMAC-SHA-256>`. There is one domain for an organisation: a value has the same
token in a configuration file, a function's environment and a Kubernetes secret. Whoever holds the key can try
guesses, so the token of a weak secret hides it from everybody else only.
"""

import base64
import datetime as dt
import hashlib
import hmac
import json
import logging
import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from scanner.safe import detectors, settings
from scanner.safe.hash_key import HashKey
from scanner.safe.settings import Kind, kind
from scanner.safe.text import storable

__all__ = ["HashKey", "Kind", "RedactingFilter", "Redactor", "kind"]

Json = Any  # None, bool, int, float, str, list and dict of the same
Place = tuple[str, ...]


class Redactor:
    """Replaces secrets, under one key."""

    def __init__(self, key: HashKey) -> None:
        self.key = key
        self._prefix = f"hm1:{key.id}:"
        self._mac = hmac.new(key.secret, b"secret\0", hashlib.sha256)

    def token(self, value: str) -> str:
        """The keyed hash of a secret; a token stays as it is."""
        if detectors.is_token(value):
            return value
        mac = self._mac.copy()
        mac.update(value.encode("utf-8", "surrogatepass"))
        return self._prefix + base64.b32encode(mac.digest()[:16]).decode().rstrip("=").lower()

    def text(self, text: str) -> str:
        """A line of text, a log message or an error, without the secrets that have a known form."""
        return detectors.redact(text, self.token)

    def setting(self, name: str, value: Json) -> Json:
        """A configuration value as it may be stored: in clear if its kind is on the list, else as a token.

        Under a name that says secret, every string but an empty one or a reference is replaced, and so are numbers.
        """
        secret = settings.is_secret_name(name)
        match value:
            case None | bool():
                return value
            case int() | float():
                return self.token(_number(value)) if secret else _finite(value)
            case str():
                return self._setting_text(name, storable(value), secret=secret)
            case list() | tuple():
                return [self.setting(name, item) for item in value]
            case dict():
                return {storable(str(part)): self.setting(f"{name}.{part}", item) for part, item in value.items()}
            case _:
                return self._setting_text(name, _default(value), secret=secret)

    def parts(
        self,
        value: Json,
        *,
        secret: Iterable[str] = (),
        settings: Iterable[str] = (),
        base64: Iterable[str] = (),
    ) -> Json:
        """A copy of a document with its secrets replaced.

        Paths are dotted; `*` stands for any key or any element of a list, `**` for any number of them, and `\\.` for
        a dot in a key. `secret`: what lies there is replaced, every leaf of it but null, booleans and ''. `base64`:
        the same, but text is decoded first, so that its token is that of the value inside. `settings`: maps of names
        to values, or lists of {name, value}; each value goes through `setting`. Elsewhere tags, labels and the like
        lose what stands under a name that says secret. All else goes through the detectors.
        Dates become ISO 8601, bytes base64, and what a database cannot hold U+FFFD.
        """
        copy, blob = _copied(value)
        paths = _compiled(tuple(secret), tuple(settings), tuple(base64))
        if paths:
            copy = self._apply(copy, paths, "")
        if any(_tells(found) for found in _NAMED.finditer(blob)):
            self._named(copy)
        found = detectors.relevant(blob)
        return copy if found is None else self._detect(copy, found)

    def _setting_text(self, name: str, value: str, *, secret: bool) -> str:
        if not value.strip() or detectors.is_token(value) or detectors.is_reference(value.strip()):
            return value
        if default := settings.defaulted(value):
            before, variable, text, after = default
            return (
                before + self._setting_text(f"{name}.{variable}", text, secret=secret or _is_secret(variable)) + after
            )
        if secret:
            return self.token(value)
        # A password with a slash ends the authority too early; the detector knows, so it goes first.
        found = detectors.redact(value, self.token)
        as_url = settings.url(found, self.token, lambda part, text: str(self.setting(part, text)))
        if as_url is not None:
            return as_url
        if found == value and settings.is_clear(value, name):
            return value
        return self.token(value)

    def _apply(self, node: Json, paths: "_Paths", name: str) -> Json:
        """Replace what the paths lead to, in a document that is ours to change."""
        for action in paths.actions:
            match action:
                case "secret":
                    node = self._whole(node)
                case "base64":
                    node = self._whole(node, encoded=True)
                case _:
                    node = self._settings(name, node)
        for part, item in _entries(node):
            below = paths.below(part)
            if below is not None:
                node[part] = self._apply(item, below, str(part))
        return node

    def _whole(self, node: Json, *, encoded: bool = False) -> Json:
        match node:
            case None | bool() | "":
                return node
            case str():
                inner = detectors.from_base64(node) if encoded and not detectors.is_token(node) else None
                return self.token(node if inner is None else inner)
            case list():
                return [self._whole(item, encoded=encoded) for item in node]
            case dict():
                return {part: self._whole(item, encoded=encoded) for part, item in node.items()}
            case _:
                return self.token(_number(node))

    def _settings(self, name: str, node: Json) -> Json:
        match node:
            case list():
                return [self._pair(name, item) for item in node]
            case dict() if _pair_keys(node) is None:
                return {part: self.setting(part, item) for part, item in node.items()}
            case _:
                return self._pair(name, node)

    def _pair(self, name: str, node: Json) -> Json:
        """One {name, value}, or one `NAME=value`."""
        if isinstance(node, dict):
            keys = _pair_keys(node)
            if keys is None:
                return node if _is_named(node) else {part: self.setting(part, item) for part, item in node.items()}
            return {**node, keys[1]: self.setting(str(node[keys[0]]), node[keys[1]])}
        if isinstance(node, str) and "=" in node:
            variable, _, value = node.partition("=")
            return f"{variable}={self.setting(variable, value)}"
        return self.setting(name, node)

    def _named(self, node: Json) -> None:
        """Replace, in a document that is ours to change, what lies under a name that somebody chose for a secret."""
        if isinstance(node, dict):
            if keys := _pair_keys(node):
                self._secret_under(node, str(node[keys[0]]), keys[1])
            for part, item in node.items():
                if part in _NAMES_CHOSEN and isinstance(item, dict):
                    for name in item:
                        self._secret_under(item, name, name)
                elif part.lower().endswith("externalid"):
                    node[part] = self._whole(item)
        for _, item in _entries(node):
            self._named(item)

    def _secret_under(self, node: dict[str, Json], name: str, part: str) -> None:
        value = node[part]
        if settings.is_secret_name(name) and isinstance(value, str) and not settings.is_choice(value):
            node[part] = self._setting_text(name, value, secret=True)

    def _detect(self, node: Json, found: detectors.Relevant) -> Json:
        match node:
            case str():
                return detectors.redact(node, self.token, found)
            case list():
                return self._flags([self._detect(item, found) for item in node])
            case dict():
                return {
                    detectors.redact(part, self.token, found): self._detect(item, found) for part, item in node.items()
                }
            case _:
                return node

    def _flags(self, items: list[Json]) -> list[Json]:
        """A command's arguments: what follows `--password` is one."""
        for at in range(1, len(items)):
            flag, value = items[at - 1], items[at]
            if (
                isinstance(flag, str)
                and isinstance(value, str)
                and flag.startswith("-")
                and "=" not in flag
                and value
                and not value.startswith("-")
                and not detectors.is_reference(value)
                and settings.is_secret_name(flag)
            ):
                items[at] = self.token(value)
        return items


class RedactingFilter(logging.Filter):
    """Takes secrets out of log records, exceptions and stacks included.

    Add it to handlers: a logger's own filters do not see the records of its children.
    """

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor
        self._formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):  # the arguments do not fit; the text alone still says something
            message = str(record.msg)
        record.msg, record.args = self._redactor.text(message), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = self._formatter.formatException(record.exc_info)
        record.exc_info = None  # formatters print exc_text; the exception itself holds the values
        if record.exc_text:
            record.exc_text = self._redactor.text(record.exc_text)
        if record.stack_info:
            record.stack_info = self._redactor.text(record.stack_info)
        return True


class _Paths:
    """A tree of path patterns: what to do here, and how to go on."""

    __slots__ = ("actions", "children")

    def __init__(self) -> None:
        self.actions: list[str] = []
        self.children: dict[str, _Paths] = {}

    def add(self, parts: Place, action: str) -> None:
        node = self
        for part in parts:
            node = node.children.setdefault(part, _Paths())
        if action not in node.actions:
            node.actions.append(action)

    def below(self, part: str | int) -> "_Paths | None":
        """What applies to one key or element: the patterns that name it, `*`, and `**`, which also goes on."""
        found = [
            self.children[name]
            for name in ({str(part), "*"} if isinstance(part, str) else {"*"}) & self.children.keys()
        ]
        deep = self.children.get("**")
        if deep is not None:
            found += [onward for onward in (deep.children.get(str(part)), deep.children.get("*")) if onward]
            again = _Paths()
            again.children["**"] = deep
            again.actions = deep.actions
            found.append(again)
        if not found:
            return None
        return found[0] if len(found) == 1 else _united(found)


def _united(trees: list[_Paths]) -> _Paths:
    result = _Paths()
    for tree in trees:
        result.actions += [action for action in tree.actions if action not in result.actions]
        for part, child in tree.children.items():
            mine = result.children.get(part)
            result.children[part] = child if mine is None else _united([mine, child])
    return result


@lru_cache(maxsize=1_000)
def _compiled(secret: tuple[str, ...], settings: tuple[str, ...], base64: tuple[str, ...]) -> _Paths | None:
    root = _Paths()
    for patterns, action in ((base64, "base64"), (secret, "secret"), (settings, "settings")):
        for pattern in patterns:
            root.add(tuple(part.replace("\0", ".") for part in pattern.replace("\\.", "\0").split(".")), action)
    return root if root.children else None


def _entries(node: Json) -> list[tuple[Any, Json]]:
    if isinstance(node, dict):
        return list(node.items())
    return list(enumerate(node)) if isinstance(node, list) else []


_PAIRS = (("name", "value"), ("Name", "Value"), ("key", "value"), ("Key", "Value"), ("TagKey", "TagValue"))


def _pair_keys(node: dict[str, Json]) -> tuple[str, str] | None:
    """The keys of a {name, value}: AWS and Kubernetes spell them in five ways."""
    for names, values in _PAIRS:
        if isinstance(node.get(names), str) and values in node:
            return names, values
    return None


# Maps whose keys people choose: tags of AWS, labels and the settings of drivers of Kubernetes.
_NAMES_CHOSEN = frozenset({
    "Tags", "annotations", "labels", "matchLabels", "nodeSelector", "options", "parameters", "tags", "tags_all",
    "volumeAttributes",
})  # fmt: skip
_NAMED = re.compile(
    r'"(?:Tag)?(?:[Kk]ey|[Nn]ame)":"(?P<name>[^"\\]{1,256})"|(?P<id>[Ee]xternal[Ii]d":)'
    rf'|"(?:{"|".join(sorted(_NAMES_CHOSEN))})":{{(?P<map>[^}}]{{1,4096}})'
)


def _tells(found: re.Match[str]) -> bool:
    """Whether what was found may have a secret by its name. Looked at in the text first: few documents have one."""
    if found["name"] is not None:
        return settings.is_secret_name(found["name"])
    return found["id"] is not None or any(settings.is_secret_name(name) for name in _KEY.findall(found["map"]))


_KEY = re.compile(r'"([^"\\]{1,256})":')


def _is_named(node: dict[str, Json]) -> bool:
    """A setting whose value comes from elsewhere: `{name: X, valueFrom: …}`."""
    return any(isinstance(node.get(name), str) for name in ("name", "Name", "key", "Key"))


def _is_secret(name: str) -> bool:
    return settings.is_secret_name(name)


def _copied(value: Json) -> tuple[Json, str]:
    """A copy of plain JSON values, and all of its text in one, to be searched."""
    try:
        blob = _ENCODER.encode(value)
        if "\\u0000" not in blob:
            blob.encode()
            return json.loads(blob), blob
    except ValueError:  # NaN, or half a surrogate pair
        pass
    plain = _plain(value)
    return plain, _ENCODER.encode(plain)


def _plain(value: Json) -> Json:
    match value:
        case None | bool():
            return value
        case str():
            return storable(value)
        case int() | float():
            return _finite(value)
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            return {storable(str(part)): _plain(item) for part, item in value.items()}
        case _:
            return _default(value)


def _default(value: object) -> str:
    """What API clients return beside JSON. Raises TypeError for anything else, for it would be lost silently."""
    match value:
        case dt.datetime() if value.tzinfo is not None:
            return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
        case dt.date() | dt.time():  # a datetime is a date
            return value.isoformat()
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
        case _:
            raise TypeError(f"a document cannot hold {type(value).__name__}")


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"), default=_default
)


def _finite(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _number(value: float) -> str:
    """A number as a configuration file would spell it, so that 5432 and '5432' have one token."""
    return json.dumps(value) if math.isfinite(value) else str(value)
