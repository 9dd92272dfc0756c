"""CSV files are read as they are, with the narrowest type of each column."""

import datetime
import gzip
import importlib
import random
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from own_files import write

from fathom.download.csv_files import MISSING, guess_csv
from fathom.download.table_files import read_table_file

NAN = float("nan")


def read(folder: Path, content: str | bytes, **settings: Any) -> pd.DataFrame:
    return read_table_file(write(folder / "t.csv", content), **settings)


def types(table: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in table.dtypes.items()}


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
def test_a_column_has_the_narrowest_type(
    tmp_path: Path, fields: list[str], kind: str, values: list[Any]
) -> None:
    table = read(tmp_path, "".join(f"{line}\n" for line in ["k,v", *(f"1,{f}" for f in fields)]))
    expected = pd.Series(values, name="v", dtype=kind)
    pd.testing.assert_series_equal(table["v"], expected)
    assert isinstance(table.index, pd.RangeIndex)
    assert table.columns.dtype == "str"


def test_types_depend_on_the_whole_file(tmp_path: Path) -> None:
    rows = [f"{n},{n}.5,{n}" for n in range(200_000)]
    table = read(tmp_path, "\n".join(["a,b,c", *rows, "1,1,text", ""]))
    assert types(table) == {"a": "int64", "b": "float64", "c": "str"}
    assert table["c"].tolist()[-2:] == ["199999", "text"]
    assert table["b"].sum() == sum(range(200_000)) + 100_001


def test_missing_markers_are_those_of_pandas_and_of_the_settings(tmp_path: Path) -> None:
    assert set(MISSING) == importlib.import_module("pandas._libs.parsers").STR_NA_VALUES
    table = read(tmp_path, "\n".join(["n,s", *(f"{text},{text}" for text in MISSING), "1,x"]))
    assert table["n"].isna().sum() == table["s"].isna().sum() == len(MISSING)
    assert types(table) == {"n": "float64", "s": "str"}
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
def test_delimiters_and_suffixes(
    tmp_path: Path, name: str, delimiter: str | None, mark: str
) -> None:
    content = f"a{mark}b\n1{mark}x\n".encode()
    for file, packed in ((name, content), (f"{name}.GZ", gzip.compress(content))):
        table = read_table_file(write(tmp_path / file, packed), delimiter)
        assert table.to_dict("list") == {"a": [1], "b": ["x"]}


def test_decimal_comma(tmp_path: Path) -> None:
    text = "a;b;c;d\n1,5;2;1.5;u, v\n-2,25;3;2,5;w\n"
    table = read(tmp_path, text, delimiter=";", decimal=",")
    assert types(table) == {"a": "float64", "b": "int64", "c": "str", "d": "str"}
    assert table["a"].tolist() == [1.5, -2.25]
    assert table["c"].tolist() == ["1.5", "2,5"]
    assert table["d"].tolist() == ["u, v", "w"]


@pytest.mark.parametrize(
    ("encoding", "setting"),
    [
        *((name, name) for name in ("utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-32", "cp1252")),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "UTF_16"),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, setting: str) -> None:
    table = read(tmp_path, "größe,ä\n1,ü\n".encode(encoding), encoding=setting)
    assert table.to_dict("list") == {"größe": [1], "ä": ["ü"]}


def test_names_may_look_like_signatures_and_fields_may_be_long(tmp_path: Path) -> None:
    assert list(read(tmp_path, "PAR1,PAR2\n1,2\n").columns) == ["PAR1", "PAR2"]
    assert list(read(tmp_path, "ARROW1,ü\n1,2\n").columns) == ["ARROW1", "ü"]
    long = "x" * 300_000
    assert read(tmp_path, f'a,b\n1,"{long}"\n')["b"].tolist() == [long]


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
    path = tmp_path / "t.csv"
    for _ in range(60):
        rows = rng.randrange(1, 40)
        columns = {
            f"{text()}{number}": [make() for _ in range(rows)]
            for number, make in enumerate([makers[0], *rng.choices(makers, k=5)])
        }
        table = pd.DataFrame(columns)
        separator = rng.choice(",;|\t")
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
def test_guesses(tmp_path: Path, content: str | bytes, guess: tuple[str, str, str]) -> None:
    raw = content.encode() if isinstance(content, str) else content
    assert guess_csv(write(tmp_path / "t.csv", raw)) == guess
    assert guess_csv(write(tmp_path / "t.csv.gz", gzip.compress(raw))) == guess


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
