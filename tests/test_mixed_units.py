"""Numbers in mixed units, such as 2:19:21 and 5'10"."""

import math

import pyarrow as pa
import pytest

from fathom.download.mixed_units import parse_mixed_units


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("h:mm:ss", {"2:19:21": 8361, "59:30": 3570, "1 day, 0:00:01": 86401, "-0:30": -30}),
        ("h:mm:ss", {"0 days 00:00:01.5": 1.5}),
        ("m:ss", {"1:23,456": 83.456}),
        ("h:mm", {"36:15": 2175, "7:05": 425, "7:65": None}),
        ("1h 30m", {"1h 30m": 90, "2 days, 5 hrs": 3180, "-40min": -40, "PT1H30M": 90}),
        ("1h 30m", {"1小时30分钟": 90, "1 Std. 5 Min.": 65, "soon": None, "": None}),
        ("1h 30m 5s", {"3m45s": 225, "1.5 s": 1.5, "PT1H0.25S": 3600.25}),
        ("5'10\"", {"5'10\"": 70, "6′": 72, "5 ft 7.5 in": 67.5, '70"': 70, "5'100": None}),
        ("5-10", {"6-2": 74, "5-11.5": 71.5, "6-12": None}),
        ("11st 4lb", {"11st 4lb": 158, "9 stone": 126, "10st 7": 147}),
        ("7lb 8oz", {"7lb 8oz": 120, "6 lbs": 96}),
        ("40°26'46\"N", {"40°26'46.5\"N": 40.44625, "33.87° S": -33.87, "W 70° 30′": -70.5}),
        ("40°26'46\"N", {"-5": -5, "10.33E": 10.33, "north": None}),
    ],
)
def test_numbers_in_mixed_units(form: str, values: dict[str, float | None]) -> None:
    parsed = parse_mixed_units(pa.chunked_array([list(values)]), form).to_pylist()
    for number, expected in zip(parsed, values.values(), strict=True):
        if expected is None:
            assert number is None
        else:
            assert math.isclose(number, expected)
