"""Random numbers in programs of XLA."""

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from fathom.train.random_numbers import threefry

ONES = np.ones((200, 200), np.float32)


@pytest.mark.parametrize(
    "layer", [layers.Dropout(0.3, seed=1), layers.AlphaDropout(0.3, seed=1)], ids=["", "alpha"]
)
def test_dropout_in_xla(layer: keras.Layer) -> None:
    """As many units are dropped as by Keras, other ones in each step."""
    drop = tf.function(threefry(lambda: layer(ONES, training=True)), jit_compile=True)
    first, second, by_keras = drop().numpy(), drop().numpy(), layer(ONES, training=True).numpy()
    assert first.std() == pytest.approx(by_keras.std(), rel=0.02)
    assert first.mean() == pytest.approx(by_keras.mean(), abs=0.02)
    assert np.mean(first == second) == pytest.approx(0.3**2 + 0.7**2, abs=0.01)
    by_column = np.mean(first == first.min(), axis=0)
    assert by_column.std() == pytest.approx((0.3 * 0.7 / len(ONES)) ** 0.5, rel=0.2)


def test_what_is_traced_elsewhere_has_its_own_numbers() -> None:
    def draw() -> tf.Tensor:
        return tf.random.stateless_uniform([4], seed=[1, 2])

    before = draw().numpy()
    with ThreadPoolExecutor(1) as other:
        function = tf.function(threefry(lambda: (other.submit(draw).result(), draw())[1]))
        with pytest.raises(tf.errors.InvalidArgumentError):  # TensorFlow has it in XLA alone
            function()
    assert (draw().numpy() == before).all()
    named = tf.function(threefry(lambda: tf.random.stateless_uniform([4], [1, 2], alg="philox")))
    np.testing.assert_array_equal(named(), before)
