"""Scalers, fitted on training rows and kept as readable JSON: `data/scaled/<dataset>/scaler.json`.

scikit-learn fits them, but only numbers are kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.base.files import JsonModel
from fathom.settings.fields import Method

Floats = NDArray[np.floating[Any]]

QUANTILES = 1000
SAMPLE = 1_000_000  # values of a column, from which quantiles are computed
# The method's transformer in scikit-learn, and its attributes for center and scale.
LINEAR = {
    "zscore": ("StandardScaler", "mean_", "scale_"),
    "minmax": ("MinMaxScaler", "data_min_", "data_range_"),
    "robust": ("RobustScaler", "center_", "scale_"),
}


class Scaler(JsonModel):
    """A fitted scaler of some columns.

    `zscore`, `minmax` (to 0 … 1) and `robust` (median and interquartile range) map a value x to
    (x - center) / scale; `quantile` maps it to the standard normal distribution. A column that is
    constant in training has scale 0 and becomes 0 everywhere. Scaled values beyond `clip` are cut.
    """

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
        """Fit a scaler to training rows of shape (rows, columns).

        `clip` is for `zscore` and `robust`; the other methods have limits of their own.
        """
        from sklearn import preprocessing  # slow to import, and most stages fit no scaler

        values = np.asarray(values, dtype=np.float64)
        if method == "none" or not columns:
            return cls(method="none", columns=columns)
        constant = values.min(axis=0) == values.max(axis=0)
        if method == "quantile":
            count = min(QUANTILES, len(values))
            quantiles = preprocessing.QuantileTransformer(
                n_quantiles=count, subsample=SAMPLE, random_state=0
            )
            quantiles.fit(values)
            return cls(
                method=method,
                columns=columns,
                scale=np.where(constant, 0.0, 1.0).tolist(),
                quantiles=quantiles.quantiles_.T.tolist(),
            )
        transformer_class, center, scale = LINEAR[method]
        transformer = getattr(preprocessing, transformer_class)().fit(values)
        return cls(
            method=method,
            columns=columns,
            center=getattr(transformer, center).tolist(),
            scale=np.where(constant, 0.0, getattr(transformer, scale)).tolist(),
            clip=None if method == "minmax" else clip,
        )

    @classmethod
    def join(cls, scalers: list[Scaler]) -> Scaler:
        """Return a scaler of all columns from scalers of one column, of the same method."""
        if not scalers:
            return cls(method="none", columns=[])
        first = scalers[0]
        fitted = {
            name: [getattr(scaler, name)[0] for scaler in scalers]
            for name in ("center", "scale", "quantiles")
            if getattr(first, name) is not None
        }
        columns = [scaler.columns[0] for scaler in scalers]
        return first.model_copy(update={"columns": columns, **fitted})

    def transform(self, values: Floats) -> Floats:
        """Scale values of shape (rows, columns), to the same shape in float64."""
        values = np.asarray(values, dtype=np.float64)
        if self.method == "none":
            return values
        scale = np.asarray(self.scale)
        varying = scale != 0
        if self.quantiles is not None:
            from sklearn.preprocessing import QuantileTransformer  # as above

            transformer = QuantileTransformer(output_distribution="normal")
            transformer.quantiles_ = np.asarray(self.quantiles).T
            transformer.n_quantiles_ = len(transformer.quantiles_)
            transformer.references_ = np.linspace(0, 1, transformer.n_quantiles_)
            transformer.n_features_in_ = len(self.columns)
            scaled = transformer.transform(values)
        else:
            scaled = (values - np.asarray(self.center)) / np.where(varying, scale, 1.0)
        if self.clip is not None:
            scaled = np.clip(scaled, -self.clip, self.clip)
        return np.where(varying, scaled, 0.0)

    def inverse(self, values: Floats) -> Floats:
        """Invert `transform` of a linear method, except for clipped values."""
        values = np.asarray(values, dtype=np.float64)
        if self.method == "none":
            return values
        unscaled: Floats = values * np.asarray(self.scale) + np.asarray(self.center)
        return unscaled


class ScalerFile(JsonModel):
    """The scaler of the features, and the scaler of each regression output."""

    features: Scaler
    targets: dict[str, Scaler]
