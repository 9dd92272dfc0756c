"""Parquet, Feather and Arrow files are read with few types, or refused with one line."""

import datetime
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from own_files import check_damaged_copies, refusal, write
from pyarrow import ipc, parquet

from fathom.download.table_files import read_table_file

NAN = float("nan")


def store(path: Path, table: pa.Table) -> Path:
    """Write an Arrow table to a file of the path's suffix."""
    if path.suffix.lower() in (".parquet", ".pq"):
        parquet.write_table(table, path)
    elif path.suffix == ".arrow":
        with ipc.new_stream(path, table.schema) as stream:
            stream.write_table(table)
    else:
        with ipc.new_file(path, table.schema) as file:
            file.write_table(table)
    return path


DAY = datetime.date(2020, 1, 31)
TIME = datetime.datetime(2020, 1, 31, 10, 30, 0, 123456)
COLUMNS: list[tuple[Any, list[Any], str, list[Any]]] = [
    *((kind, [1, 2], "int64", [1, 2]) for kind in (
        pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(),
        pa.uint64(),
    )),
    (pa.int32(), [1, None], "float64", [1, NAN]),
    (pa.int64(), [2**62 + 1, None], "float64", [2.0**62, NAN]),
    (pa.uint64(), [2**64 - 1, 1], "float64", [2.0**64, 1]),
    (pa.float32(), [1.5, None], "float64", [1.5, NAN]),
    (pa.float64(), [1.5, NAN], "float64", [1.5, NAN]),
    (pa.decimal128(10, 2), [decimal.Decimal("1.25"), None], "float64", [1.25, NAN]),
    (pa.decimal256(50, 2), [decimal.Decimal("-7.50")], "float64", [-7.5]),
    (pa.bool_(), [True, False], "bool", [True, False]),
    (pa.bool_(), [True, None, False], "str", ["True", NAN, "False"]),
    (pa.string(), ["u", None, " v"], "str", ["u", NAN, " v"]),
    (pa.large_string(), ["u", "NA"], "str", ["u", "NA"]),
    (pa.string_view(), ["u", None], "str", ["u", NAN]),
    (pa.null(), [None, None], "float64", [NAN, NAN]),
    (pa.date32(), [DAY, None], "datetime64[us]", [DAY, None]),
    (pa.date64(), [DAY], "datetime64[us]", [DAY]),
    (pa.timestamp("s"), [TIME.replace(microsecond=0)], "datetime64[us]",
     [TIME.replace(microsecond=0)]),
    (pa.timestamp("us"), [TIME, None], "datetime64[us]", [TIME, None]),
    (pa.timestamp("ns"), [pd.Timestamp(TIME) + pd.Timedelta(999, "ns")], "datetime64[us]", [TIME]),
    (pa.timestamp("ms", "Europe/Berlin"), [pd.Timestamp("2020-01-31T10:00+01:00")],
     "datetime64[us]", ["2020-01-31T09:00"]),
    (pa.duration("ms"), [datetime.timedelta(seconds=1.5), None], "float64", [1.5, NAN]),
    (pa.duration("s"), [datetime.timedelta(days=1)], "float64", [86400.0]),
    (pa.time64("us"), [datetime.time(10, 30), None], "str", ["10:30:00", NAN]),
    (pa.time64("us"), [datetime.time(9, 5, 0, 5)], "str", ["09:05:00.000005"]),
    (pa.dictionary(pa.int8(), pa.string()), ["u", None, "u"], "str", ["u", NAN, "u"]),
    (pa.dictionary(pa.int32(), pa.int64()), [7, 5], "int64", [7, 5]),
]  # fmt: skip


@pytest.mark.parametrize("suffix", [".parquet", ".PQ", ".feather", ".arrow"])
def test_types_of_arrow_become_few(tmp_path: Path, suffix: str) -> None:
    for kind, values, expected, found in COLUMNS:
        if pa.types.is_string_view(kind) and suffix.lower() in (".parquet", ".pq"):
            continue
        path = store(tmp_path / f"t{suffix}", pa.table({"x": pa.array(values, kind)}))
        table = read_table_file(path)
        pd.testing.assert_frame_equal(table, pd.DataFrame({"x": pd.Series(found, dtype=expected)}))
        table.iloc[:1, 0] = table.iloc[:1, 0]  # the values are writable
        assert isinstance(table.index, pd.RangeIndex)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_files_of_pandas_come_back(tmp_path: Path, suffix: str) -> None:
    table = pd.DataFrame(
        {
            "i": np.arange(5),
            "f": np.linspace(0, 1, 5),
            "b": [True, False] * 2 + [True],
            "s": ["u", None, "w", "", "y"],
            "t": pd.date_range("2020-01-01", periods=5).astype("datetime64[us]"),
        }
    )
    path = tmp_path / f"t{suffix}"
    getattr(table, f"to_{suffix[1:]}")(path)
    pd.testing.assert_frame_equal(read_table_file(path), table)


