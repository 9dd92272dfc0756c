"""`fathom summary`: the comparison of models and their changes as Markdown, for a pull request."""

from collections.abc import Iterator

from fathom.artifacts.ranking import higher_is_better
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.evaluate.formatting import format_mean, format_number, format_signed
from fathom.experiments.differences import (
    LABELS,
    WITHIN_SD,
    changed_metrics,
    changed_settings,
    summarize,
)
from fathom.experiments.revisions import WORKSPACE, DatasetMetrics, Revision, read_revision
from fathom.messages.git import git, is_shallow


def render_summary(against: str | None) -> str:
    """Return the models of the workspace, and their changes against a revision.

    Args:
        against: None for the merge base of HEAD and the default branch.

    Raises:
        FathomError: there is no such revision, or the workspace lacks metrics.
    """
    now = read_revision(WORKSPACE)
    if not now.metrics:
        raise FathomError("metrics/ has none of the models in params.yaml: run `dvc repro`")
    for dataset, metrics in now.metrics.items():
        if metrics.networks.keys() - metrics.comparison.get("networks", {}).keys():
            file, stage = paths.metrics(dataset, "comparison"), f"compare@{dataset}"
            raise FathomError(f"{file} lacks networks: make it again with `dvc repro {stage}`")
    if against:
        before, title = read_revision(against), against
    else:
        before, title = default_base()
    lines = ["# Fathom report", ""]
    for dataset, metrics in now.metrics.items():
        lines += [f"## {dataset}", "", *list_models(metrics), ""]
    lines += [f"## Against {title}", "", *list_settings(before, now), *list_changes(before, now)]
    return "\n".join(lines)


def default_base() -> tuple[Revision, str]:
    """Return the merge base of HEAD and the default branch, HEAD without one, and its title."""
    remote = git("rev-parse", "--abbrev-ref", "--verify", "--quiet", "origin/HEAD")
    for branch in (remote, "main", "master"):
        if branch and (commit := git("merge-base", "HEAD", branch)):
            base = read_revision(commit)
            return base, f"{base.commit}, the merge base with {branch}"
    reason = "no branch origin/HEAD, main or master is there"
    if is_shallow():
        reason = "the merge base is unknown in a shallow clone: run `git fetch --unshallow`"
    return read_revision("HEAD"), f"HEAD ({reason})"


def list_models(metrics: DatasetMetrics) -> Iterator[str]:
    """List networks, means of their runs and baselines, the best one on the test set first."""
    primary, best = metrics.primary, metrics.best
    measured = metrics.networks[best]["test"]
    labels = {name: label for name, label in LABELS.items() if name in measured}
    baseline, networks = metrics.comparison["baseline"], metrics.comparison["networks"]
    rows = dict(metrics.networks) | metrics.baselines
    for name, network in metrics.networks.items():
        if "ensemble" in network:
            rows[f"{name}, mean of {network['spread']['test'][primary]['n']}"] = network["ensemble"]
    yield (
        f"**{best}**: test {labels[primary]} {summarize(metrics.networks[best], primary)[2]}, "
        f"against {format_number(baseline['figure'])} of the best baseline, {baseline['name']}: "
        f"{networks[best]['verdict']}."
    )
    yield ""
    heads = ["model", *(f"test {label}" for label in labels.values())]
    yield from table_head([*heads, "over runs", f"against {baseline['name']}"])
    higher = higher_is_better(primary)
    for name in sorted(rows, key=lambda name: rows[name]["test"][primary], reverse=higher):
        cells = [f"**{name}**" if name in metrics.networks else name]
        cells += [format_number(rows[name]["test"][metric]) for metric in labels]
        cells += [format_mean(rows[name].get("spread", {}).get("test", {}).get(primary))]
        cells += [format_signed(networks[name]["difference"]) if name in networks else ""]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield f"Validation {labels[primary]} selects the best models; the metrics are of the test set."
    sample = metrics.baselines.get(baseline["name"], {}).get("trained_rows")
    if sample:
        yield f"Baselines were trained on a random sample of {sample:,} training rows."


def list_settings(before: Revision, now: Revision) -> Iterator[str]:
    """List the settings that differ, so that a change of metrics has its cause beside it."""
    settings = changed_settings(before, now)
    for setting in settings:
        yield f"- `{setting.name}`: {setting.before} → {setting.after}"
    if settings:
        yield ""


def list_changes(before: Revision, now: Revision) -> Iterator[str]:
    """List the test metrics that differ."""
    changes = list(changed_metrics(before, now))
    if not before.metrics.keys() & now.metrics.keys():
        yield "It has no metrics of these data sets."
    elif not changes:
        yield "No test metric differs."
    else:
        yield from table_head(["data set", "model", "test", "before", "now", "change", "verdict"])
        yield from (f"| {change.dataset} | {' | '.join(change.cells)} |" for change in changes)
        yield ""
        yield WITHIN_SD


def table_head(heads: list[str]) -> list[str]:
    return [f"| {' | '.join(heads)} |", f"{'|---' * len(heads)}|"]
