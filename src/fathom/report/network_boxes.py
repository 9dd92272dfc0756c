"""A graph of layers as few boxes: repeated layers and branches of the same kind share one box."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fathom.report.network_graph import Call, Layer, LayerGraph, Node, Role, count_parameters

SETTINGS = (
    "units", "filters", "output_shape", "kernel_size", "pool_size", "target_shape", "rate",
    "activation",
)  # fmt: skip
MAX_BRANCHES = 3  # branches of the same kinds of layers that are drawn separately
MAX_PERIOD = 6  # layers of a repeated pattern
NUMBER = re.compile(r"\d[\d,.]*\d|\d")

Item = list[Call]  # one call, or the calls at the same place of branches that share boxes
Chain = list[Item]  # items one after another, without branches


@dataclass(frozen=True)
class Box:
    """One box: `lines` say what it is, `details` its name, output shape and parameters.

    `layers` are the names of its layers.
    """

    lines: list[str]
    details: list[str]
    role: Role
    layers: list[str]


def to_boxes(graph: LayerGraph) -> tuple[list[Box], list[tuple[int, int]]]:
    """Return boxes, and edges as pairs of places in the list of boxes."""
    if not graph.calls:
        return [Box([graph.kind], ["no graph in the file"], "layer", [graph.name])], []
    boxes: list[Box] = []
    place: dict[Node, int] = {}
    inputs: list[tuple[Node, int]] = []
    for chain in merge_branches(find_chains(graph.calls)):
        for items, times in find_repeats(chain):
            for call in (call for item in items for call in item):
                place[call.node] = len(boxes)
                inputs += [(node, len(boxes)) for node in call.inputs]
            boxes.append(make_box(items, times))
    edges = dict.fromkeys((place[node], to) for node, to in inputs)
    return boxes, [(start, to) for start, to in edges if start != to]


def find_chains(calls: list[Call]) -> list[Chain]:
    """Join calls into chains; only the first call of a chain may have several inputs."""
    receivers: dict[Node, int] = {}
    for call in calls:
        for node in call.inputs:
            receivers[node] = receivers.get(node, 0) + 1
    ends: dict[Node, Chain] = {}
    for call in calls:
        before = call.inputs[0] if len(call.inputs) == 1 else None
        chain: Chain = []
        # An output ends its chain even if another layer takes it.
        if before in ends and receivers[before] == 1 and ends[before][-1][0].role != "output":
            chain = ends.pop(before)
        chain.append([call])
        ends[call.node] = chain
    return list(ends.values())


def merge_branches(chains: list[Chain]) -> list[Chain]:
    """Merge chains of the same kinds of layers between the same ends if there are many."""
    receivers: dict[Node, set[Node]] = {}
    for chain in chains:
        for node in chain[0][0].inputs:
            receivers.setdefault(node, set()).add(chain[0][0].node)
    groups: dict[object, list[Chain]] = {}
    for chain in chains:
        first, last = chain[0][0], chain[-1][0]
        kinds = tuple((item[0].layer.kind, item[0].role) for item in chain)
        key = (frozenset(first.inputs), frozenset(receivers.get(last.node, ())), kinds)
        groups.setdefault(key if last.role != "output" else id(chain), []).append(chain)
    merged: list[Chain] = []
    for branches in groups.values():
        if len(branches) <= MAX_BRANCHES:
            merged += branches
        else:
            places = zip(*branches, strict=True)
            merged.append([[call for item in place for call in item] for place in places])
    return merged


def find_repeats(chain: Chain) -> Iterator[tuple[Chain, int]]:
    """Yield a chain in pieces: a repeated pattern of equal layers with its count, or one item."""
    texts = [(item[0].role, describe_item(item)) for item in chain]
    at = 0
    while at < len(chain):
        best = (1, 1)
        for period in range(1, MAX_PERIOD + 1):
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


def make_box(items: Chain, times: int) -> Box:
    """Return the box of one item, or of items that repeat a pattern."""
    calls = [call for item in items for call in item]
    lines = [describe_item(item) for item in items[: len(items) // times]]
    if calls[0].role == "input":
        lines = [
            f"{len(calls)} inputs" if len(calls) > 1 else custom_name(calls[0].layer) or "input"
        ]
    elif times > 1:
        lines = [f"{times} × {lines[0]}", *lines[1:]] if len(lines) == 1 else [f"{times} ×", *lines]
    return Box(lines, details(calls, items[-1]), items[-1][0].role, [c.layer.name for c in calls])


def describe_item(item: Item) -> str:
    """Return kind and settings of an item: for several layers the range of each number."""
    texts = [describe_layer(call.layer) for call in item]
    if len(set(texts)) == 1:
        return texts[0] if len(texts) == 1 else f"{len(texts)} × {texts[0]}"
    forms = {NUMBER.sub("{}", text) for text in texts}
    if len(forms) > 1:
        return f"{len(texts)} × {item[0].layer.kind}"
    columns = zip(*(NUMBER.findall(text) for text in texts), strict=True)
    values = [sorted(set(column), key=lambda n: float(n.replace(",", ""))) for column in columns]
    ranges = [v[0] if len(v) == 1 else f"{v[0]}–{v[-1]}" for v in values]
    return f"{len(texts)} × {forms.pop().format(*ranges)}"


def describe_layer(layer: Layer) -> str:
    """Return kind and settings: "Dense 300, relu", "Embedding 1,231 × 1"."""
    config = layer.config
    if layer.members:
        return f"Network {layer.name}"
    if layer.kind == "GetItem":
        return "Column"
    if layer.kind == "Embedding":
        return f"Embedding {format_sizes((config['input_dim'], config['output_dim']))}"
    if layer.kind == "Activation":
        return f"Activation {format_setting(config['activation']) or 'linear'}"
    if isinstance(inner := config.get("layer"), dict):  # a wrapper
        return f"{layer.kind}: {describe_layer(Layer(inner['class_name'], '', inner['config']))}"
    settings = [format_setting(config.get(key)) for key in SETTINGS]
    return f"{layer.kind} {', '.join(text for text in settings if text)}".rstrip()


def format_setting(value: Any) -> str:
    """Return a setting in short, "" if it has no effect."""
    if isinstance(value, dict):  # a custom activation
        inner = value.get("config")
        value = inner if isinstance(inner, str) else value.get("class_name")
    if value is None or value == "linear":
        return ""
    if isinstance(value, list):
        return format_sizes(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def format_sizes(sizes: Iterable[int | None]) -> str:
    """Return sizes as "28 × 28 × 3"; None is a size that is not fixed."""
    return " × ".join("any" if size is None else f"{size:,}" for size in sizes)


def custom_name(layer: Layer) -> str:
    """Return the name of a layer, "" if Keras chose it: `dense_3`."""
    chosen_by_keras = re.sub(r"_\d+$", "", layer.name).replace("_", "") == layer.kind.lower()
    return "" if chosen_by_keras or layer.members else layer.name


def details(calls: list[Call], last: Item) -> list[str]:
    """Return name, output shape and parameters: "wide_linear → 1", "8 parameters"."""
    role, layer = last[0].role, calls[0].layer
    shapes = {format_sizes(call.layer.shape) for call in last if call.layer.shape}
    shape = shapes.pop() if len(shapes) == 1 else ""
    if role == "small":
        return []
    if role == "input":
        kind = "integer" if layer.config.get("dtype") == "int32" else "number"
        plural = "" if shape == "1" else "s"
        return [shape if "×" in shape else f"{shape} {kind}{plural}".lstrip()]
    name = custom_name(layer) if len(calls) == 1 else ""
    if layer.members:
        count = sum(member["class_name"] != "InputLayer" for member in layer.members)
        name = f"{count:,} layer{'' if count == 1 else 's'}"
    # The units of a dense layer are the shape of a flat output.
    in_units = layer.kind == last[0].layer.kind == "Dense" and "×" not in shape
    arrow = f"→ {shape}" if shape and (role == "output" or not in_units) else ""
    first_uses = {call.layer.name: call.layer for call in calls if call.node[1] == 0}
    count = count_parameters(first_uses.values()) or 0
    lines = [f"{name} {arrow}".strip(), f"{count:,} parameters" if count else ""]
    lines = [line for line in lines if line]
    return lines if name or not lines else [" · ".join(lines)]
