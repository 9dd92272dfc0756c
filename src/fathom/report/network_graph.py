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
class Layer:
    """A layer as `config.json` describes it.

    `shape` is the shape of its output, without rows; `shape` and `parameters` are None if unknown.
    """

    kind: str
    name: str
    config: dict[str, Any]
    shape: list[int | None] | None = None
    parameters: int | None = None

    @property
    def members(self) -> list[dict[str, Any]]:
        """The layers of a layer that is itself a network."""
        layers: list[dict[str, Any]] = self.config.get("layers", [])
        return layers


@dataclass(frozen=True)
class Call:
    """One use of a layer; `inputs` are the calls whose outputs it takes."""

    layer: Layer
    node: Node
    inputs: list[Node]
    role: Role


@dataclass(frozen=True)
class LayerGraph:
    """A network; `calls` come after their inputs, and a subclassed model has none in its file."""

    name: str
    kind: str
    calls: list[Call]

    @property
    def layers(self) -> list[Layer]:
        return list({call.layer.name: call.layer for call in self.calls}.values())

    def count(self, role: Role) -> int:
        return sum(call.role == role for call in self.calls)


def read_graph(file: Path, known: dict[str, dict[str, Any]]) -> LayerGraph:
    """Read the graph of layers of a `.keras` file.

    Args:
        file: as Keras 3 saves it.
        known: by layer its output `shape` and number of `parameters`, as in `run.json`; layers may
            be missing.

    Raises:
        KeyError, ValueError, zipfile.BadZipFile: the file is not a model of Keras 3.
    """
    with zipfile.ZipFile(file) as archive:
        model = json.loads(archive.read("config.json"))
    config = model["config"]
    read_calls = functional_calls if "input_layers" in config else sequential_calls
    calls = read_calls(config, known) if config.get("layers") else []
    return LayerGraph(config.get("name") or model["class_name"], model["class_name"], calls)


def read_layer(described: dict[str, Any], known: dict[str, dict[str, Any]]) -> Layer:
    kind, config = described["class_name"], described["config"]
    name = config.get("name", "")
    facts = known.get(name, {})
    if kind == "InputLayer":
        facts = {"shape": config["batch_shape"][1:], "parameters": 0}
    return Layer(kind, name, config, facts.get("shape"), facts.get("parameters"))


def sequential_calls(config: dict[str, Any], known: dict[str, dict[str, Any]]) -> list[Call]:
    """Return the calls of layers one after another."""
    calls: list[Call] = []
    layers = [read_layer(described, known) for described in config["layers"]]
    for layer in layers:
        role = role_of(layer, layer is layers[-1])
        calls.append(Call(layer, (layer.name, 0), [calls[-1].node] if calls else [], role))
    return calls


def functional_calls(config: dict[str, Any], known: dict[str, dict[str, Any]]) -> list[Call]:
    """Return the calls of a graph of layers, each after its inputs."""
    outputs = set(output_nodes(config["output_layers"]))
    calls = {}
    for described in config["layers"]:
        layer = read_layer(described, known)
        for index, arguments in enumerate(described["inbound_nodes"] or [{}]):
            node = layer.name, index
            inputs = list(dict.fromkeys(input_nodes(arguments)))
            calls[node] = Call(layer, node, inputs, role_of(layer, node in outputs))
    order = TopologicalSorter({node: call.inputs for node, call in calls.items()})
    return [calls[node] for node in order.static_order()]


def role_of(layer: Layer, is_output: bool) -> Role:
    if layer.kind == "InputLayer":
        return "input"
    if is_output:
        return "output"
    return "small" if layer.kind in RESHAPING else "layer"


def input_nodes(arguments: Any) -> Iterator[Node]:
    """Yield the calls whose outputs are among a call's arguments."""
    if isinstance(arguments, dict):
        if arguments.get("class_name") == "__keras_tensor__":
            name, index, _ = arguments["config"]["keras_history"]
            yield name, index
            return
        arguments = list(arguments.values())
    if isinstance(arguments, list):
        for inner in arguments:
            yield from input_nodes(inner)


def output_nodes(value: Any) -> Iterator[Node]:
    """Yield the calls in `output_layers`: one call, or a list or mapping of them."""
    if isinstance(value, dict):
        value = list(value.values())
    if value and isinstance(value[0], str):
        yield value[0], value[1]
    else:
        for inner in value:
            yield from output_nodes(inner)


def count_parameters(layers: Iterable[Layer]) -> int | None:
    """Return the number of parameters of all layers, None if that of one is unknown."""
    counts = [layer.parameters for layer in layers]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
