"""Searches for better settings, on real data with shrunk networks."""

import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
import yaml
from conftest import ROOT, SHRUNK, network_config, prepare, run_in, trained, work_in_copy
from optuna.trial import TrialState

from fathom.commands.searching import as_overrides, search
from fathom.config.schema import Dimension, SearchConfig
from fathom.config.stage import compose
from fathom.data.schema import Schema
from fathom.errors import FathomError
from fathom.search.outcome import Found
from fathom.search.settings import refuse_unknown
from fathom.search.space import grid, ordered, suggest

SMALL = [*SHRUNK[:2], "train.repeats=1", "gpus=[]", "experiments=0", "ensemble=3"]
HOUSES = Path("searches/california_housing")


def write_space(name: str, space: dict[str, Any]) -> None:
    Path(f"conf/search/space/{name}.yaml").write_text(yaml.safe_dump(space, sort_keys=False))


def searched(
    model: str, method: str, *overrides: str, dataset: str = "california_housing"
) -> Found:
    """Search in the workspace, and return the outcome as it is on disk."""
    search([f"dataset={dataset}", f"model={model}", f"search={method}", *SMALL, *overrides])
    return Found.of(Path("searches", dataset, f"{model}-{method}.json"))


def value_of_stage(model: str, settings: dict[str, Any], dataset: str) -> float:
    """Return the value that the stage `train` comes to with the settings of a trial."""
    overrides = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    return trained(dataset, model, *overrides).best.value


# What is tried.


@pytest.mark.parametrize(
    ("dimension", "low", "high"),
    [
        ({"int": [2, 20]}, 2, 20),
        ({"int": [2, 20], "step": 6}, 2, 20),
        ({"float": [-1.5, 0.25]}, -1.5, 0.25),
        ({"float": [0, 1], "step": 0.25}, 0, 1),
        ({"log": [0.0001, 10]}, 0.0001, 10),
    ],
)
def test_numbers_lie_within_their_bounds(
    dimension: dict[str, Any], low: float, high: float
) -> None:
    space = {"x": Dimension.model_validate(dimension)}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    drawn = np.array([suggest(study.ask(), space)["x"] for _ in range(300)])
    assert low <= drawn.min() < drawn.max() <= high
    if "int" in dimension:
        assert drawn.dtype.kind == "i"
    if "step" in dimension:
        distance = (drawn - low) / dimension["step"]
        assert np.allclose(distance, distance.round())
        assert len(set(drawn)) == (high - low) // dimension["step"] + 1
    if "log" in dimension:  # as many in each decade
        assert abs(np.mean(drawn < 0.01) - 2 / 5) < 0.1


def test_choices_may_be_anything_that_yaml_has() -> None:
    choices = [[64, 32], None, True, "relu", 0.5, {"classification": 0.3, "regression": 0.0}]
    space = {"x": Dimension.model_validate({"choice": choices})}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    drawn = [suggest(study.ask(), space)["x"] for _ in range(100)]
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
    space = ordered(config("mlp", "random"))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    drawn = [suggest(study.ask(), space) for _ in range(200)]
    for values in drawn:
        assert ("model.batch_normalization" in values) == (values["model.activation"] != "selu")
        assert ("model.l2" in values) == (values.get("model.batch_normalization") is False)
    assert {len(values) for values in drawn} == {1, 2, 3}


def config(model: str, method: str, *overrides: str) -> SearchConfig:
    given = ["dataset=california_housing", f"model={model}", f"search={method}", *overrides]
    return compose(as_overrides(given), SearchConfig)


