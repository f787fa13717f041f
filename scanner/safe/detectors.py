"""Secrets that can be told by their form, wherever they stand in a text.

Every pattern is bounded and is tried only where one of its hints, a plain substring, occurs: most texts cost a few
substring searches. The secret itself is the group `s` (as written), `q` (inside quotes) or `u` (percent-encoded).
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

Replace = Callable[[str], str]
"""From a secret to its token."""

TOKEN = re.compile(r"hm1:[0-9a-f]{8}:[a-z2-7]{26}")

_WORDS = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|credentials?|(?<![a-z])sig|signature"
    r"|(?:api|access|account|auth|client|encryption|private|secret|shared|signing)[_-]?key"
)
_NAME = rf"(?:{_WORDS})(?:[_-]?(?:value|string|text|\d{{1,3}}))?"
_QUOTE = r"\\{0,3}[\"']"
_BYTES = "(?-i:b(?=[\"']))?"  # the prefix of Python's bytes
_QUOTED = (  # to the closing quote; inside doubly encoded JSON, to the one that ends a value
    rf"(?P<quote>{_QUOTE})(?P<q>(?:(?!(?P=quote)(?:[\s,;:&)}}\]\\<]|$))(?:\\.|[^\\])){{1,4096}})(?P=quote)"
)
_BARE = (  # to the end of the word; `,`, `;` and `&` end it where another assignment or nothing follows
    r"(?P<s>(?!\\{0,3}[\"'])(?:(?![,;&][ ]?[\w .-]{1,40}=|[,;&](?:\s|$))(?:[^\s\"'\\]|\\(?![\"'nrt]))){1,4096})"
)


class Detector(NamedTuple):
    """One form of secret: `hints` as they stand in the lower-cased text, and the pattern."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def _detector(hints: str, pattern: str, flags: int = 0) -> Detector:
    return Detector(tuple(hints.split()), re.compile(pattern, flags))


