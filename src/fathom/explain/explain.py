"""The explanation of the best network of a data set."""

from typing import Any

import tensorflow as tf

from fathom.artifacts.model_file import read_model
from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import PRIMARY_METRIC, find_best
from fathom.base import paths
from fathom.base.files import atomic_write, read_json, write_json
from fathom.explain.importance import explain_table
from fathom.explain.saliency import explain_images
from fathom.settings.config import DatasetConfig


def explain(config: DatasetConfig) -> dict[str, Any]:
    """Explain the network of `models` that is best on the validation part.

    Writes `data/explanations/<dataset>/` with `explanation.json` and, of images, `maps.npy`: in
    float32, of shape (classes, height, width[, channels]).

    Raises:
        FathomError: the trained networks, their figures or the data are not there, or
            `explain.evaluations` is too low for the table's columns.
    """
    tf.config.experimental.enable_op_determinism()
    problem = Problem.read(config.dataset.name)
    name = best_model(problem, config.models)
    model = read_model(problem.dataset, name)
    with atomic_write(paths.explanation(problem.dataset)) as folder:
        folder.mkdir()
        of_kind = explain_table if problem.kind == "table" else explain_images
        explanation = {"dataset": problem.dataset, "model": name, "kind": problem.kind}
        explanation |= of_kind(model, problem, config, folder)
        write_json(folder / "explanation.json", explanation)
    return explanation


def best_model(problem: Problem, models: list[str]) -> str:
    """Return the network with the lowest RMSE or the highest accuracy on the validation part, of
    several the first.
    """
    metric = PRIMARY_METRIC[problem.main.task]
    figures = {}
    for name in models:
        file = paths.metrics(problem.dataset, name)
        figures[name] = read_json(file, f"evaluate@{problem.dataset}-{name}")
    return find_best(figures, metric)
