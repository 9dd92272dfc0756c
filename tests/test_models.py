"""The networks are built as their settings say, and impossible settings are refused in a line."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import network_config

from fathom.artifacts.problem import Output, Problem
from fathom.base.errors import FathomError
from fathom.models.layers import embedding_width
from fathom.models.names import NOT_NAMES, unwrap
from fathom.train.build import build

WIDE = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population"]
DEEP = ["AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
DIGIT = Output(column="label", task="classification", classes=[str(n) for n in range(10)])
PRICE = Output(column="MedHouseVal", task="regression", unit="$100k")

ACTIVATIONS = [
    name for name in dir(keras.activations) if name[0].islower() and name not in NOT_NAMES
]


def posed(dataset: str) -> Problem:
    is_images = dataset == "digits"
    main = DIGIT if is_images else PRICE
    columns = [] if is_images else ["MedInc", "HouseAge", *DEEP]
    return Problem(
        dataset=dataset,
        kind="images" if is_images else "table",
        shape=[8, 8] if is_images else [],
        numbers=columns,
        categories={},
        sparse={},
        crosses=[],
        wide=[] if is_images else WIDE,
        deep=[] if is_images else DEEP,
        outputs={"main_output": main, "aux_output": main},
        rows={"train": 100, "valid": 10, "test": 10},
    )


def built(dataset: str, model: str, *overrides: str) -> keras.Model:
    return build(network_config(dataset, model, *overrides), posed(dataset))


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def hidden(model: keras.Model) -> list[keras.layers.Dense]:
    every = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    dense = [layer for layer in every if layer.trainable]
    return [layer for layer in dense if not layer.name.endswith(("_output", "_linear"))]


MIXED = posed("california_housing").model_copy(
    update={
        "numbers": ["size", "age"],
        "categories": {"town": 5, "rooms (all)": 3},
        "sparse": {"town": 5, "size_bucket": 4, "town_x_size": 20},
        "wide": ["age", "town"],
        "deep": ["age", "size", "town", "rooms (all)"],
    }
)
CROSSED = posed("california_housing").model_copy(
    update={
        "crosses": [["Latitude", "Longitude"], ["AveOccup", "MedInc"], ["Latitude", "town"]],
        "sparse": {"Latitude_x_Longitude": 9, "AveOccup_x_MedInc": 9, "Latitude_x_town": 9},
    }
)
TEXT_ALONE = MIXED.model_copy(update={"numbers": [], "sparse": {}, "wide": ["town"]})


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        ("mlp", {"features": (2,), "categories": (2,)}),
        ("selu", {"features": (2,), "categories": (2,)}),
        (
            "wide_deep",
            {
                "wide_input": (1,),
                "wide_sparse": (3,),
                "deep_input": (2,),
                "deep_categories": (2,),
            },
        ),
        ("wide_only", {"wide_input": (1,), "wide_sparse": (3,)}),
        ("deep_only", {"deep_input": (2,), "deep_categories": (2,)}),
    ],
)
def test_inputs_of_a_table_with_categories(
    workspace: Path, model: str, inputs: dict[str, tuple[int, ...]]
) -> None:
    network = build(network_config("california_housing", model), MIXED)
    assert {given.name: given.shape[1:] for given in network.inputs} == inputs
    assert all(MIXED.shape_of(name) == shape for name, shape in inputs.items())


@pytest.mark.parametrize("model", ["mlp", "selu", "wide_deep", "deep_only"])
def test_a_table_of_categories_alone(workspace: Path, model: str) -> None:
    network = build(network_config("california_housing", model), TEXT_ALONE)
    (name,) = (given.name for given in network.inputs)
    assert name in ("categories", "deep_categories")


def test_the_lookup_is_a_linear_model_of_one_hot_rows(workspace: Path) -> None:
    network = build(network_config("california_housing", "wide_only"), MIXED)
    weights = np.random.default_rng(0).normal(size=(5 + 4 + 20, 1)).astype(np.float32)
    network.get_layer("wide_lookup").set_weights([weights])
    network.get_layer("wide_linear").set_weights([np.full((1, 1), 2.0), np.full(1, 7.0)])
    rows = np.array([[1, 5, 9], [4, 8, 28]], np.int32)
    one_hot = np.zeros((2, 29), np.float32)
    one_hot[np.arange(2)[:, None], rows] = 1
    age = np.array([[3.0], [-1.0]], np.float32)
    np.testing.assert_allclose(network([age, rows]), one_hot @ weights + 2 * age + 7, rtol=1e-5)


def test_every_category_has_an_embedding_of_its_own(workspace: Path) -> None:
    network = build(network_config("california_housing", "mlp", "model.embedding=6"), MIXED)
    embeddings = {
        layer.name: layer.embeddings.shape
        for layer in network.layers
        if isinstance(layer, keras.layers.Embedding)
    }
    assert embeddings == {"embedding_town": (5, 6), "embedding_rooms__all_": (3, 6)}
    first = hidden(network)[0]
    assert first.kernel.shape[0] == 2 + 6 + 6


def outcome(network: keras.Model, of: str, given: dict[str, np.ndarray]) -> np.ndarray:
    """Return what the layer of this name gives for some rows."""
    inner = keras.Model(network.inputs, network.get_layer(of).output)
    return np.asarray(inner(unwrap([given[tensor.name] for tensor in network.inputs])))


def test_crossed_numbers_of_the_deep_path_become_waves(workspace: Path) -> None:
    overrides = ["model.deep.numbers.fourier={frequencies: 500, sigma: 0.3}"]
    network = build(network_config("california_housing", "wide_deep", *overrides), CROSSED)
    # Only the deep path's numbers count, of which MedInc is none.
    (layer,) = (layer for layer in network.layers if layer.name.startswith("fourier"))
    assert layer.name == "fourier_Latitude_x_Longitude"
    assert layer.trainable_weights == []
    (directions,) = layer.get_weights()
    assert directions.shape == (2, 500)
    assert directions.std() == pytest.approx(2 * np.pi * 0.3, rel=0.1)
    rows = np.random.default_rng(0).normal(size=(4, len(DEEP))).astype(np.float32)
    given = {
        "wide_input": np.zeros((4, len(WIDE)), np.float32),
        "wide_sparse": np.zeros((4, 3), np.int32),
        "deep_input": rows,
    }
    first = hidden(network)[0]
    angles = rows[:, [DEEP.index("Latitude"), DEEP.index("Longitude")]] @ directions
    wanted = np.concatenate([rows, np.sin(angles), np.cos(angles)], axis=1)
    kernel, bias = first.get_weights()
    found = outcome(network, first.name, given)
    np.testing.assert_allclose(found, np.maximum(wanted @ kernel + bias, 0), atol=1e-3)


@pytest.mark.parametrize("model", ["mlp", "selu", "deep_relu"])
def test_each_number_becomes_waves_of_its_own(workspace: Path, model: str) -> None:
    overrides = ["model.numbers.periodic={frequencies: 3, sigma: 0.1, width: 2}"]
    network = build(network_config("california_housing", model, *overrides), CROSSED)
    frequencies, dense = (
        layer for layer in network.layers if isinstance(layer, keras.layers.EinsumDense)
    )
    (turns,), (kernel, bias) = frequencies.get_weights(), dense.get_weights()
    bias = np.random.default_rng(1).normal(size=bias.shape)
    dense.set_weights([kernel, bias])
    rows = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    angles = rows[:, :, None] * turns
    waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=2)
    wanted = np.maximum(np.einsum("bnv,nvw->bnw", waves, kernel) + bias, 0)
    found = outcome(network, dense.name, {"features": rows})
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert hidden(network)[0].kernel.shape[0] == 8 + 8 * 2


def test_networks_of_numbers_as_they_are_are_the_same_as_ever(workspace: Path) -> None:
    """Waves across crossed numbers, where there are none, are no layer."""
    for problem in (MIXED, posed("california_housing"), posed("digits")):
        network = build(network_config("california_housing", "wide_deep"), problem)
        without = ["model.deep.numbers.fourier=null"]
        plain = build(network_config("california_housing", "wide_deep", *without), problem)
        assert kinds(network) == kinds(plain)


@pytest.mark.parametrize("model", ["mlp", "wide_deep"])
def test_waves_are_saved_and_loaded_by_keras_alone(workspace: Path, model: str) -> None:
    place = "model.deep.numbers" if model == "wide_deep" else "model.numbers"
    waves = [
        f"{place}.fourier={{frequencies: 4, sigma: 1.0}}",
        f"{place}.periodic={{frequencies: 3, sigma: 0.1, width: 2}}",
    ]
    network = build(network_config("california_housing", model, *waves), CROSSED)
    network.save("network.keras")
    rng = np.random.default_rng(0)
    given = [
        np.zeros((3, *tensor.shape[1:]), tensor.dtype)
        if tensor.dtype == "int32"
        else rng.normal(size=(3, *tensor.shape[1:])).astype(np.float32)
        for tensor in network.inputs
    ]
    loaded = keras.saving.load_model("network.keras", compile=False)
    for one, other in zip(
        tf.nest.flatten(network(unwrap(given))), tf.nest.flatten(loaded(unwrap(given))), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("codes", "width"), [(2, 2), (3, 3), (10, 6), (100, 21), (10**6, 50)])
def test_width_of_embeddings_by_rule(codes: int, width: int) -> None:
    assert embedding_width(codes) == width


@pytest.mark.parametrize(
    ("dataset", "model", "inputs", "outputs"),
    [
        ("digits", "mlp", {"features": (8, 8)}, {"main_output": 10}),
        ("california_housing", "mlp", {"features": (8,)}, {"main_output": 1}),
        ("digits", "selu", {"features": (8, 8)}, {"main_output": 10}),
        ("california_housing", "selu", {"features": (8,)}, {"main_output": 1}),
        ("california_housing", "deep_relu", {"features": (8,)}, {"main_output": 1}),
        (
            "digits",
            "wide_deep",
            {"wide_input": (8, 8), "deep_input": (8, 8)},
            {"main_output": 10, "aux_output": 10},
        ),
        (
            "california_housing",
            "wide_deep",
            {"wide_input": (5,), "deep_input": (6,)},
            {"main_output": 1, "aux_output": 1},
        ),
    ],
)
def test_inputs_and_outputs(
    workspace: Path,
    dataset: str,
    model: str,
    inputs: dict[str, tuple[int, ...]],
    outputs: dict[str, int],
) -> None:
    network = built(dataset, model)
    assert {given.name: given.shape[1:] for given in network.inputs} == inputs
    assert (
        dict(zip(network.output_names, [o.shape[1] for o in network.outputs], strict=True))
        == outputs
    )
    activations = {network.get_layer(name).activation.__name__ for name in outputs}
    assert activations == {"softmax" if dataset == "digits" else "linear"}


def test_wide_and_deep_columns_are_those_of_the_book(workspace: Path) -> None:
    config = network_config("california_housing", "wide_deep", "experiment=book_wide_deep")
    assert (config.dataset.wide, config.dataset.deep) == (WIDE, DEEP)
    assert config.dataset.crosses == []


def test_wide_path_reaches_the_main_output_and_no_other(workspace: Path) -> None:
    network = built("california_housing", "wide_deep", "model.deep.units=[30,30]")
    deep = np.ones((1, 6), np.float32)
    network.get_layer("wide_linear").set_weights([np.arange(5.0).reshape(5, 1)])
    main, aux = network([np.zeros((1, 5), np.float32), deep])
    main_moved, aux_moved = network([np.ones((1, 5), np.float32), deep])
    np.testing.assert_allclose(main_moved - main, [[10.0]], rtol=1e-4)
    np.testing.assert_array_equal(aux_moved, aux)


@pytest.mark.parametrize(
    ("dataset", "model", "overrides", "expected"),
    [
        (
            "digits",
            "mlp",
            ["model.units=[300,100]"],
            (64 * 300 + 300) + (300 * 100 + 100) + (100 * 10 + 10),
        ),
        ("digits", "mlp", ["model.units=[]"], 64 * 10 + 10),
        ("california_housing", "mlp", ["model.units=[50]"], (8 * 50 + 50) + (50 + 1)),
        (
            "california_housing",
            "selu",
            ["model.depth=20", "model.width=100"],
            (8 * 100 + 100) + 19 * (100 * 100 + 100) + (100 + 1),
        ),
        # Batch normalisation has 4 parameters a unit, and the layers before it no bias.
        (
            "california_housing",
            "deep_relu",
            ["model.depth=3", "model.width=16"],
            (8 * 16 + 4 * 16) + 2 * (16 * 16 + 4 * 16) + (16 + 1),
        ),
        (
            "california_housing",
            "wide_deep",
            ["model.deep.units=[30,30]"],
            (6 * 30 + 30) + (30 * 30 + 30) + (5 + 30 + 1) + (30 + 1),
        ),
        (
            "digits",
            "wide_deep",
            ["model.deep.units=[30]", "model.auxiliary=false"],
            (64 * 30 + 30) + ((64 + 30) * 10 + 10),
        ),
    ],
)
def test_parameters(
    workspace: Path, dataset: str, model: str, overrides: list[str], expected: int
) -> None:
    assert built(dataset, model, *overrides).count_params() == expected


@pytest.mark.parametrize(
    ("model", "overrides", "widths"),
    [
        ("mlp", ["model.units=[7,5,3]"], [7, 5, 3]),
        ("selu", ["model.depth=20", "model.width=9"], [9] * 20),
        ("wide_deep", ["model.deep.units=[4,6]"], [4, 6]),
    ],
)
def test_depth_and_width(
    workspace: Path, model: str, overrides: list[str], widths: list[int]
) -> None:
    assert [layer.units for layer in hidden(built("digits", model, *overrides))] == widths


@pytest.mark.parametrize(
    ("model", "overrides", "layers"),
    [
        ("mlp", ["model.dropout=0.2"], "Dense Dropout Dense Dropout Dense"),
        ("mlp", ["model.dropout=0.0"], "Dense Dense Dense"),
        (
            "selu",
            ["model.dropout=0.1", "model.dropout_layers=1"],
            "Dense Dense Dense AlphaDropout Dense",
        ),
        (
            "selu",
            ["model.dropout=0.1", "model.dropout_layers=2"],
            "Dense Dense AlphaDropout Dense AlphaDropout Dense",
        ),
        ("selu", ["model.dropout=0.1", "model.dropout_layers=0"], "Dense Dense Dense Dense"),
        ("selu", ["model.dropout=0.0"], "Dense Dense Dense Dense"),
        ("selu", ["model.dropout=0.1", "model.activation=elu"], "Dense Dense Dense Dropout Dense"),
        (
            "deep_relu",
            ["model.depth=1", "model.dropout=0.1"],
            "Dense BatchNormalization Activation Dropout Dense",
        ),
        (
            "mlp",
            ["model.batch_normalization=true", "model.units=[4]", "model.dropout=0.0"],
            "Dense BatchNormalization Activation Dense",
        ),
    ],
)
def test_order_of_layers(workspace: Path, model: str, overrides: list[str], layers: str) -> None:
    assert kinds(built("california_housing", model, *overrides)) == ["InputLayer", *layers.split()]


@pytest.mark.parametrize(("dataset", "dropouts"), [("digits", 1), ("california_housing", 0)])
def test_dropout_by_task(workspace: Path, dataset: str, dropouts: int) -> None:
    network = built(dataset, "selu", "model.dropout={classification: 0.1, regression: 0.0}")
    assert kinds(network).count("AlphaDropout") == dropouts


def test_images_are_flattened(workspace: Path) -> None:
    assert kinds(built("digits", "mlp"))[:2] == ["InputLayer", "Flatten"]


def test_batch_normalization_comes_before_the_activation_and_makes_up_for_the_bias(
    workspace: Path,
) -> None:
    network = built("california_housing", "deep_relu", "model.depth=2")
    assert [layer.use_bias for layer in hidden(network)] == [False, False]
    assert {layer.activation.__name__ for layer in hidden(network)} == {"linear"}
    activations = [la for la in network.layers if isinstance(la, keras.layers.Activation)]
    assert [layer.activation.__name__ for layer in activations] == ["relu", "relu"]


def test_hidden_layers_take_activation_and_initializer(workspace: Path) -> None:
    network = built(
        "california_housing",
        "mlp",
        "model.activation=gelu",
        "model.kernel_initializer=lecun_normal",
    )
    assert {layer.activation.__name__ for layer in hidden(network)} == {"gelu"}
    assert {type(layer.kernel_initializer).__name__ for layer in hidden(network)} == {"LecunNormal"}


@pytest.mark.parametrize(("model", "key"), [("mlp", "model.l2"), ("wide_deep", "model.deep.l2")])
def test_l2_penalizes_the_hidden_layers_alone(workspace: Path, model: str, key: str) -> None:
    network = built("california_housing", model, f"{key}=0.01")
    by_hand = [0.01 * np.sum(np.square(layer.kernel)) for layer in hidden(network)]
    np.testing.assert_allclose([float(loss) for loss in network.losses], by_hand, rtol=1e-5)
    assert built("california_housing", model, f"{key}=0.0").losses == []


@pytest.mark.parametrize("auxiliary", [True, False])
def test_auxiliary_switch(workspace: Path, auxiliary: bool) -> None:
    network = built("california_housing", "wide_deep", f"model.auxiliary={auxiliary}")
    assert ("aux_output" in network.output_names) is auxiliary


def moments(activation: str, initializer: str) -> list[tuple[float, float]]:
    """Return mean and variance behind each of 20 layers on standard-normal input."""
    keras.utils.set_random_seed(0)
    problem = posed("california_housing").model_copy(
        update={"numbers": [str(n) for n in range(200)]}
    )
    settings = ["model.depth=20", "model.width=200", "model.dropout=0.0"]
    config = network_config(
        "california_housing",
        "selu",
        *settings,
        f"model.activation={activation}",
        f"model.kernel_initializer={initializer}",
    )
    network = build(config, problem)
    layers = keras.Model(network.inputs, [layer.output for layer in hidden(network)])
    features = np.random.default_rng(0).standard_normal((1000, 200), dtype=np.float32)
    return [(float(np.mean(x)), float(np.var(x))) for x in layers(features)]


def test_selu_keeps_mean_and_variance_through_20_layers(workspace: Path) -> None:
    kept = moments("selu", "lecun_normal")
    assert len(kept) == 20
    assert all(abs(mean) < 0.1 and 0.8 < variance < 1.2 for mean, variance in kept)
    # What it is compared with: elsewhere the signal dies.
    assert moments("relu", "lecun_normal")[-1][1] < 0.01


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


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_serves_in_a_network_or_is_refused(workspace: Path, name: str) -> None:
    try:
        network = built("california_housing", "mlp", f"model.activation={name}")
    except FathomError as error:
        refusal = str(error)
    else:
        refusal = ""
        assert network(np.ones((2, 8), np.float32)).shape == (2, 1)
    assert not refusal or refusal.startswith("command line: model.activation: ")
    # These two take arguments, or halve the width.
    assert not refusal or name in ("glu", "threshold")


@pytest.mark.parametrize(
    ("model", "override", "message"),
    [
        (
            "mlp",
            "+model.unit=[3]",
            "model.unit is no argument of fathom.models.mlp.build; did you mean units?",
        ),
        ("mlp", "model.units=[-3]", "model.units.0: must be greater than 0, not -3"),
        ("mlp", "model.units=[8,0]", "model.units.1: must be greater than 0, not 0"),
        ("mlp", "model.units=[2.5]", "model.units.0: must be a valid integer, not 2.5"),
        ("mlp", "model.units=7", "model.units: must be a valid list, not 7"),
        (
            "mlp",
            "model.activation=rely",
            "model.activation: Keras has no activation 'rely'; did you mean relu?",
        ),
        (
            "mlp",
            "model.activation=Relu",
            "model.activation: Keras has no activation 'Relu'; did you mean relu?",
        ),
        ("mlp", "model.activation=null", "model.activation: must be a valid string, not None"),
        (
            "mlp",
            "model.kernel_initializer=he_norm",
            "model.kernel_initializer: Keras has no initializer 'he_norm'; did you mean he_normal?",
        ),
        (
            "mlp",
            "model.dropout=1.0",
            "model.dropout: must be a rate of at least 0 and below 1, or one for each of "
            "regression and classification, not 1.0",
        ),
        (
            "selu",
            "model.dropout=1.0",
            "model.dropout: must be a rate of at least 0 and below 1, or one for each of "
            "regression and classification, not 1.0",
        ),
        ("mlp", "model.l2=-1", "model.l2: must be greater than or equal to 0, not -1"),
        ("mlp", "~model.l2", "model.l2 is missing"),
        (
            "mlp",
            "model.batch_normalization=1",
            "model.batch_normalization: must be a valid boolean, not 1",
        ),
        ("selu", "model.depth=0", "model.depth: must be greater than 0, not 0"),
        (
            "wide_deep",
            "+model.deep.unit=[3]",
            "model.deep.unit is not a setting; did you mean model.deep.units?",
        ),
        (
            "wide_deep",
            "model.deep.units=[-3]",
            "model.deep.units.0: must be greater than 0, not -3",
        ),
        (
            "wide_deep",
            "model.deep.activation=tahn",
            "model.deep.activation: Keras has no activation 'tahn'; did you mean tanh?",
        ),
        ("wide_deep", "model.deep=3", "model.deep must be a mapping, not 3"),
        ("mlp", "model.numbers=null", "model.numbers must be a mapping, not None"),
        (
            "mlp",
            "model.numbers.fourier={frequencies: 8}",
            "model.numbers.fourier.sigma is missing",
        ),
        (
            "wide_deep",
            "model.deep.numbers.fourier.frequencies=0",
            "model.deep.numbers.fourier.frequencies: must be greater than 0, not 0",
        ),
        (
            "wide_deep",
            "+model.deep.numbers.fourier.sigmas=2",
            "model.deep.numbers.fourier.sigmas is not a setting; did you mean "
            "model.deep.numbers.fourier.sigma?",
        ),
        (
            "wide_deep",
            "model.auxiliary=maybe",
            "model.auxiliary: must be a valid boolean, not 'maybe'",
        ),
        (
            "mlp",
            "model._target_=fathom.models.mlp.bild",
            "model._target_: fathom.models.mlp has no 'bild'; did you mean build?",
        ),
        (
            "mlp",
            "model._target_=fathom.models.mpl.build",
            "model._target_: there is no module 'fathom.models.mpl' to take 'build' from; "
            "a module of your own is found in src/",
        ),
    ],
)
def test_refused(workspace: Path, model: str, override: str, message: str) -> None:
    with pytest.raises(FathomError) as refused:
        built("digits", model, override)
    assert str(refused.value) == f"command line: {message}"


def test_refused_in_the_models_file(workspace: Path) -> None:
    file = Path("conf/model/mlp.yaml")
    file.write_text(file.read_text().replace("relu  #", "rely  #"))
    with pytest.raises(FathomError) as refused:
        built("digits", "mlp")
    assert str(refused.value) == (
        "conf/model/mlp.yaml: activation: Keras has no activation 'rely'; did you mean relu?"
    )


@pytest.mark.parametrize(
    ("returned", "name"), [("None", "NoneType"), ("keras.layers.Dense(1)", "Dense")]
)
def test_refused_if_no_model_is_returned(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, returned: str, name: str
) -> None:
    module = f"returns_{name.lower()}"
    Path(f"{module}.py").write_text(
        f"import keras\n\ndef build(problem, **settings):\n    return {returned}\n"
    )
    monkeypatch.syspath_prepend(workspace)
    with pytest.raises(FathomError) as refused:
        built("digits", "mlp", f"model._target_={module}.build")
    assert str(refused.value) == (
        f"command line: model._target_: {module}.build returned {name}, not a Keras model"
    )
