"""What a user's own data gets wrong: one line each from the stage that finds it, and no output."""

from __future__ import annotations

import copy
import functools
import gzip
import json
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import pytest
from bad_files import (
    ARRAYS,
    AUXILIARY,
    DATES,
    GOOD,
    HUGE,
    IMAGES,
    IN_ORDER,
    LABELS,
    OBJECTS,
    PIXELS,
    REGRESSION,
    ROWS,
    UNSCALED,
    WEIGHT,
    Case,
    dates,
    houses,
    lines,
    npz,
    parquet,
    png,
    put,
    text,
)
from omegaconf import DictConfig
from stages import run_stage

COMPOSE = hydra.compose
STAGES = ("download", "split", "scale")
OUTPUTS = {"download": "raw", "split": "split", "scale": "scaled"}


CASES: list[Case] = [
    Case("no such file", None),
    Case("empty file", b""),
    Case("blank lines alone", b"\n\n\n"),
    Case("names of columns alone", b"size,town,price\n"),
    Case("a field too many", lines(lambda rows: put(rows, 3, rows[3] + ",9"))),
    Case("a field too few", lines(lambda rows: put(rows, 5, "1,2"))),
    Case("a quote not closed", lines(lambda rows: put(rows, 7, '"' + rows[7]))),
    Case("two columns of one name", lines(lambda rows: put(rows, 0, "size,rooms,size,sold,price"))),
    Case("a column without a name", lines(lambda rows: put(rows, 0, "size,,town,sold,price"))),
    Case("another delimiter", GOOD.to_csv(index=False, sep=";").encode()),
    Case("wrong encoding", text(town="Köln").decode().encode("latin-1")),
    Case("UTF-16", text().decode().encode("utf-16")),
    Case("NUL characters", text().replace(b"Ulm", b"U\0m")),
    Case("an encoding that is none", text(), {"source": {"encoding": "utf-9"}}),
    Case("a delimiter that is none", text(), {"source": {"delimiter": "::"}}),
    Case("gzip that is cut", gzip.compress(text())[:200], suffix=".csv.gz"),
    Case("gzip that is none", text(), suffix=".csv.gz"),
    Case("a Parquet file called CSV", parquet(GOOD)),
    Case("CSV called Parquet", text(), suffix=".parquet"),
    Case("a Parquet file that is cut", parquet(GOOD)[:900], suffix=".parquet"),
    Case("an Excel workbook", b"PK\3\4" + bytes(100), suffix=".xlsx"),
    Case("a web page instead of the data", b"<!DOCTYPE html><html>Log in</html>"),
    Case("lists in a column", parquet(houses(size=[[1, 2]] * ROWS)), suffix=".parquet"),
    Case("a file outside of data/own", text(), {"source": {"file": "houses.csv"}}),
    Case("no target column", text(), {"target": "prize"}),
    Case("a target without values", text(price=""), {}),
    Case("a target of text", text(price=GOOD["town"]), {}),
    Case("text among the target's numbers", text(price=put(GOOD["price"], 9, "cheap"))),
    Case("an infinite target", text(price=put(GOOD["price"], 9, "inf"))),
    Case("one class alone", text(price="dear"), {"task": "classification"}),
    Case(
        "a class in fewer rows than parts",
        text(price=put(["low", "high"] * 30, 8, "rare")),
        {"task": "classification"},
    ),
    Case("one row", lines(lambda rows: rows[:2])),
    Case("parts larger than the data", text(), others={"split": {"test": 50, "valid": 20}}),
    Case("a test set of its own that it has not", text(), others={"split": {"test": "own"}}),
    Case("text among numbers", text(size=put(GOOD["size"], 17, "large"))),
    Case("infinite numbers", text(size=put(GOOD["size"], 17, "-inf"))),
    Case("a column without values", text(size="")),
    Case("a column without values in training", text(size=[*[""] * 59, 1.0]), others=IN_ORDER),
    Case("a text in each row", text(town=[f"street {row}" for row in range(ROWS)])),
    Case("a date that is none", text(sold=put(GOOD["sold"], 2, "2020-02-31")), dates("%Y-%m-%d")),
    Case("dates of another form", text(sold="31.01.2020"), dates("%Y-%m-%d")),
    Case("an unknown column left out", text(), {"columns": {"townn": {"use": False}}}),
    Case(
        "every column left out",
        text(),
        {"columns": {key: {"use": False} for key in ["size", "rooms", "town", "sold"]}},
    ),
    Case("an unknown category", text(), {"columns": {"room": "category"}}),
    Case("a cross of numbers without buckets", text(), {"crosses": [["size", "town"]]}),
    Case("buckets of a category", text(), {"buckets": {"town": 4}}),
    Case("one bucket", text(), {"buckets": 1}),
    Case("a cross of one column", text(), {"crosses": [["town"]]}),
    Case("a weight below zero", text(rooms=put(GOOD["rooms"], 4, -1)), WEIGHT),
    Case("a weight that is missing", text(rooms=put(GOOD["rooms"], 4, "")), WEIGHT),
    Case("a text among weights", text(rooms=put(GOOD["rooms"], 4, "many")), WEIGHT),
    Case("a boolean weight", text(rooms=[True, False] * 30), WEIGHT),
    Case("an infinite weight", text(rooms=put(GOOD["rooms"], 4, "inf")), WEIGHT),
    Case("a weight of zero in all rows", text(rooms=0), WEIGHT),
    Case("a weight of zero in a set", text(rooms=[1] * 45 + [0] * 15), WEIGHT, IN_ORDER),
    Case("dates as weights", DATES, {"sample_weight": "sold"}, suffix=".parquet"),
    Case("dates as target", DATES, {"target": "sold"}, suffix=".parquet"),
    Case("texts of dates as target", text(sold="1.2.2020"), {"target": "sold"}),
    Case("dates as second target", DATES, {"auxiliary": "sold"}, suffix=".parquet"),
    Case("texts as second target", text(town=[f"s{n}" for n in range(60)]), {"auxiliary": "town"}),
    Case(
        "a number whose square is infinite",
        text(size=put(GOOD["size"], 6, HUGE)),
        others={"scale": {"features": "zscore"}},
    ),
    Case("a target whose square is infinite", text(price=put(GOOD["price"], 6, HUGE))),
    Case("a huge number without scaling", text(size=put(GOOD["size"], 6, 1e39)), others=UNSCALED),
    Case(
        "a huge number in the test set alone",
        text(size=put(GOOD["size"], 59, HUGE)),
        others=IN_ORDER | {"scale": {"features": "zscore", "clip": None}},
    ),
    Case("a second target with missing values", text(size=put(GOOD["size"], 4, "")), AUXILIARY),
    Case("a column called like a made one", text(size=["", 1.0] * 30, size_missing=1)),
    Case("an unknown setting", text(), {"sorce": 1}),
    Case("an unknown setting of the source", text(), {"source": {"delimeter": ";"}}),
    Case(
        "an unknown source", text(), {"source": {"_target_": "fathom.download.sources.tablefile"}}
    ),
    Case("a task that is none", text(), {"task": "regresion"}),
    Case("no images at all", {}, IMAGES),
    Case("images without folders of classes", {"a.png": png(4, 4)}, IMAGES),
    Case("one class of images", {"cat/a.png": png(4, 4)}, IMAGES),
    Case("a class without images", {"cat/a.png": png(4, 4), "dog/": b""}, IMAGES),
    Case("images of two sizes", {"cat/a.png": png(4, 4), "dog/b.png": png(4, 5)}, IMAGES),
    Case("an image that is cut", {"cat/a.png": png(4, 4), "dog/b.png": png(40, 40)[:60]}, IMAGES),
    Case("text called an image", {"cat/a.png": png(4, 4), "dog/b.png": b"no image"}, IMAGES),
    Case("another file among images", {"cat/a.png": png(4, 4), "dog/b.svg": b"<svg/>"}, IMAGES),
    Case("regression on images", {"cat/a.png": png(4, 4), "dog/b.png": png(4, 4)}, REGRESSION),
    Case("arrays without labels", npz(images=PIXELS), ARRAYS, suffix=".npz"),
    Case("more labels than images", npz(images=PIXELS, labels=np.arange(9)), ARRAYS, suffix=".npz"),
    Case("pickled objects", npz(images=PIXELS, labels=OBJECTS), ARRAYS, suffix=".npz"),
    Case("arrays that are no images", npz(images=PIXELS[0], labels=LABELS), ARRAYS, suffix=".npz"),
    Case(
        "numbers that are no pixels",
        npz(images=PIXELS + 99.5, labels=LABELS),
        ARRAYS,
        suffix=".npz",
    ),
    Case("an .npz file that is cut", npz(images=PIXELS, labels=LABELS)[:99], ARRAYS, suffix=".npz"),
    Case(
        "columns of images",
        npz(images=PIXELS, labels=LABELS),
        ARRAYS | {"wide": ["x"]},
        {"split": {"stratify": False}},
        suffix=".npz",
    ),
]


