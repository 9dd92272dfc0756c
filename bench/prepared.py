"""A prepared case, as every contender finds it in its working folder."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FACTS, ARRAYS = Path("case.json"), Path("arrays.npz")


@dataclass(frozen=True)
class Layer:
    """A dense layer: the shape of its kernel, whether it has a bias, and whether its input has a
    gradient: not if that is the network's own.
    """

    name: str
    shape: tuple[int, int]
    bias: bool
    input_gradient: bool


@dataclass(frozen=True)
class Facts:
    """What there is to know of a case beside its rows; `data` says if they are not real ones."""

    overrides: list[str]
    rows: int
    batch_size: int
    weights: int
    data: str
    layers: list[Layer]

    @classmethod
    def read(cls, folder: Path = Path()) -> "Facts":
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text())
        return cls(**facts | {"layers": [Layer(**layer) for layer in facts["layers"]]})


@dataclass(frozen=True)
class Arrays:
    """The training rows, an array for each input and output, and the weights to begin with: the
    kernel of a dense layer is called by the layer's name, its bias `<name>.bias`.
    """

    inputs: list[NDArray[Any]]
    targets: list[NDArray[Any]]
    weights: dict[str, NDArray[np.float32]]

    @classmethod
    def read(cls) -> "Arrays":
        with np.load(ARRAYS) as file:
            found: dict[str, dict[str, Any]] = {"input": {}, "target": {}, "weight": {}}
            for key in file.files:
                kind, _, name = key.partition(" ")
                found[kind][name] = file[key]
        return cls(list(found["input"].values()), list(found["target"].values()), found["weight"])


def write(facts: Facts, arrays: Arrays) -> None:
    FACTS.write_text(json.dumps(asdict(facts)))
    named: dict[str, Any] = {
        **{f"input {number}": array for number, array in enumerate(arrays.inputs)},
        **{f"target {number}": array for number, array in enumerate(arrays.targets)},
        **{f"weight {name}": array for name, array in arrays.weights.items()},
    }
    np.savez(ARRAYS, **named)
