"""`fathom apply`: writes the settings of a trial as an experiment, `conf/experiment/NAME.yaml`."""

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from fathom.artifacts.search_result import SearchResult, TrialResult
from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.base.files import write_text
from fathom.evaluate.formatting import describe_criterion, format_number
from fathom.messages.git import git_problem
from fathom.search.base_settings import BaseSettings
from fathom.search.space import Values
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig
from fathom.settings.file_names import make_name
from fathom.settings.merge import replaces
from fathom.settings.yaml_values import check_yaml

PACKAGE = "# @package _global_\n"
MARK = "# Written by fathom; checksum of the settings: "
CHOSEN = {"datasets", "models", "experiment", "search"}  # which an experiment does not set

Tree = dict[str, Any]


def find_result(search: str) -> SearchResult:
    """Read the result of a finished search by its name, `<dataset>/<model>-<search>`, or its file.

    Raises:
        FathomError: there is none of this name, or it has no complete trial.
    """
    file = Path(search) if search.endswith(".json") else paths.SEARCHES / f"{search}.json"
    if not file.is_file():
        names = [f"{path.parent.name}/{path.stem}" for path in paths.SEARCHES.glob("*/*.json")]
        near = did_you_mean(search, names)
        raise FathomError(f"there is no result {file} of a finished search{near}")
    return SearchResult.read(file)


def default_name(dataset: str, model: str, search: str) -> str:
    return make_name(f"{dataset}_{model}_{search}", "search")


def apply_trial(
    result: SearchResult, number: int | None = None, name: str | None = None, force: bool = False
) -> Path:
    """Write the settings of a trial, by default the best one, as an experiment.

    Raises:
        FathomError: there is no such trial, or as `write_experiment`.
    """
    name = name or default_name(result.dataset, result.model, result.search)
    check_free(name, force)
    trial = find_trial(result, number)
    return write_experiment(name, result.base, trial.settings, heading(result, trial, name), force)


def write_experiment(
    name: str, overrides: Sequence[str], values: Values, head: str, force: bool = False
) -> Path:
    """Write an experiment that turns the data set and the model of overrides into these settings.

    The file has what differs from `params.yaml`, the data set and the model. Composed with both, it
    gives exactly the settings of the overrides and the values, which this checks.

    Args:
        overrides: as for a stage, with `dataset=` and `model=`.
        values: of a trial.
        head: lines of a comment.

    Raises:
        FathomError: the file exists and is not (or no longer) what this function has written, or no
            experiment can express the settings.
    """
    file = check_free(name, force)
    wanted = BaseSettings([*overrides]).with_values(values)
    chosen = [f"dataset={wanted.dataset.name}", f"model={wanted.model.name}"]
    below = settings_of(compose([*chosen, "experiment=none"], NetworkConfig))
    above = settings_of(wanted)
    before = file.read_bytes() if file.is_file() else None
    write_text(file, experiment_text(difference(below, above), head, name))
    try:
        check_yaml(file)
        composed = settings_of(compose([*chosen, f"experiment={name}"], NetworkConfig))
        if lost := leaves_that_differ(composed, above):
            raise FathomError(f"an experiment cannot express {', '.join(lost)} of the trial")
    except BaseException:
        file.unlink()
        if before is not None:
            file.write_bytes(before)
        raise
    return file


def check_free(name: str, force: bool) -> Path:
    """Return the file of an experiment, which may be written.

    Raises:
        FathomError: it exists, and `fathom apply` has not written it, or it was edited since.
    """
    file = paths.CONF / "experiment" / f"{name}.yaml"
    if file.is_file() and not force and not is_own(file.read_text(encoding="utf-8")):
        raise FathomError(
            f"{file} exists already and is not as Fathom has written it: choose another --name, "
            "or replace it with --force"
        )
    return file


def is_own(text: str) -> bool:
    _, mark, rest = text.partition(MARK)
    digest, _, settings = rest.partition("\n")
    return bool(mark) and digest == checksum(settings)


def checksum(settings: str) -> str:
    return hashlib.sha256(settings.encode()).hexdigest()[:12]


def find_trial(result: SearchResult, number: int | None) -> TrialResult:
    wanted = result.best if number is None else number
    trial = next((trial for trial in result.trials if trial.number == wanted), None)
    if trial is None:
        raise FathomError(f"{result.file} has no trial {wanted}; it has {len(result.trials)}")
    return trial


def choices(result: SearchResult, settings: Values) -> dict[str, str]:
    """Return the data set and the model of a trial."""
    return {"dataset": result.dataset, "model": str(settings.get("model", result.model))}


def settings_of(config: NetworkConfig) -> Tree:
    """Return all settings that stages read."""
    tree = config.model_dump(mode="json", by_alias=True, exclude=CHOSEN)
    for group in ("dataset", "model"):
        del tree[group]["name"]
    return tree


def difference(below: Tree, above: Tree) -> Tree:
    """Return what an experiment sets to turn some settings into others."""
    if replaces(above, below):
        return above
    changed: Tree = {}
    for key, value in above.items():
        old = below.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := difference(old, value):
                changed[key] = inner
        elif key not in below or repr(old) != repr(value):
            changed[key] = value
    return changed


def leaves_that_differ(one: Any, other: Any, key: str = "") -> list[str]:
    """Return the keys of settings that differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = dict.fromkeys([*one, *other])
        return [
            lost
            for name in names
            for lost in leaves_that_differ(one.get(name, ""), other.get(name, ""), f"{key}.{name}")
        ]
    return [] if repr(one) == repr(other) else [key.lstrip(".")]


def experiment_text(settings: Tree, head: str, name: str) -> str:
    # DVC has no run cache for stages that read an empty file.
    body = yaml.safe_dump(
        settings or {"experiment": name}, sort_keys=False, allow_unicode=True, width=96,
        default_flow_style=None,
    )  # fmt: skip
    return f"{PACKAGE}{head}{MARK}{checksum(body)}\n{body}"


def heading(result: SearchResult, trial: TrialResult, name: str) -> str:
    """Return the comment above the settings."""
    value = "none" if trial.value is None else format_number(trial.value)
    criterion = describe_criterion(result.monitor, result.cv)
    return (
        f"#\n# Trial {trial.number} of the search {result.search} for {result.model} on "
        f"{result.dataset}: {criterion} {value}.\n#\n"
        f"#   {use_command(result, trial.settings, name)}\n#\n"
    )


def use_command(result: SearchResult, settings: Values, name: str) -> str:
    """Return the command that runs the pipeline with an experiment of this name, in a copy."""
    chosen = choices(result, settings)
    lists = [f"datasets=[{chosen['dataset']}]", f"models=[{chosen['model']}]"]
    words = ["-S", f"experiment={name}", *(word for text in lists for word in ("-S", text))]
    return f"dvc exp run --temp -n {name} {shlex.join(words)}"


def print_use(result: SearchResult, number: int | None, file: Path) -> None:
    """Print what was written, and the one command that uses it."""
    settings = find_trial(result, number).settings
    print(f"wrote {file}")
    if git_problem():  # experiments need a commit
        chosen = choices(result, settings)
        print(
            f"set datasets: [{chosen['dataset']}], models: [{chosen['model']}] and experiment: "
            f"{file.stem} in {paths.PARAMS}, then:"
        )
        print("  fathom repro")
        return
    print("to run the pipeline with it, in a copy:")
    print(f"  git add {file} && {use_command(result, settings, file.stem)}")
