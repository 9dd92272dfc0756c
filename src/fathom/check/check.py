"""Looks for faults of raw data and its split."""

from __future__ import annotations

from fathom.artifacts.checks import Checks, DataWarning
from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.files import read_array
from fathom.check.drift import drift
from fathom.check.duplicates import duplicates
from fathom.check.leakage import giveaways
from fathom.check.subsets import BRIGHTNESS, IMAGE, read_columns, read_images
from fathom.check.warning import Parts, warned
from fathom.settings.config import DatasetConfig


def check(config: DatasetConfig) -> Checks:
    """Look for faults of raw data and its split, and write `data/checks/<dataset>.json`.

    Raises:
        FathomError: a column is missing, or holds what it cannot hold.
    """
    name = config.dataset.name
    schema = Schema.read(name)
    made_by = f"split@{name}"
    rows = {part: read_array(paths.split(name) / f"{part}.npy", made_by) for part in paths.SUBSETS}
    target = schema.target
    if schema.kind == "table":
        parts = read_columns(config.dataset, schema, rows)
        warnings = duplicates(parts, target) + giveaways(parts, target) + drift(parts, target)
        if schema.is_large:
            looked_at = sum(map(len, parts.values()))
            warnings = [of_sample(warning, looked_at, schema.rows) for warning in warnings]
    else:
        parts = read_images(schema, rows)
        warnings = duplicates(without(BRIGHTNESS, parts), target)
        warnings += drift(without(IMAGE, parts), target)
    if schema.unlabelled:
        sentence = (
            f"{schema.unlabelled:,} of {schema.rows:,} rows have no {target!r} and are in no part: "
            "if they are unlike the others, figures do not hold for them"
        )
        figures = {"rows": schema.unlabelled, "of": schema.rows}
        warnings.append(warned("unlabelled", [target], figures, sentence))
    checks = Checks(dataset=name, warnings=warnings)
    checks.write(paths.checks(name))
    return checks


def of_sample(warning: DataWarning, rows: int, every: int) -> DataWarning:
    """Say in a warning that not all rows were looked at."""
    sentence = f"of {rows:,} rows that were looked at, of {every:,}: {warning.sentence}"
    return warning.model_copy(update={"sentence": sentence})


def without(column: str, parts: Parts) -> Parts:
    return {part: rows.drop(columns=column) for part, rows in parts.items()}
