"""No secret survives redaction, whatever carries it; equal secrets stay equal."""

import base64
import datetime as dt
import io
import json
import logging
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.safe.secrets import HashKey, RedactingFilter, Redactor

REDACTOR = Redactor(HashKey(b"k" * 32))
token = REDACTOR.token
TOKEN = re.compile(r"hm1:[0-9a-f]{8}:[a-z2-7]{26}")

# Secrets with a form of their own. Made up; parts are joined so that scanners of this repository stay calm.
FORMS = {
    "aws access key id": "AKIA" + "IOSFODNN7EXAMPLE",
    "aws temporary key id": "ASIA" + "QWERTYUIOPASDFGH",
    "aws session token": "IQoJb3JpZ2lu" + "X2VjEHoaCXVzLWVhc3QtMSJHMEUCIQ==",
    "github": "ghp_" + "0123456789abcdefABCDEF0123456789abcd",
    "github fine-grained": "github_pat_" + "11ABCDEFG0123456789_abcdefghijklmnop",
    "slack": "xoxb-" + "123456789012-abcdefghijkl",
    "gitlab": "glpat-" + "abcdefghij0123456789",
    "stripe": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "npm": "npm_" + "abcdefghijklmnopqrstuvwxyz0123456789",
    "google api key": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "google client secret": "GOCSPX-" + "abcdefghijklmnopqrstuvwx",
    "sendgrid": "SG." + "abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "vault": "hvs." + "CAESIabcdefghijklmnopqrstuv",
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEAtZ\nq6x3\n" + "-----END RSA PRIVATE KEY-----",
    "encrypted private key": "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + "MIIFHDBOBgkqhkiG9w0B",  # cut off
}
# Where a secret without a form stands; `{}` is the secret.
CARRIERS = {
    "url": "postgres://app:{}@db.internal:5432/app",
    "url without a user": "redis://:{}@cache:6379",
    "two urls": "amqp://u:{}@a:5672,amqp://u:{}@b:5672",
    "basic header": "Authorization: Basic {}",
    "bearer header": "authorization: bearer {}",
    "header in JSON": '{{"Authorization": "Bearer {}"}}',
    "connection string": "Server=db;User Id=app;Password={};Encrypt=true",
    "storage connection string": "AccountName=x;AccountKey={};EndpointSuffix=core.example",
    "assignment": "export DB_PASSWORD={} && run",
    "quoted assignment": 'db_password = "{}"',
    "yaml": "database:\n  password: {}\n  port: 5432",
    "json": '{{"password":"{}","port":5432}}',
    "environment in JSON": '[{{"name":"PORT","value":"1"}},{{"name":"DB_PASSWORD","value":"{}"}}]',
    "environment in JSON, sorted otherwise": '[{{"value":"{}","name":"DB_PASSWORD"}}]',
    "python dict": "{{'SecretAccessKey': '{}', 'Expiration': 1}}",
    "flag": "mysql --password {} --host db",
    "flag with equals": "mysql --password={} --host=db",
    "xml": "<server><password>{}</password></server>",
    "signed url": "https://bucket.example/x?X-Amz-Signature={}&X-Amz-Expires=60",
    "shared access": "https://x.example/c?sv=2020&sig={}&se=2030",
}
ENCODINGS = {
    "as it is": lambda text: text,
    "in JSON": lambda text: json.dumps({"a": text}),
    "in JSON in JSON": lambda text: json.dumps({"a": json.dumps({"b": text})}),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 in a line": lambda text: f"data: {base64.b64encode(f'# {text}'.encode()).decode()} # end",
    "percent-encoded": lambda text: quote(text, safe=""),
}
PASSWORDS = st.text(
    "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz0123456789!#*_^~+.-", min_size=16, max_size=24
).filter(lambda text: text[0].isalpha() and text[-1].isalnum())


def survives(secret: str, text: str) -> bool:
    """Whether the secret, or base64 or percent-encoding of it, can still be read."""
    raw = secret.encode()
    shifted = [base64.b64encode(b"\0" * shift + raw).decode()[4:-4] for shift in range(3)]
    return any(form in text for form in (secret, quote(secret, safe=""), *shifted))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", FORMS)
def test_no_secret_with_a_form_survives_in_a_text(form: str, encoding: str) -> None:
    secret = FORMS[form]
    text = ENCODINGS[encoding](f"before {secret} after")
    found = REDACTOR.text(text)

    assert not survives(secret if "\n" not in secret else secret.splitlines()[1], found)
    assert TOKEN.search(found)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("carrier", CARRIERS)
