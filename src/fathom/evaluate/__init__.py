"""Stage `evaluate`: one set of metrics for networks and baselines. Read in this order:

1. `evaluate`: the metrics of a trained network and of its runs, and its test predictions.
2. `metrics`: MSE, RMSE, MAE and R², or accuracy, cross-entropy, macro F1 and calibration error.
3. `calibration`: the calibration error of probabilities, and temperature scaling.
4. `intervals`: prediction intervals for regression.
5. `formatting`: metrics as text, for the report, the model card and searches.
"""
