"""YAML: who reads a file decides what it says, every value has a line, and no input takes more than its share."""

import subprocess
import sys
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.errors import InputError
from scanner.safe import yaml
from scanner.safe.yaml import Dialect, Limits, load


@pytest.fixture(params=["libyaml", "pure python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either source of events must give the same documents."""
    loader = pyyaml.CSafeLoader if request.param == "libyaml" else pyyaml.SafeLoader
    monkeypatch.setattr(yaml, "_EVENTS", loader)
    return str(request.param)


def value(text: str | bytes, dialect: Dialect = Dialect.CORE) -> Any:
    (document,) = load(text, "f.yaml", dialect)
    return document.value


def refusal(text: str | bytes, dialect: Dialect = Dialect.CORE, limits: Limits | None = None) -> str:
    with pytest.raises(InputError) as caught:
        load(text, "f.yaml", dialect, limits)
    return str(caught.value)


# One scalar, and what each reader makes of it. The kubectl column was run through kubectl 1.32.4
# (`kubectl label --local -o json`), but for integers of more than 64 bits, which it rounds and we keep as text.
SCALARS: list[tuple[str, Any, Any, Any]] = [
    # text, core, kubectl, pyyaml
    ("yes", "yes", True, True),
    ("No", "No", False, False),
    ("on", "on", True, True),
    ("OFF", "OFF", False, False),
    ("y", "y", True, "y"),
    ("N", "N", False, "N"),
    ("True", True, True, True),
    ("tRUE", "tRUE", "tRUE", "tRUE"),
    ("~", None, None, None),
    ("null", None, None, None),
    ("12", 12, 12, 12),
    ("+12", 12, 12, 12),
    ("012345670123", "012345670123", 1402433619, 1402433619),
    ("089", "089", 89, "089"),
    ("09.5", "09.5", 9.5, 9.5),
    ("-017", "-017", -15, -15),
    ("0o17", 15, 15, "0o17"),
    ("0x1F", 31, 31, 31),
    ("0b101", "0b101", 5, 5),
    ("-0b11", "-0b11", -3, -3),
    ("1_000", "1_000", 1000, 1000),
    ("22:30", "22:30", "22:30", 1350),
    ("1.10", 1.1, 1.1, 1.1),
    ("1.0", 1.0, 1, 1.0),
    ("1e3", 1000.0, 1000, "1e3"),
    (".5", 0.5, 0.5, 0.5),
    ("5.", 5.0, 5, 5.0),
    (".1_0", ".1_0", 0.1, 0.1),
    (".5_", ".5_", ".5_", 0.5),
    ("1e400", "1e400", "1e400", "1e400"),
    ("9223372036854775807", 2**63 - 1, 2**63 - 1, 2**63 - 1),
    ("9223372036854775808", "9223372036854775808", "9223372036854775808", "9223372036854775808"),
    ("0x1p4", "0x1p4", "0x1p4", "0x1p4"),
    ("0x", "0x", "0x", "0x"),
    ("0b_", "0b_", "0b_", "0b_"),
    ("2024-01-01", "2024-01-01", "2024-01-01", "2024-01-01"),
    ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
    ("=", "=", "=", "="),
    ("'yes'", "yes", "yes", "yes"),
    ('"012"', "012", "012", "012"),
    ("!!str 012", "012", "012", "012"),
    ("!!float 3", 3.0, 3, 3.0),
]


@pytest.mark.parametrize(("text", "core", "kubectl", "pyyaml_value"), SCALARS, ids=[case[0] for case in SCALARS])
def test_a_scalar_is_what_its_reader_reads(text: str, core: Any, kubectl: Any, pyyaml_value: Any, parser: str) -> None:
    read = [value(text, dialect) for dialect in (Dialect.CORE, Dialect.KUBECTL, Dialect.PYYAML)]

    assert [(type(item), item) for item in read] == [(type(item), item) for item in (core, kubectl, pyyaml_value)]


@settings(max_examples=300)
@given(st.text(alphabet="0123456789abxoe_.+-:~yn", min_size=1, max_size=12))
def test_the_pyyaml_dialect_agrees_with_pyyaml(text: str) -> None:
    """Wherever PyYAML gives a plain JSON value of 64 bits."""
    try:
        expected = pyyaml.safe_load(text)
    except (pyyaml.YAMLError, ValueError):
        return
    if type(expected) in (str, bool, type(None)) or (type(expected) is int and -(2**63) <= expected < 2**63):
        assert value(text, Dialect.PYYAML) == expected


def test_an_account_id_is_never_octal_and_its_spelling_is_kept() -> None:
    (document,) = load("id: 012345670123\nversion: 1.10\nother: 111111111111", "f", Dialect.CORE)

    assert document.value == {"id": "012345670123", "version": 1.1, "other": 111111111111}
    assert [document.text((key,)) for key in ("id", "version", "other")] == ["012345670123", "1.10", "111111111111"]


def test_a_country_is_not_false() -> None:
    assert value("country: no") == {"country": "no"}


def test_infinities_and_nan_are_refused_or_stay_text() -> None:
    assert refusal("a: 1\nb: .nan") == "f.yaml:2: .nan is not a finite number"
    assert refusal("-.Inf", Dialect.KUBECTL) == "f.yaml:1: -.Inf is not a finite number"
    assert value("[.inf, -.INF, .NaN]", Dialect.PYYAML) == [".inf", "-.INF", ".NaN"]


def test_keys_are_text_as_json_has_them() -> None:
    assert value("{1: a, yes: b, 010: c}") == {"1": "a", "yes": "b", "010": "c"}
    assert value("{1: a, yes: b, 010: c}", Dialect.KUBECTL) == {"1": "a", "true": "b", "8": "c"}
    assert value("{on: a, ~: b}", Dialect.PYYAML) == {"true": "a", "null": "b"}
    assert refusal("{~: a}", Dialect.KUBECTL) == "f.yaml:1: a key must not be empty or null"
    assert refusal("? [a]\n: b") == "f.yaml:1: has a list or a mapping as a key"


@pytest.mark.parametrize("dialect", Dialect)
def test_a_key_given_twice_is_an_error_that_names_both_lines(dialect: Dialect, parser: str) -> None:
    text = "mfa: true\nother: 1\nmfa: false\n"

    assert refusal(text, dialect) == "f.yaml:3: the key 'mfa' was already given on line 1; keep one of them"


def test_two_spellings_of_one_key_are_one_key() -> None:
    assert refusal("true: 1\nyes: 2", Dialect.KUBECTL).startswith(
        "f.yaml:2: the key 'true' was already given on line 1"
    )


def test_every_value_has_its_line(parser: str) -> None:
    text = "---\na:\n  - x\n  - b: 1\n    c: >\n      folded\n      text\n---\n# next\nd: {e: f}\n"
    first, second = load(text, "f", Dialect.CORE)

    lines = {path: first.line(path) for path in [(), ("a",), ("a", 0), ("a", 1), ("a", 1, "b"), ("a", 1, "c")]}
    assert lines == {(): 2, ("a",): 2, ("a", 0): 3, ("a", 1): 4, ("a", 1, "b"): 4, ("a", 1, "c"): 5}
    assert second.at(("d", "e")) == "f:10"
    assert first.at(("a", 1, "missing")) == "f:4"
    assert (first.text(("a",)), first.text(("a", 9))) == (None, None)


def test_streams_hold_any_number_of_documents(parser: str) -> None:
    def values(text: str) -> list[Any]:
        return [document.value for document in load(text, "f", Dialect.KUBECTL)]

    assert values("") == []
    assert values("# only a comment\n") == []
    assert values("---\n") == [None]
    assert values("a: 1\n---\n---\nb: 2\n") == [{"a": 1}, None, {"b": 2}]


def test_anchors_end_with_their_document() -> None:
    assert refusal("a: &x 1\n---\nb: *x") == "f.yaml:3: the alias *x has no anchor before it"


def test_aliases_are_the_value_of_their_anchor(parser: str) -> None:
    assert value("a: &x {b: [1]}\nc: *x\nd: &k e\n*k : 2") == {"a": {"b": [1]}, "c": {"b": [1]}, "d": "e", "e": 2}
    assert refusal("a: &x [*x]") == "f.yaml:1: the alias *x stands inside its own anchor"


MERGE = "base: &b {a: 1, b: 2}\nafter: {b: 3, <<: [*b, {c: 4, a: 9}]}\nbefore: {<<: *b, b: 3}\n"


def test_merged_keys_give_way_to_written_ones_but_for_kubectl_where_the_last_wins(parser: str) -> None:
    for dialect in (Dialect.CORE, Dialect.PYYAML):
        assert value(MERGE, dialect) == {
            "base": {"a": 1, "b": 2},
            "after": {"a": 1, "b": 3, "c": 4},
            "before": {"a": 1, "b": 3},
        }
    assert value(MERGE, Dialect.KUBECTL) == {
        "base": {"a": 1, "b": 2},
        "after": {"a": 1, "b": 2, "c": 4},
        "before": {"a": 1, "b": 3},
    }
    assert value(MERGE, Dialect.PYYAML) == pyyaml.safe_load(MERGE)


def test_a_quoted_merge_key_is_a_key_and_a_scalar_cannot_be_merged() -> None:
    assert value('{"<<": {a: 1}}') == {"<<": {"a": 1}}
    assert refusal("a: 1\n<<: x") == "f.yaml:2: merges (<<) what is not a mapping"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("a: !!python/object/apply:os.system [id]", "tag:yaml.org,2002:python/object/apply:os.system"),
        ("a: !!python/name:os.system x", "tag:yaml.org,2002:python/name:os.system"),
        ("a: !Ref x", "!Ref"),
        ("a: !!set {b}", "tag:yaml.org,2002:set"),
        ("a: !!binary aGk=", "tag:yaml.org,2002:binary"),
    ],
)
def test_tags_that_are_not_core_are_refused(text: str, tag: str, parser: str) -> None:
    assert refusal(text, Dialect.PYYAML) == f"f.yaml:1: has the tag {tag}, which is not read; use plain values"


