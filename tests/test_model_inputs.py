"""Raw columns as a model takes them, and values that training did not see."""

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from trainings import refusal

from fathom.artifacts.problem import Output
from fathom.artifacts.signature import InputColumn, InputKind, Signature, declare
from fathom.predict.model_inputs import model_inputs
from fathom.predict.predict import Counts, write_csv
from fathom.predict.prediction_columns import UNUSUAL, find_unusual, prediction_table
from fathom.serve.json_columns import table_inputs
from fathom.serve.openapi import column_schema
from fathom.serve.request_error import RequestError
from fathom.serve.service import encode_response
from fathom.settings.column_settings import ColumnSettings

NAN = float("nan")


def signature(*columns: InputColumn) -> Signature:
    return Signature(
        dataset="d", model="m", kind="table", columns=list(columns), image=None, missing=["?"],
        outputs={}, interval=None, formats={}, versions={},
    )  # fmt: skip


def column(kind: InputKind, declaration: Any = None, **facts: Any) -> InputColumn:
    """Return a column `x`; without a declaration, that of a column that has none."""
    values = {"name": "x", "input": "x", "kind": kind, "missing": False} | facts
    if declaration is None:
        declared = declare(kind, facts.get("categories"), None)
    else:
        declared = ColumnSettings(**declaration)
    return InputColumn(**values, declaration=declared)


def read(values: list[Any], *arguments: Any, **facts: Any) -> list[Any]:
    """Return what the model gets for raw values of a column."""
    takes = signature(column(*arguments, **facts))
    return list(model_inputs({"x": pd.Series(values)}, takes, first=10)["x"])


MONEY = {"kind": "number", "thousands": ",", "unit": "$", "parentheses": True}
GERMAN = {"kind": "number", "decimal": ",", "thousands": "."}
LEVELS = {"kind": "ordinal", "order": ["low", "medium", "high"]}
BERLIN = {"kind": "date", "format": "ISO8601", "zone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("values", "kind", "declaration", "wanted"),
    [
        (["$1,100", "(20.5)", "-3", "NA", "?", ""], "number", MONEY, [1100, -20.5, -3] + [NAN] * 3),
        (["1.234,56", "2.944", "920"], "number", GERMAN, [1234.56, 2944, 920]),
        (["33%", "5 %"], "number", {"kind": "number", "unit": "%"}, [33, 5]),
        (["7", "-9999", " 8 "], "number", {"kind": "integer", "missing": ["-9999"]}, [7, NAN, 8]),
        ([7.0, -9999.0, 8.5], "number", {"kind": "number", "missing": ["-9999"]}, [7, NAN, 8.5]),
        (["02134", "2134", "N/A"], "text", {"kind": "category"}, ["02134", "2134", ""]),
        (["NA", "-", ""], "text", {"kind": "category", "missing": ["-"]}, ["NA", "", ""]),
        (["true", "FALSE", None, "?"], "text", {"kind": "boolean"}, ["True", "False", "", ""]),
        ([True, False], "text", {"kind": "boolean"}, ["True", "False"]),
        (["high", "low", "?"], "text", LEVELS, ["high", "low", ""]),
        ([2, 1], "text", LEVELS | {"order": ["1", "2"]}, ["2", "1"]),
        (["1970-01-01T03:00:00+02:00", "1970-01-01 02:00"], "date", BERLIN, [7200, 7200]),
        ([19700102, 19700101], "date", {"kind": "date", "format": "%Y%m%d"}, [86_400, 0]),
        (["02.01.1970", None], "date", {"kind": "date", "format": "%d.%m.%Y"}, [86_400, NAN]),
        (["2. Jän. 1970", ""], "date",
         {"kind": "date", "format": "%d. %B %Y", "language": "de"}, [86_400, NAN]),
        (["1673936846", "?"], "date", {"kind": "date", "format": "unix seconds"},
         [1_673_936_846, NAN]),
    ],
)  # fmt: skip
def test_new_rows_are_read_as_declared(
    values: list[Any], kind: InputKind, declaration: dict[str, Any], wanted: list[Any]
) -> None:
    found = read(values, kind, declaration)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("values", "kind", "declaration", "held"),
    [
        (
            ["5", "€5"], "number", MONEY,
            "'€5' in row 11, which is no number (thousands: ',', unit: '$', parentheses: True)",
        ),
        (
            ["1,5", "1.5"], "number", GERMAN,
            "'1.5' in row 11, which is no number (decimal: ',', thousands: '.')",
        ),
        ([1.0, 2.5], "number", {"kind": "integer"}, "2.5 in row 11, which is no whole number"),
        (
            ["low", "Low"], "text", LEVELS,
            "'Low' in row 11, which is not in its order low < medium < high",
        ),
        (
            ["true", "maybe"], "text", {"kind": "boolean"},
            "'maybe' in row 11, which is neither true nor false",
        ),
        (
            ["1999", "soon"], "date", {"kind": "date", "format": "%Y"},
            "'soon' in row 11, which is no date of the format '%Y'",
        ),
    ],
)  # fmt: skip
def test_values_that_contradict_the_declaration_are_named(
    values: list[Any], kind: InputKind, declaration: dict[str, Any], held: str
) -> None:
    message = f"column 'x' holds {held}: correct it, or leave it empty if it is not known"
    assert refusal(read, values, kind, declaration) == message


