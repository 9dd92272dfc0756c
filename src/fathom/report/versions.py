"""Where a report comes from: the commit, and the experiments and figures that Git knows."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import yaml

EXPERIMENTS = "refs/exps"
LAST = 10  # experiments shown
NOT_CODE = (":!dvc.lock", ":!metrics")  # what the stages themselves change


@dataclass(frozen=True)
class Commit:
    """The commit that a project lies in, and whether anything differs from it."""

    short: str
    date: str
    changed: bool


@dataclass(frozen=True)
class Experiment:
    """An experiment of `dvc exp`: which settings differ from its commit, and its metrics files."""

    name: str
    date: str
    settings: dict[str, Any]
    metrics: dict[str, Any]


def git(*arguments: str) -> str | None:
    """Return what Git prints, or None where it has nothing to say."""
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def commit() -> Commit | None:
    """Return the commit that the working folder lies in, None outside of a repository."""
    found = git("log", "-1", "--format=%h %cs")
    if not found:
        return None
    short, date = found.split()
    return Commit(short, date, bool(git("status", "--porcelain", "--", ".", *NOT_CODE)))


def committed_metrics(revision: str) -> dict[str, Any]:
    """Return the metrics files of a revision by data set and model."""
    files = git("ls-tree", "-r", "--name-only", revision, "metrics/") or ""
    found: dict[str, Any] = {}
    for file in files.splitlines():
        _, dataset, name = file.rsplit("/", 2)
        content = git("show", f"{revision}:{file}")
        if content:
            found.setdefault(dataset, {})[name.removesuffix(".json")] = json.loads(content)
    return found


def made_metrics(revision: str) -> dict[str, Any]:
    """Return the metrics files of a revision's own data sets and networks: it may hold others, of
    the commit that it began from.
    """
    params = yaml.safe_load(git("show", f"{revision}:params.yaml") or "") or {}
    return {
        dataset: {name: figures for name, figures in files.items() if name in params["models"]}
        for dataset, files in committed_metrics(revision).items()
        if dataset in params["datasets"]
    }


def experiments() -> list[Experiment]:
    """Return the last experiments, the newest first."""
    form = "--format=%(refname) %(creatordate:short)"
    refs = git("for-each-ref", "--sort=-creatordate", form, EXPERIMENTS) or ""
    found = []
    for line in refs.splitlines():
        ref, date = line.split(" ")
        parts = ref.removeprefix(f"{EXPERIMENTS}/").split("/", 2)
        if len(parts) == 3 and len(parts[0]) == 2:  # others are DVC's own: the queue, the last one
            changed = changed_settings(parts[0] + parts[1], ref)
            found.append(Experiment(parts[2], date, changed, made_metrics(ref)))
        if len(found) == LAST:
            break
    return found


def changed_settings(before: str, after: str) -> dict[str, Any]:
    """Return the settings in which a revision differs from another, as `-S` takes them."""
    files = git("diff", "--name-only", before, after, "--", "params.yaml", "conf/") or ""
    found: dict[str, Any] = {}
    for file in files.splitlines():
        old, new = (
            dict(flat(yaml.safe_load(git("show", f"{revision}:{file}") or "")))
            for revision in (before, after)
        )
        prefix = "" if file == "params.yaml" else f"{file}:"
        differing = [key for key in new if key not in old or old[key] != new[key]]
        found |= {f"{prefix}{key}": new[key] for key in differing}
    return found


def flat(tree: Any, *above: str) -> list[tuple[str, Any]]:
    """Return the leaves of a tree with their keys joined by dots."""
    if isinstance(tree, dict):
        return [leaf for key, value in tree.items() for leaf in flat(value, *above, str(key))]
    return [(".".join(above), tree)]