def test_a_tag_that_its_value_contradicts_is_refused() -> None:
    assert refusal("a: !!int x") == "f.yaml:1: is tagged int but holds 'x'"


def test_text_that_is_no_yaml_names_its_line(parser: str) -> None:
    assert refusal("a: 1\nb: [1, 2\n").startswith("f.yaml:3: is not YAML: while parsing a flow sequence")
    assert refusal("a: b: c").startswith("f.yaml:1: is not YAML: ")


def test_forbidden_characters_name_their_line(parser: str) -> None:
    assert refusal("é: 1\nb: \x00").startswith("f.yaml:2: ")
    assert refusal("é: 1\nb: \x1b[31m").startswith("f.yaml:2: ")
    assert refusal('a: 1\nb: "\\0"') == "f.yaml:2: holds a NUL or half a surrogate pair, which no text may hold"
    assert refusal('a: 1\nb: "\\ud800"').startswith("f.yaml:2: ")
    assert refusal("a: \ud800").startswith("f.yaml:1: ")
    assert refusal(b"a: 1\nb: \xff") == "f.yaml:2: is not UTF-8 text (byte 8); save it as UTF-8"
    assert value(b"\xef\xbb\xbfa: 1") == {"a": 1}


def test_an_escape_arrives_as_a_real_one_for_the_writers_to_strip() -> None:
    assert value('"\\e[31m"') == "\x1b[31m"


