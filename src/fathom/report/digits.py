"""Numbers as a reader takes them: as many digits as their uncertainty leaves, no exponents."""

import math
from typing import Any

SHARES = ("accuracy", "f1_macro", "ece")
SAME_UNIT = ("rmse", "mae")
NEARLY_ONE = 0.99  # R² from which on two decimals hide what is left


def decimals_of(uncertainty: float) -> int:
    """Return the decimals up to the first digit of an uncertainty, or its second if the first is a
    1; negative ones for tens, hundreds and so on.
    """
    exponent = math.floor(math.log10(uncertainty))
    return 1 - exponent if uncertainty < 2 * 10.0**exponent else -exponent


def significant_decimals(value: float, digits: int) -> int:
    """Return the decimals that show so many significant digits of a number."""
    return digits - 1 - math.floor(math.log10(abs(value))) if value else 0


def choose_decimals(metrics: dict[str, Any], primary: str, half_width: float) -> dict[str, int]:
    """Return the decimals of each metric: those of the primary one by half the width of its
    interval, and of the others by their unit.

    `metrics` are those of one model. `half_width` is 0 if all resamples have the same value.
    """
    value = metrics[primary]
    own = decimals_of(half_width) if half_width > 0 else significant_decimals(value, 3)
    if primary in SHARES:
        own = max(own, 2)
    decimals = {}
    for name, number in metrics.items():
        if name == primary or (primary in SAME_UNIT and name in SAME_UNIT):
            decimals[name] = own
        elif name == "r2":
            decimals[name] = 4 if number is not None and number > NEARLY_ONE else 2
        elif name in SHARES:
            decimals[name] = max(own, 2) if primary in SHARES else 3
        else:
            decimals[name] = 3
    return decimals


def format_fixed(value: Any, decimals: int) -> str:
    """Return a number, or "–" for None, with so many decimals; below 0, rounded to tens, hundreds
    and so on.
    """
    if value is None:
        return "–"
    rounded = round(value, decimals)
    text = f"{abs(rounded):,.{max(decimals, 0)}f}"
    return f"−{text}" if rounded < 0 else text


def format_rounded(value: Any, digits: int = 3) -> str:
    """Return a number with so many significant digits, without an exponent: 39,900 and 0.0123."""
    return format_fixed(value, significant_decimals(value, digits))


def format_short(value: Any) -> str:
    """Return a value of a column with at most four significant digits: 99.9 and 1.234."""
    text = format_rounded(value, 4)
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_difference(value: Any) -> str:
    """Return a difference with its sign and two significant digits: −0.066, +1,200."""
    text = format_rounded(value, 2)
    return f"+{text}" if value > 0 else text
