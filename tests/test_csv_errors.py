"""A file that is not a table is refused with one line that says where and what."""

import bz2
import csv
import gzip
from pathlib import Path
from typing import Any

import pytest
from own_files import refusal, write

from fathom.download.csv_files import guess_csv
from fathom.download.table_files import read_table_file

GOOD = "a,b\n1,2\n"
PACKED = gzip.compress(GOOD.encode(), mtime=0)
REMEDY = "set dataset.source.encoding to the encoding of the file"
CUT = (
    "is damaged gzip (Compressed file ended before the end-of-stream marker was reached): download "
    "or compress it again"
)


def other_kind(kind: str) -> str:
    return f"t.csv is {kind}, despite its suffix: rename or replace it"


def fields(line: int, count: str, columns: int, text: str, mark: str = ",") -> str:
    return (
        f"t.csv, line {line} has {count}, but there are {columns} columns: {text!r}; correct it, "
        f"or put a field that contains {mark!r} in quotes"
    )


def quote(line: int) -> str:
    return (
        f"t.csv, line {line}: a quote is not closed, or text follows a closing quote: put a field "
        'that contains quotes in quotes, and double each of them ("")'
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "t.csv is empty"),
        ("\n\r\n  \n", "t.csv is empty"),
        ("\ufeff", "t.csv is empty"),
        ("a,b", "t.csv has a header, but no rows"),
        ("a,b\n\n", "t.csv has a header, but no rows"),
        ("a,b\n1,2\n\n1,2,3\n4\n", fields(4, "3 fields", 2, "1,2,3")),
        ('a,b\n1,"x\ny"\n\n1\n', fields(5, "1 field", 2, "1")),
        ("a,b\n1,2\n" + "long," * 20 + "\n", fields(3, "21 fields", 2, "long," * 7 + "long…")),
        ("a,b\r1,2\r1\r", fields(3, "1 field", 2, "1")),
        ('a,b\n1,x\n2,"y\n3,z\n', quote(3)),
        ('a,b\n1,x\n2,"y\n3,"z"\n', quote(3)),
        ('a,b\n1,"x"y\n', quote(2)),
        ('a,b\n\n1,"x" \n', quote(3)),
        ('a,"b\n1,2\n', quote(1)),
        ('a,b\n1,"' + "x" * 200_000 + "\n", quote(2)),
        (",a,b\n0,1,2\n", "t.csv: column 1 has no name: name it or remove it; to_csv of pandas "
         "writes row numbers like this without index=False"),
        ("a, ,b\n0,1,2\n", "t.csv: column 2 has no name: name it or remove it"),
        ("a,b,\n0,1,\n", "t.csv: column 3 has no name: name it or remove it; perhaps each line "
         "ends with an extra delimiter"),
        ("a,b, a\n0,1,2\n", "t.csv: columns 1 and 3 are both named 'a': rename one; if the file "
         "has no header, add one"),
        ('a, "b"\n1,2\n', "t.csv: the column name '\"b\"' has a space before its quote: remove "
         "such spaces"),
        ("a;b;c\n1,5;2,5;3,5\n",
         "t.csv has one column, 'a;b;c': set dataset.source.delimiter: \";\""),
        ("a\tb\n1\t2\n", "t.csv has one column, 'a\\tb': set dataset.source.delimiter: \"\\t\""),
        ("a,b\n1,x\n2,ü\n".encode("latin-1"),
         f"t.csv, line 3: byte 0xfc is not utf-8: {REMEDY}, such as latin-1"),
        (GOOD.encode("utf-16"),
         "t.csv starts like UTF-16: set dataset.source.encoding: utf-16"),
        *((content, f"t.csv, line {line}: text has no NUL character: the file is damaged, or "
           f"{REMEDY}, such as utf-16")
          for content, line in [(GOOD.encode("utf-16-le"), 1), ("a,b\n1,2\n3,\0\n", 3)]),
        (PACKED, other_kind("gzip-compressed")),
        (b"PK\x03\x04\x14\0", other_kind("a zip archive or an Excel workbook")),
        ("\n<!DOCTYPE html>\n<title>404</title>", other_kind("a web page")),
        ("<html>", other_kind("a web page")),
        (b"PAR1\x15\x04\x15", other_kind("a Parquet file")),
        (b"ARROW1\0\0", other_kind("an Arrow file")),
    ],
)  # fmt: skip
def test_refuses_a_csv_file(tmp_path: Path, content: str | bytes, message: str) -> None:
    limit = csv.field_size_limit()
    assert refusal(read_table_file, write(tmp_path / "t.csv", content)) == message
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("settings", "content", "message"),
    [
        ({"delimiter": ";"}, GOOD,
         "t.csv has one column, 'a,b': set dataset.source.delimiter: \",\""),
        ({"delimiter": ";"}, 'a;b\n1;"x\ny"\n\n1\n', fields(5, "1 field", 2, "1", ";")),
        ({"encoding": "cp1252"}, b"a,b\r\n1,\x81\r\n",
         f"t.csv, line 2: byte 0x81 is not cp1252: {REMEDY}, such as latin-1"),
        ({"encoding": "utf-7"}, b"a,b\n1,+2AA-\n", f"t.csv is not utf-7: {REMEDY}"),
        ({"encoding": "uft-8"}, GOOD,
         "dataset.source.encoding: there is no encoding 'uft-8'; did you mean utf-8?"),
        ({"encoding": "rot13"}, GOOD, "dataset.source.encoding: there is no encoding 'rot13'; "
         "there are: cp1252, latin-1, utf-16, utf-8"),
        ({"decimal": ","}, GOOD, "dataset.source.decimal and dataset.source.delimiter are both "
         "',', but must differ"),
        *(({"decimal": mark}, GOOD,
           f"dataset.source.decimal must be a point or a comma, not {mark!r}")
          for mark in ["", ".,", "0", "-", '"']),
        *(({"delimiter": mark}, GOOD,
           f"dataset.source.delimiter must be one character, such as a comma, not {mark!r}")
          for mark in ["", ";;", "x", "\n", '"', "é"]),
        ({"delimiter": "\\t"}, GOOD, "dataset.source.delimiter must be one character, such as a "
         'comma, not \'\\\\t\'; write a tab as "\\t", in double quotes'),
    ],
)  # fmt: skip
def test_refuses_settings(
    tmp_path: Path, settings: dict[str, Any], content: str | bytes, message: str
) -> None:
    assert refusal(read_table_file, write(tmp_path / "t.csv", content), **settings) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD, "is not gzip-compressed: rename it without .gz"),
        (b"", "is empty"),
        (gzip.compress(b""), "is empty"),
        (PACKED[:-9], CUT),
        (PACKED[:-8] + bytes(4) + PACKED[-4:], "is damaged gzip (CRC check failed 0x0 != "
         "0xa97077b): download or compress it again"),
        (PACKED[:10] + b"\xff" * 8, "is damaged gzip (Error -3 while decompressing data: invalid "
         "block type): download or compress it again"),
        (gzip.compress(PACKED), "is gzip-compressed, despite its suffix: rename or replace it"),
    ],
)  # fmt: skip
def test_refuses_a_damaged_gzip_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = write(tmp_path / "t.csv.gz", content)
    assert refusal(read_table_file, path) == f"t.csv.gz {message}"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.pq", b"", "t.pq is not a CSV file: omit delimiter, decimal and encoding"),
        ("t.csv.gz", b"a,b", "t.csv.gz is not gzip-compressed: rename it without .gz"),
        ("t.csv", PACKED, other_kind("gzip-compressed")),
        ("t.csv.gz", PACKED[:-9], f"t.csv.gz {CUT}"),
    ],
)
def test_does_not_guess(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    assert refusal(guess_csv, write(tmp_path / name, content)) == message


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    write(tmp_path / "houses.csv", "a\n1\n")
    write(tmp_path / "notes.md", "")
    (tmp_path / "houses.parquet").mkdir()
    (tmp_path / "link.csv").symlink_to("gone.csv")
    long = f"{'x' * 300}.csv"
    for name, message in [
        ("huoses.csv", "huoses.csv is missing; did you mean houses.csv?"),
        ("zz.pq", "zz.pq is missing; there are: houses.csv"),
        ("no/houses.csv", f"houses.csv is missing: there is no folder {tmp_path / 'no'}"),
        ("houses.parquet",
         "houses.parquet is a folder: name one file; join several into one first"),
        ("link.csv", "link.csv is missing; there are: houses.csv"),
        (long, f"{long} cannot be read: File name too long"),
    ]:  # fmt: skip
        assert refusal(read_table_file, tmp_path / name) == message
    for number in range(100):
        write(tmp_path / f"{number:03}.csv", "a\n1\n")
    assert refusal(read_table_file, tmp_path / "zzzzzz.csv").count(".csv") == 11  # names ten


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.csv.zip", "t.parquet.gz", "t.gz", ".csv"])
def test_refuses_unknown_suffixes(tmp_path: Path, name: str) -> None:
    assert refusal(read_table_file, write(tmp_path / name, bz2.compress(b""))) == (
        f"{name}: the suffix of a table must be one of .csv, .tsv, .txt, .csv.gz, .tsv.gz, "
        ".txt.gz, .parquet, .pq, .feather, .arrow"
    )


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_refuses_an_unreadable_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def deny(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / name, "a\n1\n")
    monkeypatch.setattr(Path, "open", deny)
    assert refusal(read_table_file, path) == f"{name} cannot be read: Permission denied"
