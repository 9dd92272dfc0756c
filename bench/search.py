"""How long a search takes by `fathom search`, by scikit-learn and by Keras Tuner:

python bench/search.py [--trials N] [--epochs N] [--sample M] [--experiment NAME] [--space NAME] ...

The project as it lies here is copied into a repository of its own, in which the pipeline makes
California's parts. There `fathom search` draws configurations of Wide & Deep, by default those of
Géron's book, and trains them; then the others train the very same ones, by Keras' `fit` with the
same epochs, batches, early stopping and rows. All are processes of their own, timed with their
start. Prints Markdown.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from repro import run
from searches import prepare_copy, search

DATASET, MODEL = "california_housing", "wide_deep"
FATHOM = "fathom search"
PACKAGES = ("tensorflow", "keras", "optuna", "scikit-learn", "keras-tuner")

CONTENDERS = {
    "sklearn": ("RandomizedSearchCV, n_jobs=1", ("sklearn_search.py", "1")),
    "sklearn2": ("RandomizedSearchCV, n_jobs=2", ("sklearn_search.py", "2")),
    "tuner": ("Keras Tuner", ("keras_tuner_search.py",)),
}


@dataclass(frozen=True)
class Outcome:
    """How a contender fared: `start` are the seconds before its first trial began."""

    name: str
    seconds: float
    start: float
    values: list[float]

    def whole(self, trials: int) -> float:
        """Return the seconds for so many trials, if each takes as long as those that were run."""
        return self.start + (self.seconds - self.start) * trials / len(self.values)


def contend(folder: Path, name: str, overrides: list[str], trials: list[Any]) -> Outcome:
    """Have a contender train configurations that Fathom has drawn."""
    title, script = CONTENDERS[name]
    task = {"overrides": overrides, "trials": trials}
    (folder / "task.json").write_text(json.dumps(task))
    path = f"src{os.pathsep}bench"
    if os.environ.get("PYTHONPATH"):
        path += os.pathsep + os.environ["PYTHONPATH"]
    command = (sys.executable, f"bench/{script[0]}", *script[1:])
    seconds, printed = run(folder, *command, PYTHONPATH=path)
    found = json.loads(printed.splitlines()[-1])
    return Outcome(title, seconds, found["start"], found["values"])


def table(fathom: Outcome, others: list[Outcome], programs: int) -> Iterator[str]:
    trials = len(fathom.values)
    yield "| | trials | s | s a trial | as many times | best RMSE, $100k | median RMSE, $100k |"
    yield "|---|---|---|---|---|---|---|"
    for outcome in (fathom, *others):
        count, times = len(outcome.values), outcome.whole(trials) / fathom.seconds
        extrapolated = "" if count == trials else ", extrapolated"
        yield (
            f"| {outcome.name} | {count} | {outcome.seconds:,.1f} | {outcome.seconds / count:.2f} "
            f"| {times:.2f}{extrapolated} | {min(outcome.values):.4f} "
            f"| {statistics.median(outcome.values):.4f} |"
        )
    yield ""
    yield f"`fathom search` compiled {programs} programs for {trials} trials."
    for count in {len(outcome.values) for outcome in others} - {trials}:
        first = fathom.values[:count]
        yield (
            f"Of the first {count} of {trials} configurations, which alone the others trained, it "
            f"found {min(first):.4f}, the median {statistics.median(first):.4f}. Their ratios are "
            f"extrapolated to {trials}."
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Times searches.")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--epochs", type=int, help="instead of those of params.yaml")
    parser.add_argument("--sample", type=int, help="configurations that the others train; else all")
    parser.add_argument("--contenders", nargs="*", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument(
        "--jit",
        choices=("auto", "true", "false"),
        default="false",
        help="jit_compile of the others' fit. auto, as Keras has it, is XLA wherever it can: "
        "slower here, since it compiles anew in each trial and is slow at dropout",
    )
    parser.add_argument(
        "--experiment",
        default="book_wide_deep",
        help="settings of conf/experiment/; none is the pipeline's own Wide & Deep",
    )
    parser.add_argument("--space", default="book", help="of conf/search/space/")
    parser.add_argument("--json", type=Path, help="where to write all figures")
    chosen = parser.parse_args()
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {packages}.")
    print(f"jit_compile of the others: {chosen.jit}.\n", flush=True)
    common = [f"dataset={DATASET}", f"model={MODEL}", f"experiment={chosen.experiment}"]
    common.append("train.keep=best")  # the epoch that Keras Tuner and early stopping go by
    if chosen.epochs:
        common.append(f"train.epochs={chosen.epochs}")
    with tempfile.TemporaryDirectory(prefix="fathom-bench-") as temporary:
        folder = Path(temporary)
        prepare_copy(folder, DATASET, chosen.experiment)
        asked = (*common, "search=random", f"space={chosen.space}", f"trials={chosen.trials}")
        seconds, programs, found = search(folder, *asked)
        trials = [trial["settings"] for trial in found["trials"]]
        fathom = Outcome(FATHOM, seconds, 0.0, [trial["value"] for trial in found["trials"]])
        others = [
            contend(folder, name, [*common, f"train.xla={chosen.jit}"], trials[: chosen.sample])
            for name in chosen.contenders
        ]
    print("\n".join(table(fathom, others, programs)))
    if chosen.json:
        figures = [asdict(outcome) for outcome in (fathom, *others)]
        chosen.json.write_text(json.dumps({"programs": programs, "outcomes": figures}, indent=1))


if __name__ == "__main__":
    main()
