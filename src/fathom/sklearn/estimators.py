"""scikit-learn estimators that train networks.

Unlike scikeras and Keras' own wrappers, they take tables, scale them, share compiled models
between fits, and have settings as parameters.
"""

from __future__ import annotations

import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from fathom.artifacts.columns import as_texts
from fathom.artifacts.scalers import Floats
from fathom.base.errors import FathomError
from fathom.download.declared_columns import convert_table
from fathom.settings.fields import Task
from fathom.sklearn.input_table import add_column, make_schema, split_rows, to_table
from fathom.sklearn.parameters import check_parameters, compose_settings
from fathom.train.devices import start_tensorflow

if TYPE_CHECKING:
    import keras

# Those of scikit-learn's checks that the estimators do not pass, for `check_estimator`.
EXPECTED_FAILED_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a row of weight 2 counts twice in the loss of its batch; a repeated row is in two batches "
        "or in the validation set, which gives another training"
    ),
}

STARTING = threading.Lock()


class InvalidInputError(FathomError, ValueError):
    """A FathomError as the ValueError that scikit-learn expects."""


@contextmanager
def value_errors() -> Iterator[None]:
    try:
        yield
    except FathomError as error:
        raise InvalidInputError(str(error)) from error


class BaseNetwork(BaseEstimator, ABC):
    """Base of both estimators.

    The first `fit` starts TensorFlow on the devices of the setting `gpus`, for which it sets
    CUDA_DEVICE_ORDER, CUDA_VISIBLE_DEVICES, TF_NUM_INTRAOP_THREADS and TF_CPP_MIN_LOG_LEVEL. It
    leaves Keras' settings as they are, and refuses others than Keras' defaults.

    Args:
        model: name of a file in conf/model/: "mlp", "selu", "wide_deep", ….
        validation_fraction: share of the rows that does not train but selects the best epoch. None:
            all rows train, for all epochs.
        random_state: seed of weights, dropout, the order of rows and the validation split. None:
            the seed in params.yaml.
        settings: settings of the sections `model`, `train`, `scale` and `dataset`, with two
            underscores for each dot: `model__learning_rate`, `train__optimizer__weight_decay`. All
            others are read from params.yaml and conf/ in the working folder by each `fit`.

    Attributes:
        model_: the trained `keras.Model`.
        history_: a list of values, one for each epoch, by metric.
        n_features_in_: number of columns.
        columns_: the declarations of columns in the parameter `dataset__columns`, as in
            docs/datasets.md. Texts, also those of new rows, are read by them.
        feature_names_in_: their names, if `fit` got a DataFrame with names.
    """

    _task: Task

    def __init__(
        self,
        model: str = "mlp",
        *,
        validation_fraction: float | None = 0.2,
        random_state: int | np.random.RandomState | None = None,
        **settings: Any,
    ) -> None:
        self.model = model
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self._settings = settings

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        params: dict[str, Any] = super().get_params(deep)
        return params | self._settings

    @value_errors()
    def set_params(self, **params: Any) -> Self:
        """Set parameters; a ValueError names the parameter nearest to an unknown one."""
        own = self._get_param_names()
        for name in own:
            if name in params:
                setattr(self, name, params[name])
        settings = {name: value for name, value in params.items() if name not in own}
        # scikit-learn's checks set a parameter `settings`, which only `fit` refuses.
        names = [name for name in settings if name != "settings"]
        check_parameters(type(self).__name__, self.model, names)
        self._settings = self._settings | settings
        return self

    @value_errors()
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a network; encoder and scalers are fitted to the training rows.

        Args:
            X: a DataFrame with columns of numbers, categories or dates, or an array of numbers,
                of shape (rows, columns). Values may be missing.
            y: targets of shape (rows,).
            sample_weight: weights of the rows in the loss, of shape (rows,).

        Raises:
            ValueError: the data or a parameter is invalid.
        """
        table = to_table(self, X, fitting=True)
        dataset: dict[str, Any] = {"categories": list(table.select_dtypes("category"))}
        values, classes = self._encode_target(y)
        check_consistent_length(table, values)
        target = add_column(table, "y", values)
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, table, dtype=np.float64)
            dataset["sample_weight"] = add_column(table, "sample_weight", weights)
        config = compose_settings(
            type(self).__name__,
            self.model,
            self._settings,
            dataset | {"task": self._task, "target": target},
            self._seed(),
            has_validation=self.validation_fraction is not None,
        )
        self.columns_ = config.dataset.columns
        table = convert_table(table, self.columns_, "X", missing=())
        labels = None if classes is None else values
        rows = split_rows(len(table), self.validation_fraction, config.seed, labels)
        schema = make_schema(self._task, len(table), target, classes)
        with STARTING:
            if "tensorflow" not in sys.modules:  # once imported, it keeps its devices
                start_tensorflow(config)
        from fathom.sklearn.trained_network import train_network  # imports TensorFlow

        self.network_, self.history_ = train_network(config, schema, table, rows)
        return self

    @abstractmethod
    def _encode_target(self, y: Any) -> tuple[NDArray[Any], list[str] | None]:
        """Return the targets, of shape (rows,), and the names of classes."""

    def _seed(self) -> int | None:
        if self.random_state is None or isinstance(self.random_state, int | np.integer):
            return None if self.random_state is None else int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31))

    @value_errors()
    def _predict(self, X: Any) -> Floats:
        check_is_fitted(self)
        table = to_table(self, X, fitting=False)
        return self.network_.predict(convert_table(table, self.columns_, "X", missing=()))

    @property
    def model_(self) -> keras.Model:
        """The trained Keras model, whose inputs are scaled."""
        return self.network_.model

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class NetworkRegressor(RegressorMixin, BaseNetwork):
    """A network for regression.

    >>> NetworkRegressor("mlp", model__units=[100], train__epochs=20).fit(X, y).predict(X)
    """

    _task: Task = "regression"

    def predict(self, X: Any) -> Floats:
        """Return predictions of shape (rows,), in the unit of `y`."""
        return self._predict(X)

    def _encode_target(self, y: Any) -> tuple[NDArray[Any], list[str] | None]:
        values = column_or_1d(y, warn=True).astype(np.float64)
        assert_all_finite(values, input_name="y")
        return values, None


class NetworkClassifier(ClassifierMixin, BaseNetwork):
    """A network for classification. `classes_` are the sorted classes of `y`, of any type.

    >>> NetworkClassifier("mlp", model__dropout=0.2).fit(X, y).predict_proba(X)
    """

    _task: Task = "classification"

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row, of shape (rows,)."""
        best = self._predict(X).argmax(axis=1)  # refuses to predict before `fit`
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any) -> Floats:
        """Return the probability of each of `classes_`, of shape (rows, classes)."""
        predicted = self._predict(X)
        return np.asarray(predicted / predicted.sum(axis=1, keepdims=True))

    def _encode_target(self, y: Any) -> tuple[NDArray[Any], list[str] | None]:
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise FathomError(
                f"y has only one class, {self.classes_[0]!s}: a classifier needs two or more"
            )
        names = as_texts(pd.Series(self.classes_)).to_numpy(object)
        return names[numbers], names.tolist()
