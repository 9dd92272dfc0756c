"""A network as a graph of few boxes, read from its `.keras` file without Keras."""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fathom.report.layers import (
    RESHAPING,
    Layer,
    Shape,
    by,
    output_shape,
    own_name,
    read_layer,
    total,
    words,
)

Role = Literal["input", "output", "layer", "small"]
Node = tuple[str, int]  # a layer's name, and which of its calls

SIDE_BY_SIDE = 3  # branches of the same kinds of layers that are drawn each on its own
PERIOD = 6  # layers that are looked for as a pattern that repeats, at most


@dataclass(frozen=True)
class Box:
    """What is drawn as one: `lines` say what it is, `details` its shape and weights.

    `layers` are the names of the layers that it stands for.
    """

    lines: list[str]
    details: list[str]
    role: Role
    layers: list[str]


@dataclass(frozen=True)
class Network:
    """A network's boxes; edges go from a box to a box, by their places in `boxes`.

    `weights` is None where `config.json` does not tell.
    """

    name: str
    inputs: int
    layers: int
    outputs: int
    weights: int | None
    boxes: list[Box]
    edges: list[tuple[int, int]]


@dataclass(frozen=True)
class Call:
    """A layer where it is used: what it takes, and the shape of what it gives, if that is told."""

    layer: Layer
    node: Node
    takes: list[Node]
    shape: Shape | None
    role: Role


Item = list[Call]  # the same place in branches drawn as one; mostly one call
Chain = list[Item]  # items with nothing beside them, one after another


def read_network(file: Path) -> Network:
    """Read a network.

    Raises:
        KeyError, ValueError, zipfile.BadZipFile: the file is no model of Keras 3.
    """
    with zipfile.ZipFile(file) as archive:
        model = json.loads(archive.read("config.json"))
    config = model["config"]
    if not config.get("layers"):  # a class of one's own: what it does stands in no file
        name = config.get("name") or model["class_name"]
        box = Box([model["class_name"]], ["no graph in the file"], "layer", [name])
        return Network(name, 0, 0, 0, None, [box], [])
    layers = [read_layer(described) for described in config["layers"]]
    calls = functional(config) if "input_layers" in config else sequential(config)
    boxes, edges = boxed(merged(chains(calls)))
    return Network(
        name=config["name"],
        inputs=sum(call.role == "input" for call in calls),
        layers=sum(layer.kind != "InputLayer" for layer in layers),
        outputs=len({call.node for call in calls if call.role == "output"}),
        weights=total(layers),
        boxes=boxes,
        edges=edges,
    )


def sequential(config: dict[str, Any]) -> list[Call]:
    """Return the calls of layers one after another."""
    described = config["layers"]
    calls: list[Call] = []
    for index, layer in enumerate(map(read_layer, described)):
        following = read_layer(described[index + 1]) if index + 1 < len(described) else None
        before = calls[-1] if calls else None
        shape: Shape | None = layer.config.get("batch_shape")
        shape = shape or (following.input_shape if following else None)
        shape = shape or output_shape(layer, before.shape if before else None)
        takes = [before.node] if before else []
        calls.append(Call(layer, (layer.name, 0), takes, shape, role_of(layer, following is None)))
    return calls


def functional(config: dict[str, Any]) -> list[Call]:
    """Return the calls of a graph of layers, in an order in which none comes before its inputs."""
    outputs = set(nodes_in(config["output_layers"]))
    shapes: dict[Node, Shape] = {}
    found: dict[Node, tuple[Layer, list[Node]]] = {}
    for described in config["layers"]:
        layer = read_layer(described)
        for index, call in enumerate(described["inbound_nodes"] or [{}]):
            tensors = list(tensors_in(call))
            for name, number, tensor, taken in tensors:
                if tensor == 0:
                    shapes[name, number] = taken
            takes = list(dict.fromkeys((name, number) for name, number, _, _ in tensors))
            found[layer.name, index] = layer, takes
    calls = []
    for node in sorted_by_inputs({node: takes for node, (_, takes) in found.items()}):
        layer, takes = found[node]
        first = shapes.get(takes[0]) if takes else None
        shape: Shape | None = layer.config.get("batch_shape") or shapes.get(node)
        shape = shape or output_shape(layer, first)
        calls.append(Call(layer, node, takes, shape, role_of(layer, node in outputs)))
    return calls


