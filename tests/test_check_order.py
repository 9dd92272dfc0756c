"""Warnings of dates that do not rise with the rows, and of numbers that scaling makes equal."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from checks import IN_ORDER, Table, check_table

ORDER = (
    "split.shuffle is false, but the rows are not in the order of 'day': it falls in {}, so "
    "validation and test set are not the future of the training set; sort the rows by 'day' in "
    "the file, or split at random (split.shuffle: true)"
)


def in_days(days: Any, **others: Any) -> Table:
    """Return a table of 200 rows whose columns do not depend on their order."""
    rng = np.random.default_rng(0)
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(days, "D")
    return {"day": day, "size": rng.normal(size=200), "y": rng.normal(size=200)} | others


def sentences(table: Table, *overrides: str, kind: str = "order", **settings: Any) -> list[str]:
    return [w.sentence for w in check_table(table, *overrides, **settings) if w.kind == kind]


def test_warns_of_dates_that_do_not_rise(workspace: Path) -> None:
    days = np.arange(200) // 2
    assert sentences(in_days(days), IN_ORDER) == []
    assert sentences(in_days(days[::-1])) == []  # they are shuffled
    few = ORDER.format("1 of 200 rows, first in row 10 (2020-01-06, after 2020-03-31 in row 9)")
    moved_day = np.where(np.arange(200) == 9, 90, days)
    assert sentences(in_days(moved_day), IN_ORDER) == [few]
    noon = pd.Timestamp("2021-05-05 12:00")
    others = {"sent": [noon - pd.Timedelta(n, "D") for n in range(200)]}
    assert sentences(in_days(moved_day, **others), IN_ORDER) == [few]
    assert sentences(in_days(days, **others), IN_ORDER) == []
    assert sentences(in_days(days, **others), IN_ORDER, columns={"day": {"use": False}}) == []
    gaps = pd.Series(in_days(days[::-1])["day"]).mask(np.arange(200) % 4 == 1)
    falls = "99 of 150 rows, first in row 2 (2020-04-08, after 2020-04-09 in row 0)"
    assert sentences(in_days(days) | {"day": gaps}, IN_ORDER) == [ORDER.format(falls)]


@pytest.mark.parametrize("value", [-1.7976931348623157e308, 3.4e38, 1e9, -9_999_999])
def test_warns_of_a_number_far_from_all_others(workspace: Path, value: float) -> None:
    size = np.random.default_rng(1).normal(0.2, 0.5, 200)
    size[[5, 7]] = value
    (warning,) = (w for w in check_table(in_days(range(200), size=size)) if w.kind == "outlier")
    text = repr(float(value))
    assert warning.figures == {"rows": 2, "row": 5}
    assert warning.sentence == (
        f"'size' is {text} in row 5 (and so far in 2 rows), more than 1,000,000 interquartile "
        "ranges from the median: beside it, the scaled values of other rows hardly differ; "
        f'correct it, or add `missing: ["{text.removesuffix(".0")}"]` to the column\'s entry in '
        "dataset.columns if it stands for a missing value"
    )


def test_skewed_columns_give_no_warning_of_outliers(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {
        "size": np.exp(rng.normal(0, 3, 200)),
        "gain": np.where(rng.random(200) < 0.9, 0, rng.lognormal(8, 1, 200)),
        "rare": np.where(np.arange(200) == 9, 1e7, 0),  # the other value of two
        "wide": rng.standard_cauchy(200),
        "huge": rng.normal(size=200) * 1e300,
    }
    assert sentences(in_days(range(200), **columns), kind="outlier") == []


def test_warns_of_numbers_that_float32_does_not_tell_apart(workspace: Path) -> None:
    seconds = 1_600_000_000.0 + 60 * np.random.default_rng(0).permutation(200)
    whole, fine = np.arange(200) + 2**24, np.linspace(100.1, 110.2, 200)
    table = in_days(range(200), at=seconds, day_number=whole - 200, fine=fine)
    assert sentences(table, kind="precision") == [
        "'at' has values from 1600000000.0 on that networks take in steps of 128, those of "
        "float32: subtract a number from the column, or declare a category or a date"
    ]
    assert sentences(table, kind="precision", columns={"at": "category"}) == []


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_huge_target_is_one_warning(workspace: Path) -> None:
    y = np.random.default_rng(1).normal(size=200)
    y[5] = -1.7976931348623157e308
    warnings = check_table(in_days(range(200), y=y))
    assert [(w.kind, w.columns) for w in warnings] == [("outlier", ["y"])]
