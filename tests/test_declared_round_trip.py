"""A table that pandas writes as CSV is read by its declaration with the same values."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fathom.download.declared_columns import convert_table
from fathom.download.table_files import read_table_file
from fathom.settings.column_settings import ColumnSettings

ORDER = ["low", "medium", "high"]
GROUPS = {",": ",", ".": ".", "'": "'’", " ": " \u00a0\u2009\u202f"}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "cp1252"]
LETTERS = st.characters(
    codec="latin-1", exclude_characters="\x85\xa0", exclude_categories=["Cc", "Zs", "Zl", "Zp"]
)


@dataclass(frozen=True)
class MadeColumn:
    """The declaration of a column, its values, and how they are written."""

    entry: dict[str, Any]
    values: list[Any]
    texts: list[str]


def write_number(value: float | None, entry: dict[str, Any], mark: str) -> str:
    """Write a number as an entry declares it; `mark` stands between groups of digits."""
    if value is None:
        return (entry["missing"] or [""])[0] if "missing" in entry else "NA"
    whole, _, fraction = f"{abs(value):,.{0 if entry['kind'] == 'integer' else 3}f}".partition(".")
    digits = whole.replace(",", mark)
    if fraction:
        digits += entry.get("decimal", ".") + fraction
    if "unit" in entry:
        digits = (
            f"{entry['unit']}{digits}" if len(entry["unit"]) == 1 else f"{digits} {entry['unit']}"
        )
    if value < 0:
        return f"({digits})" if entry.get("parentheses") else f"-{digits}"
    return digits


@st.composite
def numbers(draw: st.DrawFn, rows: int) -> MadeColumn:
    entry: dict[str, Any] = {"kind": draw(st.sampled_from(["number", "integer"]))}
    entry["decimal"] = draw(st.sampled_from([".", ","]))
    thousands = draw(st.sampled_from([None, *(m for m in GROUPS if m != entry["decimal"])]))
    if thousands:
        entry["thousands"] = thousands
    unit = draw(st.sampled_from([None, "$", "€", "%", "kg", "m²"]))
    if unit:
        entry["unit"] = unit
    entry["parentheses"] = draw(st.booleans())
    if draw(st.booleans()):
        entry["missing"] = draw(st.sampled_from([[], ["-9999"], ["k.A.", "?"]]))
    mark = draw(st.sampled_from(GROUPS[thousands])) if thousands else ""
    low = st.integers(-(10**9), 10**9).filter(lambda n: n != -9999)
    kinds = {"integer": low, "number": low.map(lambda n: n / 1000)}
    values = draw(st.lists(st.none() | kinds[entry["kind"]], min_size=rows, max_size=rows))
    return MadeColumn(entry, values, [write_number(v, entry, mark) for v in values])


@st.composite
def texts(draw: st.DrawFn, rows: int) -> MadeColumn:
    kind = draw(st.sampled_from(["category", "ordinal", "boolean"]))
    if kind == "boolean":
        spelling: Any = draw(st.sampled_from([str, str.lower, str.upper]))
        values = draw(
            st.lists(st.sampled_from(["True", "False", None]), min_size=rows, max_size=rows)
        )
        return MadeColumn({"kind": kind}, values, [spelling(v) if v else "" for v in values])
    if kind == "ordinal":
        one: st.SearchStrategy[str | None] = st.sampled_from([*ORDER, None])
        values = draw(st.lists(one, min_size=rows, max_size=rows))
        return MadeColumn({"kind": kind, "order": ORDER}, values, [v or "" for v in values])
    word = st.text(LETTERS, min_size=1, max_size=8) | st.sampled_from(
        ["NA", "None", "02134", "1e5"]
    )
    words = draw(st.lists(word, min_size=rows, max_size=rows))
    return MadeColumn({"kind": kind, "missing": []}, words, words)


@st.composite
def dates(draw: st.DrawFn, rows: int) -> MadeColumn:
    form = draw(st.sampled_from(["%d.%m.%Y", "%m/%d/%Y %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y%m%d"]))
    one = st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
    written = [
        moment.strftime(form) if moment else ""
        for moment in draw(st.lists(one, min_size=rows, max_size=rows))
    ]
    values = [datetime.strptime(text, form) if text else None for text in written]
    return MadeColumn({"kind": "date", "format": form}, values, written)


@st.composite
def tables(draw: st.DrawFn) -> list[MadeColumn]:
    rows = draw(st.integers(1, 8))
    column = numbers(rows) | texts(rows) | dates(rows)
    return draw(st.lists(column, min_size=1, max_size=5))


@settings(
    max_examples=50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    tables(),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(ENCODINGS),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_declared_table_is_read_with_the_same_values(
    tmp_path_factory: pytest.TempPathFactory,
    columns: list[MadeColumn],
    delimiter: str,
    encoding: str,
    quoting: Any,
    end: str,
) -> None:
    names = [f"column {number}" for number in range(len(columns))] + ["last"]
    table = pd.DataFrame(dict(zip(names, [c.texts for c in columns], strict=False)))
    table["last"] = "x"  # so that no line is blank
    if not all(can_encode(text, encoding) for text in table.to_numpy().flat):
        encoding = "utf-8"
    path = tmp_path_factory.getbasetemp() / "t.csv"
    table.to_csv(
        path, index=False, sep=delimiter, encoding=encoding, quoting=quoting, lineterminator=end
    )
    entries = {
        name: ColumnSettings.model_validate(column.entry)
        for name, column in zip(names, columns, strict=False)
    }
    read = read_table_file(path, delimiter, encoding=encoding, declared=entries)
    converted = convert_table(read, entries, "t.csv")
    for name, column in zip(names, columns, strict=False):
        found = [None if pd.isna(v) else v for v in converted[name].tolist()]
        assert len(found) == len(column.values)
        for one, other in zip(found, column.values, strict=True):
            assert one == other or (one and other and math.isclose(one, other, rel_tol=1e-12))


def can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
