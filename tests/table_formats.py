"""Writers of one small table in every format."""

import bz2
import datetime
import gzip
import json
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import duckdb
import openpyxl
import pyarrow as pa

HEADER = ["rooms", "size", "town", "garden", "sold", "code"]
ROWS: list[list[Any]] = [
    [3, 81.5, "Köln", True, datetime.date(2020, 1, 31), 12],
    [4, None, None, False, datetime.date(2020, 2, 29), "2A"],
    [12, 100.25, 'O\'Neil, "x" %', True, None, 7],
]
CSV = """rooms,size,town,garden,sold,code
3,81.5,Köln,true,2020-01-31,12
4,,,false,2020-02-29,2A
12,100.25,"O'Neil, ""x"" %",true,,7
"""
ARFF = """% comment
@RELATION houses
@attribute\trooms INTEGER
@attribute 'size' real
@ATTRIBUTE town string
@attribute garden {true, false}
@attribute sold date "yyyy-MM-dd"
@attribute code {12, 2A, 7}
@DATA
3,81.5,Köln,true,2020-01-31,12
4,?,?,false,'2020-02-29',2A

% comment
12,100.25,'O\\'Neil, \\"x\\" %',true,?,7
"""
SPARSE_ARFF = """@relation r
@attribute n numeric
@attribute x real
@attribute s {'a b', c}
@data
{0 5, 2 c}
{1 1.5, 0 ?}
"""


def as_text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def write_json(path: Path, rows: list[list[Any]] = ROWS) -> None:
    lines = [json.dumps(dict(zip(HEADER, row, strict=True)), default=str) for row in rows]
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def write_json_list(path: Path) -> None:
    rows = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
    path.write_text(json.dumps(rows, default=str, indent=2), encoding="utf-8")


def write_json_columns(path: Path) -> None:
    columns = {name: [row[place] for row in ROWS] for place, name in enumerate(HEADER)}
    path.write_bytes(gzip.compress(json.dumps(columns, default=str).encode()))


def write_workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    workbook.save(path)
    return path


def ods_cell(value: Any) -> str:
    kind, attribute = "string", ""
    if isinstance(value, bool):
        kind, attribute = "boolean", f' office:boolean-value="{str(value).lower()}"'
    elif isinstance(value, int | float):
        kind, attribute = "float", f' office:value="{value}"'
    elif isinstance(value, datetime.date):
        kind, attribute = "date", f' office:date-value="{value}"'
    elif value is None:
        return "<table:table-cell/>"
    return (
        f'<table:table-cell office:value-type="{kind}"{attribute}><text:p>{escape(str(value))}'
        "</text:p></table:table-cell>"
    )


def write_ods(path: Path) -> None:
    rows = [f"<table:table-row>{''.join(map(ods_cell, r))}</table:table-row>" for r in TABLE]
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f'<office:document-content{names} office:version="1.2"><office:body>'
            f'<office:spreadsheet><table:table table:name="Häuser">{"".join(rows)}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )


def write_sqlite(path: Path, tables: tuple[str, ...] = ("houses",)) -> Path:
    connection = sqlite3.connect(path)
    for table in tables:
        name = '"{}"'.format(table.replace('"', '""'))
        connection.execute(f"create table {name} ({', '.join(HEADER)})")
        rows = [[str(v) if isinstance(v, datetime.date) else as_text(v) for v in r] for r in ROWS]
        connection.executemany(f"insert into {name} values (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return path


def write_duckdb(path: Path) -> None:
    types = ["int", "decimal(9, 2)", "varchar", "boolean", "date", "varchar"]
    columns = ", ".join(f"{n} {t}" for n, t in zip(HEADER, types, strict=True))
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create table houses ({columns})")
        connection.executemany("insert into houses values (?, ?, ?, ?, ?, ?)", ROWS)


def write_zip(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


TABLE = [HEADER, *ROWS]
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: bytes(pa.compress(content, "zstd")),
}
WRITERS: dict[str, Callable[[Path], Any]] = {
    ".csv": lambda path: path.write_text(CSV, encoding="utf-8"),
    ".csv.zip": lambda path: write_zip(
        path, **{"houses 2.csv": CSV, "__MACOSX/._houses 2.csv": ""}
    ),
    ".jsonl": write_json,
    ".json": write_json_list,
    ".json.gz": write_json_columns,
    ".xlsx": lambda path: write_workbook(path, {"Häuser": TABLE, "empty": []}),
    ".ods": write_ods,
    ".arff": lambda path: path.write_text(ARFF, encoding="utf-8"),
    ".sqlite": write_sqlite,
    ".db": write_sqlite,
    ".duckdb": write_duckdb,
}


def compressed(suffix: str, compression: str) -> Callable[[Path], Any]:
    """Return a writer of a compressed file."""

    def write(path: Path) -> None:
        WRITERS[suffix](path)
        path.write_bytes(COMPRESS[compression](path.read_bytes()))

    return write


WRITERS |= {f".csv{each}": compressed(".csv", each) for each in COMPRESS}
WRITERS |= {".ndjson.gz": compressed(".jsonl", ".gz"), ".arff.xz": compressed(".arff", ".xz")}
