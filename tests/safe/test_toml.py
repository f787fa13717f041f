"""TOML: the same values and the same limits as JSON."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.errors import InputError
from scanner.safe.json import canonical
from scanner.safe.toml import load


def refusal(data: bytes | str, **limits: int) -> str:
    with pytest.raises(InputError) as caught:
        load(data, "f.toml", **limits)
    return str(caught.value)


def test_values_have_json_types() -> None:
    text = 'a = 2024-01-01\nb = 10:00:00\nc = 2024-01-01T10:00:00Z\nd = nan\ne = 9223372036854775808\nf = "\\u0000"\n'

    assert load(text + "[t]\nx = [1, true, 1.5]", "f") == {
        "a": "2024-01-01",
        "b": "10:00:00",
        "c": "2024-01-01T10:00:00+00:00",
        "d": "nan",
        "e": "9223372036854775808",
        "f": "\ufffd",
        "t": {"x": [1, True, 1.5]},
    }


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a = " + "[" * 100_000, "f.toml"),
        ("x = 1\na" + ".a" * 100_000 + " = 1", "f.toml:2"),  # tomllib alone takes gigabytes for it
        ("[" + '"".' * 50_000 + "a]", "f.toml:1"),
    ],
)
def test_depth_is_limited_before_memory_is_taken(text: str, where: str) -> None:
    assert refusal(text) == f"{where}: is nested too deeply (limit 100)"


def test_depth_is_limited_in_what_parses() -> None:
    assert refusal("x = " + "[" * 30 + "]" * 30, depth=20) == "f.toml: is nested too deeply"


def test_size_is_limited() -> None:
    assert refusal("a = 1", limit=4) == "f.toml: is larger than 4 bytes (limit 4)"


def test_a_key_given_twice_is_an_error_with_its_line() -> None:
    assert refusal("a = 1\na = 2\nb = 1\n") == "f.toml:2:6: is not TOML: cannot overwrite a value"


def test_malformed_text_is_placed() -> None:
    assert refusal("a = 1\nb = = 2\n") == "f.toml:2:5: is not TOML: invalid value"
    assert refusal("a = 1\nb = ") == "f.toml:2: is not TOML: invalid value; the file looks cut off"
    assert refusal(b"a = 1\nb = \xff") == "f.toml:2: is not UTF-8 text (byte 10); save it as UTF-8"
    assert refusal("a = " + "9" * 5000) == "f.toml: holds a number of too many digits"


@settings(max_examples=300)
@given(st.binary(max_size=80) | st.text(alphabet="ab.=[]{}\"'\\,01-:T \n", max_size=40).map(str.encode))
def test_any_bytes_give_a_table_or_an_input_error(data: bytes) -> None:
    try:
        table = load(data, "f")
    except InputError:
        return
    assert canonical(table)
