"""Every format of a table gives the values of its CSV file, or one line that says what is wrong."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import openpyxl
import pandas as pd
import pytest
from own_files import check_damaged_copies, refusal, write
from table_formats import (
    HEADER,
    ROWS,
    SPARSE_ARFF,
    TABLE,
    WRITERS,
    write_sqlite,
    write_workbook,
    write_zip,
)

from fathom.download.declared_columns import convert_table
from fathom.download.table_files import Part, read_table_file
from fathom.predict.table_rows import open_table
from fathom.settings.column_settings import ColumnSettings

NAN = float("nan")
DECLARED = {
    "sold": ColumnSettings(kind="date"),
    "garden": ColumnSettings(kind="boolean"),
    "code": ColumnSettings(kind="category"),
}


def read(path: Path) -> pd.DataFrame:
    """Return a table by its declarations, in which a boolean may be a text."""
    table = convert_table(read_table_file(path), DECLARED, "t")
    return table.assign(garden=table["garden"].astype("str"))


@pytest.mark.parametrize("suffix", WRITERS)
def test_is_read_as_its_csv_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"houses{suffix.upper() if suffix == '.xlsx' else suffix}"
    WRITERS[suffix](path)
    expected = pd.DataFrame(
        {
            "rooms": [3, 4, 12],
            "size": [81.5, NAN, 100.25],
            "town": pd.Series(["Köln", None, 'O\'Neil, "x" %'], dtype="str"),
            "garden": pd.Series(["True", "False", "True"], dtype="str"),
            "sold": pd.to_datetime(pd.Series(["2020-01-31", "2020-02-29", None])).astype(
                "datetime64[us]"
            ),
            "code": pd.Series(["12", "2A", "7"], dtype="str"),
        }
    )
    pd.testing.assert_frame_equal(read(path), expected)
    with open_table(path, {}) as rows:  # as `fathom predict` reads new rows
        assert rows.names == HEADER
        assert [text for block in rows.blocks for text in block["code"].to_pylist()] == [
            "12",
            "2A",
            "7",
        ]


def test_cells_of_several_types_become_texts_as_shown(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.create_sheet("data", 0)
    for row in (
        ["mixed", "shown", "year", "big", "zip"],
        [12, pd.Timestamp("2020-01-31 10:30"), 2019, 2.0**60, "02134"],
        ["12.50", True, 2020, 1e300, " 1234 "],
        [0.5, "=1/0", 2021, 3, "#N/A"],
        [None] * 5,
    ):
        sheet.append(row)
    sheet["B4"].value, sheet["B4"].data_type = "#DIV/0!", "e"
    hidden = workbook.create_sheet("hidden")
    hidden.sheet_state = "hidden"
    hidden.append(["a"])
    workbook.save(tmp_path / "t.xlsx")
    table = read_table_file(tmp_path / "t.xlsx")
    assert table.astype(object).where(table.notna(), None).to_dict("list") == {
        "mixed": ["12", "12.50", "0.5"],
        "shown": ["2020-01-31 10:30:00", "TRUE", None],
        "year": [2019, 2020, 2021],
        "big": [2.0**60, 1e300, 3.0],
        "zip": ["02134", "1234", None],
    }
    assert table.dtypes.astype(str).tolist() == ["str", "str", "int64", "float64", "str"]
    other = read_table_file(
        write_workbook(tmp_path / "two.xlsx", {"a": [["x"], [1]], "b": [["y"], [2]]}),
        part=Part(sheet="b"),
    )
    assert other.to_dict("list") == {"y": [2]}


def test_merged_cells_and_the_index_of_pandas(tmp_path: Path) -> None:
    path = write_workbook(
        tmp_path / "t.xlsx",
        {"a": [[], [None, "", "town", "y"], [None, 2, "Köln", 1], [None, 0, None, 2],
               [None, 1, "Bonn", 3]]},
    )  # fmt: skip
    workbook = openpyxl.load_workbook(path)
    workbook["a"].merge_cells("C3:C4")
    workbook.save(path)
    assert read_table_file(path).to_dict("list") == {
        "Unnamed: 0": [2, 0, 1],
        "town": ["Köln", "Köln", "Bonn"],
        "y": [1, 2, 3],
    }


def test_a_json_file_may_have_lines_or_columns_by_row_or_rows_beside_others(tmp_path: Path) -> None:
    table = {"a": [1, 2], "b": ["x", "y"]}
    beside = '{"count": 2, "next": null, "rows": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}'
    for text in ('{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n', pd.DataFrame(table).to_json(), beside):
        assert read_table_file(write(tmp_path / "t.json", text)).to_dict("list") == table


def test_arff_may_be_sparse(tmp_path: Path) -> None:
    table = read_table_file(write(tmp_path / "t.arff", SPARSE_ARFF))
    assert table.to_dict("list") == {
        "n": [5.0, pytest.approx(NAN, nan_ok=True)],
        "x": [0.0, 1.5],
        "s": ["c", "a b"],
    }


def test_whole_numbers_of_arff_keep_their_fractions(tmp_path: Path) -> None:
    text = "@relation r\n@attribute a integer\n@attribute b numeric\n@data\n1.5,2\n2,3\n"
    table = read_table_file(write(tmp_path / "t.arff", text))
    assert table.to_dict("list") == {"a": [1.5, 2.0], "b": [2, 3]}
    assert table.dtypes.astype(str).tolist() == ["float64", "int64"]


def test_json_lines_may_lack_keys(tmp_path: Path) -> None:
    text = '{"a": 1, "b": "02134"}\r\n{"c": 1.0, "a": 12345678901234567890}\n{"b": 5, "a": null}\n'
    table = read_table_file(write(tmp_path / "t.jsonl", text))
    assert list(table) == ["a", "b", "c"]
    np.testing.assert_array_equal(table["a"], [1, 12345678901234567890, NAN])
    assert table["b"].fillna("").tolist() == ["02134", "", "5"]


@pytest.mark.parametrize("suffix", [".sqlite", ".duckdb"])
def test_a_query_chooses_rows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"houses{suffix}"
    WRITERS[suffix](path)
    query = "select rooms, 'a:b %' as x from houses where rooms > 3 order by rooms desc"
    assert read_table_file(path, part=Part(query=query)).to_dict("list") == {
        "rooms": [12, 4],
        "x": ["a:b %"] * 2,
    }
    assert list(tmp_path.iterdir()) == [path]  # nothing is written beside the file


def refused(path: Path, **part: str) -> str:
    return refusal(read_table_file, path, part=Part(**part))


BAD: list[tuple[str, str | bytes | dict[str, list[list[Any]]], str]] = [
    ("t.jsonl", "", "t.jsonl is empty"),
    ("t.jsonl", '{"a": 1}\n{"a": {"b": 2}}', "t.jsonl, line 2: 'a' holds an object: write its "
     'values as columns of their own, such as "a_1"'),
    ("t.jsonl", '{"a": [1]}', "t.jsonl, line 1: 'a' holds a list: write its values as columns of "
     'their own, such as "a_1"'),
    ("t.jsonl", '{"a": 1}\n\n{"a": }', "t.jsonl, line 3 is not JSON (Expecting value: line 1 "
     "column 7 (char 6)): write one object in each line"),
    ("t.jsonl", "[1, 2]", "t.jsonl, line 1 is '[1, 2]', not an object such as {\"x\": 1}: write "
     "one object in each line"),
    ("t.jsonl", '{"": 1}', "t.jsonl: column 1 has no name: name it or remove it"),
    ("t.jsonl", b'{"a": 1}\n{"a": "\xff"}', "t.jsonl, line 2 is not UTF-8: save it as UTF-8"),
    ("t.json", "[]", "t.json is empty"),
    ("t.json", '[{"a": 1}, 2]', "t.json, object 2 is '2', not an object such as {\"x\": 1}: write "
     "one object in each line"),
    ("t.json", '{"rows": [{"a": 1}], "more": [{"b": 1}]}', "t.json, object 1: 'rows' holds "
     "an object: write its values as columns of their own, such as \"rows_1\""),
    ("t.json", '[{"a": 1}', "t.json, line 1 is not JSON (Expecting ',' delimiter: line 1 column 10 "
     "(char 9)): write one object in each line"),
    ("t.dta", "", "t.dta is read by pandas alone; to convert it: python -c \"import pandas; "
     "pandas.read_stata('t.dta').to_parquet('t.parquet')\""),
    ("t.arff", "", "t.arff is empty"),
    ("t.arff", "a,b\n1,2\n", "t.arff cannot be read as ARFF: Invalid layout of the ARFF file, at "
     "line 3."),
    ("t.arff", "@relation r\n@attribute a numeric\n@data\n1\nx\n", "t.arff cannot be read as "
     "ARFF: Invalid numerical value, at line 5."),
    ("t.arff", "@relation r\n@attribute a {u, v}\n@data\nw\n", "t.arff cannot be read as ARFF: "
     "Data value w not found in nominal declaration, at line 4."),
    ("t.arff", "@relation r\n@attribute a numeric\n@data\n", "t.arff has no rows"),
    ("t.xlsx", "", "t.xlsx is empty"),
    ("t.xlsx", "a,b\n1,2\n", "t.xlsx is text, not a workbook: rename it, such as to t.csv"),
    ("t.xls", "\ufeff<html><table><tr><td>1</td></tr></table>", "t.xls is a web page or XML, not a "
     "workbook: open it in Excel or LibreOffice, and save it as a workbook (.xlsx)"),
    ("t.xls", b"a\0", "t.xls is damaged, or not a workbook: Cannot detect file format"),
    ("t.zip", b"PK", "t.zip: rename it by what it contains, such as t.csv.zip, or unpack it"),
    ("t.xlsx", {"a": TABLE, "Bö 2": TABLE}, "t.xlsx has the sheets 'a', 'Bö 2': name one with "
     "dataset.source.sheet (--sheet)"),
    ("t.xlsx", {"a": []}, "t.xlsx is empty"),
    ("t.xlsx", {"a": [HEADER]}, "t.xlsx, sheet 'a' has no rows"),
    ("t.xlsx", {"a": [["Report of 2020"], HEADER, *ROWS]}, "t.xlsx, sheet 'a': cell B1 has no "
     "name of a column: the first row with values must name each column in a cell of its own, "
     "without merged cells or a title above"),
    ("t.xlsx", {"a": [[], [None, "x", "x"], [None, 1, 2]]}, "t.xlsx, sheet 'a': columns 1 and 2 "
     "are both named 'x': rename one"),
    ("t.sqlite", "", "t.sqlite is empty"),
    ("t.sqlite", "a,b\n1,2\n" * 9, "t.sqlite is damaged, or not a file of SQLite or DuckDB"),
    ("t.csv", b"SQLite format 3\0", "t.csv is a SQLite file, despite its suffix: rename or "
     "replace it"),
    ("t.csv.zst", b"a,b\n1,2\n", "t.csv.zst is not zstd-compressed: rename it without .zst"),
    ("t.csv.xz", b"", "t.csv.xz is empty"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), BAD)
def test_refuses_a_file(tmp_path: Path, name: str, content: Any, message: str) -> None:
    path = tmp_path / name
    (write_workbook if isinstance(content, dict) else write)(path, content)
    assert refused(path) == message


def test_refuses_a_zip_archive_of_several_files(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "t.csv.zip", **{"a.csv": "a\n1\n", "b.csv": "a\n1\n"})
    assert refused(path) == "t.csv.zip contains a.csv, b.csv: unzip it and name one file"
    assert refused(write_zip(path)) == "t.csv.zip contains no file"


def test_refuses_a_part_that_is_not_there(tmp_path: Path) -> None:
    book = write_workbook(tmp_path / "t.xlsx", {"data": TABLE})
    assert refused(book, sheet="dat") == "t.xlsx has no sheet 'dat'; did you mean data?"
    base = write_sqlite(tmp_path / "t.db", ("a", 'b "c"'))
    assert read_table_file(base, part=Part(table='b "c"')).shape == (3, 6)
    assert refused(base) == (
        "t.db has the tables 'a', 'b \"c\"': name one with dataset.source.table (--table), or set "
        "dataset.source.query (--query)"
    )
    assert refused(base, table="zzz") == "t.db has no table 'zzz'; there are: a, b \"c\""
    assert refused(base, table="a", query="select 1") == (
        "dataset.source: set table or query, not both"
    )
    assert refused(base, query="selct 1") == (
        't.db: dataset.source.query: near "selct": syntax error'
    )
    assert refused(base, query="select 1 as x; select 2") == (
        "t.db: dataset.source.query: You can only execute one statement at a time."
    )
    assert refused(base, query="delete from a") == (
        "t.db: dataset.source.query: attempt to write a readonly database"
    )
    assert refused(base, query="select x'00' as b") == (
        "t.db: column 'b' holds bytes in row 0, not a number, text, boolean or time: remove or "
        "convert it"
    )
    assert refused(base, sheet="a") == (
        f"dataset.source.sheet is for files with .xlsx, .xlsm, .xlsb, .xls, .ods, not for {'t.db'}"
    )
    base.with_name("t.db-wal").write_bytes(b"x")
    assert refused(base) == (
        "t.db is in use: close the program that writes to it, so that t.db-wal goes"
    )


def test_refuses_wrong_queries_of_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "t.duckdb"
    with duckdb.connect(str(path)):
        pass
    assert refused(path) == "t.duckdb has no tables"
    assert refused(path, query="select 1 as a where false") == "t.duckdb has no rows"
    assert refused(path, query="select [1] as a") == (
        "t.duckdb: column 'a' is of type list<l: int32>, not of numbers, text, booleans or times: "
        "remove or convert it"
    )
    start = "t.duckdb: dataset.source.query: "
    assert refused(path, query="").startswith("t.duckdb: dataset.source.query returns no table")
    assert refused(path, query="selct 1").startswith(f"{start}Parser Error: syntax error")
    assert refused(path, query="select * from 'x.csv'").startswith(f"{start}Permission Error")


DAMAGED: list[tuple[str, Callable[[Path], Any]]] = [
    *((suffix, WRITERS[suffix]) for suffix in WRITERS if suffix not in (".csv", ".db")),
]


@pytest.mark.parametrize(("suffix", "write_file"), DAMAGED)
def test_a_damaged_file_never_ends_in_a_traceback(
    tmp_path: Path, suffix: str, write_file: Callable[[Path], Any]
) -> None:
    path = tmp_path / f"t{suffix}"
    write_file(path)
    check_damaged_copies(read_table_file, path)


def test_a_database_of_sqlite_is_read_by_its_content(tmp_path: Path) -> None:
    write_sqlite(tmp_path / "t.db")
    sqlite3.connect(tmp_path / "t.db").close()
    (tmp_path / "t.db").rename(tmp_path / "t.duckdb")
    assert read_table_file(tmp_path / "t.duckdb").shape == (3, 6)
