"""Warnings about a data set and its split, in `data/checks/<dataset>.json`."""

from fathom.artifacts.checks import Checks
from fathom.artifacts.schema import Schema
from fathom.artifacts.split_rows import read_split
from fathom.base import paths
from fathom.check.combination import combination
from fathom.check.drift import drift
from fathom.check.duplicates import duplicates
from fathom.check.leakage import leakage
from fathom.check.order import order
from fathom.check.outliers import outliers
from fathom.check.precision import precision
from fathom.check.subsets import (
    BRIGHTNESS,
    IMAGE,
    describe_images,
    make_warning,
    numbers_in,
    read_columns,
)
from fathom.settings.config import DatasetConfig


def check(config: DatasetConfig) -> Checks:
    """Check raw data and its split, and write `data/checks/<dataset>.json`."""
    name = config.dataset.name
    schema, rows = Schema.read(name), read_split(name)
    target, settings = schema.target, config.split
    if schema.kind == "table":
        subsets = read_columns(config.dataset, schema, rows)
        warnings, leaks = duplicates(subsets, target), leakage(subsets, target)
        known = [name for warning in leaks for name in warning.columns]
        warnings += leaks + combination(subsets, target, known) + drift(subsets, target)
        numbers = list(numbers_in(subsets, schema))
        warnings += outliers(numbers) + precision(numbers, target)
        if schema.is_large:
            sample = f"in a sample of {sum(map(len, subsets.values())):,} of {schema.rows:,} rows"
            sentences = [f"{sample}: {warning.sentence}" for warning in warnings]
            warnings = [
                warning.model_copy(update={"sentence": sentence})
                for warning, sentence in zip(warnings, sentences, strict=True)
            ]
        warnings += order(schema, rows, settings)
    else:
        subsets = describe_images(schema, rows)
        warnings = duplicates({s: t.drop(columns=BRIGHTNESS) for s, t in subsets.items()}, target)
        warnings += drift({s: t.drop(columns=IMAGE) for s, t in subsets.items()}, target)
    if schema.unlabelled:
        sentence = (
            f"{schema.unlabelled:,} of {schema.rows:,} rows have no {target!r} and are in no set: "
            "if they differ from the others, metrics do not apply to them"
        )
        values = {"rows": schema.unlabelled, "of": schema.rows}
        warnings.append(make_warning("unlabelled", [target], values, sentence))
    checks = Checks(dataset=name, warnings=warnings)
    checks.write(paths.checks(name))
    return checks
