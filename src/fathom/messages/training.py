"""Text of the stage `train`: refused settings, and lines about its progress."""

from collections.abc import Mapping
from typing import Any

TWO_SCHEDULES = "train.optimizer.learning_rate is a schedule already; set one of the two to null"
NO_SWAP = (
    "SwapEMAWeights is not needed: with train.optimizer.use_ema, the average of the weights is "
    "validated and kept; set it to null"
)
RAY_HERE = "only the stage train trains with ray; set it to fit"
JAX_NEEDS_XLA = "train.engine ray trains on JAX, which always compiles with XLA; set it to auto"
GPUS_OF_WORKERS = "train.engine ray uses the GPUs of train.ray.resources; set it to auto"

FOLDS_AND_REPEATS = "each fold is a run already; set it to null, or train.repeats to auto"
FOLDS_ARE_AVERAGED = (
    "the model is the average of the folds; set it to null, or train.ensemble to auto"
)
FOLDS_ON_RAY = "the engine ray does not train on folds; set it to null"
FOLDS_IN_ORDER = "rows in order (split.shuffle: false) have no folds; set it to null"
FOLDS_ON_DISK = "folds need all rows in memory; set it to null or raise train.memory"


def unknown_inputs(target: str) -> str:
    return f"{target} returned a subclassed model, whose inputs are not known; set it to "


def too_many_folds(folds: int, units: int, name: str) -> str:
    return f"{folds} folds need as many {name}, but there are {units}"


def last_line(run: Mapping[str, Any], seconds: float, highest: bool) -> str:
    """Return the line that ends a training of so many seconds whose run.json is `run`.

    `highest` says whether the highest value of the monitored metric is the best.
    """
    best, kept, runs = run["best_epoch"], run["kept_epoch"], len(run["runs"])
    line = f"best epoch: {best} of {run['epochs']}"
    line += f" ({'highest' if highest else 'lowest'} {run['monitor']})"
    if kept != best:
        line += f"; weights of epoch {kept}"
    if runs > 1:
        line += f"; {'average' if run['ensemble'] else 'best'} of {runs} runs"
    return f"{line}; {seconds:.0f} s, {run['parameters']:,} parameters"


def epoch_line(
    place: tuple[int, int, int],
    logs: Mapping[str, float],
    seconds: float,
    best: tuple[str, float],
    left: float | None,
) -> str:
    """Return the line of an epoch; the auxiliary output and the losses of outputs are left out.

    Args:
        place: seed, epoch and number of epochs.
        seconds: of this epoch.
        best: the monitored metric and its best value.
        left: seconds to the last epoch. None in that one: its line has no best value, too.
    """
    seed, epoch, epochs = place
    metrics = "  ".join(
        f"{name} {value:.4g}"
        for name, value in logs.items()
        if "aux_output" not in name and not name.endswith("output_loss")
    )
    outlook = ""
    if left is not None:
        outlook = f"best {best[0]} {best[1]:.4g}  about {format_seconds(left)} left  "
    return f"seed {seed}  epoch {epoch}/{epochs}  {outlook}{metrics}  {seconds:.2g} s"


def format_seconds(seconds: float) -> str:
    minutes = seconds / 60
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min"


def workers_lost(times: int, cause: str) -> str:
    often = "once" if times == 1 else f"{times} times"
    return f"lost a worker {often} ({cause}); the same command resumes from the last checkpoint"
