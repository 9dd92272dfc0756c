"""A trained network as one artefact that takes raw rows, with all that its user needs to know.

- `folding`: the Keras model that takes raw columns or images, all preprocessing in it, made of
  Keras' own layers and operations alone: it loads wherever Keras does, and runs no code of its own.
- `lookups`, `numbers`: the preprocessing as such operations.
- `signature`: what it takes and gives, and what training saw: `signature.json`.
- `formats`: the `.keras` file, SavedModel, ONNX and checksums.
- `card`: `MODEL_CARD.md`.
- `export`: the stage.
"""
