"""Charts of more values than Altair draws by default, 5,000, and of rare ones."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.problem import Output
from fathom.artifacts.search_result import SearchResult, TrialResult
from fathom.report.charts import learning_curve
from fathom.report.classification import confusion_matrix
from fathom.report.searches import draw_history, draw_parallel_coordinates


def test_learning_curve_of_many_epochs() -> None:
    epochs = np.arange(1, 3001)
    history = pd.DataFrame(
        {"seed": 42, "epoch": epochs, "loss": 1 / epochs, "val_loss": 2 / epochs}
    )
    run = {"seed": 42, "kept_epoch": 2999}
    network: Any = SimpleNamespace(name="mlp", history=history, run=run)
    svg = learning_curve(network)
    assert "mlp, best epoch: 2999" in svg
    assert "epoch 1, training: 1" in svg
    assert svg.count("epoch 2998, validation:") == 1
    assert len(svg) < 1_000_000


def test_confusion_matrix_of_many_classes() -> None:
    """Only cells with rows are drawn, and every class has a label."""
    classes = [f"class {number}" for number in range(80)]
    predictions = pd.DataFrame({"actual": classes, "predicted": classes[1:] + classes[:1]})
    network: Any = SimpleNamespace(name="mlp", predictions=predictions)
    output = Output(column="y", task="classification", classes=classes)
    svg = confusion_matrix(network, output)
    assert svg.count("true class 79, predicted class 0: 1 rows") == 1
    assert svg.count(" rows, 100.0%") == 80
    assert all(svg.count(f">{name}</text>") == 2 for name in classes)
    assert len(svg) < 100_000


def test_a_rare_mistake_is_seen_beside_many_right_rows() -> None:
    predictions = pd.DataFrame(
        {"actual": ["a"] * 1000 + ["b"], "predicted": ["a"] * 999 + ["b"] * 2}
    )
    network: Any = SimpleNamespace(name="mlp", predictions=predictions)
    svg = confusion_matrix(network, Output(column="y", task="classification", classes=["a", "b"]))
    (cell,) = re.findall(r"<path [^>]*true a, predicted b: 1 rows[^>]*>", svg)
    assert 'fill="#D55E00"' in cell
    (opacity,) = re.findall(r'opacity="([\d.]+)"', cell)
    assert 0.15 < float(opacity) <= 0.65


def test_a_search_of_many_trials() -> None:
    space = [f"model.x{number}" for number in range(6)]
    values = np.random.default_rng(1).random((1000, 7))
    trials = [
        TrialResult(
            number=n, settings=dict(zip(space, row[1:].tolist(), strict=True)), value=row[0],
            seconds=1,
        )
        for n, row in enumerate(values)
    ]  # fmt: skip
    result = SearchResult.model_construct(higher_is_better=False, space=space, trials=trials)
    assert draw_parallel_coordinates(result, "validation RMSE").count("trial 999: ") == 1
    assert draw_history(result, "validation RMSE").count("trial 999: ") == 1
