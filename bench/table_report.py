"""`docs/tables.md`: the results of `tables.py` in Markdown."""

from collections.abc import Iterator, Mapping

from boosting import BOOSTING
from project_copy import markdown_table
from table_results import (
    BEST,
    RESAMPLES,
    SINGLE,
    Entry,
    competitors_of,
    count_verdicts,
    mean_ranks,
    mean_value,
)

from fathom.artifacts.ranking import HIGHER_IS_BETTER
from fathom.baseline.boosters import LEARNING_RATE, PATIENCE, ROUNDS
from fathom.evaluate.formatting import format_number

VERDICTS = ("better", "can't be told apart", "worse")
MARKS = {"better": " +", "can't be told apart": "", "worse": " −"}
SUMMARY = ("", "mean rank", "best network better", "can't be told apart", "worse")
LABELS = {"rmse": "RMSE", "accuracy": "accuracy"}
TEXT = """# Networks and boosting on tables

`make bench-tables` writes this page, and the metrics of each split to
[bench/tables.json](../bench/tables.json); `python bench/tables.py --only mpg` measures one table
again. Every table goes through `fathom new-dataset --yes` without an edit; those that come with the
project have its settings (`conf/dataset/`). The seeds of the splits count from 42. The networks are
{networks}, with the default settings: runs on folds of the training and validation rows together.

Boosting trains on the training rows alone, with standardized numbers and with categories as
categories. Each library has its default settings; with "es", those of the stage `baseline`:
{rounds} rounds at a rate of {rate} (CatBoost: at its own) that stop after {patience} without an
improvement on the validation rows.

## Metrics on test rows

Means over the splits. The best network is the one that is best on the validation rows of a split;
the single network is the mean of its runs, each by itself. In a column of boosting, + says that the
best network is better, − that it is worse: 95 % of the differences between them, over {resamples}
resamples of the test rows (paired bootstrap), are on one side of 0. The rows of all splits are
resampled together, a row that is a test row of several splits with all its errors at once.

{metrics}

## Summary

Ranks are among eight, boosting and one network, on the test rows of a split, from 1, the best: the
mean over splits, then over tables. The other columns count the tables where the best network is
significantly better, or worse, over all splits.

{summary}

## Seconds of training

Means over the splits, on {cores}; XGBoost es uses one. The best network: all its runs, but not the
other networks. The single network: one of its runs, while others train. A * marks seconds that come
from the cache: the machine may have done something else, too, at that time.

{seconds}
"""


def report(entries: Mapping[str, Entry]) -> str:
    """Return the page; every entry has all boosting and the same number of networks."""
    first = next(iter(entries.values()))
    networks = [n for n in competitors_of(first) if n not in (BEST, SINGLE, *BOOSTING)]
    metrics = [metric_row(table, entry, networks) for table, entry in entries.items()]
    timed = [*networks, BEST, SINGLE, *BOOSTING]
    seconds = [
        [table, *(format_seconds(e, name) for name in timed)] for table, e in entries.items()
    ]
    return TEXT.format(
        networks=", ".join(f"`{name}`" for name in networks),
        rounds=f"{ROUNDS:,}",
        patience=PATIENCE,
        rate=LEARNING_RATE,
        resamples=f"{RESAMPLES:,}",
        metrics=markdown_table(("table", "rows", "splits", "test", *timed), metrics),
        summary=markdown_table(SUMMARY, summary_rows(entries)),
        cores=f"{first['cores']} cores",
        seconds=markdown_table(("table", *timed), seconds),
    )


def metric_row(table: str, entry: Entry, networks: list[str]) -> list[str]:
    metric = entry["metric"]
    values = {name: mean_value(entry, name, "test") for name in [BEST, SINGLE, *BOOSTING]}
    best = (max if metric in HIGHER_IS_BETTER else min)(values.values())
    cells = [format_number(mean_value(entry, name, "test")) for name in networks]
    for name, value in values.items():
        text = format_number(value)
        mark = MARKS[entry["verdicts"][name]["verdict"]] if name in BOOSTING else ""
        cells.append((f"**{text}**" if value == best else text) + mark)
    rows, splits = sum(entry["rows"].values()), len(entry["splits"])
    return [table, f"{rows:,}", str(splits), LABELS[metric], *cells]


def summary_rows(entries: Mapping[str, Entry]) -> Iterator[list[str]]:
    ranks = mean_ranks(entries)
    yield [BEST, f"{ranks[BEST]:.2f}", "", "", ""]
    yield [SINGLE, f"{mean_ranks(entries, SINGLE)[SINGLE]:.2f}", "", "", ""]
    for name in BOOSTING:
        counts = count_verdicts(entries, name)
        yield [name, f"{ranks[name]:.2f}", *(str(counts[verdict]) for verdict in VERDICTS)]


def format_seconds(entry: Entry, name: str) -> str:
    cached = any(split["competitors"][name].get("cached") for split in entry["splits"].values())
    seconds = mean_value(entry, name, "seconds")
    return f"{seconds:,.1f}" + ("*" if cached else "")
