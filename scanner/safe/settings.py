"""Which configuration values may be kept in clear: endpoints without credentials, and kinds on a fixed list.

A value is judged by its name first, then by its form. What is on no list is a secret until shown otherwise.
"""

import functools
import ipaddress
import re
from collections.abc import Callable
from typing import Literal
from urllib.parse import unquote

from scanner.safe.detectors import is_reference, is_token

Kind = Literal["literal", "reference", "empty", "placeholder", "token"]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = _set("""
    pass pwd pw passwd password passphrase secret secrets token tokens credential credentials cred creds dsn auth
    cookie pin otp salt pepper jwt pat sas apikey privatekey
""")
_SECRET_PARTS = (
    "password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "accesskey", "accountkey", "authkey",
    "clientkey", "encryptionkey", "hmackey", "licensekey", "masterkey", "privatekey", "sessionkey", "sharedkey",
    "signingkey", "sshkey", "connectionstring", "connstring", "connstr",
)  # fmt: skip
_KEYS_THAT_NAME = _set("""
    primary sort partition foreign range routing public cache object kms
""")
# A last word that says the value is a property of a secret, not the secret: TOKEN_TTL, PASSWORD_MIN_LENGTH.
_ABOUT = _set("""
    ttl timeout length size count min max policy expiry expiration expires enabled disabled required rotation days
    hours minutes seconds interval age limit retries arn url uri endpoint host hostname port region version type
    algorithm alg issuer audience file path dir provider mode format
""")
_PLACE_WORDS = _set("""
    host hostname hosts server servers endpoint endpoints address addr url uri broker brokers bucket domain service
    namespace cluster
""")
_FILE_WORDS = _set("""
    file path dir directory
""")


def words(name: str) -> list[str]:
    """`dbPassword_v2` is db, password, v, 2."""
    return [word.lower() for word in _WORD.findall(name)]


@functools.lru_cache(maxsize=10_000)
def is_secret_name(name: str) -> bool:
    """Whether a setting's name says that its value is a secret."""
    parts = words(name)
    if not parts or parts[-1] in _ABOUT:
        return False
    if parts[-1] == "key" and (len(parts) < 2 or parts[-2] not in _KEYS_THAT_NAME):
        return True
    glued = "".join(parts)
    return not _SECRET_WORDS.isdisjoint(parts) or any(part in glued for part in _SECRET_PARTS)


_PLACEHOLDER = re.compile(
    r"(?i)change[-_ ]?(?:me|it|this)!?|replace[-_ ]?(?:me|this|with[-_ ].{0,40})|todo|fixme|tbd|x{3,}|\*{3,}|\.{3}"
    r"|<[^<>]{0,80}>|\[[^\[\]]{0,80}\]|your[-_ ][\w -]{0,60}|insert[-_ ][\w -]{0,60}|example|dummy|placeholder|password"
    r"|secret|redacted|n/?a|\(sensitive value\)"
)
_DEFAULTED = re.compile(r"(\$\{([A-Za-z_][\w.]{0,200})(?::?[-=]|:))(.*)(\})", re.DOTALL)


def kind(value: object) -> Kind:
    """What a value is before anything in it is replaced. `${VAR:-default}` is a reference."""
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "reference" if _REFERENCE_KEYS & value.keys() else "literal"
    if not isinstance(value, str):
        return "literal"
    text = value.strip()
    if not text:
        return "empty"
    if is_token(text):
        return "token"
    if is_reference(text) or _DEFAULTED.fullmatch(text):
        return "reference"
    return "placeholder" if _PLACEHOLDER.fullmatch(text) else "literal"


_REFERENCE_KEYS = frozenset(
    {"valueFrom", "secretKeyRef", "configMapKeyRef", "fieldRef", "resourceFieldRef", "Ref", "Fn::GetAtt", "Fn::Sub"}
)

# Words that settings choose among; none of them can be anybody's secret.
_ENUMERATION = _set("""
    true false yes no on off enable enabled disable disabled none null auto default always never required optional
    trace debug info notice warn warning error err critical fatal panic emergency silent verbose quiet local dev
    development feature integration int test testing qa uat stage staging stg preprod prod production shared
    sandbox demo http https tcp udp tls ssl grpc grpcs ws wss amqp amqps mqtt redis rediss postgres postgresql
    mysql mariadb mongodb sqlite oracle sqlserver mssql kafka rabbitmq memcached s3 sqs sns kinesis dynamodb gcs
    azure aws gcp smtp ldap ldaps sasl_ssl sasl_plaintext plaintext plain scram-sha-256 scram-sha-512 require
    prefer allow disable verify-ca verify-full strict lax json yaml yml text txt xml csv html toml logfmt console
    stdout stderr file syslog utf-8 utf8 utf-16 ascii latin-1 utc gmt en de fr es it nl pl pt ja zh ko en-us en-gb
    de-de read write readonly read-only read-write readwrite public private internal external active passive
    primary secondary replica leader follower master standalone cluster sentinel single multi sync async memory
    disk gzip zstd lz4 snappy brotli java python node nodejs go ruby php dotnet linux windows darwin amd64 arm64
    x86_64 bearer basic oauth2 oidc saml hs256 rs256 es256 sha256 sha512 sha-256 aes256 aes-256 aes-256-gcm aws:kms
    get post put delete patch head options round-robin random least-connections blue green canary rolling recreate
    tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 tls1.2 tls1.3 lru lfu noeviction allkeys-lru volatile-lru noop mock fake
    stub enforce report audit warn-only low medium high small large micro nano xlarge
""")


