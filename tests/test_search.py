"""What comes out of a search, on real data with shrunk networks."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import prepare, train_network, work_in_copy
from small_searches import (
    arguments,
    run_search,
    search_config,
    stage_value,
    start_search,
    write_space,
)
from stages import build_once, run_command
from trainings import refusal

from fathom.artifacts.search_result import SearchResult
from fathom.search.study import study_folder
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig

HOUSES = "california_housing"
RESULT = Path("searches", HOUSES, "mlp-random.json")

# Most tests below read one search. Two shapes of units, and batches of two sizes with one of them,
# are three shapes of a program for six trials.
COMMAND = arguments("mlp", "random", "trials=6", "at_once=1", dataset=HOUSES)
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
def searched(scaled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which `fathom search` has run. Read it alone.

    `events.json` has what it printed, and its steps: programs compiled, the end of the trials, and
    the test set read.
    """

    def build(folder: Path) -> None:
        from fathom.search import search, trainer_pool
        from fathom.search.trainer_pool import TrialData

        shutil.copytree(scaled, folder, dirs_exist_ok=True)
        steps: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            write_space("mlp", MANY_KINDS)
            for owner, name in [
                (trainer_pool, "make_trainer"), (search, "summarize"), (TrialData, "test"),
            ]:  # fmt: skip
                patch.setattr(owner, name, recorded(getattr(owner, name), steps))
            done = run_command("search", *COMMAND)
        (folder / "events.json").write_text(json.dumps(vars(done) | {"steps": steps}))

    return build_once(tmp_path_factory, "searched", build)


def recorded(function: Callable[..., Any], steps: list[str]) -> Callable[..., Any]:
    """Return a function that adds its name to a list when it is called."""

    def call(*given: Any) -> Any:
        steps.append(function.__name__)
        return function(*given)

    return call


def assert_printed(printed: str, trials: int, file: str) -> None:
    lines = printed.splitlines()
    places = [line.split()[0] for line in lines if " trial " in line and "left" in line]
    assert places == [f"{number}/{trials}" for number in range(1, trials + 1)]
    assert "best trial" in printed
    assert lines[-1] == f"all trials: {file}"


def test_what_the_command_prints_compiles_and_reads(searched: Path) -> None:
    """A program is compiled once for each shape; the test set is read after the search."""
    events = json.loads((searched / "events.json").read_text())
    assert (events["status"], events["err"]) == (0, "")
    assert_printed(events["out"], 6, str(RESULT))
    trials = SearchResult.read(searched / RESULT).trials
    assert len({trial.value for trial in trials}) == len(trials) == 6
    assert len({shape(trial.settings) for trial in trials}) == 3
    assert events["steps"].count("make_trainer") == 3
    other_steps = [step for step in events["steps"] if step != "make_trainer"]
    assert other_steps[0] == "summarize"
    assert "test" in other_steps


def shape(settings: dict[str, Any]) -> tuple[str, int | None]:
    return str(settings["model.units"]), settings.get("train.batch_size")