def test_pandas_index_is_a_column_if_it_has_a_name(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pd.DataFrame({"a": [1, 2]}, index=[4, 5])
    table.to_parquet(path)
    assert read_table_file(path).to_dict("list") == {"a": [1, 2]}
    table.rename_axis("id").to_parquet(path)
    assert read_table_file(path).to_dict("list") == {"a": [1, 2], "id": [4, 5]}


def test_folder_with_an_equals_sign_adds_no_column(tmp_path: Path) -> None:
    (tmp_path / "year=2020").mkdir()
    path = store(tmp_path / "year=2020/t.parquet", pa.table({"a": [1]}))
    assert list(read_table_file(path).columns) == ["a"]


def test_missing_markers_in_parquet_are_those_of_the_settings(tmp_path: Path) -> None:
    path = store(tmp_path / "t.parquet", pa.table({"s": ["?", "NA", "x"], "n": [1, 2, 3]}))
    table = read_table_file(path, missing=["?", "1"])
    assert table["s"].isna().tolist() == [True, False, False]
    assert table["n"].tolist() == [1, 2, 3]


NOT_UTF8 = pa.Array.from_buffers(
    pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
)


def of_type(column: str, kind: str) -> str:
    return (
        f"column {column!r} is of type {kind}, not of numbers, text, booleans or times: remove or "
        "convert it"
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"a": pa.array([], pa.int64())}), " has no rows"),
        (pa.table({}), " has no columns"),
        (pa.table({"a": [1], "": [2]}), ": column 2 has no name: name it or remove it"),
        (pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]), ": columns 1 and 2 are "
         "both named 'a': rename one"),
        *((pa.table({"a": [1], "bad": pa.array([value], kind)}), f": {of_type('bad', name)}")
          for kind, value, name in [
            (pa.list_(pa.int64()), [1, 2], "list<item: int64>"),
            (pa.struct({"x": pa.int64()}), {"x": 1}, "struct<x: int64>"),
            (pa.map_(pa.string(), pa.int64()), [("k", 1)], "map<string, int64>"),
            (pa.binary(), b"x", "binary"),
            (pa.binary(2), b"xy", "fixed_size_binary[2]"),
            (pa.month_day_nano_interval(), (1, 2, 3), "month_day_nano_interval"),
            (pa.struct({f"a long name {n}": pa.int64() for n in range(9)}), {},
             "struct<a long name 0: int64, a long nam…"),
          ]),
        (pa.table({"t": pa.array([2**50], pa.timestamp("s"))}), ": column 't': Casting from "
         "timestamp[s] to timestamp[us] would result in out of bounds timestamp: 1125899906842624"),
        (pa.table({"t": NOT_UTF8}), " is damaged, or not an Arrow file: Column 0: In chunk 0: "
         "Invalid: Invalid UTF8 sequence at string index 0"),
    ],
)  # fmt: skip
def test_refuses_an_arrow_table(tmp_path: Path, table: pa.Table, message: str) -> None:
    path = store(tmp_path / "t.feather", table)
    assert refusal(read_table_file, path) == f"t.feather{message}"


def test_refuses_periods_of_pandas(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"p": pd.period_range("2020", "2021", freq="Y")}).to_parquet(path)
    kind = "extension<pandas.period<ArrowPeriodType…"
    assert refusal(read_table_file, path) == f"t.parquet: {of_type('p', kind)}"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.parquet", b"", "is empty"),
        ("t.feather", b"", "is empty"),
        ("t.parquet", b"a,b\n1,2\n" * 9, "is damaged, or not a Parquet file: Parquet magic bytes "
         "not found in footer. Either the file is corrupted or this is not a parquet file."),
        ("t.arrow", b"ARROW1\0\0" + b"x" * 50,
         "is damaged, or not an Arrow file: Not an Arrow file"),
        *((name, content, f"is {kind}, despite its suffix: rename or replace it")
          for name, content, kind in [
            ("t.parquet", b"ARROW1\0\0", "an Arrow file"),
            ("t.feather", b"FEA1\0\0\0\0", "a Feather file of version 1"),
            ("t.arrow", b"PAR1\x15\x04", "a Parquet file"),
          ]),
    ],
)  # fmt: skip
def test_refuses_other_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    assert refusal(read_table_file, write(tmp_path / name, content)) == f"{name} {message}"


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".arrow", ".csv", ".csv.gz"])
def test_a_damaged_file_never_ends_in_a_traceback(tmp_path: Path, suffix: str) -> None:
    table = pd.DataFrame(
        {
            "a": range(50),
            "b": [f'x {n % 7} "y", z' for n in range(50)],
            "t": pd.date_range("2020-01-01", periods=50),
            "c": pd.Categorical(["u", "v"] * 25),
        }
    )
    path = tmp_path / f"t{suffix}"
    if suffix.startswith(".csv"):
        table.to_csv(path, index=False)
    else:
        store(path, pa.Table.from_pandas(table))
    check_damaged_copies(read_table_file, path)
