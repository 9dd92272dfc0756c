"""ONNX graphs in a form that follows from what they compute alone.

Two conversions of one model by tf2onnx differ in names, in the order of nodes and in which of
several equal constants is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from operator import attrgetter

import onnx
from onnx import numpy_helper


def canonicalize(
    graph: onnx.GraphProto, outer: Mapping[str, str] | None = None, level: int = 0
) -> None:
    """Rename, merge and sort nodes and constants; inputs and outputs keep their names.

    A name is a digest of an operation, its attributes and its inputs, so that equal nodes have
    equal names. Nodes are sorted by their distance from the inputs, then by name.

    Args:
        outer: new names by old ones of the graph around a subgraph of `level` (a loop's body).
    """
    names = dict(outer or {}) | {"": ""}  # an optional input that is left out
    for number, value in enumerate(graph.input):
        new = value.name if level == 0 else f"input_{level}_{number}"
        names[value.name] = value.name = new
    constants = {}
    for tensor in graph.initializer:
        constant = numpy_helper.from_array(numpy_helper.to_array(tensor))
        names[tensor.name] = constant.name = f"constant_{digest(constant, level)}"
        constants[constant.name] = constant
    kept = {value.name for value in graph.output if level == 0}
    nodes, distances = {}, dict.fromkeys(names.values(), 0)
    for node in graph.node:
        rename_node(node, names, kept, level)
        distance = 1 + max((distances[name] for name in read_by(node)), default=0)
        distances |= dict.fromkeys([node.name, *node.output], distance)
        nodes[node.name] = node
    for value in graph.output:
        value.name = names[value.name]
    for value in (*graph.input, *graph.output):
        for size in value.type.tensor_type.shape.dim:
            size.ClearField("dim_param")  # the name of an unknown size
    renamed = onnx.GraphProto(name=f"graph_{level}", input=graph.input, output=graph.output)
    renamed.initializer.extend(constants[name] for name in sorted(constants))
    renamed.node.extend(sorted(nodes.values(), key=lambda n: (distances[n.name], n.name)))
    graph.CopyFrom(renamed)


def rename_node(node: onnx.NodeProto, names: dict[str, str], kept: set[str], level: int) -> None:
    """Rename a node with its inputs and outputs, and add these to `names`.

    `kept` are outputs of the model, whose names stay.
    """
    outputs = list(node.output)
    attributes = sorted(node.attribute, key=attrgetter("name"))
    for attribute in attributes:
        if attribute.HasField("g"):
            canonicalize(attribute.g, names, level + 1)
    renamed = onnx.NodeProto(
        op_type=node.op_type,
        domain=node.domain,
        input=[names[name] for name in node.input],
        output=[name if name in kept else "" for name in outputs],
        attribute=attributes,
    )
    renamed.name = f"{node.op_type}_{digest(renamed, level)}"
    for number, name in enumerate(outputs):
        if name and name not in kept:
            renamed.output[number] = f"{renamed.name}_{number}"
    names |= zip(outputs, renamed.output, strict=True)
    node.CopyFrom(renamed)


def read_by(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the names of the values of its graph, and of those around it, that a node reads."""
    yield from node.input
    for attribute in node.attribute:
        inner = attribute.g
        made = {value.name for value in (*inner.input, *inner.initializer)}
        made |= {name for each in inner.node for name in each.output}
        for each in inner.node:
            yield from (name for name in read_by(each) if name not in made)


def digest(message: onnx.TensorProto | onnx.NodeProto, level: int) -> str:
    """Return a digest that differs between the levels of subgraphs, whose names may not clash."""
    content = message.SerializeToString(deterministic=True)
    return sha256(f"{level} ".encode() + content).hexdigest()[:16]
