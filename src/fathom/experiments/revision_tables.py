"""`fathom compare`: tables of revisions, at most as wide as the terminal."""

import os
import sys

from rich import box
from rich.console import Console
from rich.table import Table

from fathom.artifacts.ranking import higher_is_better
from fathom.experiments.differences import (
    CODE,
    LABELS,
    WITHIN_SD,
    changed_files,
    changed_metrics,
    changed_settings,
    summarize,
)
from fathom.experiments.revisions import (
    WORKSPACE,
    Revision,
    experiments,
    read_experiment,
    read_revision,
)

PLAIN_WIDTH = 100  # columns of an output that is no terminal
MAX_SETTINGS = 4  # of a revision in a list
MAX_FILES = 5


def make_console() -> Console:
    """Return a console as wide as the terminal; $COLUMNS overrides it."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(width=width, highlight=False, markup=False, emoji=False)


def make_table(title: str, *heads: str) -> Table:
    table = Table(
        title=f"\n{title}", title_justify="left", title_style="bold",
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    for head in heads:
        table.add_column(head, overflow="fold")
    return table


def print_revisions(last: int) -> None:
    """Print the best network of each revision by data set, the best revision first.

    Args:
        last: the number of experiments, the newest ones.
    """
    console, names = make_console(), experiments()
    head = read_revision("HEAD")
    newest = [read_experiment(name, *names[name]) for name in list(names)[:last]]
    revisions = [read_revision(WORKSPACE), head, *newest]
    settings = {revision.name: describe_settings(head, revision) for revision in revisions}
    datasets = dict.fromkeys(dataset for revision in revisions for dataset in revision.metrics)
    for dataset in datasets:
        found = [revision for revision in revisions if dataset in revision.metrics]
        metric = found[0].metrics[dataset].primary
        rows = []
        for revision in found:
            metrics = revision.metrics[dataset]
            if metrics.primary == metric:
                mean, _, text = summarize(metrics.networks[metrics.best], metric)
                rows.append((mean, revision.name, text, metrics.best, settings[revision.name]))
        rows.sort(key=lambda row: row[0], reverse=higher_is_better(metric))
        table = make_table(dataset, "", f"test {LABELS[metric]}", "network", "differs from HEAD in")
        table.columns[1].no_wrap = True
        for _, *cells in rows:
            table.add_row(*cells)
        console.print(table)
    if not datasets:
        console.print("There are no metrics yet: make them with `dvc repro`.")
    else:
        console.print(
            "\nMean ± standard deviation over runs of the best network on validation data."
        )
    if len(names) > last:
        older = f"{len(names) - last} older experiment{'s' if len(names) - last > 1 else ''}"
        console.print(f"{older}: `fathom compare --last {len(names)}`")


def describe_settings(head: Revision, revision: Revision) -> str:
    """Return the settings of a revision that differ, one a line."""
    lines = [f"{setting.name}={setting.after}" for setting in changed_settings(head, revision)]
    if changed_files(head, revision, CODE):
        lines.append("code or data")
    return "\n".join(shorten(lines, MAX_SETTINGS))


def shorten(lines: list[str], most: int) -> list[str]:
    rest = len(lines) - most
    return [*lines[:most], f"and {rest} more"] if rest > 1 else lines


def print_differences(before: Revision, after: Revision) -> None:
    """Print commits, code, settings and test metrics that differ between two revisions."""
    console = make_console()
    names = before.name, after.name
    for revision in (before, after):
        console.print(f"{revision.name}: {describe_commit(revision)}")
    code = shorten(changed_files(before, after, CODE), MAX_FILES)
    console.print(f"Code and data: {', '.join(code) or 'no file differs'}")
    settings = changed_settings(before, after)
    if settings:
        table = make_table("Settings", "file", "key", *names)
        for setting in settings:
            table.add_row(setting.file, setting.key, setting.before, setting.after)
        console.print(table)
    else:
        console.print("Settings: none differs")
    if any(setting.key.startswith("split.") for setting in settings):
        console.print("\nThe split differs: the metrics are of other test rows.")
    print_metrics(console, before, after)


def describe_commit(revision: Revision) -> str:
    if revision.name == WORKSPACE:
        return f"the working folder, on commit {revision.commit}"
    if revision.name in experiments():
        return f"experiment on commit {revision.commit}"
    return f"commit {revision.commit}"


def print_metrics(console: Console, before: Revision, after: Revision) -> None:
    changes = list(changed_metrics(before, after))
    for dataset in dict.fromkeys(change.dataset for change in changes):
        heads = "model", "test", before.name, after.name, "change", "verdict"
        table = make_table(dataset, *heads)
        for change in changes:
            if change.dataset == dataset:
                table.add_row(*change.cells)
        console.print(table)
    if changes:
        console.print(f"\n{WITHIN_SD}")
    elif before.metrics.keys() & after.metrics.keys():
        console.print("Test metrics: none differs")
    else:
        console.print("Test metrics: no data set has metrics in both")
