"""The files that one stage writes and others read, a module for each format.

Read in this order:

1. `schema`, `raw_table`: raw data as downloaded; `columns`: kinds and values of its columns.
2. `problem`, `scalers`, `scaled_data`: inputs and outputs of networks, and their scaled rows.
3. `model_file`, `predictions`: a trained network, and its predictions for every subset.
4. `ranking`: the metric that decides which model is best.
5. `checks`, `signature`, `search_result`: warnings, exports, searches.
"""
