"""Target and errors on a map, for tables with a latitude and a longitude; no tiles are needed."""

import re
from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd

from fathom.artifacts.problem import Output
from fathom.artifacts.raw_table import read_raw_rows
from fathom.report.charts import HEIGHT, WIDTH, render_svg, unit_suffix
from fathom.report.digits import format_rounded
from fathom.report.drawing import Drawing
from fathom.report.results import NetworkResults

LATITUDE = re.compile(r"lat(itude)?|.*[_ ]lat(itude)?", re.IGNORECASE)
LONGITUDE = re.compile(r"(lon|lng|long|longitude)|.*[_ ](lon|lng|long|longitude)", re.IGNORECASE)
CELLS = 40  # along the longer side
TAIL = 0.001  # of the rows at each end of a coordinate is left out


def find_coordinates(columns: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the columns of latitude and longitude, by the names and roles of columns."""
    numbers = [name for name, role in columns.items() if role == "number"]
    latitudes = [name for name in numbers if LATITUDE.fullmatch(name)]
    longitudes = [name for name in numbers if LONGITUDE.fullmatch(name)]
    return (latitudes[0], longitudes[0]) if latitudes and longitudes else None


def draw_maps(
    dataset: str, coordinates: tuple[str, str], network: NetworkResults, output: Output
) -> list[Drawing]:
    """Draw the mean target and the mean error of test rows by place; for classes, the share of
    mistakes alone. Without valid coordinates, draw nothing.
    """
    table = network.predictions
    places = read_raw_rows(dataset, table["row"].to_numpy(), list(coordinates))
    degrees = places.set_axis(["latitude", "longitude"], axis=1).astype(np.float64)
    degrees = degrees.reset_index(drop=True)
    if output.task == "regression":
        unit = unit_suffix(output.unit)
        errors = (table["predicted"] - table["actual"]).abs().to_numpy(float)
        values = {
            f"mean {output.column}{unit}": table["actual"].to_numpy(float),
            f"mean error{unit}": errors,
        }
    else:
        values = {"share of mistakes": (table["actual"] != table["predicted"]).to_numpy(float)}
    valid = degrees["latitude"].between(-90, 90) & degrees["longitude"].between(-180, 360)
    if valid.sum() < CELLS:
        return []
    cells = pd.DataFrame(values)[valid].join(bin_places(degrees[valid]))
    return [draw_map(cells, name) for name in values]


def bin_places(degrees: pd.DataFrame) -> pd.DataFrame:
    """Return the bounds of each row's cell: `x`, `x2`, `y`, `y2`.

    Cells are about as wide as high on the ground.
    """
    low, high = degrees.quantile(TAIL), degrees.quantile(1 - TAIL)
    degrees = degrees.clip(low, high, axis=1)
    narrow = np.cos(np.radians(degrees["latitude"].mean()))
    span = high - low
    ground = pd.Series({"latitude": span["latitude"], "longitude": span["longitude"] * narrow})
    size = max(float(ground.max()) / CELLS, 1e-9)
    sizes = {"latitude": size, "longitude": size / narrow}
    bounds = {}
    for name, axis in (("longitude", "x"), ("latitude", "y")):
        number = np.floor((degrees[name] - low[name]) / sizes[name])
        bounds[axis] = low[name] + number * sizes[name]
        bounds[f"{axis}2"] = bounds[axis] + sizes[name]
    return pd.DataFrame(bounds)


def draw_map(cells: pd.DataFrame, name: str) -> Drawing:
    groups = cells.groupby(["x", "x2", "y", "y2"])[name]
    table = groups.agg(["mean", "size"]).reset_index()
    table["text"] = [
        f"{c.y:.2f}°, {c.x:.2f}°: {name} {format_rounded(c.mean)}, {c.size:,} rows"
        for c in table.itertuples()
    ]
    scales = map_scales(table)
    chart = alt.Chart(table).encode(
        alt.X("x:Q", title="longitude").scale(scales[0]).axis(tickCount=4, grid=False),
        alt.X2("x2"),
        alt.Y("y:Q", title="latitude").scale(scales[1]).axis(tickCount=4, grid=False),
        alt.Y2("y2"),
        alt.Color("mean:Q").scale(scheme="viridis"),
        description="text:N",
    )
    return render_svg(chart.mark_rect(), name)


def map_scales(table: pd.DataFrame) -> list[alt.Scale]:
    """Return scales of longitude and latitude of about the same length on the ground."""
    centers = [(table[a].min() + table[b].max()) / 2 for a, b in (("x", "x2"), ("y", "y2"))]
    spans = [table[b].max() - table[a].min() for a, b in (("x", "x2"), ("y", "y2"))]
    narrow = np.cos(np.radians(centers[1]))
    degree = max(spans[0] * narrow / WIDTH, spans[1] / HEIGHT)
    lengths = [degree * WIDTH / narrow, degree * HEIGHT]
    return [
        alt.Scale(domain=[center - length / 2, center + length / 2], nice=False)
        for center, length in zip(centers, lengths, strict=True)
    ]
