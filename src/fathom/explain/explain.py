"""The explanation of a data set's best network."""

from typing import Any

import tensorflow as tf

from fathom.artifacts.model_file import read_model
from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import PRIMARY_METRIC, best_network
from fathom.base import paths
from fathom.base.files import atomic_write, write_json
from fathom.explain.importance import explain_table
from fathom.explain.saliency import explain_images
from fathom.settings.config import DatasetConfig


def explain(config: DatasetConfig) -> dict[str, Any]:
    """Explain the best of `models` on the validation set.

    Writes `data/explanations/<dataset>/explanation.json` and, for images, `maps.npy`: float32 of
    shape (classes, height, width[, channels]).

    Raises:
        FathomError: networks, metrics or data are missing, or `explain.evaluations` is too low for
            the table's columns.
    """
    tf.config.experimental.enable_op_determinism()
    problem = Problem.read(config.dataset.name)
    name = best_network(problem.dataset, config.models, PRIMARY_METRIC[problem.main.task])
    model = read_model(problem.dataset, name)
    with atomic_write(paths.explanation(problem.dataset)) as folder:
        folder.mkdir()
        explanation = {"dataset": problem.dataset, "model": name, "kind": problem.kind}
        if problem.kind == "table":
            explanation |= explain_table(model, problem, config)
        else:
            explanation |= explain_images(model, problem, config, folder)
        write_json(folder / "explanation.json", explanation)
    return explanation
