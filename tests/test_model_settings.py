"""Settings of networks that are refused, each with one line, and Keras' activations."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import network_config
from networks import DEEP, WIDE, build_network

from fathom.base.errors import FathomError
from fathom.models.names import NOT_NAMES

ACTIVATIONS = [
    name for name in dir(keras.activations) if name[0].islower() and name not in NOT_NAMES
]
UNUSABLE = {"glu", "threshold"}
RATES = "must be a rate of at least 0 and below 1, or one for each of regression and classification"
WIDTHS = "set either units, or depth and width"

# The line by model and override; in both, keys are those of the section `model`.
ERRORS = {
    "mlp +unit=[3]": ".unit is no argument of fathom.models.mlp.build; did you mean units?",
    "mlp units=[-3]": ".units.0: must be greater than 0, not -3",
    "mlp units=[8,0]": ".units.1: must be greater than 0, not 0",
    "mlp units=[2.5]": ".units.0: must be a valid integer, not 2.5",
    "mlp units=7": ".units: must be a valid list, not 7",
    "mlp units=null": f": {WIDTHS}",
    "mlp +depth=3": f": {WIDTHS}",
    "selu +units=[3]": f": {WIDTHS}",
    "selu ~width": f": {WIDTHS}",
    "selu depth=0": ".depth: must be greater than 0, not 0",
    "mlp activation=rely": ".activation: Keras has no activation 'rely'; did you mean relu?",
    "mlp activation=Relu": ".activation: Keras has no activation 'Relu'; did you mean relu?",
    "mlp activation=null": ".activation: must be a valid string, not None",
    "mlp kernel_initializer=he_norm": (
        ".kernel_initializer: Keras has no initializer 'he_norm'; did you mean he_normal?"
    ),
    "mlp dropout=1.0": f".dropout: {RATES}, not 1.0",
    "selu dropout=1.0": f".dropout: {RATES}, not 1.0",
    "selu +dropout.regresion=0.1": (
        f".dropout: {RATES}, not {{'classification': 0.1, 'regression': 0.0, 'regresion': 0.1}}"
    ),
    "mlp l2=-1": ".l2: must be greater than or equal to 0, not -1",
    "mlp ~dropout": ".dropout is missing",
    "wide_deep ~deep.l2": ".deep.l2 is missing",
    "mlp batch_normalization=1": ".batch_normalization: must be a valid boolean, not 1",
    "wide_deep +deep.unit=[3]": ".deep.unit is not a setting; did you mean model.deep.units?",
    "wide_deep deep.units=[-3]": ".deep.units.0: must be greater than 0, not -3",
    "wide_deep deep.activation=tahn": (
        ".deep.activation: Keras has no activation 'tahn'; did you mean tanh?"
    ),
    "wide_deep deep=3": ".deep must be a mapping, not 3",
    "wide_only wide=false": (": set wide to true, or the settings of deep: a network needs a path"),
    "mlp numbers=null": ".numbers must be a mapping, not None",
    "mlp numbers.fourier={frequencies: 8}": ".numbers.fourier.sigma is missing",
    "wide_deep deep.numbers.fourier.frequencies=0": (
        ".deep.numbers.fourier.frequencies: must be greater than 0, not 0"
    ),
    "wide_deep +deep.numbers.fourier.sigmas=2": (
        ".deep.numbers.fourier.sigmas is not a setting; did you mean "
        "model.deep.numbers.fourier.sigma?"
    ),
    "wide_deep auxiliary=maybe": ".auxiliary: must be a valid boolean, not 'maybe'",
    "mlp _target_=fathom.models.mlp.bild": (
        "._target_: fathom.models.mlp has no 'bild'; did you mean build?"
    ),
    "mlp _target_=fathom.models.mpl.build": (
        "._target_: there is no module 'fathom.models.mpl' with 'build'; "
        "modules of your own belong in src/"
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(workspace: Path, case: str) -> None:
    model, _, override = case.partition(" ")
    with pytest.raises(FathomError) as error:
        build_network("digits", model, override)
    assert str(error.value) == f"command line: model{ERRORS[case]}"


def test_an_error_names_the_file(workspace: Path) -> None:
    file = Path("conf/model/mlp.yaml")
    file.write_text(file.read_text().replace("relu  #", "rely  #"))
    with pytest.raises(FathomError) as error:
        build_network("digits", "mlp")
    assert str(error.value) == (
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
    with pytest.raises(FathomError) as error:
        build_network("digits", "mlp", f"_target_={module}.build")
    assert str(error.value) == (
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
    step = 1e-5
    estimates = []
    for shift in step * np.eye(points.size).reshape(-1, *points.shape):
        rise = function(points + shift, **arguments) - function(points - shift, **arguments)
        estimates.append(np.sum(rise * weights) / (2 * step))
    gradient = np.ravel(tape.gradient(y, x))
    np.testing.assert_allclose(gradient, estimates, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", sorted({*ACTIVATIONS} - UNUSABLE))
def test_an_activation_works_in_a_network(workspace: Path, name: str) -> None:
    network = build_network("california_housing", "mlp", f"activation={name}")
    assert network(np.ones((2, 8), np.float32)).shape == (2, 1)


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_activation_that_does_not_fit_is_refused(workspace: Path, name: str) -> None:
    with pytest.raises(FathomError) as error:
        build_network("california_housing", "mlp", f"activation={name}")
    assert str(error.value) == (
        f"command line: model.activation: Keras' activation {name!r} needs arguments or changes "
        "the number of units, so it cannot follow a dense layer"
    )
