"""Times an epoch of training by Fathom, Keras' `fit`, PyTorch and scikit-learn:

python bench/epochs.py [--quick] [--rounds N] [--only TEXT] [--json FILE]

Each contender is a process of its own. In each round all of them train one epoch, one after the
other, so that a slow phase of the machine affects all of them. An epoch has no validation. Times
are medians of the epochs after the first, which compiles. Prints Markdown.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from shutil import copy, copytree
from typing import Any

from project_copy import ENVIRONMENT, ROOT, markdown_table, run

PACKAGES = ("tensorflow", "keras", "jax", "torch", "scikit-learn", "numpy")
VARIABLES = {"PYTHONPATH": str(ROOT / "src"), "CUDA_VISIBLE_DEVICES": "-1"}  # without GPUs
REST = 0.2  # seconds until the threads of the last contender stop spinning
EPOCHS = 50  # of a whole training
HEAD = (
    "", "epoch, s", "ratio", "compilation, s", f"{EPOCHS} epochs, s", "ratio", "peak memory, MiB",
)  # fmt: skip

COMPILED = "compiled"  # the others are compared with it
SCRIPTS = {
    COMPILED: ("keras_loops.py", "compiled"),
    "compiled, XLA": ("keras_loops.py", "compiled", "xla"),
    "compiled, graph": ("keras_loops.py", "compiled", "graph"),
    "fit": ("keras_loops.py", "fit"),
    "fit, at its best, XLA": ("keras_loops.py", "fit_in_one_call", "xla"),
    "fit, at its best, graph": ("keras_loops.py", "fit_in_one_call", "graph"),
    "fit on JAX, at its best": ("keras_loops.py", "fit_in_one_call"),
    "PyTorch": ("torch_loop.py",),
    "PyTorch, 1 thread": ("torch_loop.py", "1"),
    "scikit-learn": ("sklearn_loop.py",),
}
BACKENDS = {"fit on JAX, at its best": {"KERAS_BACKEND": "jax"}}
TORCH = ("PyTorch", "PyTorch, 1 thread")
OTHERS = (*TORCH, "scikit-learn")
# PyTorch takes a number, and decays all weights by it.
TRAINING = ("train.batch_size=32", "train.optimizer.weight_decay=0.3")
CALIFORNIA = "dataset=california_housing"
PLAIN = (*TRAINING, "model.numbers={piecewise: null, fourier: null, periodic: null}")
BOOK = (CALIFORNIA, "model=wide_deep", "experiment=book_wide_deep")
FASHION = ("dataset=fashion_mnist", "model=mlp", "model.units=[300,100]", *TRAINING)


@dataclass(frozen=True)
class Case:
    """A network on a data set.

    Args:
        overrides: as on a stage's command line.
        times: how often each row is in the training set.
        others: the other libraries that train the same network. scikit-learn has only plain ReLU
            networks, and dropout is random in each library.
    """

    title: str
    overrides: tuple[str, ...]
    times: int = 1
    others: tuple[str, ...] = ()


CASES = (
    Case("The book's Wide & Deep, California", BOOK, 1, TORCH),
    Case("The book's Wide & Deep, California × 10", BOOK, 10, TORCH),
    Case("The book's Wide & Deep, California × 100", BOOK, 100, TORCH),
    Case("Wide & Deep with crosses, California", (CALIFORNIA, "model=wide_deep")),
    Case("The book's MLP, California", (CALIFORNIA, "model=mlp", "experiment=book_mlp"), 1, OTHERS),
    Case("20-layer SELU network, California", (CALIFORNIA, "model=selu", *PLAIN), 1, TORCH),
    Case("MLP without dropout, Fashion-MNIST", (*FASHION, "model.dropout=0.0"), 1, OTHERS),
    Case("MLP with dropout, Fashion-MNIST", FASHION),
)


class Contender:
    """A process that trains an epoch at each request. `failure` is the last line of its errors."""

    def __init__(self, name: str, folder: Path) -> None:
        self.epochs: list[dict[str, Any]] = []
        self.failure: str | None = None
        self.errors = folder / f"{name}.err"
        script, *arguments = SCRIPTS[name]
        with self.errors.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "bench" / script), *arguments],
                cwd=folder, env=ENVIRONMENT | VARIABLES | BACKENDS.get(name, {}), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
            )  # fmt: skip

    def read(self) -> dict[str, Any]:
        """Wait for the next line of the process, which has none after a failure."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            lines = self.errors.read_text().strip().splitlines()
            self.failure = lines[-1] if lines else "no reason given"
        return json.loads(line or "{}")  # type: ignore[no-any-return]

    def train_epoch(self) -> None:
        if self.failure is None:
            assert self.process.stdin is not None
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            epoch = self.read()
            if self.failure is None:
                self.epochs.append(epoch)

    def times(self) -> tuple[float, float, float]:
        """Return the seconds of the first epoch, of a later one and of a whole training."""
        first, *others = (epoch["seconds"] for epoch in self.epochs)
        median = statistics.median(others)
        return first, median, first + EPOCHS * median


