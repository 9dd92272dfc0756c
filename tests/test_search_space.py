"""What a search tries, and the command lines and spaces that it refuses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import yaml
from conftest import ROOT
from small_searches import learning_rate, run_formula, search_config, write_space
from trainings import refusal

from fathom.search.base_settings import BaseSettings
from fathom.search.search_command import search
from fathom.search.space import check_space, present_params, sort_space, suggest
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig
from fathom.settings.file_names import options
from fathom.settings.search_settings import Dimension

BAD = yaml.safe_load((ROOT / "tests/bad_searches.yaml").read_text())


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


@pytest.mark.parametrize(("dimension", "message"), BAD["dimensions"])
def test_refuses_a_dimension(workspace: Path, dimension: dict[str, Any], message: str) -> None:
    write_space("mlp", {"model.learning_rate": dimension})
    text = refusal(search_config, "mlp", "random")
    assert text.startswith("conf/search/space/mlp.yaml: model.learning_rate")
    assert text.endswith(message)


@pytest.mark.parametrize(("method", "space", "message"), BAD["spaces"])
def test_refuses_a_space(workspace: Path, method: str, space: dict[str, Any], message: str) -> None:
    write_space("mlp", space)
    expected = f"conf/search/space/mlp.yaml: {message}"
    assert refusal(check_space, search_config("mlp", method)) == expected


def test_refuses_experiments_and_losses_that_cannot_be_compared(workspace: Path) -> None:
    start = "conf/search/space/mlp.yaml:"
    end = "with other values trials cannot be compared: give all of them the same"
    Path("conf/experiment/other.yaml").write_text("# @package _global_\nsplit: {seed: 7}")
    write_space("mlp", {"experiment": {"choice": ["book_mlp", "other"]}})
    changed = f"{start} experiment: other changes split; {end}"
    assert refusal(check_space, search_config("mlp", "random")) == changed
    write_space("mlp", {"scale.target": {"choice": ["none", "zscore"]}})
    check_space(search_config("mlp", "random"))
    of_loss = search_config("mlp", "random", "train.monitor=val_loss")
    assert refusal(check_space, of_loss) == f"{start} scale.target: {end}"


@pytest.mark.parametrize("name", [name for name in options("search/space") if name != "book"])
def test_spaces_of_the_project_contain_what_the_models_have(name: str, workspace: Path) -> None:
    """So that the first of the trials can be the present settings, and none is worse than these."""
    model, _, images = name.partition("_images")
    space = [f"space={name}"] if images else []
    config = search_config(model, "random", *space, "train.batch_size=auto")
    check_space(config)
    settings = compose(["dataset=digits", f"model={model}"], NetworkConfig)
    params = present_params(config.search.space, settings.model_dump(by_alias=True))
    assert set(config.search.space) == set(params)


def test_minutes_end_a_search_after_the_first_trial(trainable: Path) -> None:
    trials = run_formula(learning_rate, "random", "trials=50", "minutes=1e-9")
    assert 1 <= len(trials) < 50


def test_first_trial_has_the_present_settings(trainable: Path) -> None:
    write_space("mlp", {"model.dropout": {"choice": [0.1, "auto"]}, "seed": {"int": [1, 99]}})
    trials = run_formula(learning_rate, "random", "trials=2", "present_first=true")
    assert json.loads(trials[0][0])["seed"] == 42


def test_a_space_may_have_arguments_that_no_file_sets(workspace: Path) -> None:
    write_space("mlp", {"train.optimizer.beta_1": {"float": [0.8, 0.99]}})
    check_space(search_config("mlp", "random"))


def test_another_target_replaces_all_arguments_in_trials_and_experiments(workspace: Path) -> None:
    base = BaseSettings(["dataset=digits", "model=wide_deep", "train.epochs=3"])
    values = {
        "model.learning_rate": 0.1,
        "train.optimizer.momentum": 0.8,
        "train.optimizer._target_": "keras.optimizers.SGD",
    }
    config = base.with_values(values)
    assert config.train.optimizer.arguments == {"momentum": 0.8}
    file = "conf/model/wide_deep.yaml:"
    assert base.dvc_overrides(values) == [
        "train.epochs=3",
        f"{file}learning_rate=0.1",
        "~train.optimizer",
        "+train.optimizer={_target_:keras.optimizers.SGD,momentum:0.8}",
    ]


@pytest.mark.parametrize(("line", "message"), BAD["command lines"])
def test_refuses_a_command_line(workspace: Path, line: str, message: str) -> None:
    assert refusal(search, line.split()).startswith(message)


@pytest.mark.parametrize(("override", "message"), BAD["methods"])
def test_refuses_a_method(trainable: Path, override: str, message: str) -> None:
    expected = f"command line: {message}"
    assert refusal(run_formula, learning_rate, "random", "trials=1", override) == expected
