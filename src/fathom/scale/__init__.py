"""Stage `scale`: encodes and scales features and targets, fitted on the training rows alone.

Read in this order:

- `scale`: the stage; `targets`: what networks predict.
- `encoder`: `encoder.json` and how it transforms raw rows; `fit_encoder`: how it is fitted.
- `column_encoders`: how a column of each kind is encoded.
"""
