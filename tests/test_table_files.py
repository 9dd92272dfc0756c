"""A user's table is read as it stands, or refused with one line that says where and what."""

import bz2
import csv
import datetime
import decimal
import gzip
import importlib
import random
import re
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from fathom.base.errors import FathomError
from fathom.download.csv_files import MISSING, guess_csv
from fathom.download.table_files import read_table_file

NAN = float("nan")


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes, **settings: Any) -> pd.DataFrame:
    return read_table_file(write(folder / "t.csv", content), **settings)


def types(table: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in table.dtypes.items()}


def refusal(path: Path, **settings: Any) -> str:
    """Return the message of a refused file, without its folder."""
    with pytest.raises(FathomError) as caught:
        read_table_file(path, **settings)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{path.parent}/", "")


@pytest.mark.parametrize(
    ("fields", "kind", "values"),
    [
        (["1", "-2", "003"], "int64", [1, -2, 3]),
        (["1", "", "3"], "float64", [1.0, NAN, 3.0]),
        (["9223372036854775807", "-9223372036854775808"], "int64", [2**63 - 1, -(2**63)]),
        (["9223372036854775808", "1"], "float64", [2.0**63, 1.0]),
        (["1", "2.5", "1e3"], "float64", [1.0, 2.5, 1000.0]),
        (["+5", ".5", "5."], "float64", [5.0, 0.5, 5.0]),
        (["inf", "-inf", "1"], "float64", [np.inf, -np.inf, 1.0]),
        (['"1"', '"2"'], "int64", [1, 2]),
        ([" 1", "2 "], "int64", [1, 2]),
        (["NA", "null"], "float64", [NAN, NAN]),
        (["true", "False", "TRUE"], "bool", [True, False, True]),
        (["true", "", "FALSE"], "str", ["True", NAN, "False"]),
        (["true", "1"], "str", ["true", "1"]),
        (["yes", "no"], "str", ["yes", "no"]),
        (["1", "2", "x"], "str", ["1", "2", "x"]),
        (["x", "NA", "", '""'], "str", ["x", NAN, NAN, NAN]),
        (["0x1F", "0x20"], "str", ["0x1F", "0x20"]),
        (["1_000", "1 000"], "str", ["1_000", "1 000"]),
        ([" a b ", "c"], "str", ["a b", "c"]),
        (['"x, y"', '"say ""hi"""', '"two\nlines"'], "str", ["x, y", 'say "hi"', "two\nlines"]),
        (['5" pipe', "6"], "str", ['5" pipe', "6"]),
        (["2020-01-31", "1899-12-31"], "datetime64[us]", ["2020-01-31", "1899-12-31"]),
        (["2020-01-31 10:00", ""], "datetime64[us]", ["2020-01-31T10:00", "NaT"]),
        (["2020-01-31T10:00:00.5"], "datetime64[us]", ["2020-01-31T10:00:00.5"]),
        (["2020-01-31 10:00:00.123456789"], "datetime64[us]", ["2020-01-31T10:00:00.123456"]),
        (["2020-01-31T10:00:00+02:00"], "datetime64[us]", ["2020-01-31T08:00"]),
        (["2020-01-31T10:00:00Z"], "datetime64[us]", ["2020-01-31T10:00"]),
        (["2020-13-01", "2020-01-01"], "str", ["2020-13-01", "2020-01-01"]),
        (["10:30:00"], "str", ["10:30:00"]),
        (["01/02/2020"], "str", ["01/02/2020"]),
    ],
)
def test_a_column_is_what_all_its_values_are(
    tmp_path: Path, fields: list[str], kind: str, values: list[Any]
) -> None:
    table = read(tmp_path, "".join(f"{line}\n" for line in ["k,v", *(f"1,{f}" for f in fields)]))
    expected = pd.Series(values, name="v", dtype=kind)
    pd.testing.assert_series_equal(table["v"], expected)
    assert isinstance(table.index, pd.RangeIndex)
    assert table.columns.dtype == "str"