@pytest.mark.parametrize(
    ("dimension", "message"),
    [
        ({}, "must have one of choice, int, float, log"),
        ({"int": [1, 2], "log": [1, 2]}, "must have one of choice, int, float, log"),
        ({"choice": []}, "choice must name at least one"),
        ({"int": [5, 2]}, "int: must be a lowest and a higher highest number, not [5, 2]"),
        ({"int": [1, 2.5]}, "int: must be whole numbers, not [1, 2.5]"),
        ({"float": 3}, "float: must be a lowest and a higher highest number, not 3"),
        ({"log": [0, 1]}, "log: must be above 0, not [0, 1]"),
        ({"choice": [1], "step": 1}, "step is for int and float"),
        ({"int": [1, 5], "step": 0.5}, "step of an int must be a whole number, not 0.5"),
        ({"range": [1, 5]}, "range is not a setting; there are: choice, float, if, int, log, step"),
    ],
)
def test_refuses_what_is_no_dimension(
    workspace: Path, dimension: dict[str, Any], message: str
) -> None:
    write_space("mlp", {"model.learning_rate": dimension})
    with pytest.raises(FathomError) as refused:
        config("mlp", "random")
    found = str(refused.value)
    assert found.startswith("conf/search/space/mlp.yaml: model.learning_rate")
    assert found.endswith(message)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            {"trian.batch_size": {"choice": [1]}},
            "trian.batch_size is not a setting; did you mean train.batch_size?",
        ),
        (
            {"train.batchsize": {"choice": [1]}},
            "train.batchsize is not a setting; did you mean train.batch_size?",
        ),
        (
            {"model.l2": {"log": [0.1, 1], "if": {"model.activation": "relu"}}},
            "model.l2.if: model.activation is not searched here; there are: model.l2",
        ),
        (
            {
                "model.l2": {"log": [0.1, 1], "if": {"model.dropout": 0.0}},
                "model.dropout": {"choice": [0.0], "if": {"model.l2": 0.5}},
            },
            "model.l2.if: depends on itself, through other conditions",
        ),
    ],
)
def test_refuses_a_space_that_cannot_be(
    workspace: Path, space: dict[str, Any], message: str
) -> None:
    write_space("mlp", space)
    settings = config("mlp", "random")
    with pytest.raises(FathomError) as refused:
        refused_as_a_whole(settings)
    assert str(refused.value) == f"conf/search/space/mlp.yaml: {message}"


def refused_as_a_whole(settings: SearchConfig) -> None:
    refuse_unknown(settings)
    ordered(settings)


def test_arguments_that_no_file_names_can_be_searched(workspace: Path) -> None:
    write_space("mlp", {"train.optimizer.beta_1": {"float": [0.8, 0.99]}})
    refuse_unknown(config("mlp", "random"))


def test_a_grid_needs_points(workspace: Path) -> None:
    write_space("mlp", {"model.l2": {"log": [0.1, 1]}})
    with pytest.raises(FathomError) as refused:
        grid(config("mlp", "grid"))
    assert str(refused.value) == (
        "conf/search/space/mlp.yaml: model.l2: a grid needs a choice, or a step"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["model=mlp", "search=random"], "dataset=… is missing; there are: adult_census, bike, "),
        (["dataset=digits", "model=mlp"], "search=… is missing; there are: evolutionary, grid, "),
        (["dataset=digits", "model=mlp", "search=rnd"], "search=rnd: there is no "
         "conf/search/rnd.yaml; did you mean random?"),
        (["dataset=digits", "model=deep_relu", "search=tpe"], "there is no "
         "conf/search/space/deep_relu.yaml to say what is tried; there are: book, mlp, selu, "
         "wide_deep (space=… names another)"),
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
    with pytest.raises(FathomError) as refused:
        search(given)
    assert str(refused.value).startswith(message)


# What comes out of a trial.


