"""Configuration values: in clear are endpoints without credentials and kinds on a list, nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.safe.secrets import HashKey, Redactor, kind

REDACTOR = Redactor(HashKey(b"k" * 32))
token = REDACTOR.token

CLEAR: list[tuple[str, Any]] = [
    ("FEATURE", True),
    ("POOL_SIZE", 10),
    ("RATIO", 0.5),
    ("NOTHING", None),
    ("EMPTY", ""),
    ("LOG_LEVEL", "DEBUG"),
    ("ENVIRONMENT", "production"),
    ("SSL_MODE", "verify-full"),
    ("APP_VERSION", "v1.2.3-rc.1"),
    ("TIMEOUT", "30s"),
    ("TIMEOUT", "PT15M"),
    ("TIMEOUT", "1h 30m"),
    ("MEMORY", "512Mi"),
    ("AWS_REGION", "eu-west-1"),
    ("AWS_REGION", "us-gov-east-1a"),
    ("PORT", "5432"),
    ("SCHEDULE", "0 3 * * *"),
    ("SCHEDULE", "rate(5 minutes)"),
    ("TZ", "Europe/Berlin"),
    ("SINCE", "2025-05-24"),
    ("ROLE", "arn:aws:iam::111111111111:role/app"),
    ("DB_PASSWORD", "${DB_PASSWORD}"),
    ("DB_PASSWORD", "$(DB_PASSWORD)"),
    ("DB_PASSWORD", "{{ .Values.db.password }}"),
    ("DB_PASSWORD", "arn:aws:secretsmanager:eu-west-1:111111111111:secret:db-AbCdEf"),
    ("DB_PASSWORD", ""),
    ("DB_PASSWORD", None),
    ("DB_PASSWORD_REQUIRED", True),
    ("PASSWORD_MIN_LENGTH", 12),
    ("TOKEN_TTL", "3600"),
    ("DB_PASSWORD_FILE", "/run/secrets/db_password"),
    ("DB_HOST", "db.prod.internal"),
    ("DB_HOST", "postgres"),
    ("REDIS", "cache:6379"),
    ("KAFKA_BROKERS", "a.kafka.internal:9092,b.kafka.internal:9092"),
    ("ALLOWED", "10.0.0.0/8, 192.168.1.1, 2001:db8::/32"),
    ("API_URL", "https://api.example.com:8443/v1?limit=10"),
    ("REPORTS_BUCKET", "acme-reports-prod"),
    ("REPORTS", "s3://acme-reports-prod/daily"),
    ("IMAGE", "111111111111.dkr.ecr.eu-west-1.amazonaws.com/app:1.2.3"),
    ("DATABASE_URL", "postgres://app:${DB_PASSWORD}@db:5432/app"),
    ("DATABASE_URL", "postgres://app@db:5432/app"),
]


@pytest.mark.parametrize(("name", "value"), CLEAR)
def test_kinds_on_the_list_stay_clear(name: str, value: Any) -> None:
    assert REDACTOR.setting(name, value) == value


SECRET_NAMES = [
    "password", "DB_PASSWORD", "dbPasswd", "MYSQL_PWD", "client-secret", "githubToken", "API_KEY", "apikey",
    "stripe.api.key", "PRIVATE_KEY", "AWS_SECRET_ACCESS_KEY", "ENCRYPTION_KEY", "KEY", "SMTP_CREDENTIALS",
    "ConnectionString", "SENTRY_DSN", "BASIC_AUTH", "JWT", "passphrase", "SESSION_COOKIE",
    "Spring__Datasource__Password", "PASSWORD1",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("value", ["hunter2", "true", "debug", "1234", "changeme", "db.example.com", "1.2.3"])
def test_under_a_secret_name_every_text_is_a_token(name: str, value: str) -> None:
    assert REDACTOR.setting(name, value) == token(value)


def test_under_a_secret_name_numbers_are_tokens_too_and_equal_their_text() -> None:
    assert REDACTOR.setting("PIN", 1234) == token("1234") == REDACTOR.setting("DB_PASSWORD", "1234")
    assert REDACTOR.setting("PASSWORD", False) is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GREETING", "hunter2"),
        ("DB_USER", "app_rw"),
        ("OWNER", "alice@example.com"),
        ("ID", "9b2f8a4e6c1d4f7a"),
        ("CARD", "4111111111111111"),
        ("DB_NAME", "orders"),
        ("THING", "AKIAIOSFODNN7EXAMPLE"),
        ("THING", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
        ("LIST", "debug,hunter2"),
    ],
)
def test_text_of_no_listed_kind_is_a_token(name: str, value: str) -> None:
    assert REDACTOR.setting(name, value) == token(value)


def test_a_url_keeps_its_endpoint_and_loses_its_credentials() -> None:
    def url(value: str) -> Any:
        return REDACTOR.setting("SERVICE_URL", value)

    assert url("postgres://app:hunter2@db:5432/app") == f"postgres://app:{token('hunter2')}@db:5432/app"
    assert url("postgres://app:p%40ss@db/app") == f"postgres://app:{token('p@ss')}@db/app"
    assert url("redis://:pa/ss@cache:6379/0") == f"redis://:{token('pa/ss')}@cache:6379/0"
    assert (
        url("https://api.example.com/v1?key=abc&limit=10") == f"https://api.example.com/v1?key={token('abc')}&limit=10"
    )
    assert url("jdbc:mysql://db:3306/app?user=x&password=y") == (
        f"jdbc:mysql://db:3306/app?user={token('x')}&password={token('y')}"
    )
    assert url("https://chat.example/hook/T00/abcdefghijklmnopqrstuvwxyz0123") == (
        f"https://chat.example/hook/T00/{token('abcdefghijklmnopqrstuvwxyz0123')}"
    )
    secret = "glsa0123456789abcdef"
    assert url(f"https://{secret}@grafana.example.com") == f"https://{token(secret)}@grafana.example.com"


def test_the_default_of_a_reference_is_judged_like_a_value() -> None:
    assert REDACTOR.setting("DB_PASSWORD", "${PW:-hunter2}") == f"${{PW:-{token('hunter2')}}}"
    assert REDACTOR.setting("X", "${DB_PASSWORD:hunter2}") == f"${{DB_PASSWORD:{token('hunter2')}}}"
    assert REDACTOR.setting("LOG_LEVEL", "${LEVEL:-debug}") == "${LEVEL:-debug}"


def test_nested_values_inherit_the_secrecy_of_their_names() -> None:
    value = {"credentials": {"user": "x", "attempts": 3}, "replicas": ["a.example.com", "hunter2"]}

    assert REDACTOR.setting("db", value) == {
        "credentials": {"user": token("x"), "attempts": token("3")},
        "replicas": ["a.example.com", token("hunter2")],
    }


@given(st.text(max_size=60), st.text(max_size=60))
def test_settings_are_idempotent(name: str, value: str) -> None:
    once = REDACTOR.setting(name, value)

    assert REDACTOR.setting(name, once) == once


@given(st.sampled_from(SECRET_NAMES), st.text("abcdefghij0123456789!#%^*-_=+", min_size=8, max_size=40))
def test_nothing_of_a_secret_survives_under_a_secret_name(name: str, secret: str) -> None:
    assert secret not in REDACTOR.setting(name, secret)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "empty"),
        (" ", "empty"),
        ("${VAR}", "reference"),
        ("${VAR:-x}", "reference"),
        ("arn:aws:kms:eu-west-1:111111111111:key/1", "reference"),
        ({"secretKeyRef": {"name": "db", "key": "password"}}, "reference"),
        ({"valueFrom": "arn"}, "reference"),
        ("changeme", "placeholder"),
        ("<your password>", "placeholder"),
        ("****", "placeholder"),
        (token("x"), "token"),
        ("hunter2", "literal"),
        (5, "literal"),
        (False, "literal"),
    ],
)
def test_the_kind_of_a_value(value: Any, expected: str) -> None:
    assert kind(value) == expected