_NAMES = "pass pwd secret token credential sig key"
# First what stands around a secret, so that the whole of it is taken; then the forms that issuers chose.
DETECTORS = (
    _detector(
        "@",
        rf"://(?!{TOKEN.pattern}@)[^\s/?#@:\"'<>\\]{{0,256}}:(?!\d{{1,5}}(?:[/?#\s,]|$))"
        r"(?P<u>[^\s\"'<>/?#]{1,1024}|[^\s\"'<>@]{1,256})@",
    ),
    _detector("@", r"(?i)https?://(?=[^\s/@:]{0,256}\d)(?P<u>[^\s/?#@:\"'<>\\]{16,256})@"),
    _detector(
        "authorization",
        r"(?i)authorization\\{0,3}[\"']?\s{0,4}[:=]\s{0,4}b?\\{0,3}[\"']?"
        r"(?:(?:basic|bearer|token|digest|negotiate|ntlm|apikey|aws4-hmac-sha256)\s{1,4}(?P<s>[^\r\n\"'\\]{1,4096})"
        r"|(?P<u>[^\s\"'\\,;}]{16,8192}))",
    ),
    _detector("bearer", r"(?i)\bbearer\s{1,4}(?P<s>[A-Za-z0-9._~+/=:-]{12,8192})"),
    _detector("key token", rf"(?i)x-(?:api-key|auth-token){_QUOTE}?\s{{0,4}}[:=]\s{{0,4}}{_BARE}"),
    _detector(
        _NAMES,  # {"name": "DB_PASSWORD", "value": "…"} in JSON that is itself a string
        rf"(?i){_QUOTE}(?:name|key){_QUOTE}\s{{0,4}}:\s{{0,4}}{_QUOTE}[\w.-]{{0,64}}{_NAME}{_QUOTE}\s{{0,4}},\s{{0,4}}"
        rf"{_QUOTE}value{_QUOTE}\s{{0,4}}:\s{{0,4}}{_QUOTED}",
    ),
    _detector(
        _NAMES,
        rf"(?i){_QUOTE}value{_QUOTE}\s{{0,4}}:\s{{0,4}}{_QUOTED}(?=\s{{0,4}},\s{{0,4}}{_QUOTE}(?:name|key){_QUOTE}"
        rf"\s{{0,4}}:\s{{0,4}}{_QUOTE}[\w.-]{{0,64}}{_NAME}{_QUOTE})",
    ),
    _detector(_NAMES, rf"(?i){_NAME}\\{{0,3}}[\"']?\s{{0,4}}(?:=>|:=|={{1,2}})\s{{0,4}}{_BYTES}(?:{_QUOTED}|{_BARE})"),
    # `arn:aws:secretsmanager:…:secret:name` and `…:password::` name a secret; they do not hold one.
    _detector(
        _NAMES,
        rf"(?i)(?<![:/]){_NAME}(?:\\{{0,3}}[\"']\s{{0,4}}:\s{{0,4}}|\s{{0,4}}:\s{{1,4}}|:(?!:)){_BYTES}(?:{_QUOTED}|{_BARE})",
    ),
    _detector(_NAMES, rf"(?i)(?<=-)(?:[\w-]{{0,40}}?-)?{_NAME}\s{{1,4}}(?![-\s]){_BARE}"),
    _detector(_NAMES, rf"(?i)<[\w:.-]{{0,40}}?(?:{_WORDS})>(?P<s>[^<>]{{1,4096}})<"),
    _detector(
        "-----begin",
        r"(?P<s>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:.{0,32768}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|.*))",
        re.DOTALL,
    ),
    _detector("eyj", r"(?<![A-Za-z0-9_-])(?P<s>eyJ[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+){2,4})"),
    _detector("akia asia", r"(?<![A-Za-z0-9])(?P<s>(?:AKIA|ASIA)[A-Z0-9]{16})(?![A-Za-z0-9])"),
    _detector(
        "iqojb3jpz2lu ogzxivyxdz",
        r"(?P<s>(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)[A-Za-z0-9/+=_%-]{20,}+)",
    ),
    _detector("_", r"(?<![A-Za-z0-9])(?P<s>gh[opusr]_[A-Za-z0-9]{20,255})"),
    _detector("_", r"(?P<s>github_pat_[A-Za-z0-9_]{20,255})"),
    _detector("xox xapp-", r"(?P<s>(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,255})"),
    _detector("hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[A-Za-z0-9/_-]{10,255})"),
    _detector("gl", r"(?P<s>gl(?:pat|rt|dt|cbt|ptt|ft|soat|agent|imt)-[A-Za-z0-9_.-]{20,255})"),
    _detector("_", r"(?<![A-Za-z0-9])(?P<s>(?:[srp]k_(?:live|test)_|whsec_)[A-Za-z0-9+/=]{10,255})"),
    _detector("_", r"(?<![A-Za-z0-9])(?P<s>npm_[A-Za-z0-9]{30,255})"),
    _detector("pypi-", r"(?P<s>pypi-AgE[A-Za-z0-9_-]{50,1000})"),
    _detector("aiza gocspx-", r"(?<![A-Za-z0-9])(?P<s>(?:AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{20,60}))"),
    _detector("ya29.", r"(?P<s>ya29\.[A-Za-z0-9_-]{20,1000})"),
    _detector("sg.", r"(?<![A-Za-z0-9])(?P<s>SG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{39,50})"),
    _detector("hv", r"(?<![A-Za-z0-9])(?P<s>hv[sb]\.[A-Za-z0-9_-]{24,300})"),
    _detector("_", r"(?P<s>(?:dckr_pat|dop_v1)_[A-Za-z0-9_-]{20,255})"),
    _detector("sk-", r"(?<![A-Za-z0-9])(?P<s>sk-[A-Za-z0-9_-]{20,255})"),
    _detector("secret", r"(?P<s>AGE-SECRET-KEY-1[A-Z0-9]{40,80})"),
)
# An AWS secret access key has no form of its own; next to an access key's id, 40 such characters are one.
_AWS_KEY_ID = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])")
_AWS_SECRET = re.compile(
    r"(?<![A-Za-z0-9/+=])(?=[a-z0-9/+]{0,39}[A-Z])(?=[A-Z0-9/+]{0,39}[a-z])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
)

