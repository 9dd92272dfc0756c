"""Files that tests of the stage `scale` read, in the working folder."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def raw(dataset: str = "made") -> pd.DataFrame:
    return pd.read_parquet(f"data/raw/{dataset}/data.parquet")


def rows(dataset: str, subset: str) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = np.load(f"data/split/{dataset}/{subset}.npy")
    return numbers
