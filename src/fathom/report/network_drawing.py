"""Networks drawn as SVG: boxes from top to bottom, in the colors of the page."""

import math
from collections import Counter
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from grandalf.graphs import Edge, Vertex, graph_core
from grandalf.layouts import SugiyamaLayout, VertexViewer

from fathom.report.drawing import Drawing
from fathom.report.network_boxes import Box, to_boxes
from fathom.report.network_graph import LayerGraph, count_parameters, read_graph

SIZE, SMALL = 12, 10.5  # font sizes
LINE, SMALL_LINE, PADDING = 16, 13, 10
X_SPACE, Y_SPACE = 22, 30  # between boxes
MARGIN = 4
ARROW = 6
ROUNDS = 12  # of sorting boxes within their rows

Point = tuple[float, float]


def draw_network(file: Path, known: dict[str, dict[str, Any]]) -> Drawing:
    """Return a drawing of the network in a `.keras` file; `known` is that of `read_graph`."""
    graph = read_graph(file, known)
    boxes, edges = to_boxes(graph)
    views, paths = lay_out(boxes, edges)
    right = max(view.xy[0] + view.w / 2 for view in views) + MARGIN
    bottom = max(view.xy[1] + view.h / 2 for view in views) + MARGIN
    lines = "\n".join(
        [
            f'<svg class="network" role="img" viewBox="0 0 {right:.0f} {bottom:.0f}" '
            f'style="max-width:{right:.0f}px" font-family="inherit" font-size="{SIZE}px" '
            'text-anchor="middle" xmlns="http://www.w3.org/2000/svg">',
            f"<title>{escape(describe_graph(graph))}</title>",
            *(line for path in paths for line in draw_edge(path)),
            *(line for box, view in zip(boxes, views, strict=True) for line in draw_box(box, view)),
            "</svg>",
        ]
    )
    return Drawing(lines)


def describe_graph(graph: LayerGraph) -> str:
    if not graph.calls:
        return f"{graph.name} network: its file holds no graph of layers"
    roles = Counter(call.role for call in graph.calls)
    layers = {call.node[0] for call in graph.calls if call.role != "input"}
    counts = [(roles["input"], "input"), (len(layers), "layer"), (roles["output"], "output")]
    if (parameters := count_parameters(graph.calls)) is not None:
        counts.append((parameters, "parameter"))
    texts = [f"{count:,} {name}{'' if count == 1 else 's'}" for count, name in counts]
    return f"{graph.name} network: {', '.join(texts)}"


def lay_out(
    boxes: list[Box], edges: list[tuple[int, int]]
) -> tuple[list[VertexViewer], list[list[Point]]]:
    """Place boxes in rows from top to bottom; return their places, and the points of each edge.

    An edge goes straight down from a box to the end of its row, in an arc to the next row, straight
    through that row, and so on.
    """
    root, *vertices = (Vertex() for _ in range(len(boxes) + 1))
    root.view = VertexViewer(0, 0)  # invisible; it connects subgraphs
    for vertex, box in zip(vertices, boxes, strict=True):
        vertex.view = VertexViewer(*box_size(box))
    arrows = [Edge(vertices[start], vertices[to]) for start, to in edges]
    first = set(range(len(boxes))) - {to for _, to in edges}
    to_first = [Edge(root, vertices[index]) for index in sorted(first)]
    layout = SugiyamaLayout(graph_core([root, *vertices], arrows + to_first))
    layout.xspace, layout.yspace = X_SPACE, Y_SPACE
    layout.dw, layout.dh = 2, 0  # of an edge that passes a row
    layout.init_all()
    layout.draw(ROUNDS)
    rows = place_rows([[vertex.view for vertex in row] for row in layout.layers])
    paths = []
    for arrow in arrows:
        stops = layout.ctrls.get(arrow) or {layout.grx[v].rank: v for v in arrow.v}
        path = [(stops[rank].view.xy[0], y) for rank in sorted(stops) for y in rows[rank]]
        start, end = (vertex.view for vertex in arrow.v)
        path[0] = (start.xy[0], start.xy[1] + start.h / 2)
        path[-1] = (end.xy[0], end.xy[1] - end.h / 2)
        paths.append(path)
    return [vertex.view for vertex in vertices], paths


def place_rows(rows: list[list[VertexViewer]]) -> list[tuple[float, float]]:
    """Move boxes apart that are too near to one another; return top and bottom of each row."""
    for row in rows:
        free = -math.inf
        for view in row:
            view.xy = (max(view.xy[0], free + view.w / 2), view.xy[1])
            free = view.xy[0] + view.w / 2 + X_SPACE
    left = min(view.xy[0] - view.w / 2 for row in rows for view in row)
    for view in (view for row in rows for view in row):
        view.xy = (view.xy[0] - left + MARGIN, view.xy[1] - Y_SPACE + MARGIN)
    halves = [max(view.h for view in row) / 2 for row in rows]
    middles = [row[0].xy[1] for row in rows]
    return [(y - half, y + half) for y, half in zip(middles, halves, strict=True)]


def box_size(box: Box) -> tuple[float, float]:
    """Return width and height of a box that has room for its text."""
    width = max(text_width(line, SMALL if small else SIZE) for line, small in box.lines)
    height = sum(SMALL_LINE if small else LINE for _, small in box.lines)
    return round(width + 2 * PADDING), height + PADDING


def text_width(text: str, size: float) -> float:
    """Return an upper bound of the width of a text in any common sans-serif font."""
    return size * sum(
        0.38 if letter in " .,:;'ijl|()[]ftI·" else 0.9 if letter in "mwMW→%@" else 0.67
        for letter in text
    )


def draw_box(box: Box, view: VertexViewer) -> list[str]:
    (x, y), role = view.xy, box.role
    top = y - view.h / 2
    stroke, width = ("accent", 1.5) if role in ("input", "output") else ("line", 1)
    svg = [
        f'<rect x="{x - view.w / 2:.1f}" y="{top:.1f}" width="{view.w:.1f}" '
        f'height="{view.h:.1f}" rx="{view.h / 2 if role == "input" else 5:.1f}" '
        f'fill="var(--surface)" stroke="var(--{stroke})" stroke-width="{width}"/>'
    ]
    bottom = top + PADDING / 2
    for text, small in box.lines:
        bottom += SMALL_LINE if small else LINE
        style = f'font-size="{SMALL}px" fill="var(--muted)"' if small else 'fill="var(--ink)"'
        svg.append(f'<text x="{x:.1f}" y="{bottom - 4:.1f}" {style}>{escape(text)}</text>')
    return svg


def draw_edge(path: list[Point]) -> list[str]:
    """Draw an edge with its arrowhead."""
    *_, (end, tip) = path
    commands = [f"M{path[0][0]:.1f} {path[0][1]:.1f}"]
    for number, ((start, top), (x, y)) in enumerate(pairwise([*path[:-1], (end, tip - 1)])):
        half = (top + y) / 2
        curve = f"C{start:.1f} {half:.1f} {x:.1f} {half:.1f} " if number % 2 else "L"
        commands.append(f"{curve}{x:.1f} {y:.1f}")
    head = f"M{end:.1f} {tip:.1f}l{-ARROW / 2} {-ARROW}h{ARROW}z"
    return [
        f'<path d="{"".join(commands)}" fill="none" stroke="var(--muted)"/>',
        f'<path d="{head}" fill="var(--muted)"/>',
    ]
