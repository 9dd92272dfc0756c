"""Runs on folds of the training and validation rows (`train.folds`)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import network_config, train_network
from trainings import add_network, refusal

from fathom.artifacts.predictions import Predictions
from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import ScaledData
from fathom.artifacts.schema import RawSource, Schema, SchemaColumn
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.evaluate.evaluate import evaluate
from fathom.evaluate.intervals import fit_interval
from fathom.scale.scale import scale
from fathom.settings.config import NetworkConfig
from fathom.settings.fields import Task
from fathom.split.split import split
from fathom.train.folds import draw_folds, make_folds

ROWS = 120
RAW = ["scale.features=none", "scale.target=none", "scale.clip=null"]
TABLE = pd.DataFrame(
    {
        "number": np.arange(ROWS, dtype=float),
        "group": np.arange(ROWS) // 2,
        "kind": np.where(np.arange(ROWS) % 10 < 7, "common", "rare"),
        "y": np.random.default_rng(1).normal(size=ROWS),
    }
)

# A network that predicts how often it was trained on a row.
MEMORY = f"""
import keras


@keras.saving.register_keras_serializable("memory")
class Memory(keras.layers.Layer):
    def build(self, shape):
        self.seen = self.add_weight(shape=({ROWS},), initializer="zeros", trainable=False)
        self.bias = self.add_weight(shape=(1,), initializer="zeros")

    def call(self, inputs, training=False):
        rows = keras.ops.cast(inputs[:, 0], "int32")
        if training:
            self.seen.assign_add(keras.ops.sum(keras.ops.one_hot(rows, {ROWS}), axis=0))
        return keras.ops.take(self.seen, rows)[:, None] + 0.0 * self.bias


def build(problem):
    inputs = keras.Input(problem.shape)
    return keras.Model(inputs, Memory()(inputs))
"""


SETTINGS = """# @package _global_
dataset:
  source: {_target_: fathom.download.sources.scikit_learn, loader: load_iris}
"""


@pytest.fixture(autouse=True)
def in_project(workspace: Path) -> None:
    """Work in a project with the raw table, of which two columns are targets."""
    columns = [SchemaColumn(name=str(name), type=str(kind)) for name, kind in TABLE.dtypes.items()]
    tasks: dict[str, tuple[str, Task]] = {
        "numbers": ("y", "regression"), "kinds": ("kind", "classification"),
    }  # fmt: skip
    for name, (target, task) in tasks.items():
        other = "kind" if target == "y" else "y"
        text = f"{SETTINGS}  task: {task}\n  target: {target}\n  exclude: [{other}]\n"
        Path(f"conf/dataset/{name}.yaml").write_text(text)
        paths.raw(name).mkdir(parents=True)
        TABLE.to_parquet(paths.raw(name) / "data.parquet")
        classes = ["common", "rare"] if target == "kind" else None
        source = RawSource(origin="the test", sha256="")
        schema = Schema(
            name=name, kind="table", task=task, rows=ROWS, target=target, classes=classes,
            columns=columns, source=source,
        )  # fmt: skip
        schema.write(paths.raw(name) / "schema.json")


def prepared(dataset: str, *overrides: str) -> NetworkConfig:
    config = network_config(dataset, "mlp", *overrides)
    split(config)
    scale(config)
    return config


@pytest.mark.parametrize("key", [None, "group"])
@pytest.mark.parametrize("dataset", ["numbers", "kinds"])
def test_rows_of_folds(dataset: str, key: str | None) -> None:
    config = prepared(dataset, "train.folds=4", f"split.key={[key] if key else 'null'}")
    folds = make_folds(config, ScaledData.read(dataset))
    assert folds is not None
    every = np.concatenate([np.load(f"data/split/{dataset}/{n}.npy") for n in ("train", "valid")])
    held_out = []
    for fold in folds.of_runs:
        train, valid = fold.subset("train"), fold.subset("valid")
        assert sorted([*train.rows, *valid.rows]) == sorted(every)
        held_out += valid.rows.tolist()
        for subset, most in ((train, "train"), (valid, "valid")):
            assert len(subset.rows) <= fold.problem.rows[most]
            assert isinstance(subset.features, pd.DataFrame)
            assert len(subset.features) == len(subset.rows)
        groups = (set(TABLE["group"].iloc[subset.rows]) for subset in (train, valid))
        assert set.isdisjoint(*groups) is (key is not None)
        if dataset == "kinds":
            share = np.mean(valid.target("main_output"))
            assert share == pytest.approx(0.3, abs=0.03 if key is None else 0.1)
    assert sorted(held_out) == sorted(every)


def test_classes_of_few_rows_and_few_groups() -> None:
    classes = np.array(list("aaaaaaabc"))
    drawn = draw_folds(3, 9, 0, classes, None)
    assert [(classes[places] == "a").sum() for _, places in drawn] == [3, 2, 2]
    assert len(draw_folds(9, 9, 0, classes, None)) == 9  # no class has so many rows
    with pytest.raises(FathomError, match=r"^4 folds need as many groups, but there are 3$"):
        draw_folds(4, 9, 0, None, np.arange(9) % 3)


def test_out_of_fold_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row is predicted by the one run that did not train on it; metrics are of that."""
    add_network(Path.cwd(), "memory", MEMORY)
    monkeypatch.syspath_prepend(Path.cwd())
    settings = ["train.folds=3", "train.at_once=2", "train.batch_size=16", *RAW]
    prepared("numbers", *settings)
    training = train_network("numbers", "memory", *settings)
    seeds = [run.seed for run in training.runs]
    assert seeds == [42, 43, 44]
    network = Predictions.read(Problem.read("numbers"), "memory")
    assert network.model_seeds == seeds
    for subset in ("train", "valid"):
        files = [network.file(seed, subset, "main_output") for seed in seeds]
        seen = np.stack([np.load(file) for file in files])
        assert ((seen > 0).sum(axis=0) == 2).all()  # by the other two
        assert ((seen == 0).sum(axis=1) >= 1).all()
        ((_, predicted),) = network.blocks(seeds, subset)
        assert (predicted == 0).all()
        for seed, of_run in zip(seeds, seen, strict=True):
            ((_, predicted),) = network.blocks([seed], subset)
            assert len(predicted) == (of_run == 0).sum()
    metrics = evaluate(network_config("numbers", "memory", *settings, "evaluate.coverage=0.5"))
    rows = {name: np.load(f"data/split/numbers/{name}.npy") for name in paths.SUBSETS}
    for subset in ("train", "valid"):
        of_set = TABLE["y"].iloc[rows[subset]]
        assert metrics[subset]["rmse"] == pytest.approx(np.sqrt(np.mean(of_set**2)))
    held_out = TABLE["y"].iloc[np.concatenate([rows["train"], rows["valid"]])].to_numpy()
    interval = fit_interval(np.zeros(len(held_out)), held_out, 0.5)
    assert interval is not None
    assert metrics["interval"]["test"]["width"] == pytest.approx(2 * interval.half_widths[0])


