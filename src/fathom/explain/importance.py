"""Importance of a table's columns, and of pairs of columns, for a network's predictions."""

from itertools import combinations
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.problem import Output, Problem
from fathom.artifacts.raw_table import read_raw_rows
from fathom.artifacts.scaled_data import ScaledData, Subset, read_scalers, read_targets
from fathom.artifacts.scalers import Floats
from fathom.artifacts.schema import Schema
from fathom.explain.dependence import partial_dependence
from fathom.explain.shapley import CoalitionGame, choose_sizes, interaction_values
from fathom.scale.encoder import Encoder, preprocess
from fathom.settings.config import DatasetConfig
from fathom.settings.data_settings import DatasetSettings
from fathom.settings.yaml_text import to_yaml
from fathom.train.predictor import Predictor

MAX_PAIRS = 15
MAX_CROSSES = 3
MIN_STRENGTH = 0.5  # of a cross, relative to the strongest pair
BUCKETS = 20  # for a number without buckets
NEGLIGIBLE = 1e-4  # of the most important column: a smaller interaction may be float32 rounding


def explain_table(model: keras.Model, problem: Problem, config: DatasetConfig) -> dict[str, Any]:
    """Explain predictions for random test rows, relative to random training rows (background)."""
    dataset, settings = problem.dataset, config.explain
    encoder, scalers = Encoder.read(dataset), read_scalers(dataset)
    columns = explained_columns(encoder, Schema.read(dataset))
    sizes = choose_sizes(
        len(columns),
        min(settings.rows, problem.rows["test"]),
        min(settings.background, problem.rows["train"]),
        settings.evaluations,
    )
    generator = np.random.default_rng(config.seed)
    targets = sample_targets(problem, "test", sizes.rows, generator)
    others = sample_targets(problem, "train", sizes.background, generator)
    table, other_table = (
        read_raw_rows(dataset, rows["row"].to_numpy()) for rows in (targets, others)
    )
    features = preprocess(table, encoder, scalers.features)
    background = preprocess(other_table, encoder, scalers.features)
    predictor = Predictor(model, ScaledData(problem, scalers.targets))

    def predict(features: pd.DataFrame) -> Floats:
        rows = Subset(features, targets={}, weights=None, rows=np.arange(len(features)))
        return predictor.predict_rows(rows)["main_output"].reshape(len(features), -1)

    predicted = predict(features)
    # Of two classes, the probability of the second is explained; of several, the predicted one's.
    several = problem.main.units > 2
    units = predicted.argmax(axis=1) if several else np.full(len(table), problem.main.units - 1)
    games = [
        CoalitionGame(encoder, columns, background, features.iloc[[row]], predict, unit)
        for row, unit in enumerate(units)
    ]
    values = [interaction_values(game, sizes, config.seed + row) for row, game in enumerate(games)]
    importance, pairs = rank(values, columns)
    return {
        "method": sizes.method,
        "explained": describe_output(problem.main),
        "unit": None if problem.main.classes else problem.main.unit,
        "rows": sizes.rows,
        "background": sizes.background,
        "evaluations": sum(game.evaluations for game in games),
        "importance": importance,
        "dependence": partial_dependence(
            other_table, [line["column"] for line in importance], encoder, scalers.features, predict
        ),
        "pairs": pairs[:MAX_PAIRS],
        "crosses": suggest_crosses(pairs, encoder, config.dataset),
        "examples": list_examples(table[columns], targets, predicted, units, values, problem.main),
    }


def rank(
    values: list[Any], columns: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return columns and pairs by their mean absolute effect on rows, the strongest first."""
    importance, strengths = (
        np.mean([np.abs(of_row.get_n_order_values(order)) for of_row in values], axis=0)
        for order in (1, 2)
    )
    ranked = [
        {"column": columns[index], "mean_absolute": float(importance[index])}
        for index in np.argsort(-importance, kind="stable")
    ]
    pairs = [
        {"columns": [columns[a], columns[b]], "mean_absolute": float(strengths[a, b])}
        for a, b in combinations(range(len(columns)), 2)
        if strengths[a, b] > NEGLIGIBLE * importance.max()
    ]
    return ranked, sorted(pairs, key=lambda pair: -pair["mean_absolute"])


def explained_columns(encoder: Encoder, schema: Schema) -> list[str]:
    """Return the raw columns that features depend on, in the table's order."""
    columns = set(encoder.raw_columns.values())
    return [column.name for column in schema.columns if column.name in columns]


def sample_targets(
    problem: Problem, subset: str, count: int, generator: np.random.Generator
) -> pd.DataFrame:
    rows = np.sort(generator.choice(problem.rows[subset], count, replace=False))
    return read_targets(problem, subset, rows)


def describe_output(output: Output) -> str:
    if output.classes is None:
        return f"predicted {output.column}"
    if len(output.classes) == 2:
        return f"probability of {output.classes[1]}"
    return "probability of the predicted class"


def list_examples(
    table: pd.DataFrame,
    targets: pd.DataFrame,
    predicted: Floats,
    units: NDArray[np.int64],
    values: list[Any],
    output: Output,
) -> list[dict[str, Any]]:
    """Return the rows with the lowest, the median and the highest explained prediction."""
    explained = predicted[np.arange(len(table)), units]
    order = np.argsort(explained, kind="stable")
    classes = output.classes or []
    examples = []
    for place in dict.fromkeys(int(order[i]) for i in (0, len(order) // 2, -1)):
        row, contributions = table.iloc[place], values[place].get_n_order_values(1)
        actual = targets["main_output"].iloc[place]
        examples.append(
            {
                "row": int(table.index[place]),
                "actual": classes[actual] if classes else float(actual),
                **({"class": classes[units[place]]} if len(classes) > 2 else {}),
                "predicted": float(explained[place]),
                "base": float(values[place].baseline_value),
                "contributions": [
                    {
                        "column": str(row.index[index]),
                        "value": format_value(row.iloc[index]),
                        "contribution": float(contributions[index]),
                    }
                    for index in np.argsort(-np.abs(contributions), kind="stable")
                ],
            }
        )
    return examples


def format_value(value: Any) -> str:
    if pd.isna(value):
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def suggest_crosses(
    pairs: list[dict[str, Any]], encoder: Encoder, dataset: DatasetSettings
) -> str | None:
    """Return lines for conf/dataset/<name>.yaml that cross the strongest of sorted pairs, beside
    the crosses that are configured, and add buckets for their numbers; None if there is no other
    pair to cross. Dates cannot be crossed.
    """
    numbers = [number.column for number in encoder.numbers]
    crossable = {*numbers, *(category.column for category in encoder.categories)}
    pairs = [pair for pair in pairs if crossable.issuperset(pair["columns"])]
    crosses = [
        pair["columns"]
        for pair in pairs
        if pair["mean_absolute"] > MIN_STRENGTH * pairs[0]["mean_absolute"]
    ][:MAX_CROSSES]
    configured = [list(cross) for cross in dataset.crosses or ()]
    known = [set(cross) for cross in configured]
    crosses = [cross for cross in crosses if set(cross) not in known]
    if not crosses:
        return None
    lines = [f"crosses: {to_yaml(configured + crosses)}"]
    if not isinstance(dataset.buckets, int):  # one number of buckets applies to all numbers
        buckets = dict(dataset.buckets or {})
        crossed = dict.fromkeys(name for pair in crosses for name in pair if name in numbers)
        missing = {name: BUCKETS for name in crossed if name not in buckets}
        if missing:
            lines.insert(0, f"buckets: {to_yaml(buckets | missing)}")
    return "\n".join(lines)