def test_types_follow_from_the_whole_file(tmp_path: Path) -> None:
    rows = [f"{n},{n}.5,{n}" for n in range(200_000)]
    table = read(tmp_path, "\n".join(["a,b,c", *rows, "1,1,text", ""]))
    assert types(table) == {"a": "int64", "b": "float64", "c": "str"}
    assert table["c"].tolist()[-2:] == ["199999", "text"]
    assert table["b"].sum() == sum(range(200_000)) + 100_001


def test_missing_markers_are_those_of_pandas(tmp_path: Path) -> None:
    assert set(MISSING) == importlib.import_module("pandas._libs.parsers").STR_NA_VALUES
    table = read(tmp_path, "\n".join(["n,s", *(f"{text},{text}" for text in MISSING), "1,x"]))
    assert table["n"].isna().sum() == table["s"].isna().sum() == len(MISSING)
    assert types(table) == {"n": "float64", "s": "str"}


def test_further_missing_markers(tmp_path: Path) -> None:
    text = "n,s\n1, ?\n-999,x\n2,-999\n"
    table = read(tmp_path, text, missing=["?", "-999"])
    assert table["n"].tolist()[::2] == [1, 2]
    assert table["s"].isna().tolist() == [True, False, True]
    assert types(read(tmp_path, text)) == {"n": "int64", "s": "str"}


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_blank_lines(tmp_path: Path, ends: str, last: bool) -> None:
    text = ends.join(["", "a,b", "", "1,x", "", "", "2,y"]) + (ends if last else "")
    assert read(tmp_path, text).to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize(
    ("name", "delimiter", "mark"),
    [
        ("t.csv", None, ","),
        ("t.CSV", None, ","),
        ("t.txt", None, ","),
        ("t.tsv", None, "\t"),
        ("t.csv", ";", ";"),
        ("t.tsv", "|", "|"),
        ("t.txt", " ", " "),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_delimiters_and_suffixes(
    tmp_path: Path, name: str, delimiter: str | None, mark: str, packed: bool
) -> None:
    content = f"a{mark}b\n1{mark}x\n".encode()
    path = tmp_path / (name + ".GZ" if packed else name)
    table = read_table_file(
        write(path, gzip.compress(content, mtime=0) if packed else content), delimiter
    )
    assert table.to_dict("list") == {"a": [1], "b": ["x"]}


def test_a_decimal_comma(tmp_path: Path) -> None:
    text = "a;b;c;d\n1,5;2;1.5;u, v\n-2,25;3;2,5;w\n"
    table = read(tmp_path, text, delimiter=";", decimal=",")
    assert types(table) == {"a": "float64", "b": "int64", "c": "str", "d": "str"}
    assert table["a"].tolist() == [1.5, -2.25]
    assert table["c"].tolist() == ["1.5", "2,5"]
    assert table["d"].tolist() == ["u, v", "w"]


@pytest.mark.parametrize(
    ("encoding", "given"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("latin-1", "latin-1"),
        ("utf-16", "utf-16"),
        ("utf-16", "UTF_16"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, given: str) -> None:
    table = read(tmp_path, "größe,ä\n1,ü\n".encode(encoding), encoding=given)
    assert table.to_dict("list") == {"größe": [1], "ä": ["ü"]}


def test_random_tables_come_back_as_pandas_wrote_them(tmp_path: Path) -> None:
    rng = random.Random(42)
    letters = string.ascii_letters + 'äß😀"",\n;|\t #'

    def text() -> str:
        return "x" + "".join(rng.choices(letters, k=rng.randrange(8))) + "x"

    makers: list[Callable[[], Any]] = [
        lambda: rng.randrange(-(2**60), 2**60),
        lambda: rng.gauss(0, 10 ** rng.randrange(-20, 20)),
        lambda: rng.choice([True, False]),
        lambda: rng.choice([NAN, 0.5, -3.25]),
        lambda: rng.choice([None, text(), text()]),
        lambda: datetime.datetime(1990, 1, 1) + datetime.timedelta(seconds=rng.randrange(10**9)),
    ]
    for _ in range(60):
        rows = rng.randrange(1, 40)
        columns = {
            f"{text()}{number}": [make() for _ in range(rows)]
            for number, make in enumerate([makers[0], *rng.choices(makers, k=5)])
        }
        table = pd.DataFrame(columns)
        separator = rng.choice(",;|\t")
        path = tmp_path / "t.csv"
        ends = rng.choice(["\n", "\r\n"])
        table.to_csv(path, index=False, sep=separator, lineterminator=ends)
        found = read_table_file(path, separator)
        known = pd.read_csv(path, sep=separator)
        for name, values in table.items():
            if values.isna().all():
                assert found[name].isna().all()
            elif values.dtype.kind == "M":
                pd.testing.assert_series_equal(found[name], values.astype("datetime64[us]"))
            else:
                pd.testing.assert_series_equal(found[name], known[name], rtol=0, atol=0)
                pd.testing.assert_series_equal(found[name], values, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        ("", {}, "t.csv is empty"),
        ("\n\r\n  \n", {}, "t.csv is empty"),
        ("\ufeff", {}, "t.csv is empty"),
        ("a,b", {}, "t.csv has names of columns, but no rows"),
        ("a,b\n\n", {}, "t.csv has names of columns, but no rows"),
        (
            "a,b\n1,2\n\n1,2,3\n4\n",
            {},
            "t.csv, line 4 has 3 fields, but there are 2 columns: '1,2,3'; correct it, or put a "
            "field that has ',' in quotes",
        ),
        (
            'a;b\n1;"x\ny"\n\n1\n',
            {"delimiter": ";"},
            "t.csv, line 5 has 1 field, but there are 2 columns: '1'; correct it, or put a field "
            "that has ';' in quotes",
        ),
        (
            "a,b\n1,2\n" + "long," * 20 + "\n",
            {},
            "t.csv, line 3 has 21 fields, but there are 2 columns: "
            "'long,long,long,long,long,long,long,long…'; correct it, or put a field that has ',' "
            "in quotes",
        ),
        (
            "a,b\r1,2\r1\r",
            {},
            "t.csv, line 3 has 1 field, but there are 2 columns: '1'; correct it, or put a field "
            "that has ',' in quotes",
        ),
        *(
            (
                content,
                {},
                f"t.csv, line {line}: a quote is not closed, or text follows a closing quote: put "
                'a field that has quotes in quotes, and write each of them twice ("")',
            )
            for content, line in [
                ('a,b\n1,x\n2,"y\n3,z\n', 3),
                ('a,b\n1,x\n2,"y\n3,"z"\n', 3),
                ('a,b\n1,"x"y\n', 2),
                ('a,b\n\n1,"x" \n', 3),
                ('a,"b\n1,2\n', 1),
                ('a,b\n1,"' + "x" * 200_000 + "\n", 2),
            ]
        ),
        (
            ",a,b\n0,1,2\n",
            {},
            "t.csv: column 1 has no name: name it or remove it; pandas' to_csv writes row numbers "
            "so, unless told index=False",
        ),
        ("a, ,b\n0,1,2\n", {}, "t.csv: column 2 has no name: name it or remove it"),
        (
            "a,b,\n0,1,\n",
            {},
            "t.csv: column 3 has no name: name it or remove it; perhaps each line ends with a "
            "delimiter too many",
        ),
        (
            "a,b, a\n0,1,2\n",
            {},
            "t.csv: columns 1 and 3 are both named 'a': rename one; if the file has no line of "
            "names, add one",
        ),
        (
            'a, "b"\n1,2\n',
            {},
            "t.csv: the column name '\"b\"' has a space before its quote: remove such spaces, so "
            "that quotes count as quotes",
        ),
        (
            "a;b;c\n1,5;2,5;3,5\n",
            {},
            "t.csv has one column, 'a;b;c': set dataset.source.delimiter: \";\"",
        ),
        (
            "a\tb\n1\t2\n",
            {},
            "t.csv has one column, 'a\\tb': set dataset.source.delimiter: \"\\t\"",
        ),
        (
            "a,b\n1,2\n",
            {"delimiter": ";"},
            "t.csv has one column, 'a,b': set dataset.source.delimiter: \",\"",
        ),
        (
            "a,b\n1,x\n2,ü\n".encode("latin-1"),
            {},
            "t.csv, line 3: byte 0xfc is not utf-8: set dataset.source.encoding to the file's "
            "own, such as latin-1",
        ),
        (
            b"a,b\r\n1,\x81\r\n",
            {"encoding": "cp1252"},
            "t.csv, line 2: byte 0x81 is not cp1252: set dataset.source.encoding to the file's "
            "own, such as latin-1",
        ),
        (
            "a,b\n1,2\n".encode("utf-16"),
            {},
            "t.csv begins as UTF-16 does: set dataset.source.encoding: utf-16",
        ),
        (
            "a,b\n1,2\n".encode("utf-16-le"),
            {},
            "t.csv, line 1: a NUL character, which no text has: the file is damaged, or "
            "dataset.source.encoding is another, such as utf-16",
        ),
        (
            "a,b\n1,2\n3,\0\n",
            {},
            "t.csv, line 3: a NUL character, which no text has: the file is damaged, or "
            "dataset.source.encoding is another, such as utf-16",
        ),
        (
            b"a,b\n1,+2AA-\n",
            {"encoding": "utf-7"},
            "t.csv is not utf-7: set dataset.source.encoding to the file's own",
        ),
        (
            "a,b\n1,2\n",
            {"encoding": "uft-8"},
            "dataset.source.encoding: there is no encoding 'uft-8'; did you mean utf-8?",
        ),
        (
            "a,b\n1,2\n",
            {"encoding": "rot13"},
            "dataset.source.encoding: there is no encoding 'rot13'; there are: cp1252, latin-1, "
            "utf-16, utf-8",
        ),
        (
            "a,b\n1,2\n",
            {"decimal": ","},
            "dataset.source.decimal and dataset.source.delimiter are both ',': a field would end "
            "within a number",
        ),
        *(
            (
                "a,b\n1,2\n",
                {"decimal": mark},
                f"dataset.source.decimal is one character, a point or a comma, not {mark!r}",
            )
            for mark in ["", ".,", "0", "-", '"']
        ),
        *(
            (
                "a,b\n1,2\n",
                {"delimiter": mark},
                f"dataset.source.delimiter is one character, such as a comma, not {mark!r}",
            )
            for mark in ["", ";;", "x", "\n", '"', "é"]
        ),
        (
            "a,b\n1,2\n",
            {"delimiter": "\\t"},
            "dataset.source.delimiter is one character, such as a comma, not '\\\\t'; a tab is "
            '"\\t", in double quotes',
        ),
        *(
            (
                content,
                {},
                f"t.csv is {kind}, not what its suffix says: rename it, or get what was meant",
            )
            for content, kind in [
                (gzip.compress(b"a,b\n1,2\n", mtime=0), "gzip-compressed"),
                (b"PK\x03\x04\x14\0", "a zip archive or an Excel workbook"),
                ("\n<!DOCTYPE html>\n<title>404</title>", "a web page"),
                ("<html>", "a web page"),
                (b"PAR1\x15\x04\x15", "a Parquet file"),
                (b"ARROW1\0\0", "an Arrow file"),
            ]
        ),
    ],
)  # fmt: skip
def test_refuses_a_csv_file(
    tmp_path: Path, content: str | bytes, settings: dict[str, Any], message: str
) -> None:
    limit = csv.field_size_limit()
    assert refusal(write(tmp_path / "t.csv", content), **settings) == message
    assert csv.field_size_limit() == limit


def test_names_may_look_like_signs_of_other_files(tmp_path: Path) -> None:
    assert list(read(tmp_path, "PAR1,PAR2\n1,2\n").columns) == ["PAR1", "PAR2"]
    assert list(read(tmp_path, "ARROW1,ü\n1,2\n").columns) == ["ARROW1", "ü"]


def test_long_fields_in_quotes(tmp_path: Path) -> None:
    long = "x" * 300_000
    assert read(tmp_path, f'a,b\n1,"{long}"\n')["b"].tolist() == [long]


PACKED = gzip.compress(b"a,b\n1,2\n", mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "t.csv.gz is not gzip-compressed: rename it without .gz"),
        (b"", "t.csv.gz is empty"),
        (gzip.compress(b"", mtime=0), "t.csv.gz is empty"),
        (
            PACKED[:-9],
            "t.csv.gz is damaged gzip (Compressed file ended before the end-of-stream marker was "
            "reached): fetch or pack it anew",
        ),
        (
            PACKED[:-8] + bytes(4) + PACKED[-4:],
            "t.csv.gz is damaged gzip (CRC check failed 0x0 != 0xa97077b): fetch or pack it anew",
        ),
        (
            PACKED[:10] + b"\xff" * 8,
            "t.csv.gz is damaged gzip (Error -3 while decompressing data: invalid block type): "
            "fetch or pack it anew",
        ),
        (
            gzip.compress(PACKED, mtime=0),
            "t.csv.gz is gzip-compressed, not what its suffix says: rename it, or get what was "
            "meant",
        ),
    ],
)
def test_refuses_a_damaged_gzip_file(tmp_path: Path, content: bytes, message: str) -> None:
    assert refusal(write(tmp_path / "t.csv.gz", content)) == message


def test_refuses_what_is_not_there(tmp_path: Path) -> None:
    write(tmp_path / "houses.csv", "a\n1\n")
    write(tmp_path / "notes.md", "")
    (tmp_path / "houses.parquet").mkdir()
    assert refusal(tmp_path / "huoses.csv") == (
        "huoses.csv is missing; did you mean houses.csv?"
    )  # fmt: skip
    assert refusal(tmp_path / "zz.pq") == "zz.pq is missing; there are: houses.csv"
    missing = tmp_path / "no/houses.csv"
    assert refusal(missing) == f"houses.csv is missing: there is no folder {tmp_path / 'no'}"
    assert refusal(tmp_path / "houses.parquet") == (
        "houses.parquet is a folder: name one file; join several into one first"
    )
    (tmp_path / "link.csv").symlink_to("gone.csv")
    assert refusal(tmp_path / "link.csv") == "link.csv is missing; there are: houses.csv"
    long = tmp_path / f"{'x' * 300}.csv"
    assert refusal(long) == f"{long.name} cannot be read: File name too long"


def test_a_missing_file_names_ten_others_at_most(tmp_path: Path) -> None:
    for number in range(100):
        write(tmp_path / f"{number:03}.csv", "a\n1\n")
    assert refusal(tmp_path / "zzzzzz.csv").count(".csv") == 11


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.csv.zip", "t.parquet.gz", "t.gz", ".csv"])
def test_refuses_unknown_suffixes(tmp_path: Path, name: str) -> None:
    assert refusal(write(tmp_path / name, bz2.compress(b""))) == (
        f"{name}: tables are read from files in .csv, .tsv, .txt, .csv.gz, .tsv.gz, .txt.gz, "
        ".parquet, .pq, .feather, .arrow"
    )


def test_refuses_a_file_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    for name in ("t.csv", "t.parquet"):
        write(tmp_path / name, "a\n1\n")
        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", refuse)
            assert refusal(tmp_path / name) == f"{name} cannot be read: Permission denied"


# Parquet, Feather, Arrow


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
        table.iloc[:1, 0] = table.iloc[:1, 0]  # its values may be written to
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


def test_an_index_of_pandas_is_a_column_if_it_has_a_name(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pd.DataFrame({"a": [1, 2]}, index=[4, 5])
    table.to_parquet(path)
    assert read_table_file(path).to_dict("list") == {"a": [1, 2]}
    table.rename_axis("id").to_parquet(path)
    assert read_table_file(path).to_dict("list") == {"a": [1, 2], "id": [4, 5]}


def test_a_folder_called_a_b_adds_no_column(tmp_path: Path) -> None:
    (tmp_path / "year=2020").mkdir()
    path = store(tmp_path / "year=2020/t.parquet", pa.table({"a": [1]}))
    assert list(read_table_file(path).columns) == ["a"]


def test_missing_markers_in_parquet_are_those_told(tmp_path: Path) -> None:
    path = store(tmp_path / "t.parquet", pa.table({"s": ["?", "NA", "x"], "n": [1, 2, 3]}))
    table = read_table_file(path, missing=["?", "1"])
    assert table["s"].isna().tolist() == [True, False, False]
    assert table["n"].tolist() == [1, 2, 3]


def not_utf8() -> pa.Array:
    return pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"a": pa.array([], pa.int64())}), "t.feather has no rows"),
        (pa.table({}), "t.feather has no columns"),
        (
            pa.table({"a": [1], "": [2]}),
            "t.feather: column 2 has no name: name it or remove it",
        ),
        (
            pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]),
            "t.feather: columns 1 and 2 are both named 'a': rename one; if the file has no line of "
            "names, add one",
        ),
        *(
            (
                pa.table({"a": [1], "bad": pa.array([value], kind)}),
                f"t.feather: column 'bad' is of type {name}, not of numbers, text, booleans or "
                "times: remove it, or write it as one of them",
            )
            for kind, value, name in [
                (pa.list_(pa.int64()), [1, 2], "list<item: int64>"),
                (pa.struct({"x": pa.int64()}), {"x": 1}, "struct<x: int64>"),
                (pa.map_(pa.string(), pa.int64()), [("k", 1)], "map<string, int64>"),
                (pa.binary(), b"x", "binary"),
                (pa.binary(2), b"xy", "fixed_size_binary[2]"),
                (pa.time64("us"), datetime.time(10), "time64[us]"),
                (pa.month_day_nano_interval(), (1, 2, 3), "month_day_nano_interval"),
                (
                    pa.struct({f"a long name {n}": pa.int64() for n in range(9)}),
                    {},
                    "struct<a long name 0: int64, a long nam…",
                ),
            ]
        ),
        (
            pa.table({"t": pa.array([2**50], pa.timestamp("s"))}),
            "t.feather: column 't': Casting from timestamp[s] to timestamp[us] would result in out "
            "of bounds timestamp: 1125899906842624",
        ),
        (
            pa.table({"t": not_utf8()}),
            "t.feather is damaged, or not an Arrow file: Column 0: In chunk 0: Invalid: Invalid "
            "UTF8 sequence at string index 0",
        ),
    ],
)  # fmt: skip
def test_refuses_an_arrow_table(tmp_path: Path, table: pa.Table, message: str) -> None:
    assert refusal(store(tmp_path / "t.feather", table)) == message


