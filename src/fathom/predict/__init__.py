"""`fathom predict` predicts new rows with an exported network. `fathom serve` uses its parts.

Read in this order: `predict` (blocks of rows to a file with predictions),
`exported_model`, `table_rows` and `image_rows` (read blocks), `model_inputs` (raw columns as the
model takes them), `prediction_columns` (and which values training did not see), `data_drift` (how
the rows differ from those of the training set).
"""
