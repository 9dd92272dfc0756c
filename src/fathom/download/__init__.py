"""Stage `download`: raw data of a data set, and a description of it.

Read in this order: `download`, then `sources`, the functions that settings name; then the readers
`table_files` (`csv_files` with `csv_dialect` and `csv_encoding`, `parquet_files`, `workbooks`,
`json_files`, `arff`, `database_files`), `images` and `arrays`; last
`fetch`, for files on the web (`remote_file`, `http`).
"""
