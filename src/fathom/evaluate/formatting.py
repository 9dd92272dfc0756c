"""Metrics as text: their labels, and as many digits as are significant."""

import math

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


def join_words(words: list[str]) -> str:
    """Return "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def describe_criterion(monitor: str, folds: int | None = None) -> str:
    """Return what ranks epochs or trials: "validation RMSE", "mean validation loss of 5 folds"."""
    labels = METRIC_LABELS["regression"] | METRIC_LABELS["classification"] | {"loss": "loss"}
    label = labels.get(monitor.removeprefix("val_").removeprefix("main_output_"))
    known = label is not None and monitor.startswith("val_")
    criterion = f"validation {label}" if known else monitor
    return criterion if folds is None else f"mean {criterion} of {folds} folds"


def format_mean(spread: dict[str, float] | None) -> str:
    """Return "mean ± standard deviation", to the deviation's first digit, or to its second if the
    first is a 1.
    """
    if spread is None:
        return ""
    sd, decimals = spread["sd"], 4
    if sd:
        exponent = math.floor(math.log10(sd))
        decimals = max(-exponent + (sd < 2 * 10**exponent), 0)
    return f"{spread['mean']:,.{decimals}f} ± {sd:,.{decimals}f}"


def format_percent(fraction: float) -> str:
    """Return a chosen fraction, such as a confidence: "95 %"."""
    return f"{100 * fraction:g} %"


def format_share(fraction: float) -> str:
    """Return a measured fraction: "90.4 %"."""
    return f"{100 * fraction:.1f} %"


def format_number(value: float | None) -> str:
    """Return four significant digits, or a whole number from 1000 on."""
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
    """Return "1.5 h", "2.0 min" or "30 s"."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
