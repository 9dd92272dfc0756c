"""What Git knows of a report: its commit, the committed metrics, and the experiments of DVC."""

import json
import subprocess
from typing import Any

import pandas as pd
import yaml

EXPERIMENTS = "refs/exps"
MAX_EXPERIMENTS = 10
OUTPUTS = (":!dvc.lock", ":!metrics")  # files that the stages themselves change


def git(*arguments: str) -> str:
    """Return what Git prints, "" if it fails or is not installed."""
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def current_commit() -> dict[str, Any] | None:
    """Return the current commit, and if the working folder differs; None outside a repository."""
    found = git("log", "-1", "--format=%h %cs")
    if not found:
        return None
    short, date = found.split()
    changed = bool(git("status", "--porcelain", "--", ".", *OUTPUTS))
    return {"short": short, "date": date, "changed": changed}


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


def last_experiments() -> list[dict[str, Any]]:
    """Return name, date, changed settings and metrics of experiments, the newest first."""
    form = "--format=%(refname) %(creatordate:short)"
    experiments = []
    for line in git("for-each-ref", "--sort=-creatordate", form, EXPERIMENTS).splitlines():
        ref, date = line.split(" ")
        names = ref.removeprefix(f"{EXPERIMENTS}/").split("/", 2)
        if len(names) == 3 and len(names[0]) == 2:  # others are DVC's queue and its last run
            settings = changed_settings(names[0] + names[1], ref)
            run = {"name": names[2], "date": date, "settings": settings}
            experiments.append(run | {"metrics": experiment_metrics(ref)})
        if len(experiments) == MAX_EXPERIMENTS:
            break
    return experiments


def changed_settings(before: str, after: str) -> dict[str, Any]:
    """Return the settings of a revision that differ from those of another, as `-S` takes them."""
    changed: dict[str, Any] = {}
    files = git("diff", "--name-only", before, after, "--", "params.yaml", "conf/")
    for file in files.splitlines():
        old, new = (flatten(git("show", f"{revision}:{file}")) for revision in (before, after))
        prefix = "" if file == "params.yaml" else f"{file}:"
        differing = [key for key in new if key not in old or old[key] != new[key]]
        changed |= {f"{prefix}{key}": new[key] for key in differing}
    return changed


def flatten(text: str) -> dict[str, Any]:
    """Return the leaves of a YAML file, with their keys joined by dots."""
    (leaves,) = pd.json_normalize(yaml.safe_load(text) or {}).to_dict("records")
    return {str(key): value for key, value in leaves.items()}
