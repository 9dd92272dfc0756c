"""Faults that flatter figures are found where they were planted, and nowhere else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import dataset_config
from numpy.typing import NDArray
from stages import Finished, run_stage

from fathom.artifacts.checks import Checks, DataWarning
from fathom.base.errors import FathomError
from fathom.check.check import check
from fathom.check.drift import difference
from fathom.check.duplicates import hashes, repeated
from fathom.download.download import download
from fathom.download.sources import RawImages, RawTable
from fathom.settings.config import DatasetConfig
from fathom.split.split import split

Table = dict[str, Any]
OTHER = {"price": "dear", "dear": "price"}


def saved_table(file: str) -> RawTable:
    return RawTable(pd.read_parquet(file), "the test", "")


def saved_images(file: str) -> RawImages:
    arrays = np.load(file)
    return RawImages(arrays["images"], arrays["labels"], ["cat", "dog", "eel"], "the test", "")


def made_config(
    kind: str, *overrides: str, target: str = "y", task: str = "regression", **settings: Any
) -> DatasetConfig:
    """Return the settings of a data set of its own, of what `check_table` or `check_images` saves.

    The target is the column `y` of a table.
    """
    source = {"_target_": f"{__name__}.saved_{kind}", "file": f"made.{kind}"}
    dataset = {"source": source, "task": task, "target": target}
    text = "# @package _global_\n" + yaml.safe_dump({"dataset": dataset | settings})
    Path("conf/dataset/made.yaml").write_text(text)
    return dataset_config("made", *overrides)


def checked(config: DatasetConfig) -> list[DataWarning]:
    download(config)
    split(config)
    return check(config).warnings


def check_table(
    table: Table, config: DatasetConfig | None = None, *overrides: str, **settings: Any
) -> list[DataWarning]:
    pd.DataFrame(table).to_parquet("made.table")
    return checked(config or made_config("table", *overrides, **settings))


def check_images(
    images: NDArray[np.uint8], labels: NDArray[np.int64], config: DatasetConfig | None = None
) -> list[DataWarning]:
    with Path("made.images").open("wb") as file:
        np.savez(file, images=images, labels=labels)
    return checked(config or made_config("images", target="label", task="classification"))


def sentences(warnings: list[DataWarning]) -> list[str]:
    return [warning.sentence for warning in warnings]


def rows_of(part: str) -> NDArray[np.int64]:
    """Return the rows of a part of the data set that was checked last."""
    rows: NDArray[np.int64] = np.load(f"data/split/made/{part}.npy")
    return rows


def split_of(rows: int) -> dict[str, NDArray[np.int64]]:
    """Return which rows of a table go to which part, where classes do not count."""
    check_table({"x": np.arange(rows), "y": np.arange(rows) * 7.0 % 97})
    return {part: rows_of(part) for part in ("train", "valid", "test")}


def clean(rows: int, seed: int) -> Table:
    """Return a table of all kinds of columns, with two targets that they tell something of."""
    rng = np.random.default_rng(seed)
    size, town = rng.normal(size=rows), rng.choice(["x", "y", "z"], rows, p=[0.5, 0.3, 0.2])
    price = rng.lognormal(size + (town == "x"), 0.3)
    return {
        "size": np.where(rng.random(rows) < 0.2, np.nan, size),
        "age": rng.integers(0, 90, rows),
        "rooms": rng.integers(1, 4, rows),
        "town": pd.Series(town).mask(rng.random(rows) < 0.1),
        "new": rng.random(rows) < 0.02,
        "built": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D"),
        "price": price,
        "dear": np.where(price > 2, "yes", "no"),
    }


# No fault, no warning


def some_and_all(some: int, every: int) -> pytest.MarkDecorator:
    """Run a test with a few seeds, and in a slow test with the others."""
    others = pytest.param(range(some, every), marks=pytest.mark.slow, id="others")
    return pytest.mark.parametrize("seeds", [pytest.param(range(some), id="some"), others])


@some_and_all(4, 20)
@pytest.mark.parametrize(("target", "task"), [("price", "regression"), ("dear", "classification")])
def test_clean_tables_give_no_warning(
    workspace: Path, target: str, task: str, seeds: range
) -> None:
    config = made_config("table", target=target, task=task, exclude=["other"])
    for seed in seeds:
        table = pd.DataFrame(clean(60 if seed % 2 else 1500, seed))
        assert check_table(dict(table.rename(columns={OTHER[target]: "other"})), config) == [], seed


@some_and_all(2, 10)
@pytest.mark.parametrize(("columns", "values"), [(1, 3), (2, 50), (6, 5), (14, 2)])
def test_rows_that_chance_makes_equal_give_no_warning(
    workspace: Path, columns: int, values: int, seeds: range
) -> None:
    config = made_config("table", task="classification")
    equal = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        table: Table = {f"c{n}": rng.integers(0, values, 2000) for n in range(columns)}
        table["y"] = rng.choice(["a", "b"], 2000)
        assert check_table(table, config) == [], seed
        frame = pd.DataFrame(table)
        known = frame.loc[rows_of("train")].drop_duplicates()
        equal += len(frame.loc[rows_of("test")].merge(known))
    assert equal > len(seeds) * 0.01 * 500


@some_and_all(3, 10)
def test_clean_images_give_no_warning(workspace: Path, seeds: range) -> None:
    config = made_config("images", target="label", task="classification")
    for seed in seeds:
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 3, 600)
        images = rng.integers(0, 200, (600, 6, 5, 3)) + 20 * labels[:, None, None, None]
        assert check_images(images.astype(np.uint8), labels, config) == [], seed


@pytest.mark.parametrize(
    "dataset", ["california_housing", "digits", "adult_census", "bike", "diabetes"]
)
def test_data_sets_of_the_project_give_no_warning(workspace: Path, dataset: str) -> None:
    assert checked(dataset_config(dataset)) == []
    written = Path(f"data/checks/{dataset}.json").read_text()
    assert written == json.dumps({"dataset": dataset, "warnings": []}, indent=2) + "\n"


@some_and_all(1, 3)
@pytest.mark.parametrize("loader", ["load_iris", "load_wine", "load_breast_cancer"])
def test_easy_data_sets_give_no_warning(workspace: Path, loader: str, seeds: range) -> None:
    source = {"_target_": "fathom.download.sources.scikit_learn", "loader": loader}
    dataset = {"source": source, "task": "classification", "target": "target"}
    text = "# @package _global_\n" + yaml.safe_dump({"dataset": dataset})
    Path("conf/dataset/easy.yaml").write_text(text)
    for seed in seeds:
        assert checked(dataset_config("easy", f"split.seed={seed}")) == [], seed


# Rows in two parts


def different(rows: int, seed: int = 0) -> Table:
    """Return a table in which no row is like another, with missing values and a category."""
    rng = np.random.default_rng(seed)
    gaps = np.where(rng.random(rows) < 0.3, np.nan, rng.integers(0, 4, rows))
    town = rng.choice(np.array(["x", "y", None]), rows)
    return {"gaps": gaps, "size": rng.normal(size=rows), "town": town, "y": rng.normal(size=rows)}


def copy(table: Table, source: NDArray[np.int64], to: NDArray[np.int64], *but: str) -> Table:
    """Copy rows of a table over others, but for some columns."""
    copied = {name: values.copy() for name, values in table.items()}
    for name in set(table) - set(but):
        copied[name][to] = table[name][source]
    return copied


@pytest.mark.parametrize(
    ("other", "part", "names"),
    [
        ("train", "test", ("training", "test")),
        ("train", "valid", ("training", "validation")),
        ("valid", "test", ("validation", "test")),
    ],
)
def test_finds_copies_between_two_parts(
    workspace: Path, other: str, part: str, names: tuple[str, str]
) -> None:
    parts = split_of(1000)
    source, to = parts[other][:9], parts[part][20:29]
    (warning,) = check_table(copy(different(1000), source, to))
    total = len(parts[part])
    assert (warning.kind, warning.columns) == ("duplicates", ["gaps", "size", "town", "y"])
    row, twin = int(to[0]), int(source[0])
    assert warning.figures == {"rows": 9, "of": total, "by_chance": 0, "row": row, "as_row": twin}
    assert warning.sentence == (
        f"9 of {total} {names[1]} rows ({9 / total:.1%}; up to 1% is let pass) stand in the "
        f"{names[0]} part, too, with the same 'y', such as row {row} as row {twin}: figures of "
        f"the {names[1]} part look better than they are; remove repeated rows before the split"
    )


@pytest.mark.parametrize(
    ("rows", "copies", "found"), [(4000, 10, 0), (4000, 11, 1), (100, 2, 0), (100, 3, 1)]
)
def test_lets_few_copies_pass(workspace: Path, rows: int, copies: int, found: int) -> None:
    parts = split_of(rows)
    table = copy(different(rows), parts["train"][:copies], parts["test"][:copies])
    assert len(check_table(table)) == found


@pytest.mark.parametrize(
    ("but", "settings", "found"),
    [
        ("y", {}, 0),
        ("size", {}, 0),
        ("size", {"exclude": ["size"]}, 1),
        ("size", {"sample_weight": "size"}, 1),
        ("size", {"auxiliary": "size"}, 1),
    ],
)
def test_rows_are_equal_in_what_networks_get(
    workspace: Path, but: str, settings: Table, found: int
) -> None:
    parts = split_of(1000)
    table = copy(different(1000), parts["train"][:20], parts["test"][:20], but)
    table["size"] = np.abs(table["size"])
    assert [warning.kind for warning in check_table(table, **settings)] == ["duplicates"] * found


def test_a_class_taken_more_often_before_the_split_is_found(workspace: Path) -> None:
    table = pd.DataFrame(different(600)).drop(columns="y")
    table["y"] = np.where(np.arange(600) < 60, "rare", "common")
    more = pd.concat([table, *[table[:60]] * 8], ignore_index=True)
    warnings = check_table(dict(more), task="classification")
    assert [warning.kind for warning in warnings] == ["duplicates"] * 3
    assert all(0.3 < w.figures["rows"] / w.figures["of"] < 0.6 for w in warnings)


def test_copies_are_told_from_rows_that_chance_makes_equal(workspace: Path) -> None:
    config = dataset_config("adult_census")
    download(config)
    split(config)
    file = "data/raw/adult_census/data.parquet"
    table = pd.read_parquet(file)
    train, test = (np.load(f"data/split/adult_census/{part}.npy") for part in ("train", "test"))
    columns = [name for name in table if name != "fnlwgt"]
    table.loc[test[:800], columns] = table.loc[train[:800], columns].to_numpy()
    table.to_parquet(file)
    (warning,) = check(config).warnings
    assert (warning.kind, warning.figures["of"]) == ("duplicates", 16281)
    assert 200 < warning.figures["rows"] < 500  # of the 800; the others are common rows
    assert warning.figures["by_chance"] > 2000
    assert (
        f"; {warning.figures['by_chance']:,} more, which chance may have made equal, are not "
        "counted: figures of the test part"
    ) in warning.sentence


@pytest.mark.parametrize("seed", range(5))
def test_equal_rows_are_those_of_a_dictionary(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "a": rng.choice([0.0, -0.0, np.nan, 1.0, 1e-300, 3.0], 400),
            "b": rng.choice(np.array(["x", "y", None, "nan"], dtype=object), 400),
            "c": rng.integers(0, 5, 400).astype(float),
        }
    )
    known: dict[tuple[Any, ...], int] = {}
    rows = [tuple(None if pd.isna(v) else v for v in row) for row in table.itertuples(index=False)]
    for number, row in enumerate(rows[:250]):
        known.setdefault(row, number)
    keys = hashes(table)
    places, twins = repeated(keys[:250], keys[250:])
    assert dict(zip(places.tolist(), twins.tolist(), strict=True)) == {
        number: known[row] for number, row in enumerate(rows[250:]) if row in known
    }
    assert 50 < len(places) < 150


def test_finds_copies_of_images(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (400, 4, 4), np.uint8), rng.integers(0, 3, 400)
    check_images(images, labels)
    train, test = rows_of("train"), rows_of("test")
    pairs = [(row, train[labels[train] == labels[row]][0]) for row in test[:7]]
    for row, twin in pairs:
        images[row] = images[twin]
    row, twin = pairs[0]
    (warning,) = check_images(images, labels)
    assert (warning.kind, warning.columns) == ("duplicates", ["pixels", "label"])
    assert warning.sentence == (
        "7 of 100 test rows (7.0%; up to 1% is let pass) stand in the training part, too, with "
        f"the same 'label', such as row {row} as row {twin}: figures of the test part look better "
        "than they are; remove repeated rows before the split"
    )


# Columns that give the target away


def given_away(column: str, what: str) -> str:
    return (
        f"{column!r} by itself tells 'y' ({what}): leave it out with dataset.exclude, unless it "
        "is known before 'y' is"
    )


@pytest.mark.parametrize(
    ("name", "what"),
    [("same", "R² 1.000"), ("near", "R² 0.999"), ("code", "R² 0.999"), ("day", "R² 0.999")],
)
def test_finds_what_gives_a_number_away(workspace: Path, name: str, what: str) -> None:
    rng = np.random.default_rng(0)
    level = rng.integers(0, 100, 2000)
    y = level * 10 + rng.normal(0, 8, size=2000)
    columns = {
        "same": y,
        "near": 1000 - y * 1.1 + rng.normal(0, 10, 2000),
        "code": [f"no. {number}" for number in rng.permutation(100)[level]],
        "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(level, "D"),
    }
    table = {"size": y + rng.normal(0, 100, 2000), name: columns[name], "y": y}
    (warning,) = check_table(table)
    assert (warning.kind, warning.columns) == ("giveaway", [name])
    assert warning.sentence == given_away(name, what)
    assert list(warning.figures) == ["R²"]
    assert check_table(table, exclude=[name]) == []


def test_finds_what_gives_a_number_with_a_few_extreme_values_away(workspace: Path) -> None:
    y = np.exp(np.random.default_rng(3).normal(0, 2, 400))
    (warning,) = check_table({"total": y * 3 + 1, "y": y})
    assert warning.sentence == given_away("total", "R² of ranks 0.999")


def test_a_strong_column_gives_no_warning(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=20_000)
    table = {"strong": y + rng.normal(0, 0.12, 20_000), "y": y}  # 0.986 at best
    assert check_table(table) == []


@pytest.mark.parametrize("name", ["missing", "note", "limit", "code"])
@pytest.mark.parametrize("rare", [0.02, 0.4])
def test_finds_what_gives_a_class_away(workspace: Path, name: str, rare: float) -> None:
    rng = np.random.default_rng(0)
    sick = rng.random(2000) < rare
    number, size = rng.integers(0, 40, 2000), rng.normal(size=2000)
    columns = {
        "missing": np.where(sick, np.nan, size),
        "note": [f"note {row}" if ill else None for row, ill in enumerate(sick)],
        "limit": np.abs(size) + np.where(sick, 5, 0),
        "code": [f"{2 * digit + ill}" for digit, ill in zip(number, sick, strict=True)],
    }
    table = {"size": size, name: columns[name], "y": np.where(sick, "yes", "no")}
    categories = ["code"] if name == "code" else []
    warnings = check_table(table, task="classification", categories=categories)
    found = [warning for warning in warnings if warning.kind == "giveaway"]
    assert sentences(found) == [given_away(name, "balanced accuracy 1.000")]


def test_finds_what_gives_a_class_away_among_more_rows_of_another(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    sick = rng.random(8000) < 0.003
    flag = sick | (rng.random(8000) < 0.008)
    table = {"flag": flag, "size": rng.normal(size=8000), "y": np.where(sick, "yes", "no")}
    (warning,) = check_table(table, task="classification")
    assert (warning.kind, warning.columns) == ("giveaway", ["flag"])


def test_a_large_class_is_not_given_away(workspace: Path) -> None:
    y = np.where(np.random.default_rng(0).random(3000) < 0.003, "yes", "no")
    assert check_table({"size": np.arange(3000) % 50, "y": y}, task="classification") == []


def test_validation_rows_alone_give_nothing_away(workspace: Path) -> None:
    valid = split_of(2000)["valid"]
    rng = np.random.default_rng(0)
    y = rng.normal(size=2000)
    hint = np.where(rng.random(2000) < 0.05, 0, y)
    assert check_table({"hint": hint, "y": y}) == []
    hint[valid] = y[valid]
    assert check_table({"hint": hint, "y": y}) == []
    assert [w.kind for w in check_table({"hint": y, "y": y})] == ["giveaway"]


def test_many_rows_give_the_same_figures_each_time(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=60_000)
    table = {"near": y + rng.normal(0, 0.08, 60_000), "y": y}
    first = check_table(table)
    before = Path("data/checks/made.json").read_bytes()
    assert sentences(first) == [given_away("near", "R² 0.993")]
    assert check_table(table) == first == Checks.read("made").warnings
    assert Path("data/checks/made.json").read_bytes() == before


# Parts of different distributions


def distance(known: NDArray[Any], now: NDArray[Any]) -> float:
    """Return the largest difference of two distribution functions."""
    values = np.concatenate([known, now])
    return float(max(abs((known <= v).mean() - (now <= v).mean()) for v in values))


def drifts(moved: str, part: str) -> str:
    return (
        f"the {part} part differs from the training part in {moved}, on a scale from 0 to 1 (below "
        "0.1 is let pass): its figures are of other data than was learned from; split by chance "
        "(split.shuffle: true), unless that is meant"
    )


def test_finds_what_changes_in_the_order_of_the_rows(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    order = np.arange(1000)
    table: Table = {
        "steady": rng.normal(size=1000),
        "slow": rng.normal(order / 600),
        "town": np.where(rng.random(1000) < order / 2000, "x", "y"),
        "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(order // 10, "D"),
        "y": rng.normal(order / 300, 1),
    }
    assert check_table(table, exclude=["day"]) == []
    warnings = check_table(table, None, "split.shuffle=false")
    assert [warning.kind for warning in warnings] == ["drift"] * 2
    train = rows_of("train")
    for warning, part, name in zip(
        warnings, ("valid", "test"), ("validation", "test"), strict=True
    ):
        rows = rows_of(part)
        assert list(rows) == list(range(rows[0], rows[-1] + 1))
        town = abs((table["town"][train] == "x").mean() - (table["town"][rows] == "x").mean())
        numbers = {"day": order // 10, "slow": table["slow"], "y": table["y"]}
        expected = {"town": town} | {n: distance(v[train], v[rows]) for n, v in numbers.items()}
        assert warning.columns == [
            "day",
            "y",
            *sorted(["slow", "town"], key=lambda n: -expected[n]),
        ]
        assert warning.figures == pytest.approx(expected, abs=5e-5)
        moved = ", ".join(f"{column!r} ({expected[column]:.2f})" for column in warning.columns)
        assert warning.sentence == drifts(moved, name)


def moved_rows(table: Table, rows: NDArray[np.int64], **columns: Any) -> Table:
    """Replace values in some rows."""
    frame = pd.DataFrame(table)
    for name, values in columns.items():
        frame.loc[rows, name] = values
    return dict(frame)


def test_names_five_columns_and_counts_the_others(workspace: Path) -> None:
    rows = split_of(400)["test"]
    rng = np.random.default_rng(0)
    table: Table = {f"c{n}": rng.normal(size=400) for n in range(8)} | {"y": rng.normal(size=400)}
    table = moved_rows(table, rows, **{f"c{n}": 10 + rng.normal(size=100) for n in range(7)})
    (warning,) = check_table(table)
    assert warning.columns == [f"c{n}" for n in range(7)]
    five = ", ".join(f"'c{n}' (1.00)" for n in range(5))
    assert warning.sentence == drifts(f"{five} and 2 more", "test")


@pytest.mark.parametrize(
    ("rows", "shift", "found"), [(400, 0.3, 0), (400, 2.0, 1), (8000, 0.5, 1), (8000, 0.2, 0)]
)
def test_drift_is_large_and_not_by_chance(
    workspace: Path, rows: int, shift: float, found: int
) -> None:
    valid = split_of(rows)["valid"]
    rng = np.random.default_rng(0)
    table = {"c": rng.normal(size=rows), "y": rng.normal(size=rows)}
    warnings = check_table(moved_rows(table, valid, c=table["c"][valid] + shift))
    assert len(warnings) == found, warnings
    for warning in warnings:
        assert warning.sentence == drifts(f"'c' ({warning.figures['c']:.2f})", "validation")


def test_of_many_columns_more_is_asked(workspace: Path) -> None:
    valid = split_of(400)["valid"]
    rng = np.random.default_rng(0)
    table: Table = {"c": rng.normal(size=400), "y": rng.normal(size=400)}
    table = moved_rows(table, valid, c=table["c"][valid] + 0.45)  # p = 0.00004
    assert [warning.columns for warning in check_table(table)] == [["c"]]
    table |= {f"c{number}": rng.normal(size=400) for number in range(38)}
    assert check_table(table) == []


def test_finds_values_that_are_missing_elsewhere(workspace: Path) -> None:
    parts = split_of(2000)
    table = clean(2000, 0)
    table = {name: table[name] for name in ("age", "town", "price")}
    table["y"] = table.pop("price")
    table["town"] = table["town"].fillna("x")
    table["age"] = np.where(np.arange(2000) % 10 == 0, np.nan, table["age"])
    table = moved_rows(table, parts["test"][:200], age=np.nan)
    table = moved_rows(table, parts["test"][100:300], town=None)
    frame = pd.DataFrame(table).isna()
    now, before = frame.loc[parts["test"]].mean(), frame.loc[parts["train"]].mean()
    (warning,) = check_table(table)
    assert (warning.kind, warning.columns) == ("drift", ["town", "age"])
    assert warning.figures == pytest.approx(dict((now - before)[["age", "town"]]), abs=5e-5)
    assert warning.sentence == (
        "values are missing in the test part more or less often than in training: 'town' in "
        f"{now['town']:.1%} of rows, not 0.0%, 'age' in {now['age']:.1%} of rows, not "
        f"{before['age']:.1%}; find out why before you trust figures of this part"
    )


def test_rare_categories_are_taken_together() -> None:
    rare = [f"rare {number}" for number in range(200)]
    known, now = pd.Series(["x"] * 700 + rare[:100]), pd.Series(["x"] * 100 + rare[100:])
    assert difference(known, now, risk=0.001) == pytest.approx(1 / 2 - 1 / 8)
    assert difference(pd.Series(rare[:100]), pd.Series(rare[100:]), risk=0.001) == 0.0


@pytest.mark.parametrize(("count", "found"), [(5, 0), (6, 1)])
def test_finds_categories_that_no_training_row_has(workspace: Path, count: int, found: int) -> None:
    rows = split_of(2000)["test"][:count]
    table = {name: clean(2000, 0)[name] for name in ("town", "new", "price")}
    table["y"] = table.pop("price")
    towns = [f"new {n}" for n in range(count)]
    warnings = check_table(moved_rows(table, rows, town=towns))
    assert [(w.kind, w.columns, w.figures) for w in warnings] == [
        ("drift", ["town"], {"rows": count, "of": 500})
    ] * found
    sentence = (
        "6 of 500 test rows (1.2%; up to 1% is let pass) have a 'town' that no training row has: "
        "networks take all such for one category; join rare ones, or leave the column out"
    )
    assert sentences(warnings) == [sentence] * found


def test_finds_classes_that_no_training_row_has(workspace: Path) -> None:
    y = np.repeat(["a", "b", "c"], [500, 260, 240])
    y[:760] = np.random.default_rng(0).permutation(y[:760])
    table = {"size": np.random.default_rng(0).normal(size=1000), "y": y}
    assert check_table(table, task="classification") == []
    warnings = check_table(table, None, "split.shuffle=false", task="classification")
    assert sentences(warnings) == [
        drifts("'y' (0.96)", "test"),
        "240 of 250 test rows (96.0%; up to 1% is let pass) have a 'y' that no training row has: "
        "no network can tell it; split by chance (split.shuffle: true)",
    ]


def test_finds_images_of_other_brightness_and_classes(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 200, (600, 4, 4), np.uint8), rng.integers(0, 3, 600)
    images[450:] += 50
    labels[450:] = 2
    config = made_config("images", "split.shuffle=false", target="label", task="classification")
    (warning,) = check_images(images, labels, config)
    train, test = rows_of("train"), rows_of("test")
    light = images.mean(axis=(1, 2))
    expected = {
        "mean brightness": distance(light[train], light[test]),
        "label": (labels[train] != 2).mean(),
    }
    assert (warning.kind, warning.columns) == ("drift", ["mean brightness", "label"])
    assert warning.figures == pytest.approx(expected, abs=5e-5)
    moved = ", ".join(f"{column!r} ({expected[column]:.2f})" for column in expected)
    assert warning.sentence == drifts(moved, "test")


# Rows without a target, and what else may be


def test_says_how_many_rows_have_no_target(workspace: Path) -> None:
    table = different(1500)
    table["y"] = np.where(np.arange(1500) < 1200, table["y"], np.nan)
    (warning,) = check_table(table)
    assert (warning.kind, warning.columns) == ("unlabelled", ["y"])
    assert warning.figures == {"rows": 300, "of": 1500}
    assert warning.sentence == (
        "300 of 1,500 rows have no 'y' and are in no part: if they are unlike the others, figures "
        "do not hold for them"
    )


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_columns_without_values_and_parts_without_rows_are_no_fault(
    workspace: Path, task: str
) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=300) if task == "regression" else rng.choice(["a", "b"], 300)
    table = {
        "none": np.full(300, np.nan),
        "no town": np.full(300, None),
        "same": np.full(300, "x"),
        "huge": rng.normal(size=300) * 1e300,
        "size": rng.normal(size=300),
        "y": y,
    }
    assert check_table(table, task=task, categories=["no town"]) == []
    Path("data/split/made/test.npy").unlink()
    np.save("data/split/made/test.npy", np.array([], dtype=np.int64))
    config = dataset_config("made")
    assert check(config).warnings == []


def test_warnings_of_all_kinds_survive_their_file(workspace: Path) -> None:
    parts = split_of(1000)
    table = copy(different(1000), parts["train"][:20], parts["test"][:20])
    table["size"][parts["valid"]] += 3
    table["given"] = 2 * table["y"] + 1
    table = {name: np.append(values, values[:50]) for name, values in table.items()}
    table["y"][1000:] = np.nan
    warnings = check_table(table)
    assert [w.kind for w in warnings] == ["duplicates", "giveaway", "drift", "unlabelled"]
    assert Checks.read("made") == Checks(dataset="made", warnings=warnings)
    text = Path("data/checks/made.json").read_text()
    assert json.loads(text)["warnings"][1] == {
        "kind": "giveaway",
        "columns": ["given"],
        "figures": {"R²": warnings[1].figures["R²"]},
        "sentence": given_away("given", f"R² {warnings[1].figures['R²']:.3f}"),
    }


def test_script_prints_each_sentence(workspace: Path) -> None:
    table = {"size": np.arange(400) % 83, "y": np.arange(400) * 1.0}
    warnings = check_table(table, None, "split.shuffle=false")
    assert len(warnings) == 2
    dataset = {"source": {"_target_": "no.such", "file": ""}, "task": "regression", "target": "y"}
    text = "# @package _global_\n" + yaml.safe_dump({"dataset": dataset})
    Path("conf/dataset/made.yaml").write_text(text)
    before = Path("data/checks/made.json").read_bytes()
    printed = "".join(f"made: {warning.sentence}\n" for warning in warnings)
    assert run_stage("check", "dataset=made") == Finished(0, printed, "")
    assert Path("data/checks/made.json").read_bytes() == before
    checked(dataset_config("digits"))
    assert run_stage("check", "dataset=digits").out == "digits: nothing to warn of\n"


def test_without_a_split_names_the_stage_that_makes_it(workspace: Path) -> None:
    config = dataset_config("digits")
    download(config)
    with pytest.raises(FathomError) as caught:
        check(config)
    line = "data/split/digits/train.npy is missing: make it with `dvc repro split@digits`"
    assert str(caught.value) == line
    assert not Path("data/checks").exists()
    with pytest.raises(FathomError, match=r"data/checks/digits.json is missing: make it with `dvc"):
        Checks.read("digits")