def test_refuses_periods_of_pandas(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"p": pd.period_range("2020", "2021", freq="Y")}).to_parquet(path)
    assert refusal(path) == (
        "t.parquet: column 'p' is of type extension<pandas.period<ArrowPeriodType…, not of "
        "numbers, text, booleans or times: remove it, or write it as one of them"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.parquet", b"", "t.parquet is empty"),
        ("t.feather", b"", "t.feather is empty"),
        (
            "t.parquet",
            b"a,b\n1,2\n" * 9,
            "t.parquet is damaged, or not a Parquet file: Parquet magic bytes not found in footer. "
            "Either the file is corrupted or this is not a parquet file.",
        ),
        (
            "t.arrow",
            b"ARROW1\0\0" + b"x" * 50,
            "t.arrow is damaged, or not an Arrow file: Not an Arrow file",
        ),
        (
            "t.parquet",
            b"ARROW1\0\0",
            "t.parquet is an Arrow file, not what its suffix says: rename it, or get what was "
            "meant",
        ),
        (
            "t.feather",
            b"FEA1\0\0\0\0",
            "t.feather is a Feather file of version 1, not what its suffix says: rename it, or "
            "get what was meant",
        ),
        (
            "t.arrow",
            b"PAR1\x15\x04",
            "t.arrow is a Parquet file, not what its suffix says: rename it, or get what was "
            "meant",
        ),
    ],
)  # fmt: skip
def test_refuses_what_is_no_arrow_or_parquet_file(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    assert refusal(write(tmp_path / name, content)) == message


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
    content, rng = path.read_bytes(), random.Random(42)
    messages = []
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(rng.choice([1, 1, 3, 20])):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        write(path, bytes(damaged[: rng.choice([len(damaged), rng.randrange(len(damaged))])]))
        try:
            read_table_file(path)
        except FathomError as error:
            messages.append(str(error))
    assert len(messages) > 20
    assert [m for m in messages if not re.fullmatch(rf"{re.escape(str(path))}[,: ][^\n]*", m)] == []


# What a new file is


@pytest.mark.parametrize(
    ("content", "guess"),
    [
        ("a,b\n1.5,2\n", (",", ".", "utf-8")),
        ("a;b\n1.5;2\n", (";", ".", "utf-8")),
        ("a;b\n1,5;2\n2;NA\n", (";", ",", "utf-8")),
        ("a;b\n1,5;2,25\n-3;1e5\n", (";", ",", "utf-8")),
        ("Height, cm;Weight, kg\n1,5;2,5\n", (";", ",", "utf-8")),
        ("a\tb\n1,5\tx\n", ("\t", ",", "utf-8")),
        ("a|b\nx, y; z|1\nu, v; w|2\n", ("|", ".", "utf-8")),
        ('a,b\n"1;2;3",x\n"u;v;w",y\n', (",", ".", "utf-8")),
        ('a,b\n"x, y",1\n"u, v",2\n', (",", ".", "utf-8")),
        ('"a";"b"\r\n"x;y";"1,5"\r\n', (";", ",", "utf-8")),
        ("a;b;c\n1.234,5;1,5;2.5\n", (";", ".", "utf-8")),
        ("a;b\nx, y;1\n", (";", ".", "utf-8")),
        ("a,b,c\n1,2,3\n1,2\n1,2,3\n", (",", ".", "utf-8")),
        ("a\n1\n2\n", (",", ".", "utf-8")),
        ("x;y\n1\n2\n3\n", (",", ".", "utf-8")),
        ("", (",", ".", "utf-8")),
        ("a;ü\n1,5;x\n".encode("utf-8-sig"), (";", ",", "utf-8-sig")),
        ("a;ü\n1,5;x\n".encode("utf-16"), (";", ",", "utf-16")),
        ("a;ü\n1,5;€\n".encode("cp1252"), (";", ",", "cp1252")),
        (b"a;\xfc\n1,5;\x81\n", (";", ",", "latin-1")),
        ("a;b\n" + "1,5;ü\n" * 20_000, (";", ",", "utf-8")),
        ("xa;b\n" + "1,5;ü\n" * 20_000, (";", ",", "utf-8")),
        ("a;b\n" + '1,5;"x\ny"\n' * 20_000, (";", ",", "utf-8")),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_guesses(
    tmp_path: Path, content: str | bytes, guess: tuple[str, str, str], packed: bool
) -> None:
    raw = content.encode() if isinstance(content, str) else content
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    assert guess_csv(write(path, gzip.compress(raw, mtime=0) if packed else raw)) == guess


def test_guesses_the_suffix_of_one_column(tmp_path: Path) -> None:
    assert guess_csv(write(tmp_path / "t.tsv", "a\n1\n")) == ("\t", ".", "utf-8")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(
    ("delimiter", "point"),
    [(",", "."), (";", "."), ("\t", "."), ("|", "."), (";", ","), ("\t", ","), ("|", ",")],
)
def test_guesses_read_the_file(tmp_path: Path, encoding: str, delimiter: str, point: str) -> None:
    rng = np.random.default_rng(42)
    table = pd.DataFrame(
        {
            "größe": rng.normal(size=300),
            "text": rng.choice(["x, y", "z; u|v", 'say "ö"', "t\tt"], 300),
            "n": rng.integers(0, 100, 300),
        }
    )
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False, sep=delimiter, decimal=point, encoding=encoding)
    assert guess_csv(path) == (delimiter, point, encoding)
    pd.testing.assert_frame_equal(read_table_file(path, *guess_csv(path)), table)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.pq", b"", "t.pq is no CSV file: it needs no delimiter, decimal or encoding"),
        ("t.csv.gz", b"a,b", "t.csv.gz is not gzip-compressed: rename it without .gz"),
        (
            "t.csv",
            PACKED,
            "t.csv is gzip-compressed, not what its suffix says: rename it, or get what was meant",
        ),
        (
            "t.csv.gz",
            PACKED[:-9],
            "t.csv.gz is damaged gzip (Compressed file ended before the end-of-stream marker was "
            "reached): fetch or pack it anew",
        ),
    ],
)
def test_no_guess(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(FathomError) as caught:
        guess_csv(write(tmp_path / name, content))
    assert str(caught.value) == f"{tmp_path}/{message}"