def run_case(case: Case, rounds: int) -> tuple[dict[str, Any], dict[str, Contender]]:
    """Make each contender train one epoch and `rounds` more; return also a description."""
    with tempfile.TemporaryDirectory(prefix="fathom-bench-") as temporary:
        folder = Path(temporary)
        copytree(ROOT / "conf", folder / "conf")
        copy(ROOT / "params.yaml", folder)
        script = (sys.executable, str(ROOT / "bench/prepare.py"), str(case.times))
        _, printed = run(folder, *script, *case.overrides, **VARIABLES)
        names = [name for name in SCRIPTS if name not in OTHERS or name in case.others]
        contenders = {name: Contender(name, folder) for name in names}
        for contender in contenders.values():
            contender.read()  # ready
        for _ in range(rounds + 1):
            for contender in contenders.values():
                time.sleep(REST)
                contender.train_epoch()
        for contender in contenders.values():
            contender.process.communicate()
        return json.loads(printed.splitlines()[-1]), contenders


def describe(case: Case, facts: dict[str, Any], contenders: dict[str, Contender]) -> str:
    """Return a title, a description and a table."""
    compiled = contenders[COMPILED]
    if compiled.failure is not None:
        sys.exit(f"{COMPILED}: {compiled.failure}")
    engine = compiled.epochs[0]
    text = (
        f"{facts['rows']:,} rows, batch {facts['batch_size']}, {facts['weights']:,} weights. "
        f"Fathom's rule: {'XLA' if engine['xla'] else 'graph'}; {engine['why']}."
    )
    rows = [[name, *cells(contenders.get(name), compiled)] for name in SCRIPTS]
    return f"### {case.title}\n\n{text}\n\n{markdown_table(HEAD, rows)}\n"


def cells(contender: Contender | None, compiled: Contender) -> list[str]:
    """Return a contender's row of the table."""
    if contender is None:
        return ["—"] * 6
    if contender.failure is not None:
        return [f"failed: {contender.failure}", *[""] * 5]
    (first, epoch, training), (_, base_epoch, base_training) = contender.times(), compiled.times()
    return [
        round_digits(epoch),
        round_digits(epoch / base_epoch, 2),
        round_digits(max(first - epoch, 0.0), 2),
        round_digits(training),
        round_digits(training / base_training, 2),
        f"{max(each['memory'] for each in contender.epochs):,.0f}",
    ]


def round_digits(value: float, digits: int = 3) -> str:
    """Return a number with this many significant digits, and without an exponent."""
    decimals = digits - 1 - math.floor(math.log10(value)) if value else 0
    return f"{round(value, decimals):,.{max(decimals, 0)}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Times an epoch of training.")
    parser.add_argument("--quick", action="store_true", help="one round, without repeated rows")
    parser.add_argument("--rounds", type=int, default=5, help="timed epochs")
    parser.add_argument("--only", default="", help="cases whose titles contain this text")
    parser.add_argument("--json", type=Path, help="file for all times")
    options = parser.parse_args()
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {packages}.\n", flush=True)
    results = []
    for case in CASES:
        if options.only.lower() in case.title.lower() and not (options.quick and case.times > 1):
            facts, contenders = run_case(case, 1 if options.quick else options.rounds)
            print(describe(case, facts, contenders), flush=True)
            epochs = {name: each.failure or each.epochs for name, each in contenders.items()}
            results.append({"title": case.title, **facts, "epochs": epochs})
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