def test_another_decimal_mark_has_an_option() -> None:
    takes = signature(column("number", {"kind": "number", "decimal": "."}))
    assert refusal(model_inputs, {"x": pd.Series(["1,5"])}, takes, 0, ",") == (
        "column 'x' holds '1,5' in row 0, which is no number (decimal: '.'): correct it, or leave "
        "it empty if it is not known; if the file has decimal commas, add `--decimal ,`"
    )
    takes = signature(column("number", {"kind": "number", "decimal": ","}))
    assert refusal(model_inputs, {"x": pd.Series(["1.5"])}, takes, 0, ".") == (
        "column 'x' holds '1.5' in row 0, which is no number (decimal: ','): correct it, or leave "
        "it empty if it is not known; if the file has decimal points, add `--decimal .`"
    )


@pytest.mark.parametrize(
    ("value", "kind", "found"), [(pd.Timestamp(0), "number", "dates"), (True, "date", "booleans")]
)
def test_typed_values_of_another_kind(value: Any, kind: InputKind, found: str) -> None:
    message = f"column 'x' holds {found}, but the model takes {kind}s"
    assert refusal(read, [value], kind) == message


def test_zip_codes_are_no_numbers() -> None:
    assert read(["2134", "02134"], "text", categories=["02134"]) == ["2134", "02134"]
    assert refusal(lambda: read([2134], "text", categories=["02134"])) == (
        "column 'x' holds numbers, but the model takes texts such as '02134', with their zeros"
    )
    assert read([2134], "text", categories=["2134"]) == ["2134"]
    assert read([None, None], "text", categories=["02134"]) == ["", ""]


def test_a_text_that_training_knows_stands_for_itself() -> None:
    """Tables of packages may have such categories; in a CSV file they need `missing`."""
    assert read(["None", " a", "NA", " b"], "text", categories=["None", " a"]) == [
        "None",
        " a",
        "",
        "b",
    ]


def test_an_infinite_number_is_shown_without_its_type() -> None:
    values = pd.Series([np.float64(1.5), np.float64(np.inf)], dtype=object)
    takes = signature(column("number", {"kind": "number"}))
    assert refusal(model_inputs, {"x": values}, takes) == (
        "column 'x' holds inf in row 1, which is not finite: correct it, or leave it empty if it "
        "is not known"
    )


def test_dates_are_days_and_whole_seconds_to_the_model() -> None:
    seconds = np.array([86_400.0 * 20_000 + 59.9999, -1.0, NAN])
    timed = column("date", time_input="t")
    found = timed.tensors(seconds)
    np.testing.assert_array_equal(found["x"], np.array([20_000, -1, NAN], np.float32))
    np.testing.assert_array_equal(found["t"], np.array([59, 86_399, NAN], np.float32))
    assert list(column("date").tensors(seconds)) == ["x"]


@pytest.mark.parametrize(
    ("values", "kind", "declaration", "wanted"),
    [
        (["02134", " NA ", None, "?"], "text", {"kind": "category"}, ["02134", "", "", ""]),
        (["NA", "-"], "text", {"kind": "category", "missing": ["-"]}, ["NA", ""]),
        ([True, "FALSE", None], "text", {"kind": "boolean"}, ["True", "False", ""]),
        (["high", None], "text", LEVELS, ["high", ""]),
        ([3, 4.0, None], "number", {"kind": "integer"}, [3, 4, NAN]),
        (["1970-01-01T03:00:00+02:00", None], "date", BERLIN, [7200, NAN]),
        ([19700102, "19700101"], "date", {"kind": "date", "format": "%Y%m%d"}, [86_400, 0]),
        (
            [1_673_936_846_000, "0"],
            "date",
            {"kind": "date", "format": "unix milliseconds"},
            [1_673_936_846, 0],
        ),
    ],
)
def test_json_is_read_as_declared(
    values: list[Any], kind: InputKind, declaration: dict[str, Any], wanted: list[Any]
) -> None:
    found = table_inputs({"x": values}, signature(column(kind, declaration)))["x"]
    np.testing.assert_array_equal(list(found), wanted)


