"""Layers laid one over the other: the laws, and which layer gives what."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from scanner.collectors.config.merge import Effective, Given, merged, overlaid

BASE = {"database": {"pool_size": 10, "timeout": 30000}, "hosts": ["a", "b"], "security": {"session_timeout": 3600}}
PRODUCTION = {
    "database": {"pool_size": 50, "ssl_mode": "require"},
    "hosts": ["c"],
    "security": {"session_timeout": 3600},
}


def test_mappings_are_merged_and_all_else_is_replaced() -> None:
    """The document's own example: production overrides the pool and adds to the rest."""
    assert merged([BASE, PRODUCTION]) == {
        "database": {"pool_size": 50, "timeout": 30000, "ssl_mode": "require"},
        "hosts": ["c"],
        "security": {"session_timeout": 3600},
    }


def test_each_value_knows_its_layer_and_what_it_replaces() -> None:
    """A key that is given again with the same value replaces nothing."""
    assert overlaid([BASE, PRODUCTION]) == [
        Effective(
            ("database", "pool_size"),
            Given(1, 50, ("database", "pool_size")),
            Given(0, 10, ("database", "pool_size")),
        ),
        Effective(("database", "timeout"), Given(0, 30000, ("database", "timeout"))),
        Effective(("database", "ssl_mode"), Given(1, "require", ("database", "ssl_mode"))),
        Effective(("hosts", "0"), Given(1, "c", ("hosts", 0)), Given(0, "a", ("hosts", 0))),
        Effective(("security", "session_timeout"), Given(1, 3600, ("security", "session_timeout"))),
    ]


def test_null_is_a_value_and_does_not_take_a_key_away() -> None:
    """What an application does with null is its own affair; that it is there is a fact."""
    assert merged([{"a": 1, "b": {"c": 2}}, {"a": None, "b": None}]) == {"a": None, "b": None}


def test_one_and_true_are_different_values() -> None:
    """`debug: 1` over `debug: true` is a change of type, which is reported."""
    [found] = overlaid([{"debug": True}, {"debug": 1}])
    assert found.replaced == Given(0, True, ("debug",))


SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["x", ""])
NAMES = st.sampled_from("abc")
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3))
LAYERS = st.dictionaries(NAMES, TREES, max_size=3)


@given(one=LAYERS, two=LAYERS, three=LAYERS)
def test_merging_is_associative_where_no_mapping_meets_something_else(one: Any, two: Any, three: Any) -> None:
    """Laying the third over the first two is laying the last two, merged, over the first."""
    if conflicting(one, two) or conflicting(two, three) or conflicting(one, three):
        assume(False)
    assert merged([merged([one, two]), three]) == merged([one, merged([two, three])]) == merged([one, two, three])


def conflicting(one: Any, two: Any) -> bool:
    """Whether some key is a mapping in one and not in the other: there a mapping may be replaced, then merged."""
    if isinstance(one, dict) != isinstance(two, dict):
        return True
    return isinstance(one, dict) and any(conflicting(one[name], two[name]) for name in one.keys() & two.keys())


@given(layer=LAYERS)
def test_an_empty_layer_changes_nothing_and_neither_does_the_same_layer_again(layer: Any) -> None:
    """Neutral and idempotent."""
    assert merged([{}, layer]) == merged([layer, {}]) == merged([layer, layer]) == layer
    assert all(value.replaced is None for value in overlaid([layer, layer]))


@given(lower=LAYERS, upper=LAYERS)
def test_whatever_the_upper_layer_gives_holds(lower: Any, upper: Any) -> None:
    """An override cannot be lost; only an empty mapping gives nothing."""
    holds = {value.path: value.given for value in overlaid([lower, upper])}
    for value in overlaid([upper]):
        if value.given.value != {}:
            assert holds[value.path] == Given(1, value.given.value, value.given.at)


@given(layers=st.lists(LAYERS, max_size=4))
def test_the_values_with_their_layers_are_the_merged_configuration(layers: list[Any]) -> None:
    """Provenance and value come from one computation and agree with a plain merge, leaf by leaf."""
    whole: Any = {}
    for layer in layers:
        whole = plain(whole, layer)
    assert merged(layers) == whole
    assert [(v.path, v.given.value) for v in overlaid(layers)] == [
        (v.path, v.given.value) for v in overlaid([whole])
    ]  # fmt: skip


def plain(lower: Any, upper: Any) -> Any:
    """The rule as documented, written once more."""
    if isinstance(lower, dict) and isinstance(upper, dict):
        return {name: plain(lower.get(name), upper[name]) if name in upper else lower[name] for name in lower | upper}
    return upper
