"""How a CSV file of which nothing is known is read: its header, encoding and delimiter."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from own_files import refusal, write

from fathom.base.errors import FathomError
from fathom.download.csv_encoding import guess_encoding
from fathom.download.table_files import read_table_file
from fathom.new_dataset.column_guess import Check
from fathom.new_dataset.infer_columns import infer_columns
from fathom.new_dataset.unknown_table import read_unknown_table

IRIS = "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n6.3,3.3,Iris-virginica\n"
MUSHROOM = "p,x,s,x\ne,b,y,x\np,x,s,b\ne,x,s,b\n"
TWO_DATES = "2020-01-05,red\n2020-02-11,red\n2020-03-01,blue\n2020-03-02,blue\n"


@pytest.mark.parametrize(
    ("content", "evidence"),
    [
        (IRIS, "all 2 columns of numbers, such as '5.1'"),
        (IRIS.replace(",", ";").replace(".", ","), "all 2 columns of numbers, such as '5,1'"),
        (IRIS.replace("4.9", "") + IRIS, "all 2 columns of numbers, such as '5.1'"),
        ("Anna,Bonn,34\nBea,Köln,27\nCem,Bonn,51\n", "the column of numbers, such as '34'"),
        ("NA,3,7\n1,3,6\n2,4,9\n9,1,2\n", "all 2 columns of numbers, such as '3'"),
        ("0,0,7\n1,0,6\n0,4,9\n", "all 3 columns of numbers, such as '0'"),
        ("?,3\n1,3\n2,4\n9,1\n", "the column of numbers, such as '3'"),
        (MUSHROOM, "values like those below it, such as 'p'"),
        (TWO_DATES, "values like those below it, such as '2020-01-05'"),
        (f"sepal,petal,kind\n{IRIS}", None),
        ("kind,0,1,2\na,0,1,2\nb,2,1,1\n", None),  # of an array without names
        ("country,2018,2020,2021\na,1.5,3,4\nb,2.5,3,4\n", None),
        ("country,2020\na,5\nb,6\n", None),
        ("410.5,411.0,411.5,412.0\n0.1,0.2,0.1,0.2\n0.5,0.4,0.3,0.1\n", None),  # a spectrum
        ("1,5,20\n0.1,0.2,0.1\n0.5,0.4,0.3\n", None),  # names unlike the values
        ("kind,size\nred,big\nred,small\nblue,big\n", None),
        ("name,town\nAnna,Bonn\nBea,Bonn\nCem,Köln\n", None),
        ("a,b\nx1,y1\nx2,y2\nx1,y2\n", None),
    ],
)
def test_a_first_row_of_data(tmp_path: Path, content: str, evidence: str | None) -> None:
    file = write(tmp_path / "t.csv", content)
    count = len(read_unknown_table(file, header=False).table.columns)
    if evidence is None:
        assert len(read_unknown_table(file, header=None).table) == content.count("\n") - 1
        return
    has = "values" if evidence.startswith("values") else "a number for"
    assert refusal(read_unknown_table, file, None) == (
        f"t.csv seems to have no header: its first row has {has} {evidence.removeprefix('values ')}"
        ". --no-header takes the first row as data and names the columns column_1 … "
        f"column_{count}, --header as the names"
    )
    found = read_unknown_table(file, header=False)
    assert found.source["header"] == (False, "the first row is data")
    arguments = {key: value for key, (value, _) in found.source.items()}
    table = read_table_file(file, **arguments)
    assert list(table) == [f"column_{n}" for n in range(1, count + 1)] == list(found.table)
    assert len(table) == content.count("\n")


def test_names_that_the_user_insists_on(tmp_path: Path) -> None:
    found = read_unknown_table(write(tmp_path / "t.csv", IRIS), header=True)
    assert list(found.table) == ["5.1", "3.5", "Iris-setosa"]
    assert found.source == {}
    message = "t.csv: columns 2 and 4 are both named 'x': rename one; if the file has no header, "
    file = write(tmp_path / "t.csv", MUSHROOM)
    assert refusal(read_unknown_table, file, True).startswith(message)
    with pytest.raises(FathomError, match="--no-header is for CSV files, not for"):
        read_unknown_table(write(tmp_path / "t.parquet", b""), header=False)


@pytest.mark.parametrize(
    ("encoding", "words", "evidence", "change"),
    [
        (
            "cp1250",
            ["Poznań", "Kraków", "Łódź", "Gdańsk", "Wrocław"],
            "'Poznań' is read as cp1250, the encoding that fits best the texts beyond ASCII; as "
            "cp1252 it would be 'Poznañ'",
            "encoding: cp1252",
        ),
        (
            "cp932",
            ["東京", "大阪"],
            "'東京' is read as cp932, the encoding that fits best the texts beyond ASCII, of which "
            "there are only 2; as cp949 it would be '뱦떈'",
            "encoding: cp949",
        ),
    ],
)
def test_encodings_to_check(
    tmp_path: Path, encoding: str, words: list[str], evidence: str, change: str
) -> None:
    rows = "".join(f"{n},{word}\n" for n, word in enumerate(words))
    file = write(tmp_path / "t.csv", f"n,town\n{rows}".encode(encoding))
    found = read_unknown_table(file, header=None)
    assert list(found.table["town"]) == words
    assert found.source["encoding"] == (encoding, f"reads {words[0]!r}")
    (check,) = found.checks
    assert (check.column, check.evidence, check.change) == ("encoding", evidence, change)


def test_names_beyond_ascii_change_with_the_encoding(tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "płeć,y\nmężczyzna,1\nkobieta,2\n".encode("cp1250"))
    (check,) = read_unknown_table(file, header=None).checks
    assert check.change == "save the file as UTF-8"


WESTERN = (
    "Köln café Zürich João São Tromsø España ¿Qué? SÃO è don’t it’s 20°C T(°C) 5µm µg/m³ m² ±3 ½ "
    "10£ ¥100 ©2020 Nº 1ª MÜNCHEN"
)


@pytest.mark.parametrize(
    ("encoding", "words", "other"),
    [
        *(("cp1252", [word], ...) for word in WESTERN.split()),
        ("cp1252", WESTERN.split(), None),  # no other fits all
        ("cp1252", [f"{n}\u00a0{n}74 €" for n in range(1, 10)], ...),
        (
            "cp1252",
            ["Córdoba", "Liège", "Nîmes", "Besançon", "Forlì", "København", "Århus", "Tromsø"],
            "cp1250",
        ),
        ("iso8859_15", ["5€"], "cp1252"),
        ("cp1250", ["Łódź"], "cp1252"),
        ("iso8859_2", ["Łódź", "Śląskie"], "cp1252"),
        ("cp1251", ["нет"], "cp1252"),
        ("cp1253", ["ναι"], "cp1252"),
        ("cp1255", ["ירושלים", "חיפה"], "cp1252"),
        ("cp949", ["3월"], "cp1252"),
        ("gb18030", ["北京", "上海"], "cp932"),
        ("big5", ["女"], "cp949"),
    ],
)
def test_encodings_of_few_words(encoding: str, words: list[str], other: Any) -> None:
    rows = "".join(f"{n},{word},red\n" for n, word in enumerate(words))
    found = guess_encoding(f"n,word,color\n{rows}".encode(encoding))
    assert (found.name, found.other) == (encoding, found.other if other is ... else other)


@pytest.mark.parametrize(
    ("content", "source"),
    [
        ("a,b\n1,x\n2,y\n", {}),
        ("\ufeffa;b\r\n1;ü\r\n2;y\r\n", {"delimiter": (";", "")}),
        ("a,b\r1,x\r2,y\r", {}),
        ("a,b,\n1,x,\n2,y,\n", {}),
        ("a,b,,\n1,x,,\n2,y,,\n", {}),
        ('"sep=;"\na;b\n1;x\n2;y\n', {"delimiter": (";", "in the first line")}),
        (" a  b\n 1  x\n 2  y\n", {"delimiter": ("whitespace", "runs of blanks")}),
        ('a\t"b"\n1\t"x"\n2\t y\n', {"delimiter": ("\t", "")}),
    ],
)
def test_dialects(tmp_path: Path, content: str, source: dict[str, Any]) -> None:
    file = write(tmp_path / "t.csv", content)
    found = read_unknown_table(file, header=None)
    assert found.source == source
    table = read_table_file(file, **{key: value for key, (value, _) in source.items()})
    assert table.to_dict("list") == {"a": [1, 2], "b": [found.table["b"][0], "y"]}


def test_the_index_of_pandas_has_the_name_that_pandas_reads(tmp_path: Path) -> None:
    for name in ("", '""', '"Unnamed: 0"', 'sep=,\n""'):
        file = write(tmp_path / "t.csv", f'{name},a\n"1950",1\n1951,2\n')
        found = read_unknown_table(file, header=None)
        assert (list(found.table), found.checks) == (["Unnamed: 0", "a"], ())
    assert read_table_file(file).to_dict("list") == {"Unnamed: 0": [1950, 1951], "a": [1, 2]}


def test_row_names_without_a_name_are_to_be_checked(tmp_path: Path) -> None:
    found = read_unknown_table(write(tmp_path / "t.txt", '"a"\n"x" 1\n"y" 2\n'), header=None)
    assert found.table.to_dict("list") == {"Unnamed: 0": ["x", "y"], "a": ["1", "2"]}
    (check,) = found.checks
    assert (check.column, check.evidence, check.change) == (
        "Unnamed: 0",
        "the first line has one name fewer than the other lines have fields: the first field is "
        "read as the row names of R",
        "write all names into the first line of the file",
    )


def test_blanks_between_numbers_and_tabs_before_texts_are_delimiters(tmp_path: Path) -> None:
    rows = "".join(f'18.{n}   8   130.0\t"ford torino {n}"\n' for n in range(5))
    found = read_unknown_table(write(tmp_path / "t.txt", rows), header=False)
    assert found.source["delimiter"] == ("whitespace", "runs of blanks")
    assert found.table.iloc[1].tolist() == ["18.1", "8", "130.0", "ford torino 1"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "1 3:1 10:0.5\n0 3:1 12:0.5\n",
            "t.txt is a file of LIBSVM, with pairs such as 3:0.5: read it with "
            "sklearn.datasets.load_svmlight_file and save it as CSV or Parquet",
        ),
        (
            "a   b    c\n1.5 x    2\n2.5      3\n3.5 y    4\n4.5      5\n",
            "t.txt, line 3 has 2 fields, but there are 3 columns: '2.5 3'; correct it, or put a "
            "field that contains ' ' in quotes; columns of a fixed width are read by "
            "pandas.read_fwf alone",
        ),
        (
            "'a','b'\n'1','x'\n'2','x'\n'3','y'\n",
            "t.txt: the column name 'a' is in single quotes: write double ones instead, around "
            "fields, too",
        ),
        (
            'a,b\n1,"say \\"no\\", or"\n2,"say \\"yes\\", or"\n',
            "t.txt, line 2: a quote is not closed, or text follows a closing quote: put a field "
            'that contains quotes in quotes, and double each of them ("")',
        ),
        (
            "a,b\n1,blå\n2,blå \n3,röd\n".encode() + "4,grün\n".encode("cp1252"),
            "t.txt, line 5: byte 0xfc is not utf-8, but most other texts are UTF-8: save the whole "
            "file as UTF-8",
        ),
    ],
)
def test_refuses_a_file(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert refusal(read_unknown_table, write(tmp_path / "t.txt", content), None) == message


def test_encodings_with_a_byte_order_mark() -> None:
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert guess_encoding("a,ü\n".encode(encoding)).name == encoding


def test_a_first_line_names_the_delimiter_in_the_stages(tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "sep=;\r\na;b\r\n1;x\r\n")
    assert read_table_file(file).to_dict("list") == {"a": [1], "b": ["x"]}


def test_only_texts_of_csv_files_have_usual_markers_of_missing_values(tmp_path: Path) -> None:
    table = pd.DataFrame({"country": ["NA", "DE", "DE"], "size": [1.5, 2.5, 3.5]})
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    counts = []
    for name in ("t.csv", "t.parquet"):
        found = read_unknown_table(tmp_path / name, header=None)
        columns = infer_columns(found.table, None, found.decimal, found.missing)
        counts.append([(column.missing, column.declaration.missing) for column in columns])
    assert counts == [[(1, None), (0, None)], [(0, None), (0, None)]]


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_times_of_other_zones_are_to_be_checked(tmp_path: Path, suffix: str) -> None:
    times = pd.date_range("2021-01-01", periods=3, tz="UTC")
    table = pd.DataFrame({"a": times, "b": times.tz_convert("America/New_York")})
    file = tmp_path / f"t{suffix}"
    table.to_parquet(file) if suffix == ".parquet" else table.to_feather(file)
    found = read_unknown_table(file, header=None)
    assert found.table["b"].tolist() == found.table["a"].tolist()
    change = "save them as local times, without a zone"
    assert found.checks == (Check("b", "the times of America/New_York become UTC", change),)
