"""Compares `fathom predict` with Keras' own `predict` of the same model, in rows a second:

python bench/predict.py [--rows 200000] [--model california_housing/wide_deep]

The exported network predicts raw rows of the data set, repeated as needed: from file to file, by
the function behind `fathom predict` and by the command including its start, with each engine; and
from arrays to arrays in memory, by `keras.Model.predict` with its default batches of 32 rows and
with Fathom's large ones. Times are medians of three rounds. Prints Markdown.
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
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from project_copy import ROOT, markdown_table, run

if TYPE_CHECKING:
    from fathom.predict.keras_engine import KerasEngine

sys.path.insert(0, str(ROOT / "src"))

ROUNDS = 3


def make_methods(model: str, count: int, folder: Path) -> dict[str, Callable[[], object]]:
    """Return each method to predict this number of rows; the first is the reference."""
    from fathom.predict.exported_model import ExportedModel
    from fathom.predict.model_inputs import model_inputs
    from fathom.predict.predict import predict

    folder_of_model = Path("exports", model)
    exported_model = ExportedModel(folder_of_model, "keras")
    keras_engine = cast("KerasEngine", exported_model.engine)
    engines = {"keras": exported_model, "onnx": ExportedModel(folder_of_model, "onnx")}
    raw = pd.read_parquet(Path("data/raw", exported_model.signature.dataset, "data.parquet"))
    rows = raw.iloc[np.arange(count) % len(raw)].reset_index(drop=True)
    inputs = model_inputs({str(name): rows[name] for name in rows}, exported_model.signature)
    csv, parquet, out = folder / "in.csv", folder / "in.parquet", folder / "out.csv"
    rows.to_csv(csv, index=False)
    rows.to_parquet(parquet)
    command = ("-m", "fathom", "predict", model, str(csv), "-o", str(out), "--engine")
    keras_predict, batch = keras_engine.model.predict, keras_engine.rows
    methods: dict[str, Callable[[], object]] = {
        "model.predict, arrays, batches of 32": partial(keras_predict, inputs, verbose=0),
        f"model.predict, arrays, batches of {batch}": partial(
            keras_predict, inputs, verbose=0, batch_size=batch
        ),
    }
    for name, loaded in engines.items():
        whole = partial(run, ROOT, sys.executable, *command, name, PYTHONPATH="src")
        methods |= {
            f"{name}: fathom predict, Parquet to Parquet": partial(
                predict, loaded, parquet, out.with_suffix(".parquet")
            ),
            f"{name}: fathom predict, CSV to CSV": partial(predict, loaded, csv, out),
            f"{name}: the same with its start": whole,
        }
    return methods


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
