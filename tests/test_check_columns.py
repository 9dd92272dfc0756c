"""Columns that reveal the target, or whose distribution differs between sets, and no others."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from checks import IN_ORDER, Table, check_images, check_table, clean, giveaway, rows_of, split_of
from numpy.typing import NDArray

from fathom.artifacts.checks import Checks
from fathom.check.drift import distance


def largest_gap(known: NDArray[Any], now: NDArray[Any]) -> float:
    """Return the largest difference of two distribution functions."""
    values = np.concatenate([known, now])
    return float(max(abs((known <= v).mean() - (now <= v).mean()) for v in values))


def moved(columns: str, subset: str) -> str:
    return (
        f"the {subset} set differs from the training set in {columns}, on a scale from 0 to 1 "
        "(below 0.1 is ignored): its metrics are of different data than the training set; split "
        "at random (split.shuffle: true), unless this is intended"
    )


def move(table: Table, rows: NDArray[np.int64], **columns: Any) -> Table:
    """Replace values in some rows."""
    frame = pd.DataFrame(table)
    for name, values in columns.items():
        frame.loc[rows, name] = values
    return dict(frame)


def test_finds_what_changes_with_the_order_of_the_rows(workspace: Path) -> None:
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
    warnings = check_table(table, IN_ORDER)
    assert [warning.kind for warning in warnings] == ["drift"] * 2
    train = rows_of("train")
    for warning, subset, name in zip(
        warnings, ("valid", "test"), ("validation", "test"), strict=True
    ):
        rows = rows_of(subset)
        assert list(rows) == list(range(rows[0], rows[-1] + 1))
        town = abs((table["town"][train] == "x").mean() - (table["town"][rows] == "x").mean())
        numbers = {"day": order // 10, "slow": table["slow"], "y": table["y"]}
        expected = {"town": town} | {n: largest_gap(v[train], v[rows]) for n, v in numbers.items()}
        others = sorted(["slow", "town"], key=lambda n: -expected[n])
        assert warning.columns == ["day", "y", *others]
        assert warning.figures == pytest.approx(expected, abs=5e-5)
        columns = ", ".join(f"{column!r} ({expected[column]:.2f})" for column in warning.columns)
        assert warning.sentence == moved(columns, name)


def test_names_five_columns_and_counts_the_others(workspace: Path) -> None:
    rows = split_of(400)["test"]
    rng = np.random.default_rng(0)
    table: Table = {f"c{n}": rng.normal(size=400) for n in range(8)} | {"y": rng.normal(size=400)}
    table = move(table, rows, **{f"c{n}": 10 + rng.normal(size=100) for n in range(7)})
    (warning,) = check_table(table)
    assert warning.columns == [f"c{n}" for n in range(7)]
    five = ", ".join(f"'c{n}' (1.00)" for n in range(5))
    assert warning.sentence == moved(f"{five} and 2 more", "test")


@pytest.mark.parametrize(
    ("rows", "shift", "found"), [(400, 0.3, 0), (400, 2.0, 1), (8000, 0.5, 1), (8000, 0.2, 0)]
)
def test_warns_of_large_differences_that_are_not_due_to_chance(
    workspace: Path, rows: int, shift: float, found: int
) -> None:
    valid = split_of(rows)["valid"]
    rng = np.random.default_rng(0)
    table = {"c": rng.normal(size=rows), "y": rng.normal(size=rows)}
    warnings = check_table(move(table, valid, c=table["c"][valid] + shift))
    expected = [moved(f"'c' ({w.figures['c']:.2f})", "validation") for w in warnings]
    assert [warning.sentence for warning in warnings] == expected
    assert len(warnings) == found


def test_many_columns_need_a_larger_difference(workspace: Path) -> None:
    valid = split_of(400)["valid"]
    rng = np.random.default_rng(0)
    table: Table = {"c": rng.normal(size=400), "y": rng.normal(size=400)}
    table = move(table, valid, c=table["c"][valid] + 0.45)  # p = 0.00004
    assert [warning.columns for warning in check_table(table)] == [["c"]]
    table |= {f"c{number}": rng.normal(size=400) for number in range(38)}
    assert check_table(table) == []


def test_finds_values_that_are_missing_elsewhere(workspace: Path) -> None:
    subsets = split_of(2000)
    columns = clean(2000, 0)
    table: Table = {
        "age": np.where(np.arange(2000) % 10 == 0, np.nan, columns["age"]),
        "town": columns["town"].fillna("x"),
        "y": columns["price"],
    }
    table = move(table, subsets["test"][:200], age=np.nan)
    table = move(table, subsets["test"][100:300], town=None)
    frame = pd.DataFrame(table).isna()
    now, before = frame.loc[subsets["test"]].mean(), frame.loc[subsets["train"]].mean()
    (warning,) = check_table(table)
    assert (warning.kind, warning.columns) == ("drift", ["town", "age"])
    assert warning.figures == pytest.approx(dict((now - before)[["age", "town"]]), abs=5e-5)
    assert warning.sentence == (
        "values are missing more or less often in the test set than in the training set: 'town' in "
        f"{now['town']:.1%} of rows, not 0.0%, 'age' in {now['age']:.1%} of rows, not "
        f"{before['age']:.1%}; find the cause before you trust metrics of this set"
    )


def test_rare_categories_are_merged() -> None:
    rare = [f"rare {number}" for number in range(200)]
    known, now = pd.Series(["x"] * 700 + rare[:100]), pd.Series(["x"] * 100 + rare[100:])
    assert distance(known, now, risk=0.001) == pytest.approx(1 / 2 - 1 / 8)
    assert distance(pd.Series(rare[:100]), pd.Series(rare[100:]), risk=0.001) == 0.0


@pytest.mark.parametrize(("count", "found"), [(5, 0), (6, 1)])
def test_finds_categories_that_no_training_row_has(workspace: Path, count: int, found: int) -> None:
    rows = split_of(2000)["test"][:count]
    columns = clean(2000, 0)
    table = {"town": columns["town"], "new": columns["new"], "y": columns["price"]}
    warnings = check_table(move(table, rows, town=[f"new {n}" for n in range(count)]))
    assert [(w.kind, w.columns, w.figures) for w in warnings] == [
        ("drift", ["town"], {"rows": count, "of": 500})
    ] * found
    sentence = (
        "6 of 500 test rows (1.2%; up to 1% is ignored) have a 'town' that no training row has: "
        "networks treat all of them as one category; merge rare ones, or exclude the column"
    )
    assert [warning.sentence for warning in warnings] == [sentence] * found


def test_finds_classes_that_no_training_row_has(workspace: Path) -> None:
    y = np.repeat(["a", "b", "c"], [500, 260, 240])
    y[:760] = np.random.default_rng(0).permutation(y[:760])
    table = {"size": np.random.default_rng(0).normal(size=1000), "y": y}
    assert check_table(table, task="classification") == []
    warnings = check_table(table, IN_ORDER, task="classification")
    assert [warning.sentence for warning in warnings] == [
        moved("'y' (0.96)", "test"),
        "240 of 250 test rows (96.0%; up to 1% is ignored) have a 'y' that no training row has: "
        "no network can predict it; split at random (split.shuffle: true)",
    ]


def test_finds_images_of_other_brightness_and_classes(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 200, (600, 4, 4), np.uint8), rng.integers(0, 3, 600)
    images[450:] += 50
    labels[450:] = 2
    (warning,) = check_images(images, labels, IN_ORDER)
    train, test = rows_of("train"), rows_of("test")
    light = images.mean(axis=(1, 2))
    expected = {
        "mean brightness": largest_gap(light[train], light[test]),
        "label": (labels[train] != 2).mean(),
    }
    assert (warning.kind, warning.columns) == ("drift", ["mean brightness", "label"])
    assert warning.figures == pytest.approx(expected, abs=5e-5)
    columns = ", ".join(f"{column!r} ({expected[column]:.2f})" for column in expected)
    assert warning.sentence == moved(columns, "test")


@pytest.mark.parametrize(
    ("name", "metric"),
    [("same", "R² 1.000"), ("near", "R² 0.999"), ("code", "R² 0.999"), ("day", "R² 0.999")],
)
def test_finds_what_reveals_a_number(workspace: Path, name: str, metric: str) -> None:
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
    assert warning.sentence == giveaway(name, metric)
    assert list(warning.figures) == ["R²"]
    assert check_table(table, exclude=[name]) == []


def test_finds_columns_whose_sum_is_the_target(workspace: Path) -> None:
    rng = np.random.default_rng(5)
    parts = {name: rng.gamma(2, scale, 900).round(2) for name, scale in (("fare", 8), ("tip", 2))}
    parts["tolls"] = np.where(rng.random(900) < 0.3, 6.5, 0.0) + rng.gamma(1, 1, 900).round(2)
    others = {"miles": parts["fare"] / 3 + rng.normal(size=900), "noise": rng.normal(size=900)}
    table = others | parts | {"y": sum(parts.values()) - 0.5 * parts["tip"]}
    (warning,) = check_table(table)
    assert (warning.kind, sorted(warning.columns)) == ("combination", ["fare", "tip", "tolls"])
    assert warning.sentence == (
        "'y' is 'fare' + 'tolls' + 0.5 × 'tip' (R² 1.00000): exclude it with `fare: {use: false}` "
        "in dataset.columns, and the other columns that are not known before 'y'"
    )
    estimated = table["y"] + rng.normal(0, 1, 900)  # a formula that is true on average alone
    assert check_table(table | {"y": estimated}) == []


def test_finds_what_reveals_a_number_with_a_few_extreme_values(workspace: Path) -> None:
    y = np.exp(np.random.default_rng(3).normal(0, 2, 400))
    (warning,) = check_table({"total": y * 3 + 1, "y": y})
    assert warning.sentence == giveaway("total", "R² of ranks 0.999")


def test_a_strong_column_gives_no_warning(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=20_000)
    table = {"strong": y + rng.normal(0, 0.12, 20_000), "y": y}  # R² 0.986 at best
    assert check_table(table) == []


@pytest.mark.parametrize("name", ["missing", "note", "limit", "code"])
@pytest.mark.parametrize("rare", [0.02, 0.4])
def test_finds_what_reveals_a_class(workspace: Path, name: str, rare: float) -> None:
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
    found = [warning.sentence for warning in warnings if warning.kind == "giveaway"]
    assert found == [giveaway(name, "balanced accuracy 1.000")]


def test_finds_what_reveals_a_class_and_some_rows_of_another(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    sick = rng.random(8000) < 0.003
    flag = sick | (rng.random(8000) < 0.008)
    table = {"flag": flag, "size": rng.normal(size=8000), "y": np.where(sick, "yes", "no")}
    (warning,) = check_table(table, task="classification")
    assert (warning.kind, warning.columns) == ("giveaway", ["flag"])


def test_a_large_class_gives_no_warning(workspace: Path) -> None:
    y = np.where(np.random.default_rng(0).random(3000) < 0.003, "yes", "no")
    assert check_table({"size": np.arange(3000) % 50, "y": y}, task="classification") == []


def test_validation_rows_alone_give_no_warning(workspace: Path) -> None:
    valid = split_of(2000)["valid"]
    rng = np.random.default_rng(0)
    y = rng.normal(size=2000)
    hint = np.where(rng.random(2000) < 0.05, 0, y)
    assert check_table({"hint": hint, "y": y}) == []
    hint[valid] = y[valid]
    assert check_table({"hint": hint, "y": y}) == []
    assert [w.kind for w in check_table({"hint": y, "y": y})] == ["giveaway"]


def test_many_rows_give_the_same_warning_each_time(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=60_000)
    table = {"near": y + rng.normal(0, 0.08, 60_000), "y": y}
    first = check_table(table)
    before = Path("data/checks/made.json").read_bytes()
    assert [warning.sentence for warning in first] == [giveaway("near", "R² 0.993")]
    assert check_table(table) == first == Checks.read("made").warnings
    assert Path("data/checks/made.json").read_bytes() == before
