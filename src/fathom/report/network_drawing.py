"""Networks drawn as SVG: boxes from top to bottom, in the page's own colours."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from grandalf.graphs import Edge, Vertex, graph_core
from grandalf.layouts import SugiyamaLayout, VertexViewer

from fathom.report.network_graph import Box, Network, read_network

SIZE, SMALL = 12, 10.5  # of letters
LINE, SMALL_LINE, PADDING = 16, 13, 10
BESIDE, BELOW = 22, 30  # space between boxes
MARGIN = 4
ARROW = 6
PORTS = 22  # between arrows that meet at a box, at most
ROUNDS = 12  # of putting the boxes of rows in order

Point = tuple[float, float]


@dataclass(frozen=True)
class Placed:
    """A box with its upper left corner, width and height."""

    box: Box
    x: float
    y: float
    width: float
    height: float


def draw_network(file: Path) -> str:
    """Return a drawing of the network in a `.keras` file, which is read without Keras.

    Equal layers in a row, and many branches that are alike, are one box that says how many.

    Raises:
        KeyError, ValueError, zipfile.BadZipFile: the file is no model of Keras 3.
    """
    network = read_network(file)
    placed, paths = lay_out(network)
    right = max(p.x + p.width for p in placed) + MARGIN
    bottom = max(p.y + p.height for p in placed) + MARGIN
    lines = [line for path in paths for line in draw_edge(path)]
    boxes = [line for p in placed for line in draw_box(p)]
    return "\n".join(
        [
            f'<svg class="network" role="img" viewBox="0 0 {right:.0f} {bottom:.0f}" '
            f'style="max-width:{right:.0f}px" font-family="inherit" font-size="{SIZE}px" '
            'text-anchor="middle" xmlns="http://www.w3.org/2000/svg">',
            f"<title>{escape(sentence(network))}</title>",
            *lines,
            *boxes,
            "</svg>",
        ]
    )


def sentence(network: Network) -> str:
    """Say what a drawing shows."""
    if not network.layers:
        return f"{network.name} network: its file holds no graph of layers"
    parts = [
        counted(network.inputs, "input"),
        counted(network.layers, "layer"),
        counted(network.outputs, "output"),
    ]
    if network.weights is not None:
        parts.append(counted(network.weights, "weight"))
    return f"{network.name} network: {', '.join(parts)}"


def counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def lay_out(network: Network) -> tuple[list[Placed], list[list[Point]]]:
    """Place boxes in rows from top to bottom.

    Parts of a network that nothing joins stand beside one another.

    Returns:
        The boxes, and for each edge the points that it goes through: from one box straight down
        to the end of its row, in an arc to the next row, straight through that, and so on.
    """
    placed: dict[int, Placed] = {}
    paths: list[list[Point]] = []
    left: float = MARGIN
    for component in components(network):
        layout = layered(component)
        rows = [[vertex.view for vertex in row] for row in layout.layers]
        for row in rows:
            keep_apart(row)
        heights = [max(view.h for view in row) for row in rows]
        tops = [MARGIN + sum(heights[:i]) + i * BELOW for i in range(len(rows))]
        shift = left - min(view.xy[0] - view.w / 2 for row in rows for view in row)
        for row, top, height in zip(rows, tops, heights, strict=True):
            for view in row:
                view.xy = (view.xy[0] + shift, top + height / 2)
        left = max(view.xy[0] + view.w / 2 for row in rows for view in row) + BESIDE
        for vertex in component.V():
            (x, y), width, height = vertex.view.xy, vertex.view.w, vertex.view.h
            box = network.boxes[vertex.data]
            placed[vertex.data] = Placed(box, x - width / 2, y - height / 2, width, height)
        paths += routes(layout, component, list(zip(tops, heights, strict=True)))
    return [placed[index] for index in range(len(placed))], paths


def components(network: Network) -> Iterator[graph_core]:
    """Yield the parts of a network that nothing joins, as grandalf's graphs.

    Its own search for them goes through sets, and orders edges by where they lie in memory.
    """
    part = list(range(len(network.boxes)))
    for start, to in network.edges:
        part = [part[start] if number == part[to] else number for number in part]
    for number in dict.fromkeys(part):
        vertices = {i: Vertex(i) for i in range(len(part)) if part[i] == number}
        for index, vertex in vertices.items():
            vertex.view = VertexViewer(*size(network.boxes[index]))
        inside = [edge for edge in network.edges if edge[0] in vertices]
        edges = [Edge(vertices[start], vertices[to]) for start, to in inside]
        yield graph_core(list(vertices.values()), edges)


def layered(component: graph_core) -> SugiyamaLayout:
    """Return rows of boxes, and of places that edges pass between them, with few crossings."""
    layout = SugiyamaLayout(component)
    layout.xspace = BESIDE
    layout.dw = layout.dh = 0  # an edge that passes takes no more room than the space around it
    layout.init_all()
    for vertex, spot in layout.grx.items():
        if vertex is spot:
            vertex.view.w, vertex.view.h = 2, 0
    layout.draw(ROUNDS)
    return layout


def keep_apart(row: list[VertexViewer]) -> None:
    """Move boxes of a row to the right where they would be too near to those before them."""
    free = float("-inf")
    for view in row:
        x, y = view.xy
        view.xy = (max(x, free + view.w / 2), y)
        free = view.xy[0] + view.w / 2 + BESIDE


def routes(
    layout: SugiyamaLayout, component: graph_core, bands: list[tuple[float, float]]
) -> list[list[Point]]:
    """Return the points that edges go through, two for each row; `bands` are top and height."""
    inner: list[list[float]] = []
    ends: list[tuple[int, int]] = []
    leaving, arriving = defaultdict(list), defaultdict(list)
    edges = list(component.E())
    for index, edge in enumerate(edges):
        first, last = (layout.grx[vertex].rank for vertex in edge.v)
        passed = layout.ctrls.get(edge, {})
        inner.append([passed[rank].view.xy[0] for rank in range(first + 1, last)])
        ends.append((first, last))
        start, to = (vertex.view.xy[0] for vertex in edge.v)
        leaving[edge.v[0]].append(((inner[-1] or [to])[0], index))
        arriving[edge.v[1]].append(((inner[-1] or [start])[-1], index))
    at_start, at_end = ports(leaving), ports(arriving)
    paths = []
    for index, (edge, (first, last)) in enumerate(zip(edges, ends, strict=True)):
        start, to = (vertex.view for vertex in edge.v)
        x, end = at_start[index], at_end[index]
        path = [(x, start.xy[1] + start.h / 2), (x, sum(bands[first]))]
        for rank, passing in enumerate(inner[index], first + 1):
            path += [(passing, bands[rank][0]), (passing, sum(bands[rank]))]
        paths.append([*path, (end, bands[last][0]), (end, to.xy[1] - to.h / 2)])
    return paths


def ports(edges_of: dict[Vertex, list[tuple[float, int]]]) -> dict[int, float]:
    """Return where edges meet a box: beside one another, those from the left at the left.

    Args:
        edges_of: for each box its edges, where they come from or go to and their numbers.
    """
    found = {}
    for vertex, edges in edges_of.items():
        step = min(PORTS, vertex.view.w / (len(edges) + 1))
        for place, (_, index) in enumerate(sorted(edges)):
            found[index] = vertex.view.xy[0] + (place - (len(edges) - 1) / 2) * step
    return found


def size(box: Box) -> tuple[float, float]:
    """Return width and height of a box in which its text has room."""
    lines, letters = (SMALL_LINE, SMALL) if box.role == "small" else (LINE, SIZE)
    widths = [width(line, letters) for line in box.lines]
    widths += [width(line, SMALL) for line in box.details]
    height = lines * len(box.lines) + SMALL_LINE * len(box.details)
    return round(max(widths) + 2 * PADDING), height + PADDING


def width(text: str, letters: float) -> float:
    """Return how wide a text is at most, in any common typeface without serifs."""
    return letters * sum(
        0.38 if letter in " .,:;'ijl|()[]ftI·" else 0.9 if letter in "mwMW→%@" else 0.67
        for letter in text
    )


def draw_box(placed: Placed) -> list[str]:
    """Return the SVG of a box."""
    box = placed.box
    small = box.role == "small"
    ends = box.role in ("input", "output")
    stroke = "var(--accent)" if ends else "var(--line)"
    x, y, middle = placed.x, placed.y, placed.x + placed.width / 2
    drawn = [
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{placed.width:.1f}" height="{placed.height:.1f}" '
        f'rx="{placed.height / 2 if box.role == "input" else 5:.1f}" fill="var(--surface)" '
        f'stroke="{stroke}" stroke-width="{1.5 if ends else 1}"/>'
    ]
    line = y + PADDING / 2
    for text in box.lines:
        line += SMALL_LINE if small else LINE
        drawn.append(label(text, middle, line, small))
    for text in box.details:
        line += SMALL_LINE
        drawn.append(label(text, middle, line, True))
    return drawn


def label(text: str, x: float, bottom: float, secondary: bool) -> str:
    style = f'font-size="{SMALL}px" fill="var(--muted)"' if secondary else 'fill="var(--ink)"'
    return f'<text x="{x:.1f}" y="{bottom - 4:.1f}" {style}>{escape(text)}</text>'


def draw_edge(path: list[Point]) -> list[str]:
    """Return the SVG of an edge with its arrowhead."""
    (x, y), *rest = path
    *rest, (end, tip) = rest
    commands = [f"M{x:.1f} {y:.1f}"]
    before = (x, y)
    for at, (px, py) in enumerate(rest):
        half = (before[1] + py) / 2
        if at % 2 and px != before[0]:  # from one row to the next
            arc = f"C{before[0]:.1f} {half:.1f} {px:.1f} {half:.1f} {px:.1f} {py:.1f}"
            commands.append(arc)
        else:
            commands.append(f"L{px:.1f} {py:.1f}")
        before = (px, py)
    commands.append(f"L{end:.1f} {tip - 1:.1f}")
    head = f"M{end:.1f} {tip:.1f}l{-ARROW / 2} {-ARROW}h{ARROW}z"
    return [
        f'<path d="{"".join(commands)}" fill="none" stroke="var(--muted)"/>',
        f'<path d="{head}" fill="var(--muted)"/>',
    ]
