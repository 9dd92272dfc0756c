"""Compares `fathom predict` with Keras' own `predict` of the same model, in rows a second:

python bench/predict.py [--rows 200000] [--model california_housing/wide_deep]

The exported network predicts raw rows of the data set, repeated as needed: from file to file, by
the function behind `fathom predict` and by the command including its start; and from arrays to
arrays in memory, by `keras.Model.predict` with its default batches of 32 rows and with Fathom's
large ones. Times are medians of three rounds. Prints Markdown.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from project_copy import ROOT, markdown_table, run

sys.path.insert(0, str(ROOT / "src"))

ROUNDS = 3


def make_methods(model: str, count: int, folder: Path) -> dict[str, Callable[[], object]]:
    """Return each method to predict this number of rows; the first is the reference."""
    from fathom.train.devices import start_on_cpu

    start_on_cpu()
    from fathom.predict.exported_model import BATCH, ExportedModel
    from fathom.predict.model_inputs import model_inputs
    from fathom.predict.predict import predict

    exported_model = ExportedModel(Path("exports", model))
    raw = pd.read_parquet(Path("data/raw", exported_model.signature.dataset, "data.parquet"))
    rows = raw.iloc[np.arange(count) % len(raw)].reset_index(drop=True)
    inputs = model_inputs({str(name): rows[name] for name in rows}, exported_model.signature)
    csv, parquet, out = folder / "in.csv", folder / "in.parquet", folder / "out.csv"
    rows.to_csv(csv, index=False)
    rows.to_parquet(parquet)
    command = ("-m", "fathom", "predict", model, str(csv), "-o", str(out))
    keras_predict = exported_model.model.predict
    return {
        "model.predict, arrays, batches of 32": partial(keras_predict, inputs, verbose=0),
        f"model.predict, arrays, batches of {BATCH}": partial(
            keras_predict, inputs, verbose=0, batch_size=BATCH
        ),
        "fathom predict, Parquet to Parquet": partial(
            predict, exported_model, parquet, out.with_suffix(".parquet")
        ),
        "fathom predict, CSV to CSV": partial(predict, exported_model, csv, out),
        "the same with its start": partial(run, ROOT, sys.executable, *command, PYTHONPATH="src"),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--model", default="california_housing/wide_deep")
    options = parser.parse_args()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        methods = make_methods(options.model, options.rows, Path(folder))
        seconds: dict[str, list[float]] = {name: [] for name in methods}
        for _ in range(ROUNDS):
            for name, method in methods.items():
                started = time.perf_counter()
                method()
                seconds[name].append(time.perf_counter() - started)
    rates = {name: options.rows / statistics.median(times) for name, times in seconds.items()}
    reference = next(iter(rates.values()))
    print(f"{options.rows:,} rows by {options.model}\n")
    rows = [[name, f"{rate:,.0f}", f"{rate / reference:.2g} ×"] for name, rate in rates.items()]
    print(markdown_table(("", "rows a second", "of model.predict"), rows))


if __name__ == "__main__":
    main()
