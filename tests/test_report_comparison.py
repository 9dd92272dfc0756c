"""What the report says of the best network."""

from typing import Any

from networks import make_problem

from fathom.report.comparison import describe_best
from fathom.report.results import DatasetResults, NetworkResults


def network(name: str, valid: float, test: float, **more: Any) -> NetworkResults:
    """Return a network that is the best of three runs, with a spread over them."""
    values = {"rmse": test, "mae": 0.3}
    empty: Any = None
    return NetworkResults(
        name=name, metrics={"valid": {"rmse": valid}, "test": values}, auxiliary=None,
        spread={"test": {"rmse": {"mean": 0.424, "sd": 0.002}}}, ensemble=None, calibrated=None,
        interval=None, card="", run={"ensemble": False, "runs": [1, 2, 3]} | more, history=empty,
        predictions=empty,
    )  # fmt: skip


def describe(*networks: NetworkResults) -> dict[str, str]:
    compared = {"difference": -0.05, "low": -0.07, "high": -0.03, "verdict": "better"}
    comparison = {
        "baseline": {"name": "boosting", "figure": 0.4714},
        "networks": {each.name: compared for each in networks},
    }
    problem = make_problem("california_housing")
    return describe_best(
        DatasetResults(problem, [], list(networks), {}, None, comparison, {}, confidence=0.95)
    )


def test_the_headline_is_the_metric_of_the_model_in_the_comparison() -> None:
    """Not the mean of its runs: 0.424 ± 0.002 against 0.4714 is no difference of −0.050."""
    best = describe(network("mlp", 0.42, 0.4214), network("selu", 0.43, 0.41))
    assert best["name"] == "mlp"
    assert (best["value"], best["label"]) == ("0.4214", "test RMSE, $100k, best of 3 runs")
    assert best["comparison"] == (
        "This is better than the best baseline, boosting (0.4714): difference −0.050, 95 % "
        "interval −0.070 to −0.030."
    )
    assert describe(network("mlp", 0.42, 0.42, ensemble=True))["label"].endswith(
        "average of 3 runs"
    )


def test_networks_that_are_equally_good_are_named() -> None:
    networks = [network("mlp", 0.42, 0.42), network("selu", 0.43, 0.41), network("cnn", 0.42, 0.4)]
    text = "mlp and cnn have the same validation RMSE; the first of them is shown."
    assert describe(*networks)["comparison"].endswith(text)
