"""Numbers whose sum is the target: `total` of `fare`, `tip` and `tolls`."""

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.checks import DataWarning
from fathom.check.subsets import Subsets, is_number, make_warning, r_squared
from fathom.settings.yaml_text import exclude_advice

THRESHOLD = 0.999  # of R²: below it, the formula is an estimate rather than a definition
MOST = 6  # columns of a formula
LEAST_ROWS = 50
SAMPLE = 20_000  # training rows, at most
WHOLE = 0.005  # a coefficient is 1 or -1 if it differs from it by less

Floats = NDArray[np.float64]


def combination(subsets: Subsets, target: str, known: list[str]) -> list[DataWarning]:
    """Warn if a linear formula of two or more numbers gives the target.

    Args:
        subsets: rows by set.
        target: name of its column; classes have no formula.
        known: columns that reveal the target alone, each of which has a warning of its own.
    """
    train, valid = subsets["train"], subsets["valid"]
    names = [name for name in train.columns if is_number(train[name]) and name not in known]
    if target not in names or len(names) < 3:
        return []
    train, valid = train[names].dropna(), valid[names].dropna()
    if min(len(train), len(valid)) < LEAST_ROWS:
        return []
    if len(train) > SAMPLE:
        train = train.sample(SAMPLE, random_state=0)
    names.remove(target)
    columns, goal = train[names].to_numpy(np.float64), train[target].to_numpy(np.float64)
    chosen = choose_columns(columns, goal)
    if len(chosen) < 2:
        return []
    factors = fit(columns[:, chosen], goal)
    others, values = valid[names].to_numpy(np.float64)[:, chosen], valid[target].to_numpy()
    share = min(
        r_squared(goal, predict(columns[:, chosen], factors)),
        r_squared(values, predict(others, factors)),
    )
    if not share >= THRESHOLD:
        return []
    used = [names[place] for place in chosen]
    formula = write_formula(factors, used, float(goal.std()))
    sentence = (
        f"{target!r} is {formula} (R² {share:.5f}): {exclude_advice(used[0])}, and the other "
        f"columns that are not known before {target!r}"
    )
    return [make_warning("combination", used, {"R²": share}, sentence)]


def choose_columns(columns: Floats, goal: Floats) -> list[int]:
    """Return as few columns as explain the goal, by orthogonal matching pursuit; [] if more than
    MOST would be needed.
    """
    spread = columns.std(axis=0)
    usable = np.isfinite(spread) & (spread > 0)
    scaled = np.zeros_like(columns)
    scaled[:, usable] = (columns[:, usable] - columns[:, usable].mean(axis=0)) / spread[usable]
    chosen: list[int] = []
    rest = goal - goal.mean()
    while usable.any() and len(chosen) < MOST:
        strength = np.where(usable, np.abs(scaled.T @ rest), -1.0)
        chosen.append(int(strength.argmax()))
        usable[chosen[-1]] = False
        predicted = predict(columns[:, chosen], fit(columns[:, chosen], goal))
        if r_squared(goal, predicted) >= THRESHOLD:
            return prune(columns, goal, chosen)
        rest = goal - predicted
    return []


def prune(columns: Floats, goal: Floats, chosen: list[int]) -> list[int]:
    """Leave out columns without which the others still explain the goal."""
    for place in list(chosen):
        fewer = [other for other in chosen if other != place]
        if fewer:
            predicted = predict(columns[:, fewer], fit(columns[:, fewer], goal))
            if r_squared(goal, predicted) >= THRESHOLD:
                chosen = fewer
    return chosen


def fit(columns: Floats, goal: Floats) -> Floats:
    """Return the coefficients of a linear formula, the constant last."""
    design = np.column_stack([columns, np.ones(len(goal))])
    scale = np.abs(design).max(axis=0)
    coefficients: Floats = np.linalg.lstsq(design / scale, goal, rcond=None)[0] / scale
    return coefficients


def predict(columns: Floats, factors: Floats) -> Floats:
    values: Floats = columns @ factors[:-1] + factors[-1]
    return values


def write_formula(factors: Floats, names: list[str], spread: float) -> str:
    """Return "'fare' + 'tip' - 0.5 × 'discount' + 3"."""
    terms = []
    for factor, name in zip(factors[:-1], names, strict=True):
        size = "" if abs(abs(factor) - 1) < WHOLE else f"{abs(factor):.3g} × "
        terms.append((factor, f"{size}{name!r}"))
    if abs(factors[-1]) > WHOLE * spread:
        terms.append((factors[-1], f"{abs(factors[-1]):.3g}"))
    first, *others = terms
    text = f"{'−' if first[0] < 0 else ''}{first[1]}"
    return text + "".join(f" {'−' if factor < 0 else '+'} {term}" for factor, term in others)
