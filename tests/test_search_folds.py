"""Searches with cross-validation."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from conftest import network_config
from small_searches import run_search, search_config, stage_value, write_space

from fathom.artifacts.schema import Schema
from fathom.base.errors import FathomError
from fathom.train.callbacks import DivergedError


def folds_of(dataset: str, folds: int, *overrides: str) -> list[dict[str, Any]]:
    from fathom.search.trial import read_rows

    return list(read_rows(network_config(dataset, "mlp", *overrides), Schema.read(dataset), folds))


def test_folds_share_training_and_validation_rows(trainable: Path) -> None:
    rows = {name: np.load(f"data/split/digits/{name}.npy") for name in ("train", "valid", "test")}
    both = np.sort(np.concatenate([rows["train"], rows["valid"]]))
    labels = np.load("data/raw/digits/labels.npy")
    folds = folds_of("digits", 3)
    assert np.array_equal(np.sort(np.concatenate([fold["valid"] for fold in folds])), both)
    for fold in folds:
        assert np.array_equal(np.sort(np.concatenate([fold["train"], fold["valid"]])), both)
        counts = np.bincount(labels[fold["valid"]])
        assert counts.max() - counts.min() <= 6  # stratified
        assert np.array_equal(fold["test"], rows["test"])


def test_folds_respect_the_key(trainable: Path) -> None:
    ages = pd.read_parquet("data/raw/california_housing/data.parquet")["HouseAge"].to_numpy()
    for fold in folds_of("california_housing", 4, "split.key=[HouseAge]"):
        parts = [set(ages[rows]) for rows in fold.values()]
        assert len(set.union(*parts)) == sum(map(len, parts)) == 52
    with pytest.raises(FathomError) as refused:
        folds_of("california_housing", 50, "split.key=[HouseAge]")
    assert str(refused.value) == "search.cv: 50 folds need as many groups, but there are 38"


def test_folds_of_rows_in_order_train_on_the_past(trainable: Path) -> None:
    for fold in folds_of("california_housing", 4, "split.shuffle=false"):
        assert fold["train"].max() < fold["valid"].min()
        assert fold["valid"].max() < fold["test"].min()


@pytest.mark.slow
def test_cross_validation_is_the_mean_of_its_folds(trainable: Path) -> None:
    space = {"model.units": {"choice": [[8]]}, "model.learning_rate": {"choice": [0.001, 0.01]}}
    write_space("mlp", space)
    result = run_search("mlp", "grid", "at_once=1", "cv=2", "ensemble=2")
    best = result.best_first()[0]
    values = []
    for fold in folds_of("digits", 2):
        for name, rows in fold.items():
            np.save(f"data/split/digits/{name}.npy", rows)
        values.append(stage_value("mlp", best.settings, "digits"))
    assert best.value == float(np.mean(values))
    assert result.cv == 2
    assert result.selection is not None


def test_folds_are_judged_by_their_mean_so_far(
    trainable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fathom.search.trial import PrunedError, ThreadEngine

    values = iter([0.5, 0.7, 0.9, 0.5, 0.7])
    judged: list[tuple[int, float]] = []

    def judge(step: int, value: float) -> bool:
        judged.append((step, value))
        return len(judged) < 5

    pool: Any = None
    engine = ThreadEngine(search_config("mlp", "random", "cv=3"), pool)
    monkeypatch.setattr(engine, "train", lambda *given: SimpleNamespace(value=next(values)))
    trial = network_config("digits", "mlp"), Path("checkpoint.npz"), judge
    outcome = engine.run_trial(*trial)
    assert outcome.value == pytest.approx(0.7)
    assert outcome.network is None
    assert judged == [(1, 0.5), (2, 0.6), (3, pytest.approx(0.7))]
    with pytest.raises(PrunedError):
        engine.run_trial(*trial)
    assert judged[3:] == [(1, 0.5), (2, 0.6)]


def test_a_diverged_fold_leaves_no_checkpoint(trainable: Path) -> None:
    from fathom.search.trainer_pool import TrainerPool
    from fathom.search.trial import ThreadEngine

    pool = TrainerPool(tf.distribute.get_strategy())
    engine = ThreadEngine(search_config("mlp", "random", "cv=2"), pool)
    checkpoint = "train.checkpoint=0.000001"
    settings = ["model.units=[]", "train.epochs=2", checkpoint, "train.optimizer.clipnorm=null"]
    config = network_config("digits", "mlp", *settings, "model.learning_rate=1e30")
    Path("checkpoints").mkdir()
    with pytest.raises(DivergedError):
        engine.run_trial(config, Path("checkpoints/trial.npz"), None)
    assert list(Path("checkpoints").iterdir()) == []
