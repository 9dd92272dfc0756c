"""What a reader wants to know first: which network, how good, against what, and what for."""

from typing import Any

from fathom.artifacts.ranking import SECOND_METRIC, higher_is_better
from fathom.evaluate.formatting import format_percent, format_share, join_words
from fathom.report import classification
from fathom.report.charts import unit_suffix
from fathom.report.digits import format_fixed, format_rounded
from fathom.report.results import DatasetResults

TOLERANCE = 0.1  # of the true value


def describe_headline(results: DatasetResults, decimals: dict[str, int]) -> dict[str, Any]:
    """Return numbers and sentences about the best network on the validation set.

    All are of the model that is saved and compared: the average of the runs, or the best of them.
    """
    output, best, metric = results.problem.main, results.best, results.primary_metric
    count = len(best.run["runs"])
    runs = "" if count == 1 else f"{'average' if best.run['ensemble'] else 'best'} of {count} runs"
    unit = output.unit if metric == "rmse" else None
    interval = results.comparison["intervals"][best.name]
    worth = describe_regression if output.task == "regression" else describe_classification
    low, high = (format_fixed(interval[end], decimals[metric]) for end in ("low", "high"))
    label = f"test {results.labels[metric]}{f', {unit}' if unit else ''}"
    label += f"; {format_percent(results.confidence)} interval {low} to {high}"
    return {
        "name": best.name,
        "runs": runs,
        "metric": metric,
        "value": best.metrics["test"][metric],
        "interval": interval,
        "text": format_fixed(best.metrics["test"][metric], decimals[metric]),
        "label": label,
        "worth": worth(results),
        "comparison": describe_comparison(results, decimals[metric]),
        "ties": describe_ties(results),
    }


def describe_comparison(results: DatasetResults, decimals: int) -> dict[str, Any]:
    """Say whether the network is better than the best baseline, and whether that is significant."""
    baseline = results.comparison["baseline"]
    compared = results.comparison["networks"][results.best.name]
    known = f"{baseline['name']}, the best baseline ({format_fixed(baseline['figure'], decimals)})"
    if compared["verdict"] == "can't be told apart":
        start = f"Can't be told apart from {known}"
    else:
        start = f"Significantly {compared['verdict']} than {known}"
    # Smaller errors and higher accuracies are both shown as gains, and losses as positive numbers.
    sign = 1 if higher_is_better(results.primary_metric) else -1
    verb = "gains" if sign * compared["difference"] >= 0 else "loses"
    sign = sign if verb == "gains" else -sign
    size, *ends = (sign * compared[key] for key in ("difference", "low", "high"))
    low, high = (format_rounded(end, 2) for end in sorted(ends))
    return {
        "baseline": baseline["name"],
        "verdict": compared["verdict"],
        "sentence": (
            f"{start}: it {verb} {format_rounded(size, 2)}, "
            f"{format_percent(results.confidence)} interval "
            f"{low} to {high}."
        ),
    }


def describe_ties(results: DatasetResults) -> str:
    """Name the networks that are as good as the best one, on the validation or on the test set."""
    metric, best = results.primary_metric, results.best
    value = best.metrics["valid"][metric]
    equal = [n.name for n in results.networks if n.metrics["valid"][metric] == value]
    alike = [
        next(name for name in pair["networks"] if name != best.name)
        for pair in results.comparison["pairs"]
        if best.name in pair["networks"] and pair["verdict"] == "can't be told apart"
    ]
    sentences = []
    if len(equal) > 1:
        label = results.labels[metric]
        why = "the first of them is shown"
        if SECOND_METRIC in best.metrics["valid"]:
            why = f"{best.name} is shown, for its lower cross-entropy"
        sentences.append(f"{join_words(equal)} have the same validation {label}; {why}.")
    if alike:
        sentences.append(f"{join_words(alike)} can't be told apart from it on the test set.")
    return " ".join(sentences)


def describe_regression(results: DatasetResults) -> dict[str, Any]:
    """Return the typical error, and the share of predictions near the true value."""
    table, output = results.best.predictions, results.problem.main
    errors = (table["predicted"] - table["actual"]).abs()
    typical = float(errors.median())
    unit = unit_suffix(output.unit)
    sentence = f"Half of its predictions are off by less than {format_rounded(typical)}{unit}"
    facts: dict[str, Any] = {"median_error": typical}
    # A share of the true value means little where values are near zero or of both signs.
    if float(table["actual"].quantile(0.05)) > 0:
        near = float((errors <= TOLERANCE * table["actual"]).mean())
        facts["within_tolerance"] = near
        sentence += f", and {format_share(near)} are within ±{format_percent(TOLERANCE)} of the "
        sentence += "true value"
    return facts | {"sentence": f"{sentence}."}


def describe_classification(results: DatasetResults) -> dict[str, Any]:
    """Return how many of 1,000 rows are right, and the most frequent confusion."""
    table = results.best.predictions
    accuracy = results.best.metrics["test"]["accuracy"]
    right = round(1000 * accuracy)
    facts: dict[str, Any] = {"right_of_1000": right}
    sentence = f"Of 1,000 new rows, it classifies about {right:,} correctly."
    wrong = table[table["actual"] != table["predicted"]]
    if len(wrong):
        most = classification.count_pairs(wrong).iloc[0]
        actual, predicted, rows = str(most["actual"]), str(most["predicted"]), int(most["rows"])
        of_class = int((table["actual"] == actual).sum())
        facts["confusion"] = {
            "actual": actual, "predicted": predicted, "rows": rows, "of": of_class,
        }  # fmt: skip
        sentence += (
            f" Its most frequent mistake: {rows:,} of {of_class:,} rows of class {actual} are "
            f"taken for {predicted}."
        )
        share = facts["largest_class"] = float(table["actual"].value_counts(normalize=True).max())
        chance = round(1000 * share)
        sentence += f" Always naming the most frequent class would be right in {chance:,} of 1,000."
    return facts | {"sentence": sentence}
