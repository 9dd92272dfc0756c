"""Networks drawn as SVG: boxes from top to bottom, in the colors of the page."""

from collections import defaultdict
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from grandalf.graphs import Edge, Vertex, graph_core
from grandalf.layouts import SugiyamaLayout, VertexViewer

from fathom.report.network_boxes import Box, to_boxes
from fathom.report.network_graph import LayerGraph, count_parameters, read_graph

SIZE, SMALL = 12, 10.5  # font sizes
LINE, SMALL_LINE, PADDING = 16, 13, 10
X_SPACE, Y_SPACE = 22, 30  # between boxes
MARGIN = 4
ARROW = 6
PORT_SPACE = 22  # between arrows at the same box, at most
ROUNDS = 12  # of sorting boxes within their rows

Point = tuple[float, float]


def draw_network(file: Path, known: dict[str, dict[str, Any]]) -> str:
    """Return a drawing of the network in a `.keras` file.

    Arguments and errors are those of `read_graph`.
    """
    graph = read_graph(file, known)
    boxes, edges = to_boxes(graph)
    views, paths = lay_out(boxes, edges)
    right = max(view.xy[0] + view.w / 2 for view in views) + MARGIN
    bottom = max(view.xy[1] + view.h / 2 for view in views) + MARGIN
    return "\n".join(
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


def describe_graph(graph: LayerGraph) -> str:
    if not graph.calls:
        return f"{graph.name} network: its file holds no graph of layers"
    counts: dict[str, int | None] = {
        "input": graph.count("input"),
        "layer": sum(layer.kind != "InputLayer" for layer in graph.layers),
        "output": graph.count("output"),
        "parameter": count_parameters(graph.layers),
    }
    texts = [
        f"{count:,} {name}{'' if count == 1 else 's'}"
        for name, count in counts.items()
        if count is not None
    ]
    return f"{graph.name} network: {', '.join(texts)}"


def lay_out(
    boxes: list[Box], edges: list[tuple[int, int]]
) -> tuple[list[VertexViewer], list[list[Point]]]:
    """Place boxes in rows from top to bottom, unconnected subgraphs beside one another.

    Returns:
        The place of each box, and the points of each edge: straight down from a box to the end of
        its row, in an arc to the next row, straight through that row, and so on.
    """
    views: dict[int, VertexViewer] = {}
    paths: list[list[Point]] = []
    left: float = MARGIN
    for subgraph in split_subgraphs(boxes, edges):
        layout = make_rows(subgraph)
        rows = [[vertex.view for vertex in row] for row in layout.layers]
        for row in rows:
            separate(row)
        heights = [max(view.h for view in row) for row in rows]
        tops = [MARGIN + sum(heights[:i]) + i * Y_SPACE for i in range(len(rows))]
        shift = left - min(view.xy[0] - view.w / 2 for row in rows for view in row)
        for row, top, height in zip(rows, tops, heights, strict=True):
            for view in row:
                view.xy = (view.xy[0] + shift, top + height / 2)
        left = max(view.xy[0] + view.w / 2 for row in rows for view in row) + X_SPACE
        views |= {vertex.data: vertex.view for vertex in subgraph.V()}
        paths += route_edges(layout, subgraph, list(zip(tops, heights, strict=True)))
    return [views[index] for index in range(len(boxes))], paths


def split_subgraphs(boxes: list[Box], edges: list[tuple[int, int]]) -> Iterator[graph_core]:
    """Yield the connected subgraphs.

    The order of edges in grandalf's own search depends on memory addresses.
    """
    subgraph = list(range(len(boxes)))
    for start, to in edges:
        subgraph = [subgraph[start] if number == subgraph[to] else number for number in subgraph]
    for number in dict.fromkeys(subgraph):
        vertices = {i: Vertex(i) for i in range(len(boxes)) if subgraph[i] == number}
        for index, vertex in vertices.items():
            vertex.view = VertexViewer(*box_size(boxes[index]))
        inside = [Edge(vertices[a], vertices[b]) for a, b in edges if a in vertices]
        yield graph_core(list(vertices.values()), inside)


def make_rows(subgraph: graph_core) -> SugiyamaLayout:
    """Return rows of boxes, and of places where edges pass between them, with few crossings."""
    layout = SugiyamaLayout(subgraph)
    layout.xspace = X_SPACE
    layout.dw = layout.dh = 0  # a passing edge needs no more room than the space around it
    layout.init_all()
    for vertex, spot in layout.grx.items():
        if vertex is spot:
            vertex.view.w, vertex.view.h = 2, 0
    layout.draw(ROUNDS)
    return layout


def separate(row: list[VertexViewer]) -> None:
    """Move boxes of a row to the right where they are too near to the box before them."""
    free = float("-inf")
    for view in row:
        x, y = view.xy
        view.xy = (max(x, free + view.w / 2), y)
        free = view.xy[0] + view.w / 2 + X_SPACE


def route_edges(
    layout: SugiyamaLayout, subgraph: graph_core, rows: list[tuple[float, float]]
) -> list[list[Point]]:
    """Return the points of each edge, two for each row; `rows` are top and height of rows."""
    edges = list(subgraph.E())
    passed: list[list[float]] = []  # x of each edge in the rows between its boxes
    starts, ends = defaultdict(list), defaultdict(list)
    for index, edge in enumerate(edges):
        first, last = (layout.grx[vertex].rank for vertex in edge.v)
        spots = layout.ctrls.get(edge, {})
        passed.append([spots[rank].view.xy[0] for rank in range(first + 1, last)])
        start, to = (vertex.view.xy[0] for vertex in edge.v)
        starts[edge.v[0]].append(((passed[-1] or [to])[0], index))
        ends[edge.v[1]].append(((passed[-1] or [start])[-1], index))
    start_x, end_x = find_ports(starts), find_ports(ends)
    paths = []
    for index, edge in enumerate(edges):
        first, last = (layout.grx[vertex].rank for vertex in edge.v)
        start, to = (vertex.view for vertex in edge.v)
        x, end = start_x[index], end_x[index]
        path = [(x, start.xy[1] + start.h / 2), (x, sum(rows[first]))]
        for between, row in zip(passed[index], rows[first + 1 : last], strict=True):
            path += [(between, row[0]), (between, sum(row))]
        paths.append([*path, (end, rows[last][0]), (end, to.xy[1] - to.h / 2)])
    return paths


def find_ports(edges_of: dict[Vertex, list[tuple[float, int]]]) -> dict[int, float]:
    """Return where edges meet a box: beside one another, in the order of their other ends.

    Args:
        edges_of: for each box its edges, as the x of their other ends and their numbers.
    """
    ports = {}
    for vertex, edges in edges_of.items():
        step = min(PORT_SPACE, vertex.view.w / (len(edges) + 1))
        for place, (_, index) in enumerate(sorted(edges)):
            ports[index] = vertex.view.xy[0] + (place - (len(edges) - 1) / 2) * step
    return ports


def text_lines(box: Box) -> list[tuple[str, bool]]:
    """Return the lines of text of a box, each with whether it is small."""
    return [(line, box.role == "small") for line in box.lines] + [(d, True) for d in box.details]


def box_size(box: Box) -> tuple[float, float]:
    """Return width and height of a box that has room for its text."""
    lines = text_lines(box)
    width = max(text_width(line, SMALL if small else SIZE) for line, small in lines)
    height = sum(SMALL_LINE if small else LINE for _, small in lines)
    return round(width + 2 * PADDING), height + PADDING


def text_width(text: str, size: float) -> float:
    """Return an upper bound of the width of a text in any common sans-serif font."""
    return size * sum(
        0.38 if letter in " .,:;'ijl|()[]ftI·" else 0.9 if letter in "mwMW→%@" else 0.67
        for letter in text
    )


def draw_box(box: Box, view: VertexViewer) -> list[str]:
    """Return the SVG of a box."""
    (x, y), role = view.xy, box.role
    top = y - view.h / 2
    stroke, width = ("accent", 1.5) if role in ("input", "output") else ("line", 1)
    svg = [
        f'<rect x="{x - view.w / 2:.1f}" y="{top:.1f}" width="{view.w:.1f}" '
        f'height="{view.h:.1f}" rx="{view.h / 2 if role == "input" else 5:.1f}" '
        f'fill="var(--surface)" stroke="var(--{stroke})" stroke-width="{width}"/>'
    ]
    bottom = top + PADDING / 2
    for text, small in text_lines(box):
        bottom += SMALL_LINE if small else LINE
        style = f'font-size="{SMALL}px" fill="var(--muted)"' if small else 'fill="var(--ink)"'
        svg.append(f'<text x="{x:.1f}" y="{bottom - 4:.1f}" {style}>{escape(text)}</text>')
    return svg


def draw_edge(path: list[Point]) -> list[str]:
    """Return the SVG of an edge with its arrowhead."""
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
