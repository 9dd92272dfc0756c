"""Programs that reset and read a model's loss and metrics.

By single operations Keras takes about 3 ms for each, and an epoch needs both twice.
"""

from collections.abc import Callable

import keras
import tensorflow as tf


def make_reset(model: keras.Model) -> Callable[[], None]:
    """Return a function that resets the metrics of a model with its variables made.

    Metrics of one's own may keep numbers outside of variables, which a program cannot reset.
    """
    own = [m for m in model.metrics if not type(m).__module__.startswith("keras.")]
    if own:
        return model.reset_metrics  # type: ignore[no-any-return]

    @tf.function(autograph=False)
    def reset() -> None:
        model.reset_metrics()

    return reset  # type: ignore[no-any-return]


def make_results(model: keras.Model) -> Callable[[], dict[str, float]]:
    """Return a function that reads the loss and the metrics, as Keras' `fit` logs them."""
    names: list[str] = []

    @tf.function(autograph=False)
    def stack() -> tf.Tensor:
        results = model.get_metrics_result()
        names[:] = results
        return tf.stack([tf.cast(value, tf.float64) for value in results.values()])

    def results() -> dict[str, float]:
        values = stack().numpy().tolist()  # the first call finds the names
        return dict(zip(names, values, strict=True))

    return results
