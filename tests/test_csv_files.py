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
import yaml
from own_files import write

from fathom.download.csv_dialect import guess_csv
from fathom.download.table_files import read_table_file
from fathom.settings.column_settings import MISSING

NAN = float("nan")


def read(folder: Path, content: str | bytes, **settings: Any) -> pd.DataFrame:
    return read_table_file(write(folder / "t.csv", content), **settings)


def types(table: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in table.dtypes.items()}


TYPES, GUESSES = (
    yaml.safe_load(Path(__file__).with_name(name).read_text("utf-8"))
    for name in ("csv_types.yaml", "csv_guesses.yaml")
)


@pytest.mark.parametrize("case", TYPES)
def test_a_column_has_the_narrowest_type(tmp_path: Path, case: dict[str, Any]) -> None:
    rows = ["k,v", *(f"1,{field}" for field in case["fields"])]
    table = read(tmp_path, "".join(f"{row}\n" for row in rows))
    expected = pd.Series(case["values"], name="v", dtype=case["type"])
    pd.testing.assert_series_equal(table["v"], expected)
    assert isinstance(table.index, pd.RangeIndex)
    assert table.columns.dtype == "str"


@pytest.mark.parametrize(
    ("content", "delimiter", "names"),
    [
        ('"a" "b"\n"1" 5 "x y"\n"2" 6 "z"\n', "whitespace", [1, 2]),
        ("a\tb\n1\t5\tx y\n2\t6\tz\n", "\t", [1, 2]),
        ('"a","b"\r\n"Anna",5,"x y"\r\n"Bea",6,"z"\r\n', ",", ["Anna", "Bea"]),
        ('"a","b"\n"1.5",5,"x y"\n"2.5",6,"z"\n', ",", [1.5, 2.5]),
    ],
)
def test_row_names_of_r_have_no_name(
    tmp_path: Path, content: str, delimiter: str, names: list[Any]
) -> None:
    """As `write.table` writes a data frame, with its quotes or without."""
    table = read(tmp_path, content, delimiter=delimiter)
    assert table.to_dict("list") == {"Unnamed: 0": names, "a": [5, 6], "b": ["x y", "z"]}


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


@pytest.mark.parametrize("case", GUESSES)
def test_guesses(tmp_path: Path, case: dict[str, Any]) -> None:
    text = case["content"] + case.get("repeat", "") * 20_000
    content = text.encode(case.get("encoding", "utf-8"))
    guess = tuple(case["guess"])
    assert guess_csv(write(tmp_path / "t.csv", content)) == guess
    assert guess_csv(write(tmp_path / "t.csv.gz", gzip.compress(content))) == guess


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