@settings(max_examples=15, deadline=None)
@given(password=PASSWORDS)
def test_no_planted_password_survives_in_a_text(carrier: str, encoding: str, password: str) -> None:
    found = REDACTOR.text(ENCODINGS[encoding](CARRIERS[carrier].format(password, password)))

    assert not survives(password, found)


@pytest.mark.parametrize("carrier", CARRIERS)
@settings(max_examples=25, deadline=None)
@given(password=PASSWORDS)
def test_a_password_has_the_same_token_in_every_carrier(carrier: str, password: str) -> None:
    assert token(password) in REDACTOR.text(CARRIERS[carrier].format(password, password))


@pytest.mark.parametrize("carrier", CARRIERS)
@settings(max_examples=25, deadline=None)
@given(password=PASSWORDS)
def test_redaction_is_idempotent(carrier: str, password: str) -> None:
    once = REDACTOR.text(CARRIERS[carrier].format(password, password))

    assert REDACTOR.text(once) == once


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*FORMS.values(), *CARRIERS.values(), " ", "\n", "=", ":", '"', "x", "%3A"]), max_size=8)
)
def test_redaction_of_any_mixture_is_idempotent(pieces: list[str]) -> None:
    once = REDACTOR.text("".join(pieces))

    assert REDACTOR.text(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "http://host:80/path?mail=a@b.example",
        "ssh://git@github.com/acme/app.git",
        "arn:aws:secretsmanager:eu-west-1:111111111111:secret:prod/db-AbCdEf:password::",
        "The security token included in the request is expired",
        '{"Condition":{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}}',
        '{"Action":["secretsmanager:GetSecretValue","iam:PassRole"],"Resource":"*"}',
        '{"s3:signatureversion":"AWS4-HMAC-SHA256"}',
        "password=${DB_PASSWORD}",
        "password: ****",
        '{"password":""}',
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "vpc-0123456789abcdef0 subnet-0123456789abcdef0",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert REDACTOR.text(text) == text


@given(st.text(max_size=50))
def test_tokens_have_one_form_and_stay_as_they_are(value: str) -> None:
    found = token(value)

    assert TOKEN.fullmatch(found)
    assert token(found) == found
    assert REDACTOR.text(f"a {found} b") == f"a {found} b"


@given(st.text(max_size=50), st.text(max_size=50))
def test_tokens_are_equal_just_when_values_are(one: str, other: str) -> None:
    assert (token(one) == token(other)) == (one == other)


@given(st.text(max_size=50))
def test_another_key_gives_another_token(value: str) -> None:
    assert Redactor(HashKey(b"K" * 32)).token(value) != token(value)


def test_the_token_of_a_known_value_never_changes() -> None:
    """Tokens are compared across releases: this one is stored in databases."""
    assert token("hunter2") == "hm1:bc4bb909:llr75wslaud5umwpzi4meppkhm"


LAMBDA = {
    "FunctionArn": "arn:aws:lambda:eu-west-1:111111111111:function:api",
    "Environment": {"Variables": {"DB_PASSWORD": "hunter2", "LOG_LEVEL": "debug", "DB_HOST": "db.internal"}},
}


def test_a_value_has_one_token_in_configuration_function_and_cluster() -> None:
    function = REDACTOR.parts({"GetFunction": LAMBDA}, settings=["GetFunction.Environment.Variables"])
    secret = REDACTOR.parts(
        {"object": {"kind": "Secret", "data": {"password": base64.b64encode(b"hunter2").decode(), "empty": ""}}},
        base64=["object.data"],
    )

    assert function["GetFunction"]["Environment"]["Variables"] == {
        "DB_PASSWORD": REDACTOR.setting("database.password", "hunter2"),
        "LOG_LEVEL": "debug",
        "DB_HOST": "db.internal",
    }
    assert secret["object"]["data"] == {"password": token("hunter2"), "empty": ""}


def test_what_lies_at_a_secret_path_is_replaced_to_the_last_leaf() -> None:
    document = {
        "DescribeInstanceAttribute": {"UserData": {"Value": "IyEvYmluL3No"}},
        "object": {"data": {"a": "x", "b": ["y", 5, True, None, ""], "c": {"d": 1.5}}, "kind": "Secret"},
        "other": {"data": "kept"},
    }

    assert REDACTOR.parts(document, secret=["DescribeInstanceAttribute.UserData.Value", "object.data.*"]) == {
        "DescribeInstanceAttribute": {"UserData": {"Value": token("IyEvYmluL3No")}},
        "object": {
            "data": {"a": token("x"), "b": [token("y"), token("5"), True, None, ""], "c": {"d": token("1.5")}},
            "kind": "Secret",
        },
        "other": {"data": "kept"},
    }


def test_paths_reach_through_lists_dotted_keys_and_any_depth() -> None:
    last = "kubectl.kubernetes.io/last-applied-configuration"
    document = {"items": [{"metadata": {"annotations": {last: "{}", "a": "b"}}}, {"x": {"password": "p"}}]}
    paths = [r"items.*.metadata.annotations.kubectl\.kubernetes\.io/last-applied-configuration", "**.password"]

    assert REDACTOR.parts(document, secret=paths) == {
        "items": [{"metadata": {"annotations": {last: token("{}"), "a": "b"}}}, {"x": {"password": token("p")}}]
    }


@pytest.mark.parametrize(("name", "value"), [("name", "value"), ("Name", "Value"), ("key", "value"), ("Key", "Value")])
def test_settings_may_be_lists_of_names_and_values(name: str, value: str) -> None:
    document = {
        "env": [{name: "API_TOKEN", value: "abc"}, {name: "PORT", value: "80"}, {name: "X", "valueFrom": {"k": "v"}}]
    }

    assert REDACTOR.parts(document, settings=["env"]) == {
        "env": [
            {name: "API_TOKEN", value: token("abc")},
            {name: "PORT", value: "80"},
            {name: "X", "valueFrom": {"k": "v"}},
        ]
    }


def test_settings_may_be_lines() -> None:
    assert REDACTOR.parts({"Env": ["API_TOKEN=abc", "PORT=80"]}, settings=["Env"]) == {
        "Env": [f"API_TOKEN={token('abc')}", "PORT=80"]
    }


def test_shapes_full_of_words_like_key_and_secret_are_left_alone() -> None:
    document = {
        "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab",
        "SecretArn": "arn:aws:secretsmanager:eu-west-1:111111111111:secret:db-AbCdEf",
        "KeyPair": "deploy",
        "NextToken": None,
        "PasswordLastUsed": "2025-05-24",
        "Tags": [{"Key": "Secret", "Value": "no"}],
        "MinimumPasswordLength": 14,
    }

    assert REDACTOR.parts({"F": document}) == {"F": document}


def test_a_secret_key_is_known_by_the_id_beside_it() -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfi" + "CYEXAMPLEKEY"
    alone = {"a": {"x": secret}}
    beside = {"a": {"x": secret, "y": [FORMS["aws access key id"]]}}

    assert REDACTOR.parts(alone) == alone
    assert REDACTOR.parts(beside) == {"a": {"x": token(secret), "y": [token(FORMS["aws access key id"])]}}


def test_keys_of_maps_and_arguments_of_commands_are_searched_too() -> None:
    slack = FORMS["slack"]

    assert REDACTOR.parts(
        {slack: 1, "command": ["run", "--db-password", "hunter2", "--token", "$TOKEN", "--secret", "-v"]}
    ) == {
        token(slack): 1,
        "command": ["run", "--db-password", token("hunter2"), "--token", "$TOKEN", "--secret", "-v"],
    }


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(FORMS)), st.sampled_from(sorted(ENCODINGS)), st.integers(0, 3))
def test_no_secret_survives_anywhere_in_a_document(form: str, encoding: str, depth: int) -> None:
    secret = FORMS[form]
    document: Any = {"text": ENCODINGS[encoding](f"a {secret}"), "KeyId": "x"}
    for level in range(depth):
        document = {"level": [level, document]}

    found = json.dumps(REDACTOR.parts(document), ensure_ascii=False)

    assert not survives(secret if "\n" not in secret else secret.splitlines()[1], found)
    assert '"KeyId": "x"' in found


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda below: st.lists(below) | st.dictionaries(st.text(), below),
        max_leaves=15,
    )
)
def test_a_document_is_copied_and_redacting_twice_is_redacting_once(document: Any) -> None:
    before = json.dumps(document)
    paths: dict[str, Any] = {"secret": ["*.a", "0.*"], "settings": ["*"]}
    once = REDACTOR.parts({"x": document}, **paths)

    assert json.dumps(document) == before
    assert REDACTOR.parts(once, **paths) == once
    json.dumps(once, allow_nan=False, ensure_ascii=False).encode()


