"""The project's networks as scikit-learn estimators, for notebooks. Read in this order:

1. `estimators`: what scikit-learn sees; `refusals`: errors of the type that it expects.
2. `settings`: from the project's settings and an estimator's own to checked ones, as a stage's.
3. `rows`: from what `fit` and `predict` are given to a table, and its parts.
4. `network`: training, by the same engine as by `fathom search`, and what is left of it.
5. `expected`: which of scikit-learn's checks the estimators do not pass, and why.

No stage imports any of it.
"""

from fathom.sklearn.estimators import NetworkClassifier, NetworkRegressor

__all__ = ["NetworkClassifier", "NetworkRegressor"]
