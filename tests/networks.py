"""Networks that tests build from the real settings, and problems for them."""

import keras
from conftest import network_config

from fathom.artifacts.problem import Output, Problem
from fathom.train.build import build

WIDE = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population"]
DEEP = ["AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
DIGIT = Output(column="label", task="classification", classes=[str(n) for n in range(10)])
PRICE = Output(column="MedHouseVal", task="regression", unit="$100k")


def make_problem(dataset: str) -> Problem:
    """Return the problem of `digits` or of a table of numbers."""
    is_images = dataset == "digits"
    main = DIGIT if is_images else PRICE
    return Problem(
        dataset=dataset,
        kind="images" if is_images else "table",
        shape=[8, 8] if is_images else [],
        numbers=[] if is_images else ["MedInc", "HouseAge", *DEEP],
        wide=[] if is_images else WIDE,
        deep=[] if is_images else DEEP,
        outputs={"main_output": main, "aux_output": main},
        rows={"train": 100, "valid": 10, "test": 10},
    )


MIXED = make_problem("california_housing").model_copy(
    update={
        "numbers": ["size", "age"],
        "categories": {"town": 5, "rooms (all)": 3},
        "sparse": {"town": 5, "size_bucket": 4, "town_x_size": 20},
        "wide": ["age", "town"],
        "deep": ["age", "size", "town", "rooms (all)"],
    }
)
CROSSED = make_problem("california_housing").model_copy(
    update={
        "crosses": [["Latitude", "Longitude"], ["AveOccup", "MedInc"], ["Latitude", "town"]],
        "sparse": {"Latitude_x_Longitude": 9, "AveOccup_x_MedInc": 9, "Latitude_x_town": 9},
    }
)


def build_network(
    dataset: str, model: str, *overrides: str, problem: Problem | None = None
) -> keras.Model:
    """Build a network, with overrides of the section `model`."""
    signs = [override[0] if override[0] in "+~" else "" for override in overrides]
    keys = [f"{sign}model.{key.lstrip('+~')}" for sign, key in zip(signs, overrides, strict=True)]
    return build(network_config(dataset, model, *keys), problem or make_problem(dataset))


def hidden(model: keras.Model) -> list[keras.layers.Dense]:
    """Return the hidden dense layers."""
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    trained = [layer for layer in dense if layer.trainable]
    return [layer for layer in trained if not layer.name.endswith(("_output", "_linear"))]


def kinds(model: keras.Model) -> list[str]:
    """Return the classes of the layers."""
    return [type(layer).__name__ for layer in model.layers]
