"""A graph of layers as few boxes: repeated layers and branches of the same kind share one box."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fathom.report.network_graph import Call, LayerGraph, Node, Role, count_parameters

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
    """One box; `lines` are its lines of text, each with whether it is small.

    `layers` are the names of its layers.
    """

    lines: list[tuple[str, bool]]
    role: Role
    layers: list[str]


def to_boxes(graph: LayerGraph) -> tuple[list[Box], list[tuple[int, int]]]:
    """Return boxes, and edges as pairs of places in the list of boxes."""
    if not graph.calls:
        lines = [(graph.kind, False), ("no graph in the file", True)]
        return [Box(lines, "layer", [graph.name])], []
    receivers: dict[Node, list[Node]] = {call.node: [] for call in graph.calls}
    for call in graph.calls:
        for node in call.inputs:
            receivers[node].append(call.node)
    boxes: list[Box] = []
    place: dict[Node, int] = {}
    for chain in merge_branches(find_chains(graph.calls, receivers), receivers):
        for items, times in find_repeats(chain):
            place |= {call.node: len(boxes) for item in items for call in item}
            boxes.append(make_box(items, times))
    edges = [(place[node], place[call.node]) for call in graph.calls for node in call.inputs]
    return boxes, [(start, to) for start, to in dict.fromkeys(edges) if start != to]


def find_chains(calls: list[Call], receivers: dict[Node, list[Node]]) -> list[Chain]:
    """Join calls into chains; only the first call of a chain may have several inputs."""
    ends: dict[Node, Chain] = {}
    for call in calls:
        chain: Chain = []
        if len(call.inputs) == 1 and len(receivers[call.inputs[0]]) == 1:
            before = ends[call.inputs[0]][-1][0]
            # An output ends its chain even if another layer takes it.
            chain = ends.pop(before.node) if before.role != "output" else []
        ends[call.node] = [*chain, [call]]
    return list(ends.values())


def merge_branches(chains: list[Chain], receivers: dict[Node, list[Node]]) -> list[Chain]:
    """Merge chains of the same kinds of layers between the same ends if there are many."""
    groups: dict[object, list[Chain]] = {}
    for chain in chains:
        first, last = chain[0][0], chain[-1][0]
        kinds = tuple((item[0].kind, item[0].role) for item in chain)
        key = (frozenset(first.inputs), frozenset(receivers[last.node]), kinds)
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
        lines = [f"{len(calls)} inputs" if len(calls) > 1 else custom_name(calls[0]) or "input"]
    elif times > 1:
        lines = [f"{times} × {lines[0]}", *lines[1:]] if len(lines) == 1 else [f"{times} ×", *lines]
    role, details = items[-1][0].role, list_details(calls, items[-1])
    texts = [(line, role == "small") for line in lines] + [(detail, True) for detail in details]
    return Box(texts, role, [call.node[0] for call in calls])


def describe_item(item: Item) -> str:
    """Return kind and settings of an item: for several layers the range of each number."""
    texts = [describe_layer(call.kind, call.config) for call in item]
    if len(texts) == 1:
        return texts[0]
    forms = {NUMBER.sub("{}", text) for text in texts}
    if len(forms) > 1:
        return f"{len(texts)} × {item[0].kind}"
    columns = zip(*(NUMBER.findall(text) for text in texts), strict=True)
    values = [sorted(set(column), key=lambda n: float(n.replace(",", ""))) for column in columns]
    ranges = [v[0] if len(v) == 1 else f"{v[0]}–{v[-1]}" for v in values]
    return f"{len(texts)} × {forms.pop().format(*ranges)}"


def describe_layer(kind: str, config: dict[str, Any]) -> str:
    """Return kind and settings: "Dense 300, relu", "Embedding 1,231 × 1"."""
    if config.get("layers"):
        return f"Network {config['name']}"
    if kind == "GetItem":
        return "Column"
    if kind == "Embedding":
        return f"Embedding {format_sizes((config['input_dim'], config['output_dim']))}"
    if kind == "Activation":
        return f"Activation {format_setting(config['activation']) or 'linear'}"
    if isinstance(inner := config.get("layer"), dict):  # a wrapper
        return f"{kind}: {describe_layer(inner['class_name'], inner['config'])}"
    settings = [format_setting(config.get(key)) for key in SETTINGS]
    return f"{kind} {', '.join(text for text in settings if text)}".rstrip()


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


def custom_name(call: Call) -> str:
    """Return the name of a layer, "" if Keras chose it: `dense_3`."""
    name = call.node[0]
    chosen_by_keras = re.sub(r"_\d+$", "", name).replace("_", "") == call.kind.lower()
    return "" if chosen_by_keras else name


def list_details(calls: list[Call], last: Item) -> list[str]:
    """Return name, output shape and parameters: "wide_linear → 1", "8 parameters"."""
    first, role = calls[0], last[0].role
    shapes = {format_sizes(call.shape) for call in last if call.shape}
    shape = shapes.pop() if len(shapes) == 1 else ""
    if role == "small":
        return []
    if role == "input":
        kind = "integer" if first.config.get("dtype") == "int32" else "number"
        plural = "" if shape == "1" else "s"
        return [shape if "×" in shape else f"{shape} {kind}{plural}".lstrip()]
    name = custom_name(first) if len(calls) == 1 else ""
    if members := first.config.get("layers"):
        count = sum(member["class_name"] != "InputLayer" for member in members)
        name = f"{count:,} layer{'' if count == 1 else 's'}"
    # The units of a dense layer are the shape of a flat output.
    in_units = first.kind == last[0].kind == "Dense" and "×" not in shape
    arrow = f"→ {shape}" if shape and (role == "output" or not in_units) else ""
    count = count_parameters(call for call in calls if call.node[1] == 0) or 0
    lines = [f"{name} {arrow}".strip(), f"{count:,} parameters" if count else ""]
    lines = [line for line in lines if line]
    return lines if name or not lines else [" · ".join(lines)]
