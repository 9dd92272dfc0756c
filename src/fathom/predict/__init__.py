"""Predictions for new rows by an exported network.

- `exported_model`: the export, checked against its checksums, and its model.
- `columns`: raw columns as the model takes them, or a line that says what is amiss.
- `unusual`: which rows hold what training did not see.
- `answers`: what the model gives as columns that people read.
- `table_rows`, `image_rows`: files, block of rows by block.
- `output`: the file of predictions.
- `predict`: all of these together.
"""
