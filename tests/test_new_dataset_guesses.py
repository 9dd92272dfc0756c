"""What `fathom new-dataset` guesses of an unknown table: columns and target."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from own_tables import NUMBERS, RNG, UUIDS, WORDS, N

from fathom.base.errors import FathomError
from fathom.download.table_files import read_table_file
from fathom.new_dataset.column_guess import ColumnGuess
from fathom.new_dataset.infer_columns import find_markers, infer_columns
from fathom.new_dataset.infer_target import infer_target

GUESSES = yaml.safe_load((ROOT / "tests/guesses.yaml").read_text())


def guess(values: Any) -> ColumnGuess:
    return infer_columns(pd.DataFrame({"x": values}))[0]


def read(folder: Path, **columns: Any) -> pd.DataFrame:
    """Return columns as they are read from a CSV file."""
    pd.DataFrame(columns).to_csv(folder / "t.csv", index=False)
    return read_table_file(folder / "t.csv")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (NUMBERS, "number"),
        ([None] * N, "number"),
        (RNG.integers(0, 1000, N), "integer"),
        (WORDS, "category"),
        (["2020", "1", "n. Chr."] + ["x", "y", "z"] * 50, "category"),
        ([f"note number {n}" for n in range(N)], "text"),
        *((values * 50, kind) for kind, columns in GUESSES["kinds"].items() for values in columns),
    ],
)
def test_kinds(tmp_path: Path, values: Any, kind: str) -> None:
    table = read(tmp_path, x=values, y=range(len(values)))
    assert infer_columns(table)[0].kind == kind


@pytest.mark.parametrize(("values", "form", "other"), GUESSES["dates"])
def test_dates(tmp_path: Path, values: list[Any], form: str | None, other: str | None) -> None:
    found = infer_columns(read(tmp_path, x=values * 20, y=range(len(values) * 20)))[0]
    assert (found.kind, found.date_format, found.other_format) == ("date", form, other)


def test_sorted_dates() -> None:
    days = pd.Series(pd.date_range("2020-01-01", periods=40).strftime("%d.%m.%Y"))
    assert guess(days).ascending
    assert not guess(days[::-1]).ascending


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("x", list(range(N)), "0, 1, 2 … like an identifier"),
        ("x", list(RNG.permutation(N) + 1), "like an identifier"),
        ("x", [n + n // 9 for n in range(N)], "0, 1, 2 … in order, like an identifier"),
        ("year", list(range(1900, 1900 + N)), None),
        ("x", [n * n for n in range(N)], None),
        ("customerId", [n * n for n in range(N)], "an identifier by its name and values"),
        ("order_id", [n // 2 * 7 for n in range(N)], None),
        ("x", UUIDS, "UUIDs"),
        ("x", [f"k{n}" for n in range(N)], "200 different texts in 200 rows, like an identifier"),
        ("x", [f"a note, {n}" for n in range(N)], "free text: 200 different texts in 200 rows"),
        ("x", [f"${n},000" for n in range(N)], "numbers with units or other marks, such as $0,000"),
        ("x", ["red"] * N, "constant: red"),
        ("x", ["red", None] * 100, None),
        ("x", ["2020-01-31", None] * 100, "one date: 2020-01-31"),
        ("x", [None] * N, "no value"),
        ("x", [1.5] * 3 + [None] * 197, "hardly a value: 3 in 200 rows"),
        ("x", [*NUMBERS[:-2], np.inf, -np.inf], "infinite in 2 rows"),
    ],
)
def test_exclusions(tmp_path: Path, name: str, values: Any, reason: str | None) -> None:
    column = infer_columns(read(tmp_path, **{name: values}, y=NUMBERS))[0]
    assert (column.reason or "").endswith(reason or "")
    assert (column.reason is None) == (reason is None)


def test_rare_texts_of_a_large_table() -> None:
    reason = "different texts in {:,} rows, most of them rare"
    names = guess([f"name {n // 2}" for n in range(1000)])
    assert names.reason == f"500 {reason.format(1000)}"
    towns = guess([f"town {n % 50}" for n in range(500)])
    assert towns.reason == f"50 {reason.format(500)}"
    assert guess([f"city {n % 150}" for n in range(3000)]).reason is None


def test_duplicate_columns() -> None:
    table = pd.DataFrame({"a": NUMBERS, "b": WORDS, "c": NUMBERS, "d": WORDS, "e": -NUMBERS})
    reasons = [column.reason for column in infer_columns(table)]
    assert reasons == [None, None, "the same as a", "the same as b", None]
    reasons = [column.reason for column in infer_columns(table, target="c")]
    assert reasons == ["the same as c", None, None, "the same as b", None]
    table = pd.DataFrame({"a": [1.0, np.nan] * 20, "b": [1.0, 2.0] * 20, "c": [1.0, np.nan] * 20})
    assert infer_columns(table)[2].reason == "the same as a"


def test_texts_among_numbers_and_dates(tmp_path: Path) -> None:
    numbers = [str(number) for number in NUMBERS]
    table = read(
        tmp_path,
        marked=["?", "Unknown", *numbers[2:]],
        slipped=[*numbers[:7], "1,5", *numbers[8:]],
        both=["-", "ten", *numbers[2:]],
        choice=["1", "2", "3+", "?"] * 50,
        day=["n.a.", *(["31/01/2020", "30/01/2020"] * 100)[1:]],
    )
    marked, slipped, both, choice, day = columns = infer_columns(table)
    assert [c.kind for c in columns] == ["number", "number", "number", "category", "date"]
    assert marked.invalid == {"?": 0, "Unknown": 1}
    assert slipped.invalid == {"1,5": 7}
    assert both.invalid == {"-": 0, "ten": 1}
    assert choice.mixed
    assert choice.reason is None
    assert (day.invalid, day.date_format) == ({"n.a.": 0}, "%d/%m/%Y")
    assert find_markers(columns) == ["-", "?", "Unknown", "n.a."]


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (WORDS, "classification"),
        ([True, False] * 100, "classification"),
        ([0, 1, 2, 3] * 50, "classification"),
        ([0, 1, None, 3] * 50, "classification"),
        ([1.0, 2.0, 3.0, 4.0] * 50, "regression"),
        ([0.0, 1.0] * 100, "classification"),
        (list(range(20)) * 2, "regression"),  # 2 rows each
        (RNG.integers(0, 100, N), "regression"),
        (NUMBERS, "regression"),
    ],
)
def test_task(tmp_path: Path, values: Any, task: str) -> None:
    table = read(tmp_path, x=values, y=range(len(values)))
    assert infer_target(table, infer_columns(table)[0], None).task == task


REGRESSION = "but regression needs numbers: choose --task classification or another column"
MANY = "has 200 different values in 200 rows, which are too many for classes"


@pytest.mark.parametrize(
    ("values", "task", "why"),
    [
        ([None] * N, None, "has a value in 0 rows; at least 20 are needed"),
        ([1, *[None] * 199], None, "has a value in 1 rows; at least 20 are needed"),
        (["a"] * N, None, "is 'a' in all rows"),
        (["2020-1-31", "2020-2-1"] * 50, None, "holds dates: networks predict numbers or classes"),
        (WORDS, "regression", f"holds '{WORDS[0]}', {REGRESSION}"),
        (["1", "2", "3+"] * 50, "regression", f"holds '3+', {REGRESSION}"),
        (
            [*NUMBERS[1:], np.inf],
            None,
            "is infinite in 1 rows: correct these values or leave them empty",
        ),
        (UUIDS, None, MANY),
        (np.arange(N) / 7, "classification", f"{MANY}; choose --task regression"),
    ],
)
def test_targets_refused(tmp_path: Path, values: Any, task: Any, why: str) -> None:
    table = read(tmp_path, x=values, y=range(len(values)))
    with pytest.raises(FathomError) as caught:
        infer_target(table, infer_columns(table)[0], task)
    assert str(caught.value) == f"the target 'x' {why}"


def test_notes_on_targets(tmp_path: Path) -> None:
    table = read(tmp_path, x=[*"ab" * 40, *[None] * 120], y=[1, *[2] * 100, *[3] * 99], z=range(N))
    targets = [infer_target(table, column, None) for column in infer_columns(table)]
    assert targets[0].notes == ["x has no value in most rows, which are in no set"]
    assert targets[1].unsplittable == "class '1' has only 1 row"
    assert targets[2].notes == [
        "z would be excluded if it were not the target: 0, 1, 2 … like an identifier"
    ]
