"""`fathom new-dataset` adds a user's file to the project: data in `data/own/`, settings in `conf/`.

Read in this order: `new_dataset` (the command), `describe_table` and `describe_images` (read and
print a file), `infer_columns` with `exclusions` (guess each column's kind and whether to use it),
`infer_target`, `dataset_file` with its template (the YAML).
"""
