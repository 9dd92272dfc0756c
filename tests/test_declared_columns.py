"""Columns are read as declared, and values that contradict their declaration are refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from own_files import write
from pydantic import ValidationError

from fathom.base.errors import FathomError
from fathom.download.declared_columns import convert_table
from fathom.download.download import download
from fathom.settings.column_settings import ColumnSettings
from fathom.settings.compose import compose
from fathom.settings.config import DatasetConfig

NAN = float("nan")


def refusal(texts: list[Any], **entry: Any) -> str:
    with pytest.raises(FathomError) as refused:
        convert(texts, **entry)
    return str(refused.value)


def convert(texts: list[Any], **entry: Any) -> pd.Series[Any]:
    values = texts if not all(isinstance(t, str) for t in texts) else pd.Series(texts, dtype="str")
    table = convert_table(pd.DataFrame({"a": values}), {"a": ColumnSettings(**entry)}, "f.csv")
    return table["a"]


@pytest.mark.parametrize(
    ("texts", "entry", "expected"),
    [
        (["$1,100.50", "-$5", "$-5", "", "7"], {"thousands": ",", "unit": "$"},
         [1100.5, -5, -5, NAN, 7]),
        (["33%", "4 %", "NA"], {"unit": "%"}, [33, 4, NAN]),
        (["(1,200)", "12,34,567", " 5 "], {"thousands": ",", "parentheses": True},
         [-1200, 1234567, 5]),
        (["1.234,50- €", "(5 €)", "\u20137,5", "3"],
         {"thousands": ".", "decimal": ",", "unit": "€", "parentheses": True},
         [-1234.5, -5, -7.5, 3]),
        (["1.234,56", "920", "2.944"], {"thousands": ".", "decimal": ","}, [1234.56, 920, 2944]),
        (["1 234", "1\u202f234,5", "1\u00a0234\u2009567", "\u22125"],
         {"thousands": " ", "decimal": ","}, [1234, 1234.5, 1234567, -5]),
        (["1'234.5", "1\u2019234"], {"thousands": "'"}, [1234.5, 1234]),
        (["12 kg", "kg 3", ".5kg", "1e3"], {"unit": "kg"}, [12, 3, 0.5, 1000]),
        (["€1.5M", "€600K", "€0", "€1,200k", "-€2B"],
         {"unit": "€", "magnitudes": True, "thousands": ","}, [1.5e6, 6e5, 0, 1.2e6, -2e9]),
        (["1.2 Cr", "85 Lac", "9.5 lakhs"], {"magnitudes": True}, [1.2e7, 8.5e6, 9.5e5]),
        (["1,5 Mio. €", "600 Tsd. €"], {"unit": "€", "magnitudes": True, "decimal": ","},
         [1.5e6, 6e5]),
        (["2:19:21", "59:30", "1 day, 0:00:01", "0 days 00:00:01.5", "-0:30", ""],
         {"format": "h:mm:ss"}, [8361, 3570, 86401, 1.5, -30, NAN]),
        (["1:23,456", "DNF"], {"format": "m:ss", "missing": ["DNF"]}, [83.456, NAN]),
        (["1.5亿", "3万", "20"], {"magnitudes": True}, [1.5e8, 3e4, 20]),
        (["1", "-9999", "na"], {"missing": ["-9999", "na"]}, [1, NAN, NAN]),
        (["1", "-9999.0", "1E39"], {"missing": ["-9999", "1e+39"]}, [1, NAN, NAN]),
        ([1.5, -9999.0], {"missing": ["-9999"]}, [1.5, NAN]),
    ],
)  # fmt: skip
def test_numbers(texts: list[Any], entry: dict[str, Any], expected: list[float]) -> None:
    pd.testing.assert_series_equal(
        convert(texts, kind="number", **entry), pd.Series(expected, name="a", dtype="float64")
    )


@pytest.mark.parametrize(
    ("texts", "entry", "expected"),
    [
        (["3", "4.0", "-5"], {"kind": "integer"}, [3, 4, -5]),
        (["3", ""], {"kind": "integer"}, [3.0, NAN]),
        (["99999999999999999999"], {"kind": "integer"}, [1e20]),
        (["02134", "2134", "NA", ""], {"kind": "category", "missing": []},
         ["02134", "2134", "NA", NAN]),
        (["02134", "NA"], {"kind": "category"}, ["02134", NAN]),
        ([2, 3], {"kind": "category"}, [2, 3]),
        (["true", "FALSE", ""], {"kind": "boolean"}, ["True", "False", NAN]),
        (["S", "L", ""], {"kind": "ordinal", "order": ["S", "L"]}, ["S", "L", NAN]),
        ([1, 2], {"kind": "ordinal", "order": ["1", "2"]}, ["1", "2"]),
    ],
)  # fmt: skip
def test_other_kinds(texts: list[Any], entry: dict[str, Any], expected: list[Any]) -> None:
    is_text = any(isinstance(value, str) for value in expected)
    dtype: Any = "str" if is_text else None
    pd.testing.assert_series_equal(
        convert(texts, **entry), pd.Series(expected, name="a", dtype=dtype)
    )


@pytest.mark.parametrize(
    ("texts", "entry", "expected"),
    [
        (["31.12.2020", "1.1.2021"], {"format": "%d.%m.%Y"}, ["2020-12-31", "2021-01-01"]),
        ([20200131, 20200201], {"format": "%Y%m%d"}, ["2020-01-31", "2020-02-01"]),
        ([pd.Timestamp("2020-01-31"), pd.Timestamp("9999-12-31")], {"missing": ["9999-12-31"]},
         ["2020-01-31", None]),
        (["20200131.0", ""], {"format": "%Y%m%d.0"}, ["2020-01-31", None]),
        (["2020-01-31 01:00 +0200", "2020-07-31 01:00 +0000"], {"format": "%Y-%m-%d %H:%M %z"},
         ["2020-01-30 23:00", "2020-07-31 01:00"]),
        (["2020-01-01T10:00:00Z", "2020-06-01T10:00:00+04:00", "2020-01-01 10:00", "2020-01-05"],
         {"zone": "Europe/Berlin"},
         ["2020-01-01 11:00", "2020-06-01 08:00", "2020-01-01 10:00", "2020-01-05"]),
        (["31/12/2020 10:00"], {"format": "%d/%m/%Y %H:%M", "zone": "Asia/Tokyo"},
         ["2020-12-31 10:00"]),
        (["1673936846", "-1.0", "1.5", ""], {"format": "unix seconds"},
         ["2023-01-17 06:27:26", "1969-12-31 23:59:59", "1970-01-01 00:00:01.5", None]),
        ([1673936846123, 0], {"format": "unix milliseconds", "missing": ["0"]},
         ["2023-01-17 06:27:26.123", None]),
        ([1673936846.0, NAN], {"format": "unix seconds", "zone": "Europe/Berlin"},
         ["2023-01-17 07:27:26", None]),
        (["3. März 2021", "1. DEZ. 2020", "2. Mrz 2021", ""],
         {"format": "%d. %B %Y", "language": "de"},
         ["2021-03-03", "2020-12-01", "2021-03-02", None]),
        (["1:30 p. m.", "1:30 AM", "12:00 a.m."], {"format": "%I:%M %p"},
         ["1900-01-01 13:30", "1900-01-01 01:30", "1900-01-01"]),
        (["1er août 2021", "2 Fevr. 2021"], {"format": "%d %b %Y", "language": "fr"},
         ["2021-08-01", "2021-02-02"]),
    ],
)  # fmt: skip
def test_dates(texts: list[Any], entry: dict[str, Any], expected: list[Any]) -> None:
    dates = convert(texts, kind="date", **entry)
    assert (
        dates.tolist()
        == pd.to_datetime(pd.Series(expected, dtype="object"), format="mixed").tolist()
    )


@pytest.mark.parametrize(
    ("texts", "entry", "message", "entries"),
    [
        (["1", "12 abc"], {"kind": "number", "unit": "kg"},
         "holds '12 abc' in row 1, which is no number (unit: 'kg')",
         '`{kind: number, unit: kg, missing: ["12 abc"]}`'),
        (["1.234.56"], {"kind": "number", "decimal": ",", "thousands": "."},
         "holds '1.234.56' in row 0, which is no number (decimal: ',', thousands: '.')",
         '`{kind: number, decimal: ",", thousands: ".", missing: ["1.234.56"]}`'),
        (["1", " NA", "-", "NA", "null"], {"kind": "number"},
         "holds '-' in row 2, which is no number",
         '`{kind: number, missing: [NA, "null", "-"]}`'),
        (["1", "nan"], {"kind": "number", "missing": ["x"]},
         "holds 'nan' in row 1, which is no number", '`{kind: number, missing: [x, nan]}`'),
        (["4:50", "4:75"], {"kind": "number", "format": "m:ss"},
         "holds '4:75' in row 1, which is no duration of the format m:ss",
         '`{kind: number, format: "m:ss", missing: ["4:75"]}`'),
        (["2M", "2X"], {"kind": "number", "magnitudes": True},
         "holds '2X' in row 1, which is no number (magnitudes: True)",
         '`{kind: number, magnitudes: true, missing: ["2X"]}`'),
        (["3.5"], {"kind": "integer", "unit": "%"},
         "holds '3.5' in row 0, which is no whole number (unit: '%')",
         '`{kind: number, unit: "%"}`, or to `{kind: integer, unit: "%", missing: ["3.5"]}`'),
        ([3.5], {"kind": "integer"}, "holds 3.5 in row 0, which is no whole number",
         '`{kind: number}`, or to `{kind: integer, missing: ["3.5"]}`'),
        (["?"], {"kind": "integer"}, "holds '?' in row 0, which is no whole number",
         '`{kind: integer, missing: ["?"]}`'),
        (["yes"], {"kind": "boolean"}, "holds 'yes' in row 0, which is neither true nor false",
         '`{kind: category}`, or to `{kind: boolean, missing: [!!str "yes"]}`'),
        (["Bad"], {"kind": "ordinal", "order": ["Fair", "Good"]},
         "holds 'Bad' in row 0, which is not in its order Fair < Good",
         "`{kind: ordinal, order: [Fair, Good, Bad]}`, or to `{kind: ordinal, order: [Fair, Good], "
         "missing: [Bad]}`"),
        (["2020-02-31"], {"kind": "date", "format": "%Y-%m-%d"},
         "holds '2020-02-31' in row 0, which is no date of the format '%Y-%m-%d'",
         '`{kind: date, format: "%Y-%m-%d", missing: [!!str "2020-02-31"]}`'),
        (["1673936846", "1673936846000"], {"kind": "date", "format": "unix seconds"},
         "holds '1673936846000' in row 1, which is no date of the format 'unix seconds'",
         '`{kind: date, format: unix seconds, missing: ["1673936846000"]}`'),
        (["3 März 2021", "3 mars 2021"], {"kind": "date", "format": "%d %B %Y", "language": "de"},
         "holds '3 mars 2021' in row 1, which is no date of the format '%d %B %Y' (language: de)",
         '`{kind: date, format: "%d %B %Y", language: de, missing: ["3 mars 2021"]}`'),
        ([20200231], {"kind": "date", "format": "%Y%m%d"},
         "holds '20200231' in row 0, which is no date of the format '%Y%m%d'",
         '`{kind: date, format: "%Y%m%d", missing: ["20200231"]}`'),
    ],
)  # fmt: skip
def test_a_value_that_contradicts_its_declaration(
    texts: list[Any], entry: dict[str, Any], message: str, entries: str
) -> None:
    assert refusal(texts, **entry) == (
        f"f.csv: column 'a' {message}: correct it, or change its entry in dataset.columns to "
        f"{entries} if it stands for a missing value"
    )
    for advised in re.findall("`(.+?)`", entries):  # works when pasted
        convert(texts, **yaml.safe_load(advised))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"format": "%Q"}, "'%Q' is no format of dates: 'Q' is a bad directive in format '%Q'"),
        ({"format": "%d %"}, "'%d %' is no format of dates: stray % in format '%d %'"),
        ({"zone": "Europe/Nowhere"},
         "there is no time zone 'Europe/Nowhere': write one such as Europe/Berlin"),
    ],
)  # fmt: skip
def test_a_format_or_zone_that_is_none(entry: dict[str, Any], message: str) -> None:
    assert refusal(["31"], kind="date", **entry) == f"f.csv: column 'a': {message}"


def test_a_typed_date_is_no_number() -> None:
    dates = [pd.Timestamp("2020-01-01")]
    assert refusal(dates, kind="number") == (
        "f.csv: column 'a' holds dates, but dataset.columns declares number"
    )


SETTINGS = """
# @package _global_
dataset:
  source:
    _target_: fathom.download.sources.table_file
    file: data/own/sales.csv
    test_file: data/own/new.csv
    delimiter: ";"
    decimal: ","
    missing: [k.A.]
  task: regression
  target: price
  columns:
    price: {kind: number, thousands: ".", unit: €}
    zip: category
    size: {kind: ordinal, order: [S, M, L]}
    sold: {kind: date, format: "%d.%m.%Y"}
    id: {use: false}
