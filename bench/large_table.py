"""A table of N rows and 9 columns of numbers, as Parquet files:

python bench/large_table.py FOLDER ROWS

The target is a function of the others, with noise. No more than a file is in memory at once.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

FILES = 10


def block(number: int, rows: int) -> pd.DataFrame:
    """Return the rows of one file."""
    generator = np.random.default_rng([0, number])
    values = generator.normal(size=(rows, 8))
    values[:, 1] = np.exp(values[:, 1])  # skewed
    values[:, 2] = generator.integers(0, 50, rows)  # few values
    table = pd.DataFrame(values, columns=[f"x{column}" for column in range(8)])
    signal = np.sin(3 * values[:, 0]) + values[:, 3] * values[:, 4] + np.log(values[:, 1])
    return table.assign(y=signal + generator.normal(0, 0.3, rows))


def main() -> None:
    folder, rows = Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(parents=True)
    for number in range(FILES):
        block(number, rows // FILES).to_parquet(folder / f"{number}.parquet", index=False)


if __name__ == "__main__":
    main()
