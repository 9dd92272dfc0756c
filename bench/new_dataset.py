"""CPU seconds of `fathom new-dataset` beyond imports, for a table like that of 54,000 diamonds.

PYTHONPATH=src python bench/new_dataset.py
"""

import contextlib
import io
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from fathom.download.table_files import Part
from fathom.new_dataset.describe_table import describe_table

ROWS = 54_000


def diamonds(rows: int) -> pd.DataFrame:
    """Return a table with the columns of a well-known one: 3 of texts, 7 of numbers."""
    rng = np.random.default_rng(42)
    carat = rng.lognormal(-0.4, 0.6, rows).round(2)
    size = {name: (6 * carat ** (1 / 3) * scale).round(2) for name, scale in SIZES.items()}
    return pd.DataFrame(
        {
            "carat": carat,
            "cut": rng.choice(["Fair", "Good", "Very Good", "Premium", "Ideal"], rows),
            "color": rng.choice([*"DEFGHIJ"], rows),
            "clarity": rng.choice(["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"], rows),
            "depth": rng.normal(61.7, 1.4, rows).round(1),
            "table": rng.normal(57, 2, rows).round(1),
            "price": (4000 * carat**1.7 * rng.lognormal(0, 0.2, rows)).astype(int),
            **size,
        }
    )


SIZES = {"x": 1.0, "y": 1.01, "z": 0.62}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "diamonds.csv")
        diamonds(ROWS).to_csv(file, index=False)
        start = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            describe_table(
                file, "diamonds", Path("data/own/d.csv"), "price", None, None, Part(), {}
            )
        print(f"{ROWS:,} rows, 10 columns: {time.process_time() - start:.2f} s of CPU")


if __name__ == "__main__":
    main()
