"""What to do next: at most three suggestions, each with its evidence in the results.

A suggestion follows from what a stage measured; none repeats what the settings already have.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

import pandas as pd

from fathom.artifacts.ranking import is_better
from fathom.artifacts.search_result import SearchResult
from fathom.messages.origins import select
from fathom.report.digits import format_rounded
from fathom.report.more_rows import describe_gain, helps
from fathom.report.regression import error_groups
from fathom.report.results import DatasetResults, NetworkResults

MOST = 3
LATE = 0.97  # of the epochs: a best epoch after them may not be the last improvement
STRONG = 0.1  # of the most important column: a weaker interaction is not worth a cross
WORSE = 1.25  # times the error of all rows
LEAST_ROWS = 30  # whose error is taken for more than chance
FAULTS = {
    "giveaway": "Check a column that reveals the target",
    "combination": "Check columns whose sum is the target",
    "duplicates": "Remove duplicates",
    "drift": "Find out why the sets differ",
}


@dataclass(frozen=True)
class NextStep:
    """What to do and why; `code` are settings or a command, if there are any."""

    kind: str
    action: str
    evidence: str
    code: str = ""


def suggest(
    results: DatasetResults, searches: list[SearchResult], features: pd.DataFrame
) -> list[NextStep]:
    """Return the most important suggestions, the first one first.

    `features` are the most important columns of the shown test rows.
    """
    found = chain(
        faults_of_data(results),
        better_settings(results, searches),
        average_of_runs(results),
        more_epochs(results),
        crosses(results),
        first_search(results, searches),
        weak_rows(results, features),
        more_rows(results),
    )
    return list(islice(found, MOST))


def faults_of_data(results: DatasetResults) -> Iterator[NextStep]:
    for kind, action in FAULTS.items():
        warning = next((w for w in results.warnings if w.kind == kind), None)
        if warning:
            sentence = warning.sentence
            yield NextStep(kind, action, f"{sentence[0].upper()}{sentence[1:]}.")


def better_settings(results: DatasetResults, searches: list[SearchResult]) -> Iterator[NextStep]:
    """Suggest the best settings of a search that are better than those in use."""
    metric = results.primary_metric
    now = results.best.metrics["valid"][metric]
    for search in searches:
        value = search.figures.get("valid", {}).get(metric)
        if value is None or not is_better(metric, value, now):
            continue
        if not any(n.name == search.model and has_settings(n, search) for n in results.networks):
            yield NextStep(
                "search",
                f"Use the best settings of the search for {search.model}",
                f"Their validation {results.labels[metric]} is {format_rounded(value)}, that of "
                f"{results.best.name} {format_rounded(now)}.",
                " ".join(["dvc exp run", *(f"-S '{o}'" for o in search.overrides)]),
            )
            return


def has_settings(network: NetworkResults, search: SearchResult) -> bool:
    """Tell whether a network was trained with the settings of a search's best trial."""
    trial = next(trial for trial in search.trials if trial.number == search.best)
    used = network.run["settings"]
    return all(
        select(used, key) == value
        for key, value in trial.settings.items()
        if key.partition(".")[0] in used  # those of `scale` are not recorded
    )


def average_of_runs(results: DatasetResults) -> Iterator[NextStep]:
    """Suggest the average of runs, where it was measured but is not what is saved."""
    metric, network = results.primary_metric, results.best
    if network.ensemble is None:
        return
    one, mean = network.metrics["valid"][metric], network.ensemble["valid"][metric]
    if is_better(metric, mean, one):
        yield NextStep(
            "ensemble",
            f"Average the {len(network.run['runs'])} runs of {network.name}",
            f"The validation {results.labels[metric]} of their mean prediction is "
            f"{format_rounded(mean)}, that of the best run {format_rounded(one)}.",
            "train.ensemble: true",
        )


