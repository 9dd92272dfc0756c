"""`fathom new-dataset` adds a user's file to the project: data in `data/own/`, settings in `conf/`.

Read in this order: `new_dataset` (the command), `describe_table` and `describe_images` (read and
print a file), `infer_columns` (declares columns: those of texts by `infer_texts`, which calls
`infer_numbers` and other modules with a subject each; others by `typed_columns`), `exclusions`,
`infer_target`, `dataset_file` with its template (the YAML).

`snapshot` and `database_query` take the result of a query of a database in place of a file.
"""
