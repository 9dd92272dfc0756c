"""Text of the stage `train`: refused settings, failed trainings, and the line at the end."""

from collections.abc import Mapping
from typing import Any

from fathom.base.errors import did_you_mean

TWO_SCHEDULES = "train.optimizer.learning_rate is a schedule already; set one of the two to null"
RAY_HERE = "only the stage train trains with ray; set it to fit"
JAX_NEEDS_XLA = "train.engine ray trains on JAX, which always compiles with XLA; set it to auto"
GPUS_OF_WORKERS = "train.engine ray uses the GPUs of train.ray.resources; set it to auto"


def last_line(run: Mapping[str, Any], highest: bool) -> str:
    """Return the line that ends a training.

    Args:
        run: content of run.json.
        highest: whether the best epoch has the highest value of the monitored metric.
    """
    best, kept, runs = run["best_epoch"], run["kept_epoch"], len(run["runs"])
    line = f"best epoch: {best} of {run['epochs']}"
    line += f" ({'highest' if highest else 'lowest'} {run['monitor']})"
    if kept != best:
        line += f"; weights of epoch {kept}"
    if runs > 1:
        line += f"; best of {runs} runs"
    return f"{line}; {run['seconds']:.0f} s, {run['parameters']:,} parameters"


def epoch_line(seed: int, epoch: int, epochs: int, logs: dict[str, float], seconds: float) -> str:
    """Return the line of an epoch; the auxiliary output and the losses of outputs are left out."""
    metrics = "  ".join(
        f"{name} {value:.4g}"
        for name, value in logs.items()
        if "aux_output" not in name and not name.endswith("output_loss")
    )
    return f"seed {seed}  epoch {epoch}/{epochs}  {metrics}  {seconds:.2g} s"


def resumed(seed: int, epoch: int) -> str:
    return f"seed {seed}  resumes at epoch {epoch}"


def not_a_model(target: str, kind: str) -> str:
    return f"{target} returned {kind}, not a Keras model"


def ensemble_of_subclassed(target: str) -> str:
    return f"{target} returned a subclassed model, whose inputs are not known; set it to false"


def unknown_output(name: str, outputs: list[str]) -> str:
    return f"the network has no such output{did_you_mean(name, outputs)}"


def no_classes(dataset: str) -> str:
    return f"{dataset} is a regression and has no classes"


def unknown_class(dataset: str, name: str, classes: list[str]) -> str:
    return f"{dataset} has no class {name!r}{did_you_mean(name, classes)}"


def not_recorded(monitor: str, names: list[str]) -> str:
    return f"{monitor!r} is not recorded; these are: {', '.join(names)}"


def diverged(name: str, value: float, epoch: int) -> str:
    return (
        f"training diverged: {name} is {value} in epoch {epoch}; lower the learning rate or set "
        "train.optimizer.clipnorm"
    )


def acts_on_batches(callback: str) -> str:
    return (
        f"{callback} acts on batches, but train.engine compiled calls callbacks only at epochs; "
        "set train.engine to fit"
    )


def one_run_at_a_time(runs: int, reason: str) -> str:
    return f"{runs} runs cannot train at once {reason}; set it to 1"


def too_little_memory(limit: float, tensorflow: float) -> str:
    return (
        f"{limit:g} GiB leaves no memory for training rows: TensorFlow takes {tensorflow} GiB; "
        "set it to 2 or more"
    )


def missing_gpus(gpus: object, found_by: str, count: int) -> str:
    gpus_found = f"the GPUs {list(range(count))}" if count else "no GPU; set gpus to [] for the CPU"
    return f"{gpus} are not all available; {found_by} {gpus_found}"


def not_installed(package: str) -> str:
    return (
        f"{package} is not installed: `make setup RAY=1`, or `python -m pip install "
        "--require-hashes -r requirements-ray.txt`"
    )


def needs_tensorflow(target: str, message: str) -> str:
    return f"train.engine ray trains on JAX, which cannot train {target}: {message}"


def no_room(count: int, needs: dict[str, float], workers: int) -> str:
    each = ", ".join(f"{amount:g} {name}" for name, amount in needs.items())
    return f"the cluster has room for {count} workers of {each}, not for {workers}"


def folder_not_shared(host: str, folder: object) -> str:
    return (
        f"{host} does not see {folder}: all hosts must have the project under the same path, in a "
        "shared folder"
    )


def workers_lost(times: int, cause: str) -> str:
    often = "once" if times == 1 else f"{times} times"
    return f"lost a worker {often} ({cause}); the same command resumes from the last checkpoint"