def test_codes_in_json_are_texts_or_whole_numbers() -> None:
    takes = signature(column("text", categories=["20200131", "7"]))
    assert list(table_inputs({"x": [20_200_131, "7", None]}, takes)["x"]) == ["20200131", "7", ""]
    with pytest.raises(RequestError, match=r"row 0: 7 in column 'x' is not a string"):
        table_inputs({"x": [7]}, signature(column("text", categories=["007"])))


@pytest.mark.parametrize(
    ("value", "kind", "declaration", "why"),
    [
        (2134, "text", {"kind": "category"}, "2134 in column 'x' is not a string"),
        ("$1,100", "number", MONEY, "\"$1,100\" in column 'x' is not a number"),
        (1.5, "number", {"kind": "integer"}, "1.5 in column 'x' is not a whole number"),
        ("Low", "text", LEVELS, "\"Low\" in column 'x' is not in its order low < medium < high"),
        ("", "text", LEVELS, "\"\" in column 'x' is not in its order low < medium < high"),
        ("yes", "text", {"kind": "boolean"}, "\"yes\" in column 'x' is neither true nor false"),
    ],
)
def test_json_that_contradicts_the_declaration_is_refused(
    value: Any, kind: InputKind, declaration: dict[str, Any], why: str
) -> None:
    takes = signature(column(kind, declaration))
    with pytest.raises(RequestError) as refused:
        table_inputs({"x": [None, value]}, takes)
    assert refused.value.reason == (f"row 1: {why}: correct it, or give null for a missing value")


def test_the_schema_of_requests_has_orders_units_and_zones() -> None:
    assert column_schema(column("text", LEVELS)) == {"enum": ["low", "medium", "high", None]}
    assert column_schema(column("number", MONEY, low=0, high=9)) == {
        "type": ["number", "null"],
        "description": "in $, from 0 to 9 in the training set",
    }
    zone = column_schema(column("date", BERLIN, low=0, high=86_400))["description"]
    assert zone.startswith("a date of the format ISO8601 on the clock of Europe/Berlin, from 1970")


def test_a_class_called_none_or_na_keeps_its_name() -> None:
    output = Output(column="y", task="classification", classes=["NA", "None", "x"])
    takes = signature().model_copy(update={"outputs": {"main_output": output}})
    table = prediction_table({"main_output": np.eye(3)}, takes)
    file = io.StringIO()
    block = pa.table({name: pa.array(table[name]) for name in table})
    write_csv(file, iter([block]), Counts())
    rows = [line.split(",")[0] for line in file.getvalue().splitlines()]
    assert rows == ["predicted", "NA", "None", "x"]
    texts = {"predicted": table["predicted"].to_numpy(object), UNUSUAL: np.full(3, "", object)}
    assert json.loads(encode_response(texts, "inputs")) == {
        "outputs": {"predicted": ["NA", "None", "x"]}
    }


def test_unusual_rows_say_why() -> None:
    takes = signature(
        column("number", name="n", input="n", low=0, high=2.5),
        column("number", name="k", input="k", categories=["1", "2"], missing=True),
        column("text", name="t", input="t", categories=["x"]),
        column("date", name="d", input="d", low=0, high=86_400),
    )
    inputs = {
        "n": np.array([0.0, -1.0, 3.0, NAN]),
        "k": np.array([1.0, NAN, 3.0, 2.0]),
        "t": np.array(["x", "y", "", "x"], dtype=object),
        "d": np.array([0.0, 86_400.0, -1.0, 86_401.0]),
    }
    assert list(find_unusual(inputs, takes)) == [
        "",
        "n below 0; t not seen in training",
        "n above 2.5; k not seen in training; t missing; d below 1970-01-01 00:00:00",
        "n missing; d above 1970-01-02 00:00:00",
    ]
