"""The file in conf/dataset/ for a user's own data, with comments that explain each guess."""

import textwrap
from collections.abc import Sequence
from typing import Any

import jinja2

from fathom.new_dataset.column_guess import Check, ColumnGuess
from fathom.new_dataset.date_formats import TIMES
from fathom.new_dataset.exclusions import MIN_TOP_COUNT
from fathom.new_dataset.infer_target import TargetGuess
from fathom.new_dataset.printing import join_first, printable
from fathom.new_dataset.suggestions import suggest
from fathom.settings.yaml_text import column_entry, to_yaml

MAX_CHOICES = 20  # integers that may be categories, in the comment on them
WIDTH = 100

Arguments = dict[str, tuple[Any, str]]  # of a source: values with comments, or ""


def table_settings(
    summary: str,
    source: Arguments,
    columns: Sequence[ColumnGuess],
    target: TargetGuess,
    checks: Sequence[Check],
) -> str:
    """Return the settings of a table; `source` has the arguments of `table_file` or `database`."""
    used = [c for c in columns if c.reason is None and c.name != target.column.name]
    choices = [f"{printable(c.name)} ({c.distinct})" for c in used if c.may_be_category]
    categories = [column for column in used if column.kind in ("category", "boolean")]
    return render(
        summary=summary,
        function="database" if "url_env" in source else "table_file",
        source=source,
        target=target,
        checks=checks,
        columns=[column_line(column, target) for column in columns],
        choices=join_first(choices, MAX_CHOICES),
        unsplittable=target.unsplittable,
        dates=[c for c in used if c.kind == "date" and c.declaration.format not in TIMES],
        suggestions=suggest(columns, target),
        few_rows=any(column.top_count < MIN_TOP_COUNT for column in categories),
    )


def column_line(column: ColumnGuess, target: TargetGuess) -> str:
    """Return the entry of a column, with its evidence behind it, or above it if that is long."""
    is_target = column.name == target.column.name
    entry = f"    {column_entry(column.name, column.declaration)}"
    why = ("" if is_target else column.reason) or column.evidence
    line = f"{entry}  # {printable(why)}" if why else entry
    return line if len(line) <= WIDTH or not why else f"{comment(printable(why), '    ')}\n{entry}"


def image_settings(
    summary: str,
    notes: list[str],
    function: str,
    source: Arguments,
    own_test: bool,
    unsplittable: str | None,
) -> str:
    """Return the settings of images, with the arguments of a function in `sources`."""
    return render(
        summary=summary,
        notes=notes,
        function=function,
        source=source,
        own_test=own_test,
        unsplittable=unsplittable,
    )


def render(**values: Any) -> str:
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("fathom.new_dataset", ""),
        autoescape=False,  # noqa: S701 - YAML
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= {
        "comment": comment,
        "note": lambda text: f"  # {printable(text)}" if text else "",
        "printable": printable,
        "yaml": to_yaml,
    }
    return templates.get_template("dataset.yaml.j2").render(values)


def comment(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
