"""The files that one stage writes and others read, a module for each format.

Read in this order:

1. `schema`, `raw_table`, `raw_images`: raw data as downloaded; `columns`: kinds and values of its
   columns; `split_rows`: the rows of each set.
2. `problem`, `scalers`, `scaled_data`: inputs and outputs of networks, and their scaled rows.
3. `model_file`, `training_log`, `predictions`: a trained network, how it was trained, and its
   predictions for every subset.
4. `ranking`: metrics, and the one that decides which model is best.
5. `checks`, `signature`, `search_result`: warnings, exports, searches.
"""