def test_the_model_is_the_mean_of_the_runs_whatever_is_at_once() -> None:
    prepared("kinds")
    found = []
    for at_once in (1, 2):
        settings = ["train.folds=2", f"train.at_once={at_once}", "model.units=[8]"]
        train_network("kinds", "mlp", *settings)
        folder = Path("models/kinds/mlp")
        found.append({file: file.read_bytes() for file in folder.rglob("*.keras")})
    assert found[0] == found[1]
    assert len(found[0]) == 3
    metrics = evaluate(network_config("kinds", "mlp"))
    assert "ensemble" not in metrics
    assert metrics["spread"]["valid"]["accuracy"]["n"] == 2


@pytest.mark.parametrize(
    ("model", "setting", "count"),
    [
        ("mlp", "split.seed=1", 8),
        ("mlp", "train.repeats=1", None),
        ("mlp", "train.ensemble=false", None),
        ("mlp", "train.engine=ray", None),
        ("mlp", "split.shuffle=false", None),
        ("mlp", "split.valid=6", None),  # fewer rows than folds
        ("mlp", "train.memory=1e-6", None),
        ("line", "train.epochs=1", None),
    ],
)
def test_auto(model: str, setting: str, count: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    add_network(Path.cwd(), "line", SUBCLASSED)
    monkeypatch.syspath_prepend(Path.cwd())
    settings = ["train.repeats=auto", "train.folds=auto", setting]
    prepared("numbers", *settings)
    folds = make_folds(network_config("numbers", model, *settings), ScaledData.read("numbers"))
    assert (folds and len(folds.of_runs)) == count


def test_auto_has_fewer_folds_of_more_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    config = prepared("numbers", "train.repeats=auto")
    rows = Problem.read("numbers").rows
    found = []
    for limits in ([(rows["train"] + rows["valid"], 8)], [(2, 8), (ROWS, 5)], [(2, 8), (3, 5)]):
        monkeypatch.setattr("fathom.train.steps.FOLDS", limits)
        folds = make_folds(config, ScaledData.read("numbers"))
        found.append(folds and len(folds.of_runs))
    assert found == [8, 5, None]
    monkeypatch.setattr("fathom.train.steps.FOLDS", [(ROWS, 8)])
    monkeypatch.setattr("fathom.train.memory.MANY_VALUES", 10)
    assert make_folds(config, ScaledData.read("numbers")) is None


SUBCLASSED = """
import keras


@keras.saving.register_keras_serializable("folds")
class Line(keras.Model):
    def call(self, inputs):
        return inputs[:, :1]


def build(problem):
    return Line()
"""


@pytest.mark.parametrize(
    ("model", "setting", "text"),
    [
        ("mlp", "train.folds=1", "must be auto, null or a number of at least 2, not 1"),
        ("mlp", "train.folds=40", "40 folds need as many rows, but there are 23 in the set valid"),
        (
            "mlp",
            "train.repeats=2",
            "each fold is a run already; set it to null, or train.repeats to auto",
        ),
        (
            "mlp",
            "train.ensemble=false",
            "the model is the average of the folds; set it to null, or train.ensemble to auto",
        ),
        ("mlp", "train.engine=ray", "the engine ray does not train on folds; set it to null"),
        (
            "mlp",
            "split.shuffle=false",
            "rows in order (split.shuffle: false) have no folds; set it to null",
        ),
        (
            "mlp",
            "train.memory=1e-6",
            "folds need all rows in memory; set it to null or raise train.memory",
        ),
        (
            "line",
            "train.epochs=1",
            "line.build returned a subclassed model, whose inputs are not known; set it to null",
        ),
    ],
)
def test_refusals(model: str, setting: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    add_network(Path.cwd(), "line", SUBCLASSED)
    monkeypatch.syspath_prepend(Path.cwd())
    prepared("numbers")
    refused = refusal(train_network, "numbers", model, "train.folds=3", setting)
    assert refused == f"command line: train.folds: {text}"
