"""What a training leaves behind."""

import platform
import re
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from fathom.artifacts.model_file import save_model
from fathom.base import paths
from fathom.base.files import atomic_write, write_json, write_text
from fathom.models.names import output_names
from fathom.settings.config import NetworkConfig
from fathom.train.devices import cores, device_names
from fathom.train.feeds import DiskFeed
from fathom.train.runs import HISTORY, MODEL, PREDICTIONS, Run, read_history
from fathom.train.trainer import Trainer

VERSIONS = ("tensorflow", "keras", "numpy", "pandas", "scikit-learn", "hydra-core", "dvc")


@dataclass(frozen=True)
class Training:
    """The runs of a network, and the model with the weights of the best of them.

    `history` has a row an epoch of the best run: `epoch`, from 1, and what Keras logs; errors of
    regression in the target's own unit, losses as they are trained on. `monitor` is what runs
    and epochs are compared by. `seconds` are those of all runs, `at_once` of which trained at the
    same time, since the training began or last went on.
    """

    model: keras.Model
    history: pd.DataFrame
    monitor: str
    best: Run
    runs: list[Run]
    seconds: float
    at_once: int


def write(training: Training, trainer: Trainer, folder: Path, config: NetworkConfig) -> None:
    """Write a training's outputs.

    Args:
        folder: where the finished runs are.
    """
    dataset, model = config.dataset.name, config.model.name
    into = paths.model(dataset, model)
    drawn = paths.plots("curves", dataset, model)
    finished = {run.seed: folder / run.name for run in training.runs}
    for left in (*into.glob("*.part*"), *drawn.glob("*.part*")):  # by one that was killed here
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    with atomic_write(into / "repeats") as beside:
        beside.mkdir()
        for run in training.runs:
            shutil.copy(finished[run.seed] / MODEL, beside / f"{run.name}.keras")
    with atomic_write(into / PREDICTIONS) as beside:
        beside.mkdir()
        for run in training.runs:
            shutil.copytree(finished[run.seed] / PREDICTIONS, beside / run.name)
    with atomic_write(into / MODEL) as beside:
        if config.train.ensemble:
            members = [keras.saving.load_model(path / MODEL) for path in finished.values()]
            save_model(make_ensemble(members), beside)
        else:
            shutil.copy(finished[training.best.seed] / MODEL, beside)
    histories = {seed: read_history(path) for seed, path in finished.items()}
    history = pd.concat(histories, names=["seed"]).reset_index("seed")
    write_text(into / HISTORY, history.to_csv(index=False))
    write_text(into / "summary.txt", summary(training.model))
    write_json(into / "run.json", description(training, trainer, config))
    curves = training.history[["epoch", "loss", "val_loss"]]
    write_text(drawn / "loss.csv", curves.to_csv(index=False))


def summary(model: keras.Model) -> str:
    """Return Keras' table of the layers, without what it counts of the optimiser."""
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    return re.sub(r"^ (Total|Optimizer) params.*\n", "", text, flags=re.MULTILINE)


def description(training: Training, trainer: Trainer, config: NetworkConfig) -> dict[str, Any]:
    """Return what there is to know of a training, for `run.json`."""
    best = training.best
    return {
        "dataset": config.dataset.name,
        "model": config.model.name,
        "experiment": config.experiment,
        "seed": best.seed,
        "parameters": training.model.count_params(),
        "epochs": best.epochs,
        "best_epoch": best.best_epoch,
        "kept_epoch": best.kept_epoch,
        "monitor": training.monitor,
        "seconds": round(training.seconds, 3),
        "at_once": training.at_once,
        "ensemble": config.train.ensemble,
        "runs": [asdict(run) for run in training.runs],
        "engine": engine(trainer, config),
        "devices": device_names(),
        "cores": cores(),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in versions(config)},
        "settings": {
            "model": config.model.model_dump(by_alias=True, exclude={"name"}),
            "train": config.train.model_dump(by_alias=True),
        },
    }


def versions(config: NetworkConfig) -> tuple[str, ...]:
    return (*VERSIONS, "jax", "ray") if config.train.engine == "ray" else VERSIONS


def engine(trainer: Trainer, config: NetworkConfig) -> dict[str, Any]:
    """Return what trained, how it was compiled and why so, and where its rows were."""
    programs = trainer.programs
    rows = "read from disk" if isinstance(trainer.train, DiskFeed) else "in memory"
    if config.train.engine == "ray":
        settings, why = config.train.ray, "as train.engine says"
        return {"name": "ray", "workers": settings.workers, "xla": True, "why": why, "rows": rows}
    if programs is None:
        why = "as train.engine says" if config.train.engine == "fit" else "on several devices"
        return {"name": "fit", "xla": trainer.model.jit_compile, "why": why, "rows": rows}
    return {"name": "compiled", "xla": programs.xla, "why": programs.reason, "rows": rows}


def make_ensemble(models: list[keras.Model]) -> keras.Model:
    """Return a model that averages the outputs of models with the same inputs and outputs.

    Targets are scaled by a straight line and classes are probabilities, so that the average is
    that of the predictions (deep ensembles, Lakshminarayanan et al. 2017, arXiv 1612.01474).
    """
    first = models[0]
    inputs = [
        keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
        for tensor in first.inputs
    ]
    predicted = []
    for number, model in enumerate(models):
        named = model.get_config() | {"name": f"member_{number}"}
        member = type(model).from_config(named)
        member.set_weights(model.get_weights())
        outputs = member(inputs if len(inputs) > 1 else inputs[0])
        predicted.append(outputs if isinstance(outputs, list | tuple) else [outputs])
    averages = [
        keras.layers.Average(name=name)(list(of_output))
        for name, of_output in zip(output_names(first), zip(*predicted, strict=True), strict=True)
    ]
    return keras.Model(inputs, averages if len(averages) > 1 else averages[0], name="ensemble")
