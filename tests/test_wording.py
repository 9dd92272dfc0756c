"""Numbers and groups as texts."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fathom.evaluate.formatting import (
    format_mean,
    format_number,
    format_percent,
    format_share,
    format_signed,
)
from fathom.report.regression import group_values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.46036, "0.4604"), (41.0512, "41.05"), (128.0, "128.0"), (1301.4, "1,301"),
        (31_693.2, "31,693"), (-0.00027, "−0.0002700"), (None, "–"),
    ],
)  # fmt: skip
def test_number(value: float | None, text: str) -> None:
    assert format_number(value) == text


def test_other_formats() -> None:
    assert format_signed(-0.0112) == "−0.011"
    assert format_signed(421.9) == "+422"
    assert format_signed(0) == "0"
    assert format_percent(0.95) == "95 %"
    assert format_share(0.90388) == "90.4 %"
    assert format_mean({"mean": 0.52003, "sd": 0.0039, "n": 3}) == "0.520 ± 0.004"
    assert format_mean({"mean": 0.97926, "sd": 0.0109, "n": 3}) == "0.979 ± 0.011"


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        ([2012] * 5 + [2011] * 3, ["2011", "2012"]),
        ([10, 9, 10, np.nan], ["9.0", "10.0", "missing"]),
        (["b", "a", "b"], ["b", "a"]),
        (["b", "a", "b", None], ["b", "a", "missing"]),
    ],
)
def test_groups_of_few_values(values: list[Any], groups: list[str]) -> None:
    found = group_values(pd.Series(values, name="x"))
    assert list(found.remove_unused_categories().categories) == groups


def test_groups_of_numbers_begin_at_the_lowest() -> None:
    found = group_values(pd.Series(np.arange(0, 1000), name="x"))
    groups = list(found.remove_unused_categories().categories)
    assert len(groups) == 10
    assert groups[0] == "0 – 99.9"
    assert groups[-1] == "899.1 – 999"
