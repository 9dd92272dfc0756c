"""The key of a row, `split.key`: rows with the same key belong together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def hash_keys(columns: pd.DataFrame) -> NDArray[np.uint64]:
    """Return a hash of each row's values in the columns of the key."""
    hashes = pd.util.hash_pandas_object(columns.apply(key_texts), index=False)
    return hashes.to_numpy().astype(np.uint64)


def key_texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return numbers and booleans as text, so that a key keeps its hash if one text is added."""
    if not pd.api.types.is_numeric_dtype(column):
        return column
    texts = column.astype(str)
    if pd.api.types.is_float_dtype(column):
        whole = (column % 1 == 0) & (column.abs() < 2**63)
        texts[whole] = column[whole].astype(np.int64).astype(str)
    return texts
