"""Fathom trains, compares and explains Keras networks on a table or images.

A stage of `dvc.yaml` is a package of its name. Read in this order: `settings` (what can be set),
`artifacts` (what one stage passes to the next), then the stages `download`, `split`, `check`,
`scale`, `train` with its `models`, `evaluate`, `baseline`, `compare`, `explain`, `export`,
`report` and `gate`. `cli` is the command `fathom`: `new_dataset`, `predict`, `serve`, `search`,
`experiments` (`compare` and `summary`), `repro` and `doctor`. `sklearn` has the networks as
scikit-learn estimators. `base` and `messages` serve them all.
"""

import importlib.util
import sys

if importlib.util.find_spec("hydra") is None:
    sys.exit(
        f"Fathom's packages are not installed in {sys.executable}: run `make repro`, or put "
        "the project's own environment first on PATH with `. .venv/bin/activate`"
    )
