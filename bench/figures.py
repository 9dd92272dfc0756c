"""Compares our test metrics with published ones:

PYTHONPATH=src python bench/figures.py [--only DATASET]

Runs the experiments in `published.yaml` as DVC experiments in a copy of the project, reads their
metrics, and writes the table to docs/comparing.md between its two marks. Networks in DVC's cache
are not trained again; from nothing it takes an hour. Fashion-MNIST is downloaded, or copied from
the mirror that `FATHOM_MIRROR` names.
"""

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from project_copy import ROOT, markdown_table, run

from fathom.evaluate.formatting import format_mean
from fathom.search.dvc_experiment import experiment_problem

PUBLISHED = Path(__file__).with_name("published.yaml")
MARKS = ("<!-- figures: made by `make figures` -->", "<!-- figures end -->")
LABELS = {"rmse": "RMSE", "accuracy": "accuracy"}
HEAD = ("data set", "test", "ours", "metric", "published", "metric", "source")


def run_experiment(dataset: str, experiment: str, models: set[str]) -> dict[str, Any]:
    """Run an experiment, and return the metrics of its networks and baselines."""
    name = f"figures-{dataset}-{experiment}".replace("_", "-")
    networks = sorted(models & {file.stem for file in (ROOT / "conf/model").glob("*.yaml")})
    settings = [f"datasets=[{dataset}]", f"models=[{','.join(networks)}]"]
    options = [f"-S{setting}" for setting in [*settings, f"experiment={experiment}"]]
    for reference in references(name):  # dvc exp run -f would ignore DVC's cache
        run(ROOT, "git", "update-ref", "-d", reference)
    run(ROOT, "dvc", "exp", "run", "-q", "--temp", "-n", name, *options, "evaluate", "baseline")
    (reference,) = references(name)
    metrics = {}
    for model in [*networks, "baseline"]:
        _, text = run(ROOT, "git", "show", f"{reference}:./metrics/{dataset}/{model}.json")
        metrics[model] = json.loads(text)
    return {**metrics, **metrics.pop("baseline")}


def references(name: str) -> list[str]:
    """Return Git's references of the experiments of a name."""
    pattern = f"refs/exps/*/*/{name}"
    return run(ROOT, "git", "for-each-ref", "--format=%(refname)", pattern)[1].splitlines()


def format_metric(metrics: dict[str, Any], metric: str) -> str:
    """Return a test metric, with mean and standard deviation if there are several runs."""
    spread = metrics.get("spread", {}).get("test", {}).get(metric)
    return format_mean(spread) or f"{metrics['test'][metric]:.3f}"


def rows(published: dict[str, Any]) -> Iterator[list[str]]:
    for dataset, entry in published.items():
        models = defaultdict(set)
        for line in entry["results"]:
            models[line.get("experiment", "none")].add(line["model"])
        metrics = {name: run_experiment(dataset, name, models[name]) for name in models}
        for line in entry["results"]:
            experiment, model = line.get("experiment", "none"), line["model"]
            name = model if experiment == "none" else f"{model}, `{experiment}`"
            ours = format_metric(metrics[experiment][model], entry["metric"])
            theirs = [line["what"], line["published"], line["source"]]
            yield [dataset, LABELS[entry["metric"]], name, ours, *theirs]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", help="a data set: print its table, and change no file")
    only = parser.parse_args().only
    if problem := experiment_problem():
        parser.error(problem)
    published = yaml.safe_load(PUBLISHED.read_text())
    table = markdown_table(HEAD, rows({only: published[only]} if only else published))
    print(table)
    if not only:
        document = ROOT / "docs/comparing.md"
        marked = re.compile(f"({re.escape(MARKS[0])}\n).*?({re.escape(MARKS[1])})", re.DOTALL)
        text = marked.sub(lambda m: f"{m[1]}\n{table}\n\n{m[2]}", document.read_text())
        document.write_text(text)


if __name__ == "__main__":
    main()
