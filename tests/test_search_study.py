"""How a search is stopped and continues, and how its methods choose."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import tensorflow as tf
from conftest import network_config
from optuna.trial import TrialState
from small_searches import (
    arguments,
    finished,
    formula_search,
    learning_rate,
    read_study,
    read_until,
    run_formula,
    run_search,
    search_config,
    start_search,
    write_space,
)
from sqlalchemy import event
from trainings import refusal

from fathom.base.errors import FathomError
from fathom.base.locks import only_process
from fathom.search.space import describe
from fathom.search.study import study_folder
from fathom.settings.compose import one_line
from fathom.settings.config import NetworkConfig

GRID: dict[str, Any] = {
    "model.units": {"choice": [[8]]},
    "model.learning_rate": {"choice": [0.001, 0.002, 0.004, 0.008, 0.01, 0.02]},
    "model.dropout": {"choice": [0.1, 0.2]},
}
SMALL_GRID = GRID | {"model.learning_rate": {"choice": [0.001, 0.01, 0.02]}}


@pytest.mark.slow
@pytest.mark.parametrize(("stop", "method"), [(signal.SIGKILL, "random"), (signal.SIGINT, "grid")])
def test_a_stopped_search_continues_without_a_loss(
    trainable: Path, stop: signal.Signals, method: str
) -> None:
    write_space("mlp", GRID)
    process = start_search(trainable, *arguments("mlp", method, "trials=12"))
    read_until(process, "    3/12")
    os.killpg(process.pid, stop)
    printed, _ = process.communicate(timeout=60)
    (file,) = trainable.glob(f"studies/digits-mlp-{method}-*/study.db")
    before = read_study(file)
    assert 3 <= len(before) < 12
    if stop == signal.SIGINT:
        assert process.returncode == 1
        assert printed.splitlines()[-1] == (
            f"fathom: stopped after {len(before)} trials; the same command continues the search"
        )

    result = run_search("mlp", method, "trials=12", "ensemble=1")

    after = read_study(file)
    assert len(result.trials) == len(after) == 12
    assert {number: after[number] for number in before} == before
    if method == "grid":
        assert len({describe(trial.settings) for trial in result.trials}) == 12
    else:  # the same as without a stop
        Path("studies").rename("stopped")
        run_search("mlp", method, "trials=12", "ensemble=1")
        assert read_study(file) == after


# The other two pairs are those of the test above.
@pytest.mark.parametrize(("method", "stop"), [("random", "by the user"), ("grid", "killed")])
def test_interrupted_trials_run_again(trainable: Path, method: str, stop: str) -> None:
    write_space("mlp", SMALL_GRID)
    rates: list[float] = []

    def stop_at_the_third(config: NetworkConfig) -> float:
        rates.append(learning_rate(config))
        if len(rates) == 3:
            raise KeyboardInterrupt
        return learning_rate(config)

    if stop == "killed":  # two are running, the second of them without values
        with formula_search(learning_rate, method, "trials=6") as search:
            search.total = 2
            search.run()
            search.begin_trial()
            search.study.sampler = optuna.samplers.RandomSampler()
            search.study.ask()
    else:
        stopped = formula_search(stop_at_the_third, method, "trials=6", at_once=2)
        with stopped as search, pytest.raises(KeyboardInterrupt):
            search.run()
    before = finished(search.study)
    assert 2 <= len(before) < 6

    after = run_formula(learning_rate, method, "trials=6", at_once=2)

    assert list(after) == list(range(6))
    assert {number: after[number] for number in before} == before
    if method == "grid":
        assert len({parameters for parameters, *_ in after.values()}) == 6
    else:  # the same as without a stop
        Path("studies").rename("stopped")
        assert after == run_formula(learning_rate, method, "trials=6")


def test_equal_trials_have_one_result(trainable: Path) -> None:
    """They are trained once, also of those that run at the same time or after a stop."""
    write_space("mlp", SMALL_GRID | {"model.dropout": {"choice": [0.1]}})
    rates: list[float] = []

    def formula(config: NetworkConfig) -> float:
        rates.append(learning_rate(config))
        return learning_rate(config)

    for trials in (12, 14):
        after = run_formula(formula, "random", f"trials={trials}", at_once=2)
        assert len(after) == trials
        assert sorted(rates) == [0.001, 0.01, 0.02]
    for parameters, state, value in after.values():
        assert state == TrialState.COMPLETE
        assert str(value) in parameters


def test_a_resumed_trial_is_judged_by_its_best_epoch(trainable: Path) -> None:
    from fathom.search.trainer_pool import TrainerPool
    from fathom.search.trial import ThreadEngine

    schedule = (
        "train.schedule={_target_: keras.optimizers.schedules.PiecewiseConstantDecay, "
        "boundaries: [3], values: [0.01, 3.0]}"  # forgets all in the last epoch
    )
    given = ["train.epochs=4", "train.checkpoint=0.000001", schedule]
    given.append("train.optimizer.weight_decay=0.0")
    pool = TrainerPool(tf.distribute.get_strategy())
    engine = ThreadEngine(search_config("mlp", "random"), pool)
    judged: list[tuple[int, float]] = []

    def judge(step: int, value: float) -> bool:
        judged.append((step, value))
        if len(judged) == 3:
            raise KeyboardInterrupt
        return True

    trial = network_config("digits", "mlp", *given), Path("checkpoint.npz"), judge
    with pytest.raises(KeyboardInterrupt):
        engine.run_trial(*trial)
    outcome = engine.run_trial(*trial)
    assert [step for step, _ in judged] == [1, 2, 3, 4]
    assert judged[3][1] == judged[2][1] == outcome.value > 0.2


def test_a_repeated_step_is_not_judged_again(trainable: Path) -> None:
    """A trial that was interrupted, or lost its worker, repeats steps."""
    pruner = "pruner={_target_: optuna.pruners.ThresholdPruner, upper: 1}"
    with formula_search(learning_rate, "random", "trials=2", pruner) as search:
        trial = search.begin_trial()
        judge = search.judge(trial)
        assert [judge(step, 0.5) for step in (1, 2, 1, 2)] == [True] * 4
    with formula_search(learning_rate, "random", "trials=2", pruner) as search:
        judge = search.judge(search.begin_trial())
        assert [judge(step, 2.0) for step in (2, 3)] == [True, False]
        (frozen,) = search.study.trials
        assert frozen.intermediate_values == {1: 0.5, 2: 0.5, 3: 2.0}


def test_one_process_at_a_time(trainable: Path) -> None:
    folder = study_folder(search_config("mlp", "random"))
    folder.mkdir(parents=True)
    with only_process(folder / "lock", "another"):
        line = refusal(run_search, "mlp", "random")
        assert line.startswith(f"the search {folder.name} runs already: in process {os.getpid()}, ")


def test_a_storage_keeps_the_trials(trainable: Path) -> None:
    storage = "storage=sqlite:///trials.db"
    run_formula(learning_rate, "random", "trials=2", storage)
    after = run_formula(learning_rate, "random", "trials=3", storage)
    assert list(after) == [0, 1, 2]
    assert read_study(Path("trials.db")) == after


@pytest.mark.parametrize("storage", [None, "sqlite:///trials.db"])
def test_a_full_disk(trainable: Path, storage: str | None) -> None:
    """The line has the cause that Optuna hides, and the file or setting."""

    def search_on_full_disk() -> None:
        arguments = ["trials=1", *([f"storage={storage}"] if storage else [])]
        with formula_search(learning_rate, "random", *arguments) as search:
            database: Any = search.study._storage
            event.listen(database._backend.engine, "checkout", limit_pages)
            search.study.set_user_attr("large", "x" * 100_000)

    def limit_pages(file: Any, *_: object) -> None:
        file.execute("PRAGMA max_page_count = 1")

    with pytest.raises((FathomError, OSError)) as full:
        search_on_full_disk()
    line = "command line: search.storage: cannot be used: database or disk is full"
    if storage is None:
        (folder,) = Path("studies").iterdir()
        remedy = "free disk space, then run the same command again"
        line = f"{folder}/study.db: No space left on device: {remedy}"
    assert one_line(full.value) == line


def test_a_storage_that_cannot_be_opened(trainable: Path) -> None:
    text = refusal(run_search, "mlp", "random", "storage=nothing://host/studies")
    assert text.startswith("command line: search.storage: cannot be used: ")
    assert "sqlalchemy.dialects:nothing" in text


@pytest.mark.parametrize(
    ("method", "begin"), [("evolutionary", "population_size=6"), ("tpe", "n_startup_trials=6")]
)
def test_methods_learn_from_earlier_trials(trainable: Path, method: str, begin: str) -> None:
    """In a space where one dimension decides, later trials are better than the first."""
    space = {
        "model.learning_rate": {"log": [1e-6, 0.02]},
        "model.units": {"choice": [[16]]},
        "model.l2": {"choice": [0.0001, 0.0002]},
        "train.optimizer.clipnorm": {"choice": [1.0, 1.1]},
    }
    write_space("mlp", space)
    trials = run_formula(learning_rate, method, "trials=16", f"search.sampler.{begin}")
    values = np.log([value or 0.0 for *_, value in trials.values()])
    assert values[8:].mean() > values[:6].mean()


def write_rates(*rates: float) -> None:
    write_space("mlp", {"model.units": {"choice": [[8]]}, "model.learning_rate": {"choice": rates}})


def test_trials_may_be_pruned_or_diverge(
    trainable: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rates(0.01, 1e-6, 1.1e-6, 1.2e-6, 1.3e-6, 1e30)
    pruner = "search.pruner={_target_: optuna.pruners.MedianPruner, n_startup_trials: 2}"
    more = ["at_once=1", "ensemble=1", "train.optimizer.clipnorm=null", pruner]
    result = run_search("mlp", "grid", *more, "train.monitor=val_loss")
    values = {trial.settings["model.learning_rate"]: trial.value for trial in result.trials}
    assert len(values) == len(result.trials) == 6
    assert values.pop(0.01) is not None
    assert values.pop(1e30) is None
    assert None in values.values()
    assert (result.metric, result.monitor) == ("accuracy", "val_loss")
    assert result.best_first()[0].settings["model.learning_rate"] == 0.01
    assert "trial   validation loss   settings" in capsys.readouterr().out


def test_all_trials_diverge(trainable: Path) -> None:
    write_rates(1e30, 1e31)
    assert refusal(run_search, "mlp", "grid", "at_once=1", "train.optimizer.clipnorm=null") == (
        "none of 2 trials is complete: all diverged or were pruned; check the ranges in "
        "conf/search/space/mlp.yaml"
    )


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"model.activation": {"choice": ["rleu"]}},
         "model.activation: Keras has no activation 'rleu'; did you mean relu? "
         "(trial 0: model.activation=rleu)"),
        ({"model.unit": {"choice": [[1]]}},
         "model.unit is no argument of fathom.models.mlp.build; did you mean units? "
         "(trial 0: model.unit=[1])"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_trained_end_the_search(
    trainable: Path, space: dict[str, Any], message: str
) -> None:
    write_space("mlp", space)
    for _ in range(2):  # the trial runs again when the search continues
        assert refusal(run_search, "mlp", "grid") == f"conf/search/space/mlp.yaml: {message}"
