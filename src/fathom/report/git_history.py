"""What Git knows of a report: its commit, the committed metrics, and the experiments of DVC."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import yaml

EXPERIMENTS = "refs/exps"
MAX_EXPERIMENTS = 10
OUTPUTS = (":!dvc.lock", ":!metrics")  # files that the stages themselves change


@dataclass(frozen=True)
class Commit:
    """The current commit, and whether the working folder differs from it."""

    short: str
    date: str
    changed: bool


@dataclass(frozen=True)
class Experiment:
    """An experiment of `dvc exp`: the settings that it changed, and its metrics files."""

    name: str
    date: str
    settings: dict[str, Any]
    metrics: dict[str, Any]


def git(*arguments: str) -> str:
    """Return what Git prints, "" if it fails or is not installed."""
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def current_commit() -> Commit | None:
    """Return the commit of the working folder, None outside of a repository."""
    found = git("log", "-1", "--format=%h %cs")
    if not found:
        return None
    short, date = found.split()
    return Commit(short, date, bool(git("status", "--porcelain", "--", ".", *OUTPUTS)))


def committed_metrics(revision: str) -> dict[str, Any]:
    """Return the metrics files of a revision by data set and model."""
    metrics: dict[str, Any] = {}
    for file in git("ls-tree", "-r", "--name-only", revision, "metrics/").splitlines():
        _, dataset, name = file.rsplit("/", 2)
        if content := git("show", f"{revision}:{file}"):
            metrics.setdefault(dataset, {})[name.removesuffix(".json")] = json.loads(content)
    return metrics


def experiment_metrics(revision: str) -> dict[str, Any]:
    """Return the metrics files of the data sets and models in an experiment's settings.

    It may hold others, of the commit that it started from.
    """
    params = yaml.safe_load(git("show", f"{revision}:params.yaml")) or {}
    return {
        dataset: {name: metrics for name, metrics in models.items() if name in params["models"]}
        for dataset, models in committed_metrics(revision).items()
        if dataset in params["datasets"]
    }


def last_experiments() -> list[Experiment]:
    """Return the last experiments, the newest first."""
    form = "--format=%(refname) %(creatordate:short)"
    experiments = []
    for line in git("for-each-ref", "--sort=-creatordate", form, EXPERIMENTS).splitlines():
        ref, date = line.split(" ")
        names = ref.removeprefix(f"{EXPERIMENTS}/").split("/", 2)
        if len(names) == 3 and len(names[0]) == 2:  # others are DVC's queue and its last run
            settings = changed_settings(names[0] + names[1], ref)
            experiments.append(Experiment(names[2], date, settings, experiment_metrics(ref)))
        if len(experiments) == MAX_EXPERIMENTS:
            break
    return experiments


def changed_settings(before: str, after: str) -> dict[str, Any]:
    """Return the settings of a revision that differ from those of another, as `-S` takes them."""
    changed: dict[str, Any] = {}
    for file in git(
        "diff", "--name-only", before, after, "--", "params.yaml", "conf/"
    ).splitlines():
        old, new = (
            dict(flatten(yaml.safe_load(git("show", f"{revision}:{file}"))))
            for revision in (before, after)
        )
        prefix = "" if file == "params.yaml" else f"{file}:"
        differing = [key for key in new if key not in old or old[key] != new[key]]
        changed |= {f"{prefix}{key}": new[key] for key in differing}
    return changed


def flatten(tree: Any, *above: str) -> list[tuple[str, Any]]:
    """Return the leaves of a tree, with their keys joined by dots."""
    if isinstance(tree, dict):
        return [leaf for key, value in tree.items() for leaf in flatten(value, *above, str(key))]
    return [(".".join(above), tree)]
