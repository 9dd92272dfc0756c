"""`fathom repro`: `dvc repro` with independent stages in parallel. Read in this order:

1. `repro`: the command. `runner`: starts stages and waits for them.
2. `schedule`: which stage starts next, and on how many cores. `job`: the process of a stage.
3. `pipeline`: DVC's stages. `lock_file`: the lines of a stage in `dvc.lock`.
4. `view`: lines, and on a terminal a live view of the running stages.
"""
