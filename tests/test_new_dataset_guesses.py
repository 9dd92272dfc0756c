"""What `fathom new-dataset` guesses of an unknown table: columns and target."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from own_tables import NUMBERS, RNG, UUIDS, WORDS, N, as_in_a_file, guess

from fathom.new_dataset.column_guess import Check, ColumnGuess
from fathom.new_dataset.infer_columns import infer_columns
from fathom.settings.yaml_text import column_entry

GUESSES = yaml.safe_load((ROOT / "tests/guesses.yaml").read_text())


def entry(column: ColumnGuess) -> str:
    return column_entry("x", column.declaration).removeprefix("x: ")


def only_check(column: ColumnGuess) -> tuple[str, str]:
    (check,) = column.checks
    assert check.column == "x"
    assert yaml.safe_load(check.change)["x"]["kind"]
    return check.evidence, check.change.removeprefix("x: ")


@pytest.mark.parametrize(("texts", "declaration"), GUESSES["declarations"])
def test_declarations(texts: list[str], declaration: str) -> None:
    assert entry(guess(texts * 40)) == declaration


@pytest.mark.parametrize(("texts", "evidence", "change"), GUESSES["checks"])
def test_checks(texts: list[str], evidence: str, change: str) -> None:
    assert only_check(guess(texts * 40)) == (evidence, change)


@pytest.mark.parametrize(("target", "name"), [("y", "categories"), ("x", "classes")])
def test_categories_that_differ_in_case(target: str, name: str) -> None:
    column = guess(["Yes", "no", "yes", "No", "yes"] * 40, target)
    (check,) = column.checks
    assert entry(column).startswith("{kind: category")
    assert check.change == "correct the file"
    assert check.evidence == (
        f"Yes in 40 rows and yes in 80 rows are read as different {name}, since they differ in "
        "case, like 1 more"
    )
    towns = guess(["New York", "Rome", "New\u00a0York", "Rome\u200b"] * 40, target)
    assert [check.evidence for check in towns.checks] == [
        f"New York in 40 rows and New York in 40 rows are read as different {name}, since they "
        "differ in blanks or hidden characters, like 1 more"
    ]
    missing = guess([*["n/a", "N/A"] * 10, *["a", "b"] * 40], "y")
    assert missing.checks == ()


def test_an_unknown_unit() -> None:
    codes = guess([f"{n}xx" for n in range(100, 100 + N)])
    assert entry(codes) == "{kind: integer, unit: xx}"
    assert only_check(codes) == ("100xx is read as a number with the unit xx", "{kind: text_id}")
    assert guess([f"{n} widgets" for n in range(N)]).checks == ()
    assert guess([f"{n:03d}.png" for n in range(N)]).kind != "number"


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["$85.00", "($1,100)"], [85, -1100]),
        (["1\u202f234,5", "\u22122"], [1234.5, -2]),
        (["1,2 %", "3\u00a0%"], [1.2, 3]),
        (["12,34,567", "-"], [1234567, np.nan]),
        (["1 day", "2 days"], [1, 2]),
        (["4.5/5", "-"], [4.5, np.nan]),
    ],
)
def test_values_are_those_that_stages_read(texts: list[str], values: list[float]) -> None:
    found = guess(texts * 40).values  # noqa: PD011
    assert found.head(2).tolist() == pytest.approx(values, nan_ok=True)


def test_another_column_proves_the_decimal_mark() -> None:
    rent = ["1.755", "1.895"] * 40
    column = guess(rent, size=["88,52", "93,17"] * 40)
    assert entry(column) == '{kind: integer, decimal: ",", thousands: "."}'
    assert only_check(column) == (
        "1.755 is read as 1755, because every point is followed by three digits and size uses a "
        "decimal comma",
        "{kind: number}",
    )
    assert entry(guess(rent, size=["88.52", "93.17"] * 40)) == "{kind: number}"
    assert not guess(rent, size=["88.52", "93.17"] * 40).checks
    assert only_check(guess([*rent, "920"], size=["88.52", "93.17", "7.5"] * 27)) == (
        "1.755 is read as 1.755, because size uses a decimal point",
        '{kind: number, decimal: ",", thousands: "."}',
    )
    sales = ["1,755", "1,895"] * 40
    assert entry(guess(sales, size=["88.5", "9.25"] * 40)) == '{kind: integer, thousands: ","}'
    assert entry(guess(sales, size=["88,5", "9,25"] * 40)) == '{kind: number, decimal: ","}'
    column = infer_columns(as_in_a_file(x=["1,5", "2,25"] * 40), decimal=",")[0]
    assert entry(column) == "{kind: number}"


def test_a_few_texts_among_numbers_are_mistakes() -> None:
    column = guess(["ten", "1,5", *map(str, NUMBERS[2:])])
    assert entry(column) == '{kind: number, missing: [ten, "1,5"]}'
    assert only_check(column) == (
        "ten (row 0), 1,5 (row 1): no number, and read as missing",
        "{kind: text}",
    )
    days = ["soon"] * 6 + [f"{1 + n % 28}/{1 + n // 28}/2020" for n in range(100)]
    assert only_check(guess(days))[0] == "soon (row 0): no date, and read as missing"
    days = ["soon", *(["31/01/2020", "30/01/2020"] * 100)[1:]]
    assert only_check(guess(days))[0] == "soon (row 0): no date, and read as missing"


def test_dates_and_numbers_of_several_formats_are_left_out_by_name() -> None:
    iso, german, months_first, days_first = (
        pd.date_range("2020-01-01", periods=100).strftime(form).tolist()
        for form in ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y")
    )
    decimals = [f"{n}{',' if n % 2 else '.'}5" for n in range(N)]
    for texts, why in {
        (*iso, *german): "dates of several formats: 2020-01-01 (row 0), 01.01.2020 (row 100)",
        (*months_first, *days_first): "dates of several formats: 01/13/2020 (row 12), 13/01/2020 "
        "(row 112)",
        tuple(f"{100 + n}/{60 + n % 40}" for n in range(N)): "2 numbers in each text, such as "
        "100/60: split the column",
        tuple(f"{n + 0.5} x {n % 7} x 2 mm" for n in range(N)): "3 numbers in each text, such as "
        "0.5 x 0 x 2 mm: split the column",
        (*decimals,): "numbers with decimal points and with commas: 0.5 (row 0), 1,5 (row 1)",
    }.items():
        column = guess([*texts])
        assert (entry(column), column.reason) == ("{kind: text}", why)
        assert column.checks == (Check("x", f"left out: {why}", "correct the file"),)
    assert "free text" in str(guess([f"{n}rd of May 2020" for n in range(N)]).reason)


def test_years_of_two_digits_that_may_be_past() -> None:
    (check,) = guess(["01.02.45", "31.12.71"] * 100).checks
    assert check.change == "correct the file"
    assert check.evidence == (
        "01.02.45 is read as 2045-02-01: write years with four digits, if they are not of the "
        "future"
    )
    assert not guess(["01.02.29", "31.12.71"] * 100).checks


def test_many_texts_among_numbers_leave_the_column_out() -> None:
    tickets = [str(n * 37) if n % 4 else f"A/5 {n}" for n in range(1, N)]
    column = guess(tickets)
    why = "49 of 199 values are no numbers: A/5 4 (row 3), A/5 8 (row 7), A/5 12 (row 11)"
    why += ", and 46 more"
    assert (entry(column), column.reason) == ("{kind: text}", why)
    assert column.checks == ()  # as categories, all would be rare
    assert only_check(guess([*tickets, *["1601"] * 13])) == (
        f"left out: {why.replace('199', '212')}",
        "{kind: category}",
    )
    departments = guess(["2A", *map(str, range(1, 30)), "2B"] * 40)
    assert entry(departments) == "{kind: category}"
    assert departments.evidence == "not all numbers: 2A (row 0), 2B (row 30)"
    assert guess(["136A", *map(str, range(100, 160))]).kind == "text"  # not in amperes


def test_one_text_among_many_numbers_stands_for_none() -> None:
    sizes = [f"{n}.5M" if n % 3 else "Varies with device" for n in range(1, N)]
    column = guess(sizes)
    assert entry(column) == "{kind: number, unit: M, missing: [Varies with device]}"
    assert only_check(column) == (
        "Varies with device (row 2): no number, and read as missing",
        "{kind: text}",
    )
    assert guess(sizes, "x").kind == "category"  # a target says so
    traces = guess(["<0.01" if n % 3 == 0 else "> 9" if n % 7 == 0 else f"0.{n}" for n in range(N)])
    assert entry(traces) == '{kind: number, missing: ["<0.01", "> 9"]}'
    read = "<0.01 (row 0), > 9 (row 7): no number, and read as missing"
    assert only_check(traces) == (read, "{kind: text}")
    assert guess(["<1", "1", "2", "3"] * 50).kind == "ordinal"


@pytest.mark.parametrize(
    ("texts", "evidence"),
    [
        (["85", "$920", "$5"], "such as $920"),
        (["1,234", "750"], "such as 1,234"),
        (["1.5", "?", "2.5"], "? in 40 rows"),
        (["1.5", "1.797e308"], "1.797e308 in 40 rows"),
        (["a", "NA"], "NA in 40 rows: a value"),
        (["02134", "12345"], "codes with leading zeros, such as 02134"),
        (["1.2.20", "31.1.20"], "years 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068"),
        (["2021-Q3", "2020-Q1"], "each quarter is read as its first day"),
        (
            ["2020-01-31T10:00:00+02:00", "2020-07-31T10:00:00Z"],
            "times with an offset become UTC; `zone: Europe/Berlin` makes them local",
        ),
    ],
)
def test_evidence(texts: list[str], evidence: str) -> None:
    assert guess(texts * 40).evidence == evidence


def test_texts_of_typed_sources() -> None:
    table = pd.DataFrame({"country": ["NA", "DE", "DE"] * 40, "size": ["1.5", "NA", "-"] * 40})
    assert [entry(column) for column in infer_columns(table, missing=())] == [
        "{kind: category}",
        '{kind: number, missing: [NA, "-"]}',
    ]


def test_typed_columns() -> None:
    table = pd.DataFrame(
        {
            "labels": [0.0, 1.0, 2.0, 1.0] * 50,
            "amounts": np.arange(N) / 4,
            "gaps": [1.0, None, 30.0, 400.0] * 50,
            "sentinel": [1.5, -9999.0, 2.25, 7.5] * 50,
            "limit": [1.25, 1.7976931348623157e308, 2.25, 7.5] * 50,
            "days": [20200131, 20200201] * 100,
            "flags": [True, False] * 100,
            "times": pd.date_range("2020-01-01", periods=N),
            "hours": [2020013110, 2020020123] * 100,
            "ends": [pd.Timestamp("9999-12-31"), *pd.date_range("2020-01-01", periods=3)] * 50,
        }
    )
    columns = infer_columns(table)
    assert [entry(column) for column in columns] == [
        "{kind: integer}",
        "{kind: number}",
        "{kind: integer}",
        '{kind: number, missing: ["-9999.0"]}',
        '{kind: number, missing: ["1.7976931348623157e+308"]}',
        '{kind: date, format: "%Y%m%d"}',
        "{kind: boolean}",
        "{kind: date}",
        '{kind: date, format: "%Y%m%d%H"}',
        '{kind: date, missing: [!!str "9999-12-31T00:00:00"]}',
    ]
    assert [column.missing for column in columns] == [0, 0, 50, 50, 50, 0, 0, 0, 0, 50]
    checks = [check for column in columns for check in column.checks]
    assert [check.change for check in checks] == ["sentinel: {kind: number}", "ends: {kind: date}"]
    assert checks[1].evidence == (
        "9999-12-31 in 50 rows is read as missing, because it is far from the others"
    )


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
        ("x", ["red"] * N, "constant: red"),
        ("x", ["red", None] * 100, None),
        ("x", ["2020-01-31", None] * 100, "one date: 2020-01-31"),
        ("x", [None] * N, "no value"),
        ("x", [1.5] * 3 + [None] * 197, "hardly a value: 3 in 200 rows"),
        ("zip", [f"{n:05d}" for n in range(N)], "codes with leading zeros, such as 00000"),
        ("id", [f"5.{n}E+17" for n in range(N)], "damaged by a spreadsheet: 5.0E+17"),
        ("x", [str(2**64 + n) for n in range(N)], f"codes of many digits, such as {2**64}"),
    ],
)
def test_exclusions(name: str, values: Any, reason: str | None) -> None:
    column = infer_columns(as_in_a_file(**{name: values}, y=NUMBERS))[0]
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
    table = as_in_a_file(a=NUMBERS, b=WORDS, c=NUMBERS, d=WORDS, e=-NUMBERS)
    reasons = [column.reason for column in infer_columns(table)]
    assert reasons == [None, None, "the same as a", "the same as b", None]
    reasons = [column.reason for column in infer_columns(table, target="c")]
    assert reasons == ["the same as c", None, None, "the same as b", None]
    table = pd.DataFrame({"a": [1.0, np.nan] * 20, "b": [1.0, 2.0] * 20, "c": [1.0, np.nan] * 20})
    assert infer_columns(table)[2].reason == "the same as a"
