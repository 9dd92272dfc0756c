"""What the report says of the best network."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from networks import make_problem

from fathom.artifacts.checks import DataWarning
from fathom.artifacts.search_result import SearchResult, TrialResult
from fathom.report import more_rows
from fathom.report.digits import choose_decimals, format_difference, format_fixed
from fathom.report.headline import describe_headline
from fathom.report.more_rows import describe_train_sizes
from fathom.report.next_steps import suggest
from fathom.report.results import DatasetResults, NetworkResults
from fathom.report.section import overfits


def network(
    name: str, valid: float, test: float, train: float = 0.4, **more: Any
) -> NetworkResults:
    """Return a network that is the best of three runs, with a spread over them.

    Half of its predictions are off by 1 of 2, the others by 0.
    """
    values = {"rmse": test, "mae": 0.3}
    empty: Any = None
    predictions = pd.DataFrame({"actual": 2.0, "predicted": np.arange(100) % 2 + 1.0})
    return NetworkResults(
        name=name, auxiliary=None,
        metrics={"train": {"rmse": train}, "valid": {"rmse": valid}, "test": values},
        spread={"test": {"rmse": {"mean": 0.424, "sd": 0.002}}}, ensemble=None, calibrated=None,
        interval=None, card="", run={"ensemble": False, "runs": [1, 2, 3]} | more, history=empty,
        predictions=predictions,
    )  # fmt: skip


SIZES = pd.DataFrame(
    [[50, 3, 0.1, 0.5, 0.48, 0.52], [100, 1, 0.2, 0.4, 0.4, 0.4]],
    columns=["rows", "draws", "training", "validation", "lowest", "highest"],
)


def results_of(*networks: NetworkResults, verdict: str = "can't be told apart") -> DatasetResults:
    compared = {"difference": -0.05, "low": -0.07, "high": -0.03, "verdict": "better"}
    comparison = {
        "baseline": {"name": "boosting", "figure": 0.4714},
        "networks": {each.name: compared for each in networks},
        "pairs": [
            {"networks": [first.name, second.name], "verdict": verdict}
            for first, second in combinations(networks, 2)
        ],
        "intervals": {each.name: {"low": 0.40, "high": 0.44} for each in networks},
    }
    problem = make_problem("california_housing")
    return DatasetResults(
        problem, [], list(networks), {}, None, SIZES, comparison, {"rows": 0}, confidence=0.95
    )


def describe(*networks: NetworkResults) -> dict[str, Any]:
    return describe_headline(results_of(*networks), {"rmse": 3})


def test_the_headline_is_the_metric_of_the_model_in_the_comparison() -> None:
    """Not the mean of its runs: 0.424 ± 0.002 against 0.4714 is no difference of −0.050."""
    best = describe(network("mlp", 0.42, 0.4214), network("selu", 0.43, 0.41))
    assert best["name"] == "mlp"
    assert (best["value"], best["text"], best["runs"]) == (0.4214, "0.421", "best of 3 runs")
    assert best["label"] == "test RMSE, $100k; 95 % interval 0.400 to 0.440"
    assert best["comparison"]["sentence"] == (
        "Significantly better than boosting, the best baseline (0.471): it gains 0.050, 95 % "
        "interval 0.030 to 0.070."
    )
    assert best["worth"] == {
        "median_error": 0.5,
        "within_tolerance": 0.5,
        "sentence": "Half of its predictions are off by less than 0.500 ($100k), and 50.0 % are "
        "within ±10 % of the true value.",
    }
    assert describe(network("mlp", 0.42, 0.42, ensemble=True))["runs"] == "average of 3 runs"


def test_networks_that_are_equally_good_are_named() -> None:
    networks = [network("mlp", 0.42, 0.42), network("selu", 0.43, 0.41), network("cnn", 0.42, 0.4)]
    assert describe(*networks)["ties"] == (
        "mlp and cnn have the same validation RMSE; the first of them is shown. selu and cnn can't "
        "be told apart from it on the test set."
    )
    for each, cross_entropy in zip(networks, (0.2, 0.3, 0.1), strict=True):
        each.metrics["valid"]["cross_entropy"] = cross_entropy
    assert describe(*networks)["ties"].startswith(
        "mlp and cnn have the same validation RMSE; cnn is shown, for its lower cross-entropy. "
    )


def test_only_a_network_that_is_no_better_for_it_overfits() -> None:
    networks = [
        network("mlp", 0.42, 0.42, train=0.3), network("selu", 0.43, 0.41, train=0.2),
        network("cnn", 0.43, 0.4, train=0.31), network("best", 0.41, 0.4, train=0.25),
    ]  # fmt: skip
    results = results_of(*networks, verdict="worse")
    assert results.best.name == "best"
    assert [n.name for n in networks if overfits(n, results)] == ["selu"]
    assert not any(overfits(n, results_of(*networks)) for n in networks)


@pytest.mark.parametrize(
    ("value", "half_width", "text"),
    [
        (39_871.2, 900.0, "39,900"), (39_871.2, 1_500.0, "39,900"), (0.40533, 0.012, "0.405"),
        (0.40533, 0.0, "0.405"), (1_234_567.0, 0.0, "1,230,000"),
    ],
)  # fmt: skip
def test_numbers_have_the_digits_that_are_known(value: float, half_width: float, text: str) -> None:
    decimals = choose_decimals({"rmse": value, "r2": -0.00002}, "rmse", half_width)
    assert format_fixed(value, decimals["rmse"]) == text
    assert format_fixed(-0.00002, decimals["r2"]) == "0.00"


def test_differences_have_a_sign_and_no_exponent() -> None:
    texts = {-0.0664: "−0.066", 1234.0: "+1,200", 0.0: "0", -0.0000123: "−0.000012"}
    assert {value: format_difference(value) for value in texts} == texts


@pytest.mark.parametrize(
    ("units", "rate", "suggested"), [([8], 0.1, False), ([4], 0.1, True), ([8], 0.2, True)]
)
def test_the_best_trial_is_suggested_unless_it_is_in_use(
    units: list[int], rate: float, suggested: bool
) -> None:
    """Its settings of the stage `scale` are not recorded."""
    history = pd.DataFrame({"seed": 1, "epoch": [1, 2], "loss": 1.0, "val_loss": [1.0, 2.0]})
    settings = {"model": {"units": units}, "train": {"optimizer": {"momentum": rate}}}
    used = network("mlp", 0.42, 0.42, seed=1, epochs=2, settings=settings)
    chosen = {"model.units": [8], "train.optimizer.momentum": 0.1, "scale.bins": 16}
    trial = TrialResult(number=3, settings=chosen, value=0.4, seconds=1.0)
    search = SearchResult(
        dataset="houses", model="mlp", search="tpe", metric="rmse", monitor="val_rmse",
        higher_is_better=False, cv=None, seconds=9.0, space=list(chosen), trials=[trial],
        importances={}, best=3, overrides=["scale.bins=16"], figures={"valid": {"rmse": 0.4}},
        average=None, selection=None, base=[],
    )  # fmt: skip
    features = pd.DataFrame({"a": np.arange(100) // 50})
    found = suggest(results_of(replace(used, history=history)), [search], features)
    assert ("search" in [step.kind for step in found]) is suggested


def test_suggestions_follow_from_results_and_are_at_most_three() -> None:
    history = pd.DataFrame(
        {"seed": 1, "epoch": [1, 2, 3], "loss": 1.0, "val_loss": [3.0, 2.0, 1.0]}
    )
    found = [network("mlp", 0.42, 0.42, train=0.2, seed=1, epochs=3)]
    found[0] = replace(found[0], history=history, ensemble={"valid": {"rmse": 0.40}})
    warning = DataWarning(kind="giveaway", columns=["a"], figures={}, sentence="'a' tells all")
    results = replace(results_of(*found), warnings=[warning])
    features = pd.DataFrame({"a": np.arange(100) // 50})
    suggestions = suggest(results, [], features)
    assert [(s.kind, s.code) for s in suggestions] == [
        ("giveaway", ""), ("ensemble", "train.ensemble: true"), ("epochs", "train.epochs: 6"),
    ]  # fmt: skip
    assert suggestions[0].evidence == "'a' tells all."
    settled = replace(found[0], ensemble=None, history=history.assign(val_loss=[1.0, 2.0, 3.0]))
    weak, more = suggest(results_of(settled), [], features)
    assert (weak.kind, more.kind) == ("weak_rows", "more_rows")
    assert weak.action.endswith(" for predictions of 1.0")
    assert weak.evidence == "The RMSE of these 50 test rows is 1.00, that of all rows 0.707."
    assert more.evidence == (
        "The validation RMSE of boosting is 0.500 with 50 training rows and 0.400 with 100: more "
        "would probably improve it further."
    )


@pytest.mark.parametrize(
    ("before", "after", "gain", "helps"),
    [
        ([0.50, 0.48, 0.52], 0.40, 0.2, True),
        ([0.50, 0.49, 0.51], 0.495, 0.01, False),
        ([0.50, 0.44, 0.56], 0.45, 0.1, False),  # one of the draws was as good
        ([0.50, 0.48, 0.52], 0.55, -0.1, False),
    ],
)
def test_more_rows_help_if_the_last_ones_have_helped_beyond_chance(
    before: list[float], after: float, gain: float, helps: bool
) -> None:
    results = results_of(network("mlp", 0.42, 0.42))
    lines = [[50, 3, 0.1, *before], [100, 1, 0.2, after, after, after]]
    results = replace(results, train_sizes=pd.DataFrame(lines, columns=SIZES.columns))
    described = describe_train_sizes(results)
    assert described is not None
    assert (described["gain"], described["helps"]) == (pytest.approx(gain), helps)
    assert f"50 training rows, validation: {before[0]:.3f}" in described["chart"]
    assert describe_train_sizes(replace(results, train_sizes=SIZES[1:])) is None


@pytest.mark.parametrize(("rows", "helps"), [(100, False), (1000, True)])
def test_an_accuracy_helps_if_it_gains_more_than_its_standard_error(rows: int, helps: bool) -> None:
    results = results_of(network("mlp", 0.9, 0.9))
    problem = make_problem("digits")
    problem.rows["valid"] = rows
    lines = [[50, 1, 1.0, 0.90, 0.90, 0.90], [100, 1, 1.0, 0.92, 0.92, 0.92]]
    sizes = pd.DataFrame(lines, columns=SIZES.columns)
    assert more_rows.helps(replace(results, problem=problem, train_sizes=sizes)) is helps
