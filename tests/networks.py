"""Networks that tests build from the real settings, and problems for them."""

import functools
from typing import Any

import keras
import yaml
from conftest import read_settings, shrunk

from fathom.artifacts.problem import Output, Problem
from fathom.search.base_settings import BaseSettings
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
    """Build a network with values of the section `model`, such as `dropout=0.1`.

    Values are set without Hydra, which takes a fifth of a second.
    """
    values = {}
    for override in overrides:
        key, _, text = override.partition("=")
        values[f"model.{key}"] = yaml.safe_load(text)
    settings = base_settings(dataset, model, read_settings()).with_values(values)
    return build(settings, problem or make_problem(dataset))


@functools.cache
def base_settings(dataset: str, model: str, _: Any) -> BaseSettings:
    return BaseSettings([f"dataset={dataset}", f"model={model}", *shrunk(model)])


def hidden(model: keras.Model) -> list[keras.layers.Dense]:
    """Return the hidden dense layers."""
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    trained = [layer for layer in dense if layer.trainable]
    return [layer for layer in trained if not layer.name.endswith(("_output", "_linear"))]


def kinds(model: keras.Model) -> list[str]:
    """Return the classes of the layers."""
    return [type(layer).__name__ for layer in model.layers]
