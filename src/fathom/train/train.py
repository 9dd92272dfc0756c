"""Trains one network on one data set from each of its seeds, and writes the outputs."""

import os
import platform
import re
import shutil
import time
from collections.abc import Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import keras
import pandas as pd
import tensorflow as tf

from fathom.artifacts.model_file import describe_layers, save_model
from fathom.artifacts.predictions import fold_file
from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import higher_is_better
from fathom.artifacts.scaled_data import ScaledData
from fathom.artifacts.training_log import RunLog, TrainingLog
from fathom.base import paths
from fathom.base.environment import given_bits
from fathom.base.files import atomic_write, write_array, write_json, write_text
from fathom.base.machine import cores
from fathom.messages.training import FOLDS_ON_RAY, last_line
from fathom.models.names import output_names, unwrap
from fathom.settings.config import NetworkConfig
from fathom.train import runs
from fathom.train.callbacks import monitor_name, write_curve
from fathom.train.devices import device_names
from fathom.train.feeds import DiskFeed, MemoryFeed
from fathom.train.fingerprint import fingerprint
from fathom.train.folds import Rows, make_folds
from fathom.train.memory import has_many_values, share_memory
from fathom.train.runs import Run, TrainRun
from fathom.train.trainer import Trainer, prepare

SUMMARY_WIDTH = 108  # letters; Keras' own for a network with branches
REPEATS = 4
VERSIONS = ("tensorflow", "keras", "numpy", "pandas", "scikit-learn", "hydra-core", "dvc")


@dataclass(frozen=True)
class Training:
    """The runs of a network, and the model with the weights of the best run.

    `history` has a row an epoch of the best run: `epoch`, from 1, and what Keras logs, with errors
    in the target's own unit and losses in scaled units. `monitor` is the metric that compares runs
    and epochs.
    """

    model: keras.Model
    history: pd.DataFrame
    monitor: str
    best: Run
    runs: list[Run]


def train(config: NetworkConfig, strategy: tf.distribute.Strategy) -> Training:
    """Train a network from each of its seeds and write it to `models/<dataset>/<model>/`.

    Writes `model.keras`, the best run on the validation set or the ensemble of all runs;
    `repeats/seed-<seed>.keras` and `predictions/seed-<seed>/`, model and predictions of each run;
    `history.csv`, `summary.txt` and `run.json`; and the learning curves for `dvc plots`. What the
    training took is in `artifacts.training_log`. A killed training resumes from its last checkpoint
    in `checkpoints/<dataset>/<model>/`.

    Args:
        config: with a data set and a model.
        strategy: from `devices.start_tensorflow`.

    Raises:
        FathomError: Keras or the network does not support a setting, or training diverges.
    """
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    if config.train.engine != "ray":
        with share_memory(config, Problem.read(config.dataset.name)):
            return train_seeds(runs.train_run, config, strategy)
    if config.train.folds not in ("auto", None):
        raise config.origins.error(("train", "folds"), FOLDS_ON_RAY)
    from fathom.train.ray import driver

    with driver.cluster(config):
        return train_seeds(driver.train_run, config, strategy)


