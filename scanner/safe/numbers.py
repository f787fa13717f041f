"""Numbers from outside, made fit for a database column: exact, finite, and at most 64 bits wide."""

import math

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def integer(text: str, base: int = 10) -> int | str:
    """The integer, or its text where SQLite's 64 bits cannot hold it. Raises ValueError if it is none."""
    if len(text) > 100:  # beyond any number; int() refuses more than 4,300 digits
        return text
    return fitted(int(text, base))


def fitted(value: int) -> int | str:
    """An integer as it is, or as decimal text where 64 bits cannot hold it."""
    return value if INT64_MIN <= value <= INT64_MAX else str(value)


def real(text: str) -> float | str:
    """The number, or its text where a double would be infinite. Raises ValueError if it is none."""
    value = float(text)
    return value if math.isfinite(value) else text
