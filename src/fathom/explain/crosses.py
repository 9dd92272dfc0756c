"""Which pairs of columns the wide path could be given as crosses."""

from typing import Any

import yaml

from fathom.scale.encoder import Encoder
from fathom.settings.data_settings import DatasetSettings

MOST = 3
STRONG = 0.5  # of the strongest pair
BUCKETS = 20  # of a number that has none yet


def suggested(
    pairs: list[dict[str, Any]], encoder: Encoder, dataset: DatasetSettings
) -> str | None:
    """Return lines for conf/dataset/<name>.yaml that cross the strongest pairs, and put into
    buckets the numbers that are not yet; None if there is no pair to cross.

    Dates are left out: crossed can be but their parts.

    Args:
        pairs: `columns` and `mean_absolute` of each, the strongest first.
    """
    numbers = [number.column for number in encoder.numbers]
    crossable = {*numbers, *(category.column for category in encoder.categories)}
    fit = [pair for pair in pairs if crossable.issuperset(pair["columns"])]
    strong = [p for p in fit if p["mean_absolute"] > STRONG * fit[0]["mean_absolute"]][:MOST]
    if not strong:
        return None
    crosses = [pair["columns"] for pair in strong]
    lines = [f"crosses: {in_yaml(crosses)}"]
    crossed = dict.fromkeys(name for columns in crosses for name in columns if name in numbers)
    if not isinstance(dataset.buckets, int):  # one count goes for all crossed numbers
        buckets = dict(dataset.buckets or {})
        missing = {name: BUCKETS for name in crossed if name not in buckets}
        if missing:
            lines.insert(0, f"buckets: {in_yaml(buckets | missing)}")
    return "\n".join(lines)


def in_yaml(value: Any) -> str:
    text = yaml.safe_dump(
        value, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=True
    )
    return text.strip()