# What each of them gets, by what is wrong: the stage that stops, and its line.
EXPECTED: dict[str, str] = json.loads((Path(__file__).parent / "bad_inputs.json").read_text())


@pytest.fixture
def composed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stages share what Hydra composes of one settings file; all else of them is their own."""

    def compose_once(*_: Any, **__: Any) -> DictConfig:
        return copy.deepcopy(tree_of(Path("conf/dataset/houses.yaml").read_text()))

    monkeypatch.setattr("hydra.compose", compose_once)


@functools.cache
def tree_of(_settings: str) -> DictConfig:
    """Return what Hydra composes of the settings in the workspace."""
    return COMPOSE("config", ["dataset=houses"], return_hydra_config=True)


def first_refusal() -> str:
    """Run one stage after another until one stops; return all that it printed as errors."""
    for stage in STAGES:
        before = {str(path) for path in Path("data").rglob("*")}
        finished = run_stage(stage, "dataset=houses")
        if finished.status:
            assert finished.status == 1
            made = {str(path) for path in Path("data").rglob("*")} - before
            assert made <= {f"data/{OUTPUTS[stage]}"}  # an empty folder at most
            return finished.err
    return "no stage refused it"


@pytest.mark.parametrize("case", CASES, ids=[case.wrong for case in CASES])
@pytest.mark.usefixtures("composed_once")
def test_gets_one_line_and_leaves_nothing(case: Case, workspace: Path) -> None:
    case.write(workspace)
    assert first_refusal() == EXPECTED[case.wrong] + "\n"


@pytest.mark.parametrize(
    "wrong", ["no such file", "one row", "a weight below zero", "a task that is none"]
)
def test_gets_the_same_line_where_hydra_composes_for_each_stage(
    workspace: Path, wrong: str
) -> None:
    next(case for case in CASES if case.wrong == wrong).write(workspace)
    assert first_refusal() == EXPECTED[wrong] + "\n"


def test_the_table_is_whole() -> None:
    assert list(EXPECTED) == [case.wrong for case in CASES]
    assert len(CASES) >= 40
    assert all(
        line.split(":")[0] in {f"{stage}.py" for stage in STAGES} for line in EXPECTED.values()
    )


def test_without_a_mistake_the_same_table_is_taken(workspace: Path) -> None:
    Case("nothing", text(), dates("%Y-%m-%d")).write(workspace)
    assert first_refusal() == "no stage refused it"
    assert (workspace / "data/problem/houses.json").exists()
