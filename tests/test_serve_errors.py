"""`fathom serve`: each bad request gets one line and the right status, and the service goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from exports import HOUSES
from services import MAX_BYTES, MAX_ROWS, ROW, Served, error_of, instances, raw_rows

pytestmark = pytest.mark.usefixtures("in_exports")
pytest_plugins = ["services"]

EXAMPLE = 'an object such as {"instances": [...]} or {"inputs": ...}'
CORRECT = ": correct it, or give null for a missing value"
EITHER = "the body must have either instances (rows) or inputs (columns)"
TOO_LARGE = "the body is larger than 400000 bytes, the most allowed: send fewer rows at once"


def without(name: str) -> dict[str, float]:
    return {key: value for key, value in ROW.items() if key != name}


def columns_with(**others: Any) -> dict[str, Any]:
    return {name: [1.0, 2.0] for name in ROW} | others


def med_inc(value: str, why: str, row: int = 0) -> str:
    return f"row {row}: {value} in column 'MedInc' {why}{CORRECT}"


BAD: list[tuple[Any, str]] = [
    ("", f"the body is empty: send {EXAMPLE}"),
    ('{"instances": [', "the body is not JSON: Expecting value: line 1, column 16"),
    ("{}\n{}", "the body is not JSON: Extra data: line 2, column 1"),
    (b'{"instances": "\xff"}', "the body is not UTF-8 at byte 15"),
    ([ROW], f"the body must be {EXAMPLE}, not a list"),
    ("null", f"the body must be {EXAMPLE}, not null"),
    ('"x"', f"the body must be {EXAMPLE}, not a string"),
    ("1", f"the body must be {EXAMPLE}, not a number"),
    ('{"instances": [NaN]}', "NaN is not JSON: give null for a missing value"),
    ('{"inputs": -Infinity}', "-Infinity is not JSON: give null for a missing value"),
    ("[" * 100_000, "the body is nested too deeply"),
    ('{"instances": ' + "1" * 5000 + "}", "the body has a number of too many digits"),
    ('{"instances": [{"MedInc": 1, "MedInc": 2}]}', 'an object has the key "MedInc" twice'),
    ('{"instances": [{"MedInc": ":", "MedInc": 2}]}', 'an object has the key "MedInc" twice'),
    ('{"instances": [{"MedInc": {"a": 1, "a": 2}}]}', 'an object has the key "a" twice'),
    ('{"inputs": 1, "inputs": {}}', 'an object has the key "inputs" twice'),
    ({}, EITHER),
    ({"instances": [ROW], "inputs": {}}, EITHER),
    (
        {"instance": [ROW]},
        'the body must not have the key "instance"; did you mean instances?',
    ),
    (
        '{"\\ud800": 1}',
        'the body must not have the key "\ud800"; there are: inputs, instances, signature_name',
    ),
    (
        {"instances": [ROW], "signature_name": "classify"},
        'signature_name must be "serving_default", not "classify"',
    ),
    ({"instances": []}, "instances is empty: send at least one row"),
    ({"inputs": {name: [] for name in ROW}}, "inputs is empty: send at least one row"),
    (
        {"instances": ROW},
        "instances must be a list with one entry per row, not an object",
    ),
    (
        {"instances": [ROW, [1, 2]]},
        "row 1 must be an object of columns and values, not a list",
    ),
    (
        {"instances": [ROW, without("HouseAge") | {"houseage": 1}]},
        "row 1: the model has no column 'houseage'; did you mean HouseAge?",
    ),
    (
        {"instances": [ROW | {"id": 1}]},
        "row 0: the model has no column 'id'; there are: AveBedrms, AveOccup, AveRooms, HouseAge, "
        "Latitude, Longitude, MedInc, Population",
    ),
    (
        {"instances": [ROW, without("MedInc")]},
        "row 1: column 'MedInc' is missing: give null for a missing value",
    ),
    (
        {"inputs": {"MedInc": [1]}},
        "inputs: column 'HouseAge' (and 6 more) is missing: give null for a missing value",
    ),
    ({"inputs": [[1, 2]]}, "inputs must be an object of columns, not a list"),
    (
        {"inputs": columns_with(AveRooms=1)},
        "inputs: column 'AveRooms' must be a list of values, not a number",
    ),
    (
        {"inputs": columns_with(AveRooms=[1])},
        "inputs: column 'MedInc' has 2 values and 'AveRooms' has 1: give one value per row",
    ),
    ({"instances": [ROW, ROW | {"MedInc": "8.3"}]}, med_inc('"8.3"', "is not a number", row=1)),
    (
        {"instances": [ROW | {"MedInc": "ab" * 5000}]},
        med_inc(f'"{"ab" * 14}a … {"b" + "ab" * 14}"', "is not a number"),
    ),
    ({"inputs": columns_with(MedInc=[1, True])}, med_inc("true", "is not a number", row=1)),
    ({"instances": [ROW | {"MedInc": [1]}]}, med_inc("a list", "is not a number")),
    (
        json.dumps({"instances": [ROW]}).replace("3.5", "1e400", 1),
        med_inc("Infinity", "does not fit into 64 bits"),
    ),
    (
        {"instances": [ROW, ROW | {"MedInc": 10**309}]},
        med_inc(f"1{'0' * 29} … {'0' * 30}", "does not fit into 64 bits", row=1),
    ),
]


@pytest.mark.parametrize(("body", "error"), BAD, ids=range(len(BAD)))
def test_bad_requests(california: Served, body: Any, error: str) -> None:
    response = california.post(body)
    assert (error_of(response), response.status_code) == (error, 400)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            {"instances": [ROW] * (MAX_ROWS + 1)},
            "instances has 401 rows, more than the 400 allowed: send several requests",
        ),
        (
            {"inputs": dict.fromkeys(ROW, [1.5] * (MAX_ROWS + 1))},
            "inputs has 401 rows, more than the 400 allowed: send several requests",
        ),
        (b" " * (MAX_BYTES + 1), TOO_LARGE),
    ],
    ids=["rows", "columns", "bytes"],
)
def test_too_much(california: Served, body: Any, error: str) -> None:
    response = california.post(body)
    assert (error_of(response), response.status_code) == (error, 413)


def test_the_most_that_is_allowed(california: Served) -> None:
    body = json.dumps({"instances": [ROW] * MAX_ROWS})
    response = california.post(body.ljust(MAX_BYTES))
    assert (response.status_code, len(response.json()["predictions"])) == (200, MAX_ROWS)


def test_many_keys_of_which_one_is_double(digits: Served) -> None:
    """Two hundred thousand keys take a tenth of a second, minutes if each is compared with all."""
    keys = ",".join(f'"{number}":0' for number in [*range(200_000), 0])
    response = digits.post(f"{{{keys}}}")
    assert error_of(response) == 'an object has the key "0" twice'


def test_a_body_without_length_is_limited_too(california: Served) -> None:
    body = json.dumps({"instances": [ROW]}).encode()

    def chunks(spaces: int) -> Iterator[bytes]:
        yield body
        for _ in range(spaces // 1000):
            yield b" " * 1000

    assert california.client.post("/predict", content=chunks(2000)).status_code == 200
    response = california.client.post("/predict", content=chunks(10 * MAX_BYTES))
    assert (error_of(response), response.status_code) == (TOO_LARGE, 413)


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"Content-Type": "text/csv"}, 'the body must be application/json, not "text/csv"'),
        (
            {"Content-Type": "multipart/form-data; boundary=x"},
            'the body must be application/json, not "multipart/form-data"',
        ),
        ({"Content-Encoding": "gzip"}, 'the body must not be encoded: it is "gzip"'),
    ],
)
def test_other_content_types(california: Served, headers: dict[str, str], error: str) -> None:
    response = california.post({"instances": [ROW]}, headers=headers)
    assert (error_of(response), response.status_code) == (error, 415)


NO_MODEL = "there is no model 'mlp'; this service has 'wide_deep'"


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/predict", 405, "/predict takes POST, not GET"),
        ("DELETE", "/health", 405, "/health takes GET, not DELETE"),
        ("POST", "/v1/models/mlp:predict", 404, NO_MODEL),
        ("GET", "/v1/models/mlp", 404, NO_MODEL),
        ("GET", "/v1/models/mlp/metadata", 404, NO_MODEL),
        *(
            (
                "POST",
                path,
                404,
                f"there is no {path}: POST /predict predicts, GET /docs lists the rest",
            )
            for path in ("/", "/predict/", "/redoc", "/v1/models/wide_deep:classify")
        ),
    ],
)
def test_other_routes(california: Served, method: str, path: str, status: int, error: str) -> None:
    response = california.client.request(method, path)
    assert (error_of(response), response.status_code) == (error, status)


@pytest.mark.parametrize(
    ("column", "value", "error"),
    [
        ("town", 5, "5 in column 'town' is not a string"),
        ("with pool", 1, "1 in column 'with pool' is not true, false or a string"),
        ("with pool", "yes", "\"yes\" in column 'with pool' is neither true nor false"),
        ("sold", 1.5, "1.5 in column 'sold' is not a date"),
        ("town", "\ud800", "\"\ud800\" in column 'town' is not Unicode text"),
        ("sold", "\udfff", "\"\udfff\" in column 'sold' is not Unicode text"),
    ],
)
def test_values_of_other_types(houses: Served, column: str, value: Any, error: str) -> None:
    row = instances(raw_rows(HOUSES, 1))[0] | {column: value}
    response = houses.post({"instances": [row]})
    assert (error_of(response), response.status_code) == (f"row 0: {error}{CORRECT}", 400)


def test_dates_have_the_errors_of_fathom_predict(houses: Served) -> None:
    row = instances(raw_rows(HOUSES, 1))[0] | {"sold": "yesterday"}
    response = houses.post({"instances": [row]})
    assert (error_of(response), response.status_code) == (
        "column 'sold' holds 'yesterday' in row 0, which is no date of the format 'ISO8601': "
        "correct it, or give null if it is not known",
        400,
    )
