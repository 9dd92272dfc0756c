"""How a CSV file is written: its delimiter, its decimal mark and its encoding."""

import csv
import io
import itertools
import re
from pathlib import Path

from fathom.base.errors import FathomError
from fathom.download.csv_encoding import guess_encoding
from fathom.download.own_files import DELIMITERS, check_start, check_suffix, read_bytes

WHITESPACE = "whitespace"  # the delimiter of columns that runs of spaces and tabs separate
SAMPLE = 1 << 16  # bytes from which the delimiter is guessed
MAX_TITLE_LINES = 5  # above a header
INDEX_ROWS = 20  # that tell whether a header has no name for row names
WITH_POINT = re.compile(r"\s*[-+]?\d*\.\d+\s*")
WHOLE = re.compile(r"\s*[-+]?\d+\s*")
QUOTED_LINES = re.compile(rb'"[^\r\n]*\r?\n"')
SEPARATOR = re.compile(rb'"?sep=([^\w"\s]|\t)"?(?=\r|\n)', re.IGNORECASE)
COMMENTS = re.compile(rb"\A(?:#.*\r?\n){2,}")  # one such line may be a header
BLANKS = re.compile(rb'("[^"]*")|^[ \t]+|[ \t]+(?=[\r\n]|\Z)|[ \t]+', re.MULTILINE)


def guess_csv(path: Path) -> tuple[str, str, str]:
    """Guess a CSV file's delimiter, decimal mark and encoding from its first 64 kB.

    The delimiter is the one that a first line such as `sep=;` names, or else the tab, semicolon,
    bar, comma or `whitespace` that splits most rows into as many fields as the header, or else the
    default of the suffix. The decimal mark is a comma if more columns of numbers have decimal
    commas than points.
    """
    suffix = check_suffix(path)
    if suffix not in DELIMITERS:
        raise FathomError(f"{path} is not a CSV file: omit delimiter, decimal and encoding")
    content = read_bytes(path, SAMPLE)
    check_start(path, content)
    complete = len(content) < SAMPLE
    encoding = guess_encoding(content, complete).name
    text = content.decode(encoding, errors="ignore").removeprefix("\ufeff").encode()
    text, delimiter = find_delimiter(text, None, "")
    rows = [[""]]
    if delimiter:
        rows = split_rows(add_index_name(text, delimiter), delimiter, complete)
        delimiter = WHITESPACE if delimiter == " " else delimiter
    else:
        delimiter, rows = guess_delimiter(text, complete) or (DELIMITERS[suffix], rows)
    return delimiter, "," if delimiter != "," and has_decimal_commas(rows) else ".", encoding


def find_delimiter(content: bytes, delimiter: str | None, default: str) -> tuple[bytes, str]:
    """Return a CSV file's content without what stands for its delimiter, and the delimiter.

    A first line `sep=;`, with which Excel begins a file, becomes a blank line; it is obeyed if
    `delimiter` is None. The runs of blanks of `whitespace` become single ones.
    """
    separator = SEPARATOR.match(content)
    if separator is not None:
        content = content[separator.end() :]
        delimiter = separator[1].decode() if delimiter is None else delimiter
    if delimiter == WHITESPACE:
        return BLANKS.sub(join_blanks, content), " "
    return content, default if delimiter is None else delimiter


def join_blanks(match: re.Match[bytes]) -> bytes:
    """Return a field in quotes, nothing for the blanks around a line, and one space for others."""
    if match[1] is not None:
        return match[1]
    at_start = match.start() == 0 or match.string[match.start() - 1] in b"\r\n"
    at_end = match.end() == len(match.string) or match.string[match.end()] in b"\r\n"
    return b"" if at_start or at_end else b" "


def add_index_name(content: bytes, delimiter: str) -> bytes:
    """Begin the header with an empty name where it has none for the row names of R.

    `write.table` writes them in quotes, or without; then they are known by the numbers of the rows.
    """
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")
    try:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        header = next(reader, [])
        rows = list(itertools.islice(reader, INDEX_ROWS))
    except csv.Error:
        return content
    names = [fields[0] for fields in rows if len(fields) == len(header) + 1]
    if len(rows) < 2 or not len(set(names)) == len(names) == len(rows):
        return content
    if not any(fields[-1].strip() for fields in rows):  # each ends with an extra delimiter
        return content
    if delimiter == "," and has_split_numbers(rows):
        return content
    numbered = names == [str(number) for number in range(1, len(rows) + 1)]
    if numbered or QUOTED_LINES.match(content):
        return f'""{delimiter}'.encode() + content
    return content