"""


def download_sales(settings: str = SETTINGS, new: str = "2,5;02134;L;;;12;ja\n") -> pd.DataFrame:
    """Download a table in two files, and return what the later stages read."""
    Path("data/own").mkdir(parents=True, exist_ok=True)
    Path("conf/dataset/sales.yaml").write_text(settings.lstrip(), "utf-8")
    header = "price;zip;size;sold;garden;id;note\n"
    rows = "1.250,5 €;01234;S;31.12.2020;True;A1;k.A.\n€ 7;1234;k.A.;;False;A2;x\n"
    write(Path("data/own/sales.csv"), header + rows)
    write(Path("data/own/new.csv"), header + new)
    download(compose(["dataset=sales"], DatasetConfig))
    return pd.read_parquet("data/raw/sales/data.parquet")


def test_both_files_are_read_by_one_declaration(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = download_sales()
    expected = {
        "price": pd.Series([1250.5, 7, 2.5]),
        "zip": pd.Series(["01234", "1234", "02134"], dtype="str"),
        "size": pd.Series(["S", None, "L"], dtype="str"),
        "sold": pd.Series(pd.to_datetime(["2020-12-31", "NaT", "NaT"])).astype("datetime64[us]"),
        # not declared: one type for both files, also of a boolean with gaps and of 12 after A1
        "garden": pd.Series(["True", "False", None], dtype="str"),
        "id": pd.Series(["A1", "A2", "12"], dtype="str"),
        "note": pd.Series([None, "x", "ja"], dtype="str"),
    }
    pd.testing.assert_frame_equal(table, pd.DataFrame(expected))
    assert capsys.readouterr().out == (
        "data/own/sales.csv and data/own/new.csv: dataset.columns does not declare garden, note: "
        "their types follow from their values\n"
    )


def test_a_value_in_either_file_is_refused_with_its_row(workspace: Path) -> None:
    with pytest.raises(FathomError) as refused:
        download_sales(new="cheap;02134;L;;;12;ja\n")
    assert str(refused.value) == (
        "data/own/new.csv: column 'price' holds 'cheap' in row 0, which is no number (thousands: "
        "'.', unit: '€'): correct it, or change its entry in dataset.columns to `{kind: number, "
        'thousands: ".", unit: "€", missing: [cheap]}` if it stands for a missing value'
    )
    assert not Path("data/raw/sales").exists()


def test_old_settings_are_declarations_for_one_version(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = "exclude: [id]\n  categories: [zip, price]\n  dates: {sold: '%d.%m.%Y'}\n"
    settings = SETTINGS[: SETTINGS.index("columns:")] + old
    table = download_sales(settings.replace("task: regression", "task: classification"))
    assert table["zip"].tolist() == ["01234", "1234", "02134"]
    assert table["sold"][0] == pd.Timestamp("2020-12-31")
    assert capsys.readouterr().err == (
        "conf/dataset/sales.yaml: dataset.exclude is deprecated: write columns: "
        "{id: {use: false}}\n"
        "conf/dataset/sales.yaml: dataset.categories is deprecated: write columns: "
        "{zip: {kind: category}, price: {kind: category}}\n"
        "conf/dataset/sales.yaml: dataset.dates is deprecated: write columns: "
        '{sold: {kind: date, format: "%d.%m.%Y"}}\n'
    )


def test_missing_values_are_declared_of_a_kind() -> None:
    with pytest.raises(ValidationError, match="missing needs a kind, such as kind: number"):
        ColumnSettings(missing=["-9999"])