def train_seeds(
    train_run: TrainRun, config: NetworkConfig, strategy: tf.distribute.Strategy
) -> Training:
    """Train from each seed with `train_run`: in this process or on a Ray cluster."""
    data = ScaledData.read(config.dataset.name)
    folds = make_folds(config, data)
    rows = data if folds is None else folds.of_runs[0]
    first = prepare(config, rows, strategy)
    repeats = number_of_runs(config, data.problem) if folds is None else len(folds.of_runs)
    seeds = [(config.seed + repeat) % 2**32 for repeat in range(repeats)]
    at_once = runs_at_once(repeats, first)
    trainers = [first, *(prepare(config, rows, strategy, first) for _ in range(1, at_once))]
    checkpoints = paths.checkpoints(config.dataset.name, config.model.name)
    feeds = [first.train, first.valid]
    folder = checkpoints / fingerprint(config, feeds, repeats if folds else None)
    for other in checkpoints.glob("*"):
        if other != folder:  # of other settings, data or code
            shutil.rmtree(other)
    start = time.perf_counter()

    def finish_seed(trainer: Trainer, seed: int) -> Run:
        if folds is not None:
            trainer = folds.assign(trainer, seeds.index(seed))
        return runs.finish_run(trainer, seed, folder, train_run)

    all_runs = runs.finish_runs(trainers, seeds, finish_seed)
    log = TrainingLog(
        seconds=round(time.perf_counter() - start, 3),
        cores=cores(),
        at_once=at_once,
        runs=[RunLog(seed=run.seed, seconds=run.seconds, kills=run.kills) for run in all_runs],
    )
    monitor = monitor_name(config, data.problem)
    best = (max if higher_is_better(monitor) else min)(all_runs, key=lambda run: run.value)
    model = keras.saving.load_model(folder / best.name / runs.MODEL, compile=False)
    history = runs.read_history(folder / best.name)
    training = Training(model, history, monitor, best, all_runs)
    description = describe(training, first, folds is not None)
    write(training, description, folder, folds.held_out if folds else {})
    log.write(paths.training_log(config.dataset.name, config.model.name))
    shutil.rmtree(checkpoints)
    with suppress(OSError):  # not empty: another training is running
        os.removedirs(checkpoints.parent)
    print(last_line(description, log.seconds, higher_is_better(monitor)))
    return training


def number_of_runs(config: NetworkConfig, problem: Problem) -> int:
    """Return `train.repeats`; "auto" trains once on large data."""
    if config.train.repeats != "auto":
        return config.train.repeats
    return 1 if has_many_values(problem) else REPEATS


def runs_at_once(repeats: int, trainer: Trainer) -> int:
    """Return how many runs train at the same time, each in a thread with a model of its own.

    A small network does not use all cores of a processor.

    Raises:
        FathomError: `train.at_once` is above 1, but runs must train one by one.
    """
    config, obstacle = trainer.config, None
    if config.train.engine == "ray":
        obstacle = "on a Ray cluster"
    elif trainer.programs is None:
        obstacle = "with Keras' fit"
    elif not isinstance(trainer.train, MemoryFeed):
        obstacle = "with rows on disk"
    setting = config.train.at_once
    if setting != "auto":
        if setting > 1 and obstacle:
            text = f"{setting} runs cannot train at once {obstacle}; set it to 1"
            raise config.origins.error(("train", "at_once"), text)
        return min(setting, repeats)
    if obstacle or config.train.callbacks or tf.config.get_visible_devices("GPU"):
        return 1
    return min(cores(), repeats)


def write(
    training: Training, description: dict[str, Any], folder: Path, held_out: Mapping[str, Rows]
) -> None:
    """Write the outputs of a training, whose finished runs are in a folder, and the fold of each
    row by subset.
    """
    dataset, model = description["dataset"], description["model"]
    outputs, plots = paths.model(dataset, model), paths.plots("curves", dataset, model)
    folders = {run.name: folder / run.name for run in training.runs}
    with atomic_write(outputs / "repeats") as temporary:
        temporary.mkdir()
        for name, run in folders.items():
            shutil.copy(run / runs.MODEL, temporary / f"{name}.keras")
    with atomic_write(outputs / runs.PREDICTIONS) as temporary:
        temporary.mkdir()
        for name, run in folders.items():
            shutil.copytree(run / runs.PREDICTIONS, temporary / name)
        for subset, numbers in held_out.items():
            write_array(fold_file(temporary, subset), numbers)
    network, file = training.model, folders[training.best.name] / runs.MODEL
    if description["ensemble"]:
        files = [run / runs.MODEL for run in folders.values()]
        models = [keras.saving.load_model(file, compile=False) for file in files]
        network, file = make_ensemble(models), folder / runs.MODEL
        save_model(network, file)
    with atomic_write(outputs / runs.MODEL) as temporary:
        shutil.copy(file, temporary)
    histories = {run.seed: runs.read_history(folders[run.name]) for run in training.runs}
    history = pd.concat(histories, names=["seed"]).reset_index("seed")
    write_text(outputs / runs.HISTORY, history.to_csv(index=False))
    write_text(outputs / "summary.txt", summary(training.model))
    write_json(outputs / runs.RUN, description | {"layers": describe_layers(network)})
    with atomic_write(plots) as temporary:  # in place of the live curves of all runs
        write_curve(temporary / "loss.csv", training.history)