def is_choice(value: str) -> bool:
    """One of the words that settings choose among, such as `yes`: nobody's secret."""
    return value.strip().lower() in _ENUMERATION


_NUMBER = re.compile(r"[-+]?\d{1,12}(?:\.\d{1,12})?%?")
_VERSION = re.compile(
    r"(?i)v?\d{1,6}(?:\.\d{1,6}){1,3}(?:[-+.]?(?:alpha|beta|rc|snapshot|final|ga|lts|alpine|slim|\d)[.\d]{0,8}){0,3}"
)
_DURATION = re.compile(
    r"(?i)(?:\d{1,12}(?:\.\d{1,9})?\s?(?:ns|us|µs|ms|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\s?){1,4}"
    r"|P(?=[\dT])(?:\d{1,9}[YMWD]){0,4}(?:T(?:\d{1,9}(?:\.\d{1,9})?[HMS]){1,3})?|rate\(\d{1,6} (?:minute|hour|day)s?\)"
)
_SIZE = re.compile(r"(?i)\d{1,12}(?:\.\d{1,9})?\s?(?:[kmgtpe]i?b?|b|bytes)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[-+]\d{2}:?\d{2})?)?")
_REGION = re.compile(r"[a-z]{2}(?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central){1,2}-\d[a-z]?")
_CRON = re.compile(r"(?:cron\()?[\d*/?,L#W-]{1,20}(?: [\dA-Z*/?,#-]{1,20}){4,5}\)?")
_ZONE = re.compile(
    r"(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc)/[A-Z][A-Za-z_+-]{1,30}"
)
_IP = re.compile(r"[\da-fA-F.:]{2,45}(?:/\d{1,3})?")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(
    rf"(?:\*\.)?(?:{_LABEL}\.){{1,10}}[a-z]{{2,24}}(?::\d{{1,5}})?(?P<path>/[\w./:@%+~-]{{0,400}})?"
    rf"|localhost(?::\d{{1,5}})?|[a-z][a-z0-9-]{{0,62}}:\d{{2,5}}|(?:\d{{1,3}}\.){{3}}\d{{1,3}}:\d{{1,5}}"
)
_SINGLE_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_PATH = re.compile(r"(?:\.{0,2}/)[\w./@+-]{0,400}")
_URL = re.compile(r"((?:jdbc:)?[A-Za-z][A-Za-z0-9+.-]{1,30}://)([^/?#\s]*)([^?#\s]*)(\?[^#\s]*)?(?:#\S*)?")
_LIST = re.compile(r"\s*[,;]\s*|\s+")


def is_clear(value: str, name: str = "") -> bool:
    """Whether a value is of a kind that may be stored in clear: no URL, which has parts to be judged one by one."""
    text = value.strip()
    if len(text) > 2_000:
        return False
    return _is_clear_item(text, name) or all(_is_clear_item(item, name) for item in _LIST.split(text))


def _is_clear_item(text: str, name: str) -> bool:
    if text.lower() in _ENUMERATION or is_token(text) or is_reference(text):
        return True
    if any(form.fullmatch(text) for form in (_NUMBER, _VERSION, _DURATION, _SIZE, _DATE, _REGION, _CRON, _ZONE)):
        return True
    if _IP.fullmatch(text) and _is_ip(text):
        return True
    if host := _HOST.fullmatch(text):
        return not any(is_random(segment) for segment in re.split(r"[/:@.]", text)) or host["path"] is None
    last = (words(name) or [""])[-1]
    if last in _PLACE_WORDS and _SINGLE_LABEL.fullmatch(text) and not is_random(text):
        return True
    return last in _FILE_WORDS and _PATH.fullmatch(text) is not None


def is_random(text: str) -> bool:
    """Whether a part of a path looks made by a generator: such parts carry the credentials of webhooks."""
    return len(text) >= 32 or (len(text) >= 20 and any(c.isdigit() for c in text) and any(c.isalpha() for c in text))


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def url(value: str, token: Callable[[str], str], setting: Callable[[str, str], str]) -> str | None:
    """A URL with its credentials replaced and its endpoint kept; None for what is no URL.

    The password, a user that is a token, path segments that look generated, and query values that `setting` does
    not keep are replaced. The fragment never reaches a server and is dropped.
    """
    match = _URL.fullmatch(value.strip())
    if match is None:
        return None
    (
        scheme,
        authority,
        path,
        query,
    ) = match.groups()
    user_info, at, host = authority.rpartition("@")
    user, colon, password = (user_info, "", "") if is_token(user_info) else user_info.partition(":")
    if password and not (is_token(password) or is_reference(password)):
        password = token(unquote(password))
    elif not colon and user and is_random(unquote(user)) and not is_token(user):
        user = token(unquote(user))
    path = "/".join(token(part) if is_random(part) and not is_token(part) else part for part in path.split("/"))
    if query:
        query = "?" + "&".join(_query_pair(pair, setting) for pair in query[1:].split("&"))
    return f"{scheme}{user}{colon}{password}{at}{host}{path}{query or ''}"


def _query_pair(pair: str, setting: Callable[[str, str], str]) -> str:
    name, equals, value = pair.partition("=")
    return f"{name}{equals}{setting(name, unquote(value))}" if value else pair


def defaulted(value: str) -> tuple[str, str, str, str] | None:
    """`${NAME:-default}` as what stands before the default, NAME, the default, and what stands after."""
    match = _DEFAULTED.fullmatch(value.strip())
    return (match[1], match[2], match[3], match[4]) if match and not is_reference(value.strip()) else None