def has_split_numbers(rows: list[list[str]]) -> bool:
    """Tell whether two columns may be one of numbers with decimal commas: 1,5."""
    if any(WITH_POINT.fullmatch(field) for row in rows for field in row):
        return False
    whole = [all(map(WHOLE.fullmatch, column)) for column in zip(*rows, strict=True)]
    return any(map(all, itertools.pairwise(whole)))


def guess_delimiter(content: bytes, complete: bool) -> tuple[str, list[list[str]]] | None:
    """Return the delimiter that splits most rows like the header, and these rows, if there is one.

    The header may follow some lines of a title, or comments that begin with #.
    """
    content = COMMENTS.sub(b"", content) or content
    texts = {mark: (content, mark) for mark in "\t;|,"}
    texts[WHITESPACE] = find_delimiter(content, WHITESPACE, "")
    splits = {
        mark: split_rows(add_index_name(text, by), by, complete)
        for mark, (text, by) in texts.items()
    }
    for start in range(MAX_TITLE_LINES + 1):
        best, result = 0.9 if start else 0.5, None
        for mark, split in splits.items():
            rows = split[start:]
            regular = [fields for fields in rows if 1 < len(fields) == len(rows[0])]
            share = len(regular) / len(rows) if len(rows) > 2 * min(start, 1) else 0
            if mark == WHITESPACE:
                if start or share < 0.9 or (result and not holds_columns(result[1])):
                    continue
                best = 0
            if share > best:
                best, result = share, (mark, regular)
        if result is not None:
            return result
    return None


def holds_columns(rows: list[list[str]]) -> bool:
    """Tell whether the first field of each row but the header is numbers between blanks."""
    return all(re.fullmatch(r"\s*[-+.\deE]+(\s+[-+.\deE?]+)+\s*", row[0]) for row in rows[1:])


def split_rows(content: bytes, delimiter: str, complete: bool) -> list[list[str]]:
    """Return the fields of all rows but the last one of an incomplete file."""
    text = io.StringIO(content.decode(), newline="")
    rows = [fields for fields in csv.reader(text, delimiter=delimiter) if fields]
    return rows if complete else rows[:-1]


def has_decimal_commas(rows: list[list[str]]) -> bool:
    """Return whether more columns of numbers have decimal commas than points.

    Ignores the header, and numbers like 1.234 and 1,234, whose mark may separate thousands.
    """
    columns = [[field.strip() for field in column] for column in zip(*rows[1:], strict=True)]
    count = {mark: sum(has_decimals(column, mark) for column in columns) for mark in ",."}
    return count[","] > count["."]


def has_decimals(column: list[str], mark: str) -> bool:
    """Return whether all fields with digits, most of a column, are numbers with a decimal mark."""
    other, mark = re.escape("." if mark == "," else ","), re.escape(mark)
    number = re.compile(rf"[+-]?(\d*|\d{{1,3}}({other}\d{{3}})+)({mark}\d+)?([eE][+-]?\d+)?")
    thousands = re.compile(rf"[+-]?[1-9]\d{{0,2}}({mark}\d{{3}})+|[^{mark}]*")
    fields = [field for field in column if re.search(r"\d", field)]
    if len(fields) < sum(map(bool, column)) / 2:
        return False
    return all(map(number.fullmatch, fields)) and not all(map(thousands.fullmatch, fields))


def check_marks(delimiter: str, decimal: str) -> None:
    is_ascii = len(delimiter) == 1 and delimiter.isascii()
    if delimiter != WHITESPACE and (not is_ascii or delimiter.isalnum() or delimiter in '"\r\n'):
        tab = '; write a tab as "\\t", in double quotes' if delimiter == "\\t" else ""
        raise FathomError(
            "dataset.source.delimiter must be one character, such as a comma, or whitespace, not "
            f"{delimiter!r}{tab}"
        )
    if len(decimal) != 1 or decimal.isalnum() or decimal in '"+- \r\n':
        raise FathomError(f"dataset.source.decimal must be a point or a comma, not {decimal!r}")
    if delimiter == decimal:
        raise FathomError(
            f"dataset.source.decimal and dataset.source.delimiter are both {decimal!r}, but must "
            "differ"
        )
