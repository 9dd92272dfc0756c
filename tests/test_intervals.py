"""Prediction intervals cover the share of rows that they target."""

import numpy as np
import pytest

from fathom.evaluate.intervals import fit_interval, measure_coverage


def test_intervals_reach_their_coverage() -> None:
    rng = np.random.default_rng(5)
    predicted = rng.uniform(0, 10, 40_000)
    actual = predicted + rng.normal(0, 0.1 + predicted)
    for coverage in (0.5, 0.9, 0.99):
        interval = fit_interval(predicted[:20_000], actual[:20_000], coverage)
        assert interval is not None
        assert len(interval.half_widths) == 10
        metrics = measure_coverage(interval, [(actual[20_000:], predicted[20_000:])])
        assert metrics["coverage"] == pytest.approx(coverage, abs=0.01)
        for low, high in ((0, 1), (9, 10)):  # small and large errors
            some = (predicted > low) & (predicted < high)
            few = measure_coverage(interval, [(actual[some], predicted[some])])
            assert few["coverage"] == pytest.approx(coverage, abs=0.03)


def test_an_interval_is_the_right_order_statistic() -> None:
    actual = np.arange(1.0, 20.0)  # 19 errors, of 1 to 19
    interval = fit_interval(np.zeros(19), actual, 0.9)
    assert interval is not None
    assert interval.half_widths == [18.0]  # the 18th of 20: at least 90 % of the next row's places
    assert fit_interval(np.zeros(8), actual[:8], 0.9) is None  # the largest is not enough
