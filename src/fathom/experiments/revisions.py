"""Revisions: the workspace, commits of Git, and experiments of DVC, which are commits, too."""

import json
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from fathom.artifacts.ranking import PRIMARY_METRIC, find_best
from fathom.base.errors import FathomError, did_you_mean
from fathom.report.provenance import git

WORKSPACE = "workspace"
EXPERIMENTS = "refs/exps"
FILES = ("params.yaml", "conf", "metrics", "dvc.yaml", "src", "data/own", "requirements.txt")

Metrics = dict[str, dict[str, Any]]  # by model or baseline; then by subset and metric


@dataclass(frozen=True)
class DatasetMetrics:
    """The metrics of a data set; `comparison` is that of its networks with the best baseline."""

    networks: Metrics
    baselines: Metrics
    comparison: dict[str, Any]

    @property
    def primary(self) -> str:
        """The metric that compares models."""
        known = set().union(*(network["test"] for network in self.networks.values()))
        return next(name for name in PRIMARY_METRIC.values() if name in known)

    @property
    def best(self) -> str:
        """The best network on the validation set."""
        return find_best(self.networks, self.primary)


@dataclass(frozen=True)
class Revision:
    """The content of the files that Git has in a revision, or of the files in the working folder.

    `commit` is short. That of an experiment is the commit that it started from, that of the
    workspace HEAD.
    """

    name: str
    commit: str
    files: dict[str, bytes]

    @cached_property
    def params(self) -> dict[str, Any]:
        return self.parse("params.yaml") or {}

    @cached_property
    def metrics(self) -> dict[str, DatasetMetrics]:
        """The metrics of the data sets and models in the settings.

        An experiment may also have those of others, from the commit that it started from.
        """
        models, found = self.params.get("models") or [], {}
        for dataset in self.params.get("datasets") or []:
            parsed = {model: self.parse(f"metrics/{dataset}/{model}.json") for model in models}
            networks = {model: metrics for model, metrics in parsed.items() if metrics}
            if networks:
                found[dataset] = DatasetMetrics(
                    networks,
                    self.parse(f"metrics/{dataset}/baseline.json") or {},
                    self.parse(f"metrics/{dataset}/comparison.json") or {},
                )
        return found

    def parse(self, file: str) -> Any:
        """Return the content of a YAML or JSON file, None if there is none."""
        content = self.files.get(file, b"null")
        try:
            return json.loads(content) if file.endswith(".json") else yaml.safe_load(content)
        except (ValueError, yaml.YAMLError) as error:
            raise FathomError(f"{file} of {self.name} cannot be parsed: repair it") from error


def read_revision(name: str) -> Revision:
    """Read the workspace, an experiment or a revision of Git.

    Raises:
        FathomError: there is no such revision, or no Git repository.
    """
    head = git("rev-parse", "--short", "HEAD")
    if not head:
        raise FathomError(
            "this folder has no commit: run `git init`, `git add -A` and `git commit`"
        )
    if name == WORKSPACE:
        listed = git("ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *FILES)
        paths = [path for path in listed.split("\0") if Path(path).is_file()]
        return Revision(name, head, {path: Path(path).read_bytes() for path in paths})
    known = experiments()
    if name in known:
        return read_experiment(name, *known[name])
    commit = git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if not commit:
        names = [WORKSPACE, "HEAD", *known]
        names += git("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags").split()
        raise FathomError(f"there is no revision {name}{did_you_mean(name, names)}")
    return Revision(name, git("rev-parse", "--short", name), read_files(commit))


def read_experiment(name: str, ref: str, base: str) -> Revision:
    """Read an experiment that `experiments` has found."""
    return Revision(name, git("rev-parse", "--short", base), read_files(ref))


def experiments() -> dict[str, tuple[str, str]]:
    """Return the ref of each experiment and the commit that it started from, the newest first."""
    found: dict[str, tuple[str, str]] = {}
    refs = git("for-each-ref", "--sort=-creatordate", "--format=%(refname)", EXPERIMENTS)
    for ref in refs.splitlines():
        start, *name = ref.removeprefix(f"{EXPERIMENTS}/").split("/", 2)
        if len(start) == 2 and len(name) == 2:  # others are DVC's queue and its last run
            found.setdefault(name[1], (ref, start + name[0]))
    return found


def read_files(commit: str) -> dict[str, bytes]:
    """Return the content of the files of a commit, with paths from the working folder."""
    listed = git("ls-tree", "-r", "-z", commit, "--", *FILES)
    entries = [entry.split("\t", 1) for entry in listed.split("\0") if entry]
    hashes = {path: about.split()[2] for about, path in entries}
    text = "".join(f"{blob}\n" for blob in hashes.values()).encode()
    command = ["git", "cat-file", "--batch"]
    output = subprocess.run(command, input=text, capture_output=True, check=True).stdout
    files, at = {}, 0
    for path in hashes:
        start = output.index(b"\n", at) + 1
        size = int(output[at:start].split()[2])
        files[path] = output[start : start + size]
        at = start + size + 1
    return files
