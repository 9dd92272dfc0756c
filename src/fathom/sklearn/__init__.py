"""Networks as scikit-learn estimators, for notebooks. Read in this order:

1. `estimators`: NetworkRegressor and NetworkClassifier.
2. `input_table`: from the arguments of `fit` and `predict` to a table; the validation split.
3. `parameters`: from an estimator's parameters to checked settings.
4. `trained_network`: trains a network in memory, as `fathom search` does, and predicts.

No stage imports this package.
"""

from fathom.sklearn.estimators import NetworkClassifier, NetworkRegressor

__all__ = ["NetworkClassifier", "NetworkRegressor"]
