"""Networks are built as their settings say."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks import CROSSED, DEEP, MIXED, WIDE, build_network, hidden, kinds, make_problem

from fathom.artifacts.problem import Problem
from fathom.models.layers import embedding_width
from fathom.models.names import unwrap

ONLY_CATEGORIES = MIXED.model_copy(update={"numbers": [], "sparse": {}, "wide": ["town"]})


INPUTS = {
    "mlp": {"features": (2,), "categories": (2,)},
    "selu": {"features": (2,), "categories": (2,)},
    "wide_only": {"wide_input": (1,), "wide_sparse": (3,)},
    "deep_only": {"deep_input": (2,), "deep_categories": (2,)},
}
INPUTS["wide_deep"] = INPUTS["wide_only"] | INPUTS["deep_only"]


@pytest.mark.parametrize("model", INPUTS)
def test_inputs_of_a_table_with_categories(workspace: Path, model: str) -> None:
    network = build_network("california_housing", model, problem=MIXED)
    assert {tensor.name: tensor.shape[1:] for tensor in network.inputs} == INPUTS[model]
    assert all(MIXED.shape_of(name) == shape for name, shape in INPUTS[model].items())


@pytest.mark.parametrize(
    ("problem", "rows", "units"),
    [
        (MIXED, 2_999, [128, 128]),
        (MIXED, 3_000, [256, 256]),
        (make_problem("digits"), 9, [256] * 2),
    ],
)
def test_small_tables_have_narrow_layers(
    workspace: Path, problem: Problem, rows: int, units: list[int]
) -> None:
    few = problem.model_copy(update={"rows": problem.rows | {"train": rows}})
    network = build_network("california_housing", "mlp", "units=auto", problem=few)
    assert [layer.units for layer in hidden(network)] == units


@pytest.mark.parametrize("model", ["mlp", "selu", "wide_deep", "deep_only"])
def test_a_table_of_categories_alone(workspace: Path, model: str) -> None:
    network = build_network("california_housing", model, problem=ONLY_CATEGORIES)
    (name,) = (tensor.name for tensor in network.inputs)
    assert name in ("categories", "deep_categories")


# By data set and model: the shape of each input, and the number of outputs.
SHAPES = {
    "digits mlp": ({"features": (8, 8)}, 1),
    "california_housing mlp": ({"features": (8,)}, 1),
    "digits selu": ({"features": (8, 8)}, 1),
    "california_housing selu": ({"features": (8,)}, 1),
    "california_housing deep_relu": ({"features": (8,)}, 1),
    "digits wide_deep": ({"wide_input": (8, 8), "deep_input": (8, 8)}, 2),
    "california_housing wide_deep": ({"wide_input": (5,), "deep_input": (6,)}, 2),
    "california_housing wide_deep auxiliary=false": ({"wide_input": (5,), "deep_input": (6,)}, 1),
}


@pytest.mark.parametrize("case", SHAPES)
def test_inputs_and_outputs(workspace: Path, case: str) -> None:
    network = build_network(*case.split())
    inputs, outputs = SHAPES[case]
    assert {tensor.name: tensor.shape[1:] for tensor in network.inputs} == inputs
    names = ["main_output", "aux_output"][:outputs]
    assert network.output_names == names
    units, activation = (10, "softmax") if case.startswith("digits") else (1, "linear")
    assert [tensor.shape[1] for tensor in network.outputs] == [units] * outputs
    assert {network.get_layer(name).activation.__name__ for name in names} == {activation}


def test_the_lookup_is_a_linear_model_of_one_hot_rows(workspace: Path) -> None:
    network = build_network("california_housing", "wide_only", problem=MIXED)
    weights = np.random.default_rng(0).normal(size=(5 + 4 + 20, 1)).astype(np.float32)
    network.get_layer("wide_lookup").set_weights([weights])
    network.get_layer("wide_linear").set_weights([np.full((1, 1), 2.0), np.full(1, 7.0)])
    rows = np.array([[1, 5, 9], [4, 8, 28]], np.int32)
    one_hot = np.zeros((2, 29), np.float32)
    one_hot[np.arange(2)[:, None], rows] = 1
    age = np.array([[3.0], [-1.0]], np.float32)
    np.testing.assert_allclose(network([age, rows]), one_hot @ weights + 2 * age + 7, rtol=1e-5)


def test_wide_path_reaches_the_main_output_alone(workspace: Path) -> None:
    network = build_network("california_housing", "wide_deep", "deep.units=[30,30]")
    deep = np.ones((1, 6), np.float32)
    network.get_layer("wide_linear").set_weights([np.arange(5.0).reshape(5, 1)])
    main, aux = network([np.zeros((1, 5), np.float32), deep])
    main_changed, aux_changed = network([np.ones((1, 5), np.float32), deep])
    np.testing.assert_allclose(main_changed - main, [[10.0]], rtol=1e-4)
    np.testing.assert_array_equal(aux_changed, aux)


def test_every_category_has_an_embedding_of_its_own(workspace: Path) -> None:
    network = build_network("california_housing", "mlp", "embedding=6", problem=MIXED)
    layers = [la for la in network.layers if isinstance(la, keras.layers.Embedding)]
    shapes = {layer.name: layer.embeddings.shape for layer in layers}
    assert shapes == {"embedding_town": (5, 6), "embedding_rooms__all__f32b1c39": (3, 6)}
    assert hidden(network)[0].kernel.shape[0] == 2 + 6 + 6


@pytest.mark.parametrize(("codes", "width"), [(2, 2), (3, 3), (10, 6), (100, 21), (10**6, 50)])
def test_width_of_embeddings_by_rule(codes: int, width: int) -> None:
    assert embedding_width(codes) == width


# Hidden layers.

# Batch normalization has 4 parameters a unit, and the layers before it have no bias.
PARAMETERS = {
    "digits mlp units=[300,100]": (64 * 300 + 300) + (300 * 100 + 100) + (100 * 10 + 10),
    "digits mlp units=[]": 64 * 10 + 10,
    "california_housing mlp units=[50]": (8 * 50 + 50) + (50 + 1),
    "california_housing selu depth=20 width=100": (8 + 1) * 100 + 19 * (100 + 1) * 100 + (100 + 1),
    "california_housing deep_relu depth=3 width=16": (8 + 4 + 2 * (16 + 4)) * 16 + (16 + 1),
    "california_housing wide_deep deep.units=[30,30]": (6 + 1 + 30 + 1) * 30 + (5 + 31) + 31,
    "digits wide_deep deep.units=[30] auxiliary=false": (64 + 1) * 30 + ((64 + 30) * 10 + 10),
}
LAYERS = {
    "digits mlp dropout=0.0": "Flatten Dense Dense Dense",
    "california_housing mlp dropout=0.2": "Dense Dropout Dense Dropout Dense",
    "california_housing mlp dropout=0.0": "Dense Dense Dense",
    "california_housing mlp dropout=0.2 activation=selu": (
        "Dense AlphaDropout Dense AlphaDropout Dense"
    ),
    "california_housing selu dropout=0.1 dropout_layers=1": "Dense Dense Dense AlphaDropout Dense",
    "california_housing selu dropout=0.1 dropout_layers=2": (
        "Dense Dense AlphaDropout Dense AlphaDropout Dense"
    ),
    "california_housing selu dropout=0.1 dropout_layers=0": "Dense Dense Dense Dense",
    "california_housing selu dropout=0.0": "Dense Dense Dense Dense",
    "california_housing selu": "Dense Dense Dense Dense",  # by default in a regression
    "digits selu": "Flatten Dense Dense Dense AlphaDropout Dense",
    "california_housing selu dropout=0.1 activation=elu": "Dense Dense Dense Dropout Dense",
    "california_housing deep_relu depth=1 dropout=0.1": (
        "Dense BatchNormalization Activation Dropout Dense"
    ),
    "california_housing mlp batch_normalization=true units=[4] dropout=0.0": (
        "Dense BatchNormalization Activation Dense"
    ),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_parameters(workspace: Path, case: str) -> None:
    assert build_network(*case.split()).count_params() == PARAMETERS[case]


@pytest.mark.parametrize("case", LAYERS)
def test_order_of_layers(workspace: Path, case: str) -> None:
    assert kinds(build_network(*case.split())) == ["InputLayer", *LAYERS[case].split()]


def test_batch_normalization_comes_before_the_activation_and_replaces_the_bias(
    workspace: Path,
) -> None:
    network = build_network("california_housing", "deep_relu", "depth=2")
    assert [layer.use_bias for layer in hidden(network)] == [False, False]
    assert {layer.activation.__name__ for layer in hidden(network)} == {"linear"}
    activations = [la for la in network.layers if isinstance(la, keras.layers.Activation)]
    assert [layer.activation.__name__ for layer in activations] == ["relu", "relu"]


def test_hidden_layers_take_activation_and_initializer(workspace: Path) -> None:
    settings = ["activation=gelu", "kernel_initializer=lecun_normal"]
    network = build_network("california_housing", "mlp", *settings)
    assert {layer.activation.__name__ for layer in hidden(network)} == {"gelu"}
    assert {type(layer.kernel_initializer).__name__ for layer in hidden(network)} == {"LecunNormal"}


@pytest.mark.parametrize(("model", "key"), [("mlp", "l2"), ("wide_deep", "deep.l2")])
def test_l2_penalizes_the_hidden_layers_alone(workspace: Path, model: str, key: str) -> None:
    network = build_network("california_housing", model, f"{key}=0.01")
    penalties = [0.01 * np.sum(np.square(layer.kernel)) for layer in hidden(network)]
    np.testing.assert_allclose([float(loss) for loss in network.losses], penalties, rtol=1e-5)
    assert build_network("california_housing", model, f"{key}=0.0").losses == []


def moments(activation: str) -> list[tuple[float, float]]:
    """Return mean and variance after each of 20 layers, for standard normal inputs."""
    keras.utils.set_random_seed(0)
    problem = MIXED.model_copy(update={"numbers": [str(n) for n in range(200)], "categories": {}})
    settings = ["depth=20", "width=200", "dropout=0.0", "kernel_initializer=lecun_normal"]
    settings += [f"activation={activation}"]
    network = build_network("california_housing", "selu", *settings, problem=problem)
    layers = keras.Model(network.inputs, [layer.output for layer in hidden(network)])
    features = np.random.default_rng(0).standard_normal((1000, 200), dtype=np.float32)
    return [(float(np.mean(x)), float(np.var(x))) for x in layers(features)]


def test_selu_keeps_mean_and_variance_through_20_layers(workspace: Path) -> None:
    values = moments("selu")
    assert len(values) == 20
    assert all(abs(mean) < 0.1 and 0.8 < variance < 1.2 for mean, variance in values)
    assert moments("relu")[-1][1] < 0.01  # by comparison


def layer_output(
    network: keras.Model, layer: keras.layers.Layer, inputs: dict[str, np.ndarray]
) -> np.ndarray:
    inner = keras.Model(network.inputs, layer.output)
    return np.asarray(inner(unwrap([inputs[tensor.name] for tensor in network.inputs])))


def test_crosses_of_the_deep_paths_numbers_get_fourier_features(workspace: Path) -> None:
    fourier = "deep.numbers.fourier={frequencies: 500, sigma: 0.3}"
    network = build_network("california_housing", "wide_deep", fourier, problem=CROSSED)
    # MedInc is no number of the deep path.
    (layer,) = (layer for layer in network.layers if layer.name.startswith("fourier"))
    assert layer.name == "fourier_Latitude_x_Longitude"
    assert layer.trainable_weights == []
    (directions,) = layer.get_weights()
    assert directions.shape == (2, 500)
    assert directions.std() == pytest.approx(2 * np.pi * 0.3, rel=0.1)
    rows = np.random.default_rng(0).normal(size=(4, len(DEEP))).astype(np.float32)
    inputs: dict[str, np.ndarray] = {
        "wide_input": np.zeros((4, len(WIDE))),
        "wide_sparse": np.zeros((4, 3), np.int32),
        "deep_input": rows,
    }
    first = hidden(network)[0]
    angles = rows[:, [DEEP.index("Latitude"), DEEP.index("Longitude")]] @ directions
    features = np.concatenate([rows, np.sin(angles), np.cos(angles)], axis=1)
    kernel, bias = first.get_weights()
    expected = np.maximum(features @ kernel + bias, 0)
    np.testing.assert_allclose(layer_output(network, first, inputs), expected, atol=1e-3)


@pytest.mark.parametrize("model", ["mlp", "selu", "deep_relu"])
def test_each_number_gets_a_periodic_embedding(workspace: Path, model: str) -> None:
    periodic = "{frequencies: 3, sigma: 0.1, width: 2}"
    numbers = f"numbers={{periodic: {periodic}, fourier: null, piecewise: null}}"
    network = build_network("california_housing", model, numbers, problem=CROSSED)
    frequencies, dense = (la for la in network.layers if isinstance(la, keras.layers.EinsumDense))
    (sigmas,), (kernel, bias) = frequencies.get_weights(), dense.get_weights()
    bias = np.random.default_rng(1).normal(size=bias.shape)
    dense.set_weights([kernel, bias])
    rows = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    angles = rows[:, :, None] * sigmas
    waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=2)
    expected = np.maximum(np.einsum("bnv,nvw->bnw", waves, kernel) + bias, 0)
    np.testing.assert_allclose(
        layer_output(network, dense, {"features": rows}), expected, atol=1e-5
    )
    assert hidden(network)[0].kernel.shape[0] == 8 + 8 * 2


@pytest.mark.parametrize(
    "problem", [MIXED, make_problem("california_housing"), make_problem("digits")]
)
def test_fourier_features_need_crossed_numbers(workspace: Path, problem: Problem) -> None:
    settings: tuple[list[str], ...] = ([], ["deep.numbers.fourier=null"])
    networks = [build_network(problem.dataset, "wide_deep", *s, problem=problem) for s in settings]
    assert kinds(networks[0]) == kinds(networks[1])


@pytest.mark.parametrize(("model", "section"), [("mlp", "numbers"), ("wide_deep", "deep.numbers")])
def test_features_of_numbers_are_loaded_by_keras_alone(
    workspace: Path, model: str, section: str
) -> None:
    fourier = f"{section}.fourier={{frequencies: 4, sigma: 1.0}}"
    periodic = f"{section}.periodic={{frequencies: 3, sigma: 0.1, width: 2}}"
    network = build_network("california_housing", model, fourier, periodic, problem=CROSSED)
    network.save("network.keras")
    rng = np.random.default_rng(0)
    shapes = [((3, *tensor.shape[1:]), tensor.dtype) for tensor in network.inputs]
    inputs = [rng.uniform(0, 5, shape).astype(dtype) for shape, dtype in shapes]
    loaded = keras.saving.load_model("network.keras", compile=False)
    before, after = (tf.nest.flatten(model(unwrap(inputs))) for model in (network, loaded))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
