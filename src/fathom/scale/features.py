"""From raw rows of a table to what networks are given of them, by what `scale` learned."""

import numpy as np
import pandas as pd

from fathom.artifacts.scalers import Scaler
from fathom.base import paths
from fathom.base.files import read_json
from fathom.scale.encoder import Encoder


def read_encoder(dataset: str) -> Encoder:
    file = paths.scaled(dataset) / "encoder.json"
    return Encoder.model_validate(read_json(file, f"scale@{dataset}"))


def features_of(table: pd.DataFrame, encoder: Encoder, scaler: Scaler) -> pd.DataFrame:
    """Return the features of raw rows, as `data/scaled/` holds those of the parts.

    Raises:
        FathomError: a value is not of its column's kind; the line names column and row.
    """
    return scaled(encoder.transform(table), encoder, scaler)


def scaled(features: pd.DataFrame, encoder: Encoder, scaler: Scaler) -> pd.DataFrame:
    """Return encoded features with their numbers scaled, in float32; indicators of missing ones
    stay 0 and 1, and codes in int32.
    """
    features = features.copy()
    features[scaler.columns] = scaler.transform(features[scaler.columns].to_numpy())
    features[encoder.number_names] = features[encoder.number_names].astype(np.float32)
    return features
