"""Suggestions of settings: what columns get them, and what new-dataset writes."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import dataset_config
from own_tables import make_project, new_dataset

from fathom.new_dataset.infer_columns import infer_columns
from fathom.new_dataset.infer_target import infer_target
from fathom.new_dataset.suggestions import suggest

ROWS = 20_800
RNG = np.random.default_rng(0)
LATITUDE, LONGITUDE = RNG.uniform(32, 42, ROWS), RNG.uniform(-124, -114, ROWS)
NORMAL = RNG.normal(50, 9, ROWS).round(2)
STORES = RNG.integers(1, 900, ROWS)


def lines(**columns: Any) -> list[str]:
    """Return the suggested lines for a table with a target of its own, unless it has one."""
    table = pd.DataFrame({"target": NORMAL} | columns)
    guesses = infer_columns(table, "target")
    target = infer_target(next(c for c in guesses if c.name == "target"), "regression")
    return [line for suggestion in suggest(guesses, target) for line in suggestion.lines]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Latitude", "Longitude"),
        ("lat", "lng"),
        ("pickup_lat", "pickup_lon"),
        ("startLat", "startLng"),
        ("LAT", "LONG"),
        ("Breitengrad", "Längengrad"),
        ("Northing", "Easting"),
    ],
)
def test_axes_of_a_map_are_crossed(first: str, second: str) -> None:
    expected = [f"buckets: {{{first}: 40, {second}: 40}}", "crosses:", f"  - [{first}, {second}]"]
    assert lines(**{second: LONGITUDE, "x": NORMAL[::-1], first: LATITUDE}) == expected


def test_several_maps_of_fewer_rows() -> None:
    table = {"lat a": LATITUDE, "lon a": LONGITUDE, "lat-b": LONGITUDE / 2, "lon-b": LATITUDE / 2}
    few = {name: values[:1300] for name, values in table.items()}
    assert lines(target=NORMAL[:1300], **few) == [
        "buckets: {lat a: 10, lon a: 10, lat-b: 10, lon-b: 10}",
        "crosses:",
        "  - [lat a, lon a]",
        "  - [lat-b, lon-b]",
    ]


@pytest.mark.parametrize(
    "columns",
    [
        {"lat": LATITUDE},
        {"start lat": LATITUDE, "end lon": LONGITUDE},
        {"lat": LATITUDE * 3, "lon": LONGITUDE},  # above 90
        {"lat": LATITUDE, "lon": LONGITUDE * 2},
        {"lat": LATITUDE.round(0), "lon": LONGITUDE},  # few places
        {"flat": LATITUDE, "flon": LONGITUDE},
        {"lat": pd.Series(LATITUDE).mask(np.arange(ROWS) > 5), "lon": LONGITUDE},  # left out
    ],
    ids=lambda columns: ", ".join(columns),
)
def test_other_columns_are_not_crossed(columns: dict[str, Any]) -> None:
    assert lines(**columns) == []


def test_codes_may_be_categories() -> None:
    found = lines(store_id=STORES, **{"Zip code": STORES + 10_000, "pages": STORES})
    assert found == ["  store_id: {kind: category}", "  Zip code: {kind: category}"]
    assert lines(store_id=np.arange(ROWS) // 2, customer=STORES % 7, zip=STORES + 0.5) == []


def test_a_skewed_target_may_have_another_loss() -> None:
    assert lines(target=np.exp(NORMAL / 9)) == ["train: {loss: mean_absolute_error}"]
    assert lines(target=RNG.exponential(size=ROWS)) == []


def test_suggestions_are_settings(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_project(workspace, monkeypatch)
    table = {"lat": LATITUDE, "lon": LONGITUDE, "Store": STORES, "price": np.exp(NORMAL / 5)}
    pd.DataFrame(table).head(1300).to_csv("t.csv", index=False)
    printed = new_dataset("t.csv", "--target", "price")
    text = Path("conf/dataset/t.yaml").read_text()
    reason = (
        "lat and lon are places on a map: networks get a weight for each field of a 10 x 10 map, "
        "and waves across both"
    )
    assert f"  {reason}\n" in printed
    assert "  buckets: {lat: 10, lon: 10}\n  crosses:\n    - [lat, lon]\n" in text
    config = dataset_config("t")
    assert config.dataset.buckets == {"lat": 10, "lon": 10}
    assert config.dataset.crosses == [["lat", "lon"]]
    assert config.train.loss == "auto"
    assert "\n# train: {loss: " in text
    Path("conf/dataset/t.yaml").write_text(text.replace("# train: {loss: ", "train: {loss: "))
    assert dataset_config("t").train.loss == "mean_absolute_error"
