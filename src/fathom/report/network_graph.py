"""The graph of layers in a `.keras` file, read without Keras."""

import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal

# Layers that compute nothing: they only rearrange numbers.
RESHAPING = (
    "Cropping1D", "Cropping2D", "ExpandDims", "Flatten", "GetItem", "Permute", "RepeatVector",
    "Reshape", "Squeeze", "Transpose", "UpSampling1D", "UpSampling2D", "ZeroPadding1D",
    "ZeroPadding2D",
)  # fmt: skip

Role = Literal["input", "output", "layer", "small"]
Node = tuple[str, int]  # the name of a layer and the number of its call


@dataclass(frozen=True)
class Call:
    """One use of a layer; `inputs` are the calls whose outputs it takes.

    `kind` and `config` describe the layer, as in `config.json`. `shape` is the shape of its output,
    without rows; `shape` and `parameters` are None if unknown.
    """

    kind: str
    config: dict[str, Any]
    node: Node
    inputs: list[Node]
    role: Role
    shape: list[int | None] | None = None
    parameters: int | None = None


@dataclass(frozen=True)
class LayerGraph:
    """A network; `calls` come after their inputs, and a subclassed model has none in its file."""

    name: str
    kind: str
    calls: list[Call]


def read_graph(file: Path, known: dict[str, dict[str, Any]]) -> LayerGraph:
    """Read the graph of layers of a `.keras` file.

    `known` has by layer its output `shape` and number of `parameters`, as `run.json`; layers may be
    missing.
    """
    with zipfile.ZipFile(file) as archive:
        model = json.loads(archive.read("config.json"))
    kind, config = model["class_name"], model["config"]
    layers = {layer["config"].get("name", ""): layer for layer in config.get("layers", [])}
    if "input_layers" in config:
        outputs = list(find_nodes(config["output_layers"]))
        inputs = {
            (name, index): list(dict.fromkeys(find_nodes(arguments)))
            for name, layer in layers.items()
            for index, arguments in enumerate(layer["inbound_nodes"] or [{}])
        }
    else:  # one layer after another
        nodes = [(name, 0) for name in layers]
        outputs = nodes[-1:]
        inputs = {node: nodes[max(place - 1, 0) : place] for place, node in enumerate(nodes)}
    calls = [
        read_call(layers[node[0]], node, inputs[node], node in outputs, known.get(node[0], {}))
        for node in TopologicalSorter(inputs).static_order()
    ]
    return LayerGraph(config.get("name") or kind, kind, calls)


def read_call(
    layer: dict[str, Any], node: Node, inputs: list[Node], is_output: bool, facts: dict[str, Any]
) -> Call:
    kind, config = layer["class_name"], layer["config"]
    role: Role = "small" if kind in RESHAPING else "layer"
    if kind == "InputLayer":
        role, facts = "input", {"shape": config["batch_shape"][1:], "parameters": 0}
    elif is_output:
        role = "output"
    return Call(kind, config, node, inputs, role, facts.get("shape"), facts.get("parameters"))


def find_nodes(tree: Any) -> Iterator[Node]:
    """Yield the calls whose outputs are in a tree, each as name, call and output."""
    match tree:
        case dict():
            yield from find_nodes(list(tree.values()))
        case [str(name), int(index), int()]:
            yield name, index
        case list():
            for inner in tree:
                yield from find_nodes(inner)


def count_parameters(calls: Iterable[Call]) -> int | None:
    """Return the number of parameters of all layers, None if that of one is unknown."""
    counts = {call.node[0]: call.parameters for call in calls}
    known = [count for count in counts.values() if count is not None]
    return sum(known) if len(known) == len(counts) else None