# What stands in for a secret that somebody else already removed, or names one.
_HARMLESS = re.compile(
    r"(?i)\*{3,}|x{4,}|<[a-z _-]{0,40}>|\[[a-z _-]{0,40}\]|\((?:sensitive|redacted|hidden)[a-z ]{0,20}\)"
    r"|null|none|true|false|undefined|\"\"|''|\*"
)
_REFERENCE = re.compile(
    r"\$\{[A-Za-z_][\w.\[\]*-]{0,200}\}|\$\([A-Za-z_][\w.-]{0,200}\)|\$[A-Z_][A-Z0-9_]{0,200}|%[A-Z_][A-Z0-9_]{0,200}%"
    r"|\$\{(?:env|ssm|secrets|secretsmanager|self|opt|cf|file|vault|aws|resolve):[\w./:~()-]{0,200}\}"
    r"|\{\{[^\"'{}]{0,200}\}\}|(?:var|local|data|module|each)\.[A-Za-z_][\w.\[\]-]{0,200}"
    r"|arn:aws[a-z-]{0,10}:[a-z0-9-]{0,40}:[a-z0-9-]{0,40}:\d{0,12}:[\w.:/@+=,*-]{1,400}"
    r"|(?:ssm|vault|secretsmanager|awssm|op|gcp-?sm|azkv|keyvault|doppler|sm)://?[\w./#:@-]{1,300}"
    r"|@Microsoft\.KeyVault\([^()]{0,400}\)"
)


def is_token(text: str) -> bool:
    """Whether the whole text is a keyed hash already."""
    return TOKEN.fullmatch(text) is not None


def is_reference(text: str) -> bool:
    """Whether the text only says where a value comes from: `${VAR}`, an ARN, a template's expression."""
    return _REFERENCE.fullmatch(text) is not None


def _holds_aws_key_id(text: str) -> bool:
    """Whether an AWS access key's id occurs: strings beside it may be its secret."""
    return ("AKIA" in text or "ASIA" in text) and _AWS_KEY_ID.search(text) is not None


_BASE64_RUN = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}+={0,2}")
_BASE64_PART = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{16,}+={0,2}")
_ALPHABET = bytes(byte if (chr(byte).isalnum() and byte < 128) or chr(byte) in "+/_-" else 32 for byte in range(256))
_MASK = bytes(97 if _ALPHABET[byte] != 32 else 32 for byte in range(256))
_SHORTEST = b"a" * 20
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_HINTS = tuple(sorted({hint for detector in DETECTORS for hint in detector.hints}))
# Hints that are in most texts count only where more of the form is there. The literal comes first: it is found fast.
_REFINED = {
    "key": re.compile(
        "key(?<=[a-z_-]key)(?:"
        + "|".join(
            f"(?<={kind}{joint}key)"
            for kind in (
                "api",
                "access",
                "account",
                "auth",
                "client",
                "encryption",
                "private",
                "secret",
                "shared",
                "signing",
            )
            for joint in ("", "_", "-")
        )
        + ")"
    ),
    "_": re.compile(
        "_(?:(?<=gh[opusr]_)|(?<=github_pat_)|(?<=[srp]k_live_)|(?<=[srp]k_test_)|(?<=whsec_)|(?<=npm_)|(?<=dckr_pat_)"
        "|(?<=dop_v1_))"
    ),
    "sig": re.compile(r"sig(?:nature)?(?:[_-]?(?:value|string|text|\d)|[\"'\\\s=:>])"),
    "gl": re.compile(r"gl(?:pat|rt|dt|cbt|ptt|ft|soat|agent|imt)-"),
    "sk-": re.compile(r"sk-[a-z0-9_-]{20}(?<![a-z0-9]sk-.{20})"),
    "hv": re.compile(r"hv[sb]\."),
    "@": re.compile("://[^@]*@"),
    "pass": re.compile(r"pass(?:w|phrase|[\"'\\\s=:>])"),
    "secret": re.compile(r"secret(?:[_-]?(?:value|string|text|key|\d)|[\"'\\\s=:>])"),
    "token": re.compile(r"token(?:[_-]?(?:value|string|text|\d)|[\"'\\\s=:>])"),
}