@pytest.mark.slow
def test_metrics_are_those_of_the_networks_that_stages_train(
    searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit, though data and programs of one trial serve the next."""
    work_in_copy(searched, tmp_path, monkeypatch)
    result = SearchResult.read(RESULT)
    best = result.best_first()
    assert result.best == best[0].number
    assert [trial.value for trial in best] == sorted(trial.value or 0.0 for trial in best)
    assert result.figures["valid"]["rmse"] == pytest.approx(best[0].value, rel=1e-5)
    predictions = {}
    for trial in best[:3]:
        assert trial.value == stage_value("mlp", trial.settings, HOUSES)
        run = Path(f"models/{HOUSES}/mlp/predictions/seed-42/test_main_output.npy")
        predictions[trial.number] = np.load(run)
    first_of_shape = {shape(trial.settings): trial.number for trial in reversed(result.trials)}
    assert set(predictions) - set(first_of_shape.values())  # used a program of another trial
    assert len({trial.settings["scale.features"] for trial in best[:3]}) == 2
    actual = pd.read_parquet(f"data/scaled/{HOUSES}/test_targets.parquet")["main_output"]

    def rmse(members: dict[int, int]) -> float:
        arrays = [predictions[number] for number in members]
        mean = np.average(arrays, axis=0, weights=list(members.values()))
        return float(np.sqrt(np.mean((mean - actual) ** 2)))

    assert result.figures["test"]["rmse"] == pytest.approx(rmse({result.best: 1}), rel=1e-6)
    for ensemble in (result.average, result.selection):
        assert ensemble is not None
        assert set(ensemble.members) <= set(predictions)
        assert ensemble.figures["test"]["rmse"] == pytest.approx(rmse(ensemble.members), rel=1e-6)
    assert result.average is not None
    assert list(result.average.members.values()) == [1, 1, 1]
    networks = {file.stem for file in Path().glob(f"studies/{HOUSES}-mlp-random-*/trials/*")}
    assert networks == {str(number) for number in predictions}


@pytest.mark.slow
def test_more_trials_continue(
    searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_in_copy(searched, tmp_path, monkeypatch)
    done = run_command("search", *COMMAND, "trials=7", "ensemble=1")
    assert done.out.startswith("continues after 6 trials\n")
    more = SearchResult.read(RESULT)
    assert more.trials[:6] == SearchResult.read(searched / RESULT).trials
    assert len(more.trials) == 7
    done = run_command("search", *COMMAND, "trials=7", "ensemble=1", "--apply", "--name", "best")
    assert f"all trials: {RESULT}\nwrote conf/experiment/best.yaml\n" in done.out
    chosen = [f"dataset={HOUSES}", "model=mlp", "experiment=best"]
    rate = compose(chosen, NetworkConfig).model.learning_rate
    assert rate == more.best_first()[0].settings["model.learning_rate"]
    again = SearchResult.read(RESULT).model_dump()
    for name, value in more.model_dump(exclude={"seconds"}).items():
        assert again[name] == value, name


def test_other_settings_are_another_search(trainable: Path) -> None:
    folder = study_folder(search_config("mlp", "random"))
    for same in (
        "trials=9", "ensemble=1", "at_once=2", "storage=sqlite:///s.db", "train.repeats=5",
        "train.checkpoint=9",
    ):  # fmt: skip
        assert study_folder(search_config("mlp", "random", same)) == folder
    for other in ("train.epochs=3", "scale.features=minmax", "search.seed=7"):
        assert study_folder(search_config("mlp", "random", other)) != folder


# Programs of one trial train the next, though two train at the same time.
RATES = {"log": [0.0005, 0.02]}
SPACES: dict[str, dict[str, Any]] = {
    "mlp": {
        "model.units": {"choice": [[8]]}, "model.dropout": {"choice": [0.0]},
        "model.learning_rate": RATES, "train.xla": {"choice": [True]},
    },
    "selu": {
        "model.depth": {"choice": [2]}, "model.width": {"choice": [16]},
        "model.learning_rate": RATES, "model.dropout": {"float": [0.05, 0.3]},
    },
    "wide_deep": {
        "model.deep.units": {"choice": [[8]]}, "model.deep.dropout": {"float": [0.05, 0.3]},
        "model.learning_rate": RATES, "model.deep.numbers.fourier.sigma": {"log": [0.5, 2.0]},
        "train.optimizer.weight_decay": {"log": [0.01, 0.2]},
    },
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("model", list(SPACES))
def test_a_trial_equals_the_stage(trainable: Path, model: str) -> None:
    """To the last bit, by a program that has trained others before."""
    dataset = HOUSES if model == "wide_deep" else "digits"
    write_space(model, SPACES[model])
    at_once = 1 if model == "mlp" else 2  # XLA takes its time
    more = [f"trials={at_once + 2}", f"at_once={at_once}", "ensemble=1"]
    result = run_search(model, "random", *more, dataset=dataset)
    assert [trial.number for trial in result.trials] == list(range(at_once + 2))
    last = result.trials[-1]
    assert last.value == stage_value(model, last.settings, dataset), last.settings


@pytest.mark.slow
def test_data_is_scaled_again_for_other_data_settings(trainable: Path) -> None:
    buckets = [{"Latitude": 5, "Longitude": 5}, {"Latitude": 9, "Longitude": 4}]
    space: dict[str, list[Any]] = {
        "scale.features": ["zscore", "quantile"],
        "dataset.buckets": buckets,
        "model.deep.units": [[8]],
    }
    write_space("wide_deep", {name: {"choice": values} for name, values in space.items()})
    result = run_search("wide_deep", "grid", "at_once=1", "ensemble=1", dataset=HOUSES)
    assert len(result.trials) == len({trial.value for trial in result.trials}) == 4
    trial = next(t for t in result.trials if t.settings["scale.features"] == "quantile")
    chosen = trial.settings["dataset.buckets"].items()
    overrides = ["scale.features=quantile", *(f"dataset.buckets.{k}={v}" for k, v in chosen)]
    prepare(trainable, [HOUSES], *overrides)
    stage = train_network(HOUSES, "wide_deep", *overrides, "model.deep.units=[8]")
    assert trial.value == stage.best.value


def test_selection_combines_opposite_errors() -> None:
    from fathom.search.best_trials import mean, select_ensemble

    rng = np.random.default_rng(1)
    truth, noise = rng.normal(size=400), rng.normal(size=400)
    own_noise = 0.5 * rng.normal(size=400)
    predictions = {3: truth + own_noise, 7: truth + noise, 9: truth - noise, 11: truth + 5.0}

    def loss(values: np.ndarray) -> float:
        return float(np.mean((values - truth) ** 2))

    members = select_ensemble(predictions, loss)
    assert 11 not in members
    assert {7, 9} <= set(members)
    assert loss(mean(predictions, members)) < min(map(loss, predictions.values())) / 4


def test_damaged_result(workspace: Path) -> None:
    RESULT.parent.mkdir(parents=True)
    RESULT.write_text("{}")
    expected = f"{RESULT} is damaged: delete it, or restore it with git"
    assert refusal(SearchResult.read_all, HOUSES) == expected


@pytest.mark.slow
def test_the_command_of_the_readme(trainable: Path) -> None:
    """As a user types it: no line of TensorFlow's in the output."""
    write_space("mlp", {"model.units": {"choice": [[8]]}, "model.dropout": {"choice": [0.1, 0.2]}})
    process = start_search(trainable, *arguments("mlp", "random", "trials=2"))
    printed = process.communicate()[0]
    assert_printed(printed, 2, "searches/digits/mlp-random.json")
    assert printed.splitlines()[1].startswith("      2/2")
