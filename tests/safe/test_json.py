"""JSON: unambiguous when read, one spelling when written for a digest."""

import json as stdlib
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.errors import InputError
from scanner.safe.json import canonical, load

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.recursive(SCALARS | TEXTS, lambda below: st.lists(below) | st.dictionaries(TEXTS, below), max_leaves=20)


def refusal(data: bytes | str, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        load(data, "f.json", **options)
    return str(caught.value)


def test_depth_is_limited_before_anything_is_parsed() -> None:
    assert refusal(b"[" * 100_000) == "f.json: is nested too deeply (limit 200)"
    assert refusal(b'{"a":' * 100_000) == "f.json: is nested too deeply (limit 200)"
    assert load(b"[" * 200 + b"]" * 200, "f") == stdlib.loads("[" * 200 + "]" * 200)


def test_brackets_in_strings_are_not_depth() -> None:
    text = stdlib.dumps(["[{" * 1000, '\\"[' * 1000])

    assert load(text, "f") == ["[{" * 1000, '\\"[' * 1000]


def test_strings_that_never_end_are_scanned_once() -> None:
    """Linear by construction: quadratic scanning of these would not end in a test's time."""
    assert "ends in the middle" in refusal(b"[" * 201 + b'"' + b'\\"' * 2_000_000, depth=300)
    assert "nested too deeply" in refusal(b'"",' * 500_000 + b"[" * 201)


def test_size_is_limited() -> None:
    assert refusal(b'"xxxxxxxxxx"', limit=10) == "f.json: is larger than 10 bytes (limit 10)"


def test_a_key_given_twice_is_an_error_that_names_both_lines() -> None:
    text = '{"a": {"mfa": 1},\n "mfa": [{"x": "}"}],\n "b": 2,\n "m\\u0066a": false}'

    assert refusal(text) == "f.json:4: the key 'mfa' was already given on line 2; keep one of them"
    assert load(text, "f", duplicates="last") == {"a": {"mfa": 1}, "mfa": False, "b": 2}


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_json_does_not_have_is_refused(name: str) -> None:
    assert refusal(f"[{name}]") == f"f.json: holds {name}, which is not JSON"


def test_numbers_that_a_column_cannot_hold_stay_text() -> None:
    digits = "9" * 5000

    assert load(f"[9223372036854775807, 9223372036854775808, -9223372036854775809, 1e400, {digits}]", "f") == [
        9223372036854775807,
        "9223372036854775808",
        "-9223372036854775809",
        "1e400",
        digits,
    ]


def test_nul_and_half_surrogate_pairs_become_replacement_characters() -> None:
    assert load(r'{"\u0000": "\ud800x", "b": "\ud83d\ude00"}', "f") == {"\ufffd": "\ufffdx", "b": "😀"}
    assert load('["\ud800"]', "f") == ["\ufffd"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            b'{"a": [1,\n 2',
            "f.json:2:3: ends in the middle of a value: not JSON; the file looks cut off; write it again",
        ),
        (b'{"a": "x', "f.json:1:7: ends in the middle of a value: not JSON; the file looks cut off; write it again"),
        (b" \n", "f.json:2:1: is empty: not JSON; the file looks cut off; write it again"),
        (b'{"a" 1}', "f.json:1:6: is not JSON: expecting ':' delimiter"),
        (b"[1] x", "f.json:1:5: is not JSON: extra data"),
        (b'["a\nb"]', "f.json:1:4: is not JSON: invalid control character at"),
        (b"[1,\n\xff]", "f.json:2: is not UTF-8 text (byte 4); save it as UTF-8"),
    ],
)
def test_malformed_text_is_placed_and_explained(text: bytes, message: str) -> None:
    assert refusal(text) == message


def test_a_byte_order_mark_is_skipped() -> None:
    assert load(b"\xef\xbb\xbf[1]", "f") == [1]


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert load(canonical(value), "f") == value


@given(VALUES)
def test_canonical_json_is_a_fixed_point_without_spaces(value: Any) -> None:
    text = canonical(value)

    assert canonical(load(text, "f")) == text
    assert stdlib.loads(text) == value


@given(st.dictionaries(TEXTS, SCALARS))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    assert canonical(value) == canonical(dict(reversed(value.items())))


def test_canonical_json_has_one_spelling() -> None:
    assert canonical({"é": 1.0, "b": [True, None, 1e16, "\u2028\ud800"], "a": 0.1}) == (
        '{"a":0.1,"b":[true,null,1e+16,"\u2028\ufffd"],"é":1.0}'.encode()
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, [{"a": -math.inf}]])
def test_canonical_json_has_no_nan(value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(value)


@settings(max_examples=300)
@given(st.binary(max_size=100) | st.text(alphabet='{}[]",:\\u0dE19-. ntf', max_size=40).map(str.encode))
def test_any_bytes_give_a_value_or_an_input_error(data: bytes) -> None:
    try:
        value = load(data, "f")
    except InputError:
        return
    assert load(canonical(value), "f") == value
