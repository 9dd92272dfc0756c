"""What `fathom fit` prints at its end."""

from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import PRIMARY_METRIC, read_comparison, read_metrics
from fathom.base import paths
from fathom.evaluate.formatting import METRIC_LABELS, format_number
from fathom.fit.progress import Progress


def print_summary(name: str, model: str, progress: Progress) -> None:
    """Print the metrics of the model and of the best baseline, the files, and what is left out."""
    task = Problem.read(name).main.task
    metric = PRIMARY_METRIC[task]
    label = METRIC_LABELS[task][metric]
    metrics, comparison = read_metrics(name, model), read_comparison(name)
    own = comparison["networks"][model]
    values = (metrics["valid"][metric], metrics["test"][metric], comparison["baseline"]["figure"])
    valid, test, base = map(format_number, values)
    progress.tick(force=True)
    print(f"{name}/{model}: {label} {test} on the test set, {valid} on validation rows")
    word = "than" if own["verdict"] in ("better", "worse") else "from"
    print(f"  {own['verdict']} {word} {comparison['baseline']['name']}, {base}")
    print(f"  {paths.REPORT}, {paths.export(name, model)}/, conf/experiment/{name}.yaml")
    print(f"  fathom predict {name}/{model} new.csv --output predicted.csv")
    for text in progress.left_out:
        print(f"  left out, for lack of time: {text}")
    print(f"  {progress.used / 60:.1f} of {progress.minutes:g} minutes")
