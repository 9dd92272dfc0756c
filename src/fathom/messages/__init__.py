"""Text of errors and of lines that stages print.

No stage in `dvc.yaml` depends on this package, so that better wording never trains a network again.
It must not change an output: it is called when a stage fails, or only returns text to print.
"""