@pytest.fixture
def houses(scaled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project whose raw data is there, and nothing that was made of it."""
    work_in_copy(scaled, tmp_path, monkeypatch)
    return tmp_path


SPACES: dict[str, tuple[str, dict[str, Any]]] = {
    "mlp": (
        "california_housing",
        {
            "model.units": {"choice": [[16, 8], [12]]},
            "model.learning_rate": {"log": [0.0005, 0.02]},
            "model.dropout": {"choice": [0.0, 0.1, 0.2]},
            "model.l2": {"choice": [0.0, 0.001, 0.01]},
            "train.optimizer.weight_decay": {"log": [0.001, 1.0]},
            "train.optimizer.clipnorm": {"float": [0.5, 2.0]},
            "train.epochs": {"int": [2, 3]},
        },
    ),
    "selu": (
        "digits",
        {
            "model.depth": {"int": [2, 3]},
            "model.width": {"choice": [16]},
            "model.learning_rate": {"log": [0.0005, 0.02]},
            "model.dropout": {"float": [0.05, 0.3]},
        },
    ),
    "wide_deep": (
        "california_housing",
        {
            "model.deep.units": {"choice": [[8], [16]]},
            "model.deep.dropout": {"float": [0.05, 0.3]},
            "model.learning_rate": {"log": [0.0005, 0.02]},
            "model.deep.numbers.fourier.sigma": {"log": [0.5, 2.0]},
            "model.wide_optimizer.learning_rate": {"log": [0.01, 0.2]},
            "train.batch_size": {"choice": [128, 256]},
        },
    ),
}


@pytest.mark.parametrize("model", list(SPACES))
def test_a_trial_comes_to_what_the_stage_does(houses: Path, model: str) -> None:
    """To the last bit, though programs of one trial train the next."""
    dataset, space = SPACES[model]
    write_space(model, space)
    found = searched(model, "random", "trials=8", "at_once=2", dataset=dataset)
    assert [trial.number for trial in found.trials] == list(range(8))
    for trial in found.trials[2:]:  # most go on with a program of those before
        assert trial.value == value_of_stage(model, trial.settings, dataset), trial.settings


@pytest.mark.parametrize("xla", ["true", "false"])
def test_a_program_is_compiled_once_for_each_shape(
    houses: Path, xla: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fathom.training.building import trainer

    made: list[Any] = []

    def compile_anew(*given: Any) -> Any:
        made.append(given)
        return trainer(*given)

    monkeypatch.setattr("fathom.search.trainers.compile_anew", compile_anew)
    write_space(
        "mlp",
        {
            "model.units": {"choice": [[16, 8], [12]]},
            "model.learning_rate": {"log": [0.0005, 0.02]},
            "train.optimizer.weight_decay": {"log": [0.001, 1.0]},
            "train.batch_size": {"choice": [128, 256]},
        },
    )
    found = searched("mlp", "random", "trials=10", "at_once=1", f"train.xla={xla}")
    shapes = {
        (str(t.settings["model.units"]), t.settings["train.batch_size"]) for t in found.trials
    }
    assert len(made) == len(shapes) == 4
    assert len({trial.value for trial in found.trials}) == 10


def test_data_is_made_anew_where_its_settings_are_searched(houses: Path) -> None:
    write_space(
        "wide_deep",
        {
            "scale.features": {"choice": ["zscore", "minmax", "quantile"]},
            "dataset.buckets": {
                "choice": [{"Latitude": 5, "Longitude": 5}, {"Latitude": 9, "Longitude": 4}],
            },
            "model.deep.units": {"choice": [[8]]},
        },
    )  # fmt: skip
    found = searched("wide_deep", "grid")
    assert len(found.trials) == len({trial.value for trial in found.trials}) == 6
    for trial in found.trials[::4]:
        overrides = [
            f"scale.features={trial.settings['scale.features']}",
            *(f"dataset.buckets.{k}={v}" for k, v in trial.settings["dataset.buckets"].items()),
        ]
        prepare(houses, ["california_housing"], *overrides)
        stage = trained("california_housing", "wide_deep", *overrides, "model.deep.units=[8]")
        assert trial.value == stage.best.value


def test_cross_validation_is_the_mean_of_its_folds(houses: Path) -> None:
    from fathom.search.data import Datasets

    settings = network_config("digits", "mlp")
    folds = list(Datasets(3).rows(settings, Schema.read("digits")))
    rows = [np.load(f"data/split/digits/{part}.npy") for part in ("train", "valid")]
    every = np.sort(np.concatenate(rows))
    assert np.array_equal(np.sort(np.concatenate([fold["valid"] for fold in folds])), every)
    labels = np.load("data/raw/digits/labels.npy")
    for fold in folds:
        assert np.array_equal(np.sort(np.concatenate([fold["train"], fold["valid"]])), every)
        counts = np.bincount(labels[fold["valid"]])
        assert counts.max() - counts.min() <= 6  # stratified
        assert np.array_equal(fold["test"], np.load("data/split/digits/test.npy"))

    found = searched("mlp", "random", "trials=2", "cv=3", "ensemble=2", dataset="digits")
    best = found.ranked()[0]
    overrides = [f"{key}={json.dumps(value)}" for key, value in best.settings.items()]
    values = []
    for fold in folds:
        for part, chosen in fold.items():
            np.save(f"data/split/digits/{part}.npy", chosen)
        from fathom.data.scale import scale

        scale(network_config("digits", "mlp", *overrides))
        values.append(trained("digits", "mlp", *overrides).best.value)
    assert best.value == float(np.mean(values))
    assert found.cv == 3
    assert found.selection is not None


def test_folds_of_rows_in_order_learn_from_the_past(houses: Path) -> None:
    from fathom.search.data import Datasets

    settings = network_config("california_housing", "mlp", "split.shuffle=false")
    for fold in Datasets(4).rows(settings, Schema.read("california_housing")):
        assert fold["train"].max() < fold["valid"].min()
        assert fold["valid"].max() < fold["test"].min()


# How a search goes on.


def start(folder: Path, *given: str) -> "subprocess.Popen[str]":
    """Start a search as a user does, its lines to be read."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "fathom", "search", *given]
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def read_until(running: "subprocess.Popen[str]", text: str) -> list[str]:
    assert running.stdout is not None
    lines = []
    for line in running.stdout:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError("".join(lines))


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("method", ["random", "grid"])
def test_a_stopped_search_goes_on_without_a_loss(
    houses: Path, stop: signal.Signals, method: str
) -> None:
    space: dict[str, Any] = {
        "model.units": {"choice": [[16, 8]]},
        "model.learning_rate": {"choice": [0.001, 0.002, 0.004, 0.008, 0.01, 0.02]},
        "model.dropout": {"choice": [0.0, 0.2]},
    }
    write_space("mlp", space)
    given = ["dataset=digits", "model=mlp", f"search={method}", *SMALL, "trials=12"]
    running = start(houses, *given)
    read_until(running, "    4/12")
    running.send_signal(stop)
    running.communicate(timeout=60)
    (file,) = houses.glob(f"studies/digits-mlp-{method}-*/study.db")
    study = f"sqlite:///{file}"
    (name,) = optuna.get_all_study_names(study)
    before = {
        trial.number: (trial.params, trial.value)
        for trial in optuna.load_study(storage=study, study_name=name).trials
        if trial.state == TrialState.COMPLETE
    }
    assert 4 <= len(before) < 12
    if stop == signal.SIGINT:
        assert running.returncode == 1

    found = searched("mlp", method, "trials=12", dataset="digits")

    ended = optuna.load_study(storage=study, study_name=name).get_trials(
        states=[TrialState.COMPLETE]
    )
    after = {trial.number: (trial.params, trial.value) for trial in ended}
    assert len(found.trials) == len(after) == 12
    assert {number: after[number] for number in before} == before
    drawn = sorted(json.dumps(trial.settings, sort_keys=True) for trial in found.trials)
    if method == "grid":
        points = itertools.product(*(dimension["choice"] for dimension in space.values()))
        combined = [dict(zip(space, point, strict=True)) for point in points]
        assert drawn == sorted(json.dumps(point, sort_keys=True) for point in combined)
    else:  # the same as without a stop
        Path("studies").rename("stopped")
        whole = searched("mlp", method, "trials=12", dataset="digits")
        assert drawn == sorted(json.dumps(t.settings, sort_keys=True) for t in whole.trials)
        assert found.ranked()[0].value == whole.ranked()[0].value


def test_more_trials_go_on_and_other_settings_begin_anew(
    houses: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = searched("mlp", "random", "trials=2", dataset="digits")
    capsys.readouterr()
    second = searched("mlp", "random", "trials=4", dataset="digits")
    assert "goes on from 2 trials" in capsys.readouterr().out
    assert second.trials[:2] == first.trials
    other = searched("mlp", "random", "trials=2", "train.epochs=3", dataset="digits")
    assert "goes on" not in capsys.readouterr().out
    assert len(other.trials) == 2
    again = searched("mlp", "random", "trials=4", dataset="digits")
    for name, value in second.model_dump(exclude={"seconds"}).items():
        assert again.model_dump()[name] == value, name


def test_one_process_at_a_time_without_a_storage(houses: Path) -> None:
    from filelock import FileLock

    searched("mlp", "random", "trials=1", dataset="digits")
    (folder,) = Path("studies").iterdir()
    with FileLock(folder / "lock"), pytest.raises(FathomError) as refused:
        searched("mlp", "random", "trials=1", dataset="digits")
    assert str(refused.value) == (
        f"another process is at work on this search, in {folder}; for several at once set "
        "search.storage to a database that all of them reach"
    )


def test_a_storage_that_is_none(houses: Path) -> None:
    with pytest.raises(FathomError) as refused:
        searched("mlp", "random", "storage=mysql://host/studies", dataset="digits")
    assert str(refused.value) == (
        "command line: search.storage: cannot be opened: mysql is neither sqlite nor postgresql"
    )


# Methods.


@pytest.mark.parametrize("method", ["evolutionary", "tpe"])
def test_methods_learn_from_what_they_have_seen(houses: Path, method: str) -> None:
    """Of a space where one dimension alone decides, later trials are better than the first."""
    write_space(
        "mlp",
        {
            "model.learning_rate": {"log": [1e-6, 0.02]},
            "model.units": {"choice": [[16]]},
            "model.l2": {"choice": [0.0001, 0.0002]},
            "train.optimizer.clipnorm": {"choice": [1.0, 1.1]},
        },
    )
    more = []
    if method == "evolutionary":
        more = ["search.sampler.population_size=6"]
    elif method == "tpe":
        more = ["search.sampler.n_startup_trials=6"]
    found = searched("mlp", method, "trials=24", *more, dataset="digits")
    values = [trial.value or 0.0 for trial in found.trials]
    assert np.mean(values[12:]) > np.mean(values[:6])
    assert found.higher_is_better


def test_hopeless_trials_end_early(houses: Path) -> None:
    write_space("mlp", {"model.learning_rate": {"choice": [0.01, 0.000001]}})
    pruner = "search.pruner={_target_: optuna.pruners.MedianPruner, n_startup_trials: 2}"
    found = searched("mlp", "random", "trials=12", pruner, "train.epochs=4", dataset="digits")
    early = [trial for trial in found.trials if trial.value is None]
    assert early
    assert {trial.settings["model.learning_rate"] for trial in early} == {0.000001}
    assert len(found.trials) == 12


def test_a_trial_that_diverges_is_no_end(houses: Path) -> None:
    write_space("mlp", {"model.learning_rate": {"choice": [0.01, 1e30]}})
    found = searched("mlp", "grid", "train.optimizer.clipnorm=null", dataset="digits")
    by_rate = {trial.settings["model.learning_rate"]: trial.value for trial in found.trials}
    assert by_rate[1e30] is None
    assert by_rate[0.01] is not None


def test_all_trials_diverge(houses: Path) -> None:
    write_space("mlp", {"model.learning_rate": {"choice": [1e30, 1e31]}})
    with pytest.raises(FathomError) as refused:
        searched("mlp", "grid", "train.optimizer.clipnorm=null", dataset="digits")
    assert str(refused.value) == (
        "none of 2 trials came to its end; see that the space in conf/search/space/mlp.yaml has "
        "settings that learn"
    )


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            {"model.activation": {"choice": ["rleu"]}},
            "model.activation: Keras has no activation 'rleu'; did you mean relu? "
            "(trial 0: model.activation=rleu)",
        ),
        (
            {"model.unit": {"choice": [[1]]}},
            "model.unit is no argument of fathom.models.mlp.build; did you mean units? "
            "(trial 0: model.unit=[1])",
        ),
    ],
)
def test_settings_that_cannot_be_trained_end_the_search(
    houses: Path, space: dict[str, Any], message: str
) -> None:
    write_space("mlp", space)
    with pytest.raises(FathomError) as refused:
        searched("mlp", "grid", dataset="digits")
    assert str(refused.value) == f"conf/search/space/mlp.yaml: {message}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "search.pruner={_target_: optuna.samplers.RandomSampler}",
            "search.pruner._target_: optuna.samplers.RandomSampler is not a pruner of Optuna's",
        ),
        (
            "search.sampler._target_=optuna.pruners.NopPruner",
            "search.sampler._target_: optuna.pruners.NopPruner is not a sampler of Optuna's",
        ),
        (
            "+search.sampler.sed=1",
            "search.sampler.sed is no argument of optuna.samplers.RandomSampler; did you mean "
            "seed?",
        ),
    ],
)
def test_refuses_what_is_no_method(houses: Path, override: str, message: str) -> None:
    with pytest.raises(FathomError) as refused:
        searched("mlp", "random", "trials=1", override, dataset="digits")
    assert str(refused.value) == f"command line: {message}"


