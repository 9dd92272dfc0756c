"""Searches for better settings, on real data with shrunk networks."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
import yaml
from conftest import ROOT, SHRUNK, network_config, prepare, run_in, train_network, work_in_copy
from optuna.trial import TrialState
from stages import build_once, run_command

from fathom.artifacts.schema import Schema
from fathom.artifacts.search_result import SearchResult
from fathom.base.errors import FathomError
from fathom.scale.scale import scale
from fathom.search.overrides import refuse_unknown
from fathom.search.search_command import as_overrides, search
from fathom.search.space import grid, ordered, suggest
from fathom.search.study import folder_of, opened
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig, SearchConfig
from fathom.settings.search_settings import Dimension

SMALL = [*SHRUNK[:2], "train.repeats=1", "gpus=[]", "experiments=0", "ensemble=3"]
HOUSES = Path("searches/california_housing")


def write_space(name: str, space: dict[str, Any]) -> None:
    Path(f"conf/search/space/{name}.yaml").write_text(yaml.safe_dump(space, sort_keys=False))


def searched(
    model: str, method: str, *overrides: str, dataset: str = "california_housing"
) -> SearchResult:
    """Search in the workspace, and return the outcome as it is on disk."""
    search([f"dataset={dataset}", f"model={model}", f"search={method}", *SMALL, *overrides])
    return SearchResult.read(Path("searches", dataset, f"{model}-{method}.json"))


def value_of_stage(model: str, settings: dict[str, Any], dataset: str) -> float:
    """Return the value that the stages come to with the settings of a trial."""
    overrides = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    scale(network_config(dataset, model, *overrides))
    return train_network(dataset, model, *overrides).best.value


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
        (
            {"int": [5, 2]},
            "int: must be [low, high] with low < high, both whole numbers, not [5, 2]",
        ),
        (
            {"int": [1, 2.5]},
            "int: must be [low, high] with low < high, both whole numbers, not [1, 2.5]",
        ),
        ({"float": 3}, "float: must be [low, high] with low < high, not 3"),
        ({"log": [0, 1]}, "log: must be [low, high] with 0 < low < high, not [0, 1]"),
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


# What most tests below look at is searched once: two units, and batches of two sizes with one of
# them, are three shapes of a program for six trials.
TYPED = [
    "dataset=california_housing", "model=mlp", "search=random", "trials=6", "at_once=1", *SMALL,
]  # fmt: skip
MANY_KINDS: dict[str, Any] = {
    "scale.features": {"choice": ["zscore", "minmax"]},
    "model.units": {"choice": [[16, 8], [12]]},
    "model.learning_rate": {"log": [0.0005, 0.02]},
    "model.dropout": {"choice": [0.1, 0.2]},
    "model.l2": {"choice": [0.001, 0.01]},
    "train.optimizer.weight_decay": {"log": [0.001, 1.0]},
    "train.optimizer.clipnorm": {"float": [0.5, 2.0]},
    "train.batch_size": {"choice": [128, 256], "if": {"model.units": [[16, 8]]}},
}


@pytest.fixture(scope="module")
def typed(scaled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which `fathom search` has run. Read it alone.

    `happened.json` has what it printed, how many programs it compiled, and in which order it
    searched and read the test part.
    """

    def build(folder: Path) -> None:
        shutil.copytree(scaled, folder, dirs_exist_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            write_space("mlp", MANY_KINDS)
            steps = watch(patch)
            done = run_command("search", *TYPED)
        happened = {"status": done.status, "out": done.out, "err": done.err, "steps": steps}
        (folder / "happened.json").write_text(json.dumps(happened))

    return build_once(tmp_path_factory, "searched", build)


def watch(patch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets what a search does, as it does it."""
    from fathom.search.search import Search
    from fathom.search.trial_data import TrialData
    from fathom.train.trainer import make_trainer

    steps: list[str] = []
    read, run = TrialData.test, Search.run

    def compile_anew(*given: Any) -> Any:
        steps.append("compiled")
        return make_trainer(*given)

    def test(data: TrialData) -> Any:
        steps.append("test")
        return read(data)

    def run_search(search: Search) -> None:
        run(search)
        steps.append("searched")

    patch.setattr("fathom.search.trainer_pool.compile_anew", compile_anew)
    patch.setattr(TrialData, "test", test)
    patch.setattr(Search, "run", run_search)
    return steps


def happened(folder: Path) -> Any:
    return json.loads((folder / "happened.json").read_text())


def outcome(folder: Path) -> SearchResult:
    return SearchResult.read(folder / HOUSES / "mlp-random.json")


def test_a_command_prints_progress_tables_and_where_the_rest_is(typed: Path) -> None:
    done = happened(typed)
    assert (done["status"], done["err"]) == (0, "")
    lines = done["out"].splitlines()
    assert [line.split()[0] for line in lines if " trial " in line and "left" in line] == [
        "1/6", "2/6", "3/6", "4/6", "5/6", "6/6",
    ]  # fmt: skip
    assert "best trial" in done["out"]
    assert lines[-1] == "searches/california_housing/mlp-random.json has it all"


def test_a_program_is_compiled_once_for_each_shape(typed: Path) -> None:
    found = outcome(typed)
    assert len(shapes(found)) == 3
    assert happened(typed)["steps"].count("compiled") == 3
    assert len({trial.value for trial in found.trials}) == len(found.trials) == 6


def shapes(found: SearchResult) -> set[tuple[str, int | None]]:
    return {shape(trial.settings) for trial in found.trials}


def shape(settings: dict[str, Any]) -> tuple[str, int | None]:
    return str(settings["model.units"]), settings.get("train.batch_size")


def test_the_test_part_is_read_when_all_is_decided(typed: Path) -> None:
    steps = [step for step in happened(typed)["steps"] if step != "compiled"]
    assert steps[0] == "searched"
    assert "test" in steps


def test_figures_are_those_of_the_networks_that_stages_train(
    typed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit, though data and programs of one trial serve the next."""
    work_in_copy(typed, tmp_path, monkeypatch)
    found = outcome(typed)
    ranked = found.best_first()
    assert found.best == ranked[0].number
    assert [trial.value for trial in ranked] == sorted(trial.value or 0.0 for trial in ranked)
    assert found.figures["valid"]["rmse"] == pytest.approx(ranked[0].value, rel=1e-5)
    predicted = {}
    for trial in ranked[:3]:
        assert trial.value == value_of_stage("mlp", trial.settings, "california_housing")
        run = Path("models/california_housing/mlp/predictions/seed-42/test_main_output.npy")
        predicted[trial.number] = np.load(run)
    first_of_shape = {shape(trial.settings): trial.number for trial in reversed(found.trials)}
    assert set(predicted) - set(first_of_shape.values())  # went on with a program of another
    assert len({trial.settings["scale.features"] for trial in ranked[:3]}) == 2
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


def test_more_trials_go_on(typed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work_in_copy(typed, tmp_path, monkeypatch)
    more_trials = [*TYPED, "trials=7", "ensemble=1"]
    done = run_command("search", *more_trials)
    assert done.out.startswith("goes on from 6 trials\n")
    more = outcome(tmp_path)
    assert more.trials[:6] == outcome(typed).trials
    assert len(more.trials) == 7
    run_command("search", *more_trials)
    again = outcome(tmp_path).model_dump()
    for name, value in more.model_dump(exclude={"seconds"}).items():
        assert again[name] == value, name


@pytest.mark.parametrize(
    ("override", "begins_anew"),
    [
        ("trials=9", False),
        ("ensemble=1", False),
        ("at_once=2", False),
        ("train.epochs=3", True),
        ("scale.features=minmax", True),
        ("search.seed=7", True),
    ],
)
def test_other_settings_begin_anew(houses: Path, override: str, begins_anew: bool) -> None:
    folders = {folder_of(config("mlp", "random", *more)) for more in ([], [override])}
    assert (len(folders) == 2) == begins_anew


# Programs of one trial train the next, though they train two at the same time.
SPACES: dict[str, tuple[str, dict[str, Any]]] = {
    "mlp": (
        "digits",
        {
            "model.units": {"choice": [[8]]},
            "model.dropout": {"choice": [0.0]},
            "model.learning_rate": {"log": [0.0005, 0.02]},
            "train.xla": {"choice": [True]},
        },
    ),
    "selu": (
        "digits",
        {
            "model.depth": {"choice": [2]},
            "model.width": {"choice": [16]},
            "model.learning_rate": {"log": [0.0005, 0.02]},
            "model.dropout": {"float": [0.05, 0.3]},
        },
    ),
    "wide_deep": (
        "california_housing",
        {
            "model.deep.units": {"choice": [[8]]},
            "model.deep.dropout": {"float": [0.05, 0.3]},
            "model.learning_rate": {"log": [0.0005, 0.02]},
            "model.deep.numbers.fourier.sigma": {"log": [0.5, 2.0]},
            "model.wide_optimizer.learning_rate": {"log": [0.01, 0.2]},
        },
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("model", list(SPACES))
def test_a_trial_comes_to_what_the_stage_does(houses: Path, model: str) -> None:
    """To the last bit, of a program that others have trained with before."""
    dataset, space = SPACES[model]
    write_space(model, space)
    at_once = 1 if model == "mlp" else 2  # XLA takes its time
    more = ["trials=4", f"at_once={at_once}", "ensemble=1"]
    found = searched(model, "random", *more, dataset=dataset)
    assert [trial.number for trial in found.trials] == list(range(4))
    for trial in found.trials[1 + at_once :]:
        assert trial.value == value_of_stage(model, trial.settings, dataset), trial.settings


@pytest.mark.slow
def test_data_is_made_anew_where_its_settings_are_searched(houses: Path) -> None:
    write_space(
        "wide_deep",
        {
            "scale.features": {"choice": ["zscore", "quantile"]},
            "dataset.buckets": {
                "choice": [{"Latitude": 5, "Longitude": 5}, {"Latitude": 9, "Longitude": 4}],
            },
            "model.deep.units": {"choice": [[8]]},
        },
    )  # fmt: skip
    found = searched("wide_deep", "grid", "at_once=1", "ensemble=1")
    assert len(found.trials) == len({trial.value for trial in found.trials}) == 4
    trial = next(trial for trial in found.trials if trial.settings["scale.features"] == "quantile")
    overrides = [
        "scale.features=quantile",
        *(f"dataset.buckets.{k}={v}" for k, v in trial.settings["dataset.buckets"].items()),
    ]
    prepare(houses, ["california_housing"], *overrides)
    stage = train_network("california_housing", "wide_deep", *overrides, "model.deep.units=[8]")
    assert trial.value == stage.best.value


def test_folds_share_training_and_validation_rows(houses: Path) -> None:
    from fathom.search.trial_data import Datasets

    every = np.sort(np.concatenate([split_rows("train"), split_rows("valid")]))
    labels = np.load("data/raw/digits/labels.npy")
    folds = list(Datasets(3).rows(network_config("digits", "mlp"), Schema.read("digits")))
    assert np.array_equal(np.sort(np.concatenate([fold["valid"] for fold in folds])), every)
    for fold in folds:
        assert np.array_equal(np.sort(np.concatenate([fold["train"], fold["valid"]])), every)
        counts = np.bincount(labels[fold["valid"]])
        assert counts.max() - counts.min() <= 6  # stratified
        assert np.array_equal(fold["test"], split_rows("test"))


@pytest.mark.slow
def test_cross_validation_is_the_mean_of_its_folds(houses: Path) -> None:
    from fathom.search.trial_data import Datasets

    write_space(
        "mlp",
        {"model.units": {"choice": [[8]]}, "model.learning_rate": {"choice": [0.001, 0.01]}},
    )
    found = searched("mlp", "grid", "at_once=1", "cv=2", "ensemble=2", dataset="digits")
    best = found.best_first()[0]
    values = []
    for fold in Datasets(2).rows(network_config("digits", "mlp"), Schema.read("digits")):
        for part, chosen in fold.items():
            np.save(f"data/split/digits/{part}.npy", chosen)
        values.append(value_of_stage("mlp", best.settings, "digits"))
    assert best.value == float(np.mean(values))
    assert found.cv == 2
    assert found.selection is not None


def test_folds_are_judged_by_their_mean_so_far(
    houses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fathom.search.trial import HopelessError, Trials

    trained_to = iter([0.5, 0.7, 0.9, 0.5, 0.7])
    judged: list[tuple[int, float]] = []

    def promises(step: int, value: float) -> bool:
        judged.append((step, value))
        return len(judged) < 5

    trainers: Any = SimpleNamespace(lease=lambda *given: nullcontext())
    trials = Trials(3, trainers, threading.Event())
    monkeypatch.setattr(
        "fathom.search.trial.train_run",
        lambda *given: (SimpleNamespace(value=next(trained_to)), None),
    )
    settings = network_config("digits", "mlp")
    done = trials.carry_out(settings, Path("checkpoint.npz"), promises)
    assert done.value == pytest.approx(0.7)
    assert done.network is None
    assert judged == [(1, 0.5), (2, 0.6), (3, pytest.approx(0.7))]
    with pytest.raises(HopelessError):
        trials.carry_out(settings, Path("checkpoint.npz"), promises)
    assert judged[3:] == [(1, 0.5), (2, 0.6)]


def split_rows(part: str) -> Any:
    return np.load(f"data/split/digits/{part}.npy")


def test_folds_of_rows_in_order_learn_from_the_past(houses: Path) -> None:
    from fathom.search.trial_data import Datasets

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


STOPPED: dict[str, Any] = {
    "model.units": {"choice": [[8]]},
    "model.learning_rate": {"choice": [0.001, 0.002, 0.004, 0.008, 0.01, 0.02]},
    "model.dropout": {"choice": [0.1, 0.2]},
}


@pytest.mark.slow
@pytest.mark.parametrize(("stop", "method"), [(signal.SIGKILL, "random"), (signal.SIGINT, "grid")])
def test_a_stopped_search_goes_on_without_a_loss(
    houses: Path, stop: signal.Signals, method: str
) -> None:
    write_space("mlp", STOPPED)
    given = ["dataset=digits", "model=mlp", f"search={method}", *SMALL, "trials=12"]
    running = start(houses, *given)
    read_until(running, "    3/12")
    running.send_signal(stop)
    printed, _ = running.communicate(timeout=60)
    (file,) = houses.glob(f"studies/digits-mlp-{method}-*/study.db")
    study = f"sqlite:///{file}"
    (name,) = optuna.get_all_study_names(study)
    before = complete(optuna.load_study(storage=study, study_name=name))
    assert 3 <= len(before) < 12
    if stop == signal.SIGINT:
        assert running.returncode == 1
        assert printed.splitlines()[-1] == (
            f"fathom: stopped after {len(before)} trials; the same command goes on"
        )

    found = searched("mlp", method, "trials=12", "ensemble=1", dataset="digits")

    after = complete(optuna.load_study(storage=study, study_name=name))
    assert len(found.trials) == len(after) == 12
    assert {number: after[number] for number in before} == before
    drawn = sorted(json.dumps(trial.settings, sort_keys=True) for trial in found.trials)
    if method == "grid":
        assert drawn == sorted(json.dumps(point, sort_keys=True) for point in points(STOPPED))
    else:  # the same as without a stop
        Path("studies").rename("stopped")
        whole = searched("mlp", method, "trials=12", "ensemble=1", dataset="digits")
        assert drawn == sorted(json.dumps(t.settings, sort_keys=True) for t in whole.trials)
        assert found.best_first()[0].value == whole.best_first()[0].value


def complete(study: optuna.Study) -> dict[int, tuple[dict[str, Any], float | None]]:
    ended = study.get_trials(states=[TrialState.COMPLETE])
    return {trial.number: (trial.params, trial.value) for trial in ended}


def points(space: dict[str, Any]) -> list[dict[str, Any]]:
    values = itertools.product(*(dimension["choice"] for dimension in space.values()))
    return [dict(zip(space, point, strict=True)) for point in values]


class Formula:
    """Carries out trials in no time: each comes to what a formula makes of its settings."""

    def __init__(self, formula: Callable[[NetworkConfig], float], at_once: int) -> None:
        self.formula, self.at_once = formula, at_once

    def carry_out(self, config: NetworkConfig, file: Path, judge: Any) -> Any:
        from fathom.search.trial import Outcome

        return Outcome(self.formula(config), None)

    def halt(self) -> None:
        pass


def from_formula(
    formula: Callable[[NetworkConfig], float], method: str, *overrides: str, at_once: int = 1
) -> optuna.Study:
    """Search in the workspace, of digits by a formula; return the study."""
    with by_formula(formula, method, *overrides, at_once=at_once) as run:
        run.run()
        study: optuna.Study = run.study
        return study


@contextmanager
def by_formula(
    formula: Callable[[NetworkConfig], float], method: str, *overrides: str, at_once: int = 1
) -> Iterator[Any]:
    from fathom.search.overrides import Base
    from fathom.search.search import Search

    given = ["dataset=digits", "model=mlp", f"search={method}", *SMALL, *overrides]
    settings = compose(as_overrides(given), SearchConfig)
    engine = Formula(formula, at_once)
    with opened(settings, higher_is_better=True) as study:
        yield Search(settings, Base(as_overrides(given)), study, engine, lambda *news: None)


def rate(config: NetworkConfig) -> float:
    return config.model.learning_rate


# The other two pairs are those of the test above.
@pytest.mark.parametrize(("method", "stop"), [("random", "by the user"), ("grid", "killed")])
def test_trials_under_way_at_a_stop_are_tried_again(houses: Path, method: str, stop: str) -> None:
    space = STOPPED | {"model.learning_rate": {"choice": [0.001, 0.01, 0.02]}}
    write_space("mlp", space)
    rates: list[float] = []

    def stopping(config: NetworkConfig) -> float:
        rates.append(rate(config))
        if len(rates) == 3:
            raise KeyboardInterrupt
        return rate(config)

    if stop == "killed":  # two are under way, and nobody is left to tell what came of them
        with by_formula(rate, method, "trials=6") as search:
            search.wanted = 2
            search.run()
            search.wanted = 6
            assert [search.begun() is None, search.begun() is None] == [False, False]
    else:
        stopped = by_formula(stopping, method, "trials=6", at_once=2)
        with stopped as search, pytest.raises(KeyboardInterrupt):
            search.run()
    before = complete(search.study)
    assert 2 <= len(before) < 6

    after = complete(from_formula(rate, method, "trials=6", at_once=2))

    assert len(after) == 6
    assert {number: after[number] for number in before} == before
    drawn = sorted(str(sorted(params.items())) for params, _ in after.values())
    if method == "grid":
        assert len(set(drawn)) == len(points(space)) == 6
    else:  # the same as without a stop
        Path("studies").rename("stopped")
        whole = complete(from_formula(rate, method, "trials=6"))
        assert drawn == sorted(str(sorted(params.items())) for params, _ in whole.values())


def test_one_process_at_a_time_without_a_storage(houses: Path) -> None:
    from filelock import FileLock

    given = ["dataset=digits", "model=mlp", "search=random", *SMALL]
    folder = folder_of(compose(as_overrides(given), SearchConfig))
    folder.mkdir(parents=True)
    with FileLock(folder / "lock"), pytest.raises(FathomError) as refused:
        searched("mlp", "random", dataset="digits")
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


@pytest.mark.parametrize(
    ("method", "begin"),
    [
        ("evolutionary", "search.sampler.population_size=6"),
        ("tpe", "search.sampler.n_startup_trials=6"),
    ],
)
def test_methods_learn_from_what_they_have_seen(houses: Path, method: str, begin: str) -> None:
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
    study = from_formula(lambda config: float(np.log(rate(config))), method, "trials=16", begin)
    values = [trial.value or 0.0 for trial in study.trials]
    assert np.mean(values[8:]) > np.mean(values[:6])


def test_hopeless_trials_end_early_and_diverged_ones_end_no_search(houses: Path) -> None:
    write_space(
        "mlp",
        {
            "model.units": {"choice": [[8]]},
            "model.learning_rate": {"choice": [0.01, 0.000001, 1e30]},
        },
    )
    pruner = "search.pruner={_target_: optuna.pruners.MedianPruner, n_startup_trials: 2}"
    more = ["trials=9", "at_once=1", "ensemble=1", "train.optimizer.clipnorm=null", pruner]
    found = searched("mlp", "random", *more, dataset="digits")
    assert len(found.trials) == 9
    ended = {
        learning_rate: [
            trial.value is not None
            for trial in found.trials
            if trial.settings["model.learning_rate"] == learning_rate
        ]
        for learning_rate in (0.01, 0.000001, 1e30)
    }
    assert all(ended[0.01])
    assert not all(ended[0.000001])
    assert ended[1e30]
    assert not any(ended[1e30])


def test_all_trials_diverge(houses: Path) -> None:
    write_space(
        "mlp",
        {"model.units": {"choice": [[8]]}, "model.learning_rate": {"choice": [1e30, 1e31]}},
    )
    with pytest.raises(FathomError) as refused:
        searched("mlp", "grid", "at_once=1", "train.optimizer.clipnorm=null", dataset="digits")
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
        from_formula(rate, "random", "trials=1", override)
    assert str(refused.value) == f"command line: {message}"


# What comes of the best.


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
        SearchResult.read_all("california_housing")
    assert str(refused.value) == (
        "searches/california_housing/mlp-random.json is damaged: delete it, or restore it with "
        "git"
    )


@pytest.mark.slow
def test_a_command_to_be_typed(houses: Path) -> None:
    """The one of README, as a user types it: nothing of TensorFlow's among its lines."""
    write_space("mlp", {"model.units": {"choice": [[8]]}, "model.dropout": {"choice": [0.1, 0.2]}})
    given = ["dataset=digits", "model=mlp", "search=random", "trials=2", *SMALL]
    done = run_in(houses, sys.executable, "-c", COMMAND, *given)
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if " trial " in line and "left" in line] == [
        "1/2", "2/2",
    ]  # fmt: skip
    assert "best trial" in done.stdout
    assert lines[-1] == "searches/digits/mlp-random.json has it all"
    assert done.stderr == ""


COMMAND = f"""
import sys
sys.path.insert(0, {str(ROOT / "src")!r})
sys.argv[1:1] = ["search"]
from fathom.cli import main
main()
"""
