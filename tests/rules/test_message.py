"""Messages are filled by look-up, with a few formats, and what is not known is said to be unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.rules.message import FORMATS, parse
from scanner.tables import Value


@pytest.mark.parametrize(
    ("template", "value", "shown"),
    [
        ("{x}", 5, "5"),
        ("{x}", None, "unknown"),
        ("{x:days}", None, "unknown"),
        ("{x:days}", 3024000, "35 days"),
        ("{x:days}", 86400, "1 day"),
        ("{x:days}", 129600, "1.5 days"),
        ("{x:days}", 0, "0 days"),
        ("{x:hours}", 3600, "1 hour"),
        ("{x:hours}", 5400, "1.5 hours"),
        ("{x:duration}", 7200.0, "2 hours"),
        ("{x:duration}", 1800, "30 minutes"),
        ("{x:duration}", 86400, "1 day"),
        ("{x:duration}", 61, "61 seconds"),
        ("{x:duration}", 0, "0 seconds"),
        ("{x}", 365.0, "365"),
        ("{x}", 0.25, "0.25"),
        ("{x:bytes}", 512, "512 B"),
        ("{x:bytes}", 1536, "1.5 KiB"),
        ("{x:bytes}", 20 * 2**30, "20 GiB"),
        ("{x:bytes}", 2**62, "4096 PiB"),
        ("{x:percent}", 12.5, "12.5 %"),
        ("{x:list}", "a b,c", "a, b, c"),
        ("{x:list}", "", "none"),
        ("{x:time}", 1767225600, "2026-01-01 00:00 UTC"),
        ("{x:time}", 0, "never"),
        ("{x:time}", 10**15, "1000000000000000 s"),
        ("{x:yesno}", 1, "yes"),
        ("{x:yesno}", 0, "no"),
    ],
)
def test_a_value_is_shown(template: str, value: Value, shown: str) -> None:
    assert parse(f"<{template}>").fill([value]) == f"<{shown}>"


@given(st.text())
def test_a_value_is_never_read_again(value: str) -> None:
    assert parse("{a}|{environment.b}").fill([value, "{a}"]) == f"{value}|{{a}}"


@pytest.mark.parametrize(
    "text", ["{", "}", "{}", "{a b}", "{a:}", "{a:nothing}", "{a.b.c}", "{a!r}", "{a[0]}", "{{a}}"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\{|brace"):
        parse(text)


@given(st.sampled_from(sorted(FORMATS)), st.integers(-(2**63), 2**63 - 1))
def test_a_format_shows_every_number_that_a_column_can_hold(form: str, value: int) -> None:
    assert parse(f"{{a:{form}}}").fill([value])
