"""What differs between two revisions: settings, other files, and metrics of the test set."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from fathom.artifacts.ranking import is_better
from fathom.evaluate.formatting import METRIC_LABELS, format_mean, format_number, format_signed
from fathom.experiments.revisions import Metrics, Revision
from fathom.messages.origins import flatten

LABELS = METRIC_LABELS["regression"] | METRIC_LABELS["classification"]
ROUNDING = 1e-9  # relative change that is only rounding
NO_VALUE = "–"
WITHIN_SD = (
    "Mean ± standard deviation (sd) over runs. within sd: the change is not larger than the "
    "standard deviation of the difference of two runs."
)
SETTINGS = ("params.yaml", "conf/")
CODE = ("dvc.yaml", "src/", "data/own/", "requirements.txt")  # and data


@dataclass(frozen=True)
class Setting:
    """A setting that differs, by its key in a file; a value is NO_VALUE if it is not there."""

    file: str
    key: str
    before: str
    after: str

    @property
    def name(self) -> str:
        """The name that `dvc exp run -S` takes."""
        return self.key if self.file == "params.yaml" else f"{self.file}:{self.key}"


@dataclass(frozen=True)
class MetricChange:
    """A change of a metric on the test set, between means over runs if there are several.

    The verdict is "within sd" if the change is not larger than the standard deviation of the
    difference of two runs, "one run" if that is unknown, else "better" or "worse".
    """

    dataset: str
    model: str
    label: str
    before: str
    after: str
    change: str
    verdict: str

    @property
    def cells(self) -> tuple[str, ...]:
        return self.model, self.label, self.before, self.after, self.change, self.verdict


def changed_settings(before: Revision, after: Revision) -> list[Setting]:
    """Return the settings that differ in value, those of params.yaml first."""
    changed = []
    files = changed_files(before, after, SETTINGS)
    for file in sorted(files, key=lambda file: file != "params.yaml"):
        old, new = settings_in(before.parse(file)), settings_in(after.parse(file))
        for key in old | new:
            if key not in old or key not in new or old[key] != new[key]:
                values = [format_setting(tree, key) for tree in (old, new)]
                changed.append(Setting(file, key, *values))
    return changed


def settings_in(tree: Any) -> dict[str, Any]:
    """Return the settings of a parsed YAML file by dotted keys, without empty mappings."""
    leaves = flatten(tree if isinstance(tree, dict) else {})
    return {key: value for key, value in leaves.items() if value != {}}


def format_setting(leaves: dict[str, Any], key: str) -> str:
    """Return a setting as the command line takes it, NO_VALUE if it is not there."""
    if key not in leaves:
        return NO_VALUE
    text = yaml.safe_dump(leaves[key], default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def changed_files(before: Revision, after: Revision, folders: tuple[str, ...]) -> list[str]:
    """Return the files in folders, or of these names, that differ."""
    return [
        file
        for file in sorted(before.files.keys() | after.files.keys())
        if file.startswith(folders) and before.files.get(file) != after.files.get(file)
    ]


def changed_metrics(before: Revision, after: Revision) -> Iterator[MetricChange]:
    """Yield the changes of test metrics of data sets and models in both, networks first."""
    for dataset, old in before.metrics.items():
        new = after.metrics.get(dataset)
        if new is not None:
            yield from compare_models(dataset, old.networks, new.networks, True)
            yield from compare_models(dataset, old.baselines, new.baselines, False)


def compare_models(
    dataset: str, before: Metrics, after: Metrics, networks: bool
) -> Iterator[MetricChange]:
    for model in before:
        old, new = before[model], after.get(model, {"test": {}})
        for metric, label in LABELS.items():
            if old["test"].get(metric) is None or new["test"].get(metric) is None:
                continue  # also R² of a single row
            mean_before, sd_before, text_before = summarize(old, metric)
            mean_after, sd_after, text_after = summarize(new, metric)
            change = mean_after - mean_before
            if abs(change) <= ROUNDING * abs(mean_before):
                continue
            verdict = "better" if is_better(metric, change, 0) else "worse"
            if networks and sd_before is None and sd_after is None:
                verdict = "one run"
            elif abs(change) <= math.hypot(sd_before or 0, sd_after or 0):
                verdict = "within sd"
            cells = label, text_before, text_after, format_signed(change), verdict
            yield MetricChange(dataset, model, *cells)


def summarize(model: dict[str, Any], metric: str) -> tuple[float, float | None, str]:
    """Return a test metric, the standard deviation of its runs if there are several, and its text.

    The metric is the mean of the runs, unless the model averages their predictions.
    """
    spread = model.get("spread", {}).get("test", {}).get(metric)
    if spread and "ensemble" in model:
        return spread["mean"], spread["sd"], format_mean(spread)
    value = model["test"][metric]
    return value, spread["sd"] if spread else None, format_number(value)
