"""The file of conf/dataset/ that is written for a user's own data, with comments to go on from."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from fathom.new_dataset.examples import examples
from fathom.new_dataset.exclusions import ENOUGH, printable, written
from fathom.new_dataset.infer_columns import Column
from fathom.new_dataset.infer_target import Target
from fathom.new_dataset.printing import is_choice

PLAIN = re.compile(r"[^\W\d][\w./-]*( \w[\w-]*)*")  # what needs no quotes, unless it is yes or null
SHOWN = 10  # strange texts of a column
NAMED = 20  # integers that may be categories


@dataclass(frozen=True)
class Source:
    """A source's function and its arguments, each with a comment or none."""

    function: str
    arguments: dict[str, tuple[Any, str]]

    def lines(self) -> list[str]:
        return [
            "dataset:",
            "  source:",
            f"    _target_: fathom.download.sources.{self.function}",
            *(
                commented(f"    {key}: {flow(value)}", comment)
                for key, (value, comment) in self.arguments.items()
            ),
        ]


def table_settings(about: str, source: Source, columns: Sequence[Column], target: Target) -> str:
    """Return the settings of a table.

    Args:
        about: a sentence on the data.
        source: where it lies.
        columns: all of them.
        target: what is to be predicted.
    """
    given = [column for column in columns if column.name != target.column.name]
    kept = [column for column in given if column.reason is None]
    lines = [
        *header(about),
        *source.lines(),
        commented(f"  task: {target.task}", target.why),
        f"  target: {flow(target.column.name)}",
        "  unit: null  # what one is, in figures: $, kg, points",
        *excluded([column for column in given if column.reason is not None]),
        *categories(kept),
        *dates([column for column in kept if column.form is not None]),
        *slips([target.column, *kept]),
        *examples(kept, flow),
        *split(target.unsplittable, [column for column in kept if column.kind == "date"]),
        *scale([column for column in kept if column.kind in ("category", "boolean")]),
    ]
    return "\n".join(lines) + "\n"


def image_settings(about: str, source: Source, own_test: bool, unsplittable: str | None) -> str:
    """Return the settings of images."""
    lines = [*header(about), *source.lines(), "  task: classification"]
    if own_test or unsplittable:
        lines.append("split:")
    if own_test:
        lines.append("  test: own")
    if unsplittable:
        lines.append(commented("  stratify: false", unsplittable))
    return "\n".join(lines) + "\n"


def header(about: str) -> list[str]:
    return ["# @package _global_", "#", *comment(about, "")]


def excluded(columns: Sequence[Column]) -> list[str]:
    if not columns:
        return ["  exclude: []"]
    items = [commented(f"    - {flow(c.name)}", c.reason or "") for c in columns]
    return ["  exclude:", *items]


def categories(columns: Sequence[Column]) -> list[str]:
    mixed = [column for column in columns if column.mixed]
    choices = [f"{printable(c.name)} ({c.distinct})" for c in columns if is_choice(c)]
    text = "Text and booleans are categories by themselves, and integers by choice."
    choices[NAMED:] = [f"and {len(choices) - NAMED} more"] if len(choices) > NAMED else []
    if choices:
        text += f" Of these with so many different values: {', '.join(choices)}"
    if not mixed:
        return [*comment(text, "  "), "  categories: []"]
    items = [commented(f"    - {flow(c.name)}", f"not all numbers: {texts_of(c)}") for c in mixed]
    return [*comment(text, "  "), "  categories:", *items]


def dates(columns: Sequence[Column]) -> list[str]:
    lines = []
    for column in columns:
        other = f"or {flow(column.other_form)}: no value tells" if column.other_form else ""
        lines.append(commented(f"    {quoted(column.name)}: {flow(column.form)}", other))
    return ["  dates:", *lines] if lines else []


def slips(columns: Sequence[Column]) -> list[str]:
    lines = []
    for column in columns:
        if column.strange and not column.mixed:
            what = "dates" if column.kind == "date" else "numbers"
            lines += comment(
                f"{printable(column.name)} holds texts among its {what}, which the stages refuse. "
                "Mend them in the file, or list them as source.missing if they stand for no "
                f"value: {texts_of(column)}",
                "  ",
            )
    return lines


def split(unsplittable: str | None, dates: Sequence[Column]) -> list[str]:
    lines = []
    if unsplittable:
        lines += ["split:", commented("  stratify: false", unsplittable)]
    if dates:
        date = dates[0]
        sorted_by = "rise" if date.ordered else "do not rise yet: sort them first"
        text = "To train on the past and test on what came after it, with rows in the order of "
        text += f"{printable(date.name)} (they {sorted_by}):"
        lines += comment(text, "  " if unsplittable else "")
        lines.append("  # shuffle: false" if unsplittable else "# split: {shuffle: false}")
    return lines


def scale(columns: Sequence[Column]) -> list[str]:
    if all(column.most >= ENOUGH for column in columns):
        return []
    return ["scale:", "  min_frequency: 1  # so few rows that categories are rare"]


def texts_of(column: Column) -> str:
    texts = [f"{written(text)!r} (row {row})" for text, row in column.strange.items()]
    more = [f"{len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    return ", ".join([*texts[:SHOWN], *more])


def comment(text: str, indent: str) -> list[str]:
    begin = f"{indent}# "
    return textwrap.wrap(text, 100, initial_indent=begin, subsequent_indent=begin)


def commented(line: str, comment: str) -> str:
    return f"{line}  # {printable(comment)}" if comment else line


def flow(value: Any) -> str:
    """Return a value as YAML in one line, which OmegaConf reads as just this value."""
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{quoted(key)}: {flow(item)}' for key, item in value.items())}}}"
    if not isinstance(value, str):
        return "null" if value is None else str(value).lower()
    return quoted(re.sub(r"(\\*)\$\{", r"\1\1\\${", value))  # no interpolation


def quoted(text: str) -> str:
    """Return a text as YAML, in quotes if need be."""
    if PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9).strip("\n")
