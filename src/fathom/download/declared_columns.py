"""Converts columns as `dataset.columns` declares them, and refuses values that contradict it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import pyarrow as pa
from pyarrow import compute

from fathom.artifacts.columns import as_texts
from fathom.artifacts.date_texts import has_offset, parse_date_texts
from fathom.base.errors import FathomError
from fathom.download.csv_files import replace_decimal_mark, trim_texts, try_cast
from fathom.download.declaration_error import DeclarationError
from fathom.download.magnitudes import write_exponents
from fathom.download.mixed_units import parse_mixed_units
from fathom.settings.column_settings import MISSING, NUMBERS, ColumnSettings

GROUP_MARKS = {" ": "[ \u00a0\u2009\u202f]", "'": "['\u2019]", ".": r"\.", ",": ","}
MINUS = "[\u2212\u2013\uff0d]"  # besides the usual one; the en dash is a typist's
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
OFFSET = r"\d\d:?\d\d.*(?:Z|[+-]\d\d:?\d\d)$"  # behind a time, not in a date


def convert_table(
    table: pd.DataFrame,
    columns: Mapping[str, ColumnSettings],
    where: str,
    decimal: str = ".",
    missing: Sequence[str] = MISSING,
) -> pd.DataFrame:
    """Convert the declared columns of a table; its index numbers the rows.

    Columns of texts become what `convert_texts` returns, others stay as they are, but numbers and
    dates among `missing` of their column become NaN and NaT, and ordinals texts.

    Raises:
        FathomError: a value contradicts its declaration. The line names column, row and value.
    """
    declared = declared_kinds(columns)
    converted = {
        name: convert_column(
            table[name], columns[name], f"{where}: column {name!r}", decimal, missing
        )
        for name in table.columns
        if name in declared
    }
    if not converted:
        return table
    return pd.DataFrame({name: converted.get(name, table[name]) for name in table.columns})


def declared_kinds(columns: Mapping[str, ColumnSettings]) -> frozenset[str]:
    """Return the columns whose kind is declared. Hydra would resolve a list of them as settings."""
    return frozenset(name for name, column in columns.items() if column.kind is not None)


def convert_column(
    values: pd.Series[Any], column: ColumnSettings, where: str, decimal: str, missing: Sequence[str]
) -> pd.Series[Any]:
    first = int(values.index[0]) if len(values) else 0
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if is_number and column.missing:
        values = values.mask(values.isin(missing_numbers(column)))
    if is_number and column.kind in ("date", "ordinal", "boolean", "text", "text_id"):
        values = as_texts(values)  # 20200131
    if pd.api.types.is_datetime64_any_dtype(values):
        if column.kind != "date":
            raise FathomError(f"{where} holds dates, but dataset.columns declares {column.kind}")
        return values.mask(values.isin(missing_dates(column))) if column.missing else values
    if not pd.api.types.is_string_dtype(values):
        if column.kind == "integer" and is_number:
            refuse_fractions(values, column, where)
        return values
    texts = pa.chunked_array([pa.array(values, pa.string(), from_pandas=True)])
    result = convert_texts(texts, column, where, decimal, missing, first)
    if pa.types.is_integer(result.type) and result.null_count:
        result = result.cast(pa.float64(), safe=False)
    if pa.types.is_string(result.type):
        return pd.Series(result.to_pandas().array, values.index, "str", values.name)
    return pd.Series(result.to_numpy(), values.index, name=values.name)


def missing_numbers(column: ColumnSettings) -> list[float]:
    """Return the numbers that stand for a missing value, however they are written."""
    markers = pd.to_numeric(pd.Series(column.missing, dtype="str"), errors="coerce")
    return [float(number) for number in markers.dropna()]


def missing_dates(column: ColumnSettings) -> pd.Series[Any]:
    """Return the dates that stand for a missing value."""
    markers = pd.Series(column.missing, dtype="str")
    return pd.to_datetime(markers, format="ISO8601", errors="coerce").dropna()


def refuse_fractions(values: pd.Series[Any], column: ColumnSettings, where: str) -> None:
    fractions = values.notna() & (values % 1 != 0)
    if fractions.any():
        row: Any = fractions.idxmax()
        raise DeclarationError(where, float(values[row]), row, column, is_number=True)


def convert_texts(
    texts: pa.ChunkedArray,
    column: ColumnSettings,
    where: str,
    decimal: str = ".",
    missing: Sequence[str] = MISSING,
    first: int = 0,
) -> pa.ChunkedArray:
    """Convert texts as they are in a file to the declared kind.

    Args:
        where: the file and the column, for errors: "houses.csv: column 'price'".
        decimal: the decimal mark, unless the column has its own.
        missing: texts that stand for a missing value, unless the column lists its own.
        first: the number of the first row, for errors.

    Returns:
        float64, int64, timestamp[us] without a zone, or strings, with nulls. Booleans become the
        strings True and False.

    Raises:
        FathomError: a value contradicts the declaration. The line names the row and the value.
    """
    markers = missing if column.missing is None else column.missing
    trimmed = trim_texts(texts, ["", *markers])
    try:
        return convert_trimmed(trimmed, column, where, decimal, first)
    except DeclarationError as error:
        if column.missing is None:  # a list of markers replaces the usual ones
            used = compute.utf8_trim_whitespace(texts).unique().to_pylist()
            used = [text for text in used if text and text in markers]
            raise error.replace(markers=used) from error
        raise


def convert_trimmed(
    texts: pa.ChunkedArray, column: ColumnSettings, where: str, decimal: str, first: int
) -> pa.ChunkedArray:
    if column.kind in NUMBERS:
        numbers = to_numbers(texts, column, where, decimal, first)
        if not column.missing:
            return numbers
        markers = pa.array(missing_numbers(column), pa.float64())
        is_missing = compute.is_in(numbers.cast(pa.float64(), safe=False), markers)
        return compute.if_else(is_missing, pa.scalar(None, numbers.type), numbers)
    if column.kind == "date":
        return to_dates(texts, column, where, first)
    if column.kind == "boolean":
        booleans = compute.utf8_capitalize(texts)
        valid = compute.is_in(booleans, pa.array(["True", "False"]))
        refuse(texts, valid, column, where, first)
        return booleans
    if column.kind == "ordinal":
        refuse(texts, compute.is_in(texts, pa.array(column.order)), column, where, first)
    return texts


def to_numbers(
    texts: pa.ChunkedArray, column: ColumnSettings, where: str, decimal: str, first: int
) -> pa.ChunkedArray:
    """Return float64; int64 for whole numbers, unless one is beyond its range."""
    if column.format is not None:
        numbers = parse_mixed_units(texts, column.format)
        refuse(texts, compute.is_valid(numbers), column, where, first)
        return numbers
    digits = plain_numbers(texts, column, decimal)
    floats = try_cast(digits, pa.float64())
    if floats is None or not compute.all(compute.is_finite(floats)).as_py():
        refuse(texts, compute.match_substring_regex(digits, f"^{NUMBER}$"), column, where, first)
    if column.kind == "number" or floats is None:
        return floats
    integers = try_cast(digits, pa.int64())
    if integers is None:  # 3.0, or beyond int64
        whole = compute.equal(compute.floor(floats), floats)
        refuse(texts, whole, column, where, first, is_number=True)
        integers = try_cast(floats, pa.int64())
    return floats if integers is None else integers


def plain_numbers(
    texts: pa.ChunkedArray, column: ColumnSettings, decimal: str = "."
) -> pa.ChunkedArray:
    """Write numbers as Python does: without units and thousands marks, and with a point."""
    decimal = column.decimal or decimal
    digits = compute.replace_substring_regex(texts, MINUS, "-")
    if column.parentheses:
        digits = compute.replace_substring_regex(digits, r"^\((.*)\)$", r"-\1")
    if column.unit is not None:
        unit = re.escape(column.unit)
        if len(unit) > 3 and unit.endswith("s"):  # days, and 1 day
            unit += "?"
        space = f"{GROUP_MARKS[' ']}*"
        digits = compute.replace_substring_regex(digits, f"^([+-]?){space}{unit}{space}", r"\1")
        digits = compute.replace_substring_regex(digits, f"{space}{unit}$", "")
    if column.parentheses:
        digits = compute.replace_substring_regex(digits, r"^(\d(?:.*\d)?) ?-$", r"-\1")
    if column.magnitudes:
        digits = write_exponents(digits, GROUP_MARKS[" "])
    if column.thousands is not None:
        mark = GROUP_MARKS[column.thousands]
        groups = (
            rf"^[+-]?\d{{1,3}}({mark}\d{{2,3}})*{mark}\d{{3}}({re.escape(decimal)}\d*)?(e\d+)?$"
        )
        joined = compute.replace_substring_regex(digits, mark, "")
        digits = compute.if_else(compute.match_substring_regex(digits, groups), joined, digits)
    return replace_decimal_mark(digits, decimal)


def to_dates(
    texts: pa.ChunkedArray, column: ColumnSettings, where: str, first: int
) -> pa.ChunkedArray:
    """Return timestamp[us] without a zone."""
    values = texts.to_pandas()
    dates = parse_dates(values, column, where)
    valid = pa.chunked_array([(dates.notna() | values.isna()).to_numpy()])
    refuse(texts, valid, column, where, first)
    return pa.chunked_array([pa.array(dates, pa.timestamp("us"), safe=False, from_pandas=True)])


def parse_dates(values: pd.Series[Any], column: ColumnSettings, where: str) -> pd.Series[Any]:
    """Parse texts, NaT for those that are no dates. Times with an offset become those of `zone`.

    Raises:
        FathomError: the format or the zone does not exist.
    """
    form = column.format or "ISO8601"
    try:
        dates = parse_date_texts(values, form, column.language)
    except (ValueError, re.error) as error:
        raise FathomError(f"{where}: {form!r} is no format of dates: {error}") from error
    if column.zone is None:
        return dates.dt.tz_localize(None)
    try:
        local = dates.dt.tz_convert(ZoneInfo(column.zone)).dt.tz_localize(None)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise FathomError(
            f"{where}: there is no time zone {column.zone!r}: write one such as Europe/Berlin"
        ) from error
    if form == "ISO8601":
        return local.where(values.str.contains(OFFSET, na=False), dates.dt.tz_localize(None))
    return local if has_offset(form) else dates.dt.tz_localize(None)


def refuse(
    texts: pa.ChunkedArray,
    valid: pa.ChunkedArray,
    column: ColumnSettings,
    where: str,
    first: int,
    is_number: bool = False,
) -> None:
    """Name the first text that is neither valid nor missing."""
    invalid = compute.and_(compute.invert(valid), compute.is_valid(texts))
    row = compute.index(compute.fill_null(invalid, False), True).as_py()
    if row >= 0:
        raise DeclarationError(where, texts[row].as_py(), first + row, column, is_number)
