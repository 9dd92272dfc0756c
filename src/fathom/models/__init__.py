"""Networks. A builder is a function of a `Problem` that returns a Keras model, not compiled."""
