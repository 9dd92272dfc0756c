"""Scalers: fitted on training rows alone, kept as readable JSON, applied to any rows.

scikit-learn fits; what it learned is kept as numbers, so that no stage and no user of a model
needs the fitted object.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from sklearn.preprocessing import (
    MinMaxScaler,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from fathom.settings.fields import Method

Floats = NDArray[np.floating[Any]]

QUANTILES = 1000


class Scaler(BaseModel):
    """What was learned of some columns.

    `zscore`, `minmax` and `robust` map a value x to (x - center) / scale; `quantile` maps it to
    the standard normal distribution through the quantiles of the training rows. A column that is
    constant in training has scale 0 and becomes 0 everywhere. Values beyond `clip` are cut to it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method
    columns: list[str]
    center: list[float] | None = None
    scale: list[float] | None = None
    quantiles: list[list[float]] | None = None
    clip: float | None = None

    @classmethod
    def fit(
        cls, method: Method, values: Floats, columns: list[str], clip: float | None = None
    ) -> Scaler:
        """Learn a scaler.

        Args:
            method: `zscore`, `minmax` (to 0 … 1), `robust` (median and interquartile range),
                `quantile` or `none`.
            values: the training rows, of shape (rows, columns).
            columns: their names.
            clip: limit of `zscore` and `robust`; the other methods have limits of their own.
        """
        values = np.asarray(values, dtype=np.float64)
        if method == "none" or not columns:
            return cls(method="none", columns=columns)
        constant = values.min(axis=0) == values.max(axis=0)
        if method == "quantile":
            fitted = QuantileTransformer(
                n_quantiles=min(QUANTILES, len(values)),
                output_distribution="normal",
                subsample=None,
            ).fit(values)
            return cls(
                method=method,
                columns=columns,
                scale=np.where(constant, 0.0, 1.0).tolist(),
                quantiles=fitted.quantiles_.T.tolist(),
            )
        if method == "zscore":
            standard = StandardScaler().fit(values)
            center, scale = standard.mean_, standard.scale_
        elif method == "minmax":
            limits = MinMaxScaler().fit(values)
            center, scale = limits.data_min_, limits.data_range_
        else:
            robust = RobustScaler().fit(values)
            center, scale = robust.center_, robust.scale_
        return cls(
            method=method,
            columns=columns,
            center=np.asarray(center).tolist(),
            scale=np.where(constant, 0.0, scale).tolist(),
            clip=None if method == "minmax" else clip,
        )

    @classmethod
    def joined(cls, scalers: list[Scaler]) -> Scaler:
        """Return scalers of the same method, of a column each, as one of all columns."""
        if not scalers:
            return cls(method="none", columns=[])
        each = {
            name: None if getattr(scalers[0], name) is None
            else [getattr(scaler, name)[0] for scaler in scalers]
            for name in ("center", "scale", "quantiles")
        }  # fmt: skip
        columns = [scaler.columns[0] for scaler in scalers]
        first = scalers[0]
        return cls(method=first.method, columns=columns, clip=first.clip, **each)

    def transform(self, values: Floats) -> Floats:
        """Scale values of shape (rows, columns), to the same shape in float64."""
        values = np.asarray(values, dtype=np.float64)
        if self.method == "none":
            return values
        scale = np.asarray(self.scale)
        varying = scale != 0
        if self.quantiles is not None:
            scaled = self.transformer().transform(values)
        else:
            scaled = (values - np.asarray(self.center)) / np.where(varying, scale, 1.0)
        if self.clip is not None:
            scaled = np.clip(scaled, -self.clip, self.clip)
        return np.where(varying, scaled, 0.0)

    def inverse(self, values: Floats) -> Floats:
        """Undo `transform` of a method that is linear, save for what was cut."""
        values = np.asarray(values, dtype=np.float64)
        if self.method == "none":
            return values
        unscaled: Floats = values * np.asarray(self.scale) + np.asarray(self.center)
        return unscaled

    def transformer(self) -> QuantileTransformer:
        """Return scikit-learn's transformer as it was fitted."""
        quantiles = np.asarray(self.quantiles).T
        transformer = QuantileTransformer(output_distribution="normal")
        transformer.quantiles_ = quantiles
        transformer.references_ = np.linspace(0, 1, len(quantiles))
        transformer.n_quantiles_ = len(quantiles)
        transformer.n_features_in_ = len(self.columns)
        return transformer


class ScalerFile(BaseModel):
    """What `scaler.json` holds: the features' scaler, and that of each regression output."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: Scaler
    targets: dict[str, Scaler]
