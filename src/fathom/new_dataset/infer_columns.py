"""Guesses of what the columns of an unknown table are, from their values and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.columns import MOSTLY
from fathom.download.declared_columns import convert_column
from fathom.new_dataset.column_guess import Check, ColumnGuess, Reading
from fathom.new_dataset.column_texts import Texts, find_texts
from fathom.new_dataset.exclusions import find_duplicates, integer_identifier
from fathom.new_dataset.infer_numbers import Context
from fathom.new_dataset.infer_texts import read_texts
from fathom.new_dataset.missing_markers import find_markers
from fathom.new_dataset.number_formats import Numbers, find_numbers
from fathom.new_dataset.printing import count_rows, shorten
from fathom.new_dataset.typed_columns import read_typed
from fathom.settings.column_settings import MISSING, UNUSED
from fathom.settings.yaml_text import column_entry

MIN_VALUES = 10  # for some of them to be in the training set


def infer_columns(
    table: pd.DataFrame,
    target: str | None = None,
    decimal: str = ".",
    missing: Sequence[str] = MISSING,
) -> list[ColumnGuess]:
    """Describe the columns of a table, in order.

    Args:
        table: as it is in the file: the columns of a CSV file are texts.
        target: the column to predict.
        decimal: the decimal mark of the file, from which columns may differ.
        missing: texts that stand for a missing value in any column; in typed sources none.
    """
    texts = {
        str(name): find_texts(table[name], missing)
        for name in table.columns
        if pd.api.types.is_string_dtype(table[name])
    }
    numbers = {name: find_numbers_among(column) for name, column in texts.items()}
    marks = {name: found.proven_mark for name, found in numbers.items() if found is not None}
    guesses = {}
    for name in map(str, table.columns):
        column = table[name]
        if name in texts:
            proofs = {mark: other for other, mark in marks.items() if mark and other != name}
            context = Context(name == target, proofs, decimal)
            reading = read_texts(texts[name], numbers[name], context)
        else:
            reading = read_typed(column, is_target=name == target)
        values = convert_column(column, reading.declaration, f"column {name!r}", decimal, missing)
        guesses[name] = describe_column(values, texts.get(name), reading)
    converted = pd.DataFrame({name: guess.values for name, guess in guesses.items()})  # noqa: PD011
    reasons = {
        name: f"the same as {twin}" for name, twin in find_duplicates(converted, target).items()
    }
    if target in guesses:
        reasons |= find_empty_where_labelled(converted, str(target))
    for name, reason in reasons.items():
        if guesses[name].reason is None:
            guesses[name] = replace(guesses[name], reason=reason)
    return [leave_out(guess, is_target=guess.name == target) for guess in guesses.values()]


def find_numbers_among(texts: Texts) -> Numbers | None:
    """Return the numbers among texts that are no markers of missing values, None without any."""
    words = texts.where(~find_markers(texts))
    if words.share(words.match(r"(?s).*\d.*")) <= MOSTLY:
        return None
    found = find_numbers(words)
    return found if found.formats or found.unit.problem else None


def describe_column(values: pd.Series[Any], texts: Texts | None, reading: Reading) -> ColumnGuess:
    present = values.dropna()
    counts = present.value_counts()
    if texts is None:
        examples = [shorten(value) for value in present.drop_duplicates().head(3)]
    else:
        examples = find_examples(values, texts)
    kind, name = reading.declaration.kind, str(values.name)
    guess = ColumnGuess(
        name=name,
        declaration=reading.declaration,
        missing=int(values.isna().sum()),
        distinct=len(counts),
        examples=examples,
        top_count=int(counts.max()) if len(counts) else 0,
        values=values,
        evidence=reading.evidence,
        checks=tuple(
            Check(name, evidence, column_entry(name, other) if other else "correct the file")
            for evidence, other in reading.checks
        ),
        reason=reading.reason,
        not_numbers=reading.not_numbers,
        ascending=kind == "date" and present.is_monotonic_increasing,
    )
    return replace(guess, reason=reading.reason or explain_values(guess, present))


def find_examples(values: pd.Series[Any], texts: Texts) -> list[str]:
    """Return the first three different texts that are no missing values."""
    present = texts.where(values.notna().to_numpy()[texts.first])
    return [shorten(text) for text in present.list(slice(3))]


def explain_values(guess: ColumnGuess, present: pd.Series[Any]) -> str | None:
    """Say why networks should not take a column, if its values are the reason."""
    rows = len(present) + guess.missing
    if not guess.distinct:
        return "no value"
    if guess.distinct == 1 and not guess.missing:
        return f"constant: {guess.examples[0]}"
    if guess.distinct == 1 and guess.kind == "date":
        return f"one date: {guess.examples[0]}"
    if len(present) < min(MIN_VALUES, rows):
        return f"hardly a value: {len(present)} in {rows:,} rows"
    if pd.api.types.is_float_dtype(present) and np.isinf(present).any():
        return f"infinite in {count_rows(int(np.isinf(present).sum()))}"
    if guess.kind == "integer" and guess.declaration.unit is None:
        return integer_identifier(present, rows, int(present.min()), int(present.max()))
    return None


def find_empty_where_labelled(table: pd.DataFrame, target: str) -> dict[str, str]:
    """Name columns that have hardly a value in the rows with a target, the only ones in use."""
    labelled = table[table[target].notna()]
    least = min(MIN_VALUES, len(labelled))
    counts = labelled.notna().sum()
    where = f"in the {count_rows(len(labelled))} with a target"
    return {
        str(name): f"hardly a value: {count} {where}" if count else f"no value {where}"
        for name, count in counts.items()
        if count < least
    }


def leave_out(guess: ColumnGuess, *, is_target: bool) -> ColumnGuess:
    """Declare that networks do not take a column, if there is a reason."""
    if guess.reason is None or is_target or guess.kind in UNUSED:
        return guess
    unused = guess.declaration.model_copy(update={"use": False})
    return replace(guess, declaration=unused, checks=())
