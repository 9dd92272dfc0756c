"""What a search tries, and the command lines and spaces that it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from small_searches import error_of, learning_rate, run_formula, search_config, write_space

from fathom.search.search_command import search
from fathom.search.space import check_space, sort_space, suggest
from fathom.settings.search_settings import Dimension


def draw(space: dict[str, Dimension], count: int) -> list[dict[str, Any]]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    return [suggest(study.ask(), space) for _ in range(count)]


@pytest.mark.parametrize(
    "dimension",
    [
        {"int": [2, 20]}, {"int": [2, 20], "step": 6}, {"float": [-1.5, 0.25]},
        {"float": [0, 1], "step": 0.25}, {"log": [0.0001, 10]},
    ],
)  # fmt: skip
def test_numbers_are_within_their_bounds(dimension: dict[str, Any]) -> None:
    low, high = next(iter(dimension.values()))
    drawn = np.array([v["x"] for v in draw({"x": Dimension.model_validate(dimension)}, 300)])
    assert low <= drawn.min() < drawn.max() <= high
    if "int" in dimension:
        assert drawn.dtype.kind == "i"
    if "step" in dimension:
        distance = (drawn - low) / dimension["step"]
        assert np.allclose(distance, distance.round())
        assert len(set(drawn)) == (high - low) // dimension["step"] + 1
    if "log" in dimension:  # as many in each decade
        assert abs(np.mean(drawn < 0.01) - 2 / 5) < 0.1


def test_choices_may_be_any_yaml() -> None:
    choices = [[64, 32], None, True, "relu", 0.5, {"classification": 0.3, "regression": 0.0}]
    drawn = [v["x"] for v in draw({"x": Dimension.model_validate({"choice": choices})}, 100)]
    assert all(choice in drawn for choice in choices)
    assert all(value in choices for value in drawn)


def test_a_condition_leaves_out_what_does_not_apply(workspace: Path) -> None:
    write_space(
        "mlp",
        {
            "model.batch_normalization": {
                "choice": [True, False], "if": {"model.activation": ["relu", "elu"]},
            },
            "model.l2": {"log": [1e-6, 1e-2], "if": {"model.batch_normalization": False}},
            "model.activation": {"choice": ["relu", "elu", "selu"]},
        },
    )  # fmt: skip
    drawn = draw(sort_space(search_config("mlp", "random")), 200)
    for values in drawn:
        assert ("model.batch_normalization" in values) == (values["model.activation"] != "selu")
        assert ("model.l2" in values) == (values.get("model.batch_normalization") is False)
    assert {len(values) for values in drawn} == {1, 2, 3}


@pytest.mark.parametrize(
    ("dimension", "message"),
    [
        ({}, "must have one of choice, int, float, log"),
        ({"int": [1, 2], "log": [1, 2]}, "must have one of choice, int, float, log"),
        ({"choice": []}, "choice must name at least one"),
        ({"int": [5, 2]}, "int: must be [low, high] with low < high, both whole numbers, "
         "not [5, 2]"),
        ({"int": [1, 2.5]}, "int: must be [low, high] with low < high, both whole numbers, "
         "not [1, 2.5]"),
        ({"float": 3}, "float: must be [low, high] with low < high, not 3"),
        ({"log": [0, 1]}, "log: must be [low, high] with 0 < low < high, not [0, 1]"),
        ({"choice": [1], "step": 1}, "step is for int and float"),
        ({"int": [1, 5], "step": 0.5}, "step of an int must be a whole number, not 0.5"),
        ({"range": [1, 5]}, "range is not a setting; there are: choice, float, if, int, log, step"),
    ],
)  # fmt: skip
def test_refuses_a_dimension(workspace: Path, dimension: dict[str, Any], message: str) -> None:
    write_space("mlp", {"model.learning_rate": dimension})
    text = error_of(search_config, "mlp", "random")
    assert text.startswith("conf/search/space/mlp.yaml: model.learning_rate")
    assert text.endswith(message)


@pytest.mark.parametrize(
    ("method", "space", "message"),
    [
        ("random", {"trian.batch_size": {"choice": [1]}},
         "trian.batch_size is not a setting; did you mean train.batch_size?"),
        ("random", {"train.batchsize": {"choice": [1]}},
         "train.batchsize is not a setting; did you mean train.batch_size?"),
        ("random", {"model.l2": {"log": [0.1, 1], "if": {"model.activation": "relu"}}},
         "model.l2.if: model.activation is not in this space; there are: model.l2"),
        ("random", {"model.l2": {"log": [0.1, 1], "if": {"model.dropout": 0.0}},
                    "model.dropout": {"choice": [0.0], "if": {"model.l2": 0.5}}},
         "model.l2.if: the conditions form a circle"),
        ("grid", {"model.l2": {"log": [0.1, 1]}}, "model.l2: a grid needs a choice or a step"),
    ],
)  # fmt: skip
def test_refuses_a_space(workspace: Path, method: str, space: dict[str, Any], message: str) -> None:
    write_space("mlp", space)
    refusal = error_of(check_space, search_config("mlp", method))
    assert refusal == f"conf/search/space/mlp.yaml: {message}"


def test_a_space_may_have_arguments_that_no_file_sets(workspace: Path) -> None:
    write_space("mlp", {"train.optimizer.beta_1": {"float": [0.8, 0.99]}})
    check_space(search_config("mlp", "random"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["model=mlp", "search=random"], "dataset=… is missing; there are: adult_census, bike, "),
        (["dataset=digits", "model=mlp"], "search=… is missing; there are: evolutionary, grid, "),
        (["dataset=digits", "model=mlp", "search=rnd"], "search=rnd: there is no "
         "conf/search/rnd.yaml; did you mean random?"),
        (["dataset=digits", "model=deep_relu", "search=tpe"], "there is no "
         "conf/search/space/deep_relu.yaml; there are: book, mlp, selu, wide_deep (space=NAME "
         "chooses one)"),
        (["dataset=digits", "model=mlp", "search=tpe", "more"], "more: must be key=value, such as "
         "dataset=digits"),
        (["dataset=digits", "model=mlp", "search=tpe", "trials=0"], "command line: search.trials: "
         "must be greater than 0, not 0"),
        (["dataset=digits", "model=mlp", "search=tpe", "cv=1"], "command line: search.cv: must be "
         "greater than or equal to 2, not 1"),
        (["dataset=digits", "model=mlp", "search=tpe", "trails=3"], "command line: trails is not a "
         "setting; did you mean train?"),
    ],
)  # fmt: skip
def test_refuses_a_command_line(workspace: Path, given: list[str], message: str) -> None:
    assert error_of(search, given).startswith(message)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("search.pruner={_target_: optuna.samplers.RandomSampler}",
         "search.pruner._target_: optuna.samplers.RandomSampler is not an Optuna pruner"),
        ("search.sampler._target_=optuna.pruners.NopPruner",
         "search.sampler._target_: optuna.pruners.NopPruner is not an Optuna sampler"),
        ("+search.sampler.sed=1",
         "search.sampler.sed is no argument of optuna.samplers.RandomSampler; did you mean seed?"),
    ],
)  # fmt: skip
def test_refuses_a_method(trainable: Path, override: str, message: str) -> None:
    refusal = error_of(run_formula, learning_rate, "random", "trials=1", override)
    assert refusal == f"command line: {message}"
