"""What is compared, and the processes that run it."""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(BENCH.parent / "src"),
    "CUDA_VISIBLE_DEVICES": "-1",  # processors are compared, not GPUs
    "TF_CPP_MIN_LOG_LEVEL": "3",
}

BARE, COMPILED = "bare", "compiled"
SCRIPTS = {
    BARE: ("matmul.py",),
    COMPILED: ("keras_loops.py", "compiled"),
    "compiled, XLA": ("keras_loops.py", "xla"),
    "compiled, graph": ("keras_loops.py", "graph"),
    "fit": ("keras_loops.py", "fit"),
    "fit, at its best, XLA": ("keras_loops.py", "fit_in_one_call_xla"),
    "fit, at its best, graph": ("keras_loops.py", "fit_in_one_call_graph"),
    "PyTorch": ("torch_loop.py",),
    "PyTorch, 1 thread": ("torch_loop.py", "1"),
    "scikit-learn": ("sklearn_loop.py",),
}

EPOCHS = 50  # of the whole training that figures are given for


@dataclass
class Contender:
    """A process that trains, and its answers: one for each epoch, or why it failed."""

    name: str
    process: "subprocess.Popen[str]"
    errors: Path
    epochs: list[dict[str, Any]] = field(default_factory=list)
    failure: str | None = None

    @classmethod
    def start(cls, name: str, folder: Path) -> "Contender":
        script, *arguments = SCRIPTS[name]
        errors = folder / f"{name}.err"
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, str(BENCH / script), *arguments],
                cwd=folder,
                env=ENVIRONMENT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        return cls(name, process, errors)

    def answer(self) -> dict[str, Any]:
        """Wait for a line; there is none if the process has failed."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            said = self.errors.read_text().strip().splitlines()
            self.failure = said[-1] if said else "no reason given"
        return json.loads(line or "{}")  # type: ignore[no-any-return]

    def train_epoch(self) -> None:
        if self.failure is None:
            assert self.process.stdin is not None
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            answer = self.answer()
            if self.failure is None:
                self.epochs.append(answer)

    @property
    def seconds(self) -> list[float]:
        """Those of each epoch."""
        return [epoch["seconds"] for epoch in self.epochs]

    @property
    def median(self) -> float:
        """Seconds of an epoch behind the first."""
        return statistics.median(self.seconds[1:])

    @property
    def compiling(self) -> float:
        """Seconds that the first epoch takes longer."""
        return max(self.seconds[0] - self.median, 0.0)

    @property
    def training(self) -> float:
        """Seconds of a whole training, compiling included."""
        return self.seconds[0] + EPOCHS * self.median

    @property
    def memory(self) -> float:
        """MiB, at the peak."""
        return max(float(epoch["memory"]) for epoch in self.epochs)
