"""Suggestions of crosses for the wide path."""

from typing import Any

import yaml

from fathom.scale.encoder import Encoder
from fathom.settings.data_settings import DatasetSettings

MAX_CROSSES = 3
MIN_STRENGTH = 0.5  # of the strongest pair
BUCKETS = 20  # for a number without buckets


def suggest_crosses(
    pairs: list[dict[str, Any]], encoder: Encoder, dataset: DatasetSettings
) -> str | None:
    """Return lines for conf/dataset/<name>.yaml that cross the strongest pairs and add buckets for
    their numbers; None if no pair can be crossed. Dates cannot.

    Args:
        pairs: `columns` and `mean_absolute` of each, the strongest first.
    """
    numbers = [number.column for number in encoder.numbers]
    crossable = {*numbers, *(category.column for category in encoder.categories)}
    pairs = [pair for pair in pairs if crossable.issuperset(pair["columns"])]
    crosses = [
        pair["columns"]
        for pair in pairs
        if pair["mean_absolute"] > MIN_STRENGTH * pairs[0]["mean_absolute"]
    ][:MAX_CROSSES]
    if not crosses:
        return None
    lines = [f"crosses: {to_yaml(crosses)}"]
    if not isinstance(dataset.buckets, int):  # one number of buckets applies to all numbers
        buckets = dict(dataset.buckets or {})
        crossed = dict.fromkeys(name for pair in crosses for name in pair if name in numbers)
        missing = {name: BUCKETS for name in crossed if name not in buckets}
        if missing:
            lines.insert(0, f"buckets: {to_yaml(buckets | missing)}")
    return "\n".join(lines)


def to_yaml(value: Any) -> str:
    return yaml.safe_dump(
        value, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=True
    ).strip()
