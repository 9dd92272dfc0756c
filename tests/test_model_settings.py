"""Settings of networks that are refused, each with one line, and Keras' activations."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from conftest import network_config
from networks import DEEP, WIDE, build_network, make_problem
from trainings import refusal

from fathom.models.names import NOT_NAMES
from fathom.train.build import build

ACTIVATIONS = [
    name for name in dir(keras.activations) if name[0].islower() and name not in NOT_NAMES
]
ERRORS = yaml.safe_load((Path(__file__).parent / "bad_networks.yaml").read_text())


@pytest.mark.parametrize("case", ERRORS)
def test_errors(workspace: Path, case: str) -> None:
    model, _, override = case.partition(" ")
    sign, key = (override[0], override[1:]) if override[0] in "+~" else ("", override)
    assert build_refusal(model, f"{sign}model.{key}") == f"command line: model{ERRORS[case]}"


def build_refusal(model: str, *overrides: str) -> str:
    config = network_config("digits", model, *overrides)
    return refusal(build, config, make_problem("digits"))


def test_an_error_names_the_file(workspace: Path) -> None:
    file = Path("conf/model/mlp.yaml")
    file.write_text(file.read_text().replace("relu  #", "rely  #"))
    assert build_refusal("mlp") == (
        "conf/model/mlp.yaml: activation: Keras has no activation 'rely'; did you mean relu?"
    )


@pytest.mark.parametrize(
    ("returned", "name"), [("None", "NoneType"), ("keras.layers.Dense(1)", "Dense")]
)
def test_a_builder_must_return_a_model(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, returned: str, name: str
) -> None:
    module = f"returns_{name.lower()}"
    Path(f"{module}.py").write_text(
        f"import keras\n\ndef build(problem, **settings):\n    return {returned}\n"
    )
    monkeypatch.syspath_prepend(workspace)
    assert build_refusal("mlp", f"model._target_={module}.build") == (
        f"command line: model._target_: {module}.build returned {name}, not a Keras model"
    )


@pytest.mark.parametrize("model", ["selu", "deep_relu"])
def test_a_file_of_an_older_version_builds_the_same_network(workspace: Path, model: str) -> None:
    networks = []
    for override in ([], ["_target_=fathom.models.selu.build"]):
        keras.utils.clear_session()
        keras.utils.set_random_seed(1)
        networks.append(build_network("digits", model, *override))
    new, old = networks
    assert new.to_json() == old.to_json()
    for one, other in zip(new.get_weights(), old.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_wide_and_deep_columns_are_those_of_the_book(workspace: Path) -> None:
    config = network_config("california_housing", "wide_deep", "experiment=book_wide_deep")
    assert (config.dataset.wide, config.dataset.deep) == (WIDE, DEEP)
    assert config.dataset.crosses == []


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradient_of_activation_is_the_two_point_estimate(name: str) -> None:
    function = keras.activations.get(name)
    arguments = {"threshold": 0.3, "default_value": -0.1} if name == "threshold" else {}
    # 6.37 / 40 keeps the points away from all kinks, which are at 0, 0.3 and whole and half ones.
    points = np.linspace(-6.37, 6.37, 40).reshape(5, 8)
    kinked = np.array([0.0, 0.3, *np.arange(-6, 6.5, 0.5)])
    assert np.abs(points[..., None] - kinked).min() > 1e-3
    weights = np.random.default_rng(1).uniform(0.5, 2, function(points, **arguments).shape)

    x = tf.constant(points, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x, **arguments) * weights
    shifts = 1e-5 * np.eye(points.size).reshape(-1, *points.shape)
    rise = function(points + shifts, **arguments) - function(points - shifts, **arguments)
    estimates = np.sum(rise * weights, axis=(1, 2)) / 2e-5
    gradient = np.ravel(tape.gradient(y, x))
    np.testing.assert_allclose(gradient, estimates, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", sorted({*ACTIVATIONS} - {"glu", "threshold"}))
def test_an_activation_works_in_a_network(workspace: Path, name: str) -> None:
    network = build_network("california_housing", "mlp", f"activation={name}")
    assert network(np.ones((2, 8), np.float32)).shape == (2, 1)
