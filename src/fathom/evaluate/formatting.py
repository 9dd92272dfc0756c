"""Figures as people read them: their names, and as many digits as they are worth."""

import math

from fathom.artifacts.problem import Problem

METRIC_LABELS = {
    "regression": {"rmse": "RMSE", "mae": "MAE", "mse": "MSE", "r2": "R²"},
    "classification": {
        "accuracy": "accuracy",
        "cross_entropy": "cross-entropy",
        "f1_macro": "macro F1",
        "ece": "ECE",
    },
}
SUBSET_LABELS = {"test": "test", "valid": "validation", "train": "training"}


def format_mean(spread: dict[str, float] | None) -> str:
    """Return a mean with its standard deviation: that to one digit, or two if the first is a 1, as
    a mean is not known any better.
    """
    if spread is None:
        return ""
    sd, decimals = spread["sd"], 4
    if sd:
        first = math.floor(math.log10(sd))
        decimals = max(-first + (sd < 2 * 10**first), 0)
    return f"{spread['mean']:,.{decimals}f} ± {sd:,.{decimals}f}"


def describe_inputs(problem: Problem) -> str:
    """Say how many columns of a table networks are given."""
    kinds = {"number": len(problem.numbers), "category": len(problem.categories)}
    plurals = {"number": "numbers", "category": "categories"}
    return " and ".join(
        f"{count} {name if count == 1 else plurals[name]}" for name, count in kinds.items() if count
    )


def format_percent(share: float) -> str:
    return f"{100 * share:g} %"


def format_share(of_rows: float) -> str:
    return f"{100 * of_rows:.1f} %"


def format_number(value: float | None) -> str:
    """Return a figure with four significant digits, large ones whole."""
    if value is None:
        return "–"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.4g}"
    return text.replace("-", "−", 1) if value < 0 else text


def format_signed(value: float) -> str:
    """Return a difference with its sign and two significant digits."""
    if value == 0:
        return "0"
    decimals = max(1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:+,.{decimals}f}".replace("-", "−")


def format_duration(seconds: float) -> str:
    """Return a time as people say it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
