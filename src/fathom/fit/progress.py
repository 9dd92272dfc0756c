"""`logs/fit/<dataset>.json`: what `fathom fit` has done, so that it continues after a kill."""

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import PRIMARY_METRIC, read_comparison, read_metrics
from fathom.base import paths
from fathom.base.files import read_json, write_json
from fathom.evaluate.formatting import METRIC_LABELS, format_duration, format_number

SAVE_SECONDS = 2.0


@dataclass
class Progress:
    """The state of a fit; `used` are the seconds of all processes that worked on it.

    `asked` is what the command line asks for. `before` has the lists of params.yaml.
    """

    file: Path
    asked: dict[str, Any]
    before: dict[str, Any]
    minutes: float
    used: float = 0.0
    state: dict[str, Any] = field(default_factory=dict)  # by steps
    left_out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.saved = time.monotonic()

    @classmethod
    def read(cls, file: Path) -> Self | None:
        if not file.is_file():
            return None
        return cls(file=file, **read_json(file, "fit"))

    def tick(self, force: bool = False) -> None:
        """Add the time since the last call, and save it now and then."""
        now = time.monotonic()
        if force or now - self.saved >= SAVE_SECONDS:
            self.used, self.saved = self.used + now - self.saved, now
            tree = asdict(self)
            del tree["file"]
            write_json(self.file, tree)

    @property
    def total(self) -> float:
        return 60 * self.minutes

    @property
    def left(self) -> float:
        return self.total - self.used - (time.monotonic() - self.saved)

    def finish(self, step: str, result: Any) -> None:
        self.state[step] = result
        self.tick(force=True)

    def leave_out(self, text: str) -> None:
        if text not in self.left_out:
            self.left_out.append(text)

    def say(self, text: str) -> None:
        print(f"[{format_duration(max(self.left, 0))} left] {text}", flush=True)


def print_summary(name: str, model: str, progress: Progress) -> None:
    """Print the metrics of the model and of the best baseline, the files, and what is left out."""
    task = Problem.read(name).main.task
    metric = PRIMARY_METRIC[task]
    label = METRIC_LABELS[task][metric]
    metrics, comparison = read_metrics(name, model), read_comparison(name)
    own = comparison["networks"][model]
    values = (metrics["valid"][metric], metrics["test"][metric], comparison["baseline"]["figure"])
    valid, test, base = map(format_number, values)
    progress.tick(force=True)
    print(f"{name}/{model}: {label} {test} on the test set, {valid} on validation rows")
    word = "than" if own["verdict"] in ("better", "worse") else "from"
    print(f"  {own['verdict']} {word} {comparison['baseline']['name']}, {base}")
    print(f"  {paths.REPORT}, {paths.export(name, model)}/, conf/experiment/{name}.yaml")
    print(f"  fathom predict {name}/{model} new.csv --output predicted.csv")
    for text in progress.left_out:
        print(f"  left out, for lack of time: {text}")
    print(f"  {progress.used / 60:.1f} of {progress.minutes:g} minutes")