def test_what_clients_return_beside_json_becomes_json() -> None:
    at = dt.datetime(2025, 5, 24, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))

    assert REDACTOR.parts({"at": at, "day": dt.date(2025, 5, 24), "raw": b"\xff", "t": (1, 2)}) == {
        "at": "2025-05-24T10:00:00Z",
        "day": "2025-05-24",
        "raw": "/w==",
        "t": [1, 2],
    }
    assert REDACTOR.parts({"a": "x\0", "b": "\ud800", "c": float("nan")}) == {"a": "x\ufffd", "b": "\ufffd", "c": "nan"}
    with pytest.raises(TypeError, match="a document cannot hold object"):
        REDACTOR.parts({"a": object()})


def logged(*args: Any, level: int = logging.INFO, **options: Any) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter(REDACTOR))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.log(level, *args, **options)
    return stream.getvalue()


def test_logs_hold_no_secret_in_message_arguments_or_exception() -> None:
    def fail() -> None:
        raise ValueError("cannot connect to postgres://app:hunter2@db/app")

    try:
        fail()
    except ValueError:
        text = logged("retrying with %s", {"Authorization": b"Bearer abcdefghijklmnop"}, exc_info=True, stack_info=True)

    assert "hunter2" not in text
    assert "abcdefghijklmnop" not in text
    assert f"postgres://app:{token('hunter2')}@db/app" in text
    assert text.startswith("retrying with {'Authorization': b'Bearer hm1:")
    assert "Traceback (most recent call last)" in text


