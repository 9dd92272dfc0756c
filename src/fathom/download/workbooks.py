"""Sheets of Excel and OpenDocument workbooks."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetVisibleEnum,
    ZipError,
)

from fathom.base.errors import FathomError, did_you_mean
from fathom.download.cells import table_of_rows, whole_number
from fathom.download.csv_files import name_index
from fathom.download.own_files import error_text, read_bytes


def read_workbook(path: Path, sheet: str | None = None) -> pa.Table:
    """Read a sheet, whose first row with values is its header.

    Without a name it is the only visible sheet with values. Formulas count as the value that the
    workbook stores; errors such as #DIV/0! are missing values. Cells that are merged below each
    other all have the value of the first.

    Raises:
        FathomError: the workbook is damaged, or no sheet or several can be meant.
    """
    content = read_bytes(path)
    if not content:
        raise FathomError(f"{path} is empty")
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
            chosen = choose_sheet(path, workbook, sheet)
            rows = chosen.to_python()
            fill_merged(chosen, rows)
    except PasswordError as error:
        raise FathomError(f"{path} needs a password: save it without one") from error
    except (CalamineError, ZipError, OSError, ValueError) as error:
        if content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
            raise FathomError(
                f"{path} is a web page or XML, not a workbook: open it in Excel or LibreOffice, "
                "and save it as a workbook (.xlsx)"
            ) from error
        if is_text(content):
            raise FathomError(
                f"{path} is text, not a workbook: rename it, such as to {path.stem}.csv"
            ) from error
        raise FathomError(f"{path} is damaged, or not a workbook: {error_text(error)}") from error
    where = Path(f"{path}, sheet {chosen.name!r}")
    if not rows:
        raise FathomError(f"{where} is empty")
    cells = [[to_value(cell) for cell in row] for row in rows[1:]]
    cells = [row for row in cells if any(cell is not None for cell in row)]
    return table_of_rows(where, read_header(where, chosen, rows[0]), cells)


def fill_merged(sheet: CalamineSheet, rows: list[list[Any]]) -> None:
    """Write the value of merged cells, which the first one has, into those below it."""
    above, left = sheet.start or (0, 0)
    for (top, column), (bottom, last) in sheet.merged_cell_ranges or []:
        if column == last:
            for row in rows[top - above + 1 : bottom - above + 1]:
                row[column - left] = rows[top - above][column - left]


def is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def choose_sheet(path: Path, workbook: CalamineWorkbook, name: str | None) -> CalamineSheet:
    names = workbook.sheet_names
    if name is not None:
        if name not in names:
            raise FathomError(f"{path} has no sheet {name!r}{did_you_mean(name, names)}")
        return workbook.get_sheet_by_name(name)
    visible = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible
    ]
    sheets = [workbook.get_sheet_by_name(each) for each in visible]
    filled = [sheet for sheet in sheets if sheet.start]
    if len(filled) > 1:
        raise FathomError(
            f"{path} has the sheets {', '.join(repr(s.name) for s in filled)}: name one with "
            "dataset.source.sheet (--sheet)"
        )
    if not filled:
        raise FathomError(f"{path} is empty")
    return filled[0]


def read_header(where: Path, sheet: CalamineSheet, cells: list[Any]) -> list[str]:
    """Return the names of the columns. Merged cells and titles above the table leave some empty."""
    names = name_index(["" if c == "" else str(whole_number(c)).strip() for c in cells])
    if "" in names:
        row, column = sheet.start or (0, 0)
        place = f"{column_letters(column + names.index(''))}{row + 1}"
        raise FathomError(
            f"{where}: cell {place} has no name of a column: the first row with values must name "
            "each column in a cell of its own, without merged cells or a title above"
        )
    return names


def column_letters(number: int) -> str:
    """Return the letters by which a workbook counts columns: A, B, …, Z, AA."""
    letters = chr(ord("A") + number % 26)
    return letters if number < 26 else column_letters(number // 26 - 1) + letters


def to_value(cell: Any) -> Any:
    """Return a cell's value, None for an empty one. Workbooks store whole numbers as floats."""
    return cell.strip() or None if isinstance(cell, str) else whole_number(cell)
