"""Small networks for tests of the training engines."""

from typing import Any

import keras

from fathom.models.augmentation import AugmentImages

layers = keras.layers


def dense(*between: Any, activation: str = "relu", penalty: float = 0.0) -> keras.Model:
    hidden = layers.Dense(16, activation, kernel_regularizer=keras.regularizers.L2(penalty))
    return keras.Sequential([keras.Input((8,)), hidden, *between, layers.Dense(1)])


def many_kinds() -> keras.Model:
    """Return a network with a penalty, random layers of every kind and both normalizations."""
    noisy = [layers.Dropout(0.3), layers.AlphaDropout(0.2), layers.GaussianNoise(0.2)]
    return dense(*noisy, layers.BatchNormalization(), layers.LayerNormalization(), penalty=0.01)


def linear() -> keras.Model:
    return keras.Sequential([keras.Input((8,)), layers.Dense(1)])


def convolutional() -> keras.Model:
    first = [AugmentImages(0.2, True, 0.3), layers.Conv2D(4, 3, activation="relu")]
    first.append(layers.MaxPooling2D())
    last = [layers.Flatten(), layers.Dropout(0.2), layers.Dense(4, activation="softmax")]
    return keras.Sequential([keras.Input((8, 8, 1)), *first, layers.BatchNormalization(), *last])


def recurrent() -> keras.Model:
    return keras.Sequential(
        [keras.Input((8,)), layers.Reshape((4, 2)), layers.LSTM(6), layers.Dense(1)]
    )


def wide_and_deep() -> keras.Model:
    codes, numbers = keras.Input((3,), dtype="int32"), keras.Input((8,))
    wide = layers.Embedding(20, 1, name="wide_weights", embeddings_initializer="zeros")(codes)
    embedded = layers.Flatten()(layers.Embedding(20, 4)(codes))
    deep = layers.Dense(16, "relu")(layers.Concatenate()([embedded, numbers]))
    deep = layers.Dropout(0.1)(deep)
    both = layers.Concatenate()([layers.Flatten()(wide), deep])
    outputs = [layers.Dense(1, name="main_output")(both), layers.Dense(1, name="aux_output")(deep)]
    return keras.Model([codes, numbers], outputs)
