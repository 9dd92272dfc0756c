"""A table of 9 numeric columns as Parquet files, and its split and scaling by pandas in memory:

python bench/large_table.py make FOLDER ROWS
python bench/large_table.py scale FOLDER OUT
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

FILES = 10
SHARES = {"test": (0, 0.25), "valid": (0.25, 0.4375), "train": (0.4375, 1)}


def make(folder: Path, rows: int) -> None:
    """Write a table file by file. The target is a function of the other columns, with noise."""
    folder.mkdir(parents=True)
    for number in range(FILES):
        block = make_block(number, rows // FILES)
        block.to_parquet(folder / f"{number}.parquet", index=False)


def make_block(number: int, rows: int) -> pd.DataFrame:
    generator = np.random.default_rng([0, number])
    values = generator.normal(size=(rows, 8))
    values[:, 1] = np.exp(values[:, 1])  # skewed
    values[:, 2] = generator.integers(0, 50, rows)  # few values
    table = pd.DataFrame(values, columns=[f"x{column}" for column in range(8)])
    signal = np.sin(3 * values[:, 0]) + values[:, 3] * values[:, 4] + np.log(values[:, 1])
    return table.assign(y=signal + generator.normal(0, 0.3, rows))


def scale(folder: Path, out: Path) -> None:
    """Split the rows at random, scale all features by the mean and standard deviation of the
    training set, and write features and targets of each set.
    """
    out.mkdir(parents=True)
    table = pd.read_parquet(folder)
    draw = np.random.default_rng(42).random(len(table))
    subsets = {name: table[(draw >= low) & (draw < high)] for name, (low, high) in SHARES.items()}
    features = table.columns.drop("y")
    train = subsets["train"][features]
    mean, sd = train.mean(), train.std(ddof=0)
    for name, rows in subsets.items():
        scaled = ((rows[features] - mean) / sd).clip(-5, 5).astype(np.float32)
        scaled.to_parquet(out / f"{name}_features.parquet", index=False)
        targets = rows[["y"]].reset_index(names="row")
        targets.to_parquet(out / f"{name}_targets.parquet", index=False)


if __name__ == "__main__":
    _, method, folder, argument = sys.argv
    if method == "make":
        make(Path(folder), int(argument))
    else:
        scale(Path(folder), Path(argument))
