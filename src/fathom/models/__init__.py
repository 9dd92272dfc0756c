"""Networks: each builder is a function of a `Problem` that returns a Keras model, not compiled.

Read in this order:

- `mlp`, `wide_deep`: a file for each network.
- `layers`: what they have in common, from checked arguments to outputs.
- `names`: names of inputs, outputs, layers and of Keras' functions.
"""
