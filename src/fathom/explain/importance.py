"""How much the columns of a table, and pairs of them, move a network's predictions."""

from functools import partial
from itertools import combinations
from pathlib import Path
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
from fathom.explain.coalitions import Mixer, explained_columns
from fathom.explain.crosses import suggested
from fathom.explain.shapley import Shares, method, shares
from fathom.explain.sizes import Sizes
from fathom.scale.encoder import Encoder, preprocess
from fathom.settings.config import DatasetConfig
from fathom.train.predictor import Predictor

MOST_PAIRS = 15
NOTHING = 1e-4  # of the strongest column: what is weaker may be rounding in float32


def explain_table(
    model: keras.Model, problem: Problem, config: DatasetConfig, _folder: Path
) -> dict[str, Any]:
    """Explain predictions for test rows against a background of training rows, drawn by the seed.

    The prediction for a coalition of columns is the mean over the background rows of what the
    network predicts if the other columns' raw values are theirs.
    """
    dataset, settings = problem.dataset, config.explain
    encoder, scalers = Encoder.read(dataset), read_scalers(dataset)
    columns = explained_columns(encoder, Schema.read(dataset))
    sizes = Sizes.of(
        len(columns),
        min(settings.rows, problem.rows["test"]),
        min(settings.background, problem.rows["train"]),
        settings.evaluations,
    )
    generator = np.random.default_rng(config.seed)
    targets = drawn(problem, "test", sizes.rows, generator)
    others = drawn(problem, "train", sizes.background, generator)
    background = preprocess(
        read_raw_rows(dataset, others["row"].to_numpy()), encoder, scalers.features
    )
    table = read_raw_rows(dataset, targets["row"].to_numpy())
    features = preprocess(table, encoder, scalers.features)
    predictor = Predictor(model, ScaledData(problem, scalers.targets))
    predicted = main_output(predictor, features)
    chosen = explained_class(predicted, problem.main)
    mixer = Mixer(encoder, columns, background)
    found = [
        shares(
            partial(knowing, mixer, predictor, features.iloc[[row]], chosen[row]),
            len(columns),
            sizes,
            config.seed + row,
        )
        for row in range(sizes.rows)
    ]
    importance = np.mean([np.abs(share.columns) for share in found], axis=0)
    pairs = strongest(columns, np.mean([np.abs(share.pairs) for share in found], axis=0))
    pairs = [pair for pair in pairs if pair["mean_absolute"] > NOTHING * importance.max()]
    explained, unit = in_words(problem.main)
    return {
        "method": method(sizes),
        "explained": explained,
        "unit": unit,
        "rows": sizes.rows,
        "background": sizes.background,
        "evaluations": sum(share.coalitions for share in found) * sizes.background,
        "importance": [
            {"column": columns[index], "mean_absolute": float(importance[index])}
            for index in np.argsort(-importance, kind="stable")
        ],
        "pairs": pairs[:MOST_PAIRS],
        "crosses": suggested(pairs, encoder, config.dataset),
        "examples": examples(
            table[columns],
            targets["main_output"].to_numpy(),
            predicted[np.arange(sizes.rows), chosen],
            chosen,
            found,
            problem.main,
        ),
    }


def drawn(problem: Problem, part: str, count: int, generator: np.random.Generator) -> pd.DataFrame:
    """Draw targets of some rows of a part, in their order."""
    rows = np.sort(generator.choice(problem.rows[part], count, replace=False))
    return read_targets(problem, part, rows)


def knowing(
    mixer: Mixer,
    predictor: Predictor,
    row: pd.DataFrame,
    chosen: int,
    known: NDArray[np.bool_],
) -> Floats:
    """Return what is predicted for a row knowing but some columns, of shape (coalitions,).

    Args:
        row: its features.
        chosen: which column of the predictions is explained.
        known: coalitions, of shape (coalitions, columns).
    """
    blocks = [main_output(predictor, block)[:, chosen] for block in mixer.blocks(row, known)]
    values = np.concatenate(blocks).reshape(len(known), -1)
    return np.asarray(values.mean(axis=1, dtype=np.float64))


def main_output(predictor: Predictor, features: pd.DataFrame) -> Floats:
    """Return numbers of shape (rows, 1) in the target's unit, or probabilities of shape (rows,
    classes).
    """
    rows = Subset(features, targets={}, weights=None, rows=np.arange(len(features)))
    return predictor.predict_rows(rows)["main_output"].reshape(len(features), -1)


def explained_class(predicted: Floats, output: Output) -> list[int]:
    """Return for each row which column of the predictions is explained: of two classes the second,
    of more the predicted one.
    """
    if output.units <= 2:
        return [output.units - 1] * len(predicted)
    return [int(index) for index in predicted.argmax(axis=1)]


def in_words(output: Output) -> tuple[str, str | None]:
    """Say what is explained, and in which unit."""
    if output.classes is None:
        return f"predicted {output.column}", output.unit
    if len(output.classes) == 2:
        return f"probability of {output.classes[1]}", None
    return "probability of the predicted class", None


def strongest(columns: list[str], strengths: Floats) -> list[dict[str, Any]]:
    """Return pairs of columns by the strength of their interaction.

    Args:
        strengths: of shape (columns, columns).
    """
    pairs = [
        {"columns": [columns[a], columns[b]], "mean_absolute": float(strengths[a, b])}
        for a, b in combinations(range(len(columns)), 2)
    ]
    return sorted(pairs, key=lambda pair: -pair["mean_absolute"])


def examples(
    table: pd.DataFrame,
    actual: NDArray[Any],
    predicted: Floats,
    chosen: list[int],
    found: list[Shares],
    output: Output,
) -> list[dict[str, Any]]:
    """Return the rows with the lowest, the median and the highest prediction, in full; of more
    than two classes also which one's probability is explained.

    Args:
        table: the explained rows, raw.
        actual: their targets, and so on.
    """
    order = np.argsort(predicted, kind="stable")
    classes = output.classes or []
    places = dict.fromkeys(int(order[place]) for place in (0, len(order) // 2, -1))
    return [
        {
            "row": int(table.index[place]),
            "actual": classes[actual[place]] if classes else float(actual[place]),
            **({"class": classes[chosen[place]]} if len(classes) > 2 else {}),
            "predicted": float(predicted[place]),
            "base": found[place].base,
            "contributions": contributions(table.iloc[place], found[place].columns),
        }
        for place in places
    ]


def contributions(row: "pd.Series[Any]", shared: Floats) -> list[dict[str, Any]]:
    """Return the share of each column in a prediction, the largest first."""
    return [
        {
            "column": str(row.index[index]),
            "value": as_text(row.iloc[index]),
            "contribution": float(shared[index]),
        }
        for index in np.argsort(-np.abs(shared), kind="stable")
    ]


def as_text(value: Any) -> str:
    if pd.isna(value):
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