def make_ensemble(models: list[keras.Model]) -> keras.Model:
    """Return a model that averages the outputs of models with the same inputs and outputs.

    Targets are scaled linearly and classes are probabilities, so this averages the predictions
    (deep ensembles, Lakshminarayanan et al. 2017, arXiv 1612.01474).
    """
    first = models[0]
    inputs = [
        keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
        for tensor in first.inputs
    ]
    predictions = []
    for number, model in enumerate(models):
        settings = model.get_config() | {"name": f"member_{number}"}
        member = type(model).from_config(settings)
        member.set_weights(model.get_weights())
        outputs = member(unwrap(inputs))
        predictions.append(outputs if isinstance(outputs, list | tuple) else [outputs])
    averages = [
        keras.layers.Average(name=name)(list(outputs))
        for name, outputs in zip(output_names(first), zip(*predictions, strict=True), strict=True)
    ]
    return keras.Model(inputs, unwrap(averages), name="ensemble")


def summary(model: keras.Model) -> str:
    """Return Keras' table of the layers with whole names, without the counts of the optimizer."""
    lines: list[str] = []
    width = max(SUMMARY_WIDTH, 5 * max(len(layer.name) for layer in model.layers))
    terminal = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(width)  # else the table is cut to fit the terminal,
    try:
        with redirect_stdout(StringIO()):  # and drawn with what it can show
            model.summary(print_fn=lines.append, line_length=width)
    finally:
        os.environ.pop("COLUMNS")
        os.environ |= {} if terminal is None else {"COLUMNS": terminal}
    text = "\n".join(lines)
    return re.sub(r"^ (Total|Optimizer) params.*\n", "", text, flags=re.MULTILINE)


def describe(training: Training, trainer: Trainer, has_folds: bool) -> dict[str, Any]:
    """Return the content of `run.json`."""
    best, config = training.best, trainer.config
    ensemble = is_ensemble(training, config)
    packages = (*VERSIONS, "jax", "ray") if config.train.engine == "ray" else VERSIONS
    variables = given_bits()
    return {
        "dataset": config.dataset.name,
        "model": config.model.name,
        "experiment": config.experiment,
        "seed": best.seed,
        "parameters": training.model.count_params() * (len(training.runs) if ensemble else 1),
        "epochs": best.epochs,
        "best_epoch": best.best_epoch,
        "kept_epoch": best.kept_epoch,
        "monitor": training.monitor,
        "ensemble": ensemble,
        "folds": has_folds,
        "runs": [run.outcome for run in training.runs],
        "engine": engine(trainer),
        "devices": device_names(),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in packages},
        "settings": {
            "model": config.model.model_dump(by_alias=True, exclude={"name"}),
            "train": config.train.model_dump(by_alias=True),
        },
    } | ({"environment": variables} if variables else {})


def is_ensemble(training: Training, config: NetworkConfig) -> bool:
    """Tell whether the runs become one model; "auto" leaves out subclassed networks."""
    if len(training.runs) == 1:
        return False
    if config.train.ensemble == "auto":
        return bool(getattr(training.model, "inputs", None))
    return config.train.ensemble


def engine(trainer: Trainer) -> dict[str, Any]:
    """Return the engine, whether and why XLA compiled it, and where the rows were."""
    programs, settings = trainer.programs, trainer.config.train
    rows = "read from disk" if isinstance(trainer.train, DiskFeed) else "in memory"
    why = "as train.engine says"
    if settings.engine == "ray":
        workers = settings.ray.workers
        return {"name": "ray", "workers": workers, "xla": True, "why": why, "rows": rows}
    if programs is None:
        why = why if settings.engine == "fit" else "on several devices"
        return {"name": "fit", "xla": trainer.model.jit_compile, "why": why, "rows": rows}
    return {"name": "compiled", "xla": programs.xla, "why": programs.reason, "rows": rows}
