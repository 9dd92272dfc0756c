"""What `tables.py` computes from the metrics and errors of all competitors on a table.

An entry of `tables.json` has the `metric`, the `rows` of each set, the `cores`, and `splits`: for
each seed of the split the `best` network on the validation rows; for each of the `competitors` its
metric on validation and test rows (`valid`, `test`) and `seconds` of training; and how the best
network compares with each boosting on the test rows (`verdicts`). The entry's own `verdicts` are
those of all splits together, with the `difference`, network minus boosting, and its bounds (`low`,
`high`).
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from boosting import BOOSTING

from fathom.artifacts.ranking import HIGHER_IS_BETTER, find_best
from fathom.compare.compare import compare_pairs, draw_groups, metric_of, resample_means
from fathom.evaluate.formatting import format_number

BEST, SINGLE = "best network", "single network"
RESAMPLES, CONFIDENCE, SEED = 2000, 0.95, 42

Entry = dict[str, Any]


def make_entry(splits: Mapping[int, tuple[dict[str, Any], pd.DataFrame]]) -> Entry:
    """Return the entry of a table from what `table_runs.py` wrote for each seed of the split."""
    entry: Entry = {"splits": {}}
    pooled = []
    for seed, (description, errors) in splits.items():
        metric, competitors = description["metric"], description["competitors"]
        entry |= {key: description[key] for key in ("metric", "rows", "cores")}
        networks = {
            n: competitor for n, competitor in competitors.items() if "single" in competitor
        }
        boosting = [name for name in competitors if name not in networks]
        result: dict[str, Any] = {"competitors": {n: dict(c) for n, c in competitors.items()}}
        if networks:
            validation = {n: {"valid": {metric: c["valid"]}} for n, c in networks.items()}
            best = find_best(validation, metric)
            own = result["competitors"]
            singles = {name: own[name].pop("single") for name in networks}
            result["best"] = best
            result["competitors"] = {**own, BEST: own[best], SINGLE: singles[best]}
            if boosting:
                columns = {"row": errors["row"], BEST: errors[best]}
                pooled.append(pd.DataFrame(columns | {name: errors[name] for name in boosting}))
                compared = compare_errors(pooled[-1], metric)
                result["verdicts"] = {name: c["verdict"] for name, c in compared.items()}
        entry["splits"][str(seed)] = result
    if pooled:
        entry["verdicts"] = compare_errors(pd.concat(pooled), entry["metric"])
    return entry


def compare_errors(errors: pd.DataFrame, metric: str) -> dict[str, dict[str, Any]]:
    """Compare the best network with each boosting by a paired bootstrap.

    `errors` has the number of a `row`, and a column of errors for each competitor. Errors on the
    same row in several splits are resampled together, since they are not independent.
    """
    groups = draw_groups(pd.factorize(errors["row"])[0], SEED)
    by_group = errors.drop(columns="row").groupby(groups)
    sums, sizes = by_group.sum(), by_group.size()
    means = resample_means(np.vstack([sizes, sums.to_numpy().T]), RESAMPLES, SEED)
    resampled = metric_of(means[1:] / means[0], metric)
    values = metric_of(sums.to_numpy().sum(axis=0) / sizes.sum(), metric)
    names = list(map(str, sums))
    best = names.index(BEST)
    compared = {}
    for place, name in enumerate(names):
        if place != best:  # each comparison by itself: the tables are many
            pair = best, place
            (compared[name],) = compare_pairs(
                values, resampled, [pair], CONFIDENCE, metric
            ).values()
    return compared


def competitors_of(entry: Entry) -> list[str]:
    return list(next(iter(entry["splits"].values()))["competitors"])


def mean_value(entry: Entry, competitor: str, key: str) -> float:
    """Return a competitor's mean metric or seconds over the splits."""
    splits = entry["splits"].values()
    return float(np.mean([split["competitors"][competitor][key] for split in splits]))


def mean_ranks(entries: Mapping[str, Entry], network: str = BEST) -> dict[str, float]:
    """Return the mean ranks of a network and of each boosting on the test rows, from 1, the best.

    They are the means over the splits of a table, and then over the tables.
    """
    names = [network, *BOOSTING]
    ranks = []
    for entry in entries.values():
        sign = -1 if entry["metric"] in HIGHER_IS_BETTER else 1
        splits = [split["competitors"] for split in entry["splits"].values()]
        values = [{name: sign * split[name]["test"] for name in names} for split in splits]
        ranks.append(pd.DataFrame(values).rank(axis=1).mean())
    means = pd.DataFrame(ranks).mean()
    return {name: float(means[name]) for name in names}


def count_verdicts(entries: Mapping[str, Entry], boosting: str) -> Counter[str]:
    """Return on how many tables the best network is better, worse or neither, over all splits."""
    return Counter(entry["verdicts"][boosting]["verdict"] for entry in entries.values())


def differences(
    before: Mapping[str, Entry], now: Mapping[str, Entry], subset: str
) -> list[tuple[str, str, str, str]]:
    """Return table, competitor, and its mean metric before and now, where the text differs."""
    lines = []
    for table in now.keys() & before.keys():
        for name in competitors_of(now[table]):
            old, new = (
                format_number(
                    mean_value(entry, name, subset) if name in competitors_of(entry) else None
                )
                for entry in (before[table], now[table])
            )
            if old != new:
                lines.append((table, name, old, new))
    return sorted(lines)
