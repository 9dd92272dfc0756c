"""A file that is not a table is refused with one line that says where and what."""

import bz2
import csv
import gzip
from pathlib import Path
from typing import Any

import pytest
import yaml
from own_files import refusal, write

from fathom.download.csv_dialect import guess_csv
from fathom.download.table_files import read_table_file

GOOD = b"a,b\n1,2\n"
PACKED = gzip.compress(GOOD, mtime=0)
CUT = (
    "is damaged gzip (Compressed file ended before the end-of-stream marker was reached): download "
    "or compress it again"
)


def other_kind(kind: str) -> str:
    return f"t.csv is {kind}, despite its suffix: rename or replace it"


BAD_CSV = [
    *yaml.safe_load(Path(__file__).with_name("bad_csv.yaml").read_text("utf-8")),
    {"content": PACKED, "message": other_kind("gzip-compressed")},
    {
        "content": 'a,b\n1,"' + "x" * 200_000 + "\n",
        "message": "t.csv, line 2: a quote is not closed, or text follows a closing quote: put a "
        'field that contains quotes in quotes, and double each of them ("")',
    },
]


@pytest.mark.parametrize("case", BAD_CSV)
def test_refuses_a_csv_file(tmp_path: Path, case: dict[str, Any]) -> None:
    content, limit = case["content"], csv.field_size_limit()
    if "encoding" in case:
        content = content.encode(case["encoding"])
    path = write(tmp_path / "t.csv", content)
    assert refusal(read_table_file, path, **case.get("settings", {})) == case["message"]
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD, "is not gzip-compressed: rename it without .gz"),
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (PACKED[:-9], CUT),
        (PACKED[:-8] + bytes(4) + PACKED[-4:], "is damaged gzip (CRC check failed 0x0 != "
         "0xa97077b): download or compress it again"),
        (PACKED[:10] + b"\xff" * 8, "is damaged gzip (Error -3 while decompressing data: invalid "
         "block type): download or compress it again"),
        (gzip.compress(PACKED, mtime=0),
         "is gzip-compressed, despite its suffix: rename or replace it"),
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


@pytest.mark.parametrize("name", ["t.html", "t", "t.parquet.gz", ".csv"])
def test_refuses_unknown_suffixes(tmp_path: Path, name: str) -> None:
    assert refusal(read_table_file, write(tmp_path / name, bz2.compress(b""))) == (
        f"{name}: the suffix of a table must be one of .csv, .tsv, .tab, .txt, .data, .dat, .json, "
        ".jsonl, .ndjson, .arff, optionally with .gz, .zip, .zst, .bz2, .xz, or one of .parquet, "
        ".pq, .feather, .arrow, .xlsx, .xlsm, .xlsb, .xls, .ods, .sqlite, .sqlite3, .db, .duckdb"
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