def test_a_log_call_with_wrong_arguments_still_says_something() -> None:
    assert logged("%d items", "x") == "%d items\n"


@pytest.mark.parametrize(
    "text",
    ["://a:" * 100_000 + "@", "eyJ" * 200_000, "-----BEGIN PRIVATE KEY-----" * 20_000, "password=" * 60_000,
     "AKIA" * 100_000, "secret" * 80_000, '"name":"' * 50_000 + "secret",
     "--password " * 50_000, "A" * 1_000_000, "%41" * 200_000,
     "authorization:" * 40_000, "<secret>" * 60_000],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_long_repetitive_texts_are_searched_in_bounded_time(text: str) -> None:
    """Every quantifier is bounded or possessive; one that was not would not end here."""
    assert isinstance(REDACTOR.text(text), str)


SECRET = "Tr0ub4dor-Zx9"


@pytest.mark.parametrize(
    "document",
    [
        {"DescribeVolumes": {"Tags": [{"Key": "db_password", "Value": SECRET}]}},
        {"ListResourceTags": {"Tags": [{"TagKey": "api-token", "TagValue": SECRET}]}},
        {"ListTags": {"Tags": {"api_token": SECRET}}},
        {"aws_instance": {"aws_instance.a": {"tags": {"Password": SECRET}, "tags_all": {"Password": SECRET}}}},
        {"object": {"metadata": {"labels": {"password": SECRET}, "annotations": {"acme.example/secret": SECRET}}}},
        {"object": {"spec": {"volumes": [{"csi": {"volumeAttributes": {"clientSecret": SECRET}}}]}}},
        {"object": {"spec": {"volumes": [{"flexVolume": {"options": {"password": SECRET}}}]}}},
        {"probe": {"httpHeaders": [{"name": "X-Auth-Token", "value": SECRET}]}},
        {"trust": {"Statement": [{"Condition": {"StringEquals": {"sts:ExternalId": [SECRET]}}}]}},
    ],
)
def test_what_people_name_a_secret_is_one_wherever_they_write_it(document: dict[str, Any]) -> None:
    kept = json.dumps(REDACTOR.parts(document))

    assert SECRET not in kept
    assert REDACTOR.token(SECRET) in kept


@pytest.mark.parametrize(
    "document",
    [
        {"Tags": [{"Key": "environment", "Value": "production"}, {"Key": "token-ttl", "Value": "60"}]},
        {"MetadataOptions": {"HttpTokens": "required"}, "KeyName": "ops", "Tags": {"team": "web"}},
        {"labels": {"app": "shop"}, "PasswordLastUsed": "2026-01-01", "KeyId": "k-1"},
        {"Tags": [{"Key": "password", "Value": ""}]},
    ],
)
def test_what_is_not_named_a_secret_stays(document: dict[str, Any]) -> None:
    assert REDACTOR.parts(document) == document