class Relevant(NamedTuple):
    """What may be found in a text, so that each of its parts need not be searched for everything."""

    hints: tuple[str, ...]
    detectors: tuple[Detector, ...]
    percent: bool
    base64: bool
    aws_key: bool


def relevant(text: str) -> Relevant | None:
    """What is worth looking for in a text and in its parts; None if nothing is, which is so for most texts."""
    lower = text.lower()
    hints = tuple([hint for hint in _HINTS if hint in lower and (hint not in _REFINED or _REFINED[hint].search(lower))])
    percent = "%" in text and _PERCENT.search(text) is not None
    base64_text = _holds_base64(text)
    if not (hints or percent or base64_text):
        return None
    active = tuple(detector for detector in DETECTORS if not set(hints).isdisjoint(detector.hints))
    return Relevant(hints, active, percent, base64_text, _holds_aws_key_id(text))


def redact(text: str, token: Replace, found: Relevant | None = None) -> str:
    """The text with every secret that has a known form replaced by its token. `found` is what is relevant in the
    document that the text is a part of."""
    found = found or relevant(text)
    if found is None:
        return text
    result = _redact_plain(text, token, found)
    if found.percent and _PERCENT.search(result):
        decoded = unquote(result)
        inside = relevant(decoded)
        if inside is not None and (cleaned := _redact_plain(decoded, token, inside)) != decoded:
            result = cleaned
    if found.base64:
        result = _BASE64_RUN.sub(lambda run: _redact_base64(run[0], token), result)
    return result


def _holds_base64(text: str) -> bool:
    """Whether base64 of something worth a look occurs. Splitting bytes is far cheaper than a regular expression."""
    raw = text.encode("ascii", "replace")
    if _SHORTEST not in raw.translate(_MASK):
        return False
    runs = {run for run in raw.translate(_ALPHABET).split() if len(run) >= 20}
    return any(_worth_a_look(run.decode()) for run in runs)


def _worth_a_look(run: str) -> bool:
    parts = [run, *_BASE64_PART.findall(run)] if "-" in run or "_" in run else [run]
    decoded = (from_base64(part) for part in parts)
    return any(text is not None and relevant(text) is not None for text in decoded)


def _redact_plain(text: str, token: Replace, found: Relevant) -> str:
    lower = text.lower()
    present = [hint for hint in found.hints if hint in lower]
    if present:
        is_arn = "arn:aws" in lower
        for hints, pattern in found.detectors:
            if any(hint in present for hint in hints):
                text = pattern.sub(lambda match: _replaced(match, token, is_arn=is_arn), text)
    if found.aws_key and len(text) >= 40:
        text = _AWS_SECRET.sub(lambda match: token(match[0]), text)
    return text


def _replaced(match: re.Match[str], token: Replace, *, is_arn: bool) -> str:
    group = next(name for name, value in match.groupdict().items() if value is not None and name != "quote")
    value = match[group]
    whole = match[0]
    if not value.strip() or is_token(value) or is_reference(value) or _HARMLESS.fullmatch(value):
        return whole
    begin = match.start(group) - match.start()
    if is_arn and whole[begin - 1 : begin] == ":":
        return whole
    secret = value
    if group == "u":
        secret = unquote(value)
    elif group == "q" and "\\" in value:
        secret = _unescaped(value)
    return whole[:begin] + token(secret) + whole[begin + len(value) :]


def _unescaped(value: str) -> str:
    """What a JSON string's inside stands for, so that its token equals that of the same value elsewhere."""
    try:
        return str(json.loads(f'"{value}"'))
    except ValueError:
        return value


def _redact_base64(run: str, token: Replace) -> str:
    decoded = from_base64(run)
    if decoded is not None:
        return token(decoded) if redact(decoded, token) != decoded else run
    if _BASE64_PART.fullmatch(run):
        return run
    return _BASE64_PART.sub(lambda part: _redact_base64(part[0], token), run)


def from_base64(text: str) -> str | None:
    """The UTF-8 text inside base64, of either alphabet and with or without padding; None where there is none."""
    body = text.strip().rstrip("=").translate(_URL_SAFE)
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None


_URL_SAFE = str.maketrans("-_", "+/")
