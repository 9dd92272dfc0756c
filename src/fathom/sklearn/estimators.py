"""Networks as scikit-learn knows estimators.

Not over Keras' own wrappers, `keras.wrappers.SKLearnRegressor` and `SKLearnClassifier`, nor over
scikeras: they compile a new model for each fit and train it by Keras' `fit`; their parameters are
those of a function and not settings that GridSearchCV could reach by name; they take arrays of
numbers alone, and leave scaling, validation rows and seeds to their user. What is left of them
then is scikit-learn's own base classes.
"""

from __future__ import annotations

import sys
import threading
from abc import ABC, abstractmethod
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
from fathom.settings.config import Config
from fathom.settings.fields import Task
from fathom.sklearn.refusals import value_errors
from fathom.sklearn.rows import as_table, categorical, other_name, parts_of, schema_of
from fathom.sklearn.settings import ROWS, checked_settings, refuse_unknown
from fathom.train.devices import start_tensorflow

if TYPE_CHECKING:
    import keras

STARTING = threading.Lock()


class Network(BaseEstimator, ABC):
    """What both estimators have in common.

    Args:
        model: a network, by the name of its file in conf/model/: "mlp", "selu", "wide_deep", ….
        validation_fraction: share of the rows given to `fit` that does not train but tells the best
            epoch. None: all rows train, for all epochs.
        random_state: of weights, dropout, the order of the batches and the draw of the validation
            rows. None: the seed in params.yaml.
        settings: any of the sections `model`, `train`, `scale` and `dataset`, with two underscores
            for each dot: `model__learning_rate`, `train__optimizer__weight_decay`. All others are
            those of params.yaml and conf/ in the working folder, whenever `fit` is called.

    Attributes:
        model_: the trained `keras.Model`.
        history_: a list of figures, one for each epoch, by their names.
        n_features_in_: number of columns.
        feature_names_in_: their names, if a DataFrame with names was given.
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
        """Return the parameters by their names, of the settings those that were given."""
        params: dict[str, Any] = super().get_params(deep)
        return params | self._settings

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Raises:
            ValueError: one is no setting; the line names the nearest that is.
        """
        own = self._get_param_names()
        for name, value in params.items():
            if name in own:
                setattr(self, name, value)
        settings = {name: value for name, value in params.items() if name not in own}
        # scikit-learn's checks take the name of `**settings` for a parameter's; `fit` refuses it.
        named = [name for name in settings if name != "settings"]
        with value_errors():
            refuse_unknown(type(self).__name__, self.model, named)
        self._settings = self._settings | settings
        return self

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from rows; encoder and scalers are fitted on those of them that train.

        Args:
            X: a DataFrame with columns of numbers, categories or dates, or an array of numbers,
                of shape (rows, columns); values may be missing.
            y: the targets, of shape (rows,).
            sample_weight: how much each row counts in the loss, of shape (rows,).

        Raises:
            ValueError: what is given cannot be learned from, or a setting is impossible.
        """
        with value_errors():
            return self._fit(X, y, sample_weight)

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> Self:
        table = as_table(self, X, fitting=True)
        dataset = {"task": self._task, "target": other_name("y", table)}
        categories = categorical(table)
        values, classes = self._target(y)
        check_consistent_length(table, values)
        if sample_weight is not None:
            dataset["sample_weight"] = other_name("sample_weight", table)
            weights = _check_sample_weight(sample_weight, table, dtype=np.float64)
            table[dataset["sample_weight"]] = weights
        table[dataset["target"]] = values
        config = checked_settings(
            type(self).__name__,
            self.model,
            self._settings,
            dataset,
            categories,
            self._seed(),
            held_out=self.validation_fraction is not None,
        )
        labels = None if classes is None else values
        rows = parts_of(len(table), self.validation_fraction, config.seed, labels)
        start(config)
        from fathom.sklearn.network import train  # not above: it imports TensorFlow

        schema = schema_of(ROWS, self._task, dataset["target"], classes, len(table))
        self.network_, self.history_ = train(config, schema, table, rows)
        return self

    @abstractmethod
    def _target(self, y: Any) -> tuple[NDArray[Any], list[str] | None]:
        """Return the targets, of shape (rows,): numbers, or the names of classes, which follow."""

    def _seed(self) -> int | None:
        given = self.random_state
        if given is None or isinstance(given, int | np.integer):
            return None if given is None else int(given)
        return int(check_random_state(given).randint(2**31))

    def _predict(self, X: Any) -> Floats:
        check_is_fitted(self)
        with value_errors():
            return self.network_.predict(as_table(self, X, fitting=False))

    @property
    def model_(self) -> keras.Model:
        """The trained Keras model: of scaled rows, as the project's models are."""
        return self.network_.model

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class NetworkRegressor(RegressorMixin, Network):
    """A network that predicts a number.

    NetworkRegressor("mlp", model__units=[100], train__epochs=20).fit(X, y).predict(X)
    """

    _task: Task = "regression"

    def predict(self, X: Any) -> Floats:
        """Return the predicted numbers, of shape (rows,), in the unit of `y`."""
        return self._predict(X)

    def _target(self, y: Any) -> tuple[NDArray[Any], list[str] | None]:
        values = column_or_1d(y, warn=True).astype(np.float64)
        assert_all_finite(values, input_name="y")
        return values, None


class NetworkClassifier(ClassifierMixin, Network):
    """A network that predicts a class.

    `classes_` are those of `y`, of any type, sorted.

    >>> NetworkClassifier("mlp", model__dropout=0.2).fit(X, y).predict_proba(X)
    """

    _task: Task = "classification"

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row, of shape (rows,)."""
        numbers = self._predict(X).argmax(axis=1)
        classes: NDArray[Any] = self.classes_[numbers]
        return classes

    def predict_proba(self, X: Any) -> Floats:
        """Return the probability of each class, of shape (rows, classes), by `classes_`."""
        found = self._predict(X)
        probabilities: Floats = found / found.sum(axis=1, keepdims=True)  # float32 adds up nearly
        return probabilities

    def _target(self, y: Any) -> tuple[NDArray[Any], list[str] | None]:
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise FathomError(
                f"y has one class alone, {self.classes_[0]!s}: there is nothing to tell apart"
            )
        names = as_texts(pd.Series(self.classes_)).to_numpy(object)
        return names[numbers], names.tolist()


def start(config: Config) -> None:
    """Import TensorFlow with the devices of the settings.

    Where it is imported already, as in a notebook, it keeps those that it has.
    """
    with STARTING:
        if "tensorflow" not in sys.modules:
            start_tensorflow(config)
