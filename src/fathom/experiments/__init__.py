"""The commands `fathom compare` and `fathom summary`: metrics and settings of revisions.

Read in this order: `revisions` reads the workspace, commits and experiments of DVC through Git
alone; `differences` compares two of them; `revision_tables` prints to the terminal, and `summary`
writes Markdown. `plots_page` belongs to `dvc plots show`.
"""