# What comes of the best.


def test_the_test_part_is_read_when_all_is_decided(
    houses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fathom.search.data import TrialData
    from fathom.search.search import Search

    happened: list[str] = []
    read, run = TrialData.test, Search.run

    def test(data: TrialData) -> Any:
        happened.append("test")
        return read(data)

    def run_search(search: Search) -> None:
        run(search)
        happened.append("searched")

    monkeypatch.setattr(TrialData, "test", test)
    monkeypatch.setattr(Search, "run", run_search)
    searched("mlp", "random", "trials=3", dataset="digits")
    assert happened[0] == "searched"
    assert "test" in happened


def test_figures_are_those_of_the_networks(houses: Path) -> None:
    found = searched("mlp", "random", "trials=5", dataset="california_housing")
    ranked = found.ranked()
    assert found.best == ranked[0].number
    assert [trial.value for trial in ranked] == sorted(trial.value or 0.0 for trial in ranked)
    assert found.figures["valid"]["rmse"] == pytest.approx(ranked[0].value, rel=1e-5)
    predicted = {}
    for trial in ranked[:3]:
        overrides = [f"{key}={json.dumps(value)}" for key, value in trial.settings.items()]
        trained("california_housing", "mlp", *overrides)
        run = Path("models/california_housing/mlp/predictions/seed-42/test_main_output.npy")
        predicted[trial.number] = np.load(run)
    actual = pd.read_parquet("data/scaled/california_housing/test_targets.parquet")["main_output"]

    def rmse(members: dict[int, int]) -> float:
        mean = np.average([predicted[at] for at in members], axis=0, weights=list(members.values()))
        return float(np.sqrt(np.mean((mean - actual) ** 2)))

    assert found.figures["test"]["rmse"] == pytest.approx(rmse({found.best: 1}), rel=1e-6)
    for combined in (found.average, found.selection):
        assert combined is not None
        assert set(combined.members) <= set(predicted)
        assert combined.figures["test"]["rmse"] == pytest.approx(rmse(combined.members), rel=1e-6)
    assert found.average is not None
    assert list(found.average.members.values()) == [1, 1, 1]
    kept = {file.stem for file in Path().glob("studies/california_housing-mlp-random-*/trials/*")}
    assert kept == {str(number) for number in predicted}


def test_greedy_selection_finds_what_errs_in_opposite_ways() -> None:
    from fathom.search.ensemble import mean, selected

    rng = np.random.default_rng(1)
    truth, noise = rng.normal(size=400), rng.normal(size=400)
    predictions = {
        3: truth + 0.5 * rng.normal(size=400),
        7: truth + noise,
        9: truth - noise,
        11: truth + 5.0,
    }

    def loss(values: np.ndarray) -> float:
        return float(np.mean((values - truth) ** 2))

    chosen = selected(predictions, loss)
    assert 11 not in chosen
    assert {7, 9} <= set(chosen)
    assert loss(mean(predictions, chosen)) < min(loss(one) for one in predictions.values()) / 4


def test_damaged_outcome(workspace: Path) -> None:
    HOUSES.mkdir(parents=True)
    (HOUSES / "mlp-random.json").write_text("{}")
    with pytest.raises(FathomError) as refused:
        Found.read("california_housing")
    assert str(refused.value) == (
        "searches/california_housing/mlp-random.json is damaged: delete it, or bring it back with "
        "git"
    )


def test_a_command_to_be_typed(houses: Path) -> None:
    """The one of README, as a user types it: lines of progress, tables, and where the rest is."""
    given = ["dataset=digits", "model=mlp", "search=random", "trials=3", *SMALL]
    done = run_in(houses, sys.executable, "-c", COMMAND, *given)
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if " trial " in line and "left" in line] == [
        "1/3", "2/3", "3/3",
    ]  # fmt: skip
    assert "best trial" in done.stdout
    assert lines[-1] == "searches/digits/mlp-random.json has it all"
    assert done.stderr == ""


COMMAND = f"""
import sys
sys.path.insert(0, {str(ROOT / "src")!r})
sys.argv[1:1] = ["search"]
from fathom.__main__ import main
main()
"""