def sorted_by_inputs(takes: dict[Node, list[Node]]) -> list[Node]:
    """Return nodes, none before those that it takes from, otherwise as they came."""
    done: dict[Node, None] = {}
    waiting = list(takes)
    while waiting:
        ready = [n for n in waiting if all(t in done or t not in takes for t in takes[n])]
        if not ready:
            raise ValueError("a network's layers go round in a circle")
        done |= dict.fromkeys(ready)
        waiting = [node for node in waiting if node not in done]
    return list(done)


def role_of(layer: Layer, is_output: bool) -> Role:
    if layer.kind == "InputLayer":
        return "input"
    if is_output:
        return "output"
    return "small" if layer.kind in RESHAPING else "layer"


def tensors_in(value: Any) -> Iterator[tuple[str, int, int, Shape]]:
    """Yield layer, call, number and shape of all tensors in a call's arguments."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            name, number, tensor = value["config"]["keras_history"]
            yield name, number, tensor, value["config"]["shape"]
        else:
            for inner in value.values():
                yield from tensors_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from tensors_in(inner)


def nodes_in(value: Any) -> Iterator[Node]:
    """Yield what `output_layers` names: one node, or a list or mapping of them."""
    if isinstance(value, dict):
        value = list(value.values())
    if value and isinstance(value[0], str):
        yield value[0], value[1]
    else:
        for inner in value:
            yield from nodes_in(inner)


def chains(calls: list[Call]) -> list[Chain]:
    """Join calls that have nothing beside them."""
    takers: dict[Node, list[Node]] = {}
    for call in calls:
        for node in call.takes:
            takers.setdefault(node, []).append(call.node)
    ends: dict[Node, Chain] = {}
    for call in calls:
        before = call.takes[0] if len(call.takes) == 1 else None
        # An output stays the end of its chain even if another layer goes on from it.
        if before in ends and len(takers[before]) == 1 and ends[before][-1][0].role != "output":
            chain = ends.pop(before)
        else:
            chain = []
        chain.append([call])
        ends[call.node] = chain
    return list(ends.values())


def merged(chains: list[Chain]) -> list[Chain]:
    """Lay many branches of the same kinds of layers, between the same ends, upon one another."""
    takers: dict[Node, set[Node]] = {}
    for chain in chains:
        for node in chain[0][0].takes:
            takers.setdefault(node, set()).add(chain[0][0].node)
    alike: dict[object, list[Chain]] = {}
    for chain in chains:
        first, last = chain[0][0], chain[-1][0]
        kinds = tuple((item[0].layer.kind, item[0].role) for item in chain)
        ends = (frozenset(first.takes), frozenset(takers.get(last.node, ())), kinds)
        alike.setdefault(ends if last.role != "output" else id(chain), []).append(chain)
    result: list[Chain] = []
    for branches in alike.values():
        if len(branches) <= SIDE_BY_SIDE:
            result += branches
        else:
            places = zip(*branches, strict=True)
            result.append([[call for item in place for call in item] for place in places])
    return result


def boxed(chains: list[Chain]) -> tuple[list[Box], list[tuple[int, int]]]:
    """Return boxes and edges: patterns that repeat in a chain become one box."""
    boxes: list[Box] = []
    place: dict[Node, int] = {}
    takes: list[tuple[int, Node]] = []
    for chain in chains:
        for pattern, times in repeats(chain):
            for call in (call for item in pattern for call in item):
                place[call.node] = len(boxes)
                takes += [(len(boxes), node) for node in call.takes]
            boxes.append(box(pattern, times))
    edges = dict.fromkeys((place[node], to) for to, node in takes if node in place)
    return boxes, [(start, to) for start, to in edges if start != to]


def repeats(chain: Chain) -> Iterator[tuple[Chain, int]]:
    """Yield a chain's items piece by piece, those of a pattern together, and how often it is there.

    Patterns are of equal layers: of the same kinds and settings.
    """
    texts = [(item[0].role, text(item)) for item in chain]
    at = 0
    while at < len(chain):
        best = (1, 1)
        for period in range(1, PERIOD + 1):
            pattern, times = texts[at : at + period], 1
            if any(role in ("input", "output") for role, _ in pattern):
                break
            while texts[at + times * period : at + (times + 1) * period] == pattern:
                times += 1
            if times > 1 and times * period > best[0] * best[1]:
                best = period, times
        period, times = best
        yield chain[at : at + period * times], times
        at += period * times


def text(item: Item) -> str:
    """Return what an item is: of several layers the range of each number."""
    texts = [words(call.layer) for call in item]
    if len(set(texts)) == 1:
        return texts[0] if len(texts) == 1 else f"{len(texts)} × {texts[0]}"
    numbers = [re.findall(r"\d[\d,.]*\d|\d", line) for line in texts]
    rests = {re.sub(r"\d[\d,.]*\d|\d", "{}", line) for line in texts}
    if len(rests) > 1:
        return f"{len(texts)} × {item[0].layer.kind}"
    values = [sorted(set(column), key=number) for column in zip(*numbers, strict=True)]
    spans = [v[0] if len(v) == 1 else f"{v[0]}–{v[-1]}" for v in values]
    return f"{len(texts)} × {rests.pop().format(*spans)}"


def number(digits: str) -> float:
    return float(digits.replace(",", ""))


def box(items: Chain, times: int) -> Box:
    """Return the box of items in a row that repeat a pattern so often, or of one item."""
    pattern = items[: len(items) // times]
    last = items[-1]
    calls = [call for item in items for call in item]
    lines = [text(item) for item in pattern]
    if calls[0].role == "input":
        names = [own_name(call.layer) or "input" for call in calls]
        lines = [names[0] if len(names) == 1 else f"{len(names)} inputs"]
    elif times > 1:
        lines = [f"{times} × {lines[0]}", *lines[1:]] if len(lines) == 1 else [f"{times} ×", *lines]
    return Box(
        lines=lines,
        details=details(calls, last),
        role=last[0].role,
        layers=[call.layer.name for call in calls],
    )


def details(calls: list[Call], last: Item) -> list[str]:
    """Return name, shape and weights: "wide_linear → 1", "8 weights"."""
    shapes = {tuple(call.shape[1:]) for call in last if call.shape}
    shape = by(shapes.pop()) if len(shapes) == 1 else ""
    role, layer = last[0].role, calls[0].layer
    if role == "input":
        if "×" in shape:
            return [shape]
        kind = "integer" if layer.config.get("dtype") == "int32" else "number"
        return [f"{shape} {kind}{'' if shape == '1' else 's'}"]
    if role == "small":
        return []
    name = own_name(layer) if len(calls) == 1 else ""
    if layer.members:
        count = sum(member["class_name"] != "InputLayer" for member in layer.members)
        name = f"{count:,} layer{'' if count == 1 else 's'}"
    # What a dense layer gives is said by its units, if it is flat.
    told = layer.kind == last[0].layer.kind == "Dense" and "×" not in shape and role != "output"
    first = " ".join(part for part in (name, f"→ {shape}" if shape and not told else "") if part)
    unique = {call.layer.name: call.layer for call in calls if call.node[1] == 0}
    weights = total(list(unique.values()))
    second = f"{weights:,} weights" if weights else ""
    if name:
        return [line for line in (first, second) if line]
    one = " · ".join(line for line in (first, second) if line)
    return [one] if one else []
