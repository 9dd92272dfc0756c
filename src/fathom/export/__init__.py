"""Stage `export`: a trained network as a model that takes raw rows, with all that its user needs.

Read in this order:

- `export`: the stage, and the inputs of an exported model.
- `preprocessing`: the Keras model of raw columns or images, of Keras' own layers and operations
  alone, so that it loads wherever Keras does and runs no code of Fathom; `operations`: those.
- `formats`: the `.keras` file, SavedModel, ONNX and checksums.
- `example`: a real row, and a program that predicts it; `card`: `MODEL_CARD.md`.
"""