def bomb(levels: int, width: int) -> str:
    lines = [f"a0: &a0 [{','.join('1' * width)}]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


def merge_bomb(levels: int) -> str:
    lines = ["a0: &a0 {k: 1}"] + [f"a{n}: &a{n} {{k{n}: 1, <<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, levels)]
    return "\n".join(lines)


def test_expansion_is_counted_where_it_happens(parser: str) -> None:
    assert refusal(bomb(9, 9)) == "f.yaml:7: holds or expands to too many values (limit 1,000,000)"
    assert "expands to too many values" in refusal(merge_bomb(400))
    assert refusal("[" + "x," * 20 + "]", limits=Limits(nodes=20)).startswith("f.yaml:1: holds or expands")


def test_the_number_of_aliases_is_limited() -> None:
    assert "uses too many aliases (limit 1,000)" in refusal("- &a 1\n" + "- *a\n" * 1001)


@pytest.mark.parametrize("text", ["- " * 101, "a:\n" + "".join(" " * n + "- \n" for n in range(1, 102))])
def test_depth_is_limited(text: str, parser: str) -> None:
    assert "is nested too deeply (limit 100)" in refusal(text)


def test_depth_up_to_the_limit_is_read() -> None:
    assert value("[" * 100 + "]" * 100) == eval("[" * 90 + "X" + "]" * 90, {"X": eval("[" * 10 + "]" * 10)})  # noqa: S307


def test_size_is_limited() -> None:
    assert refusal("a: " + "x" * 5_000_000) == "f.yaml: is larger than 5,000,000 bytes (limit 5,000,000)"


HOSTILE = {
    "deep flow": "'[' * 100_000",
    "deep flow mappings": "'{a: ' * 100_000",
    "deep block": "'- ' * 100_000",
    "deep keys": "'? ' * 100_000",
    "deep indentation": "''.join(' ' * n + 'a:\\n' for n in range(2_000))",
    "aliases": "'a: &a [' + '1,' * 9 + ']\\n' + ''.join(f'b{n}: &b{n} [' + f'*b{n-1},' * 9 + ']\\n' for n in range(9))"
    ".replace('*b-1', '*a')",
    "merge keys": "'a0: &a0 {k: 1}\\n' + ''.join(f'a{n}: &a{n} {{<<: [*a{n-1}, *a{n-1}]}}\\n' for n in range(1, 40))",
    "one long scalar": "'a: \"' + 'x' * 4_900_000 + '\"'",
    "long digits": "'a: ' + '9' * 4_900_000",
    "many keys": "''.join(f'key{n}: {n}\\n' for n in range(100_000))",
    "python object": "'!!python/object/apply:os.system [id]'",
    "anchors": "''.join(f'- &a{n} x\\n' for n in range(100_000))",
    "nul": "'\\0' * 1000",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_ends_with_a_value_or_one_line(name: str) -> None:
    """In a process of its own, with 512 MB: a crash of the C parser or a hang would show."""
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))\n"
        "from scanner.errors import InputError\nfrom scanner.safe.yaml import Dialect, load\n"
        f"text = {HOSTILE[name]}\n"
        "for dialect in Dialect:\n"
        "    try:\n        load(text, 'f.yaml', dialect); print('read')\n"
        "    except InputError as error:\n        print(str(error).count(chr(10)), str(error)[:9])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert all(line == "read" or line.startswith("0 f.yaml:") for line in done.stdout.splitlines())
    assert len(done.stdout.splitlines()) == 3


@settings(max_examples=400)
@given(st.binary(max_size=200), st.sampled_from(Dialect))
def test_any_bytes_give_documents_or_an_input_error(data: bytes, dialect: Dialect) -> None:
    try:
        documents = load(data, "f", dialect)
    except InputError:
        return
    assert all(is_json(document.value) for document in documents)


@settings(max_examples=400)
@given(st.text(alphabet="ab01-:?&*<[]{},'\"|>!%#~. \n", max_size=60), st.sampled_from(Dialect))
def test_any_text_of_indicators_gives_documents_or_an_input_error(text: str, dialect: Dialect) -> None:
    try:
        documents = load(text, "f", dialect)
    except InputError:
        return
    assert all(is_json(document.value) for document in documents)


def is_json(item: Any) -> bool:
    match item:
        case dict():
            return all(type(key) is str and is_json(below) for key, below in item.items())
        case list():
            return all(map(is_json, item))
        case _:
            return type(item) in (str, int, float, bool, type(None))
