"""Rows a second of `fathom predict` beside Keras' own `predict` of the same model:

python bench/predict.py [--rows 200000] [--model california_housing/wide_deep]

Raw rows of the data set, over and over, are predicted for by the exported network: from a file to
a file, by the function behind `fathom predict` and by the command with all its start; and from
arrays in memory to arrays in memory by `keras.Model.predict`, with its usual batches of 32 rows
and with as large ones as Fathom takes. Medians of three runs, all in turn.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

RUNS = 3


def measured(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--model", default="california_housing/wide_deep")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    from fathom.train.devices import start_on_cpu

    start_on_cpu()
    from fathom.predict.exported_model import BATCH, ExportedModel
    from fathom.predict.model_inputs import model_inputs
    from fathom.predict.predict import predict

    exported_model = ExportedModel(Path("exports", arguments.model))
    raw = pd.read_parquet(Path("data/raw", exported_model.signature.dataset, "data.parquet"))
    rows = raw.iloc[np.arange(arguments.rows) % len(raw)].reset_index(drop=True)
    inputs = model_inputs({str(name): rows[name] for name in rows}, exported_model.signature)
    with tempfile.TemporaryDirectory() as folder:
        given = {s: Path(folder, f"in.{s}") for s in ("csv", "parquet")}
        rows.to_csv(given["csv"], index=False)
        rows.to_parquet(given["parquet"])

        def by_function(suffix: str) -> None:
            out = Path(folder, f"out.{suffix}")
            predict(exported_model, given[suffix], out)

        def by_command() -> None:
            out = Path(folder, "out.csv")
            command = ["-m", "fathom", "predict", arguments.model, given["csv"], "-o", out]
            environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
            subprocess.run(
                [sys.executable, *map(str, command)],
                env=environment,
                check=True,
                capture_output=True,
            )

        ways: dict[str, Callable[[], object]] = {
            "fathom predict, Parquet to Parquet": lambda: by_function("parquet"),
            "fathom predict, CSV to CSV": lambda: by_function("csv"),
            "the same with its start": by_command,
            "model.predict, arrays, batches of 32": lambda: exported_model.model.predict(
                inputs, verbose=0
            ),
            f"model.predict, arrays, batches of {BATCH}": lambda: exported_model.model.predict(
                inputs, verbose=0, batch_size=BATCH
            ),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(RUNS):
            for name, work in ways.items():
                seconds[name].append(measured(work))
    reference = statistics.median(seconds["model.predict, arrays, batches of 32"])
    print(f"{arguments.rows:,} rows by {arguments.model}")
    print("| | rows a second | of model.predict |")
    print("|---|---|---|")
    for name, runs in seconds.items():
        median = statistics.median(runs)
        print(f"| {name} | {arguments.rows / median:,.0f} | {reference / median:.2g} × |")


if __name__ == "__main__":
    main()
