"""The file in conf/dataset/ for a user's own data, with comments that explain each guess."""

import re
import textwrap
from collections.abc import Sequence
from typing import Any

import yaml

from fathom.new_dataset.exclusions import MIN_TOP_COUNT
from fathom.new_dataset.infer_columns import ColumnGuess
from fathom.new_dataset.infer_target import TargetGuess
from fathom.new_dataset.printing import join_first, printable

PLAIN = re.compile(r"[^\W\d][\w./-]*( \w[\w-]*)*")  # needs no quotes, unless it is yes or null
MAX_CHOICES = 20  # integers that may be categories, in the comment on them

Arguments = dict[str, tuple[Any, str]]  # of a source: values with comments, or ""


def table_settings(
    summary: str, source: Arguments, columns: Sequence[ColumnGuess], target: TargetGuess
) -> str:
    """Return the settings of a table; `source` has the arguments of `table_file`."""
    others = [column for column in columns if column.name != target.column.name]
    used = [column for column in others if column.reason is None]
    excluded = [add_comment(f"- {to_yaml(c.name)}", c.reason) for c in others if c.reason]
    dates = [column for column in used if column.date_format is not None]
    lines = [
        *header(summary, "table_file", source),
        add_comment(f"  task: {target.task}", target.why),
        f"  target: {to_yaml(target.column.name)}",
        "  unit: null  # of the target, in the report: $, kg, points",
        *section("  exclude:", excluded),
        *category_lines(used),
        *(section("  dates:", [date_line(column) for column in dates]) if dates else []),
        "  # wide, deep, buckets, crosses, sample_weight, auxiliary: see docs/datasets.md",
        *(
            line
            for column in [target.column, *used]
            if column.refused
            for line in comment(column.describe_invalid(), "  ")
        ),
        *split_lines(target.unsplittable),
        *past_and_future([c for c in used if c.kind == "date"], bool(target.unsplittable)),
    ]
    categories = [column for column in used if column.kind in ("category", "boolean")]
    if any(column.top_count < MIN_TOP_COUNT for column in categories):
        lines += ["scale:", "  min_frequency: 1  # in so few rows, categories are rare"]
    return "\n".join(lines) + "\n"


def image_settings(
    summary: str, function: str, source: Arguments, own_test: bool, unsplittable: str | None
) -> str:
    """Return the settings of images, with the arguments of a function in `sources`."""
    lines = [*header(summary, function, source), "  task: classification"]
    lines += split_lines(unsplittable, ["  test: own"] if own_test else [])
    return "\n".join(lines) + "\n"


def header(summary: str, function: str, source: Arguments) -> list[str]:
    return [
        "# @package _global_",
        "#",
        *comment(summary),
        "dataset:",
        "  source:",
        f"    _target_: fathom.download.sources.{function}",
        *(add_comment(f"    {key}: {to_yaml(value)}", why) for key, (value, why) in source.items()),
    ]


def section(key: str, items: Sequence[str]) -> list[str]:
    return [key, *(f"    {item}" for item in items)] if items else [f"{key} []"]


def category_lines(columns: Sequence[ColumnGuess]) -> list[str]:
    text = "Text and booleans are always categories, integers only if they are listed here."
    choices = [f"{printable(c.name)} ({c.distinct})" for c in columns if c.may_be_category]
    if choices:
        text += f" Number of different integers: {join_first(choices, MAX_CHOICES)}"
    mixed = [
        add_comment(f"- {to_yaml(column.name)}", f"not all numbers: {column.list_invalid()}")
        for column in columns
        if column.mixed
    ]
    return [*comment(text, "  "), *section("  categories:", mixed)]


def date_line(column: ColumnGuess) -> str:
    other = f"or {to_yaml(column.other_format)}: both fit" if column.other_format else ""
    return add_comment(f"{quote(column.name)}: {to_yaml(column.date_format)}", other)


def split_lines(unsplittable: str | None, others: Sequence[str] = ()) -> list[str]:
    stratify = [add_comment("  stratify: false", unsplittable)] if unsplittable else []
    return ["split:", *others, *stratify] if others or stratify else []


def past_and_future(dates: Sequence[ColumnGuess], in_split: bool) -> list[str]:
    """Return a comment that says how to split by the first column of dates."""
    if not dates:
        return []
    order = "ascending" if dates[0].ascending else "not sorted yet: sort them first"
    text = "To train on the past and test on the future, with rows in the order of "
    text += f"{printable(dates[0].name)} ({order}):"
    if in_split:
        return [*comment(text, "  "), "  # shuffle: false"]
    return [*comment(text), "# split: {shuffle: false}"]


def comment(text: str, indent: str = "") -> list[str]:
    begin = f"{indent}# "
    return textwrap.wrap(text, 100, initial_indent=begin, subsequent_indent=begin)


def add_comment(line: str, text: str | None) -> str:
    return f"{line}  # {printable(text)}" if text else line


def to_yaml(value: Any) -> str:
    """Return a value as YAML in one line, from which OmegaConf reads this very value."""
    if isinstance(value, list):
        return f"[{', '.join(map(to_yaml, value))}]"
    if not isinstance(value, str):
        return "null" if value is None else str(value).lower()
    return quote(re.sub(r"(\\*)\$\{", r"\1\1\\${", value))  # no interpolation


def quote(text: str) -> str:
    """Return a text as YAML, in quotes if it needs them."""
    if PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9).strip("\n")
