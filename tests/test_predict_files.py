"""Files of new rows are read as the file of the data set was: `fathom.predict.table_rows`."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pandas as pd
import pytest
from trainings import refusal

from fathom.artifacts.signature import SourceFile
from fathom.base.errors import FathomError
from fathom.predict.table_rows import STANDARD_STREAM, open_table

NO_HEADER = SourceFile(headers=[["column_1", "column_2", "y"], ["column_1", "column_2"]])
ROWS = {"a": ["1", "2"], "b": ["x", "Ö z"]}


def read(path: Path, source: SourceFile, **options: str) -> dict[str, list[Any]]:
    with open_table(path, options, source) as rows:
        blocks = [block.to_pydict() for block in rows.blocks]
    return {name: [value for block in blocks for value in block[name]] for name in rows.names}


@pytest.mark.parametrize(
    ("content", "encoding", "source", "wanted"),
    [
        ("sep=;\na;b\n1;x\n2;Ö z\n", "utf-8", {}, ROWS),
        ("\ufeffsep=|\r\na|b\r\n1|x\r\n2|Ö z\r\n", "utf-16", {}, ROWS),
        (' a   b\n 1\tx\n2   "Ö z" \n', "utf-8", {}, ROWS),
        ("a;b;\n1;x;\n2;Ö z;\n", "cp1252", {"encoding": "cp1252"}, ROWS),
        (",a,b,,\n5,1,x,,\n5,2,Ö z,,\n", "utf-8", {}, {"Unnamed: 0": ["5", "5"]} | ROWS),
        ('"a"\t"b"\n"5"\t1\tx\n"6"\t2\t"Ö z"\n', "utf-8", {}, {"Unnamed: 0": ["5", "6"]} | ROWS),
        (
            "a b\n1 1 x\n2 2 'Ö z'\n".replace("'", '"'),
            "utf-8",
            {},
            {"Unnamed: 0": ["1", "2"]} | ROWS,
        ),
        ("a,b\n1,x\n2,Ö z\n", "cp1250", {"encoding": "cp1250"}, ROWS),
        ("a,b\n1,x\n2,Ö z\n", "utf-8", {"encoding": "cp1250"}, ROWS),
        ("a,b\n1,Poznań\n", "cp1250", {"encoding": "cp1250"}, {"a": ["1"], "b": ["Poznań"]}),
        ("1,x\n", "utf-8", NO_HEADER, {"column_1": ["1"], "column_2": ["x"]}),
        ("1 x  7\n", "utf-8", NO_HEADER, {"column_1": ["1"], "column_2": ["x"], "y": ["7"]}),
    ],
)
def test_forms_of_csv_files(
    tmp_path: Path, content: str, encoding: str, source: Any, wanted: dict[str, list[str]]
) -> None:
    path = tmp_path / "new.csv"
    path.write_bytes(content.encode(encoding))
    assert read(path, SourceFile.model_validate(source)) == wanted


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zip"])
def test_a_file_that_unpacks_to_more_than_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"new.jsonl{suffix}"
    pd.DataFrame({"a": ["0" * 2_000_000]}).to_json(path, orient="records", lines=True)
    free = SimpleNamespace(available=4 << 20)
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    with pytest.raises(FathomError) as refused:
        read(path, SourceFile())
    assert str(refused.value) == (
        f"{path} has more than 1 MiB of content, a quarter of the free memory: save it as "
        "Parquet, which is read in parts"
    )


def test_standard_input_is_like_the_file_of_the_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for delimiter in (";", "whitespace"):
        mark = delimiter if delimiter == ";" else "  "
        content = f"a{mark}b\n1{mark}x\n2{mark}Öz\n".encode("cp1250")
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        source = SourceFile(delimiter=delimiter, encoding="cp1250")
        assert read(STANDARD_STREAM, source) == {"a": ["1", "2"], "b": ["x", "Öz"]}


def test_a_header_on_standard_input_without_a_name_for_row_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = b'"b","a"\n"1","x",1\n"2","y",2\n'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    wanted = {"Unnamed: 0": ["1", "2"], "b": ["x", "y"], "a": ["1", "2"]}
    assert read(STANDARD_STREAM, SourceFile()) == wanted


def test_an_encoding_that_looks_like_another_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new.csv"
    path.write_bytes("a,b\n1,Gdańsk\n2,Łódź\n3,Wrocław\n".encode("cp1250"))
    assert read(path, SourceFile(encoding="cp1252"))["b"][2] == "Wroc³aw"
    assert capsys.readouterr().err == (
        f"{path} is read as cp1252, as the training data, but looks like cp1250: if texts are "
        "wrong, add --encoding\n"
    )
    assert read(path, SourceFile(encoding="cp1252"), encoding="cp1250")["b"][2] == "Wrocław"
    assert capsys.readouterr().err == ""
    assert read(path, SourceFile())["b"][2] == "Wrocław"
    said = f"{path} is read as cp1250: if texts are wrong, add --encoding\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    ("name", "content", "source", "options", "message"),
    [
        (
            "new.csv", b"1\n2\n", NO_HEADER, {},
            "{} has 1 column, but the data set, whose file has no header, has 3 or 2 (all, or all "
            "but the target)",
        ),
        (
            "new.csv", b"a;b\n1;2\n", SourceFile(), {"delimiter": ","},
            "{} has one column, 'a;b': add --delimiter \";\"",
        ),
        (
            "new.csv", b"a,b\n1,2\n", SourceFile(), {"encoding": "utf8x"},
            "{} cannot be read as CSV: unknown encoding: utf8x",
        ),
        (
            "new.csv", b"a,b\n1,2\n", SourceFile(), {"delimiter": "ab"},
            "--delimiter must be one character, such as a comma, or whitespace, not 'ab'",
        ),
        (
            "new.csv", b"a,b\n1,2\n", SourceFile(), {"sheet": "x"},
            "--sheet is for files with .xlsx, .xlsm, .xlsb, .xls, .ods, not for {}",
        ),
    ],
)  # fmt: skip
def test_refusals_name_options_of_the_command(
    tmp_path: Path, name: str, content: bytes, source: SourceFile, options: Any, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert refusal(lambda: read(path, source, **options)) == message.format(path)


def test_a_workbook_of_several_sheets(tmp_path: Path) -> None:
    path, workbook = tmp_path / "new.xlsx", openpyxl.Workbook()
    for number, name in enumerate(["first", "second"]):
        sheet = workbook.create_sheet(name)
        sheet.append(["a"])
        sheet.append([number])
    workbook.save(path)
    assert read(path, SourceFile(sheet="second")) == {"a": [1]}
    assert read(path, SourceFile(sheet="second"), sheet="first") == {"a": [0]}
    assert refusal(lambda: read(path, SourceFile())) == (
        f"{path} has the sheets 'first', 'second': name one with --sheet"
    )
