"""One optimizer for the wide path and another for the rest."""

from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import network_config

from fathom.artifacts.problem import Output, Problem
from fathom.train.build import build, compile_model
from fathom.train.optimizers import WideAndDeep, is_wide

FTRL = "+model.wide_optimizer={_target_: keras.optimizers.Ftrl,learning_rate: 0.05}"
PRICE = Output(column="y", task="regression")
PROBLEM = Problem(
    dataset="made", kind="table", shape=[], numbers=["a", "b"], categories={"town": 4},
    sparse={"town": 4, "a_bucket": 3}, crosses=[], wide=["a", "town"], deep=["a", "b", "town"],
    outputs={"main_output": PRICE, "aux_output": PRICE},
    rows={"train": 64, "valid": 8, "test": 8},
)  # fmt: skip


def network() -> keras.Model:
    """Return a Wide & Deep net; call it in the workspace."""
    keras.utils.clear_session()  # names of layers count from the start
    keras.utils.set_random_seed(1)
    return build(
        network_config("california_housing", "wide_deep", "model.deep.dropout=0.0"), PROBLEM
    )


def batch(seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [
        rng.normal(size=(64, 1)).astype(np.float32),
        np.column_stack([rng.integers(0, 4, 64), rng.integers(4, 7, 64)]).astype(np.int32),
        rng.normal(size=(64, 2)).astype(np.float32),
        rng.integers(0, 4, (64, 1)).astype(np.int32),
    ]


def weights(model: keras.Model, wide: bool) -> dict[str, np.ndarray]:
    return {v.path: v.numpy() for v in model.trainable_variables if is_wide(v) is wide}


def ftrl_and_adam() -> WideAndDeep:
    return WideAndDeep(keras.optimizers.Ftrl(0.05), keras.optimizers.Adam(0.01))


def fit_network(optimizer: keras.Optimizer, steps: int = 3) -> keras.Model:
    """Return the network after steps over the same batches."""
    model = network()
    model.compile(optimizer=optimizer, loss=["mse", "mse"], run_eagerly=True)
    target = np.random.default_rng(9).normal(size=(64, 1)).astype(np.float32)
    for seed in range(steps):
        model.train_on_batch(batch(seed), [target, target])
    return model


def test_wide_layers_are_those_called_wide(workspace: Path) -> None:
    assert sorted(weights(network(), wide=True)) == ["wide_linear/kernel", "wide_lookup/embeddings"]
    assert "embedding_town/embeddings" in weights(network(), wide=False)


def test_each_path_gets_the_step_of_its_own_optimizer(workspace: Path) -> None:
    both = fit_network(ftrl_and_adam(), steps=1)
    for wide, optimizer in (
        (True, keras.optimizers.Ftrl(0.05)),
        (False, keras.optimizers.Adam(0.01)),
    ):
        expected = weights(fit_network(optimizer, steps=1), wide)
        for path, values in weights(both, wide).items():
            np.testing.assert_array_equal(values, expected[path], err_msg=path)
    before = weights(network(), wide=True)
    assert all((weights(both, wide=True)[path] != before[path]).any() for path in before)
    assert int(both.optimizer.iterations) == 1


def test_ftrl_leaves_weights_without_evidence_at_zero(workspace: Path) -> None:
    ftrl = keras.optimizers.Ftrl(0.05, l1_regularization_strength=1000.0)
    model = fit_network(WideAndDeep(ftrl, keras.optimizers.Adam(0.01)))
    assert not any(values.any() for values in weights(model, wide=True).values())


def test_learning_rate_is_that_of_the_deep_path(workspace: Path) -> None:
    both = ftrl_and_adam()
    assert float(both.learning_rate) == pytest.approx(0.01)
    both.learning_rate = 0.02
    assert float(both.deep.learning_rate) == pytest.approx(0.02)
    assert float(both.wide.learning_rate) == pytest.approx(0.05)


def test_a_saved_training_goes_on_as_if_it_had_not_stopped(workspace: Path) -> None:
    model = fit_network(ftrl_and_adam())
    model.save(workspace / "model.keras")
    again = keras.saving.load_model(workspace / "model.keras")
    again.run_eagerly = True
    assert isinstance(again.optimizer, WideAndDeep)
    assert isinstance(again.optimizer.wide, keras.optimizers.Ftrl)
    target = np.ones((64, 1), np.float32)
    for one in (model, again):
        one.train_on_batch(batch(5), [target, target])
    for wide in (True, False):
        expected = weights(model, wide)
        for path, values in weights(again, wide).items():
            np.testing.assert_allclose(values, expected[path], 1e-5, 1e-7, err_msg=path)


@pytest.mark.parametrize(
    ("overrides", "problem", "kind"),
    [
        ([], PROBLEM, WideAndDeep),
        (["model.deep=null", "model.auxiliary=false"], PROBLEM, keras.optimizers.Ftrl),
        (["model.wide=false"], PROBLEM, keras.optimizers.AdamW),
        ([], PROBLEM.model_copy(update={"sparse": {}}), keras.optimizers.AdamW),  # no codes
    ],
)
def test_the_models_file_names_the_wide_optimizer(
    workspace: Path, overrides: list[str], problem: Problem, kind: type
) -> None:
    config = network_config("california_housing", "wide_deep", FTRL, *overrides)
    model = build(config, problem)
    compile_model(model, problem, config)
    assert type(model.optimizer) is kind
