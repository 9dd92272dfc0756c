"""Revisions: the workspace, commits of Git, and experiments of DVC, which are commits, too."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from fathom.artifacts.ranking import PRIMARY_METRIC, find_best
from fathom.base.errors import FathomError, did_you_mean
from fathom.messages.git import git, git_problem, is_shallow, run_git

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
        FathomError: there is no such revision, or Git does not know the project.
    """
    if problem := git_problem():
        raise FathomError(problem)
    head = git("rev-parse", "--short", "HEAD")
    if name == WORKSPACE:
        return Revision(name, head, read_workspace())
    known = experiments()
    if name in known:
        return read_experiment(name, *known[name])
    commit = git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if not commit:
        older = "; `git fetch --unshallow` brings older commits" if is_shallow() else ""
        near = did_you_mean(name, revision_names())
        raise FathomError(f"there is no revision {name}{older}{near}")
    return Revision(name, git("rev-parse", "--short", name), read_files(commit))


def revision_names() -> list[str]:
    """Return the workspace, HEAD, the experiments, and Git's branches and tags."""
    refs = git("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags")
    return [WORKSPACE, "HEAD", *experiments(), *refs.split()]


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


def read_workspace() -> dict[str, bytes]:
    """Return the content of the files in the working folder that Git does not ignore."""
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *FILES)
    files = {}
    for path in map(Path, listed.split("\0")):
        if path.is_file():
            files[path.as_posix()] = path.read_bytes()
        elif path != Path() and path.is_dir():  # a submodule or a repository
            files[path.as_posix()] = git("-C", str(path), "rev-parse", "HEAD").encode()
    return files


def read_files(commit: str) -> dict[str, bytes]:
    """Return the content of the files of a commit, with paths from the working folder.

    That of a submodule is the name of its commit.
    """
    listed = git("ls-tree", "-r", "-z", commit, "--", *FILES)
    files, hashes = {}, {}
    for entry in filter(None, listed.split("\0")):
        about, path = entry.split("\t", 1)
        _, kind, name = about.split()
        files[path] = name.encode()
        if kind == "blob":
            hashes[path] = name
    done = run_git("cat-file", "--batch", stdin="".join(f"{h}\n" for h in hashes.values()).encode())
    output, at = done.stdout, 0
    for path in hashes:
        start = output.find(b"\n", at) + 1
        header = output[at:start].split()
        if len(header) < 3:  # a partial clone without a connection, or a damaged repository
            reason = " ".join(os.fsdecode(done.stderr).split()) or "the object is missing"
            raise FathomError(f"Git cannot read {path} of {commit}: {reason}")
        at = start + int(header[2]) + 1
        files[path] = output[start : at - 1]
    return files