def more_epochs(results: DatasetResults) -> Iterator[NextStep]:
    network = results.best
    history = network.history[network.history["seed"] == network.run["seed"]]
    best = int(history.loc[history["val_loss"].idxmin(), "epoch"])
    epochs = int(network.run["epochs"])
    if best >= LATE * epochs and len(history) == epochs:
        yield NextStep(
            "epochs",
            f"Train {network.name} longer",
            f"The validation loss is lowest in epoch {best} of {epochs}: it was still falling.",
            f"train.epochs: {2 * epochs}",
        )


def crosses(results: DatasetResults) -> Iterator[NextStep]:
    """Suggest crosses of strongly interacting columns; explain lists only those not in use."""
    explanation = results.explanation
    if not explanation.get("crosses") or not explanation.get("pairs"):
        return
    pair, column = explanation["pairs"][0], explanation["importance"][0]
    wide = [n.name for n in results.networks if n.name.startswith("wide")]
    if wide and pair["mean_absolute"] > STRONG * column["mean_absolute"]:
        size, most = (format_rounded(line["mean_absolute"], 2) for line in (pair, column))
        yield NextStep(
            "crosses",
            f"Cross {' and '.join(pair['columns'])} for {wide[0]}",
            f"They interact most: {size} on average, while {column['column']}, the most important "
            f"column, contributes {most}. In conf/dataset/{results.problem.dataset}.yaml:",
            explanation["crosses"],
        )


def first_search(results: DatasetResults, searches: list[SearchResult]) -> Iterator[NextStep]:
    """Suggest a search where networks are no better than the best baseline."""
    verdict = results.comparison["networks"][results.best.name]["verdict"]
    if searches or verdict == "better":
        return
    dataset, best = results.problem.dataset, results.best.name
    baseline = results.comparison["baseline"]["name"]
    reason = "is worse than" if verdict == "worse" else "can't be told apart from"
    yield NextStep(
        "first_search",
        "Search for better settings",
        f"{best} {reason} {baseline}, and no settings have been searched for {dataset}.",
        f"fathom search dataset={dataset} model={best} search=random trials=50",
    )


def weak_rows(results: DatasetResults, features: pd.DataFrame) -> Iterator[NextStep]:
    """Suggest more rows of the kind whose error is largest."""
    if results.problem.main.task == "classification":
        yield from weak_class(results)
        return
    worst = None
    predicted = results.best.predictions["predicted"].rename("predictions of")
    for name, column in [*features.items(), ("predictions of", predicted)]:
        groups, rmse = error_groups(results.best, column)
        groups = groups[groups["rows"] >= LEAST_ROWS]
        if len(groups):
            place = groups.sort_values("rmse").iloc[-1]
            error = float(place["rmse"])
            if error > WORSE * rmse and (worst is None or error > worst[1]):
                worst = f"{name} {place['value']}", error, rmse, int(place["rows"])
    if worst:
        where, error, rmse, rows = worst
        yield NextStep(
            "weak_rows",
            f"Collect more rows, or columns that tell more, for {where}",
            f"The RMSE of these {rows:,} test rows is {format_rounded(error)}, that of all rows "
            f"{format_rounded(rmse)}.",
        )


def weak_class(results: DatasetResults) -> Iterator[NextStep]:
    table = results.best.predictions
    right = (table["actual"] == table["predicted"]).groupby(table["actual"]).agg(["mean", "size"])
    right = right[right["size"] >= LEAST_ROWS]
    if len(right) and right["mean"].min() < 1:
        lowest = right.sort_values("mean", kind="stable").iloc[0]
        name, recall, rows = lowest.name, float(lowest["mean"]), int(lowest["size"])
        yield NextStep(
            "weak_rows",
            f"Look at the mistakes in class {name}, or collect more of its rows",
            f"Its recall of {format_rounded(recall)} ({rows:,} test rows) is the lowest.",
        )


def more_rows(results: DatasetResults) -> Iterator[NextStep]:
    if helps(results):
        evidence = f"{describe_gain(results)}: more would probably improve it further."
        yield NextStep("more_rows", "Collect more rows", evidence)
