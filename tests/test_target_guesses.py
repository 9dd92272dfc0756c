"""What `fathom new-dataset` guesses of a target: its task, and what there is to check."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from own_tables import NUMBERS, RNG, UUIDS, WORDS, N, as_in_a_file, guess
from test_new_dataset_guesses import GUESSES, entry, only_check

from fathom.base.errors import FathomError
from fathom.new_dataset.column_guess import ColumnGuess
from fathom.new_dataset.infer_columns import infer_columns
from fathom.new_dataset.infer_target import infer_target
from fathom.settings.yaml_text import column_entry


def test_two_classes_leave_nothing_to_check() -> None:
    for texts, missing in ((["ill", "nan"], ", missing: []"), (["+", "-"], "")):
        column = guess(texts * 40, "x")
        entry = column_entry("x", column.declaration)
        assert (entry, column.checks) == (f"x: {{kind: category{missing}}}", ())


def test_numbers_of_a_target_have_no_other_reading() -> None:
    for texts, evidence in (
        (["12 kg", "7"] * 40, "40 of 80 values have no kg, and are read as if they had it"),
        ([1.5, *range(40), "12..5"], "12..5 (row 41): no number, and read as missing"),
        (["12E5", "7", "9"] * 40, "12E5 is read as the number 1200000, not as a code"),
    ):
        (check,) = guess(texts, "x").checks
        assert (check.evidence, check.change) == (evidence, "correct the file")


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (WORDS, "classification"),
        ([True, False] * 100, "classification"),
        ([0, 1, 2, 3] * 50, "classification"),
        ([0, 1, None, 3] * 50, "classification"),
        ([1.0, 2.0, 3.0, 4.0] * 50, "classification"),
        ([1.0, 2.5, 3.0, 4.0] * 50, "regression"),
        (["$5", "$10", "$20"] * 50, "regression"),
        (["1,100", "750"] * 50 + ["2,300", "10"] * 5, "classification"),
        ([0.0, 1.0] * 100, "classification"),
        (["36 months", "60 months"] * 50, "classification"),
        (list(range(20)) * 2, "regression"),  # 2 rows each
        (RNG.integers(0, 100, N), "regression"),
        (NUMBERS, "regression"),
    ],
)
def test_task(values: Any, task: str) -> None:
    assert infer_target(guess(values, "x"), None).task == task


REGRESSION = "but regression needs numbers: choose --task classification or another column"
MANY = "has 200 different values in 200 rows, which are too many for classes"


@pytest.mark.parametrize(
    ("values", "task", "why"),
    [
        ([None] * N, None, "has a value in 0 rows; at least 20 are needed"),
        ([1, *[None] * 199], None, "has a value in 1 row; at least 20 are needed"),
        (["a"] * N, None, "is 'a' in all rows"),
        (["2020-1-31", "2020-2-1"] * 50, None, "holds dates: networks predict numbers or classes"),
        (WORDS, "regression", f"holds '{WORDS[0]}', {REGRESSION}"),
        (
            ["1", "2", "3+"] * 50,
            "regression",
            "is no column of numbers, but nearly: not all numbers: 3+ (row 2); correct it in the "
            "file, or choose --task classification",
        ),
        (
            np.array([*NUMBERS[1:], np.inf]),
            None,
            "is infinite in 1 row: correct these values or leave them empty",
        ),
        (UUIDS, None, MANY),
        (
            [f"{n} kg" if n % 2 else f"{n} g" for n in range(30)] * 3,
            None,
            "is no column of numbers, but nearly: several units: 0 g, 1 kg; correct it in the "
            "file, or choose --task classification",
        ),
        (
            ["Call for price", *(f"${n}.50" for n in range(100))] + ["Call for price"] * 9,
            None,
            "is no column of numbers, but nearly: not all numbers: Call for price (row 0); correct "
            "it in the file",
        ),
        (np.arange(N) / 7, "classification", f"{MANY}; choose --task regression"),
    ],
)
def test_targets_refused(values: Any, task: Any, why: str) -> None:
    column = guess(values, "x") if isinstance(values, list) else guess_typed(values)
    with pytest.raises(FathomError) as caught:
        infer_target(column, task)
    assert str(caught.value) == f"the target 'x' {why}"


def guess_typed(values: Any) -> ColumnGuess:
    return infer_columns(pd.DataFrame({"x": values}), "x")[0]


def test_notes_on_targets() -> None:
    table = as_in_a_file(x=[*"ab" * 40, *[None] * 120], y=[1, *[2] * 100, *[3] * 99], z=range(N))
    targets = [infer_target(column, None) for column in infer_columns(table)]
    assert targets[0].notes == ["x has no value in most rows, which are in no set"]
    assert targets[1].unsplittable == "class '1' has only 1 row"
    assert targets[2].notes == [
        "z would be excluded if it were not the target: 0, 1, 2 … like an identifier"
    ]


@pytest.mark.parametrize(("texts", "declaration", "evidence", "change"), GUESSES["targets"])
def test_classes_that_look_missing(
    texts: list[str], declaration: str, evidence: str, change: str
) -> None:
    column = guess(texts * 40, "x")
    assert entry(column) == declaration
    assert only_check(column) == (evidence, change)


def test_a_column_without_values_beside_the_target_is_excluded() -> None:
    half = [None] * 100
    table = as_in_a_file(
        never=[*NUMBERS[:100], *half],
        rarely=[*NUMBERS[:105], *half[:95]],
        y=[*half, *NUMBERS[100:]],
    )
    never, rarely, _ = infer_columns(table, "y")
    assert never.reason == "no value in the 100 rows with a target"
    assert rarely.reason == "hardly a value: 5 in the 100 rows with a target"
    assert [column.reason for column in infer_columns(table)] == [None] * 3
