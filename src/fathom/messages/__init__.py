"""Text of errors and of lines that stages print.

No stage in `dvc.yaml` depends on this package, so better wording reruns nothing. Its functions must
not change an output: stages call them to raise an error, or print the text that they return.

Read in this order: `origins` (the file that a setting comes from), `setting_errors`, `remedies` (of
what the operating system refuses), `training`, `git` (what Git knows about the project), `dvc` (why
DVC cannot work here).
"""
