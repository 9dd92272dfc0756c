"""What `split` and `scale` do to a table of numbers, by pandas in memory:

python bench/pandas_scale.py FOLDER OUT

Reads the Parquet files of a folder, parts the rows at random, scales the features of all parts by
mean and standard deviation of the training part, and writes features and targets of each part.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

SHARES = {"test": (0, 0.25), "valid": (0.25, 0.4375), "train": (0.4375, 1)}


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True)
    table = pd.read_parquet(folder)
    place = np.random.default_rng(42).random(len(table))
    parts = {part: table[(place >= low) & (place < high)] for part, (low, high) in SHARES.items()}
    features = table.columns.drop("y")
    train = parts["train"][features]
    center, scale = train.mean(), train.std(ddof=0)
    for part, rows in parts.items():
        scaled = ((rows[features] - center) / scale).clip(-5, 5).astype(np.float32)
        scaled.to_parquet(out / f"{part}_features.parquet", index=False)
        targets = rows[["y"]].reset_index(names="row")
        targets.to_parquet(out / f"{part}_targets.parquet", index=False)


if __name__ == "__main__":
    main()
