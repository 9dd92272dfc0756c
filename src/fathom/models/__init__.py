"""Networks: each builder is a function of a `Problem` that returns a Keras model, not compiled.

Read in this order:

- `mlp`, `wide_deep`, `cnn`: a file for each network.
- `layers`: what they have in common, from checked arguments to outputs.
- `augmentation`: random changes of training images.
- `numbers`: features of numbers, their bins and waves.
- `names`: names of inputs, outputs, layers and of Keras' functions.
"""
